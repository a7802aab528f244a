"""Accounting periods: half-open spans of days per legal entity, and which one a day is posted in."""

from bisect import bisect_right
from collections.abc import Iterable
from datetime import date
from enum import StrEnum

import msgspec

from tieout.errors import ContractError


class PeriodState(StrEnum):
    """Domain model 1.4. Only OPEN and SOFT_CLOSED take adjustments; only OPEN takes new time."""

    FUTURE = "future"
    OPEN = "open"
    SOFT_CLOSED = "soft_closed"
    CLOSED = "closed"


class AccountingPeriod(msgspec.Struct, frozen=True, kw_only=True):
    """One period of one legal entity: days in [starts, ends)."""

    entity: str
    code: str
    starts: date
    ends: date
    state: PeriodState

    def __post_init__(self) -> None:
        """Refuse a period without days."""
        if self.ends <= self.starts:
            raise ContractError(
                code="TIE-PERIOD-001",
                message=f"Period {self.code} of {self.entity} ends {self.ends}, not after it starts ({self.starts}).",
            )

    @property
    def takes_time(self) -> bool:
        """Whether time may be posted in it."""
        return self.state is PeriodState.OPEN


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

    def of(self, entity: str) -> tuple[AccountingPeriod, ...]:
        """All periods of ``entity`` in order."""
        return tuple(self._by_entity.get(entity, ()))

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


def weekly_pattern_periods(
    entity: str, *, first_day: date, weeks: tuple[int, ...], year: int
) -> list[AccountingPeriod]:
    """A year of periods by weeks, for example ``(4, 4, 5) * 4`` or ``(4,) * 13``, as future periods."""
    periods = []
    start = first_day.toordinal()
    for number, length in enumerate(weeks, start=1):
        end = start + 7 * length
        periods.append(
            AccountingPeriod(
                entity=entity,
                code=f"{year}-P{number:02d}",
                starts=date.fromordinal(start),
                ends=date.fromordinal(end),
                state=PeriodState.FUTURE,
            )
        )
        start = end
    return periods
