"""When a repeating allocation or absence happens. Pure.

Reference "Allocations", ``repeat_state``: 0 no repeat, 1 weekly, 2 monthly, 3 to 5 every two, three and six weeks,
6 to 8 every two, three and six months, 9 yearly. ``repeat_end_date`` is the last day on which it may start again. A
month without the day is taken to its last day; the vendor does not say.
"""

import calendar
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import count
from typing import Final

from tieout.connectors.float.fields import UnmappableError

_WEEKS: Final = {1: 1, 3: 2, 4: 3, 5: 6}
_MONTHS: Final = {2: 1, 6: 2, 7: 3, 8: 6, 9: 12}
_YEAR_MONTHS: Final = 12
_MOST: Final = 1_000


def repeats(state: int | None) -> bool:
    """Whether something happens again; raises UnmappableError for a state that is unknown."""
    if state and state not in _WEEKS and state not in _MONTHS:
        raise UnmappableError(f"the repeat state {state} is unknown")
    return bool(state)


def occurrences(first: date, last: date, *, state: int | None, until: date | None) -> list[tuple[date, date]]:
    """First and last day of each time it happens, in order.

    Raises UnmappableError for one that ends before it starts, for a state that is unknown, for a repetition without an
    end and for one of more than a thousand times.
    """
    if last < first:
        raise UnmappableError(f"it ends on {last}, before it starts on {first}")
    if not repeats(state):
        return [(first, last)]
    if until is None:
        raise UnmappableError("it repeats and does not say until when")
    length = last - first
    found: list[tuple[date, date]] = []
    for starts in _starts(first, state or 0):
        if starts > until and found:
            break
        if len(found) == _MOST:
            raise UnmappableError(f"it repeats more than {_MOST} times until {until}")
        found.append((starts, starts + length))
    return found


def _starts(first: date, state: int) -> Iterator[date]:
    for number in count():
        if state in _WEEKS:
            yield first + timedelta(weeks=number * _WEEKS[state])
        else:
            yield _months_later(first, number * _MONTHS[state])


def _months_later(day: date, months: int) -> date:
    year, month = divmod(day.year * _YEAR_MONTHS + day.month - 1 + months, _YEAR_MONTHS)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
