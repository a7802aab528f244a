"""Reading masters from Tryton page by page, and its ledger on a path that the sink does not use.

A page is an answer as it came. Pages follow each other by id; a later walk takes what was changed since the latest
time stamp that was seen, less an overlap, because a change is stamped with the start of its transaction and seen
after its end. A walk that found exactly what the last one found gives out nothing. Neighbours: ``reported``
translates, ``client`` asks.
"""

import hashlib
import json
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final

import msgspec

from tieout.connect.connector import Connection
from tieout.connect.json_codec import JsonValue, decode_strict
from tieout.connect.sink import LedgerPosting
from tieout.connect.source import Page
from tieout.connectors.tryton.client import TrytonClient, result_of, rows_of
from tieout.connectors.tryton.directory import PERIOD_FIELDS, Directory
from tieout.connectors.tryton.manifest import (
    CHANGE_OVERLAP_S,
    COMPANY,
    EMPLOYEE,
    PAGE_SIZE,
    PARTY,
    PERIOD,
    PROJECT,
    RATE,
)
from tieout.connectors.tryton.mapping import to_posting
from tieout.connectors.tryton.options import Options, options_of
from tieout.connectors.tryton.records import (
    TrytonCode,
    TrytonLedgerRow,
    TrytonMoveHead,
    date_value,
    datetime_value,
)
from tieout.connectors.tryton.reported import split, version_of
from tieout.errors import ConfigurationError, ContractError
from tieout.model.identity import REFERENCE_PREFIX

_BY_ID: Final = [["id", "ASC"]]
_MOVES_AT_ONCE: Final = 200
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class _Object(msgspec.Struct, frozen=True, kw_only=True):
    """How one object is read; ``changes`` are the prefixes of the records whose time stamps tell of a change.

    ``inactive``: also what Tryton no longer shows: who has left has worked, and that a party is gone is news.
    """

    fields: Sequence[str]
    domain: Sequence[JsonValue] = ()
    changes: Sequence[str] = ()
    inactive: bool = False


def _objects(options: Options) -> dict[str, _Object]:
    return {
        COMPANY: _Object(
            fields=[
                *(f"party.{name}" for name in ("code", "name", "_timestamp")),
                *(f"party.addresses.{name}" for name in ("country.code", "_timestamp")),
                *("currency.code", "timezone", "_timestamp"),
            ]
        ),
        PERIOD: _Object(fields=PERIOD_FIELDS, domain=[["type", "=", "standard"]]),
        RATE: _Object(fields=["currency.code", "date", "rate", "_timestamp"], changes=[""]),
        PARTY: _Object(
            fields=["code", "name", "active", "_timestamp"],
            domain=[["categories.name", "=", options.customer_category]],
            changes=[""],
            inactive=True,
        ),
        PROJECT: _Object(
            fields=["name", "company", "party", "_timestamp"], domain=[["type", "=", "project"]], changes=[""]
        ),
        EMPLOYEE: _Object(
            fields=[
                *(f"party.{name}" for name in ("code", "name", "email", "_timestamp")),
                *("company", "start_date", "end_date", "_timestamp"),
            ],
            changes=["", "party."],
            inactive=True,
        ),
    }


class _Cursor(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a walk stands: ``after`` this id, among what changed from ``since`` on (microseconds).

    ``newest`` is the latest change seen, ``over`` that the walk has ended; ``walked`` and ``before`` are the digests of
    this walk's pages and of the last one's.
    """

    after: int = 0
    since: int = 0
    newest: int = 0
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
            code="TIE-TRYTON-002", message=f"The stored position {text[:80]!r} is not one of the Tryton connector."
        ) from error


def _started(cursor: _Cursor, what: _Object) -> _Cursor:
    """The cursor at the start of a walk, or unchanged where a walk is under way."""
    if not cursor.over:
        return cursor
    overlap = int(CHANGE_OVERLAP_S * 1_000_000)
    since = max(0, cursor.newest - overlap) if what.changes else 0
    return _Cursor(since=since, newest=cursor.newest, before=cursor.walked)


class TrytonSource:
    """Masters of one account; see the manifest for the objects."""

    def __init__(self, connection: Connection) -> None:
        self._options = options_of(connection)
        self._client = TrytonClient(connection, self._options)
        self._objects = _objects(self._options)
        self._base: str | None = None
        self._clock = connection.clock
        self._settled = _Settled()

    async def aclose(self) -> None:
        """Close the connection."""
        await self._client.aclose()

    async def read(self, object_name: str, cursor: str | None) -> AsyncIterator[Page]:
        """Pages of ``object_name``; see ``Source``. A page that cannot be read is given out once and ends the walk."""
        what = self._objects.get(object_name)
        if what is None:
            raise ConfigurationError(
                code="TIE-TRYTON-001", message=f"The Tryton connector does not read {object_name!r}."
            )
        begun_at = self._clock.now()
        at = _started(_read_cursor(cursor), what)
        if what.changes and cursor is not None and self._settled.is_so(object_name, cursor):
            at = msgspec.structs.replace(at, since=at.newest + 1)
        news = at.after > 0  # a walk that was cut had news; it must come to its end, or the next one never begins
        base = await self._rate_base() if object_name == RATE else None
        given = self._options.journal if object_name == PERIOD else base
        while not at.over:
            answer = await self._page(object_name, what, at, base)
            payload = answer if given is None else _beside(given, answer)
            try:
                rows = split(payload)[1]
                seen = _seen(rows, at)
            except ContractError:
                _expect_result(answer)
                yield Page(object=object_name, payload=payload, item_count=None, next_cursor=cursor or _Cursor().text())
                return
            place = len(at.walked)
            digest = hashlib.blake2b(_canonical(rows), digest_size=8).hexdigest()
            at = msgspec.structs.replace(seen, over=len(rows) < PAGE_SIZE, walked=(*at.walked, digest))
            # After the first news every page is given out: only the last one's cursor tells that the walk has ended.
            news = news or (at.before[place : place + 1] != (digest,) and bool(rows or not at.since))
            if news:
                yield Page(object=object_name, payload=payload, item_count=len(rows), next_cursor=at.text())

        if not news and cursor is not None:
            self._settled.quiet(object_name, cursor, begun_at)

    async def _page(self, object_name: str, what: _Object, at: _Cursor, base: str | None) -> bytes:
        domain: list[JsonValue] = [*what.domain, ["id", ">", at.after]]
        if base is not None:
            domain.append(["currency.code", "!=", base])
        if at.since:
            since = datetime_value(_EPOCH + timedelta(microseconds=at.since))
            stamps = (f"{prefix}{name}" for prefix in what.changes for name in ("create_date", "write_date"))
            domain.append(["OR", *([name, ">=", since] for name in stamps)])  # type: ignore[list-item] # JSON values
        return await self._client.ask_bytes(
            f"model.{object_name}.search_read",
            *(domain, 0, PAGE_SIZE, _BY_ID, list(what.fields)),
            inactive=what.inactive,
        )

    async def _rate_base(self) -> str | None:
        """The currency that rates are against: as set, or the only one that has rates, all of them one."""
        if self._base is None:
            self._base = self._options.rate_base
        if self._base is None:
            one: JsonValue = {"__class__": "Decimal", "decimal": "1"}
            alone = await self._currencies(["rate", "=", one], None)
            alone = {code for code in alone if not await self._currencies(["rate", "!=", one], code)}
            if len(alone) > 1:
                raise ConfigurationError(
                    code="TIE-TRYTON-001",
                    message=f"Which currency are Tryton's rates against: {', '.join(sorted(alone))}? "
                    "State it in the setting rate_base.",
                )
            self._base = next(iter(alone), None)
        return self._base

    async def _currencies(self, rate: JsonValue, code: str | None) -> set[str]:
        """The currencies with such a rate; where ``code`` is given, that one if it has any."""
        domain: list[JsonValue] = [rate] if code is None else [rate, ["currency.code", "=", code]]
        method = "model.currency.currency.rate.search_read"
        answer = await self._client.ask(method, domain, 0, None if code is None else 1, _BY_ID, ["currency.code"])
        return {row.currency.code for row in rows_of(answer, _RateOf)}


class _Settled:
    """Which objects need no overlap any more: a walk begun an overlap after the last news has found nothing new.

    Saves reading a mass change again and again; forgotten with the source, and then only the saving is lost.
    """

    def __init__(self) -> None:
        self._quiet_since: dict[str, tuple[str, datetime]] = {}
        self._settled: dict[str, str] = {}

    def is_so(self, object_name: str, cursor: str) -> bool:
        return self._settled.get(object_name) == cursor

    def quiet(self, object_name: str, cursor: str, begun_at: datetime) -> None:
        known = self._quiet_since.get(object_name)
        if known is None or known[0] != cursor:
            self._quiet_since[object_name] = (cursor, begun_at)
        elif begun_at - known[1] >= timedelta(seconds=CHANGE_OVERLAP_S):
            self._settled[object_name] = cursor


class _RateOf(msgspec.Struct, frozen=True, rename={"currency": "currency."}):
    id: int
    currency: TrytonCode


def _beside(given: str, answer: bytes) -> bytes:
    """A page beside what the translation needs to know; the answer itself stays as it came."""
    return b'{"given":' + msgspec.json.encode(given) + b',"answer":' + answer + b"}"


def _expect_result(answer: bytes) -> None:
    """Raise for what is no answer to a search at all: a page of HTML, an error; a spoiled answer is let through."""
    if answer.lstrip()[:1] not in {b"{", b"["}:
        raise ContractError(code="TIE-TRYTON-002", message=f"Tryton answered with something else: {answer[:80]!r}")
    try:
        decode_strict(answer)
    except ContractError:
        return
    result_of(answer)


def _seen(rows: list[JsonValue], at: _Cursor) -> _Cursor:
    after, newest = at.after, at.newest
    for row in rows:
        match row:
            case {"id": int(key), "_timestamp": str(stamp)}:
                after, newest = max(after, key), max(newest, _microseconds(stamp))
            case _:
                raise ContractError(code="TIE-TRYTON-002", message="A record without id or time stamp.")
        match row:
            case {"party.": {"_timestamp": str(stamp)}}:
                newest = max(newest, _microseconds(stamp))
    return msgspec.structs.replace(at, after=after, newest=newest)


def _microseconds(stamp: str) -> int:
    try:
        return version_of(stamp)
    except ArithmeticError as error:
        raise ContractError(code="TIE-TRYTON-002", message=f"{stamp[:40]!r} is no time stamp.") from error


def _canonical(rows: list[JsonValue]) -> bytes:
    """The rows in one spelling: Tryton gives the members of a record in any order."""
    return json.dumps(rows, sort_keys=True, default=_number).encode()


def _number(value: object) -> str:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(type(value).__name__)


class TrytonLedgerReader:
    """Reads the general ledger's lines, whatever their journal; the sink reads moves by their description."""

    def __init__(self, connection: Connection) -> None:
        options = options_of(connection)
        self._system = connection.system
        self._client = TrytonClient(connection, options)
        self._directory = Directory(self._client, options)

    async def aclose(self) -> None:
        """Close the connection."""
        await self._client.aclose()

    async def postings(self, *, entity: str, starts: date, ends: date) -> AsyncIterator[LedgerPosting]:
        """All moves with a reference of ours dated in [starts, ends), drafts included."""
        company = await self._directory.company_of(entity)
        if company is None:
            raise ConfigurationError(
                code="TIE-TRYTON-001",
                message=f"System {self._system} shows no company whose party has the code {entity}.",
            )
        after = 0
        while True:
            domain = [
                ["company", "=", company.id],
                ["date", ">=", date_value(starts)],
                ["date", "<", date_value(ends)],
                ["description", "like", f"{REFERENCE_PREFIX}%"],
                ["id", ">", after],
            ]
            fields = ["description", "state", "date", "period.name"]
            answer = await self._client.ask(
                "model.account.move.search_read", domain, 0, _MOVES_AT_ONCE, _BY_ID, fields, company=company.id
            )
            heads = rows_of(answer, TrytonMoveHead)
            lines = await self._lines([head.id for head in heads], company.id)
            for head in heads:
                yield to_posting(head, lines.get(head.id, []), entity=entity, currency=company.currency)
            if len(heads) < _MOVES_AT_ONCE:
                return
            after = heads[-1].id

    async def _lines(self, moves: list[int], company: int) -> dict[int, list[TrytonLedgerRow]]:
        if not moves:
            return {}
        fields = ["move", "account.code", "debit", "credit", "second_currency.code", "amount_second_currency"]
        domain = [["move", "in", moves]]
        answer = await self._client.ask(
            "model.account.move.line.search_read", domain, 0, None, _BY_ID, fields, company=company
        )
        found: dict[int, list[TrytonLedgerRow]] = {}
        for row in rows_of(answer, TrytonLedgerRow):
            found.setdefault(row.move, []).append(row)
        return found
