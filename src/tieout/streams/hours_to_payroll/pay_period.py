"""The pay periods of a firm: which one a day belongs to, and which ones are over. Pure.

Months and half months follow the calendar; weeks and pairs of weeks are counted from the first day that payrolls are
told of.
"""

from datetime import date, timedelta
from typing import Final

import msgspec

from tieout.model.stream_policy import HoursToPayroll, PayPeriod

_MIDDLE: Final = 16
"""The day of a month on which its second half begins."""
_WEEK_DAYS: Final = 7


class Period(msgspec.Struct, frozen=True, order=True):
    """A pay period from ``starts`` until before ``ends``; ``name`` as payrolls are told it."""

    starts: date
    ends: date
    name: str


def period_of(day: date, policy: HoursToPayroll) -> Period:
    """The pay period that ``day`` belongs to."""
    match policy.pay_period:
        case PayPeriod.MONTH:
            return Period(day.replace(day=1), _next_month(day), f"{day:%Y-%m}")
        case PayPeriod.HALF_MONTH:
            if day.day < _MIDDLE:
                return Period(day.replace(day=1), day.replace(day=_MIDDLE), f"{day:%Y-%m}-1")
            return Period(day.replace(day=_MIDDLE), _next_month(day), f"{day:%Y-%m}-2")
        case PayPeriod.WEEK:
            return _counted(day, policy.first_day, _WEEK_DAYS)
        case PayPeriod.TWO_WEEKS:
            return _counted(day, policy.first_day, 2 * _WEEK_DAYS)


def told_before(today: date, policy: HoursToPayroll) -> date:
    """Hours of days before this one are told: their pay periods ended at least ``cut_off_days`` before ``today``."""
    return period_of(today - timedelta(days=policy.cut_off_days), policy).starts


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def _counted(day: date, anchor: date, length: int) -> Period:
    starts = anchor + timedelta(days=(day - anchor).days // length * length)
    return Period(starts, starts + timedelta(days=length), starts.isoformat())
