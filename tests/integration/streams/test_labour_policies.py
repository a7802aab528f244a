"""A labour policy gives people their week where no system tells it; the table and the person's record choose it."""

from collections.abc import Iterator
from decimal import Decimal

import msgspec
import pytest
from tests.worlds.plan_hub import PlanHub, firm

from tieout.model.firm import FirmConfig
from tieout.model.labour_policy import LabourPolicy
from tieout.model.reported import FieldValue, RecordType
from tieout.storage.pool import connect

LABOUR = {"full_time": LabourPolicy(weekly_hours=Decimal(35)), "intern": LabourPolicy(weekly_hours=Decimal(20))}
ADA: dict[str, FieldValue] = {"name": "Ada", "email": "ada@example.com", "employment_from": "2020-01-01"}


@pytest.fixture
def hub(database_url: str) -> Iterator[PlanHub]:
    with connect(database_url, autocommit=True) as conn:
        yield PlanHub(conn)


def by_law(*lines: tuple[str, str]) -> FirmConfig:
    """The firm with labour policies, chosen by ``lines`` (the person's word, the policy)."""
    base = firm(None, *(("labour_policies", word, name) for word, name in lines))
    return msgspec.structs.replace(base, labour=LABOUR)


def week(hub: PlanHub, person: str = "ada") -> Decimal:
    """The calendar's hours of the person's present week."""
    rows = hub.rows(
        "select calendar from person_week where person_id = %s and week = '2026-08-10'", hub.id_of("resource", person)
    )
    return Decimal(str(rows[0][0]))


def test_those_of_whom_nobody_tells_hours_have_the_week_of_their_policy(hub: PlanHub) -> None:
    hub.open(by_law(("*", "full_time")))
    assert week(hub) == 35
    assert hub.rows("select distinct is_assumed from plan_person") == [(False,)]


def test_a_grade_chooses_another_policy_and_the_plan_follows(hub: PlanHub) -> None:
    hub.open(by_law(("*", "full_time"), ("G1", "intern")))
    refs = {"legal_entity": "Acme US", "role": "r1"}
    hub.report(RecordType.RESOURCE, "ada", {**ADA, "grade": "G1"}, 2, **refs)
    assert (week(hub), week(hub, "bob")) == (Decimal(20), Decimal(35))
    hub.report(RecordType.RESOURCE, "ada", {**ADA, "grade": "G2"}, 3, **refs)
    assert week(hub) == 35


def test_what_a_system_tells_counts_before_the_policy_and_part_time_takes_its_share_of_it(hub: PlanHub) -> None:
    hub.open(by_law(("*", "full_time")))
    refs = {"legal_entity": "Acme US", "role": "r1"}
    hub.report(RecordType.RESOURCE, "ada", {**ADA, "weekly_hours": "38"}, 2, **refs)
    assert week(hub) == 38
    hub.report(RecordType.RESOURCE, "ada", {**ADA, "fte": "0.5"}, 3, **refs)
    assert week(hub) == Decimal("17.5")


def test_a_changed_policy_changes_the_plan(hub: PlanHub) -> None:
    hub.open(by_law(("*", "full_time")))
    hub.inbound.apply(by_law(("*", "intern")))
    hub.work()
    assert week(hub) == 20
    hub.inbound.apply(firm())
    hub.work()
    assert week(hub) == 40
    assert hub.rows("select distinct is_assumed from plan_person") == [(True,)]
