"""What the Tryton connector does that only Tryton makes necessary; the rest is held to the conformance suite."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from decimal import Decimal

import psycopg
import pytest
from tests.real_erp.conftest import Erp

from tieout.connect.connector import Connection, load_connector
from tieout.connect.http import HttpSettings
from tieout.connect.outcome import Accepted, AlreadyDone, FoundState, Rejected, RejectionCode
from tieout.connect.sink import Sink
from tieout.connect.source import Source
from tieout.connect.throttle import NoThrottle
from tieout.connectors.tryton import read
from tieout.model.journal import JournalLine, PostJournal
from tieout.sample import tryton_ledger

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
