"""Journals, customers and projects reach NetSuite once, unaltered, and every refusal is told in our words."""

import asyncio
from datetime import date
from typing import Any

import msgspec
import pytest
from tests.unit.connectors.netsuite.account import RECORD_PATH, Account, OpenAccount, journal

from tieout.connect.outcome import (
    Accepted,
    AlreadyDone,
    Echo,
    NoAccess,
    Rejected,
    RejectionCode,
    RetryLater,
    Unknown,
    Warned,
)
from tieout.connect.simulator.control import SetPeriod
from tieout.connect.simulator.faults import Fault, FaultKind
from tieout.errors import InvariantError, TransientError
from tieout.model.command import UpsertCustomer, UpsertProject


def customer(code: str = "NEW", name: str = "New Client", **changes: str) -> UpsertCustomer:
    plain = UpsertCustomer(reference=f"TIE-C-{code}", entity="US01", code=code, name=name, currency="USD")
    return msgspec.structs.replace(plain, **changes)


async def test_a_posted_journal_is_read_back_with_amount_currency_and_date(account: Account) -> None:
    (outcome,) = await account.post(journal(1, amount_minor=12345))
    assert isinstance(outcome, Accepted)
    assert outcome.echo == Echo(amount_minor=12345, currency="USD", accounting_date="2026-08-14")


async def test_hours_and_transaction_currency_travel_in_the_custom_columns(account: Account) -> None:
    command = journal(1, entity="JP01", amount_minor=15300, line={"currency": "USD", "amount_minor": 10250})
    await account.post(command)
    lines = await account.query(
        "SELECT custcol_tieout_currency AS c, custcol_tieout_amount AS a, custcol_tieout_hours AS h,"
        " foreignamount AS f FROM transactionline ORDER BY id"
    )
    assert [(one["c"], one["a"], one["h"], one["f"]) for one in lines["items"]] == [
        ("USD", "102.5", "1", "15300"),
        ("JPY", "-15300", "1", "-15300"),
    ]


async def test_a_second_write_under_a_reference_alters_nothing_and_tells_the_first_amount(account: Account) -> None:
    await account.post(journal(1, amount_minor=100))
    (outcome,) = await account.post(journal(1, amount_minor=999))
    assert isinstance(outcome, AlreadyDone)
    assert outcome.echo is not None
    assert outcome.echo.amount_minor == 100
    assert [one.debit_minor for one in account.held(journal(1).reference)] == [100]


async def test_an_upsert_would_have_doubled_the_lines(account: Account) -> None:
    """Why journals are created and not upserted: the vendor adds the lines of an update to those that are there."""
    command = journal(1, amount_minor=100)
    await account.post(command)
    first = await account.api.get(f"{RECORD_PATH}/journalEntry/eid:{command.reference}?expandSubResources=true")
    body = {name: first.json()[name] for name in ("subsidiary", "tranDate", "currency", "line")}
    await account.api.put(f"{RECORD_PATH}/journalEntry/eid:{command.reference}", json=body)
    assert [one.debit_minor for one in account.held(command.reference)] == [200]


async def test_a_journal_posted_before_its_period_closed_is_found_and_not_routed_elsewhere(account: Account) -> None:
    command = journal(1)
    account.force(Fault(kind=FaultKind.COMMIT_THEN_DROP, on="write"))
    (lost,) = await account.post(command)
    assert isinstance(lost, Unknown)
    account.change(SetPeriod(entity="US01", period="2026-08", closed=True))
    (again,) = await account.post(command)
    assert isinstance(again, AlreadyDone)
    assert len(account.held(command.reference)) == 1


async def test_a_refusal_is_not_believed_while_nobody_can_look(account: Account) -> None:
    account.force(Fault(kind=FaultKind.HTTP_500, on="read", count=50, skip=4, path="suiteql|eid"))
    (first,) = await account.post(journal(1))
    assert isinstance(first, Accepted)
    assert first.echo is None
    (again,) = await account.post(journal(1))
    assert isinstance(again, Unknown | RetryLater)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"accounting_date": date(2026, 7, 14)}, RejectionCode.PERIOD_CLOSED),
        ({"line": {"account": "9999"}}, RejectionCode.ACCOUNT_UNKNOWN),
        ({"line": {"project_code": "P-NONE"}}, RejectionCode.PROJECT_UNKNOWN),
        ({"line": {"project_code": None, "customer_code": "C-NONE"}}, RejectionCode.CUSTOMER_UNKNOWN),
        ({"line": {"dimensions": {"department": "999"}}}, RejectionCode.DIMENSION_UNKNOWN),
        ({"line": {"dimensions": {"practice": "100"}}}, RejectionCode.DIMENSION_UNKNOWN),
        ({"entity": "XX01"}, RejectionCode.INVALID),
        ({"accounting_date": date(2031, 1, 1)}, RejectionCode.INVALID),
    ],
)
async def test_what_the_account_cannot_take_is_rejected_with_its_reason(
    account: Account, changes: dict[str, Any], code: RejectionCode
) -> None:
    command = journal(1, **changes)
    (outcome,) = await account.post(command)
    assert isinstance(outcome, Rejected)
    assert outcome.code is code
    assert account.held(command.reference) == []


async def test_a_period_closed_for_one_subsidiary_is_open_for_another(account: Account) -> None:
    july = date(2026, 7, 14)
    closed, opened = await account.post(
        journal(1, accounting_date=july), journal(2, entity="JP01", accounting_date=july)
    )
    assert isinstance(closed, Rejected)
    assert isinstance(opened, Accepted)


async def test_a_department_is_found_by_code_or_by_name(account: Account) -> None:
    outcomes = await account.post(
        journal(1, line={"dimensions": {"department": "100"}}),
        journal(2, line={"dimensions": {"department": "Advisory"}}),
    )
    assert all(isinstance(one, Accepted) for one in outcomes)


async def test_names_with_quotes_are_looked_up_safely(account: Account) -> None:
    (outcome,) = await account.post(journal(1, line={"account": "12'50", "project_code": None}))
    assert isinstance(outcome, Rejected)
    assert outcome.code is RejectionCode.ACCOUNT_UNKNOWN


async def test_one_bad_journal_does_not_sink_the_rest(account: Account) -> None:
    outcomes = await account.post(journal(1), journal(2, line={"account": "9999"}), journal(3))
    assert [type(one) for one in outcomes] == [Accepted, Rejected, Accepted]


async def test_an_amount_that_the_account_altered_shows_in_the_echo(account: Account) -> None:
    account.force(Fault(kind=FaultKind.ALTER_AMOUNT, on="write"))
    (outcome,) = await account.post(journal(1, amount_minor=12345))
    assert isinstance(outcome, Accepted)
    assert outcome.echo is not None
    assert outcome.echo.amount_minor == 12445


async def test_without_read_back_nothing_is_read_after_a_post(open_account: OpenAccount) -> None:
    account = await open_account(read_back="no")
    await account.post(journal(1))
    before = account.simulator.traffic.by_class["read"]
    (outcome,) = await account.post(journal(2))
    assert isinstance(outcome, Accepted)
    assert outcome.echo is None
    assert account.simulator.traffic.by_class["read"] == before


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (FaultKind.COMMIT_THEN_DROP, Unknown),
        (FaultKind.COMMIT_THEN_5XX, Unknown),
        (FaultKind.OK_WITH_ERROR_BODY, Unknown),
        (FaultKind.HTML_PAGE, Unknown),
        (FaultKind.HTTP_500, Unknown),
        (FaultKind.HTTP_503, Unknown),
        (FaultKind.HTTP_429, RetryLater),
        (FaultKind.FORBIDDEN, NoAccess),
        (FaultKind.CONFLICT, RetryLater),
    ],
)
async def test_only_an_explicit_answer_decides(account: Account, kind: FaultKind, expected: type[object]) -> None:
    await account.post(journal(1))
    account.force(Fault(kind=kind, on="write"))
    (outcome,) = await account.post(journal(2))
    assert type(outcome) is expected


async def test_retry_after_is_handed_on(account: Account) -> None:
    account.force(Fault(kind=FaultKind.HTTP_429, on="write", retry_after="7"))
    (outcome,) = await account.post(journal(1))
    assert isinstance(outcome, RetryLater)
    assert outcome.after_s == 7


async def test_a_token_that_expired_under_many_journals_is_renewed_once(account: Account) -> None:
    await account.post(journal(0))
    account.simulator.expire_tokens()
    before = account.simulator.traffic.by_class["token"]
    outcomes = await account.post(*(journal(number) for number in range(1, 21)))
    assert all(isinstance(one, Accepted) for one in outcomes)
    assert account.simulator.traffic.by_class["token"] == before + 1


async def test_a_batch_stays_within_the_concurrency_that_is_set(open_account: OpenAccount) -> None:
    account = await open_account(concurrency="3")
    account.simulator.state.put("concurrency_limit", 3)
    account.force(Fault(kind=FaultKind.DELAY, on="write", count=12, seconds=0.02))
    outcomes = await account.post(*(journal(number) for number in range(12)))
    assert all(isinstance(one, Accepted) for one in outcomes)
    assert account.simulator.traffic.max_concurrency == 3


async def test_beyond_its_concurrency_the_account_refuses_and_nothing_is_recorded(open_account: OpenAccount) -> None:
    account = await open_account(concurrency="6")
    await account.post(journal(0))
    account.simulator.state.put("concurrency_limit", 1)
    account.force(Fault(kind=FaultKind.DELAY, on="write", count=6, seconds=0.1))
    outcomes = await account.post(*(journal(number) for number in range(1, 7)))
    later = [one for one in outcomes if isinstance(one, RetryLater)]
    assert later
    assert "CONCURRENCY_LIMIT_EXCEEDED" in later[0].reason
    assert len(account.journals()) == 1 + sum(isinstance(one, Accepted) for one in outcomes)


async def test_a_journal_that_waits_for_approval_is_a_question_for_a_person(account: Account) -> None:
    command = journal(1)
    await account.post(command)
    key = account.held(command.reference)[0].id
    account.simulator.account.store.write_now(
        lambda rows: rows.execute(
            "update \"transaction\" set posting = 'F', approvalstatus = '1' where id = ?", (int(key),)
        )
    )
    (again,) = await account.post(command)
    assert isinstance(again, Warned)
    assert again.name == "PENDING_APPROVAL"


async def test_a_look_up_sees_at_once_what_suiteql_does_not_yet_show(account: Account) -> None:
    account.simulator.state.put("read_lag_s", 60.0)
    await account.post(journal(1))
    shown = await account.query("SELECT id FROM transaction")
    found = await account.sink.find("post_journal", [journal(1).reference, journal(2).reference], entity="US01")
    assert shown["items"] == []
    assert set(found) == {journal(1).reference}


async def test_a_look_up_counts_what_is_held_twice(account: Account) -> None:
    account.simulator.state.put("dedup", value=False)
    await account.post(journal(1))
    await account.post(journal(1))
    found = await account.sink.find("post_journal", [journal(1).reference], entity="US01")
    assert found[journal(1).reference].count == 2


async def test_a_look_up_that_cannot_be_made_is_an_error_and_not_an_absence(account: Account) -> None:
    account.force(Fault(kind=FaultKind.HTTP_500, on="read", count=10))
    with pytest.raises(TransientError):
        await account.sink.find("post_journal", [journal(1).reference], entity="US01")


async def test_a_customer_is_made_under_its_code_and_then_changed(account: Account) -> None:
    (made,) = await account.sink.write([customer(name="New Client")])
    (changed,) = await account.sink.write([customer(name="Renamed")])
    assert isinstance(made, Accepted)
    assert isinstance(changed, Accepted)
    assert made.ref == changed.ref
    rows = await account.query("SELECT companyname AS name FROM customer WHERE entityid = 'NEW'")
    assert [one["name"] for one in rows["items"]] == ["Renamed"]


async def test_a_customer_keyed_by_hand_is_changed_and_not_made_again(account: Account) -> None:
    (outcome,) = await account.sink.write([customer("ACME", "Acme Holdings")])
    assert isinstance(outcome, Accepted)
    assert outcome.ref == await account.key("customer", entityid="ACME")


async def test_a_project_needs_its_customer(account: Account) -> None:
    project = UpsertProject(
        reference="TIE-P-9", entity="US01", code="P-9", name="Nine", customer_code="NONE", currency="USD"
    )
    (outcome,) = await account.sink.write([project])
    assert isinstance(outcome, Rejected)
    assert outcome.code is RejectionCode.CUSTOMER_UNKNOWN


async def test_a_customer_its_project_and_a_journal_follow_each_other_at_once(account: Account) -> None:
    account.simulator.state.put("read_lag_s", 60.0)
    await account.sink.write([customer("C9", "Nine Ltd")])
    await account.sink.write(
        [UpsertProject(reference="TIE-P-9", entity="US01", code="P-9", name="9", customer_code="C9", currency="USD")]
    )
    (outcome,) = await account.post(journal(1, line={"project_code": "P-9"}))
    assert isinstance(outcome, Accepted)


async def test_four_senders_of_the_same_journals_post_each_once(account: Account) -> None:
    commands = [journal(number) for number in range(4)]
    await asyncio.gather(*(account.sink.write(commands) for _ in range(4)))
    assert sorted(one.reference for one in account.journals()) == sorted(one.reference for one in commands)


async def test_commands_of_two_kinds_in_one_call_are_our_own_mistake(account: Account) -> None:
    with pytest.raises(InvariantError):
        await account.sink.write([journal(1), customer()])
