"""Whatever the order, the repeats and the losses of what arrives, the plan holds what the source says last."""

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from tests.worlds import inbound_firm as world
from tests.worlds.inbound_plan import STARTS, assignment, time_off

from tieout.inbound import bookings_plan as plan
from tieout.inbound.bookings_reading import (
    AbsenceReading,
    AssignmentReading,
    Fact,
    FactArrival,
    KnownFact,
    normalize_facts,
)
from tieout.inbound.bookings_rules import Owners, judge_facts
from tieout.inbound.bookings_store import Absence, Booking
from tieout.inbound.idempotent_receiver import SourceKey, sort_versions
from tieout.model.reported import ReportedAssignment, ReportedBooking, ReportedLeave, ReportedTimeOff

CONTEXT = world.context()
OWNERS = Owners(CONTEXT.book.firm)

_days = st.integers(0, 6).map(lambda days: STARTS + timedelta(days=days))
_assignments = st.builds(
    lambda source, version, state, person, starts, length, hours: assignment(
        source_id=source,
        version=version,
        state=state,
        person=person,
        starts=starts,
        ends=starts + timedelta(days=length),
        hours_per_day=Decimal(hours),
    ),
    st.sampled_from(["a", "b"]),
    st.integers(1, 6),
    st.sampled_from(list(ReportedBooking)),
    st.sampled_from(["ada", "bob", "eve", None]),
    _days,
    st.integers(0, 5),
    st.sampled_from([-1, 4, 8]),
)
_absences = st.builds(
    lambda source, version, state, person, starts, length: time_off(
        source_id=source,
        version=version,
        state=state,
        person=person,
        starts=starts,
        ends=starts + timedelta(days=length),
    ),
    st.sampled_from(["a", "b"]),
    st.integers(1, 6),
    st.sampled_from(list(ReportedLeave)),
    st.sampled_from(["ada", "bob", "eve"]),
    _days,
    st.integers(0, 5),
)


class _Store:
    """What the database keeps of assignments and absences, in memory, with all that the plan was told."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, SourceKey], tuple[KnownFact, ...]] = {}
        self.bookings: dict[SourceKey, Booking] = {}
        self.absences: dict[SourceKey, Absence] = {}
        self.changed_bookings: list[int] = []
        self.changed_days: set[tuple[int, date]] = set()
        self.next_id = 1

    def take(self, said: Iterable[ReportedAssignment | ReportedTimeOff]) -> None:
        arrivals = [FactArrival(1, at, "psa", "bookings", one) for at, one in enumerate(said)]
        assignments, absences, unreadable = normalize_facts(arrivals, CONTEXT)
        assert not unreadable
        self._take_assignments(assignments)
        self._take_absences(absences)

    def _take_assignments(self, readings: list[AssignmentReading]) -> None:
        plan.learn(readings, self._history("assignment", readings))
        received = sort_versions(readings)
        judge_facts(received.heads, OWNERS)
        rows = [*received.superseded, *received.heads]
        self._keep(rows)
        before = [self.bookings.pop(key) for key in plan.keys_of(received.heads) if key in self.bookings]
        standing = plan.standing_bookings(received.heads, rows)
        self.bookings |= {(one.source_id, one.system_id): one for one in standing}
        self.changed_bookings += plan.changed_bookings(before, standing)

    def _take_absences(self, readings: list[AbsenceReading]) -> None:
        plan.learn(readings, self._history("time_off", readings))
        received = sort_versions(readings)
        judge_facts(received.heads, OWNERS)
        rows = [*received.superseded, *received.heads]
        self._keep(rows)
        before = [self.absences.pop(key) for key in plan.keys_of(received.heads) if key in self.absences]
        standing = plan.standing_absences(received.heads, rows)
        self.absences |= {(one.source_id, one.system_id): one for one in standing}
        for resource_id, starts, ends in plan.changed_days(before, standing):
            self.changed_days |= {(resource_id, starts + timedelta(days=at)) for at in range((ends - starts).days)}

    def _history(self, noun: str, readings: Iterable[Fact]) -> dict[SourceKey, tuple[KnownFact, ...]]:
        return {key: self.known[noun, key] for key in plan.keys_of(readings) if (noun, key) in self.known}

    def _keep(self, rows: Iterable[Fact]) -> None:
        for one in rows:
            one.entry_id, self.next_id = self.next_id, self.next_id + 1
            key = one.noun, (one.source_id, one.system_id)
            kept = KnownFact(one.entry_id, one.version, one.revision, one.disposition, one.digest, *one.golden_ids)
            known = (*self.known.get(key, ()), kept)
            assert len({(row.version, row.revision) for row in known}) == len(known)
            self.known[key] = tuple(sorted(known, key=lambda row: (row.version, row.revision)))

    def says(self) -> tuple[list[object], list[object]]:
        """What stands, whichever reading said it and whatever number it has."""
        return (
            [
                (at, one.state, one.resource_id, one.starts, one.ends, one.hours_per_day)
                for at, one in sorted(self.bookings.items())
            ],
            [(at, one.state, one.resource_id, one.starts, one.ends) for at, one in sorted(self.absences.items())],
        )


def _last_words(said: Iterable[ReportedAssignment | ReportedTimeOff]) -> _Store:
    """The state of a hub that has only heard the newest version of everything."""
    newest: dict[tuple[type, str], ReportedAssignment | ReportedTimeOff] = {}
    for one in sorted(said, key=lambda one: one.version):
        newest[type(one), one.source_id] = one
    store = _Store()
    store.take(newest.values())
    return store


@given(
    said=st.lists(
        st.one_of(_assignments, _absences),
        max_size=5,
        unique_by=lambda one: (type(one), one.source_id, one.version),
    ),
    data=st.data(),
)
def test_any_order_repeats_and_batches_end_in_the_state_of_the_source(
    said: list[ReportedAssignment | ReportedTimeOff], data: st.DataObject
) -> None:
    repeated = data.draw(st.lists(st.sampled_from(said), max_size=4)) if said else []
    arriving = data.draw(st.permutations([*said, *repeated]))
    store = _Store()
    while arriving:
        size = data.draw(st.integers(1, len(arriving)))
        store.take(arriving[:size])
        arriving = arriving[size:]
    assert store.says() == _last_words(said).says()
    assert {key for key, known in store.known.items() if known} == {
        ("assignment" if isinstance(one, ReportedAssignment) else "time_off", (one.source_id, 1)) for one in said
    }
    assert sum(len(known) for known in store.known.values()) == len(said)


@given(
    said=st.lists(
        st.one_of(_assignments, _absences),
        min_size=1,
        max_size=5,
        unique_by=lambda one: (type(one), one.source_id, one.version),
    ),
    data=st.data(),
)
def test_events_that_were_lost_are_made_up_for_by_the_next_reading_of_the_source(
    said: list[ReportedAssignment | ReportedTimeOff], data: st.DataObject
) -> None:
    arriving = data.draw(st.lists(st.sampled_from(said), max_size=5))
    now = {(type(one), one.source_id): one for one in sorted(said, key=lambda one: one.version)}
    arriving.insert(data.draw(st.integers(0, len(arriving))), said[0])
    store = _Store()
    at = data.draw(st.integers(0, len(arriving)))
    for batch in (arriving[:at], list(now.values()), arriving[at:]):
        store.take(batch)
    assert store.says() == _last_words(said).says()


@given(said=st.lists(_assignments, min_size=1, max_size=5, unique_by=lambda one: (one.source_id, one.version)))
def test_a_booking_keeps_its_number_and_the_plan_hears_of_every_change(said: list[ReportedAssignment]) -> None:
    store = _Store()
    numbers: dict[SourceKey, int] = {}
    for one in said:
        before = dict(store.bookings)
        store.changed_bookings.clear()
        store.take([one])
        for key, booking in store.bookings.items():
            assert numbers.setdefault(key, booking.booking_id) == booking.booking_id
        changed = {
            numbers[key]
            for key in before.keys() | store.bookings.keys()
            if _facts(before.get(key)) != _facts(store.bookings.get(key))
        }
        assert set(store.changed_bookings) == changed


def _facts(one: Booking | None) -> object:
    return None if one is None else (one.state, one.resource_id, one.starts, one.ends, one.hours_per_day)


@given(said=st.lists(_absences, min_size=1, max_size=5, unique_by=lambda one: (one.source_id, one.version)))
def test_the_plan_hears_of_every_day_on_which_somebody_is_away_or_no_longer(said: list[ReportedTimeOff]) -> None:
    store = _Store()
    for one in said:
        before = _away(store)
        store.changed_days.clear()
        store.take([one])
        assert before ^ _away(store) <= store.changed_days


def _away(store: _Store) -> set[tuple[int, date]]:
    return {
        (one.resource_id, one.starts + timedelta(days=at))
        for one in store.absences.values()
        for at in range((one.ends - one.starts).days)
    }
