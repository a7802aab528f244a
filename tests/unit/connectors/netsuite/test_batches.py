"""Journals handed in by asynchronous batches: once each, told one by one, whatever becomes of the job."""

import pytest
from tests.unit.connectors.netsuite.account import Account, OpenAccount, journal

from tieout.connect.outcome import Accepted, AlreadyDone, Rejected, RejectionCode, Unknown
from tieout.connect.simulator.control import SetPeriod
from tieout.connect.simulator.faults import Fault, FaultKind
from tieout.connectors.netsuite.batches import idempotency_key


@pytest.fixture
async def batching(open_account: OpenAccount) -> Account:
    return await open_account(journal_writes="async_batches", async_deadline_s="2")


async def test_a_hundred_journals_take_one_request_and_are_read_back(batching: Account) -> None:
    outcomes = await batching.post(*(journal(number, amount_minor=100 + number) for number in range(100)))
    assert [one.echo.amount_minor for one in outcomes if isinstance(one, Accepted) and one.echo] == list(
        range(100, 200)
    )
    assert batching.simulator.object_counts()["asyncJob"] == 1


async def test_one_bad_journal_of_a_batch_is_told_with_its_own_reason(batching: Account) -> None:
    closed = journal(2, accounting_date=journal(2).accounting_date.replace(month=7))
    outcomes = await batching.post(journal(1), closed, journal(3))
    assert [type(one) for one in outcomes] == [Accepted, Rejected, Accepted]
    assert isinstance(outcomes[1], Rejected)
    assert outcomes[1].code is RejectionCode.PERIOD_CLOSED


async def test_a_batch_handed_in_again_finds_its_first_job(batching: Account) -> None:
    commands = [journal(1), journal(2)]
    await batching.post(*commands)
    again = await batching.post(*commands)
    assert all(isinstance(one, AlreadyDone) for one in again)
    assert batching.simulator.object_counts()["asyncJob"] == 1


async def test_a_batch_whose_answer_was_lost_is_posted_once_when_it_is_handed_in_again(batching: Account) -> None:
    commands = [journal(1), journal(2)]
    batching.force(Fault(kind=FaultKind.COMMIT_THEN_DROP, on="write"))
    lost = await batching.post(*commands)
    assert all(isinstance(one, Unknown) for one in lost)
    again = await batching.post(*commands)
    assert all(isinstance(one, AlreadyDone) for one in again)
    assert [len(batching.held(one.reference)) for one in commands] == [1, 1]


async def test_a_batch_in_another_company_does_not_double_a_journal(batching: Account) -> None:
    await batching.post(journal(1), journal(2))
    await batching.post(journal(2), journal(3))
    assert len(batching.journals()) == 3


async def test_a_job_that_vanished_is_unknown_unless_its_journal_is_there(batching: Account) -> None:
    batching.force(Fault(kind=FaultKind.NOT_FOUND, on="read", path="async/v1/job", count=1_000))
    batching.force(Fault(kind=FaultKind.NOT_FOUND, on="read", path="eid", count=1_000))
    await batching.sink.find("post_journal", [], entity="US01")
    outcomes = await batching.post(journal(1))
    assert all(isinstance(one, Unknown | Accepted) for one in outcomes)
    batching.simulator.plan.clear()
    (again,) = await batching.post(journal(1))
    assert isinstance(again, Accepted | AlreadyDone)
    assert len(batching.held(journal(1).reference)) == 1


async def test_a_job_that_does_not_end_in_time_is_unknown(batching: Account) -> None:
    await batching.simulator._jobs.stop()
    (outcome,) = await batching.post(journal(1))
    assert isinstance(outcome, Unknown)
    assert batching.held(journal(1).reference) == []


async def test_what_an_old_job_refused_is_handed_in_anew_once_the_reason_is_gone(batching: Account) -> None:
    batching.change(SetPeriod(entity="US01", period="2026-08", closed=True))
    (refused,) = await batching.post(journal(1))
    assert isinstance(refused, Rejected)
    batching.change(SetPeriod(entity="US01", period="2026-08", closed=False))
    (posted,) = await batching.post(journal(1))
    assert isinstance(posted, Accepted)
    assert len(batching.held(journal(1).reference)) == 1


async def test_a_batch_that_failed_in_part_is_told_journal_by_journal(batching: Account) -> None:
    batching.force(Fault(kind=FaultKind.PARTIAL_BATCH, on="write"))
    outcomes = await batching.post(*(journal(number) for number in range(4)))
    assert [type(one) for one in outcomes] == [Accepted, Unknown, Accepted, Unknown]
    assert len(batching.journals()) == 2


def test_a_key_depends_on_what_is_handed_in_and_on_the_job_before() -> None:
    keys = {
        idempotency_key(["A", "B"], after_job=""),
        idempotency_key(["A"], after_job=""),
        idempotency_key(["A", "B"], after_job="/job/1"),
    }
    assert len(keys) == 3
    assert idempotency_key(["A", "B"], after_job="") in keys
