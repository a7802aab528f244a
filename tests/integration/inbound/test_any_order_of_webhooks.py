"""Up to five webhooks in any order, some twice, some lost and brought by a poll: the hub ends where the source is."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import count
from typing import TypeAlias

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.worlds import inbound_firm as world
from tests.worlds.inbound_database import Hub, master
from tests.worlds.inbound_plan import STARTS, assignment, time_off

from tieout.model.reported import (
    FieldValue,
    RecordType,
    ReportedAssignment,
    ReportedBooking,
    ReportedLeave,
    ReportedRecord,
    ReportedState,
    ReportedTime,
    ReportedTimeOff,
)

Told: TypeAlias = ReportedRecord | ReportedTime | ReportedAssignment | ReportedTimeOff
Teller: TypeAlias = Callable[[str, int, int, bool], Told]
"""Makes what a source says: of which key, in which version, which of several values, and whether it is gone."""

_EXAMPLES = 100
_FIRST_DAY = date(2026, 6, 1)
_DAYS = 70
_PEOPLE = ("ada", "bob", "cyd")
"""Each entry has a day of its own: what makes two of them one work is another test's."""
_keys: Iterator[int] = count(1)


def _person(key: str, version: int, value: int, gone: bool) -> Told:  # noqa: FBT001 - as Teller says
    if gone:
        return ReportedRecord(type=RecordType.RESOURCE, source_id=key, version=version, fields={}, deleted=True)
    fields: dict[str, FieldValue] = {
        "name": f"Name {value}",
        "email": f"{key}@example.com",
        "employment_from": "2020-01-01",
    }
    return master(RecordType.RESOURCE, key, fields, version, legal_entity="Acme US", role="r1")


def _time(key: str, version: int, value: int, gone: bool) -> Told:  # noqa: FBT001 - as Teller says
    state = ReportedState.DELETED if gone else ReportedState.APPROVED
    number = int(key.removeprefix("k"))
    return world.said(
        source_id=key,
        version=version,
        state=state,
        hours=Decimal(value) / 4,
        work_date=_FIRST_DAY + timedelta(days=number % _DAYS),
        narrative=hashlib.sha256(key.encode()).hexdigest(),
        person=_PEOPLE[number // _DAYS % len(_PEOPLE)],
    )


def _assignment(key: str, version: int, value: int, gone: bool) -> Told:  # noqa: FBT001 - as Teller says
    state = ReportedBooking.CANCELLED if gone else ReportedBooking.HARD
    return assignment(source_id=key, version=version, state=state, hours_per_day=Decimal(value))


def _time_off(key: str, version: int, value: int, gone: bool) -> Told:  # noqa: FBT001 - as Teller says
    state = ReportedLeave.DELETED if gone else ReportedLeave.APPROVED
    return time_off(source_id=key, version=version, state=state, ends=STARTS + timedelta(days=value))


class History(msgspec.Struct, frozen=True):
    """What happened in the source, oldest first; ``arrivals`` are positions in it, as they come.

    The poll comes after ``polled_after`` arrivals and tells how things stand at last; ``pauses`` are the arrivals
    after which the hub works.
    """

    told: tuple[tuple[int, bool], ...]
    arrivals: tuple[int, ...]
    polled_after: int
    pauses: frozenset[int]


@st.composite
def _histories(draw: st.DrawFn) -> History:
    told = draw(st.lists(st.tuples(st.integers(1, 8), st.booleans()), min_size=1, max_size=5))
    at = st.integers(0, len(told) - 1)
    arrivals = draw(st.permutations(range(len(told))))
    lost = draw(st.sets(at))
    doubled = draw(st.lists(at, max_size=3))
    arriving = draw(st.permutations([*(one for one in arrivals if one not in lost), *doubled]))
    places = st.integers(0, len(arriving))
    return History(
        told=tuple(told),
        arrivals=tuple(arriving),
        polled_after=draw(places),
        pauses=draw(st.frozensets(places)),
    )


class Ends(msgspec.Struct, frozen=True):
    """What a source says last of one thing: the newest version, its value, and whether it is gone."""

    key: str
    version: int
    value: int
    gone: bool


def _play(hub: Hub, history: History, teller: Teller) -> Ends:
    """Let it happen to a thing of its own; returns what the source says of it last."""
    key = f"k{next(_keys)}"
    said = [teller(key, at + 1, value, gone) for at, (value, gone) in enumerate(history.told)]
    _arrive(hub, history, said, polled=said[-1:])
    value, gone = history.told[-1]
    return Ends(key, len(said), value, gone)


def _arrive(hub: Hub, history: History, said: Sequence[Told], *, polled: Sequence[Told]) -> None:
    """Webhooks as ``history`` says, and the poll that tells how everything stands at last."""
    for at in range(len(history.arrivals) + 1):
        if at == history.polled_after:
            for one in polled:
                _tell(hub, [one])
        if at in history.pauses:
            hub.work()
        if at < len(history.arrivals):
            _tell(hub, [said[history.arrivals[at]]])
    hub.work()


def _tell(hub: Hub, said: Sequence[Told]) -> None:
    times = [one for one in said if isinstance(one, ReportedTime)]
    records = [one for one in said if isinstance(one, ReportedRecord)]
    if times:
        hub.send_time(*times)
        return
    facts = [one for one in said if isinstance(one, ReportedAssignment | ReportedTimeOff)]
    hub.send_plan(*facts, records=records)


_in_any_order = settings(
    max_examples=_EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def _expect_record(hub: Hub, ends: Ends) -> None:
    rows = hub.rows(
        """
        select r.version, r.deleted, g.tombstone, g.fields ->> 'name'
          from reported_record r
          left join cross_reference x using (system, type, source_id)
          left join golden_record g on g.record_id = x.record_id
         where r.source_id = %s
        """,
        ends.key,
    )
    [(version, deleted, tombstone, name)] = rows
    assert (version, deleted) == (ends.version, ends.gone)
    if ends.gone:
        assert tombstone in {True, None}
    else:
        assert (tombstone, name) == (False, f"Name {ends.value}")


def _expect_time(hub: Hub, ends: Ends) -> None:
    assert hub.standing()[ends.key][0] == ends.version
    (sums,) = hub.rows(
        """
        select coalesce(sum(a.hours) filter (where a.actual_id %% 4 = 0), 0),
               coalesce(sum(a.amount_minor) filter (where a.actual_id %% 4 = 1), 0)
          from actual a join time_entry t on t.entry_id = a.actual_id / 8
         where t.source_id = %s
        """,
        ends.key,
    )
    assert sums == ((0, 0) if ends.gone else (Decimal(ends.value) / 4, ends.value * 5000))


def _expect_assignment(hub: Hub, ends: Ends) -> None:
    standing = hub.rows("select hours_per_day from booking where source_id = %s", ends.key)
    assert standing == ([] if ends.gone else [(ends.value,)])
    newest = hub.rows("select max(version) from assignment_version where source_id = %s", ends.key)
    assert newest == [(ends.version,)]


def _expect_time_off(hub: Hub, ends: Ends) -> None:
    last_day = STARTS + timedelta(days=ends.value)
    standing = hub.rows("select ends from absence where source_id = %s", ends.key)
    assert standing == ([] if ends.gone else [(last_day,)])


@_in_any_order
@given(history=_histories())
def test_a_record_ends_as_its_source_says_last(hub: Hub, history: History) -> None:
    _expect_record(hub, _play(hub, history, _person))


@_in_any_order
@given(history=_histories())
def test_a_time_entry_and_its_money_end_as_their_source_says_last(hub: Hub, history: History) -> None:
    ends = _play(hub, history, _time)
    assert hub.open_items() == []
    _expect_time(hub, ends)


@_in_any_order
@given(history=_histories())
def test_an_assignment_ends_as_its_source_says_last(hub: Hub, history: History) -> None:
    _expect_assignment(hub, _play(hub, history, _assignment))


@_in_any_order
@given(history=_histories())
def test_an_absence_ends_as_its_source_says_last(hub: Hub, history: History) -> None:
    _expect_time_off(hub, _play(hub, history, _time_off))


_KINDS: tuple[tuple[Teller, Callable[[Hub, Ends], None]], ...] = (
    (_person, _expect_record),
    (_time, _expect_time),
    (_assignment, _expect_assignment),
    (_time_off, _expect_time_off),
)


@_in_any_order
@given(history=_histories(), data=st.data())
def test_things_of_several_kinds_told_among_each_other_end_as_their_source_says_last(
    hub: Hub, history: History, data: st.DataObject
) -> None:
    kinds = [data.draw(st.integers(0, len(_KINDS) - 1)) for _ in history.told]
    keys = {kind: f"k{next(_keys)}" for kind in sorted(set(kinds))}
    said: list[Told] = []
    ends: dict[int, Ends] = {}
    for kind, (value, gone) in zip(kinds, history.told, strict=True):
        version = ends[kind].version + 1 if kind in ends else 1
        ends[kind] = Ends(keys[kind], version, value, gone)
        said.append(_KINDS[kind][0](keys[kind], version, value, gone))
    newest = dict(zip(kinds, said, strict=True))
    _arrive(hub, history, said, polled=list(newest.values()))
    for kind, one in ends.items():
        _KINDS[kind][1](hub, one)


@pytest.mark.parametrize("teller", [_person, _time, _assignment, _time_off])
def test_what_comes_twice_leaves_one_row_of_each_version(hub: Hub, teller: Teller) -> None:
    history = History(told=((4, False), (5, False)), arrivals=(1, 1, 0, 0, 1), polled_after=5, pauses=frozenset({1, 3}))
    key = _play(hub, history, teller).key
    assert hub.rows(
        """
        select (select count(*) from message where convert_from(payload, 'UTF8') like %s),
               (select count(*) from message_pending)
        """,
        f'%"{key}"%',
    ) == [(2, 0)]
    assert hub.open_items() == []
