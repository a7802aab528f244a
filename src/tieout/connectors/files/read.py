"""Reading files as they become whole, in the order of their numbers: the Source.

The position remembers the last number of each series, what came under it, and the digests of the files that lie there.
A file whose number follows on is taken; a gap makes the later files of its series wait. The same bytes once more have
no effect; other bytes under a known name or number are told and never taken. A number that is missing and a file that
stays unfinished are told as notices, at every read, until the number or the rest of the file is there. Neighbours:
``transport`` and ``sftp`` are where files lie, ``pages`` how one is kept, ``standing`` the position and the notices.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Sequence

import msgspec

from tieout.connect.source import Page
from tieout.connectors.files.definition import SEQUENCE, Definition, Inbox
from tieout.connectors.files.pages import FileFacts, page_of
from tieout.connectors.files.rows import cut, is_complete
from tieout.connectors.files.standing import Gap, Position, notices_of, position_of
from tieout.connectors.files.transport import PARTIAL, Entry, Exchange
from tieout.errors import ContractError
from tieout.model.clock import Clock


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
        """One page per file that is whole, and one without items where the position or what is to be told changed."""
        inbox = self._definition.inbox_of(object_name)
        if inbox is None:
            raise ContractError(
                code="TIE-FILES-001", message=f"{self._definition.title} describes no object {object_name!r}."
            )
        position = position_of(cursor)
        stored = position.encoded()
        listed = await self._exchange.entries(inbox.folder)
        present = {one.name for one in listed}
        position.forget_all_but(present)
        gaps: dict[str, Gap] = {}
        for one in _in_order(_named(inbox, listed)):
            if one.number is not None and self._waits(one, one.number, position, gaps):
                continue
            page = await self._page(inbox, one, position, present)
            if one.number is not None and one.entry.name in position.unfinished:
                gaps[one.series] = Gap(number=None, series=one.series)
            if page is not None:
                stored = page.next_cursor
                yield page
        notices = notices_of(inbox, position, gaps.values(), now_s=self._now_s())
        position.is_told = bool(notices)
        if notices or position.encoded() != stored:
            yield Page(object=inbox.object, payload=b"", item_count=0, next_cursor=position.encoded(), notices=notices)

    async def aclose(self) -> None:
        """Release the connection."""
        await self._exchange.aclose()

    def _now_s(self) -> int:
        return int(self._clock.now().timestamp())

    def _waits(self, one: _Named, number: int, position: Position, gaps: dict[str, Gap]) -> bool:
        """Whether a file of a series waits: what comes after a missing or unfinished one may not be taken before it."""
        gap = gaps.get(one.series)
        following = position.last.get(one.series, 0) + 1
        if gap is None and number <= following:
            return False
        if gap is None:
            gap = gaps.setdefault(one.series, Gap(number=following, series=one.series))
        gap.waiting.append(one.entry.name)
        return True

    async def _page(self, inbox: Inbox, one: _Named, position: Position, present: set[str]) -> Page | None:
        """The page of a file; None while it is not whole, and where it is known already."""
        name = one.entry.name
        content = await self._whole(inbox, one.entry, present)
        if content is None:
            position.unfinished.setdefault(name, self._now_s())
            return None
        position.unfinished.pop(name, None)
        digest = hashlib.sha256(content).hexdigest()
        known = position.known.get(name)
        if known == digest or _is_repeat(one, position, digest, known=known):
            return None
        problem = _problem(inbox, one, position, content, known=known)
        position.known[name] = digest
        if one.number is not None and problem is None:
            position.take(one.series, one.number, digest)
        facts = FileFacts(name=name, digest=digest, parts=one.parts, problem=problem)
        if problem is not None and len(content) > inbox.max_bytes:
            content = b""
        return Page(
            object=inbox.object,
            payload=page_of(facts, content),
            item_count=_count(inbox, content) if problem is None else None,
            next_cursor=position.encoded(),
        )

    async def _whole(self, inbox: Inbox, entry: Entry, present: set[str]) -> bytes | None:
        """The content of a file that is whole, by the sign that was agreed; None of one that is not."""
        if inbox.ready == "marker" and f"{entry.name}{inbox.marker}" not in present:
            return None
        if inbox.ready == "stable" and self._clock.now().timestamp() - entry.changed_s < inbox.stable_s:
            return None
        content = await self._exchange.read(inbox.folder, entry.name, max_bytes=inbox.max_bytes)
        if content is None or inbox.ready != "stable" or len(content) > inbox.max_bytes:
            return content
        return content if await self._is_unchanged(inbox, entry) and is_complete(content, inbox.layout) else None

    async def _is_unchanged(self, inbox: Inbox, entry: Entry) -> bool:
        """Whether the file is still as it was listed, now that it was read."""
        await asyncio.sleep(0)
        again = {one.name: one for one in await self._exchange.entries(inbox.folder)}
        return again.get(entry.name) == entry


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


def _is_repeat(one: _Named, position: Position, digest: str, *, known: str | None) -> bool:
    """Whether a file under a name that is new says what another one said: no effect, though its number counts."""
    if known is not None:
        return False
    last = position.last.get(one.series, 0)
    if one.number is not None and one.number <= last:
        is_repeat = position.taken_as(one.series, one.number) == digest
    elif one.number is not None:
        is_repeat = position.has_taken(one.series, digest)
    else:
        is_repeat = digest in position.known.values()
    if is_repeat:
        position.known[one.entry.name] = digest
        if one.number is not None and one.number > last:
            position.take(one.series, one.number, digest)
    return is_repeat


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
