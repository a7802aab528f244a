"""What the payloads of a vendor look like, and what is different now: fields, their forms, and values of closed lists.

Pure. A vendor's change is noticed here before it breaks anything: a field that the hub does not read may be gone or
renamed long before one that it reads is. ``inbound.vendor_schemas`` feeds it from the message store.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

MAX_DEPTH: Final = 12
MAX_PATHS: Final = 2_000
MAX_VALUES: Final = 12
"""A field with more different values is free text, a name or a number."""
SETTLED_COUNT: Final = 200
"""So often must a field have been seen before its values count as a closed list."""
USUAL_COUNT: Final = 50
"""So many objects must lack a field that nearly all had before it counts as gone."""
_NEARLY_ALL_PERCENT: Final = 95
_MAX_VALUE_CHARS: Final = 40
_KEY_LIKE: Final = re.compile(r"\d+|[0-9a-fA-F-]{32,36}")
_WORD: Final = re.compile(r"[A-Za-z][A-Za-z _./-]*")


class FieldShape(msgspec.Struct, frozen=True, kw_only=True):
    """One place of an object: the forms that its values had, and their digests where they are few (None: many).

    ``seen_count`` counts values, so that a field of every row has the count of the rows.
    """

    forms: frozenset[str]
    values: frozenset[int] | None
    seen_count: int


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """What the payloads of an object look like. ``texts`` are the values behind the digests of this reading only."""

    payload_count: int
    fields: Mapping[str, FieldShape]
    texts: Mapping[int, str] = {}


class ShapeChange(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is different now, at ``path``."""

    path: str
    words: str


def shape_of(payloads: Iterable[object]) -> Shape:
    """The shape of decoded payloads; the members of a list, and of a map by ids, are one place."""
    seen: dict[str, _Tally] = {}
    texts: dict[int, str] = {}
    count = 0
    for payload in payloads:
        count += 1
        _walk(payload, "", 0, _Walk(tallies=seen, texts=texts))
    fields = {path: tally.shape() for path, tally in seen.items()}
    return Shape(payload_count=count, fields=fields, texts=texts)


def merged(known: Shape, news: Shape) -> Shape:
    """Both together."""
    fields = dict(known.fields)
    for path, one in news.fields.items():
        old = fields.get(path)
        fields[path] = one if old is None else _merged_field(old, one)
    return Shape(payload_count=known.payload_count + news.payload_count, fields=fields)


def changes(known: Shape, news: Shape) -> list[ShapeChange]:
    """What ``news`` shows that ``known`` did not, by path; nothing while nothing was known."""
    if not known.payload_count:
        return []
    found = [ShapeChange(path=path, words="is new") for path in sorted(news.fields.keys() - known.fields.keys())]
    for path in sorted(news.fields.keys() & known.fields.keys()):
        found += _changed(path, known, news)
    found += [ShapeChange(path=path, words="is not told any more") for path in _gone(known, news)]
    return found


class _Tally:
    """What was seen at one place."""

    def __init__(self) -> None:
        self.forms: set[str] = set()
        self.values: set[int] | None = set()
        self.seen_count = 0

    def shape(self) -> FieldShape:
        values = None if self.values is None else frozenset(self.values)
        return FieldShape(forms=frozenset(self.forms), values=values, seen_count=self.seen_count)


class _Walk(msgspec.Struct, frozen=True, kw_only=True):
    tallies: dict[str, _Tally]
    texts: dict[int, str]


def _walk(value: object, path: str, depth: int, walk: _Walk) -> None:
    if depth > MAX_DEPTH or (path not in walk.tallies and len(walk.tallies) >= MAX_PATHS):
        return
    tally = walk.tallies.setdefault(path, _Tally())
    tally.seen_count += 1
    tally.forms.add(_form(value))
    if isinstance(value, Mapping):
        by_key = bool(value) and all(_KEY_LIKE.fullmatch(str(key)) for key in value)
        for key, member in value.items():
            _walk(member, f"{path}/{'*' if by_key else key}", depth + 1, walk)
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
        for member in value:
            _walk(member, f"{path}[]", depth + 1, walk)
    elif isinstance(value, str):
        _note_value(value, tally, walk.texts)
    elif value is not None and not isinstance(value, bool):
        tally.values = None


def _note_value(value: str, tally: _Tally, texts: dict[int, str]) -> None:
    if tally.values is None:
        return
    if len(value) > _MAX_VALUE_CHARS or (value and not _WORD.fullmatch(value)):
        tally.values = None
        return
    digest = int.from_bytes(hashlib.sha256(value.encode()).digest()[:8], "big", signed=True)
    tally.values.add(digest)
    texts[digest] = value
    if len(tally.values) > MAX_VALUES:
        tally.values = None


_FORMS: Final = ((bool, "boolean"), (int, "integer"), (str, "string"), (Mapping, "object"), (Sequence, "list"))
"""In the order in which they are asked for: a flag is a number too, a text a sequence."""


def _form(value: object) -> str:
    if value is None:
        return "null"
    return next((form for kind, form in _FORMS if isinstance(value, kind)), "number")


def _merged_field(old: FieldShape, new: FieldShape) -> FieldShape:
    values = None if old.values is None or new.values is None else old.values | new.values
    if values is not None and len(values) > MAX_VALUES:
        values = None
    return FieldShape(forms=old.forms | new.forms, values=values, seen_count=old.seen_count + new.seen_count)


def _changed(path: str, known: Shape, news: Shape) -> list[ShapeChange]:
    old, new = known.fields[path], news.fields[path]
    # A field that was null only has not shown yet what it is.
    forms = sorted(new.forms - old.forms) if old.forms != {"null"} else []
    found = [ShapeChange(path=path, words=f"is {form} now, was {' or '.join(sorted(old.forms))}") for form in forms]
    if old.values and new.values and old.seen_count >= SETTLED_COUNT:
        fresh = sorted(news.texts.get(one, "another value") for one in new.values - old.values)
        found += [ShapeChange(path=path, words=f"has a value that it never had: {value}") for value in fresh]
    return found


def _gone(known: Shape, news: Shape) -> list[str]:
    """Fields that nearly every object had which holds them, and that none of many has now."""
    gone = []
    for path, field in known.fields.items():
        parent, step, name = path.rpartition("/")
        if not step or name == "*" or path in news.fields:
            continue
        before, now = known.fields[parent].seen_count, news.fields.get(parent)
        usual = before >= USUAL_COUNT and field.seen_count * 100 >= before * _NEARLY_ALL_PERCENT
        if usual and now is not None and now.seen_count >= USUAL_COUNT:
            gone.append(path)
    return sorted(gone)
