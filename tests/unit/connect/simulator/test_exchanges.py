import msgspec
import pytest

from tieout.connect.simulator.exchanges import (
    DocumentedAnswer,
    DocumentedExchange,
    DocumentedRequest,
    documented_exchanges,
)


def answer(shape: object) -> DocumentedAnswer:
    return DocumentedAnswer(status=200, shape=msgspec.Raw(msgspec.json.encode(shape)))


@pytest.mark.parametrize(
    ("shape", "right", "wrong"),
    [
        ("string", "text", 1),
        ("string?", None, 1),
        ("integer", 7, True),
        ("integer", 7, 7.5),
        ("number", 7.5, "7.5"),
        ("boolean", False, 0),
        ("date", "2026-08-12", "2026-08-12T00:00:00Z"),
        ("date", "2026-08-12", "2026-13-12"),
        ("instant", "2026-08-12T10:00:00-07:00", "2026-08-12T10:00:00"),
        ("instant", "2026-08-12T10:00:00Z", "noon"),
        ("list", [1], {}),
        ("=oauth", "oauth", "system"),
        (["integer"], [1, 2], [1, "2"]),
        ({"id": "string"}, {"id": "1", "new": 2}, {"new": 2}),
        ({"*": {"id": "string"}}, {"1": {"id": "1"}}, {"1": {"id": 1}}),
        ({"a": {"b": ["*"]}}, {"a": {"b": []}}, {"a": []}),
    ],
)
def test_an_answer_is_held_to_its_documented_shape(shape: object, right: object, wrong: object) -> None:
    assert answer(shape).misfits(msgspec.json.encode(right)) == []
    assert len(answer(shape).misfits(msgspec.json.encode(wrong))) == 1


def test_an_answer_without_a_documented_shape_may_be_anything() -> None:
    assert DocumentedAnswer(status=204).misfits(b"") == []


def test_an_exchange_tells_whether_it_names_rows() -> None:
    def exchange(path: str) -> DocumentedExchange:
        request = DocumentedRequest(method="GET", path=path)
        return DocumentedExchange(title="t", request=request, answer=DocumentedAnswer(status=200))

    assert exchange("/job/{job}").needs_rows
    assert not exchange("/job/17").needs_rows


def test_a_package_without_exchanges_has_none() -> None:
    assert documented_exchanges("tieout.connect") == {}
