"""A target that loses answers and lets requests arrive late, a sender that dies at any moment, and the real rules.

Time is an integer of seconds. A request may take effect up to MAX_IN_FLIGHT_S after it was sent, answered or not.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tieout.connect.manifest import IdempotencyClass
from tieout.connect.outcome import Accepted, Found, FoundState, Outcome, RetryLater, Unknown
from tieout.model.firm import DeliveryPolicy
from tieout.outbound.transitions import Attempted, Decision, State, after_look_up, after_send, in_doubt

START = datetime(2026, 10, 1, tzinfo=UTC)
MAX_IN_FLIGHT_S = 5
POLICY = DeliveryPolicy(max_attempts=1000, backoff_s=Decimal(1), backoff_max_s=Decimal(2))

# What happens to one send: (arrives after s, is answered, sender dies before it hears the answer)
sends = st.tuples(st.none() | st.integers(0, MAX_IN_FLIGHT_S), st.booleans(), st.booleans())
waits = st.integers(0, 3)


class World:
    """One delivery, one target without a key (class L), and time."""

    def __init__(self, quarantine_s: float) -> None:
        self.now = 0
        self.quarantine_s = quarantine_s
        self.postings: list[int] = []
        self.state = State.READY
        self.due = 0.0
        self.attempts = 0

    def facts(self) -> Attempted:
        return Attempted(
            attempts=self.attempts,
            entry_count=3,
            sent_total_minor=100,
            currency="EUR",
            idempotency=IdempotencyClass.L,
            quarantine_s=self.quarantine_s,
            quarantine_from=self.instant(),
        )

    def instant(self) -> datetime:
        return START + timedelta(seconds=self.now)

    def held(self) -> int:
        return sum(1 for at in self.postings if at <= self.now)

    def send(self, arrives: int | None, *, answered: bool, dies: bool) -> None:
        self.attempts += 1
        if arrives is not None:
            self.postings.append(self.now + arrives)
        outcome: Outcome = Unknown(reason="no answer")
        if arrives == 0 and answered:
            outcome = Accepted(ref="1")
        if arrives is None and answered:
            outcome = RetryLater(reason="503")
        if dies:
            self.apply(in_doubt(self.facts(), reason="the sender died"))
        else:
            self.apply(after_send(outcome, self.facts(), policy=POLICY, now=self.instant(), jitter=Decimal("0.5")))

    def look_up(self) -> None:
        found = Found(reference="TIE-1", ref="1", state=FoundState.POSTED, count=self.held()) if self.held() else None
        self.apply(after_look_up(found, self.facts(), policy=POLICY, now=self.instant()))

    def apply(self, decision: Decision) -> None:
        self.state = decision.state
        due = decision.quarantine_until or decision.due_at or self.instant()
        self.due = (due - START).total_seconds()

    def step(self, fate: tuple[int | None, bool, bool]) -> None:
        if self.state is State.READY and self.now >= self.due:
            self.send(fate[0], answered=fate[1], dies=fate[2])
        elif self.state is State.IN_DOUBT and self.now >= self.due:
            self.look_up()


def run(fates: list[tuple[int | None, bool, bool]], pauses: list[int], quarantine_s: float) -> World:
    world = World(quarantine_s)
    for fate, pause in zip(fates, pauses, strict=False):
        world.step(fate)
        world.now += pause
    for _ in range(100):
        world.step((0, True, False))
        world.now += 1
    return world


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(fates=st.lists(sends, max_size=12), pauses=st.lists(waits, min_size=12, max_size=12))
def test_whatever_is_lost_or_dies_the_target_holds_it_exactly_once(
    fates: list[tuple[int | None, bool, bool]], pauses: list[int]
) -> None:
    world = run(fates, pauses, quarantine_s=MAX_IN_FLIGHT_S + 0.5)
    assert len(world.postings) == 1
    assert world.state is State.POSTED


def test_without_the_quarantine_the_same_world_posts_twice() -> None:
    @settings(max_examples=2000, phases=[Phase.generate], database=None, deadline=None)
    @given(fates=st.lists(sends, max_size=12), pauses=st.lists(waits, min_size=12, max_size=12))
    def never_twice(fates: list[tuple[int | None, bool, bool]], pauses: list[int]) -> None:
        assert len(run(fates, pauses, quarantine_s=0).postings) == 1

    with pytest.raises(AssertionError):
        never_twice()
