"""The tie-out's own reader and the way in agree on what can be read, without sharing a line of code."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from tests.worlds import inbound_firm as world

from tieout.connect.source import Translated, Translator, Unreadable
from tieout.inbound.normalizer import Arrival, normalize
from tieout.model.reported import ReportedState, ReportedTime
from tieout.reconciliation import taken_in

_texts = st.one_of(
    st.text(max_size=6),
    st.sampled_from(["", "a\x00b", "x" * 200, "x" * 201, "\ud800", "tab\there", "back\\slash", "new\nline", "é"]),
)
_instants = st.one_of(
    st.none(),
    st.just(datetime(1, 1, 1, tzinfo=UTC)),
    st.datetimes(timezones=st.one_of(st.none(), st.just(UTC))),
)
_hours = st.one_of(
    st.decimals(allow_nan=True, allow_infinity=True),
    st.decimals(min_value=-1000, max_value=200_000, places=4),
    st.sampled_from([Decimal("1.00000"), Decimal("0.00001"), Decimal("1E+3"), Decimal("99999.9999"), Decimal("-0")]),
)
_times = st.builds(
    ReportedTime,
    source_id=_texts,
    version=st.one_of(st.integers(-2, 5), st.sampled_from([2**63 - 1, 2**63, 2**64, 2**70])),
    state=st.sampled_from(ReportedState),
    person=_texts,
    project=_texts,
    work_date=st.dates(date(1, 1, 1), date(9999, 12, 31)),
    hours=_hours,
    billable=st.booleans(),
    task=st.one_of(st.none(), _texts),
    role=st.one_of(st.none(), _texts),
    work_type=st.sampled_from(["regular", "overtime", "travel", "holiday"]),
    narrative=_texts,
    started_at=_instants,
    ended_at=_instants,
    approved_at=_instants,
)
_usual = world.said()


def _lines(message: taken_in.Message, translators: Mapping[str, Translator]) -> list[str]:
    return list(taken_in._lines(message, taken_in.items_of(message, translators, {}), _BOOK))


def _read_by_tie_out(said: ReportedTime) -> str:
    class One:
        def translate(self, object_name: str, payload: bytes) -> list[Translated]:
            del object_name, payload
            return [said]

    message = taken_in.Message(1, "psa", "time_entries", b"")
    (line,) = _lines(message, {"psa": One()})
    return line


_BOOK = world.book()
_CONTEXT = world.context()


@given(_times)
def test_both_readers_refuse_the_same_items(said: ReportedTime) -> None:
    _, unreadable = normalize([Arrival(1, 0, "psa", "time_entries", said)], _CONTEXT)
    line = _read_by_tie_out(said)
    line.encode()
    assert line.endswith("\tf") == bool(unreadable)
    assert line.count("\t") == 12


@given(st.fixed_dictionaries({}, optional={"hours": _hours, "narrative": _texts, "source_id": _texts}))
def test_one_odd_value_in_a_good_entry_is_judged_alike(changes: dict[str, object]) -> None:
    test_both_readers_refuse_the_same_items.hypothesis.inner_test(msgspec.structs.replace(_usual, **changes))  # type: ignore[attr-defined]  # of hypothesis


def test_what_cannot_be_read_of_masters_is_not_time() -> None:
    class Bad:
        def translate(self, object_name: str, payload: bytes) -> list[Translated]:
            del object_name, payload
            return [Unreadable(problem="no name", source_id="m1")]

    message = taken_in.Message(1, "psa", "projects", b"")
    assert _lines(message, {"psa": Bad()}) == []
    assert _lines(message, {}) == []


def test_a_translator_that_fails_makes_a_message_unreadable_as_a_whole() -> None:
    class Broken:
        def translate(self, object_name: str, payload: bytes) -> list[Translated]:
            raise LookupError(object_name, payload)

    message = taken_in.Message(7, "psa", "time_entries", b"")
    (line,) = _lines(message, {"psa": Broken()})
    assert line.split("\t")[:4] == ["7", "\\N", "1", "\\N"]
