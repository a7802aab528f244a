"""Source and translator of the specimen."""

import json
from collections.abc import AsyncIterator, Sequence
from datetime import date, timedelta
from decimal import Decimal

import msgspec
from iso4217 import Currency
from tests.unit.connect.specimen.client import Client
from tests.unit.connect.specimen.manifest import OVERLAP_S, PAGE, Flaw

from tieout.connect.connector import Connection
from tieout.connect.json_codec import decode_strict, shape_strict
from tieout.connect.source import Page, Translated, Unreadable
from tieout.errors import ContractError
from tieout.model.reported import RecordType, ReportedRecord, ReportedState, ReportedTime


class Entry(msgspec.Struct):
    id: int
    changed_us: int
    deleted: bool
    person: str
    project: str
    task: str | None
    day: date
    minutes: int
    billable: bool
    notes: str
    status: str
    approver: str | None


class SpecimenSource:
    def __init__(self, connection: Connection, flaw: Flaw | None) -> None:
        self._client = Client(connection, flaw)
        self._flaw = flaw

    async def aclose(self) -> None:
        await self._client.aclose()

    async def read(self, object_name: str, cursor: str | None) -> AsyncIterator[Page]:
        if object_name != "entries":
            body = await self._client.read(f"/list/{object_name}")
            yield Page(object=object_name, payload=body, item_count=len(self._items(body)), next_cursor="")
            return
        after = _resume(cursor, 0.0 if self._flaw is Flaw.NO_OVERLAP else OVERLAP_S)
        if self._flaw is Flaw.SKIPS_ON_RESUME:
            after = (after[0] + 1, after[1])
        number = 0
        while True:
            after_id = 10**12 if self._flaw is Flaw.PAGES_BY_TIME else after[1]
            body = await self._client.read("/entries", after_us=str(after[0]), after_id=str(after_id), limit=str(PAGE))
            items = self._items(body)
            last = [item for item in items if isinstance(item, dict)][-1:]
            for item in last:
                after = (int(str(item["changed_us"])), int(str(item["id"])))
            full = len(items) == PAGE
            number += 1
            if not (self._flaw is Flaw.LOSES_A_PAGE and number == 2):
                state = f"{after[0]},{after[1]},{'more' if full else 'end'}"
                yield Page(object=object_name, payload=body, item_count=len(items), next_cursor=state)
            if not full:
                return

    def _items(self, body: bytes) -> list[object]:
        if self._flaw is Flaw.LAX_JSON:
            try:
                page = json.loads(body)
            except (ValueError, RecursionError) as error:
                raise ContractError(code="TIE-TEST-003", message="no JSON") from error
            page = page.get("page", page)
            return list(page.get("items", []))
        return _items(body)


def _items(body: bytes) -> list[object]:
    page = decode_strict(body)
    items = page.get("items") if isinstance(page, dict) else None
    if not isinstance(items, list):
        raise ContractError(code="TIE-TEST-003", message="the page has no items")
    return list(items)


def _resume(cursor: str | None, overlap_s: float) -> tuple[int, int]:
    if not cursor:
        return 0, 0
    us, last_id, state = cursor.split(",")
    return (int(us), int(last_id)) if state == "more" else (int(us) - int(overlap_s * 1_000_000), 0)


class SpecimenTranslator:
    def __init__(self, flaw: Flaw | None) -> None:
        self._flaw = flaw

    def translate(self, object_name: str, payload: bytes) -> Sequence[Translated]:
        if self._flaw is Flaw.LAX_JSON:
            page = json.loads(payload)
            items: list[object] = list(page.get("page", page)["items"])
        else:
            items = _items(payload)
        one = {
            "entries": self._entry,
            "client": self._client,
            "period": self._period,
            "cost": self._cost,
            "fx": self._fx,
        }[object_name]
        found = [one(item) for item in items if isinstance(item, dict)]
        return [item for item in found if item is not None]

    def _entry(self, item: dict[str, object]) -> Translated | None:
        if self._flaw is Flaw.DEFAULTS_MISSING:
            item = {"minutes": 0, "status": "draft"} | item
        try:
            entry = shape_strict(item, Entry)  # type: ignore[arg-type]
        except ContractError as error:
            return Unreadable(problem=error.message, source_id=str(item.get("id")))
        if entry.deleted and self._flaw is Flaw.IGNORES_DELETES:
            return None
        states = {"approved": ReportedState.APPROVED, "draft": ReportedState.DRAFT}
        state = states.get(entry.status, ReportedState.DRAFT if self._flaw is Flaw.DEFAULTS_ENUM else None)
        if state is None:
            return Unreadable(problem=f"status {entry.status!r} is not known", source_id=str(entry.id))
        shift = timedelta(days=1 if self._flaw is Flaw.SHIFTS_DAYS and entry.day.month != 8 else 0)
        return ReportedTime(
            source_id=str(entry.id),
            version=1 if self._flaw is Flaw.STATIC_VERSION else entry.changed_us,
            state=ReportedState.DELETED if entry.deleted else state,
            person=entry.person,
            project=entry.project,
            task=entry.task,
            work_date=entry.day - shift,
            hours=(Decimal(entry.minutes) / 60).quantize(Decimal("0.0001")),
            billable=entry.billable,
            narrative=entry.notes,
            approved_by=entry.approver,
        )

    def _client(self, item: dict[str, object]) -> Translated:
        return self._record(RecordType.CLIENT, item, code=item["code"], name=item["name"])

    def _cost(self, item: dict[str, object]) -> Translated:
        exponent = 2 if self._flaw is Flaw.TWO_DECIMALS else Currency(str(item["currency"])).exponent or 0
        price = Decimal(int(str(item["minor"]))).scaleb(-exponent)
        return self._record(RecordType.COST_RATE, item, price=str(price), currency=item["currency"])

    def _fx(self, item: dict[str, object]) -> Translated:
        return self._record(
            RecordType.FX_RATE, item, base=item["base"], quote=item["quote"], rate=item["rate"], rate_date=item["day"]
        )

    def _period(self, item: dict[str, object]) -> Translated:
        starts = date.fromisoformat(f"{item['month']}-01")
        ends = (starts + timedelta(days=32)).replace(day=1)
        return ReportedRecord(
            type=RecordType.PERIOD,
            source_id=f"{item['entity']}:{item['month']}",
            version=1,
            fields={
                "code": str(item["month"]),
                "starts": starts.isoformat(),
                "ends": ends.isoformat(),
                "state": "closed" if item["closed"] else "open",
            },
            references={"legal_entity": str(item["entity"])},
        )

    def _record(self, kind: RecordType, item: dict[str, object], **fields: object) -> Translated:
        if not all(isinstance(one, str) for one in fields.values()):
            return Unreadable(problem="a field is not text", source_id=str(item["id"]))
        values = {name: str(one) for name, one in fields.items()}
        return ReportedRecord(type=kind, source_id=str(item["id"]), version=1, fields=dict(values))
