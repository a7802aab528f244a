"""What may change in a published schema, and what would break whoever relies on it."""

from typing import Literal

import msgspec
import pytest

from tieout.governance.schema_registry import check
from tieout.governance.schema_rules import Direction, incompatibilities


class Old(msgspec.Struct, kw_only=True):
    name: str
    state: Literal["open", "closed"]
    hours: int
    note: str | None = None
    tags: list[str] = []


class WithOneMore(Old, kw_only=True):
    more: str = ""


class WithOneMoreRequired(Old, kw_only=True):
    more: str


class Fewer(msgspec.Struct, kw_only=True):
    name: str
    state: Literal["open", "closed"]
    hours: int
    tags: list[str] = []


class NewState(Old, kw_only=True):
    state: Literal["open", "closed", "held"]  # type: ignore[assignment]  # the change that is judged


class FewerStates(Old, kw_only=True):
    state: Literal["open"]


class OptionalNow(Old, kw_only=True):
    hours: int = 0


class RequiredNow(Old, kw_only=True):
    note: str | None


class Retyped(Old, kw_only=True):
    hours: str  # type: ignore[assignment]  # as above


class NumberedTags(Old, kw_only=True):
    tags: list[int] = []  # type: ignore[assignment]  # as above


class Nullable(Old, kw_only=True):
    name: str | None  # type: ignore[assignment]  # as above


def breaks(new: type[msgspec.Struct], direction: Direction, old: type[msgspec.Struct] = Old) -> list[str]:
    found = incompatibilities(msgspec.json.schema(old), msgspec.json.schema(new), direction)
    return [f"{one.path}: {one.words}" for one in found]


@pytest.mark.parametrize(
    ("new", "told", "taken"),
    [
        (Old, [], []),
        (WithOneMore, [], []),
        (WithOneMoreRequired, [], ["/more: it is new and required"]),
        (Fewer, ["/note: it is not told any more"], ["/note: it is not taken any more"]),
        (NewState, ["/state: it may be 'held' now"], []),
        (FewerStates, [], ["/state: it is refused as 'closed' now"]),
        (OptionalNow, ["/hours: it may be missing now"], []),
        (RequiredNow, [], ["/note: it is required now"]),
        (Retyped, ["/hours: it may be string now"], ["/hours: it is refused as integer now"]),
        (NumberedTags, ["/tags[]: it may be integer now"], ["/tags[]: it is refused as string now"]),
        (Nullable, ["/name: it may be null now"], []),
    ],
    ids=lambda one: one.__name__ if isinstance(one, type) else "",
)
def test_a_change_breaks_readers_of_what_is_told_or_writers_of_what_is_taken(
    new: type[msgspec.Struct], told: list[str], taken: list[str]
) -> None:
    assert breaks(new, Direction.TOLD) == told
    assert breaks(new, Direction.TAKEN) == taken


def test_a_bound_that_closes_in_breaks_writers_and_one_that_opens_breaks_readers() -> None:
    def schema(most: int) -> dict[str, object]:
        return {"type": "object", "properties": {"hours": {"type": "integer", "maximum": most}}, "required": ["hours"]}

    assert [one.words for one in incompatibilities(schema(24), schema(12), Direction.TAKEN)] == [
        "its maximum is another one"
    ]
    assert incompatibilities(schema(24), schema(12), Direction.TOLD) == []
    assert [one.words for one in incompatibilities(schema(12), schema(24), Direction.TOLD)] == [
        "its maximum is another one"
    ]
    assert incompatibilities(schema(12), schema(24), Direction.TAKEN) == []


def test_the_published_schemas_are_those_of_the_code() -> None:
    assert check() == {}
