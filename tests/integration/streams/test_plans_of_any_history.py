"""Whatever happens to bookings, people and rates, and however it is cut into runs: the plan is as computed at once."""

import random
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from tests.worlds import inbound_firm as world
from tests.worlds.inbound_database import master
from tests.worlds.plan_hub import MONDAY, PlanHub, firm

from tieout.model.reported import FieldValue, RecordType, ReportedRecord
from tieout.storage.pool import connect

PEOPLE = ("ada", "bob", "cyd")
STATES = ("requested", "proposed", "soft", "hard", "hard", "in_progress", "completed")


@pytest.fixture
def hub(database_url: str) -> Iterator[PlanHub]:
    with connect(database_url, autocommit=True) as conn:
        opened = PlanHub(conn)
        opened.open()
        yield opened


def some_booking(rng: random.Random, hub: PlanHub) -> None:
    starts = MONDAY + timedelta(days=rng.randrange(-20, 60))
    ends = starts + timedelta(days=rng.randrange(1, 25))
    amounts: tuple[dict[str, object], ...] = (
        {"hours_per_day": Decimal(rng.randrange(1, 40)) / 4},
        {"percent": Decimal(rng.randrange(10, 130))},
        {"hours_by_day": {starts: Decimal(rng.randrange(1, 12))}},
    )
    hub.book(
        rng.choice((*PEOPLE, None)),
        number=rng.randrange(1, 12),
        starts=starts,
        ends=ends,
        state=rng.choice(STATES),
        project=rng.choice(("p100", "p200")),
        role="r1",
        task=rng.choice((None, "inner")),
        work=False,
        **rng.choice(amounts),
    )


def a_cancellation(rng: random.Random, hub: PlanHub) -> None:
    number = rng.randrange(1, 12)
    hub.conn.execute("delete from booking where booking_id = %s", (number,))
    hub.conn.execute("insert into plan_pending (kind, first_id, last_id) values ('booking', %s, %s)", (number, number))


def an_absence(rng: random.Random, hub: PlanHub) -> None:
    starts = MONDAY + timedelta(days=rng.randrange(0, 40))
    number = rng.randrange(10_000, 10**6)
    hub.away(rng.choice(PEOPLE), starts, starts + timedelta(days=rng.randrange(1, 9)), number=number)


def a_change_of_a_person(rng: random.Random, hub: PlanHub) -> None:
    name = rng.choice(PEOPLE)
    said: dict[str, FieldValue] = {
        "name": name.title(),
        "email": f"{name}@example.com",
        "employment_from": "2020-01-01",
        "employment_to": rng.choice((None, "2026-08-28", "2026-09-15")),
        "weekly_hours": rng.choice((None, "40", "37.5")),
        "fte": rng.choice(("1", "0.8")),
    }
    entity = rng.choice(("Acme US", "Acme DE"))
    hub.inbound.report(_master(RecordType.RESOURCE, name, said, rng, legal_entity=entity, role="r1"))


def a_holiday(rng: random.Random, hub: PlanHub) -> None:
    day = MONDAY + timedelta(days=rng.randrange(0, 40))
    said: dict[str, FieldValue] = {"day": str(day), "name": "Day", "fraction": rng.choice(("1", "0.5"))}
    hub.inbound.report(_master(RecordType.HOLIDAY, str(day), said, rng))


def other_rates(rng: random.Random, hub: PlanHub) -> None:
    hub.inbound.apply(firm(round_hours_first=rng.random() < 0.5, late_after_days=rng.randrange(1, 99)))


def some_runs(rng: random.Random, hub: PlanHub) -> None:
    del rng
    hub.work()


def _master(kind: RecordType, key: str, said: dict[str, FieldValue], rng: random.Random, **refs: str) -> ReportedRecord:
    return master(kind, key, said, rng.randrange(10**9), **refs)


EVENTS: tuple[Callable[[random.Random, PlanHub], None], ...] = (
    some_booking,
    some_booking,
    some_booking,
    some_booking,
    a_cancellation,
    an_absence,
    a_change_of_a_person,
    a_holiday,
    other_rates,
    some_runs,
)


@pytest.mark.parametrize("seed", range(4))
def test_the_plan_of_any_history_is_the_one_that_is_computed_at_once(
    hub: PlanHub, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(seed)
    monkeypatch.setattr("tieout.streams.plan_to_allocate.step._CHANGES", rng.choice((1, 2, 400)))
    monkeypatch.setattr("tieout.streams.plan_to_allocate.step._RECORDS", rng.choice((1, 2, 200)))
    inner: dict[str, FieldValue] = {"name": "Inner", "billable": False, "open_for_time": True}
    hub.report(RecordType.TASK, "inner", inner, project="p100")
    hub.inbound.take(world.said())
    for _ in range(60):
        rng.choice(EVENTS)(rng, hub)
    hub.work()
    step_by_step, desk = hub.derived(), hub.desk()
    assert step_by_step["booking_week"]
    hub.compute_anew()
    assert hub.derived() == step_by_step
    assert hub.desk() == desk
