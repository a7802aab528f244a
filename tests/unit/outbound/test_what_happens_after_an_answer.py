from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tieout.connect.manifest import IdempotencyClass
from tieout.connect.outcome import (
    Accepted,
    AlreadyDone,
    Echo,
    Found,
    FoundState,
    NoAccess,
    Rejected,
    RejectionCode,
    RetryLater,
    Unknown,
    Warned,
)
from tieout.model.firm import DeliveryPolicy
from tieout.outbound import circuit
from tieout.outbound.circuit import Circuit, CircuitState
from tieout.outbound.transitions import Attempted, Decision, Health, State, after_look_up, after_send

NOW = datetime(2026, 10, 5, 12, tzinfo=UTC)
POLICY = DeliveryPolicy(max_attempts=3)


def attempted(**changes: object) -> Attempted:
    facts: dict[str, object] = {
        "attempts": 1,
        "entry_count": 4,
        "sent_total_minor": 12_000,
        "currency": "EUR",
        "idempotency": IdempotencyClass.L,
        "quarantine_s": 30.0,
        "quarantine_from": NOW,
    }
    return Attempted(**{**facts, **changes})  # type: ignore[arg-type]  # the test names what it changes


def decide(outcome: object, **changes: object) -> Decision:
    return after_send(
        outcome,  # type: ignore[arg-type]  # every outcome of the union is passed
        attempted(**changes),
        policy=POLICY,
        now=NOW,
        jitter=Decimal(1),
    )


@pytest.mark.parametrize("answer", [Accepted, AlreadyDone])
def test_an_accepted_posting_is_posted_under_the_targets_number(answer: type) -> None:
    decision = decide(answer(ref="4711", echo=Echo(amount_minor=12_000, currency="EUR")))
    assert (decision.state, decision.target_ref, decision.finding) == (State.POSTED, "4711", None)


@pytest.mark.parametrize(
    ("told", "code"), [(Decimal("40.00"), None), (None, None), (Decimal("39.99"), "ECHO_MISMATCH")]
)
def test_hours_that_a_payroll_took_are_held_against_those_that_were_sent(
    told: Decimal | None, code: str | None
) -> None:
    decision = after_send(
        Accepted(ref="88", echo=Echo(amount_minor=0, currency="", hours=told)),
        attempted(sent_total_minor=0, currency="", entry_count=0, sent_hours=Decimal(40)),
        policy=POLICY,
        now=NOW,
        jitter=Decimal(0),
    )
    assert (decision.state, decision.finding) == (State.POSTED, code)


@pytest.mark.parametrize("echo", [Echo(amount_minor=11_999, currency="EUR"), Echo(amount_minor=12_000, currency="USD")])
def test_another_amount_or_currency_in_the_answer_goes_to_the_desk(echo: Echo) -> None:
    decision = decide(Accepted(ref="4711", echo=echo))
    assert (decision.state, decision.finding) == (State.POSTED, "ECHO_MISMATCH")


def test_a_closed_period_asks_for_another_accounting_date() -> None:
    decision = decide(Rejected(code=RejectionCode.PERIOD_CLOSED, words="closed"))
    assert decision.reroute
    assert not decision.split


def test_a_refused_journal_of_many_entries_is_split_and_of_one_goes_to_the_desk() -> None:
    refusal = Rejected(code=RejectionCode.INVALID, words="bad line")
    assert decide(refusal).split
    assert decide(refusal, entry_count=1).finding == "DELIVERY_REJECTED"


def test_a_refused_call_of_several_journals_is_sent_again_in_smaller_calls_without_burning_an_attempt() -> None:
    refusal = Rejected(code=RejectionCode.BATCH_REJECTED, words="one of them")
    decision = decide(refusal, batch_size=5)
    assert (decision.state, decision.bisect, decision.burns_attempt) == (State.READY, True, False)
    assert decide(refusal, batch_size=1).split


def test_an_unanswered_send_waits_out_the_quarantine_before_it_is_looked_up() -> None:
    decision = decide(Unknown(reason="cut"))
    assert decision.state is State.IN_DOUBT
    assert decision.quarantine_until == NOW + timedelta(seconds=30)


def test_retry_after_is_honoured_and_capped() -> None:
    assert decide(RetryLater(reason="429", after_s=90)).due_at == NOW + timedelta(seconds=90)
    assert decide(RetryLater(reason="429", after_s=1e9)).due_at == NOW + timedelta(hours=1)


def test_the_last_attempt_makes_a_dead_letter() -> None:
    decision = decide(RetryLater(reason="503"), attempts=3)
    assert (decision.state, decision.finding) == (State.DEAD, "DELIVERY_EXHAUSTED")


def test_refused_credentials_burn_no_attempt() -> None:
    decision = decide(NoAccess(words="expired"))
    assert (decision.state, decision.burns_attempt, decision.health) == (State.READY, False, Health.REFUSING_US)


def test_a_warning_of_the_target_waits_for_a_person() -> None:
    assert decide(Warned(name="past_due", words="sure?")).finding == "DELIVERY_WARNED"


def look_up(found: Found | None, **changes: object) -> Decision:
    return after_look_up(found, attempted(**changes), policy=POLICY, now=NOW)


def test_a_look_up_that_finds_the_posting_settles_it() -> None:
    found = Found(reference="R", ref="9", state=FoundState.POSTED, echo=Echo(amount_minor=12_000, currency="EUR"))
    assert look_up(found).state is State.POSTED


def test_a_look_up_that_finds_nothing_lets_it_be_sent_again() -> None:
    assert look_up(None).state is State.READY


def test_a_draft_is_resumed_by_sending_again() -> None:
    assert look_up(Found(reference="R", ref="9", state=FoundState.DRAFT)).state is State.READY


def test_a_target_that_can_neither_be_keyed_nor_looked_up_is_never_sent_to_twice() -> None:
    decision = look_up(None, idempotency=IdempotencyClass.N)
    assert (decision.state, decision.finding) == (State.HELD, "DELIVERY_UNRESOLVED")


def test_two_postings_under_one_reference_go_to_the_desk() -> None:
    assert look_up(Found(reference="R", ref="9", state=FoundState.POSTED, count=2)).finding == "POSTED_TWICE"


def test_a_circuit_opens_after_failures_in_a_row_and_probes_with_one_delivery() -> None:
    policy = DeliveryPolicy(circuit_failures=3, circuit_probe_s=Decimal(10), circuit_probe_max_s=Decimal(60))
    known = Circuit(system="erp")
    for _ in range(2):
        known = circuit.after(known, Health.FAILING, policy=policy, now=NOW, reason="503")
        assert known.allowance(NOW) is None
    known = circuit.after(known, Health.FAILING, policy=policy, now=NOW, reason="503")
    assert known.state is CircuitState.OPEN
    assert known.allowance(NOW) == 0
    assert known.allowance(NOW + timedelta(seconds=10)) == 1


def test_six_hours_of_failures_are_probed_ever_more_rarely_and_one_success_closes_the_circuit() -> None:
    policy = DeliveryPolicy(circuit_failures=1, circuit_probe_s=Decimal(5), circuit_probe_max_s=Decimal(300))
    known, now, probes = Circuit(system="erp"), NOW, 0
    while now < NOW + timedelta(hours=6):
        known = circuit.after(known, Health.FAILING, policy=policy, now=now, reason="down")
        assert known.probe_at is not None
        now = known.probe_at
        probes += 1
    assert probes < 90
    assert circuit.after(known, Health.UP, policy=policy, now=now, reason=None) == Circuit(system="erp")
