"""One week of one person: what can be worked, what is booked on it, and by how much firm bookings exceed it. Pure."""

from collections.abc import Iterable, Sequence

import msgspec

from tieout.streams.plan_to_allocate.booked_hours import Booking, Commitment, hours_of_week
from tieout.streams.plan_to_allocate.calendar import DAYS, Day


class PersonWeek(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Hours of a person's week. ``over_e4`` sums up, day by day, what is firmly booked beyond what the day has.

    ``over_from`` is the first such day and ``over_until`` the day after the last; both None without any.
    """

    person_id: int
    week: int
    calendar_e4: int
    holiday_e4: int
    time_off_e4: int
    hard_e4: int = 0
    soft_e4: int = 0
    over_e4: int = 0
    over_from: int | None = None
    over_until: int | None = None

    @property
    def capacity_e4(self) -> int:
        """The hours that can be booked."""
        return self.calendar_e4 - self.holiday_e4 - self.time_off_e4


def person_week(person_id: int, week: int, days: Sequence[Day], bookings: Iterable[Booking]) -> PersonWeek:
    """Add up a week; ``bookings`` are all of the person's that touch it, ``days`` its seven days."""
    booked = {Commitment.SOFT: 0, Commitment.HARD: 0}
    firm = [0] * DAYS
    for one in bookings:
        for day, hours_e4 in hours_of_week(one, week, days):
            booked[one.commitment] += hours_e4
            if one.commitment is Commitment.HARD:
                firm[day - week] += hours_e4
    over = [max(0, taken - day.capacity_e4) for taken, day in zip(firm, days, strict=True)]
    full = [week + at for at, hours_e4 in enumerate(over) if hours_e4]
    return PersonWeek(
        person_id=person_id,
        week=week,
        calendar_e4=sum(day.calendar_e4 for day in days),
        holiday_e4=sum(day.holiday_e4 for day in days),
        time_off_e4=sum(day.time_off_e4 for day in days),
        hard_e4=booked[Commitment.HARD],
        soft_e4=booked[Commitment.SOFT],
        over_e4=sum(over),
        over_from=full[0] if full else None,
        over_until=full[-1] + 1 if full else None,
    )
