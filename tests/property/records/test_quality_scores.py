"""Scores stay within their bounds, and telling less never makes a record more complete."""

from datetime import UTC, datetime

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tieout.records.merge import Report
from tieout.records.quality import Dimension, score

EXPECTED = ("code", "name", "currency", "country")
VALUES = st.sampled_from(["A", "B", "USD", "", None])


@st.composite
def reports(draw: st.DrawFn) -> list[Report]:
    told = draw(st.lists(st.dictionaries(st.sampled_from(EXPECTED), VALUES), min_size=1, max_size=6))
    return [
        Report(
            system="psa",
            type="client",
            source_id=str(number),
            version=1,
            fields=dict(fields),
            refs={},
            deleted=False,
            message_id=1,
            recorded_at=datetime(2026, 3, 10, tzinfo=UTC),
        )
        for number, fields in enumerate(told)
    ]


@given(reports())
def test_every_score_lies_between_nothing_and_a_hundred(said: list[Report]) -> None:
    for one in score("psa", "client", said, expected=EXPECTED):
        assert 0 <= one.good <= one.total
        assert 0 <= one.percent <= 100
        assert (one.percent == 100) == (one.good == one.total)


@given(reports(), st.data())
def test_telling_less_never_makes_records_more_complete(said: list[Report], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(said) - 1))
    name = data.draw(st.sampled_from(EXPECTED))
    left = {field: value for field, value in said[at].fields.items() if field != name}
    fewer = [*said[:at], msgspec.structs.replace(said[at], fields=left), *said[at + 1 :]]
    assert completeness(fewer) <= completeness(said)


def completeness(said: list[Report]) -> int:
    scores = score("psa", "client", said, expected=EXPECTED)
    return next(one.good for one in scores if one.dimension is Dimension.COMPLETENESS)
