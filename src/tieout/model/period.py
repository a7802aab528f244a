"""Accounting periods: half-open spans of days per legal entity, and which one a day is posted in.

The ledger owns periods; ``records`` keeps them, ``streams`` and ``outbound`` ask this calendar where a posting goes.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from enum import StrEnum
from itertools import pairwise

import msgspec

from tieout.errors import ContractError


class PeriodState(StrEnum):
    """Domain model 1.4. OPEN takes new time; SOFT_CLOSED takes adjustments only; a reopened period is OPEN again."""

    FUTURE = "future"
    OPEN = "open"
    SOFT_CLOSED = "soft_closed"
    CLOSED = "closed"


class AccountingPeriod(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One period of one legal entity: days in [starts, ends).

    ``state`` is the general ledger's; ``module_states`` holds the modules (receivables, payables, time) that differ.
    """

    entity: str
    code: str
    starts: date
    ends: date
    state: PeriodState
    module_states: dict[str, PeriodState] = {}

    def __post_init__(self) -> None:
        """Refuse a period without days."""
        if self.ends <= self.starts:
            raise ContractError(
                code="TIE-PERIOD-001",
                message=f"Period {self.code} of {self.entity} ends {self.ends}, not after it starts ({self.starts}).",
            )

    def state_of(self, module: str) -> PeriodState:
        """The state of one module, the ledger's where the module has none of its own."""
        return self.module_states.get(module, self.state)

    @property
    def takes_time(self) -> bool:
        """Whether time may be posted in it."""
        return self.state is PeriodState.OPEN

    @property
    def takes_adjustments(self) -> bool:
        """Whether corrections may be posted in it."""
        return self.state in {PeriodState.OPEN, PeriodState.SOFT_CLOSED}


class PeriodCalendar:
    """The periods of all entities; spans of one entity never overlap, gaps are allowed and answer None."""

    def __init__(self, periods: Iterable[AccountingPeriod]) -> None:
        self._by_entity: dict[str, list[AccountingPeriod]] = {}
        for period in sorted(periods, key=lambda one: (one.entity, one.starts)):
            known = self._by_entity.setdefault(period.entity, [])
            if known and known[-1].ends > period.starts:
                raise ContractError(
                    code="TIE-PERIOD-002",
                    message=f"Periods {known[-1].code} and {period.code} of {period.entity} overlap.",
                )
            known.append(period)
        self._starts = {entity: [one.starts for one in known] for entity, known in self._by_entity.items()}

    @classmethod
    def without_gaps(cls, periods: Iterable[AccountingPeriod]) -> "PeriodCalendar":
        """A calendar in which every day between an entity's first and last period has one; refuses gaps."""
        calendar = cls(periods)
        for entity in calendar.entities:
            for starts, ends in calendar.gaps(entity):
                raise ContractError(
                    code="TIE-PERIOD-003", message=f"No period of {entity} covers {starts} until before {ends}."
                )
        return calendar

    @property
    def entities(self) -> tuple[str, ...]:
        """The legal entities that have periods."""
        return tuple(self._by_entity)

    def of(self, entity: str) -> tuple[AccountingPeriod, ...]:
        """All periods of ``entity`` in order."""
        return tuple(self._by_entity.get(entity, ()))

    def gaps(self, entity: str) -> tuple[tuple[date, date], ...]:
        """The spans [from, to) between the periods of ``entity`` that no period covers."""
        known = self.of(entity)
        return tuple((before.ends, after.starts) for before, after in pairwise(known) if before.ends < after.starts)

    def period_of(self, entity: str, day: date) -> AccountingPeriod | None:
        """The period of ``entity`` that holds ``day``, or None."""
        starts = self._starts.get(entity)
        if not starts:
            return None
        at = bisect_right(starts, day) - 1
        if at < 0:
            return None
        found = self._by_entity[entity][at]
        return found if day < found.ends else None

    def first_open_from(self, entity: str, day: date) -> AccountingPeriod | None:
        """The earliest period that takes time and does not end before ``day``, or None."""
        return next((one for one in self._by_entity.get(entity, ()) if one.ends > day and one.takes_time), None)


FOUR_FOUR_FIVE = (4, 4, 5) * 4
THIRTEEN_OF_FOUR = (4,) * 13


def monthly_periods(entity: str, *, first_day: date, months: int = 12) -> list[AccountingPeriod]:
    """Calendar months from the month of ``first_day`` on, as future periods with codes ``YYYY-MM``.

    Raises ContractError when ``first_day`` is not the first of a month.
    """
    if first_day.day != 1:
        raise ContractError(code="TIE-PERIOD-004", message=f"Monthly periods begin on the first, not on {first_day}.")
    starts = [_month(first_day, offset) for offset in range(months + 1)]
    return [
        AccountingPeriod(entity=entity, code=f"{start:%Y-%m}", starts=start, ends=end, state=PeriodState.FUTURE)
        for start, end in pairwise(starts)
    ]


def _month(first_day: date, offset: int) -> date:
    month = first_day.year * 12 + first_day.month - 1 + offset
    return date(month // 12, month % 12 + 1, 1)


def weekly_pattern_periods(entity: str, *, first_day: date, weeks: Sequence[int], year: int) -> list[AccountingPeriod]:
    """A year of periods by weeks, as future periods with codes ``YYYY-Pnn``.

    ``FOUR_FOUR_FIVE`` and ``THIRTEEN_OF_FOUR`` are the usual patterns; the long year of a retail calendar has its
    extra week in the last period, for example ``(*FOUR_FOUR_FIVE[:-1], 6)``. Raises ContractError for a period
    without weeks.
    """
    periods = []
    start = first_day
    for number, length in enumerate(weeks, start=1):
        end = start + timedelta(weeks=length)
        periods.append(
            AccountingPeriod(
                entity=entity, code=f"{year}-P{number:02d}", starts=start, ends=end, state=PeriodState.FUTURE
            )
        )
        start = end
    return periods
