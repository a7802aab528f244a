"""Reads Float: pages of raw answers for every object of the manifest, from a stored cursor on.

Neighbours: ``lists`` names what is asked for, ``client`` makes the requests, ``paging`` decides where a walk goes on,
``mapping`` says later what the pages mean. Holds nothing between two reads but the open client.
"""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Final

import msgspec

from tieout.connect.connector import Connection
from tieout.connect.source import Page
from tieout.connectors.float.client import FloatClient
from tieout.connectors.float.lists import LISTS, VendorList, answer_of
from tieout.connectors.float.manifest import MANIFEST, PAGE_SIZE, READ_LIMITS
from tieout.connectors.float.mapping import FloatTranslator
from tieout.connectors.float.options import Options
from tieout.connectors.float.paging import Cursor, Walk, advance, finish, read_cursor, start
from tieout.errors import ContractError
from tieout.model.clock import Clock

_NOTHING: Final = b"[]"


class FloatSource:
    """The Source over one account."""

    def __init__(self, connection: Connection, options: Options) -> None:
        self._client = FloatClient(connection, options, READ_LIMITS)
        self._options = options
        self._clock: Clock = connection.clock
        self._translator = FloatTranslator()

    async def read(self, object_name: str, cursor: str | None) -> AsyncIterator[Page]:
        """Pages of ``object_name``; an answer that is byte for byte as in the last walk is held back."""
        if object_name not in LISTS:
            raise ContractError(
                code="TIE-FLOAT-001", message=f"Float has no object {object_name!r} that the hub can read."
            )
        stored = read_cursor(cursor)
        capability = MANIFEST.read(object_name)
        overlap_s = capability.overlap_s if capability is not None else 0.0
        walk = start(stored, self._clock.now(), overlap=timedelta(seconds=overlap_s) if overlap_s else None)
        async for page in self._walk(object_name, stored, walk, by_change=overlap_s > 0):
            yield page

    async def aclose(self) -> None:
        """Close the client."""
        await self._client.aclose()

    async def _walk(self, object_name: str, stored: Cursor, walk: Walk, *, by_change: bool) -> AsyncIterator[Page]:
        lists = LISTS[object_name]
        seen = frozenset(stored.seen if walk.since is None else stored.changes)
        must_store = stored.walk is not None
        while True:
            vendor_list = lists[walk.part]
            listed = await self._client.page(vendor_list.path, self._parameters(vendor_list, walk))
            answer = answer_of(listed.body, listed.page_count, vendor_list)
            if answer is None:
                following = msgspec.structs.replace(stored, walk=walk)
                yield Page(object=object_name, payload=listed.body, item_count=None, next_cursor=following.text())
                return
            step = advance(walk, answer, parts=len(lists))
            following = finish(stored, step.walk) if step.is_last else msgspec.structs.replace(stored, walk=step.walk)
            is_news = step.is_kept and bool(answer.rows) and answer.digest not in seen
            if is_news:
                count = self._count(object_name, listed.body)
                yield Page(object=object_name, payload=listed.body, item_count=count, next_cursor=following.text())
            must_store = must_store or is_news
            if step.is_last:
                is_whole = by_change and walk.since is None and following.newest is not None
                if not is_news and (must_store or is_whole):
                    # Nothing new, but the position moved: a page without items moves it and stores nothing else.
                    yield Page(object=object_name, payload=_NOTHING, item_count=0, next_cursor=following.text())
                return
            walk = step.walk

    def _parameters(self, vendor_list: VendorList, walk: Walk) -> dict[str, str]:
        parameters = {**vendor_list.parameters, "page": str(max(walk.page, 1)), "per-page": str(PAGE_SIZE)}
        if vendor_list.ordered:
            parameters["sort"] = vendor_list.id
        if vendor_list.scheduled:
            parameters["start_date"] = self._options.first_day.isoformat()
            parameters["end_date"] = self._options.last_day.isoformat()
        if walk.since is not None:
            parameters["modified_since"] = walk.since
        return parameters

    def _count(self, object_name: str, payload: bytes) -> int | None:
        """How many items the translator finds in an answer; None where it refuses the answer."""
        try:
            return len(self._translator.translate(object_name, payload))
        except ContractError:
            return None
