"""Reads BambooHR: pages of its answers for every object of the manifest, from a stored cursor on.

Neighbours: ``client`` makes the requests, ``paging`` decides where a walk goes on, ``mapping`` says what the pages
mean. Holds nothing between two reads but the open client. Of people it asks ``records.EMPLOYEE_FIELDS`` and the two
fields that settings may add, and nothing else; what an answer has beyond, ``minimise`` cuts off.
"""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from tieout.connect.json_codec import JsonValue, decode_strict, shape_strict
from tieout.connect.source import Page
from tieout.connectors.bamboohr.client import BambooClient
from tieout.connectors.bamboohr.fields import rows_of
from tieout.connectors.bamboohr.manifest import CHANGE_OVERLAP_S, EMPLOYEES_PER_PAGE, HOLIDAYS_PER_PAGE
from tieout.connectors.bamboohr.mapping import BambooTranslator, newest_change
from tieout.connectors.bamboohr.minimise import Minimiser
from tieout.connectors.bamboohr.options import Options
from tieout.connectors.bamboohr.paging import (
    Cursor,
    ListedRow,
    Mode,
    Telling,
    advance,
    finish,
    instant_text,
    quarters,
    read_cursor,
    start,
    with_newest,
)
from tieout.connectors.bamboohr.records import EMPLOYEE_FIELDS, Id, Instant
from tieout.errors import ContractError
from tieout.model.clock import Clock

_OVERLAP: Final = timedelta(seconds=CHANGE_OVERLAP_S)
_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DEPARTMENT: Final = "jobInformationDepartment"
_CHANGES: Final[Mapping[str, tuple[str, Mapping[str, str]]]] = {
    "changed_employees": ("/v1/employees/changed", {"type": "deleted"}),
    "compensation": ("/v1/employees/changed/tables/compensation", {}),
}


class _EmployeeTime(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """All that paging needs of a row."""

    eeid: Id
    last_changed: Instant


class BambooSource:
    """The Source over one company."""

    def __init__(self, client: BambooClient, clock: Clock, options: Options) -> None:
        self._client = client
        self._clock = clock
        self._options = options
        self._translator = BambooTranslator(options)
        self._cut = Minimiser(options).cut

    async def read(self, object_name: str, cursor: str | None) -> AsyncIterator[Page]:
        """Pages of ``object_name``; answers are held back while they are byte for byte as in the last walk."""
        stored = read_cursor(cursor)
        telling = Telling(object_name, stored)
        at = start(stored)
        match object_name:
            case "departments":
                pages = self._departments(at, telling)
            case "employees":
                pages = self._employees(at, telling)
            case "time_off":
                pages = self._time_off(at, telling)
            case "holidays":
                pages = self._holidays(at, telling)
            case "changed_employees":
                pages = self._changes(object_name, at, telling)
            case "compensation" if self._options.reads_pay:
                pages = self._changes(object_name, at, telling)
            case _:
                raise ContractError(
                    code="TIE-BAMBOOHR-001",
                    message=f"{object_name!r} is nothing that these settings let the hub read from BambooHR.",
                )
        async for page in pages:
            yield page

    async def aclose(self) -> None:
        """Close the client."""
        await self._client.aclose()

    async def _employees(self, cursor: Cursor, telling: Telling) -> AsyncIterator[Page]:
        while True:
            question = self._employee_question(cursor)
            payload = self._cut("employees", await self._client.ask("/v2/datasets/employee/data", question))
            rows = _listed(payload)
            if rows is None:
                yield telling.unreadable(payload, cursor)
                return
            walked = telling.walked(with_newest(cursor, [one.changed_at for one in rows]), payload)
            moved = advance(walked, rows, page_size=EMPLOYEES_PER_PAGE)
            following = moved or finish(walked, now=self._clock.now(), overlap=_OVERLAP)
            page = telling.page(payload, len(rows), following)
            if page is not None:
                yield page
            if moved is None:
                return
            cursor = moved

    def _employee_question(self, cursor: Cursor) -> dict[str, str | int | list[str]]:
        added = [self._options.legal_entity_field, self._options.fte_field]
        question: dict[str, str | int | list[str]] = {
            "fields": list(dict.fromkeys([*EMPLOYEE_FIELDS, *(one for one in added if one is not None)])),
            "orderBy": "eeid asc" if cursor.mode is Mode.WITHIN else "lastChanged asc,eeid asc",
            "page": 1,
            "pageSize": EMPLOYEES_PER_PAGE,
        }
        if cursor.after is None:
            return question
        instant = instant_text(cursor.after)
        question["filter"] = {
            Mode.FROM: f"lastChanged ge '{instant}'",
            Mode.WITHIN: f"lastChanged eq '{instant}' and eeid gt {cursor.last_id}",
            Mode.BEYOND: f"lastChanged gt '{instant}'",
        }[cursor.mode]
        return question

    async def _departments(self, cursor: Cursor, telling: Telling) -> AsyncIterator[Page]:
        answer = await self._client.ask("/v1_2/datasets/employee/field-options", {"fields": [_DEPARTMENT]})
        payload = self._cut("departments", answer)
        async for page in self._only_page("departments", payload, cursor, telling):
            yield page

    async def _changes(self, object_name: str, cursor: Cursor, telling: Telling) -> AsyncIterator[Page]:
        path, parameters = _CHANGES[object_name]
        since = instant_text(cursor.settled or _BEGINNING)
        payload = self._cut(object_name, await self._client.get(path, {**parameters, "since": since}))
        known = with_newest(cursor, [newest_change(payload)])
        async for page in self._only_page(object_name, payload, known, telling):
            yield page

    async def _only_page(
        self, object_name: str, payload: bytes, cursor: Cursor, telling: Telling
    ) -> AsyncIterator[Page]:
        """The page of an object that comes in one answer."""
        count = self._count(object_name, payload)
        if count is None:
            yield telling.unreadable(payload, cursor)
            return
        following = finish(telling.walked(cursor, payload), now=self._clock.now(), overlap=_OVERLAP)
        page = telling.page(payload, count, following)
        if page is not None:
            yield page

    async def _time_off(self, cursor: Cursor, telling: Telling) -> AsyncIterator[Page]:
        last_day = self._clock.now().date() + timedelta(days=self._options.time_off_future_days)
        windows = quarters(self._options.time_off_from, last_day)
        left = [one for one in windows if cursor.window is None or one[0] >= cursor.window]
        for first, last in left:
            parameters = {"start": first.isoformat(), "end": last.isoformat()}
            payload = self._cut("time_off", await self._client.get("/v1/time_off/requests", parameters))
            count = self._count("time_off", payload)
            if count is None:
                yield telling.unreadable(payload, cursor)
                return
            cursor = telling.walked(cursor, payload)
            moved = msgspec.structs.replace(cursor, window=last + timedelta(days=1))
            following = finish(cursor, now=self._clock.now(), overlap=_OVERLAP) if last == windows[-1][1] else moved
            page = telling.page(payload, count, following)
            if page is not None:
                yield page
            cursor = moved

    async def _holidays(self, cursor: Cursor, telling: Telling) -> AsyncIterator[Page]:
        while True:
            parameters = {
                "orderBy": "startDate asc",
                "page": str(cursor.page),
                "pageSize": str(HOLIDAYS_PER_PAGE),
            }
            payload = self._cut("holidays", await self._client.get("/v1/holidays", parameters))
            count = self._count("holidays", payload)
            if count is None:
                yield telling.unreadable(payload, cursor)
                return
            cursor = telling.walked(cursor, payload)
            is_last = len(rows_of(decode_strict(payload))) < HOLIDAYS_PER_PAGE
            moved = msgspec.structs.replace(cursor, page=cursor.page + 1)
            following = finish(cursor, now=self._clock.now(), overlap=_OVERLAP) if is_last else moved
            page = telling.page(payload, count, following)
            if page is not None:
                yield page
            if is_last:
                return
            cursor = moved

    def _count(self, object_name: str, payload: bytes) -> int | None:
        """How many items the translator finds; None where it refuses the answer."""
        try:
            return len(self._translator.translate(object_name, payload))
        except ContractError:
            return None


def _listed(payload: bytes) -> list[ListedRow] | None:
    """Id and time of each employee of an answer, or None where it cannot be read at all."""
    try:
        rows = rows_of(decode_strict(payload))
    except ContractError:
        return None
    return [_listed_row(one) for one in rows]


def _listed_row(row: JsonValue) -> ListedRow:
    fields = row.get("fields") if isinstance(row, dict) else None
    try:
        found = shape_strict(fields, _EmployeeTime)
    except ContractError:
        return ListedRow(None, None)
    text = str(found.eeid)
    return ListedRow(int(text) if text.isdecimal() else None, found.last_changed.astimezone(UTC))
