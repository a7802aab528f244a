"""The side-loaded answer of Kantata, decoded fast where it is sound, and taken apart row by row where it is not.

Every answer lists ordered references in ``results`` and keeps the rows in one object per collection (page "Response
Format"). ``Envelope`` finds the text of each row without judging it, even where a row holds NaN or a name twice;
each row is then decoded by itself with the strict decoder. Neighbours: ``mapping`` and ``masters`` use it where the
whole page does not decode at once, ``paging`` to see how far a page reaches.
"""

import re
from collections.abc import Iterator
from typing import Final, Generic, TypeVar

import msgspec

from tieout.connect.json_codec import MAX_BYTES, decode_strict_as
from tieout.connectors.kantata.records import KantataReference
from tieout.errors import ContractError

Row = TypeVar("Row")
Shape = TypeVar("Shape")

PLAIN_DEPTH: Final = 16


_SPACE = re.compile(rb"[ \t\r\n]*+")
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_SCALAR = re.compile(rb'[^\s,:"{}\[\]]++')
_TO_BRACKET = re.compile(rb'[^"{}\[\]]*+(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"[^"{}\[\]]*+)*+[{}\[\]]', re.DOTALL)
_OPENING = frozenset(b"{[")
_OPEN_OBJECT, _CLOSE_OBJECT, _QUOTE, _COMMA, _COLON = b'{}",:'


def decode(payload: bytes, shape: type[Shape]) -> Shape:
    """``decode_strict_as``, by a short cut where the text provably holds no name twice.

    The strict decoder costs some 15 microseconds for a time entry with its submission, this one about 6. Raises
    ContractError where the strict one does, but leaves numbers unjudged that ``shape`` does not hold.
    """
    if _is_plain(payload):
        try:
            return msgspec.json.decode(payload, type=shape)
        except msgspec.MsgspecError:
            return decode_strict_as(payload, shape)
    return decode_strict_as(payload, shape)


def _is_plain(payload: bytes) -> bool:
    """Whether msgspec alone is strict enough: no name twice in an object, and no deep nesting.

    msgspec refuses NaN, bad text and numbers out of range by itself, but keeps the last of equal names. Names are
    counted in the text, where each is the only thing that can end with a quote and a colon, and in what was decoded,
    where equal ones have become one. Text in which that could be something else is left to the strict decoder.
    """
    text = payload.translate(None, b" \t\r\n")
    if len(payload) > MAX_BYTES or b'\\":' in text:
        return False
    try:
        value = msgspec.json.decode(payload)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return False
    names = 0
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(PLAIN_DEPTH):
        if not level:
            return names == text.count(b'":')
        names += sum(len(one) for one in level if type(one) is dict)
        level = [
            inner
            for one in level
            for inner in (one.values() if type(one) is dict else one)
            if type(inner) is dict or type(inner) is list
        ]
    return False


class Keyed(msgspec.Struct, Generic[Row], frozen=True):
    """The rows of one collection that could be read, by id, and what is wrong with each of the others."""

    rows: dict[str, Row]
    problems: dict[str, str] = {}

    def problem(self, row_id: str) -> str:
        """Why there is no row ``row_id``."""
        return self.problems.get(row_id, "the answer lists it but does not contain it")


class Envelope:
    """One answer of Kantata; raises ContractError where it is not an object of collections at all."""

    def __init__(self, payload: bytes) -> None:
        self._payload = payload
        self._members = dict[str, bytes]()
        for name, value in _members(payload):
            if name in self._members:
                raise _unreadable(f"it has the member {name!r} twice")
            self._members[name] = value

    def references(self, collection: str) -> list[str]:
        """Ids of the rows asked for, in the order of ``results``; raises ContractError where they cannot be told."""
        results = self._members.get("results")
        if results is None:
            raise _unreadable("it has no 'results'")
        found = decode(results, list[KantataReference])
        for one in found:
            if one.key != collection:
                raise _unreadable(f"it lists {one.key!r} where {collection!r} was asked for")
        return [one.id for one in found]

    def rows(self, collection: str, row_type: type[Row]) -> Keyed[Row]:
        """The rows of ``collection``, each decoded by itself; an absent collection has none."""
        value = self._members.get(collection)
        if value is None:
            return Keyed({})
        try:
            together = decode(value, dict[str, row_type])  # type: ignore[valid-type]
        except ContractError:
            return self._row_by_row(collection, row_type)
        if any(getattr(row, "id", row_id) != row_id for row_id, row in together.items()):
            return self._row_by_row(collection, row_type)
        return Keyed(together)

    def _row_by_row(self, collection: str, row_type: type[Row]) -> Keyed[Row]:
        rows: dict[str, Row] = {}
        problems: dict[str, str] = {}
        for row_id, text in self.texts(collection):
            if row_id in rows or row_id in problems:
                rows.pop(row_id, None)
                problems[row_id] = "the answer contains it twice"
                continue
            try:
                row = decode(text, row_type)
            except ContractError as error:
                problems[row_id] = error.message.rstrip(".")
                continue
            if getattr(row, "id", row_id) == row_id:
                rows[row_id] = row
            else:
                problems[row_id] = "its id is not the one that it is filed under"
        return Keyed(rows, problems)

    def texts(self, collection: str) -> Iterator[tuple[str, bytes]]:
        """Id and undecoded text of every row of ``collection``; an absent collection has none."""
        value = self._members.get(collection)
        return iter(()) if value is None else _members(value)


def _members(text: bytes) -> Iterator[tuple[str, bytes]]:
    """Name and text of each member of the object that ``text`` is; raises ContractError where it is none."""
    at = _skip(text, 0)
    if _byte(text, at) != _OPEN_OBJECT:
        raise _unreadable("an object was expected")
    at = _skip(text, at + 1)
    if _byte(text, at) == _CLOSE_OBJECT:
        _nothing_after(text, at + 1)
        return
    while True:
        name = _STRING.match(text, at)
        if name is None:
            raise _unreadable(f"a name was expected at byte {at}")
        at = _skip(text, name.end())
        if _byte(text, at) != _COLON:
            raise _unreadable(f"a colon was expected at byte {at}")
        start = _skip(text, at + 1)
        at = _end_of_value(text, start)
        yield decode_strict_as(name.group(), str), text[start:at]
        at = _skip(text, at)
        follows = _byte(text, at)
        if follows == _CLOSE_OBJECT:
            _nothing_after(text, at + 1)
            return
        if follows != _COMMA:
            raise _unreadable(f"a comma was expected at byte {at}")
        at = _skip(text, at + 1)


def _end_of_value(text: bytes, start: int) -> int:
    first = _byte(text, start)
    if first not in _OPENING:
        found = (_STRING if first == _QUOTE else _SCALAR).match(text, start)
        if found is None:
            raise _unreadable(f"a value was expected at byte {start}")
        return found.end()
    depth, at = 0, start
    while True:
        bracket = _TO_BRACKET.match(text, at)
        if bracket is None:
            raise _unreadable("it ends too early")
        at = bracket.end()
        depth += 1 if text[at - 1] in _OPENING else -1
        if depth == 0:
            return at


def _skip(text: bytes, at: int) -> int:
    found = _SPACE.match(text, at)
    return at if found is None else found.end()


def _byte(text: bytes, at: int) -> int:
    return text[at] if at < len(text) else -1


def _nothing_after(text: bytes, at: int) -> None:
    if _skip(text, at) != len(text):
        raise _unreadable("something follows after its end")


def _unreadable(why: str) -> ContractError:
    return ContractError(code="TIE-KANTATA-001", message=f"An answer of Kantata cannot be read: {why}.")
