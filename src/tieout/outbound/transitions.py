"""What happens to a delivery next, as pure rules over what the target answered.

``engine`` feeds outcomes of sends, ``lookup`` results of look-ups; both only carry out the Decision. The rules hold the
promise of the product: what was sent and not answered is in doubt until looked up, a target of class N is
never sent to twice by the machine, and a look-up that finds nothing counts only after the quarantine.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

import msgspec

from tieout.connect.manifest import IdempotencyClass
from tieout.connect.outcome import (
    Accepted,
    AlreadyDone,
    Echo,
    Found,
    FoundState,
    NoAccess,
    Outcome,
    Rejected,
    RejectionCode,
    RetryLater,
    Warned,
)
from tieout.model.firm import DeliveryPolicy
from tieout.outbound.target import backoff_s

RETRY_AFTER_MAX_S = Decimal(3600)
"""No target makes us wait longer than this in one go, whatever its Retry-After says."""


class State(StrEnum):
    """Where a delivery stands. POSTED, SPLIT, RECUT, EXCLUDED and SUPERSEDED let their order key go on."""

    READY = "ready"
    INTENT = "intent"
    IN_DOUBT = "in_doubt"
    POSTED = "posted"
    REJECTED = "rejected"
    DEAD = "dead"
    HELD = "held"
    SPLIT = "split"
    RECUT = "recut"
    EXCLUDED = "excluded"
    SUPERSEDED = "superseded"


class Health(StrEnum):
    """What an outcome says about the target itself; the circuit listens to it."""

    UP = "up"
    FAILING = "failing"
    REFUSING_US = "refusing_us"


class Attempted(msgspec.Struct, frozen=True, kw_only=True):
    """What the rules need to know of the delivery that was attempted.

    ``attempts`` counts this one; ``sent_total_minor`` is the sum of debits of the command in ``currency``,
    ``sent_hours`` that of the hours for a payroll (None: it tells no hours).
    ``quarantine_from`` is when the attempt that is in doubt declared its intent.
    """

    attempts: int
    entry_count: int
    sent_total_minor: int
    currency: str
    idempotency: IdempotencyClass
    quarantine_s: float
    quarantine_from: datetime
    batch_size: int = 1
    sent_hours: Decimal | None = None


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """The next state and what goes with it.

    ``finding`` opens a desk item; ``reroute`` asks for another accounting date; ``split`` for smaller journals;
    ``bisect`` for a smaller call of the same journals. ``burns_attempt`` false gives the attempt back.
    """

    state: State
    health: Health = Health.UP
    due_at: datetime | None = None
    quarantine_until: datetime | None = None
    target_ref: str | None = None
    code: str | None = None
    words: str | None = None
    finding: str | None = None
    reroute: bool = False
    split: bool = False
    bisect: bool = False
    burns_attempt: bool = True


def after_send(
    outcome: Outcome, attempted: Attempted, *, policy: DeliveryPolicy, now: datetime, jitter: Decimal
) -> Decision:
    """Decide by the answer to a send."""
    match outcome:
        case Accepted() | AlreadyDone():
            return _posted(outcome.ref, outcome.echo, attempted)
        case Rejected():
            return _rejected(outcome, attempted, now=now)
        case Warned():
            return Decision(state=State.HELD, code=outcome.name, words=outcome.words, finding="DELIVERY_WARNED")
        case RetryLater():
            return _again_later(outcome, attempted, policy=policy, now=now, jitter=jitter)
        case NoAccess():
            return Decision(
                state=State.READY,
                health=Health.REFUSING_US,
                due_at=now,
                code="NO_ACCESS",
                words=outcome.words,
                burns_attempt=False,
            )
        case _:
            return in_doubt(attempted, reason=outcome.reason)


def in_doubt(attempted: Attempted, *, reason: str) -> Decision:
    """Sent and unanswered: wait out the quarantine, then look up."""
    until = attempted.quarantine_from + timedelta(seconds=attempted.quarantine_s)
    return Decision(state=State.IN_DOUBT, health=Health.FAILING, quarantine_until=until, code="UNKNOWN", words=reason)


def after_look_up(found: Found | None, attempted: Attempted, *, policy: DeliveryPolicy, now: datetime) -> Decision:
    """Decide by what the target holds under our reference, after the quarantine."""
    if found is None:
        return _absent(attempted, policy=policy, now=now)
    if found.state is FoundState.CANCELLED:
        return _unresolved("The target holds a cancelled posting under our reference.")
    if found.count > 1:
        return Decision(
            state=State.POSTED,
            target_ref=found.ref,
            code="POSTED_TWICE",
            words=f"The target holds {found.count} postings with this reference.",
            finding="POSTED_TWICE",
        )
    if found.state is FoundState.DRAFT:
        return Decision(state=State.READY, due_at=now, code="DRAFT", words=f"Draft {found.ref} waits to be posted.")
    return _posted(found.ref, found.echo, attempted)


def _absent(attempted: Attempted, *, policy: DeliveryPolicy, now: datetime) -> Decision:
    if attempted.idempotency is IdempotencyClass.N:
        return _unresolved("The target holds nothing under our reference, and cannot be trusted to tell.")
    if attempted.attempts >= policy.max_attempts:
        return _exhausted(attempted, "the target holds nothing under our reference")
    return Decision(state=State.READY, due_at=now, code="ABSENT", words="Looked up: not in the target.")


def _posted(ref: str, echo: Echo | None, attempted: Attempted) -> Decision:
    words = None if echo is None else _difference(echo, attempted)
    if words is None:
        return Decision(state=State.POSTED, target_ref=ref)
    return Decision(state=State.POSTED, target_ref=ref, code="ECHO_MISMATCH", words=words, finding="ECHO_MISMATCH")


def _difference(echo: Echo, attempted: Attempted) -> str | None:
    """In words, how what was recorded differs from what was sent; None where it does not."""
    if attempted.sent_hours is not None:
        if echo.hours is None or echo.hours == attempted.sent_hours:
            return None
        return f"Sent {attempted.sent_hours:f} hours, the target recorded {echo.hours:f}."
    if (echo.amount_minor, echo.currency) == (attempted.sent_total_minor, attempted.currency):
        return None
    return (
        f"Sent {attempted.sent_total_minor} minor units of {attempted.currency}, the target recorded "
        f"{echo.amount_minor} of {echo.currency}."
    )


def _rejected(outcome: Rejected, attempted: Attempted, *, now: datetime) -> Decision:
    if outcome.code is RejectionCode.BATCH_REJECTED and attempted.batch_size > 1:
        return Decision(
            state=State.READY, due_at=now, code=outcome.code, words=outcome.words, bisect=True, burns_attempt=False
        )
    if outcome.code is RejectionCode.PERIOD_CLOSED:
        return Decision(state=State.REJECTED, code=outcome.code, words=outcome.words, reroute=True)
    words = outcome.words if outcome.vendor_code is None else f"{outcome.words} ({outcome.vendor_code})"
    if attempted.entry_count > 1:
        return Decision(state=State.SPLIT, code=outcome.code, words=words, split=True)
    return Decision(state=State.REJECTED, code=outcome.code, words=words, finding="DELIVERY_REJECTED")


def _again_later(
    outcome: RetryLater, attempted: Attempted, *, policy: DeliveryPolicy, now: datetime, jitter: Decimal
) -> Decision:
    if attempted.attempts >= policy.max_attempts:
        return _exhausted(attempted, outcome.reason)
    wait_s = backoff_s(policy, attempts=attempted.attempts - 1, jitter=jitter)
    if outcome.after_s is not None:
        asked_s = Decimal(str(outcome.after_s))
        wait_s = max(wait_s, min(asked_s, RETRY_AFTER_MAX_S))
    return Decision(
        state=State.READY,
        health=Health.FAILING,
        due_at=now + timedelta(seconds=float(wait_s)),
        code="RETRY_LATER",
        words=outcome.reason,
    )


def _exhausted(attempted: Attempted, reason: str) -> Decision:
    return Decision(
        state=State.DEAD,
        health=Health.FAILING,
        code="EXHAUSTED",
        words=f"{attempted.attempts} attempts failed; the last: {reason}",
        finding="DELIVERY_EXHAUSTED",
    )


def _unresolved(words: str) -> Decision:
    return Decision(state=State.HELD, code="UNRESOLVED", words=words, finding="DELIVERY_UNRESOLVED")
