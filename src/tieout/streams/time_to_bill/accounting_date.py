"""Which day a posting falls on: the day of the work while its period is open, else what the entity's policy says."""

from datetime import date

import msgspec

from tieout.model.firm import ClosedPeriodRule
from tieout.model.period import PeriodCalendar


class Placed(msgspec.Struct, frozen=True, kw_only=True):
    """The accounting date, and whether it lies in a later period than the work (domain model 2.7)."""

    day: date
    late: bool


def place(
    calendar: PeriodCalendar, *, entity: str, day: date, rule: ClosedPeriodRule, refused: bool = False
) -> Placed | None:
    """Where work of ``day`` is posted; None where a person must decide or no period is open.

    ``refused`` says that the ledger called the period closed although our calendar has it open: then the first open
    period after it is meant.
    """
    period = calendar.period_of(entity, day)
    if period is not None and period.takes_time and not refused:
        return Placed(day=day, late=False)
    if rule is ClosedPeriodRule.DESK:
        return None
    following = calendar.first_open_from(entity, period.ends if period is not None else day)
    return None if following is None else Placed(day=following.starts, late=True)
