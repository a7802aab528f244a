"""Reading masters from NetSuite, and its ledger on a path that the sink does not use.

Neighbours: ``queries`` holds the SuiteQL, ``client`` asks it, ``mapping`` translates. A page is given out as it came;
pages that are byte for byte those of the last walk are held back until there is news (``connect.repeats``), so that
polling a quiet account stores nothing.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import date
from typing import Final

import msgspec

from tieout.connect.connector import Connection
from tieout.connect.repeats import Repeats, digest
from tieout.connect.sink import LedgerPosting
from tieout.connect.source import Page
from tieout.connectors.netsuite import queries
from tieout.connectors.netsuite.client import NetSuiteClient, keys_after, page_of
from tieout.connectors.netsuite.directory import Directory
from tieout.connectors.netsuite.manifest import CHANGE_OVERLAP_S
from tieout.connectors.netsuite.mapping import postings_of
from tieout.connectors.netsuite.options import options_of
from tieout.connectors.netsuite.queries import KeysetQuery
from tieout.connectors.netsuite.records import NetSuiteLedgerRow
from tieout.errors import ConfigurationError, ContractError
from tieout.model.identity import REFERENCE_PREFIX

_JOURNALS_AT_ONCE: Final = 100
"""Journals whose lines are read by one query; with 40 lines each that is four pages."""


class _Cursor(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``after`` are the keys of the last row of the walk, ``over`` that the walk has ended there.

    ``walked`` and ``before`` are digests of the pages of this walk and of the last one.
    """

    after: tuple[str, ...] = ()
    over: bool = False
    walked: tuple[str, ...] = ()
    before: tuple[str, ...] = ()

    def text(self) -> str:
        return msgspec.json.encode(self).decode()


def _read_cursor(text: str | None) -> _Cursor:
    if text is None:
        return _Cursor()
    try:
        return msgspec.json.decode(text, type=_Cursor)
    except msgspec.MsgspecError as error:
        raise ContractError(
            code="TIE-NETSUITE-001", message=f"The stored position {text[:80]!r} is not one of the NetSuite connector."
        ) from error


def _started(cursor: _Cursor, query: KeysetQuery) -> _Cursor:
    """The cursor at the start of a walk, or unchanged where a walk is under way."""
    if not cursor.over:
        return cursor
    after = (queries.earlier(cursor.after[0], CHANGE_OVERLAP_S), "0") if query.changes and cursor.after else ()
    return _Cursor(after=after, before=cursor.walked)


class NetSuiteSource:
    """Masters of one account: subsidiary, accountingperiod, currencyrate, customer, job."""

    def __init__(self, connection: Connection) -> None:
        options = options_of(connection)
        self._client = NetSuiteClient(connection, options)
        self._period_lock_record = options.period_lock_record

    async def read(self, object_name: str, cursor: str | None) -> AsyncIterator[Page]:
        """Pages of ``object_name``; see ``Source``. A page that cannot be read is given out once and ends the walk."""
        query = queries.master_query(object_name, period_lock_record=self._period_lock_record)
        if query is None:
            raise ConfigurationError(
                code="TIE-NETSUITE-001", message=f"The NetSuite connector does not read {object_name!r}."
            )
        stored = _read_cursor(cursor)
        at = _started(stored, query)
        repeats = Repeats(at.before, resumed=bool(stored.after) and not stored.over)
        more = True
        while more:
            payload = await self._client.query_page(query, at.after)
            try:
                page = page_of(payload)
                after = keys_after(page, query, at.after)
            except ContractError:
                yield Page(object=object_name, payload=payload, item_count=None, next_cursor=cursor or _Cursor().text())
                return
            more = page.has_more and bool(page.items)
            at = _Cursor(after=after, over=not more, walked=(*at.walked, digest(payload)), before=at.before)
            if repeats.is_news(payload, len(page.items)):
                yield Page(object=object_name, payload=payload, item_count=len(page.items), next_cursor=at.text())

    async def aclose(self) -> None:
        """Close the connection."""
        await self._client.aclose()


class NetSuiteLedgerReader:
    """Reads the ledger's own accounting lines by SuiteQL; the sink writes records by REST."""

    def __init__(self, connection: Connection) -> None:
        options = options_of(connection)
        self._system = connection.system
        self._client = NetSuiteClient(connection, options)
        self._directory = Directory(
            self._client, subsidiaries=options.subsidiaries, dimension_fields=options.dimension_fields
        )

    async def postings(self, *, entity: str, starts: date, ends: date) -> AsyncIterator[LedgerPosting]:
        """All journals with a reference of ours dated in [starts, ends), unapproved ones included."""
        subsidiary = await self._directory.subsidiary_of(entity)
        if subsidiary is None:
            raise ConfigurationError(
                code="TIE-NETSUITE-006",
                message=f"System {self._system} has no subsidiary for the legal entity {entity}.",
            )
        headers = queries.journal_headers(subsidiary=subsidiary, starts=starts, ends=ends, prefix=REFERENCE_PREFIX)
        ids = [row.id for row in await self._client.rows(headers, _Header)]
        for start in range(0, len(ids), _JOURNALS_AT_ONCE):
            for posting in await self._postings(ids[start : start + _JOURNALS_AT_ONCE], entity):
                yield posting

    async def _postings(self, ids: Sequence[str], entity: str) -> list[LedgerPosting]:
        lines = await self._client.rows(queries.ledger_lines(ids), NetSuiteLedgerRow)
        return postings_of(lines, entity=entity)

    async def aclose(self) -> None:
        """Close the connection."""
        await self._client.aclose()


class _Header(msgspec.Struct, frozen=True):
    id: str
