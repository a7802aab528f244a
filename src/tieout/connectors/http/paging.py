"""Where a walk over a list goes on: by page number, offset, cursor or link, and by versions where changes are asked.

Pure; ``read`` and ``ledger`` make the requests. An item that changes while we walk by numbers moves to the end and the
rest moves up, so counting skips one. A walk over changes therefore goes on from the *version* of the last item; where
too many share one version it counts, and what was counted is counted again until it is the same twice.
"""

import hashlib
import itertools
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from tieout.connect.by_rule.values import at
from tieout.connect.http import HttpAnswer
from tieout.connect.json_codec import JsonValue
from tieout.connectors.http.definition import Changed, Paging, ReadPart
from tieout.errors import ContractError, TransientError

SECOND: Final = 1_000_000
DAY: Final = 86_400 * SECOND
OLD_ENOUGH: Final = timedelta(days=1)
"""Nothing appears late any more before an item of this age."""

MOST_PASSES: Final = 8
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LINK: Final = re.compile(r'<([^>]*)>\s*((?:;\s*[\w*]+\s*=\s*(?:"[^"]*"|[^",;\s]+)\s*)*)')
_RELATION: Final = re.compile(r';\s*rel\s*=\s*(?:"([^"]*)"|([^",;\s]+))', re.IGNORECASE)


class Place(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where in a list: the number of a page or an offset, or the cursor or link that the system gave."""

    number: int = 0
    token: str = ""


class Cursor(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where reading goes on: ``settled`` for the next walk, all else for the one that is ``walking``.

    Versions are integers: microseconds since 1970, or the system's own numbers. ``counted`` and ``before`` sum up the
    items counted since ``since`` in this pass and in the one before; ``passes`` says how often.
    """

    settled: int | None = None
    walking: bool = False
    since: int | None = None
    place: Place = Place()
    counted: str = ""
    before: str = ""
    passes: int = 0
    newest: int | None = None
    seen: tuple[str, ...] = ()
    walked: tuple[str, ...] = ()

    def text(self) -> str:
        """The cursor as the opaque text that is stored."""
        return msgspec.json.encode(self).decode()


def read_cursor(text: str | None) -> Cursor:
    """The cursor in a stored text; None is the beginning. Raises ContractError where it is not ours."""
    if text is None:
        return Cursor()
    try:
        return msgspec.json.decode(text, type=Cursor)
    except msgspec.MsgspecError as error:
        raise ContractError(
            code="TIE-REST-002", message=f"The stored position {text[:80]!r} is not one of a REST system."
        ) from error


def start(cursor: Cursor, paging: Paging) -> Cursor:
    """The cursor at the start of a walk, or unchanged where one is under way."""
    if cursor.walking:
        return cursor
    return msgspec.structs.replace(
        cursor,
        walking=True,
        since=cursor.settled,
        place=first_place(paging),
        counted="",
        before="",
        passes=0,
        walked=(),
    )


def first_place(paging: Paging) -> Place:
    """The beginning of a list."""
    return Place(number=paging.first if paging.kind == "page" else 0)


def place_params(paging: Paging, place: Place) -> dict[str, str]:
    """The parameters that ask for the part of a list at ``place`` (a link is followed instead)."""
    params = {} if paging.size_param is None else {paging.size_param: str(paging.size)}
    if paging.kind in {"page", "offset"} and paging.param is not None:
        params[paging.param] = str(place.number)
    if paging.kind == "cursor" and paging.param is not None and place.token:
        params[paging.param] = place.token
    return params


def next_place(paging: Paging, place: Place, answer: HttpAnswer, document: JsonValue, item_count: int) -> Place | None:
    """Where the list goes on, or None at its end."""
    match paging.kind:
        case "page":
            return Place(number=place.number + 1) if item_count >= paging.size else None
        case "offset":
            return Place(number=place.number + item_count) if item_count >= paging.size else None
        case "cursor":
            token = at(paging.next or "", document, document)
            told = str(token) if isinstance(token, str | int) and not isinstance(token, bool) else ""
        case "link":
            told = next_link(answer.headers.get("link", "")) or ""
        case _:
            told = ""
    if told and told == place.token:
        raise ContractError(
            code="TIE-REST-001", message=f"A list of a REST system goes on where it is already: {told[:80]!r}."
        )
    return Place(token=told) if told else None


def next_link(header: str) -> str | None:
    """The target of the link with relation ``next`` in a Link header (RFC 8288), or None."""
    for target, parameters in _LINK.findall(header):
        relation = _RELATION.search(parameters)
        if relation is not None and "next" in (relation[1] or relation[2]).lower().split():
            return str(target)
    return None


def since_text(changed: Changed, since: int) -> str:
    """A version as the parameter that asks for what changed since."""
    if changed.format == "integer":
        return str(since)
    if changed.format == "unix":
        return str(since // SECOND)
    if changed.format == "unix_ms":
        return str(since // (SECOND // 1000))
    instant = _EPOCH + timedelta(microseconds=since)
    return instant.date().isoformat() if changed.format == "date" else instant.isoformat().replace("+00:00", "Z")


def advance(
    cursor: Cursor, part: ReadPart, keys: Sequence[tuple[str, int | None]], moved: Place | None
) -> Cursor | None:
    """Where a walk goes on after items with ``keys`` (id, version), whose list goes on at ``moved``; None at its end.

    Raises ContractError for items that come in no order of change, TransientError where what is counted never stands
    still.
    """
    if part.changed is None or part.paging.kind not in {"page", "offset"}:
        return None if moved is None else msgspec.structs.replace(cursor, place=moved)
    first = first_place(part.paging)
    counted = _sum(cursor.counted, keys)
    is_counting = cursor.place != first
    anchor = _anchor(part.changed, keys, part.object) if moved is not None else None
    goes_on = moved is not None and (anchor is None or (cursor.since is not None and anchor <= cursor.since))
    if goes_on and moved is not None:
        return msgspec.structs.replace(cursor, place=moved, counted=counted)
    if is_counting and counted != cursor.before:
        if cursor.passes >= MOST_PASSES:
            raise TransientError(
                code="TIE-REST-005", message=f"{part.object} changes faster than it can be read, or has no order."
            )
        return msgspec.structs.replace(cursor, place=first, counted="", before=counted, passes=cursor.passes + 1)
    if moved is None:
        return None
    return msgspec.structs.replace(cursor, since=anchor, place=first, counted="", before="", passes=0)


def with_newest(cursor: Cursor, versions: Sequence[int | None]) -> Cursor:
    """The cursor that knows the latest of ``versions``."""
    known = [one for one in (*versions, cursor.newest) if one is not None]
    return msgspec.structs.replace(cursor, newest=max(known, default=None))


def finish(cursor: Cursor, part: ReadPart, *, now: datetime) -> Cursor:
    """The cursor after a walk: the next one starts an overlap before the newest item, or at it where it is old."""
    settled, newest = cursor.settled, cursor.newest
    if part.changed is not None and newest is not None:
        reached = newest
        if part.changed.format != "integer":
            is_old = now - (_EPOCH + timedelta(microseconds=newest)) > OLD_ENOUGH
            reached = newest - (SECOND if is_old else int(part.overlap_s * SECOND))
            reached -= reached % _step(part.changed)
        settled = reached if settled is None else max(settled, reached)
    return Cursor(settled=settled, newest=newest, seen=cursor.walked)


def _anchor(changed: Changed, keys: Sequence[tuple[str, int | None]], name: str) -> int | None:
    """The version to go on from, a step before that of the last item: a parameter may or may not include its value."""
    versions = [version for _, version in keys if version is not None]
    if any(one > other for one, other in itertools.pairwise(versions)):
        raise ContractError(
            code="TIE-REST-001",
            message=f"{name} does not come in the order of its changes; let params ask for that order.",
        )
    if not versions:
        return None
    step = _step(changed)
    return versions[-1] - versions[-1] % step - step


def _step(changed: Changed) -> int:
    return {"integer": 1, "date": DAY}.get(changed.format, SECOND)


def _sum(counted: str, keys: Sequence[tuple[str, int | None]]) -> str:
    """What was counted so far with ``keys`` added, in whatever order they come."""
    total = int(counted or "0", 16)
    for key in keys:
        total += int.from_bytes(hashlib.sha256(repr(key).encode()).digest()[:8], "big")
    return f"{total % 2**64:x}"


def folded(params: Mapping[str, str], **values: str) -> dict[str, str]:
    """Parameters with ``{name}`` in their values filled in."""
    filled = {}
    for name, value in params.items():
        for key, word in values.items():
            value = value.replace(f"{{{key}}}", word)  # noqa: PLW2901 - filled in step by step
        filled[name] = value
    return filled
