"""Reads a REST system: pages of raw answers for every object of its definition, from a stored cursor on.

Neighbours: ``client`` makes the requests, ``paging`` decides where a walk goes on, ``mapping`` says what the pages
mean. Holds nothing between two reads but the open client.
"""

from collections.abc import AsyncIterator

import msgspec

from tieout.connect.http import HttpAnswer
from tieout.connect.json_codec import decode_strict
from tieout.connect.repeats import MOST_REMEMBERED, Repeats, digest
from tieout.connect.source import Page
from tieout.connectors.http.client import RestClient
from tieout.connectors.http.definition import Definition, ReadPart
from tieout.connectors.http.mapping import key_of, listed
from tieout.connectors.http.paging import (
    Cursor,
    advance,
    finish,
    next_place,
    place_params,
    read_cursor,
    since_text,
    start,
    with_newest,
)
from tieout.errors import ContractError
from tieout.model.clock import Clock


class RestSource:
    """The Source over one account."""

    def __init__(self, client: RestClient, clock: Clock, definition: Definition) -> None:
        self._client = client
        self._clock = clock
        self._definition = definition

    async def read(self, object_name: str, cursor: str | None) -> AsyncIterator[Page]:
        """Pages of ``object_name``; answers are held back while they are byte for byte as in the last walk."""
        part = self._definition.read_part(object_name)
        if part is None:
            raise ContractError(
                code="TIE-REST-001", message=f"{self._definition.title} describes no object {object_name!r}."
            )
        stored = read_cursor(cursor)
        repeats = Repeats(stored.seen, resumed=stored.walking)
        at = start(stored, part.paging)
        answer, at = await self._first(part, stored, at)
        before: tuple[int | None, list[tuple[str, int | None]]] | None = None
        while True:
            try:
                document = decode_strict(answer.body)
                rows = listed(document, part.items, part.object)
            except ContractError:
                yield Page(object=part.object, payload=answer.body, item_count=None, next_cursor=at.text())
                return
            keys = [key_of(row, part) for row in rows]
            if (at.since, keys) == before and len(rows) >= part.paging.size:
                raise _stands_still(part)
            before = (at.since, keys)
            moved_place = next_place(part.paging, at.place, answer, document, len(rows))
            known = with_newest(at, [version for _, version in keys])
            walked = msgspec.structs.replace(known, walked=(*known.walked, digest(answer.body))[-MOST_REMEMBERED:])
            moved = advance(walked, part, keys, moved_place)
            following = moved or finish(walked, part, now=self._clock.now())
            if repeats.is_news(answer.body, len(rows)):
                yield Page(object=part.object, payload=answer.body, item_count=len(rows), next_cursor=following.text())
            if moved is None:
                return
            at = moved
            answer = await self._ask(part, at)

    async def aclose(self) -> None:
        """Close the client."""
        await self._client.aclose()

    async def _first(self, part: ReadPart, stored: Cursor, at: Cursor) -> tuple[HttpAnswer, Cursor]:
        """The first answer of a walk; one that was to be resumed by a token that is no longer known starts again."""
        try:
            return await self._ask(part, at), at
        except ContractError:
            if not (stored.walking and at.place.token):
                raise
        fresh = start(msgspec.structs.replace(stored, walking=False), part.paging)
        return await self._ask(part, fresh), fresh

    async def _ask(self, part: ReadPart, cursor: Cursor) -> HttpAnswer:
        if part.paging.kind == "link" and cursor.place.token:
            return await self._client.follow(cursor.place.token, after=part.path)
        params = {**part.params, **place_params(part.paging, cursor.place)}
        if part.changed is not None and cursor.since is not None:
            params[part.changed.param] = since_text(part.changed, cursor.since)
        return await self._client.get(part.path, params)


def _stands_still(part: ReadPart) -> ContractError:
    return ContractError(
        code="TIE-REST-001",
        message=f"Two pages of {part.object} have the same items: the system does not know the parameter "
        f"{part.paging.param!r}, and reading would never end.",
    )
