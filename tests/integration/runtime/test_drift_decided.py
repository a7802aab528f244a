"""What people decide about drift is done, nobody's field is overwritten, and what was not seen is not judged."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import httpx
import msgspec
import pytest
from psycopg import Cursor
from tests.worlds.drift_hub import CUSTOMER, OWNED_BY_CRM, PROJECT, TASK, DriftHub, open_drift_hub

from tieout.connect.simulator.faults import Fault, FaultKind
from tieout.model.command import RatePrice, UpsertRateCard
from tieout.model.firm import OwnershipRule
from tieout.storage.pool import in_transaction

MINE = msgspec.structs.replace(CUSTOMER, name="Mine")


@pytest.fixture
def hub(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DriftHub]:
    with open_drift_hub("kantata", database_url, tmp_path, monkeypatch) as opened:
        yield opened


@pytest.fixture
def yielding(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DriftHub]:
    """A hub whose target owns the names of projects."""
    own = OwnershipRule(object="project", fields=("name",), system="target")
    with open_drift_hub("kantata", database_url, tmp_path, monkeypatch, (own, *OWNED_BY_CRM)) as opened:
        yield opened


def test_a_task_that_was_changed_behind_is_put_right_below_its_own_project(hub: DriftHub) -> None:
    hub.deliver(CUSTOMER, PROJECT, TASK)
    hub.write_behind(msgspec.structs.replace(TASK, name="Drawing", billable=False))
    hub.sweep()
    [item] = hub.desk()
    assert {name: item.context[f"{name}.held"] for name in ("name", "billable")} == {
        "name": "Drawing",
        "billable": "false",
    }
    hub.retry()
    hub.sweep()
    assert hub.desk() == []


def test_a_budget_that_is_otherwise_says_how_much_money_it_is(hub: DriftHub) -> None:
    funded = msgspec.structs.replace(PROJECT, budget_minor=2_000_000)
    hub.deliver(CUSTOMER, funded)
    hub.write_behind(msgspec.structs.replace(funded, budget_minor=2_150_001))
    hub.sweep()
    [item] = hub.desk()
    assert (item.amount_minor, item.currency) == (150_001, 840)


def test_a_price_that_was_changed_behind_says_what_an_hour_is_off_by_and_is_put_right(hub: DriftHub) -> None:
    card = UpsertRateCard(
        reference="",
        entity="US01",
        code="RC-77",
        name="Card 77",
        currency="USD",
        prices=(
            RatePrice(role="Consultant", price=Decimal(200), starts=date(2028, 1, 1), ends=date(2028, 7, 1)),
            RatePrice(role="Principal", price=Decimal("250.50"), starts=date(2028, 1, 1)),
            RatePrice(role="Consultant", price=Decimal(210), starts=date(2028, 7, 1)),
        ),
    )
    hub.deliver(card)
    assert (hub.sweep()["rate_card"].compared_count, hub.desk()) == (1, [])
    cheap = msgspec.structs.replace(card.prices[1], price=Decimal("240.25"))
    hub.write_behind(
        msgspec.structs.replace(hub.last_told(UpsertRateCard), prices=(card.prices[0], cheap, card.prices[2]))
    )
    hub.sweep()
    [item] = hub.desk()
    field = "price of Principal from 2028-01-01"
    assert (item.context[f"{field}.acknowledged"], item.context[f"{field}.held"]) == ("250.5", "240.25")
    assert item.context[f"{field}.difference"] == "-10.25 USD an hour"
    hub.retry()
    assert hub.sweep()["rate_card"].drifted_count == 0
    assert hub.desk() == []


def test_sending_again_leaves_alone_what_the_target_owns(yielding: DriftHub) -> None:
    hub = yielding
    hub.deliver(CUSTOMER, PROJECT)
    hub.write_behind(msgspec.structs.replace(PROJECT, name="As they call it", ends=date(2029, 1, 1)))
    hub.sweep()
    [item] = hub.desk()
    assert "name.held" not in item.context
    hub.retry()
    assert hub.sweep()["project"].drifted_count == 0
    [held] = [one for one in hub.simulator.admin.holdings() if one.code == "P-77"]
    assert (held.facts["name"], held.facts["ends"]) == ("As they call it", "2027-01-01")


def test_nothing_is_sent_over_what_the_owner_says_by_now(hub: DriftHub) -> None:
    hub.deliver(CUSTOMER)
    _tell_golden(hub, name="New name")
    hub.write_behind(MINE)
    hub.sweep()
    hub.retry()
    [item] = hub.desk()
    assert item.state == "open"
    assert "Not sent again: crm, which owns name, says 'New name' and not 'Ünïcode & Sons' any more." in item.message
    assert hub.delivery_count() == 1
    hub.write_behind(msgspec.structs.replace(CUSTOMER, name="New name"))
    hub.sweep()
    assert hub.desk() == []


def test_what_the_owner_says_of_a_task_is_known_by_the_cross_reference(hub: DriftHub) -> None:
    hub.deliver(CUSTOMER, PROJECT, TASK)
    hub.write_behind(msgspec.structs.replace(TASK, name="Drawing"))
    assert hub.sweep()["task"].drifted_count == 1
    [(key,)] = hub.conn.execute("select target_ref from delivery where command_kind = 'upsert_task'").fetchall()
    _tell_golden(hub, kind="task", code=None, name="Drawing", known_as=str(key))
    assert hub.sweep()["task"].drifted_count == 0
    assert hub.desk() == []


def test_a_record_that_was_given_another_code_is_not_made_a_second_time(hub: DriftHub) -> None:
    hub.deliver(CUSTOMER)
    original = hub.simulator.admin.holdings()
    _rename_code(hub, "C-77-old")
    assert hub.sweep()["client"].drifted_count == 1
    hub.retry()
    [item] = hub.desk()
    assert (item.context["code.acknowledged"], item.context["code.held"]) == ("C-77", "C-77-old")
    assert "Not sent again: it has another code there" in item.message
    assert len(hub.simulator.admin.holdings()) == len(original)


def test_what_was_accepted_does_not_come_back_and_another_difference_does(hub: DriftHub) -> None:
    hub.deliver(CUSTOMER)
    hub.write_behind(MINE)
    hub.sweep()
    hub.retry(accept=True)
    assert hub.desk() == []
    hub.sweep()
    assert (hub.desk(), hub.delivery_count()) == ([], 1)
    hub.write_behind(msgspec.structs.replace(CUSTOMER, name="Theirs"))
    hub.sweep()
    [item] = hub.desk()
    assert item.context["name.held"] == "Theirs"


def test_what_was_taken_off_the_desk_does_not_come_back(hub: DriftHub) -> None:
    hub.deliver(CUSTOMER)
    hub.write_behind(MINE)
    hub.sweep()
    hub.exclude()
    assert hub.sweep()["client"].drifted_count == 1
    assert hub.desk() == []


def test_one_item_says_what_is_otherwise_however_often_it_is_swept(hub: DriftHub) -> None:
    hub.deliver(CUSTOMER)
    hub.write_behind(MINE)
    hub.sweep()
    [first] = hub.desk()
    hub.sweep()
    hub.write_behind(msgspec.structs.replace(CUSTOMER, name="Theirs"))
    hub.sweep()
    [item] = hub.desk()
    assert (item.item_id, item.context["name.held"]) == (first.item_id, "Theirs")


def test_what_is_overwritten_again_is_sent_again_under_another_key(hub: DriftHub) -> None:
    hub.deliver(CUSTOMER)
    for _ in range(2):
        hub.write_behind(MINE)
        hub.sweep()
        hub.retry()
    hub.sweep()
    assert (hub.desk(), hub.delivery_count(), hub.states()) == ([], 3, {"posted"})


def test_what_was_delivered_anew_since_the_sweep_is_not_sent_over(hub: DriftHub) -> None:
    hub.deliver(CUSTOMER)
    hub.write_behind(MINE)
    hub.sweep()
    hub.deliver(msgspec.structs.replace(CUSTOMER, name="Amended"))
    hub.retry()
    [item] = hub.desk()
    assert "Not sent again: it has been delivered anew since that sweep; sweep again." in item.message
    hub.sweep()
    assert hub.desk() == []


def test_what_is_under_way_waits(hub: DriftHub) -> None:
    hub.deliver(CUSTOMER)
    hub.write_behind(MINE)
    hub.simulator.admin.force(Fault(kind=FaultKind.HTTP_503, count=50, on="any"))
    hub.enqueue(msgspec.structs.replace(CUSTOMER, name="Amended"))
    hub.run()
    hub.simulator.admin.clear_faults()
    client = hub.sweep()["client"]
    assert (client.outcome, client.compared_count, client.waiting_count) == ("compared", 0, 1)
    assert hub.desk() == []


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind=FaultKind.HTTP_429, count=50, on="read", retry_after="1", path="/workspace_groups"),
        Fault(kind=FaultKind.HTTP_503, count=50, on="read", path="/workspace_groups"),
        Fault(kind=FaultKind.FORBIDDEN, count=50, on="read", path="/workspace_groups"),
    ],
    ids=["throttled", "down", "forbidden"],
)
def test_a_walk_that_is_interrupted_says_so_and_judges_only_what_it_saw(hub: DriftHub, fault: Fault) -> None:
    hub.deliver(CUSTOMER, PROJECT)
    hub.write_behind(MINE, msgspec.structs.replace(PROJECT, name="Mine"))
    hub.sweep()
    before = [(item.source_id, item.context) for item in hub.desk()]
    hub.simulator.admin.force(fault)
    done = hub.sweep()
    assert (done["client"].outcome, done["client"].compared_count) == ("interrupted", 0)
    assert done["client"].problem
    assert (done["project"].outcome, done["project"].drifted_count) == ("compared", 1)
    assert [(item.source_id, item.context) for item in hub.desk()] == before


def test_a_target_that_shows_nothing_any_more_is_not_believed(hub: DriftHub) -> None:
    others = [msgspec.structs.replace(CUSTOMER, code=f"C-8{number}") for number in range(2)]
    hub.deliver(CUSTOMER, *others)
    hub.restore()
    client = hub.sweep(limit_percent=20)["client"]
    assert (client.outcome, client.missing_count, client.problem) == ("disbelieved", 3, "3 of 3 were not there")
    assert hub.desk() == []
    assert hub.sweep(limit_percent=100)["client"].outcome == "compared"
    assert len(hub.desk()) == 3


def test_what_is_missing_waits_for_what_it_refers_to_whoever_is_first(hub: DriftHub) -> None:
    hub.deliver(CUSTOMER, PROJECT, TASK)
    hub.restore()
    hub.sweep()
    hub.retry("W-1")
    [task] = [item for item in hub.desk() if item.source_id == "W-1"]
    assert "Not sent again: the project P-77 that it refers to is missing too" in task.message
    assert (len(hub.desk()), hub.delivery_count()) == (3, 3)
    hub.retry()
    assert (hub.desk(), hub.delivery_count(), hub.states()) == ([], 6, {"posted"})
    sent = hub.conn.execute("select command_kind from delivery order by delivery_id").fetchall()
    assert [str(row[0]) for row in sent[3:]] == ["upsert_customer", "upsert_project", "upsert_task"]
    done = hub.sweep()
    assert {kind: (one.compared_count, one.drifted_count, one.missing_count) for kind, one in done.items()} == {
        "client": (1, 0, 0),
        "project": (1, 0, 0),
        "task": (1, 0, 0),
    }


def _tell_golden(
    hub: DriftHub, *, name: str, kind: str = "client", code: str | None = "C-77", known_as: str | None = None
) -> None:
    """The owner has told the hub of another name, which is not delivered; the target knows the record by a key."""

    def work(cur: Cursor[tuple[object, ...]]) -> None:
        cur.execute(
            """
            insert into golden_record (record_id, public_id, type, code, version, fields, refs, provenance, hash,
                                       recorded_at)
            values (1, gen_random_uuid(), %s, %s, 1, jsonb_build_object('name', %s::text), '{}', '[]', '', now())
            """,
            (kind, code, name),
        )
        if known_as is not None:
            cur.execute(
                "insert into cross_reference (system, type, source_id, record_id, recorded_at)"
                " values ('target', %s, %s, 1, now())",
                (kind, known_as),
            )

    in_transaction(hub.conn, work)


def _rename_code(hub: DriftHub, code: str) -> None:
    """Somebody gives the client another code in Kantata."""
    sheet = hub.simulator.admin.connection()
    headers = {"Authorization": f"Bearer {sheet.secrets['access_token']}"}
    with httpx.Client(base_url=sheet.settings["base_url"], headers=headers) as http:
        query = {"include": "custom_field_values", "per_page": "200"}
        values = http.get("/workspace_groups.json", params=query).json()["custom_field_values"]
        [key] = [key for key, one in values.items() if one["display_value"] == "C-77"]
        body = {"custom_field_value": {"value": code}}
        assert http.put(f"/custom_field_values/{key}.json", json=body).is_success
