"""What the demo's plans came to: forecast and capacity of the weeks to come, and whether every booking is in them.

The resource tool is read past its API and held against the bookings that the hub plans with, one by one. Neighbours:
``bookings`` makes the sample's plans, ``surroundings`` runs the tool.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Final, TypeAlias

import msgspec
import psycopg

from tieout.sample.surroundings import World
from tieout.streams.plan_to_allocate.capacity import By, CapacityWeek, capacity
from tieout.streams.plan_to_allocate.forecast import ForecastWeek, Grouping, Selection, forecast, monday_of

ASSIGNMENT: Final = "assignment"
_WEEKS_SHOWN: Final = 4
_COMPARED: Final = ("person", "project", "starts", "ends", "hours_per_day", "state")
Facts: TypeAlias = Mapping[str, str]


class PlanResult(msgspec.Struct, frozen=True, kw_only=True):
    """The weeks to come by legal entity, and how the bookings agree: how many, how many facts, and what differs."""

    forecast: list[ForecastWeek]
    capacity: list[CapacityWeek]
    bookings: int
    facts: int
    disagreements: list[str]

    @property
    def holds(self) -> bool:
        """Whether the hub plans with what the resource tool holds."""
        return not self.disagreements


def judge_plan(conn: psycopg.Connection[tuple[object, ...]], world: World, today: date) -> PlanResult:
    """What the hub plans from the week of ``today`` on, and what the resource tool really holds."""
    chosen = Selection(starts=monday_of(today), weeks=_WEEKS_SHOWN)
    told = {one.id: one.facts for one in world.planner.admin.holdings() if one.kind == ASSIGNMENT}
    return PlanResult(
        forecast=forecast(conn, chosen, Grouping.ENTITY),
        capacity=capacity(conn, chosen, By.ENTITY, person=None, role=None),
        bookings=len(told),
        facts=sum(len(facts) for facts in told.values()),
        disagreements=list(differences(told, _bookings(conn))),
    )


def differences(told: Mapping[str, Facts], planned: Mapping[str, Facts]) -> Iterator[str]:
    """What the hub does not plan as the resource tool holds it, in words; by the tool's key of the booking."""
    for key in sorted(told.keys() | planned.keys()):
        if key not in planned:
            yield f"Booking {key} of the resource tool is not planned with."
        elif key not in told:
            yield f"Booking {key} is planned with, and the resource tool does not hold it."
        else:
            for name in _COMPARED:
                there, here = told[key].get(name), planned[key].get(name)
                if there != here:
                    yield f"Booking {key}: the resource tool says {name} {there}, the hub {here}."


def _bookings(conn: psycopg.Connection[tuple[object, ...]]) -> dict[str, Facts]:
    rows = conn.execute(
        """
        select b.source_id, p.code, j.code, b.starts, b.ends, b.hours_per_day, b.state
          from booking b
          left join golden_record p on p.record_id = b.resource_id
          join golden_record j on j.record_id = b.project_id
         where b.state in ('soft', 'hard')
        """
    ).fetchall()
    return {
        str(row[0]): {
            "person": str(row[1]),
            "project": str(row[2]),
            "starts": str(row[3]),
            "ends": str(row[4]),
            "hours_per_day": f"{Decimal(str(row[5])).normalize():f}",
            "state": str(row[6]),
        }
        for row in rows
    }
