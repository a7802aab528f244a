"""What the Tryton connector does that only Tryton makes necessary; the rest is held to the conformance suite."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import msgspec
import psycopg
import pytest
from tests.real_erp.conftest import Erp

from tieout.connect.connector import Connection, load_connector
from tieout.connect.http import HttpSettings
from tieout.connect.outcome import Accepted, AlreadyDone, FoundState, Outcome, Rejected, RejectionCode
from tieout.connect.simulator.control import Holding
from tieout.connect.sink import Sink
from tieout.connect.source import Source
from tieout.connect.throttle import NoThrottle
from tieout.connectors.tryton import read
from tieout.connectors.tryton.reported import TrytonTranslator
from tieout.model.command import (
    Command,
    SetProjectStatus,
    UpsertCustomer,
    UpsertEmployee,
    UpsertProject,
    UpsertTask,
)
from tieout.model.journal import JournalLine, PostJournal
from tieout.model.reported import ReportedRecord
from tieout.sample import tryton_ledger
from tieout.sample.tryton_projects import master_holdings

pytestmark = [pytest.mark.real_erp, pytest.mark.timeout(600)]


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


def connection(erp: Erp) -> Connection:
    return Connection(
        system="erp",
        account="erp",
        settings=erp.server.connection_settings,
        secrets={"password": erp.server.service_password},
        throttle=NoThrottle(),
        clock=SystemClock(),
        http=HttpSettings(),
    )


@asynccontextmanager
async def opened_sink(erp: Erp) -> AsyncIterator[Sink]:
    connector = load_connector("tryton")
    assert connector.open_sink is not None
    sink = connector.open_sink(connection(erp))
    try:
        yield sink
    finally:
        await sink.aclose()


@asynccontextmanager
async def opened_source(erp: Erp) -> AsyncIterator[Source]:
    connector = load_connector("tryton")
    assert connector.open_source is not None
    source = connector.open_source(connection(erp))
    try:
        yield source
    finally:
        await source.aclose()


def journal(
    number: int = 1, *, minor: int = 12_050, account: str = "5310", on: date = date(2026, 8, 14)
) -> PostJournal:
    def line(code: str, debit: int, credit: int) -> JournalLine:
        return JournalLine(
            account=code,
            debit_minor=debit,
            credit_minor=credit,
            currency="GBP",
            amount_minor=debit - credit,
            memo=f"Journal {number}",
        )

    return PostJournal(
        reference=f"TIE-{number:032x}",
        key=f"{number:064x}",
        entity="GB01",
        accounting_date=on,
        currency="GBP",
        description="Time",
        lines=(line(account, minor, 0), line("2310", 0, minor)),
        entry_count=1,
        hours=Decimal(1),
    )


def execute(erp: Erp, statement: str, *values: object) -> list[tuple[object, ...]]:
    with psycopg.connect(erp.server.database_url) as conn:
        cursor = conn.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def back_to_drafts(erp: Erp, *references: str) -> None:
    """As if a sender had died between making and posting."""
    execute(
        erp,
        "update account_move set state = 'draft', number = null, post_date = null where description = any(%s)",
        list(references),
    )


def moves(erp: Erp) -> list[tuple[object, ...]]:
    return execute(erp, "select id, description, state from account_move order by id")


async def test_a_draft_left_behind_is_posted_instead_of_a_second_one(erp: Erp) -> None:
    async with opened_sink(erp) as sink:
        first = (await sink.write([journal()]))[0]
        back_to_drafts(erp, journal().reference)
        found = await sink.find("post_journal", [journal().reference], entity="GB01")
        assert found[journal().reference].state is FoundState.DRAFT
        again = (await sink.write([journal()]))[0]
    assert isinstance(first, Accepted)
    assert isinstance(again, Accepted)
    assert again.ref == first.ref
    assert [state for _id, _reference, state in moves(erp)] == ["posted"]


async def test_a_draft_that_is_not_what_would_be_made_now_is_replaced(erp: Erp) -> None:
    async with opened_sink(erp) as sink:
        await sink.write([journal()])
        back_to_drafts(erp, journal().reference)
        moved = journal(on=date(2026, 9, 1))
        outcome = (await sink.write([moved]))[0]
    assert isinstance(outcome, Accepted)
    assert outcome.echo is not None
    assert outcome.echo.accounting_date == "2026-09-01"
    assert len(moves(erp)) == 1


async def test_of_two_drafts_the_older_is_posted_and_the_other_goes(erp: Erp) -> None:
    async with opened_sink(erp) as sink:
        await sink.write([journal(1), journal(2)])
        back_to_drafts(erp, journal(1).reference, journal(2).reference)
        execute(erp, "update account_move set description = %s", journal(1).reference)
        execute(erp, "update account_move_line set description = 'Journal 1'")
        older = moves(erp)[0][0]
        outcome = (await sink.write([journal(1)]))[0]
    assert isinstance(outcome, Accepted)
    assert moves(erp) == [(older, journal(1).reference, "posted")]


async def test_a_draft_whose_journal_can_no_longer_be_posted_goes(erp: Erp) -> None:
    async with opened_sink(erp) as sink:
        await sink.write([journal()])
        back_to_drafts(erp, journal().reference)
        outcome = (await sink.write([journal(on=date(2026, 7, 1))]))[0]
    assert isinstance(outcome, Rejected)
    assert outcome.code is RejectionCode.PERIOD_CLOSED
    assert moves(erp) == []


async def test_a_posting_in_a_period_closed_since_is_already_done(erp: Erp) -> None:
    async with opened_sink(erp) as sink:
        await sink.write([journal()])
        erp.server.set_period_state("GB01", "2026-08", is_open=False)
        again = (await sink.write([journal()]))[0]
    assert isinstance(again, AlreadyDone)


async def test_a_bad_journal_of_many_stands_alone(erp: Erp) -> None:
    commands = [journal(number, account="1310" if number == 7 else "5310") for number in range(1, 11)]
    async with opened_sink(erp) as sink:
        outcomes = await sink.write(commands)
    assert [isinstance(one, Accepted) for one in outcomes] == [number != 7 for number in range(1, 11)]
    bad = outcomes[6]
    assert isinstance(bad, Rejected)
    assert bad.code is RejectionCode.CUSTOMER_UNKNOWN
    assert tryton_ledger.read_draft_references(erp.server.database_url) == []


async def test_senders_of_other_journals_do_not_disturb_each_other(erp: Erp) -> None:
    async with opened_sink(erp) as sink:
        batches = [[journal(100 * batch + number) for number in range(5)] for batch in range(1, 5)]
        outcomes = await asyncio.gather(*(sink.write(batch) for batch in batches))
    assert all(isinstance(one, Accepted) for batch in outcomes for one in batch)
    assert tryton_ledger.read_doubled_references(erp.server.database_url) == []
    assert (
        sum(one.move_count for one in tryton_ledger.read_totals(erp.server.database_url) if one.account == "5310") == 20
    )


async def test_a_journal_cancelled_in_tryton_is_found_as_cancelled_and_not_posted_again(erp: Erp) -> None:
    async with opened_sink(erp) as sink:
        await sink.write([journal(1), journal(2)])
        first, second = (row[0] for row in moves(erp))
        execute(
            erp,
            "update account_move set description = %s, origin = %s where id = %s",
            journal(1).reference,
            f"account.move,{first}",
            second,
        )
        found = await sink.find("post_journal", [journal(1).reference], entity="GB01")
        again = (await sink.write([journal(1)]))[0]
    assert found[journal(1).reference].state is FoundState.CANCELLED
    assert isinstance(again, AlreadyDone)


async def test_a_quiet_table_is_read_once_and_a_change_is_read_from_its_cursor(erp: Erp) -> None:
    async with opened_source(erp) as source:
        first = [page async for page in source.read("party.party", None)]
        assert [page async for page in source.read("party.party", first[-1].next_cursor)] == []
        execute(erp, "update party_party set name = 'Acme Ltd', write_date = now() where code = 'C001'")
        changed = [page async for page in source.read("party.party", first[-1].next_cursor)]
    assert len(changed) == 1
    assert b"Acme Ltd" in changed[0].payload


async def test_a_walk_that_was_cut_before_pages_without_news_comes_to_its_end(
    erp: Erp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read, "PAGE_SIZE", 5)
    renamed = "update account_period set name = %s where id = (select min(id) from account_period)"
    async with opened_source(erp) as source:
        cursor = [page async for page in source.read("account.period", None)][-1].next_cursor
        execute(erp, renamed, "First")
        cut = await anext(aiter(source.read("account.period", cursor)))
        cursor = [page async for page in source.read("account.period", cut.next_cursor)][-1].next_cursor
        execute(erp, renamed, "First again")
        told = [page.payload async for page in source.read("account.period", cursor)]
    assert b"First again" in told[0]


def project(code: str = "P-9", **changes: Any) -> UpsertProject:
    plain: dict[str, Any] = {
        "reference": f"TIE-P-{code}",
        "entity": "US01",
        "code": code,
        "name": "Rollout",
        "customer_code": "C001",
        "currency": "USD",
    }
    return UpsertProject(**{**plain, **changes})


def task(wbs: str = "1", **changes: Any) -> UpsertTask:
    plain: dict[str, Any] = {
        "reference": f"TIE-T-{wbs}",
        "entity": "US01",
        "project_code": "P001",
        "wbs_code": wbs,
        "name": f"Task {wbs}",
    }
    return UpsertTask(**{**plain, **changes})


def status(state: str, reference: str = "TIE-S-1", code: str = "P001") -> SetProjectStatus:
    return SetProjectStatus(reference=reference, entity="US01", project_code=code, status=state)


def master(erp: Erp, kind: str, code: str) -> Holding:
    (found,) = [one for one in master_holdings(erp.server.database_url) if (one.kind, one.code) == (kind, code)]
    return found


async def written(erp: Erp, *commands: Command) -> list[Outcome]:
    async with opened_sink(erp) as sink:
        return [(await sink.write([one]))[0] for one in commands]


async def test_a_project_keeps_status_budget_and_dates_and_what_people_wrote_beside_them(erp: Erp) -> None:
    whole = project(
        starts=date(2026, 9, 1),
        ends=date(2027, 1, 1),
        status="provisioning",
        contract_number="K-77",
        rate_card_code="RC-USD",
        service_line="Strategy",
        manager_email="ana@meridian.example",
        budget_hours=Decimal("160.50"),
        budget_minor=12_345_67,
        fields={"sequence": "7"},
    )
    (made,) = await written(erp, whole)
    assert isinstance(made, Accepted)
    execute(erp, "update project_work set comment = comment || %s where id = %s", "\nAsk Ann.", int(made.ref))
    (renamed,) = await written(erp, project(reference="TIE-P-second", name="Rollout 2"))
    assert isinstance(renamed, Accepted)
    held = master(erp, "upsert_project", "P-9")
    assert (held.id, renamed.ref, held.reference) == (made.ref, made.ref, "TIE-P-second")
    assert held.facts == {
        "name": "Rollout 2",
        "customer_code": "C001",
        "currency": "USD",
        "starts": "2026-09-01",
        "ends": "2027-01-01",
        "status": "provisioning",
        "budget_hours": "160.50",
        "budget_minor": "1234567",
        "contract_number": "K-77",
        "rate_card_code": "RC-USD",
        "service_line": "Strategy",
        "manager_email": "ana@meridian.example",
        "field:sequence": "7",
    }
    ((comment,),) = execute(erp, "select comment from project_work where id = %s", int(made.ref))
    assert str(comment).endswith("\nAsk Ann.")
    async with opened_sink(erp) as sink:
        found = await sink.find("upsert_project", ["TIE-P-P-9", "TIE-P-second"], entity="US01")
    assert set(found) == {"TIE-P-second"}


async def test_tasks_stand_below_their_parents_and_are_closed_and_opened_again(erp: Erp) -> None:
    child = task("1.1", parent_wbs_code="1", planned_hours=Decimal("12.5"), billable=False, ends=date(2026, 10, 1))
    outcomes = await written(erp, task("1"), child)
    assert all(isinstance(one, Accepted) for one in outcomes)
    first = master(erp, "upsert_task", "P001/1.1")
    assert first.facts == {
        "name": "Task 1.1",
        "project_code": "P001",
        "parent_wbs_code": "1",
        "open_for_time": "true",
        "billable": "false",
        "planned_hours": "12.5",
        "ends": "2026-10-01",
    }
    for number, is_open in enumerate((False, True)):
        changed = msgspec.structs.replace(child, reference=f"TIE-T-v{number}", open_for_time=is_open)
        (outcome,) = await written(erp, changed)
        assert isinstance(outcome, Accepted)
        held = master(erp, "upsert_task", "P001/1.1")
        assert (held.id, held.facts["open_for_time"]) == (first.id, str(is_open).lower())
    (again,) = await written(erp, msgspec.structs.replace(child, reference="TIE-T-v1"))
    assert again == AlreadyDone(ref=first.id)


async def test_a_status_is_set_and_found_under_the_reference_that_set_it_last(erp: Erp) -> None:
    for number, state in enumerate(("on_hold", "active")):
        (outcome,) = await written(erp, status(state, f"TIE-S-{number}"))
        assert isinstance(outcome, Accepted)
        assert master(erp, "set_project_status", "P001").facts == {"status": state}
    async with opened_sink(erp) as sink:
        found = await sink.find("set_project_status", ["TIE-S-0", "TIE-S-1"], entity="US01")
    assert set(found) == {"TIE-S-1"}


@pytest.mark.parametrize(
    ("command", "code", "words"),
    [
        (project("P-BAD", status="proposed"), RejectionCode.INVALID, "proposed"),
        (project("P-BAD", fields={"practice": "x"}), RejectionCode.INVALID, "practice"),
        (project("P-BAD", fields={"sequence": "first"}), RejectionCode.INVALID, "sequence"),
        (project("P-BAD", fields={"number": "7"}), RejectionCode.INVALID, "number"),
        (project("P-BAD", customer_code="C-NONE"), RejectionCode.CUSTOMER_UNKNOWN, "C-NONE"),
        (task("9", project_code="P-BAD"), RejectionCode.PROJECT_UNKNOWN, "P-BAD"),
        (task("9", parent_wbs_code="8"), RejectionCode.INVALID, "no task 8"),
        (status("active", code="P-BAD"), RejectionCode.PROJECT_UNKNOWN, "P-BAD"),
    ],
)
async def test_what_tryton_cannot_hold_is_refused_in_words_and_nothing_is_written(
    erp: Erp, command: Command, code: RejectionCode, words: str
) -> None:
    (outcome,) = await written(erp, command)
    assert isinstance(outcome, Rejected)
    assert outcome.code is code
    assert words in outcome.words
    assert not [one for one in master_holdings(erp.server.database_url) if one.reference == command.reference]


async def test_a_customer_with_further_fields_is_refused_in_words(erp: Erp) -> None:
    further = UpsertCustomer(
        reference="TIE-C-1", entity="US01", code="C-9", name="Nine", currency="USD", fields={"region": "EMEA"}
    )
    (outcome,) = await written(erp, further)
    assert isinstance(outcome, Rejected)
    assert "region" in outcome.words


async def records(erp: Erp, object_name: str) -> list[ReportedRecord]:
    found = []
    async with opened_source(erp) as source:
        async for page in source.read(object_name, None):
            for one in TrytonTranslator().translate(object_name, page.payload):
                assert isinstance(one, ReportedRecord)
                found.append(one)
    return found


async def test_people_who_left_are_read_and_not_employed_a_second_time(erp: Erp) -> None:
    read_before = {str(one.fields["name"]): one for one in await records(erp, "company.employee")}
    assert read_before["Bo Left"].fields["employment_to"] == "2026-01-01"
    again = UpsertEmployee(reference="TIE-E-2", entity="US01", code="E002", name="Bo Left")
    (outcome,) = await written(erp, again)
    assert isinstance(outcome, Accepted)
    assert outcome.ref == read_before["Bo Left"].source_id
    async with opened_sink(erp) as sink:
        assert set(await sink.find("upsert_employee", ["TIE-E-2"], entity="US01")) == {"TIE-E-2"}


async def test_a_legal_entity_is_in_the_country_of_its_address(erp: Erp) -> None:
    countries = {one.fields["code"]: one.fields["country"] for one in await records(erp, "company.company")}
    assert countries == {"US01": "US", "GB01": "GB", "DE01": "DE", "JP01": "JP"}


async def test_a_customer_that_is_made_inactive_is_told_as_gone_from_the_cursor_on(erp: Erp) -> None:
    async with opened_source(erp) as source:
        cursor = [page.next_cursor async for page in source.read("party.party", None)][-1]
        await asyncio.sleep(0.1)
        execute(
            erp,
            "update party_party set active = false, write_date = now() where code = %s",
            "C001",
        )
        told = [
            one
            async for page in source.read("party.party", cursor)
            for one in TrytonTranslator().translate("party.party", page.payload)
        ]
    assert [one.deleted for one in told if isinstance(one, ReportedRecord) and one.fields["code"] == "C001"] == [True]
