"""Masters and the ledger are read whole, in a fixed order, and a quiet account gives nothing twice."""

from datetime import date

import pytest
from tests.unit.connectors.netsuite.account import Account, OpenAccount, journal

from tieout.connect.simulator.control import PutClient, SetPeriod
from tieout.connect.simulator.faults import Fault, FaultKind
from tieout.connect.simulator.seed import SeedClient
from tieout.connect.sink import LedgerPosting
from tieout.connect.source import Page
from tieout.connectors.netsuite import client
from tieout.connectors.netsuite.mapping import NetSuiteTranslator
from tieout.connectors.netsuite.queries import KeysetQuery
from tieout.connectors.netsuite.read import NetSuiteLedgerReader
from tieout.errors import AccessError, ConfigurationError, ContractError, TransientError
from tieout.model.reported import ReportedRecord


async def read(account: Account, name: str, cursor: str | None = None) -> list[Page]:
    return [page async for page in account.source.read(name, cursor)]


def records(pages: list[Page]) -> list[ReportedRecord]:
    found = [one for page in pages for one in NetSuiteTranslator().translate(page.object, page.payload)]
    assert all(isinstance(one, ReportedRecord) for one in found)
    return [one for one in found if isinstance(one, ReportedRecord)]


async def postings(reader: NetSuiteLedgerReader, entity: str = "US01") -> list[LedgerPosting]:
    starts, ends = date(2026, 7, 1), date(2026, 10, 1)
    return [one async for one in reader.postings(entity=entity, starts=starts, ends=ends)]


async def test_legal_entities_come_with_code_currency_and_country(account: Account) -> None:
    found = records(await read(account, "subsidiary"))
    assert [one.fields for one in found] == [
        {"code": "US01", "name": "Northwind US Inc", "functional_currency": "USD", "country": "US"},
        {"code": "JP01", "name": "Northwind KK", "functional_currency": "JPY", "country": "JP"},
    ]


async def test_a_period_is_told_for_each_legal_entity_with_its_own_lock(account: Account) -> None:
    keys = {one.source_id: one.fields["code"] for one in records(await read(account, "subsidiary"))}
    found = {
        (keys[one.references["legal_entity"]], one.fields["code"]): one.fields["state"]
        for one in records(await read(account, "accountingperiod"))
    }
    assert len(found) == 6
    assert found["US01", "2026-07"] == "closed"
    assert found["JP01", "2026-07"] == "open"
    assert found["US01", "2026-08"] == "open"


async def test_without_a_lock_record_only_the_flags_of_the_period_count(open_account: OpenAccount) -> None:
    account = await open_account(period_lock_record="none")
    assert {one.fields["state"] for one in records(await read(account, "accountingperiod"))} == {"open"}


async def test_projects_name_their_customer_and_legal_entity(account: Account) -> None:
    (project,) = records(await read(account, "job"))
    assert project.fields["code"] == "P-US"
    assert project.references["client"] == await account.key("customer", entityid="ACME")
    assert project.references["legal_entity"] == await account.key("subsidiary", externalid="US01")


async def test_a_quiet_account_is_stored_once(account: Account) -> None:
    for name in ("subsidiary", "accountingperiod", "currencyrate", "customer", "job"):
        cursor: str | None = None
        counts = []
        for _ in range(4):
            pages = await read(account, name, cursor)
            cursor = pages[-1].next_cursor if pages else cursor
            counts.append(len(pages))
        assert counts[0] == 1
        assert counts[-1] == 0


async def test_a_closed_period_is_read_from_the_cursor_on(account: Account) -> None:
    pages = await read(account, "accountingperiod")
    account.change(SetPeriod(entity="US01", period="2026-08", closed=True))
    after = records(await read(account, "accountingperiod", pages[-1].next_cursor))
    states = [one.fields["state"] for one in after if one.fields["code"] == "2026-08"]
    assert sorted(str(one) for one in states) == ["closed", "open"]


async def test_a_changed_customer_is_read_again_with_a_greater_version(account: Account) -> None:
    pages = await read(account, "customer")
    before = {one.fields["code"]: one for one in records(pages)}
    account.simulator.set_clock_offset(5.0)
    account.change(PutClient(client=SeedClient(code="ACME", name="Acme plc", entity="US01", currency="USD")))
    after = {one.fields["code"]: one for one in records(await read(account, "customer", pages[-1].next_cursor))}
    assert after["ACME"].fields["name"] == "Acme plc"
    assert after["ACME"].version > before["ACME"].version


async def test_pages_follow_each_other_by_key_and_lose_nothing_of_equal_times(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "PAGE_SIZE", 7)
    for number in range(40):
        account.change(PutClient(client=SeedClient(code=f"C{number}", name=f"{number}", entity="US01", currency="USD")))
    pages = await read(account, "customer")
    assert len(pages) == 6
    assert len({one.source_id for one in records(pages)}) == 42


async def test_a_walk_that_was_cut_goes_on_where_it_was(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "PAGE_SIZE", 2)
    first = await anext(aiter(account.source.read("accountingperiod", None)))
    rest = await read(account, "accountingperiod", first.next_cursor)
    assert len({one.source_id for one in records([first, *rest])}) == 6
    assert len(records([first, *rest])) == 6


@pytest.mark.parametrize("period", ["2026-07", "2026-08", "2026-09"])
async def test_a_change_on_any_page_is_told_and_so_is_the_next_one_there(
    account: Account, monkeypatch: pytest.MonkeyPatch, period: str
) -> None:
    monkeypatch.setattr(client, "PAGE_SIZE", 2)
    entity = await account.key("subsidiary", externalid="JP01")
    cursor = (await read(account, "accountingperiod"))[-1].next_cursor
    told = []
    for after_s, closed in enumerate((True, False, True, False)):
        account.simulator.set_clock_offset(float(after_s))
        account.change(SetPeriod(entity="JP01", period=period, closed=closed))
        pages = await read(account, "accountingperiod", cursor)
        told += [
            one.fields["state"]
            for one in records(pages)
            if (one.fields["code"], one.references["legal_entity"]) == (period, entity)
        ]
        cursor = pages[-1].next_cursor if pages else cursor
    assert told == ["closed", "open", "closed", "open"]


async def test_a_walk_that_was_cut_before_pages_without_news_comes_to_its_end(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "PAGE_SIZE", 2)
    cursor = (await read(account, "accountingperiod"))[-1].next_cursor
    account.change(SetPeriod(entity="JP01", period="2026-07", closed=True))
    cut = await anext(aiter(account.source.read("accountingperiod", cursor)))
    cursor = (await read(account, "accountingperiod", cut.next_cursor))[-1].next_cursor
    account.change(SetPeriod(entity="JP01", period="2026-08", closed=True))
    assert records(await read(account, "accountingperiod", cursor)) != []


async def test_an_account_that_gives_every_page_alike_is_not_read_for_ever(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    await account.post(*(journal(number) for number in range(5)))
    monkeypatch.setattr(client, "PAGE_SIZE", 2)
    monkeypatch.setattr(KeysetQuery, "_beyond", lambda _query, _after: "")
    pages = await read(account, "accountingperiod")
    assert [page.item_count for page in pages] == [2, None]
    with pytest.raises(ContractError, match="when asked for those after"):
        await postings(account.ledger)


async def test_a_page_that_cannot_be_read_is_handed_on_once_and_the_walk_stays(account: Account) -> None:
    account.force(Fault(kind=FaultKind.SCHEMA_DRIFT, on="read", variant="duplicate_key"))
    (page,) = await read(account, "customer")
    assert page.item_count is None
    assert len(records(await read(account, "customer", page.next_cursor))) == 2


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (FaultKind.HTTP_500, TransientError),
        (FaultKind.HTTP_429, TransientError),
        (FaultKind.HTML_PAGE, TransientError),
        (FaultKind.OK_WITH_ERROR_BODY, TransientError),
        (FaultKind.FORBIDDEN, AccessError),
        (FaultKind.TOKEN_EXPIRED, AccessError),
        (FaultKind.UNPROCESSABLE, ContractError),
    ],
)
async def test_a_read_that_fails_is_the_error_that_says_what_to_do(
    account: Account, kind: FaultKind, error: type[Exception]
) -> None:
    account.force(Fault(kind=kind, on="read", count=5))
    with pytest.raises(error):
        await read(account, "customer")


async def test_a_foreign_cursor_or_object_is_refused(account: Account) -> None:
    with pytest.raises(ContractError):
        await read(account, "customer", "page 3")
    with pytest.raises(ConfigurationError):
        await read(account, "vendor")


async def test_the_ledger_tells_every_line_in_both_currencies(account: Account) -> None:
    command = journal(1, entity="JP01", amount_minor=15300, line={"currency": "USD", "amount_minor": 10250})
    await account.post(command)
    (posting,) = await postings(account.ledger, "JP01")
    assert (posting.reference, posting.period, posting.posted) == (command.reference, "Aug 2026", True)
    assert [(one.account, one.functional_minor, one.amount_minor, one.currency) for one in posting.lines] == [
        ("1250", 15300, 10250, "USD"),
        ("4250", -15300, -15300, "JPY"),
    ]


async def test_the_ledger_is_read_whole_over_many_queries(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "PAGE_SIZE", 30)
    for start in range(0, 230, 100):
        await account.post(*(journal(number) for number in range(start, min(start + 100, 230))))
    found = await postings(account.ledger)
    assert len({one.reference for one in found}) == len(found) == 230
    assert all(len(one.lines) == 2 for one in found)


async def test_the_ledger_shows_doubles_and_leaves_out_what_is_not_ours(account: Account) -> None:
    account.simulator.state.put("dedup", value=False)
    await account.post(journal(1))
    await account.post(journal(1))
    account.simulator.account.store.write_now(
        lambda rows: rows.execute(
            'insert into "transaction" (type, externalid, trandate, currency, postingperiod, posting)'
            " values ('Journal', 'PAYROLL-7', '2026-08-31', 1, 201, 'T')"
        )
    )
    found = await postings(account.ledger)
    assert [one.reference for one in found] == [journal(1).reference] * 2
    assert len({one.ref for one in found}) == 2


async def test_a_legal_entity_without_subsidiary_is_a_mistake_of_configuration(account: Account) -> None:
    with pytest.raises(ConfigurationError):
        await postings(account.ledger, "XX01")
