"""Bookings as the plan reads them, and the hours that each takes of each day. Pure.

A booking says how much in one of three ways: so many hours on each day that the person works, a share of what the
person can do that day, or hours named day by day. Neighbours: ``calendar`` knows the days, ``priced_week`` what the
hours are worth.
"""

from collections.abc import Iterator, Mapping, Sequence
from enum import IntEnum
from typing import Final

import msgspec

from tieout.model.money import RoundingMode, round_quotient
from tieout.streams.plan_to_allocate.calendar import DAYS, Day, weeks_between

PERCENT_E4: Final = 1_000_000
"""All of a day, as a percentage in ten-thousandths."""


class Commitment(IntEnum):
    """How firmly a booking stands in the plan."""

    SOFT = 1
    HARD = 2


class Booking(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One booking from day ``starts`` until before ``ends``; ``person_id`` is None while nobody fills the role.

    Exactly one of ``per_day_e4``, ``percent_e4`` and ``by_day`` says how much.
    """

    booking_id: int
    system_id: int
    source_id: str
    state: str
    commitment: Commitment
    project_id: int
    starts: int
    ends: int
    person_id: int | None = None
    task_id: int | None = None
    role_id: int | None = None
    per_day_e4: int | None = None
    percent_e4: int | None = None
    by_day: Mapping[int, int] | None = None
    location: str | None = None

    def hours_on(self, day: int, capacity_e4: int) -> int:
        """The hours it takes of ``day``, of which the person has ``capacity_e4``."""
        if not self.starts <= day < self.ends:
            return 0
        if self.by_day is not None:
            return self.by_day.get(day, 0)
        if not capacity_e4:
            return 0
        if self.percent_e4 is not None:
            return round_quotient(capacity_e4 * self.percent_e4, PERCENT_E4, RoundingMode.HALF_UP)
        return self.per_day_e4 or 0

    @property
    def weeks(self) -> range:
        """The Mondays of the weeks it lies in."""
        return weeks_between(self.starts, self.ends)


def hours_of_week(booking: Booking, week: int, days: Sequence[Day]) -> Iterator[tuple[int, int]]:
    """Day and hours of each day of a week that the booking takes hours of; ``days`` are the person's."""
    for at in range(max(0, booking.starts - week), min(DAYS, booking.ends - week)):
        hours_e4 = booking.hours_on(week + at, days[at].capacity_e4)
        if hours_e4:
            yield week + at, hours_e4
