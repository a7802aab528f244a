"""Stored messages become accepted, rated actuals, findings and desk items, in one transaction."""

from datetime import UTC, date, datetime
from decimal import Decimal

import msgspec
import pytest
from tests.worlds import inbound_firm as world
from tests.worlds.inbound_database import Hub, master

from tieout.inbound import pipeline
from tieout.inbound.reading import Disposition
from tieout.model.firm import FirmRateLine, MappingLine
from tieout.model.reported import RecordType, ReportedState
from tieout.storage.control_totals import verify_control_totals
from tieout.storage.pool import connect

ACCEPTED, HELD, NOT_APPROVED, SUPERSEDED, CARRIED = (int(one) for one in Disposition)


def test_a_good_entry_becomes_two_actuals_and_waits_for_billing(hub: Hub) -> None:
    hub.take(world.said())
    assert hub.standing() == {"1": (1, ACCEPTED)}
    assert hub.ledger() == (2, Decimal("7.5000"), 150_000, 60_000)
    (entry_id,) = hub.entry_ids("1")
    assert hub.rows("select first_entry_id, last_entry_id from posting_pending") == [(entry_id, entry_id)]
    assert hub.rows("select accepted_count, held_count, repeat_count from batch") == [(1, 0, 0)]
    assert hub.rows("select entry_count, hours, amount_minor, cost_minor, currency from batch_total") == [
        (1, Decimal("7.5000"), 150_000, 60_000, 840)
    ]
    assert hub.rows("select count(*) from message_pending") == [(0,)]
    assert verify_control_totals(hub.conn) == []


def test_text_comes_back_as_it_was_said(hub: Hub) -> None:
    narrative = 'Tab\t, newline\n, back\\slash, \\N, "quotes", \u202eright to left, \x0b\x0c\x08\r ä 漢'
    hub.take(world.said(narrative=narrative))
    assert hub.rows("select narrative from time_entry") == [(narrative,)]


def test_instants_hours_and_days_come_back_as_they_were_said(hub: Hub) -> None:
    start = datetime(2026, 7, 1, 9, 0, 0, 1, tzinfo=UTC)
    hub.take(world.said(started_at=start, ended_at=datetime(2026, 7, 1, 16, 30, tzinfo=UTC)))
    assert hub.rows("select started_at, ended_at, work_date, hours from time_entry") == [
        (start, datetime(2026, 7, 1, 16, 30, tzinfo=UTC), world.WORK_DATE, Decimal("7.5000"))
    ]


def test_a_wrong_entry_is_held_with_hours_and_money_at_stake(hub: Hub) -> None:
    hub.take(world.said(approved_by=None))
    assert hub.standing() == {"1": (1, HELD)}
    assert hub.ledger()[0] == 0
    assert hub.rows(
        """
        select c.code, i.hours, i.amount_minor, i.currency, i.document_date
          from desk_item i join root_cause c using (cause_id)
        """
    ) == [("APPROVAL_MISSING", Decimal("7.5000"), 150_000, 840, world.WORK_DATE)]
    assert hub.rows("select code, severity from finding where entry_id is not null") == [("APPROVAL_MISSING", "block")]


def test_the_same_version_in_another_message_has_no_effect(hub: Hub) -> None:
    hub.take(world.said())
    hub.take(world.said(), world.said(source_id="2", hours=Decimal(1)))
    assert hub.ledger()[0] == 4
    assert hub.rows("select sum(repeat_count) from batch") == [(1,)]


def test_unreadable_items_and_messages_go_to_the_desk_and_nothing_is_lost(hub: Hub) -> None:
    hub.take(world.said(), bad=["bad-1"])
    hub.send(b"\x00\xff no JSON")
    hub.work()
    assert hub.standing() == {"1": (1, ACCEPTED)}
    assert [row[0] for row in hub.open_items()] == ["SCHEMA_INVALID", "SCHEMA_INVALID"]
    assert hub.rows("select count(*) from message_pending") == [(0,)]


def test_an_unreadable_item_is_one_item_until_it_can_be_read(hub: Hub) -> None:
    hub.take(bad=["1"])
    hub.take(world.said(source_id="2", hours=Decimal(1)), bad=["1"])
    assert [row[2] for row in hub.open_items()] == ["1"]
    hub.take(world.said())
    assert hub.open_items() == []


def test_a_message_of_a_system_that_is_not_configured_is_held(hub: Hub) -> None:
    hub.send_time(world.said(), system="ghost")
    hub.work()
    assert [row[0] for row in hub.open_items()] == ["SCHEMA_INVALID"]


def test_masters_go_first_whatever_the_order_of_arrival(hub: Hub) -> None:
    hub.send_time(world.said(person="dan"))
    hub.send(
        msgspec.json.encode(
            {
                "records": [
                    master(
                        RecordType.RESOURCE, "dan", {"name": "Dan", "email": "dan@example.com"}, legal_entity="Acme US"
                    )
                ]
            }
        ),
        object_name="masters",
    )
    hub.work()
    assert hub.standing() == {"1": (1, ACCEPTED)}
    assert hub.rows("select count(*) from desk_item") == [(0,)]


def test_nobody_judges_time_while_another_process_reads_masters(database_url: str, hub: Hub) -> None:
    hub.send_time(world.said())
    hub.send(b'{"records": []}', object_name="masters")
    with connect(database_url) as other:
        other.execute("select from message_pending where object = 'masters' for update")
        assert pipeline.process_pending(hub.conn, hub.context) == 0
        assert hub.standing() == {}
    hub.work()
    assert hub.standing() == {"1": (1, ACCEPTED)}


def test_a_master_that_arrives_later_releases_what_waited_for_it(hub: Hub) -> None:
    hub.take(world.said(person="dan"))
    assert hub.open_items() == [("PERSON_UNKNOWN", "open", "1")]
    hub.report(master(RecordType.RESOURCE, "dan", {"name": "Dan", "email": "d@example.com"}, legal_entity="Acme US"))
    assert hub.open_items() == []
    assert hub.rows("select revision, disposition from time_entry order by revision") == [(0, HELD), (1, ACCEPTED)]
    assert hub.rows("select state from desk_item") == [("resolved",)]


def _without_bill_rates() -> object:
    config = world.firm()
    return msgspec.structs.replace(config, rates=tuple(r for r in config.rates if r.context == "cost"))


def test_a_rate_that_is_added_releases_every_affected_entry(hub: Hub) -> None:
    hub.apply(_without_bill_rates())  # type: ignore[arg-type]
    hub.take(world.said(), world.said(source_id="2", hours=Decimal(1), billable=False))
    assert hub.open_items() == [("RATE_NOT_FOUND", "open", "1")]
    assert hub.rows("select hours, amount_minor from desk_item") == [(Decimal("7.5000"), None)]
    hub.apply(world.firm())
    hub.work()
    assert hub.open_items() == []
    assert hub.standing() == {"1": (1, ACCEPTED), "2": (1, ACCEPTED)}


def test_a_mapping_that_is_added_releases_every_affected_entry(hub: Hub) -> None:
    hub.report(
        master(
            RecordType.PROJECT,
            "p300",
            {"code": "P300", "name": "Three", "status": "active", "currency": "USD"},
            legal_entity="Acme Mars",
        )
    )
    hub.take(world.said(project="p300", task=None))
    assert [row[0] for row in hub.open_items() if row[2] == "1"] == ["LEGAL_ENTITY_UNMAPPED"]
    config = world.firm()
    line = MappingLine(
        table="legal_entities",
        line=9,
        system="*",
        entity="*",
        source="Acme Mars",
        target="US01",
        valid_from=date(2020, 1, 1),
    )
    hub.apply(msgspec.structs.replace(config, mappings=(*config.mappings, line)))
    hub.work()
    assert hub.standing() == {"1": (1, ACCEPTED)}


def test_a_release_that_changes_nothing_writes_no_revision_and_keeps_the_item(hub: Hub) -> None:
    hub.take(world.said(approved_by=None))
    before = hub.rows("select item_id, opened_at, subject_id from desk_item")
    for _ in range(3):
        hub.conn.execute("update desk_item set state = 'released'")
        hub.work()
    assert hub.rows("select item_id, opened_at, subject_id from desk_item") == before
    assert hub.open_items() == [("APPROVAL_MISSING", "open", "1")]
    assert len(hub.entry_ids("1")) == 1


def test_an_item_that_is_held_for_another_cause_keeps_its_age(hub: Hub) -> None:
    hub.take(world.said(person="dan", approved_by=None))
    before = hub.rows("select item_id, opened_at from desk_item")
    hub.report(master(RecordType.RESOURCE, "dan", {"name": "Dan", "email": "d@example.com"}, legal_entity="Acme US"))
    assert hub.open_items() == [("APPROVAL_MISSING", "open", "1")]
    assert hub.rows("select item_id, opened_at from desk_item") == before
    assert hub.rows("select subject_id from desk_item") == [(hub.entry_ids("1")[-1],)]


def test_a_duplicate_that_a_person_accepts_is_taken_in(hub: Hub) -> None:
    hub.take(world.said(), world.said(source_id="2"))
    assert hub.open_items() == [("DUPLICATE_NATURAL", "open", "2")]
    hub.conn.execute(
        "update desk_item set state = 'released', context = context || '{\"override\": \"DUPLICATE_NATURAL\"}'"
    )
    hub.work()
    assert hub.open_items() == []
    assert hub.standing() == {"1": (1, ACCEPTED), "2": (1, ACCEPTED)}


def test_a_duplicate_of_an_earlier_batch_is_held_and_freed_when_the_first_is_deleted(hub: Hub) -> None:
    hub.take(world.said())
    hub.take(world.said(source_id="2"))
    assert hub.open_items() == [("DUPLICATE_NATURAL", "open", "2")]
    hub.take(world.said(version=2, state=ReportedState.DELETED))
    assert hub.open_items() == []
    assert hub.standing() == {"1": (2, NOT_APPROVED), "2": (1, ACCEPTED)}


def test_an_entry_of_tomorrow_is_taken_in_when_the_day_has_come(hub: Hub) -> None:
    hub.take(world.said(work_date=date(2026, 8, 11)))
    assert hub.open_items() == [("FUTURE_DATED", "open", "1")]
    hub.clock.advance(6 * 3600)
    hub.work()
    assert hub.open_items() == [("FUTURE_DATED", "open", "1")]
    hub.clock.advance(24 * 3600)
    hub.work()
    assert hub.standing() == {"1": (1, ACCEPTED)}


def test_more_entries_than_a_block_of_ids_in_one_message(hub: Hub) -> None:
    many = [
        world.said(
            source_id=f"e{at}",
            task=None,
            work_date=date(2026, 6, 1 + at % 28),
            hours=Decimal(at // 28 % 96 + 1) / 4,
            narrative=f"Work number {at * 7919}",
            state=ReportedState.APPROVED if at % 3 else ReportedState.DRAFT,
        )
        for at in range(9000)
    ]
    hub.take(*many)
    assert len(hub.standing()) == 9000
    assert len(hub.rows("select from batch")) == 2
    assert verify_control_totals(hub.conn) == []


def test_an_expired_rate_names_the_last_line(hub: Hub) -> None:
    config = world.firm()
    rates = tuple(
        msgspec.structs.replace(one, valid_to=date(2026, 6, 1)) if one.context == "bill" else one
        for one in config.rates
    )
    assert isinstance(rates[0], FirmRateLine)
    hub.apply(msgspec.structs.replace(config, rates=rates))
    hub.take(world.said())
    assert hub.open_items() == [("RATE_EXPIRED", "open", "1")]


def test_an_item_that_time_to_bill_held_waits_for_billing_again_once_released(hub: Hub) -> None:
    hub.take(world.said())
    (entry_id,) = hub.entry_ids("1")
    hub.conn.execute("delete from posting_pending")
    hub.conn.execute(
        """
        with cause as (
            insert into root_cause (code, cause_key, owner, depends_on, first_seen)
            values ('DUPLICATE_NATURAL', 'x', 'finance', '{}', now()) returning cause_id)
        insert into desk_item (subject_kind, subject_id, message_id, item_no, cause_id, state, entry_count, message,
                               context, opened_at)
        select 'time_entry', %s, 1, 0, cause_id, 'released', 1, '', '{"override": "DUPLICATE_NATURAL"}', now()
          from cause
        """,
        (entry_id,),
    )
    hub.work()
    assert hub.rows("select first_entry_id from posting_pending") == [(entry_id,)]
    assert hub.rows("select code, severity from finding where entry_id = %s", entry_id) == [
        ("DUPLICATE_NATURAL", "warn")
    ]
    assert hub.open_items() == []
    assert len(hub.entry_ids("1")) == 1


@pytest.mark.parametrize("items", [1, 4])
def test_entries_of_the_api_are_taken_in(hub: Hub, items: int) -> None:
    entries = [
        {
            "source_id": f"a{at}",
            "version": 1,
            "state": "approved",
            "person": "ada@example.com",
            "project": "P100",
            "task": "Design",
            "work_date": f"2026-07-{at + 1:02d}",
            "hours": "7.5",
            "billable": True,
            "narrative": "Design",
            "approved_by": "carol@example.com",
        }
        for at in range(items)
    ]
    hub.send(msgspec.json.encode({"time_entries": entries}), system="timeapp")
    hub.work()
    assert set(hub.standing().values()) == {(1, ACCEPTED)}
    assert hub.ledger()[0] == 2 * items
