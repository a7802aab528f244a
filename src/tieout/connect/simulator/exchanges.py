"""Exchanges that a vendor documents: what is asked, and what the answer looks like, with the page that says so.

They lie as JSON files in ``exchanges`` of a connector's package. A simulator is held to them, so that it plays the
vendor and not our idea of it. A shape is a JSON value in which a text names a type: ``string``, ``integer``,
``number``, ``boolean``, ``list``, ``date``, ``instant``; ``type?`` may be null, ``=word`` is that very word, ``*``
anything; a member called ``*`` stands for every member. Members beyond a shape are allowed, as vendors add some.
"""

import re
from collections.abc import Callable, Iterator
from datetime import date, datetime
from importlib.resources import files
from typing import Final, TypeAlias

import msgspec

from tieout.errors import ConfigurationError

_ROW: Final = re.compile(rb"\{[a-z_]+\}")
Json: TypeAlias = dict[str, "Json"] | list["Json"] | str | int | float | bool | None


class DocumentedRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is asked. ``{name}`` in any text stands for the id of such a row; ``form`` is sent form-encoded."""

    method: str
    path: str
    query: dict[str, str] = {}
    headers: dict[str, str] = {}
    body: msgspec.Raw = msgspec.Raw(b"")
    form: dict[str, str] | None = None
    authorized: bool = True


class DocumentedAnswer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is answered. ``headers`` gives a part that each header contains."""

    status: int
    headers: dict[str, str] = {}
    shape: msgspec.Raw = msgspec.Raw(b"")

    def misfits(self, payload: bytes) -> list[str]:
        """Everything in which an answer is not of the documented shape, in words; nothing where none is documented."""
        if not bytes(self.shape):
            return []
        return list(_misfits(msgspec.json.decode(payload), msgspec.json.decode(self.shape), "answer"))


class DocumentedExchange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One exchange; ``before`` are requests that prepare it."""

    title: str
    request: DocumentedRequest
    answer: DocumentedAnswer
    before: list[DocumentedRequest] = []

    @property
    def needs_rows(self) -> bool:
        """Whether ids of rows must be filled in before it can be sent."""
        return any(_ROW.search(msgspec.json.encode(one)) for one in (*self.before, self.request))


class DocumentedSource(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where it is documented: the vendor's site and the title of the page."""

    site: str
    page: str


class DocumentedExchanges(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file. ``unconfirmed`` lists in sentences what the simulator plays and the page does not say."""

    source: DocumentedSource
    unconfirmed: list[str]
    exchanges: list[DocumentedExchange]


def documented_exchanges(package: str) -> dict[str, DocumentedExchanges]:
    """The files of exchanges of a connector's package, by file name; raises ConfigurationError for a malformed one."""
    folder = files(package).joinpath("exchanges")
    found: dict[str, DocumentedExchanges] = {}
    for file in sorted(folder.iterdir(), key=lambda one: one.name) if folder.is_dir() else ():
        if not file.name.endswith(".json"):
            continue
        try:
            found[file.name] = msgspec.json.decode(file.read_bytes(), type=DocumentedExchanges)
        except msgspec.DecodeError as error:
            raise ConfigurationError(
                code="TIE-CONNECT-007", message=f"{package}: exchanges/{file.name} is not in the known form: {error}."
            ) from error
    return found


def _misfits(value: Json, shape: Json, where: str) -> Iterator[str]:
    if isinstance(shape, list) and isinstance(value, list):
        for place, one in enumerate(value):
            yield from _misfits(one, shape[0], f"{where}[{place}]")
    elif isinstance(shape, dict) and isinstance(value, dict):
        documented = dict.fromkeys(value, shape["*"]) if "*" in shape else shape
        yield from (f"{where}.{name} is missing" for name in documented if name not in value)
        for name in documented.keys() & value.keys():
            yield from _misfits(value[name], documented[name], f"{where}.{name}")
    elif not isinstance(shape, str) or not _fits(value, shape):
        yield f"{where} is {value!r}, documented is {shape!r}"


def _fits(value: Json, shape: str) -> bool:
    if shape.startswith("="):
        return value == shape[1:]
    if shape.endswith("?"):
        return value is None or _fits(value, shape[:-1])
    return _KINDS[shape](value)


def _is_date(value: Json) -> bool:
    return isinstance(value, str) and _parses(date.fromisoformat, value) and len(value) == len("2026-08-12")


def _is_instant(value: Json) -> bool:
    return isinstance(value, str) and _parses(datetime.fromisoformat, value) and _zoned(value)


def _zoned(text: str) -> bool:
    return datetime.fromisoformat(text).tzinfo is not None


def _parses(parse: Callable[[str], object], text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True


_KINDS: Final[dict[str, Callable[[Json], bool]]] = {
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "list": lambda value: isinstance(value, list),
    "date": _is_date,
    "instant": _is_instant,
    "*": lambda _: True,
}
