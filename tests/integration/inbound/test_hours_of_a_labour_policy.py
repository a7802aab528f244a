"""The most that a labour policy lets somebody work on a day is held to, from the day on which the firm says so."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import msgspec
import pytest
from tests.worlds import inbound_firm as world
from tests.worlds.inbound_database import Hub, master

from tieout.model.firm import FirmConfig, MappingLine
from tieout.model.labour_policy import LabourPolicy
from tieout.model.reported import FieldValue, RecordType
from tieout.storage.pool import connect

ADA: dict[str, FieldValue] = {"name": "Ada", "email": "ada@example.com", "employment_from": "2020-01-01"}


def at_most(hours: int, *, word: str = "*", since: date = date(2020, 1, 1)) -> FirmConfig:
    """The firm in which ``word`` may work so many hours a day from work date ``since`` on."""
    base = world.firm()
    line = MappingLine(
        table="labour_policies", line=2, system="*", entity="US01", source=word, target="short", valid_from=since
    )
    labour = {"short": LabourPolicy(max_day_hours=Decimal(hours))}
    return msgspec.structs.replace(base, mappings=(*base.mappings, line), labour=labour)


@pytest.fixture
def hub(database_url: str) -> Iterator[Hub]:
    with connect(database_url, autocommit=True) as conn:
        yield Hub(conn)


def test_a_day_above_the_policys_hours_is_held_and_freed_by_a_policy_that_allows_it(hub: Hub) -> None:
    hub.open_firm(at_most(6))
    hub.take(world.said())
    assert hub.open_items() == [("DAY_TOTAL", "open", "1")]
    [(message,)] = hub.rows("select message from desk_item where state = 'open'")
    assert "7.5 hours; 6 are allowed" in str(message)
    hub.apply(at_most(8))
    hub.work()
    assert hub.open_items() == []
    assert hub.ledger()[0] == 2


def test_the_hours_of_a_day_add_up_over_entries(hub: Hub) -> None:
    hub.open_firm(at_most(8))
    hub.take(world.said(hours=Decimal(5)))
    hub.take(world.said(source_id="2", task=None, hours=Decimal(4), narrative="Mails"))
    assert hub.open_items() == [("DAY_TOTAL", "open", "2")]


def test_a_policy_counts_from_its_first_day_on(hub: Hub) -> None:
    hub.open_firm(at_most(6, since=date(2027, 1, 1)))
    hub.take(world.said())
    assert hub.open_items() == []


def test_a_person_of_another_grade_is_not_held(hub: Hub) -> None:
    hub.open_firm(at_most(6, word="G1"))
    hub.report(master(RecordType.RESOURCE, "ada", {**ADA, "grade": "G1"}, 2, legal_entity="Acme US", role="r1"))
    hub.take(world.said())
    assert hub.open_items() == [("DAY_TOTAL", "open", "1")]
    hub.report(master(RecordType.RESOURCE, "ada", {**ADA, "grade": "G2"}, 3, legal_entity="Acme US", role="r1"))
    hub.work()
    assert hub.open_items() == []
