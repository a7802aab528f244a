"""Reading files as they become whole, in the order of their numbers: the Source.

The position remembers the last number of each series and the digests of the files that lie there. A file whose number
follows on is taken; a gap makes the later files wait and is told at every poll until it is filled; the same bytes once
more have no effect; other bytes under a known name or number are told and never taken. Neighbours: ``transport`` and
``sftp`` are where files lie, ``pages`` how one is kept.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Sequence

import msgspec

from tieout.connect.source import Page
from tieout.connectors.files.definition import SEQUENCE, Definition, Inbox
from tieout.connectors.files.pages import FileFacts, page_of
from tieout.connectors.files.rows import cut
from tieout.connectors.files.transport import PARTIAL, Entry, Exchange
from tieout.errors import ContractError
from tieout.model.clock import Clock


class Position(msgspec.Struct, kw_only=True):
    """How far an object was read. ``last``: by series its last number; ``known``: by name its digest."""

    last: dict[str, int] = {}
    known: dict[str, str] = {}


class _Named(msgspec.Struct, frozen=True, kw_only=True):
    entry: Entry
    parts: dict[str, str]
    series: str
    number: int | None


class FilesSource:
    """Reads the inboxes of one system."""

    def __init__(self, exchange: Exchange, definition: Definition, clock: Clock) -> None:
        self._exchange = exchange
        self._definition = definition
        self._clock = clock

    async def read(self, object_name: str, cursor: str | None) -> AsyncIterator[Page]:
        """One page per file that is whole; raises ContractError (TIE-FILES-010) where a number is missing."""
        inbox = self._definition.inbox_of(object_name)
        if inbox is None:
            raise ContractError(
                code="TIE-FILES-001", message=f"{self._definition.title} describes no object {object_name!r}."
            )
        position = _position(cursor)
        listed = await self._exchange.entries(inbox.folder)
        present = {one.name for one in listed}
        position.known = {name: digest for name, digest in position.known.items() if name in present}
        for one in _in_order(_named(inbox, listed)):
            _expect_next(one, position)
            page = await self._page(inbox, one, position, present)
            if page is not None:
                yield page

    async def aclose(self) -> None:
        """Release the connection."""
        await self._exchange.aclose()

    async def _page(self, inbox: Inbox, one: _Named, position: Position, present: set[str]) -> Page | None:
        """The page of a file; None while it is not whole, and where it is known already."""
        if not self._is_whole(inbox, one.entry, present):
            _wait_for(one, position)
            return None
        content = await self._exchange.read(inbox.folder, one.entry.name, max_bytes=inbox.max_bytes)
        if content is None:
            return None
        if inbox.ready == "stable" and not await self._is_unchanged(inbox, one.entry):
            _wait_for(one, position)
            return None
        digest = hashlib.sha256(content).hexdigest()
        known = position.known.get(one.entry.name)
        if known == digest or (known is None and digest in position.known.values()):
            return None
        problem = _problem(inbox, one, position, content, known=known)
        position.known[one.entry.name] = digest
        if one.number is not None and problem is None:
            position.last[one.series] = one.number
        facts = FileFacts(name=one.entry.name, digest=digest, parts=one.parts, problem=problem)
        if problem is not None and len(content) > inbox.max_bytes:
            content = b""
        return Page(
            object=inbox.object,
            payload=page_of(facts, content),
            item_count=_count(inbox, content) if problem is None else None,
            next_cursor=msgspec.json.encode(position).decode(),
        )

    def _is_whole(self, inbox: Inbox, entry: Entry, present: set[str]) -> bool:
        if inbox.ready == "marker":
            return f"{entry.name}{inbox.marker}" in present
        if inbox.ready == "stable":
            return self._clock.now().timestamp() - entry.changed_s >= inbox.stable_s
        return True

    async def _is_unchanged(self, inbox: Inbox, entry: Entry) -> bool:
        """Whether the file is still as it was listed, now that it was read."""
        await asyncio.sleep(0)
        again = {one.name: one for one in await self._exchange.entries(inbox.folder)}
        return again.get(entry.name) == entry


def _position(cursor: str | None) -> Position:
    if cursor is None:
        return Position()
    try:
        return msgspec.json.decode(cursor, type=Position)
    except msgspec.DecodeError as error:
        raise ContractError(
            code="TIE-FILES-001", message="The stored position is not one of the connector for files."
        ) from error


def _named(inbox: Inbox, listed: Sequence[Entry]) -> list[_Named]:
    found = []
    pattern = inbox.regex
    for entry in listed:
        fit = None if entry.name.endswith(PARTIAL) else pattern.fullmatch(entry.name)
        if fit is not None:
            parts = {name: text or "" for name, text in fit.groupdict().items()}
            series = "|".join(parts[name] for name in inbox.sequence_by)
            number = int(parts[SEQUENCE]) if SEQUENCE in parts and parts[SEQUENCE].isdecimal() else None
            found.append(_Named(entry=entry, parts=parts, series=series, number=number))
    return found


def _in_order(found: Sequence[_Named]) -> list[_Named]:
    key: Callable[[_Named], tuple[str, int, int, str]] = lambda one: (  # noqa: E731 - named for its type
        one.series,
        -1 if one.number is None else one.number,
        one.entry.changed_s,
        one.entry.name,
    )
    return sorted(found, key=key)


def _expect_next(one: _Named, position: Position) -> None:
    """Stop where a number is left out: what comes after it may not be taken before it."""
    if one.number is None:
        return
    following = position.last.get(one.series, 0) + 1
    if one.number > following:
        series = f" of {one.series.replace('|', ', ')}" if one.series else ""
        raise ContractError(
            code="TIE-FILES-010",
            message=f"File number {following}{series} is missing; {one.entry.name} and what follows wait for it.",
        )


def _wait_for(one: _Named, position: Position) -> None:
    """Of a numbered series nothing later is taken while an earlier file is not whole."""
    del position
    if one.number is not None:
        raise ContractError(
            code="TIE-FILES-011",
            message=f"{one.entry.name} is not whole yet; what follows in its series waits for it.",
        )


def _problem(inbox: Inbox, one: _Named, position: Position, content: bytes, *, known: str | None) -> str | None:
    if len(content) > inbox.max_bytes:
        return f"it has more than {inbox.max_bytes} bytes"
    if known is not None:
        return "it was delivered again under its name with other content; nothing of it was taken"
    last = position.last.get(one.series, 0)
    if one.number is not None and one.number <= last:
        return f"its number {one.number} was delivered before with other content; nothing of it was taken"
    return None


def _count(inbox: Inbox, content: bytes) -> int | None:
    """How many rows the file has; None where that cannot be told."""
    try:
        return len(cut(content, inbox.layout, max_rows=inbox.max_rows).rows)
    except ContractError:
        return None
