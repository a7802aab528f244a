"""What may change in a published JSON Schema without breaking whoever relies on it. Pure.

Two directions: what we tell (events, answers) is read by programs that know an older version, so nothing they read may
go, become optional or take new forms; what we take in (time, records) is written by them, so nothing they send may be
refused or fall under the table. Neighbour: ``schema_registry`` keeps the published versions.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, TypeAlias, cast

import msgspec

Schema: TypeAlias = Mapping[str, object]

_SIMPLE: Final = frozenset({"string", "integer", "number", "boolean", "null"})
_AT_LEAST: Final = ("minimum", "minLength", "minItems", "exclusiveMinimum")
_AT_MOST: Final = ("maximum", "maxLength", "maxItems", "exclusiveMaximum")


class Direction(StrEnum):
    """Who writes and who reads a document of the schema."""

    TOLD = "told"
    TAKEN = "taken"


class Incompatibility(msgspec.Struct, frozen=True, kw_only=True):
    """One change that breaks somebody: where in the document, and in what way."""

    path: str
    words: str


class _Shape(msgspec.Struct, frozen=True, kw_only=True):
    """What a schema allows at one place: simple forms by name, and the members of an object, list or map if it may be.

    ``forms`` are such as ``string``, ``string(date)``, ``const:"active"``. ``limits`` are bounds by keyword.
    """

    forms: frozenset[str]
    members: dict[str, Schema] = {}
    required: frozenset[str] = frozenset()
    items: Schema | None = None
    values: Schema | None = None
    limits: dict[str, int | float] = {}
    pattern: str | None = None


def incompatibilities(old: Schema, new: Schema, direction: Direction) -> list[Incompatibility]:
    """Every change from ``old`` to ``new`` that a program written for ``old`` would notice, by path."""
    found: list[Incompatibility] = []
    writer, reader = (new, old) if direction is Direction.TOLD else (old, new)
    _compare(_Side(writer), _Side(reader), "", found, direction)
    return sorted(found, key=lambda one: (one.path, one.words))


class _Side:
    """One schema with its definitions, resolved to shapes place by place."""

    def __init__(self, root: Schema, at: Schema | None = None) -> None:
        self.root = root
        self.at = root if at is None else at

    def go(self, at: Schema) -> "_Side":
        return _Side(self.root, at)

    def shape(self) -> _Shape:
        found = [_shape_of(one) for one in self._alternatives(self.at)]
        shape = found[0]
        for other in found[1:]:
            shape = _Shape(
                forms=shape.forms | other.forms,
                members=shape.members | other.members,
                required=shape.required if not other.members else shape.required | other.required,
                items=shape.items or other.items,
                values=shape.values or other.values,
                limits=shape.limits | other.limits,
                pattern=shape.pattern or other.pattern,
            )
        return shape

    def _alternatives(self, at: Schema) -> list[Schema]:
        reference = at.get("$ref")
        if isinstance(reference, str):
            definitions = cast("Mapping[str, Schema]", self.root["$defs"])
            return self._alternatives(definitions[reference.rpartition("/")[2]])
        several = at.get("anyOf") or at.get("oneOf")
        if isinstance(several, list):
            return [found for one in several for found in self._alternatives(one)]
        return [at]


def _shape_of(at: Schema) -> _Shape:
    named = at.get("type")
    types = [str(one) for one in named] if isinstance(named, list) else [] if named is None else [str(named)]
    limits = {name: value for name in (*_AT_LEAST, *_AT_MOST) if isinstance(value := at.get(name), int | float)}
    values = at.get("additionalProperties")
    return _Shape(
        forms=_forms(at, types),
        members=dict(cast("Mapping[str, Schema]", at.get("properties", {}))),
        required=frozenset(cast("list[str]", at.get("required", []))),
        items=cast("Schema | None", at.get("items")) or None,
        values=cast("Schema", values) if isinstance(values, Mapping) else None,
        limits=limits,
        pattern=cast("str | None", at.get("pattern")),
    )


def _forms(at: Schema, types: list[str]) -> frozenset[str]:
    if "const" in at:
        return frozenset({f"const:{at['const']!r}"})
    choices = at.get("enum")
    if isinstance(choices, list):
        return frozenset(f"const:{one!r}" for one in choices)
    if not types:
        return frozenset({"anything"})
    form = at.get("format")
    return frozenset(f"{one}({form})" if form and one in _SIMPLE else one for one in types)


def _compare(writer: _Side, reader: _Side, path: str, found: list[Incompatibility], direction: Direction) -> None:
    """Whether the reader understands whatever the writer may write at ``path``."""
    written, read = writer.shape(), reader.shape()
    found += [Incompatibility(path=path or "/", words=words) for words in _refused(written, read, direction)]
    for name in sorted(written.members.keys() | read.members.keys()):
        at = f"{path}/{name}"
        if name not in written.members:
            found += _missing(at, direction, required=name in read.required)
        elif name not in read.members:
            found += _unread(at, direction)
        else:
            if name in read.required and name not in written.required:
                found.append(Incompatibility(path=at, words=_OPTIONAL[direction]))
            _compare(writer.go(written.members[name]), reader.go(read.members[name]), at, found, direction)
    for one, other, step in ((written.items, read.items, "[]"), (written.values, read.values, "{}")):
        if one is not None and other is not None:
            _compare(writer.go(one), reader.go(other), path + step, found, direction)


_OPTIONAL: Final = {Direction.TOLD: "it may be missing now", Direction.TAKEN: "it is required now"}


def _missing(path: str, direction: Direction, *, required: bool) -> list[Incompatibility]:
    """A member that only the reader knows."""
    if direction is Direction.TOLD:
        return [Incompatibility(path=path, words="it is not told any more")]
    return [Incompatibility(path=path, words="it is new and required")] if required else []


def _unread(path: str, direction: Direction) -> list[Incompatibility]:
    """A member that only the writer knows: readers of ours ignore it, but what is sent to us must not be lost."""
    return [] if direction is Direction.TOLD else [Incompatibility(path=path, words="it is not taken any more")]


def _refused(written: _Shape, read: _Shape, direction: Direction) -> list[str]:
    words = []
    if "anything" not in read.forms:
        unknown = sorted(one for one in written.forms if not _covered(one, read.forms))
        verb = "may be" if direction is Direction.TOLD else "is refused as"
        words += [f"it {verb} {one.removeprefix('const:')} now" for one in unknown]
    for name in _AT_LEAST:
        if name in read.limits and read.limits[name] > written.limits.get(name, float("-inf")):
            words.append(f"its {name} is another one")
    for name in _AT_MOST:
        if name in read.limits and read.limits[name] < written.limits.get(name, float("inf")):
            words.append(f"its {name} is another one")
    if read.pattern is not None and read.pattern != written.pattern:
        words.append("its pattern is another one")
    return words


def _covered(form: str, known: frozenset[str]) -> bool:
    """Whether a reader of ``known`` forms understands ``form``: a date is a string, an integer a number."""
    if form in known:
        return True
    plain = form.partition("(")[0]
    if form.startswith("const:"):
        plain = "string" if form.startswith("const:'") else "integer"
    return plain in known or (plain == "integer" and "number" in known)
