"""What a planner changes in the resource tool shows in forecast and capacity within seconds."""

import time
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from tests.acceptance.hub import Hub, Running, wait_for

from tieout.connect.simulator.control import PutAssignment
from tieout.sample.bookings import sample_plans
from tieout.sample.masters import SIZES, sample_masters
from tieout.sample.surroundings import DemoPlan, Stream, surroundings

pytestmark = pytest.mark.timeout(400)

PLAN = DemoPlan(size="small", seed=1, faults=0.0, erp="netsuite", stream=Stream.PLAN_TO_ALLOCATE.value)
FROM = ("--from", "2026-12-07", "--weeks", "1", "--json")
WITHIN_S = 5.0
_LOOK_S = 0.2


class Hours(msgspec.Struct, frozen=True):
    """Booked hours of one kind."""

    hours: Decimal


class Week(msgspec.Struct, frozen=True):
    """One line of ``forecast --json``."""

    group: str
    hard: Hours


class Forecast(msgspec.Struct, frozen=True):
    """What ``forecast --json`` prints."""

    forecast: list[Week]


class PersonWeek(msgspec.Struct, frozen=True):
    """One line of ``capacity --json``."""

    group: str
    hard: Decimal


class Capacity(msgspec.Struct, frozen=True):
    """What ``capacity --json`` prints."""

    capacity: list[PersonWeek]


def forecast(hub: Hub, project: str) -> Decimal:
    """Firm hours of a project in the week that is looked at."""
    found = msgspec.json.decode(hub.does("forecast", "--project", project, *FROM), type=Forecast)
    return sum((one.hard.hours for one in found.forecast), Decimal(0))


def capacity(hub: Hub) -> Decimal:
    """Firm hours of everybody in that week."""
    found = msgspec.json.decode(hub.does("capacity", *FROM), type=Capacity)
    return sum((one.hard for one in found.capacity), Decimal(0))


def test_a_changed_booking_shows_in_forecast_and_capacity_within_five_seconds(tmp_path: Path) -> None:
    hub = Hub(tmp_path / "home")
    hub.does("demo", "--stream", Stream.PLAN_TO_ALLOCATE.value)
    causes = {one.code for one in hub.causes()}
    assert {"OVERBOOKED", "RESOURCE_INACTIVE"} <= causes
    plans = sample_plans(sample_masters(SIZES["small"], PLAN.seed), PLAN.seed)
    peak = next(one for one in plans.assignments if one.key == plans.overbooked)
    with surroundings(hub.home, PLAN, lambda _: None) as world:
        hub.does("apply")
        with Running(hub, tmp_path / "up.log"):
            before = forecast(hub, peak.project), capacity(hub)
            shorter = msgspec.structs.replace(peak, minutes_per_day=peak.minutes_per_day - 120)
            changed_at = time.monotonic()
            world.simulators["resources"].admin.change(PutAssignment(assignment=shorter))
            while (forecast(hub, peak.project), capacity(hub)) != (before[0] - 10, before[1] - 10):
                assert time.monotonic() - changed_at < WITHIN_S
                time.sleep(_LOOK_S)
            wait_for(lambda: not hub.causes("OVERBOOKED"), "nobody has more work than hours")
