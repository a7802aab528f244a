"""What projects need is published to the tools that take it, once they have the project; changes and ends follow."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from tests.worlds.inbound_database import master
from tests.worlds.plan_hub import PlanHub, firm

from tieout.model.command import PublishDemand
from tieout.model.firm import FirmConfig
from tieout.model.reported import FieldValue, RecordType
from tieout.storage.pool import connect

PROJECT: dict[str, FieldValue] = {
    "code": "P100",
    "name": "One",
    "status": "active",
    "currency": "USD",
    "starts": "2026-08-01",
    "ends": "2026-12-01",
}


def publishing_firm(*systems: str) -> FirmConfig:
    config = firm()
    return msgspec.structs.replace(
        config,
        systems=tuple(
            msgspec.structs.replace(one, takes=("publish_demand",)) if one.name in systems else one
            for one in config.systems
        ),
    )


@pytest.fixture
def hub(database_url: str) -> Iterator[PlanHub]:
    with connect(database_url, autocommit=True) as conn:
        yield PlanHub(conn)


def open_hub(hub: PlanHub, *systems: str) -> None:
    hub.open(publishing_firm(*systems))
    project(hub, 2)


def project(hub: PlanHub, version: int, **fields: FieldValue) -> None:
    hub.report(RecordType.PROJECT, "p100", PROJECT | fields, version, legal_entity="Acme US", client="c1")


def demand(hub: PlanHub, version: int = 1, **fields: FieldValue) -> None:
    said: dict[str, FieldValue] = {"number": "1", "hours": "100", "skills": "SQL, Python", **fields}
    hub.report(RecordType.DEMAND, "d1", said, version, project="p100", role="r1")


def sent(hub: PlanHub) -> list[tuple[str, str, PublishDemand]]:
    rows: list[Any] = hub.rows(
        """
        select d.system, d.state, c.command from delivery d join delivery_command c using (delivery_id)
         where d.command_kind = 'publish_demand' order by d.delivery_id
        """
    )
    return [(system, state, msgspec.json.decode(command, type=PublishDemand)) for system, state, command in rows]


def test_demand_is_published_with_roles_skills_place_days_hours_and_budget(hub: PlanHub) -> None:
    open_hub(hub, "psa")
    project(hub, 3, budget_hours="120")
    assert sent(hub) == []
    demand(hub, location="Berlin", starts="2026-09-01")
    ((system, state, command),) = sent(hub)
    assert (system, state, command.project_code, command.customer_name) == ("psa", "ready", "P100", "Acme")
    assert command.budget_hours == Decimal(120)
    (line,) = command.lines
    assert (line.role, line.hours, line.location, line.skills) == ("Senior", Decimal(100), "Berlin", ("SQL", "Python"))
    assert (str(line.starts), str(line.ends)) == ("2026-09-01", "2026-12-01")


def test_demand_that_changes_takes_the_place_of_what_was_not_sent_yet(hub: PlanHub) -> None:
    open_hub(hub, "psa")
    demand(hub)
    demand(hub, 2, hours="80")
    assert [(state, command.lines[0].hours) for _, state, command in sent(hub)] == [
        ("superseded", Decimal(100)),
        ("ready", Decimal(80)),
    ]
    assert len({command.reference for _, _, command in sent(hub)}) == 2
    hub.work()
    assert len(sent(hub)) == 2


def test_demand_that_a_target_refused_is_given_up_when_it_changes_and_what_was_posted_stays(hub: PlanHub) -> None:
    open_hub(hub, "psa")
    demand(hub)
    hub.conn.execute("update delivery set state = 'posted'")
    demand(hub, 2, hours="80")
    hub.conn.execute("update delivery set state = 'dead' where state = 'ready'")
    demand(hub, 3, hours="60")
    assert [state for _, state, _ in sent(hub)] == ["posted", "superseded", "ready"]


def test_a_project_that_is_over_or_needs_nothing_any_more_is_withdrawn(hub: PlanHub) -> None:
    open_hub(hub, "psa")
    demand(hub)
    hub.conn.execute("update delivery set state = 'posted'")
    project(hub, 3, status="archived")
    assert [len(command.lines) for _, _, command in sent(hub)] == [1, 0]
    project(hub, 4)
    assert [len(command.lines) for _, _, command in sent(hub)] == [1, 0, 1]
    assert [row[0] for row in hub.rows("select type from event_log where type like 'demand.%%' order by event_id")] == [
        "demand.published",
        "demand.withdrawn",
        "demand.published",
    ]


def test_a_tool_is_told_as_soon_as_it_has_the_project(hub: PlanHub) -> None:
    open_hub(hub, "erp")
    demand(hub)
    assert sent(hub) == []
    hub.inbound.report(master(RecordType.PROJECT, "77", {"code": "P100", "name": "One"}), system="erp")
    hub.work()
    assert [(system, state) for system, state, _ in sent(hub)] == [("erp", "ready")]


def test_a_tool_that_takes_demand_from_now_on_is_told_of_what_is_known(hub: PlanHub) -> None:
    open_hub(hub)
    demand(hub)
    assert sent(hub) == []
    hub.inbound.apply(publishing_firm("psa"))
    hub.work()
    assert len(sent(hub)) == 1
