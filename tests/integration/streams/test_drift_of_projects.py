"""A project that the stream made drifts in one system: it is put right there, and the stream goes on as ever."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal

import msgspec
import pytest
from tests.worlds.inbound_database import PlainTranslator, _Wire
from tests.worlds.project_hub import MasterBook, ProjectHub, deal, firm, whole_deal

from tieout.connect.source import Page
from tieout.connect.throttle import NoThrottle
from tieout.desk import queue
from tieout.model.firm import OwnershipRule
from tieout.model.money import from_minor
from tieout.model.reported import FieldValue, RecordType, ReportedRecord
from tieout.outbound.drift import release
from tieout.runtime.drift_sweep import ComparedKind, DriftSweeper
from tieout.storage.pool import in_transaction

TOLD_BY = {"customer": "client", "contract": "contract", "project": "project", "task": "task"}
FIELDS = (
    "code", "name", "currency", "starts", "ends", "status", "service_line", "contract_number", "budget_hours",
    "po_number", "tax_treatment", "tax_id", "billable", "open_for_time", "planned_hours",
)  # fmt: skip


class Reading:
    """A book as a source: everything that it holds, in canonical words."""

    def __init__(self, book: MasterBook) -> None:
        self.book = book

    async def read(self, object_name: str, cursor: str | None) -> AsyncIterator[Page]:
        assert cursor is None
        records = [record(key, said) for key, said in self.book.objects.items() if key[0] in TOLD_BY]
        payload = msgspec.json.encode(_Wire(records=records))
        yield Page(object=object_name, payload=payload, item_count=len(records), next_cursor="x")

    async def aclose(self) -> None:
        """Nothing is open."""


def record(key: tuple[str, ...], said: dict[str, FieldValue]) -> ReportedRecord:
    """An object of a book as its source tells it."""
    fields = {name: said[name] for name in FIELDS if name in said}
    references = {}
    for name, field in (("budget_minor", "budget_amount"), ("signed_value_minor", "signed_value")):
        if name in said:
            fields[field] = f"{from_minor(int(str(said[name])), str(said['currency'])):f}"
    if "customer_code" in said:
        references["client"] = f"customer/{said['customer_code']}"
    if key[0] == "task":
        fields["code"] = key[2]
        references["project"] = f"project/{key[1]}"
        if "parent_wbs_code" in said:
            references["parent"] = f"task/{key[1]}/{said['parent_wbs_code']}"
    return ReportedRecord(
        type=RecordType(TOLD_BY[key[0]]), source_id="/".join(key), version=1, fields=fields, references=references
    )


def sweep(hub: ProjectHub, url: str, system: str) -> dict[str, ComparedKind]:
    """What a sweep of a system comes to a minute later, by type."""
    hub.clock.advance(60)
    owned = tuple(
        OwnershipRule(object=kind, fields=("*",), system="crm") for kind in ("client", "contract", "project", "task")
    )
    sweeper = DriftSweeper(
        url=url,
        firm=msgspec.structs.replace(firm(), ownership=owned),
        throttle=NoThrottle(),
        clock=hub.clock,
        limit_percent=100,
    )
    things = {"things": tuple(TOLD_BY.values())}
    source = Reading(hub.books[system])
    done = asyncio.run(sweeper.compare_source(system, source, things, PlainTranslator()))
    return {one.kind: one for one in done}


def send_again(hub: ProjectHub) -> None:
    """What is open is released, taken up, and delivered."""
    in_transaction(hub.conn, lambda cur: cur.execute("update desk_item set state = 'released' where state = 'open'"))
    while in_transaction(hub.conn, lambda cur: release.take_up(cur, hub.clock)):
        hub.run()


@pytest.mark.parametrize("system", ["psa", "erp"])
def test_everything_that_the_stream_made_is_there_as_it_was_told(
    hub: ProjectHub, database_url: str, system: str
) -> None:
    hub.report(*whole_deal())
    done = sweep(hub, database_url, system)
    assert {kind: (one.compared_count, one.drifted_count, one.missing_count) for kind, one in done.items()} == {
        "client": (1, 0, 0),
        "contract": (1, 0, 0),
        "project": (1, 0, 0),
        "task": (3, 0, 0),
    }
    assert hub.desk() == []


def test_a_project_that_is_put_right_keeps_its_status_and_the_stream_has_nothing_to_add(
    hub: ProjectHub, database_url: str
) -> None:
    hub.report(*whole_deal())
    book = hub.books["psa"]
    before = {key: dict(said) for key, said in book.objects.items()}
    book.project("P-D1")["name"] = "Mine"
    book.project("P-D1")["budget_minor"] += 5_000
    assert sweep(hub, database_url, "psa")["project"].drifted_count == 1
    [item] = queue.list_items(hub.conn)
    assert (item.source_id, item.amount_minor, item.currency) == ("P-D1", 5_000, 840)
    told = len(book.told)
    send_again(hub)
    assert book.kinds()[told:] == ["upsert_project"]
    assert _without_reference(book.objects) == _without_reference(before)
    assert hub.project_state("P-D1") == "active"
    assert sweep(hub, database_url, "psa")["project"].drifted_count == 0
    assert hub.desk() == []


def test_a_status_that_was_changed_behind_is_set_again(hub: ProjectHub, database_url: str) -> None:
    hub.report(*whole_deal())
    book = hub.books["erp"]
    book.project("P-D1")["status"] = "on_hold"
    sweep(hub, database_url, "erp")
    told = len(book.told)
    send_again(hub)
    assert book.kinds()[told:] == ["set_project_status"]
    assert book.project("P-D1")["status"] == "active"


def test_a_whole_project_that_is_gone_is_made_again_from_the_customer_down(hub: ProjectHub, database_url: str) -> None:
    hub.report(*whole_deal())
    book = hub.books["erp"]
    before = {key: dict(said) for key, said in book.objects.items()}
    book.objects.clear()
    assert sum(one.missing_count for one in sweep(hub, database_url, "erp").values()) == 6
    send_again(hub)
    assert _without_reference(book.objects) == _without_reference(before)
    assert sum(one.missing_count for one in sweep(hub, database_url, "erp").values()) == 0
    assert hub.desk() == []


def test_what_the_stream_changes_later_is_what_counts_from_then_on(hub: ProjectHub, database_url: str) -> None:
    hub.report(*whole_deal())
    hub.books["psa"].project("P-D1")["name"] = "Mine"
    sweep(hub, database_url, "psa")
    send_again(hub)
    hub.report(deal(version=2, name="Rollout 2", amount="21000.00"))
    assert hub.books["psa"].project("P-D1")["name"] == "Rollout 2"
    assert Decimal(hub.books["psa"].project("P-D1")["budget_minor"]) == 2_100_000
    assert sweep(hub, database_url, "psa")["project"].drifted_count == 0


def _without_reference(objects: dict[tuple[str, ...], dict[str, FieldValue]]) -> dict[tuple[str, ...], object]:
    return {key: {name: value for name, value in said.items() if name != "reference"} for key, said in objects.items()}
