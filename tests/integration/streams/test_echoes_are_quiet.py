"""What the hub wrote into two systems comes back from both as their own reports, again and again: nothing moves."""

import pytest
from tests.worlds.inbound_database import master
from tests.worlds.project_hub import ProjectHub, client, whole_deal

from tieout.model.reported import FieldValue, RecordType, ReportedRecord
from tieout.storage.control_totals import verify_control_totals

ECHOING = ("psa", "erp")
CUSTOMER_FIELDS = ("code", "name", "country", "tax_id")
PROJECT_FIELDS = ("code", "name", "status", "currency", "starts", "ends", "budget_hours", "service_line")
ENTITY_NAMES = {"US01": "Acme US", "DE01": "Acme DE"}


@pytest.fixture
def running(hub: ProjectHub) -> ProjectHub:
    """A project that is active everywhere."""
    hub.report(*whole_deal())
    assert hub.project_state("P-D1") == "active"
    return hub


def echo(hub: ProjectHub, system: str, version: int) -> list[ReportedRecord]:
    """What ``system`` holds of customers and projects, under keys of its own."""
    said: list[ReportedRecord] = []
    for (kind, *_), held in hub.books[system].objects.items():
        if kind == "customer":
            fields = shown(held, CUSTOMER_FIELDS)
            said.append(master(RecordType.CLIENT, f"{system}-{held['code']}", fields, version))
        elif kind == "project":
            said.append(
                master(
                    RecordType.PROJECT,
                    f"{system}-{held['code']}",
                    shown(held, PROJECT_FIELDS),
                    version,
                    client=f"{system}-{held['customer_code']}",
                    legal_entity=ENTITY_NAMES[held["entity"]],
                )
            )
    return said


def shown(held: dict[str, FieldValue], names: tuple[str, ...]) -> dict[str, FieldValue]:
    return {name: held[name] for name in names if held.get(name) is not None}


def traces(hub: ProjectHub) -> dict[str, object]:
    """Everything by which an echo could be noticed."""
    return {
        "told": {name: len(book.told) for name, book in hub.books.items()},
        "deliveries": hub.rows("select count(*) from delivery"),
        "versions": hub.rows("select count(*) from golden_record_version"),
        "events": hub.rows("select count(*) from event_log"),
        "desk": hub.desk(),
    }


def test_echoes_of_what_was_written_cause_no_version_no_event_and_no_delivery(running: ProjectHub) -> None:
    told = traces(running)["told"]
    for system in ECHOING:
        running.report(*echo(running, system, 1), system=system)
    known = traces(running)
    assert known["told"] == told
    assert known["desk"] == []
    for version in range(2, 6):
        for system in ECHOING:
            running.report(*echo(running, system, version), system=system)
    assert traces(running) == known
    meant = running.rows(
        """
        select count(distinct record_id), count(*) from cross_reference
         where source_id in ('psa-ACME', 'erp-ACME', 'psa-P-D1', 'erp-P-D1')
        """
    )
    assert meant == [(2, 4)]
    verify_control_totals(running.conn)


def test_a_change_goes_round_once_though_every_target_says_it_back(running: ProjectHub) -> None:
    for system in ECHOING:
        running.report(*echo(running, system, 1), system=system)
    before = {name: len(book.told) for name, book in running.books.items()}
    running.report(client("a1", "ACME", "Acme Holdings", version=2))
    changed = {name: len(book.told) for name, book in running.books.items()}
    assert {name: changed[name] - before[name] for name in ECHOING} == {"psa": 1, "erp": 1}
    for version in range(2, 5):
        for system in ECHOING:
            running.report(*echo(running, system, version), system=system)
    assert {name: len(book.told) for name, book in running.books.items()} == changed
    assert running.rows("select fields ->> 'name' from golden_record where code = 'ACME'") == [("Acme Holdings",)]
    assert running.desk() == []


def test_an_echo_of_the_state_before_a_change_does_not_undo_it(running: ProjectHub) -> None:
    for system in ECHOING:
        running.report(*echo(running, system, 1), system=system)
    late = {system: echo(running, system, 2) for system in ECHOING}
    running.report(client("a1", "ACME", "Acme Holdings", version=2))
    for system, said in late.items():
        running.report(*said, system=system)
    for system in ECHOING:
        assert running.books[system].objects["customer", "ACME"]["name"] == "Acme Holdings"
    assert running.rows("select fields ->> 'name' from golden_record where code = 'ACME'") == [("Acme Holdings",)]
