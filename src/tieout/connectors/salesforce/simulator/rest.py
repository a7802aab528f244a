"""The REST door of the simulated org: queries, rows, collections, composite, descriptions, deletions.

Every resource is answered by ``dispatch``, which both HTTP requests and the parts of a composite request go through.
Pages "Query", "sObject Rows", "sObject Rows by External ID", "sObject Describe", "sObject Get Deleted", "sObject
Collections", "Composite", "Limits". Neighbours: ``server`` carries it, ``rows`` writes, ``soql`` answers questions.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from tieout.connectors.salesforce.simulator import composite, soql
from tieout.connectors.salesforce.simulator.errors import Json, RefusedError, not_found
from tieout.connectors.salesforce.simulator.reply import Call, Reply
from tieout.connectors.salesforce.simulator.rows import RowWriter, SeveralMatchError
from tieout.connectors.salesforce.simulator.schema import OBJECTS, TEXT_LENGTH, Field
from tieout.connectors.salesforce.simulator.store import Store, shown_instant

DATA_PATH: Final = "/services/data/v60.0"
MOST_RECORDS: Final = 200
DELETIONS_KEPT: Final = timedelta(days=15)
_BATCH_SIZE: Final = re.compile(r"batchSize=(\d+)", re.IGNORECASE)


class _RolledBackError(Exception):
    """A part failed where all were to be done or none."""

    def __init__(self, place: int, refused: RefusedError) -> None:
        super().__init__()
        self.place = place
        self.refused = refused


class RestApi:
    """The resources of one org."""

    def __init__(self, store: Store, writer: RowWriter, *, usage: Callable[[], tuple[int, int]]) -> None:
        self._store = store
        self._writer = writer
        self._usage = usage
        self._questions = soql.Questions(store, DATA_PATH)

    def dispatch(self, call: Call) -> Reply:
        """Answer a request; raises RefusedError."""
        parts = [unquote(one) for one in call.path.strip("/").split("/")]
        match call.method, parts:
            case "GET", ["limits"]:
                return self._limits()
            case "GET", ["query" | "queryAll" as resource]:
                return self._query(call, with_deleted=resource == "queryAll")
            case "GET", ["query", locator]:
                return Reply(body=soql.page(self._questions.more(locator, batch=call.batch), DATA_PATH))
            case "POST", ["composite"]:
                return composite.answer(_fields(call.body), self._part, self._store.state)
            case _, ["composite", "sobjects", *rest]:
                return self._collection(call, rest)
            case _, ["sobjects", *rest]:
                return self._sobjects(call, rest)
        raise not_found()

    def _query(self, call: Call, *, with_deleted: bool) -> Reply:
        question = call.parameters.get("q", "")
        answer = self._questions.ask(question, with_deleted=with_deleted, batch=call.batch)
        return Reply(body=soql.page(answer, DATA_PATH))

    def _limits(self) -> Reply:
        used, allowed = self._usage()
        return Reply(body={"DailyApiRequests": {"Max": allowed, "Remaining": max(0, allowed - used)}})

    def _sobjects(self, call: Call, rest: Sequence[str]) -> Reply:
        match call.method, rest:
            case "GET", []:
                return Reply(body={"encoding": "UTF-8", "sobjects": [{"name": one} for one in OBJECTS]})
            case "POST", [name]:
                key = self._writer.create(name, _fields(call.body))
                return _created(name, key, with_flag=False)
            case "GET", [name, "describe"]:
                return self._describe(name)
            case "GET", [name, "deleted"]:
                return self._deleted(call, name)
            case _, [name, key]:
                return self._row(call, name, key)
            case _, [name, field, value]:
                return self._row_by_external_id(call, name, field, value)
        raise not_found()

    def _row(self, call: Call, name: str, key: str) -> Reply:
        match call.method:
            case "GET":
                schema = self._writer.schema(name)
                names = call.parameters.get("fields", ",".join(schema.fields)).split(",")
                return Reply(body=self._questions.shown(schema, self._writer.living(schema, key), names))
            case "PATCH":
                self._writer.update(name, key, _fields(call.body))
                return Reply(status=204)
            case "DELETE":
                self._writer.delete(name, key)
                return Reply(status=204)
        raise RefusedError("METHOD_NOT_ALLOWED", f"HTTP Method '{call.method}' not allowed.", status=405)

    def _row_by_external_id(self, call: Call, name: str, field: str, value: str) -> Reply:
        if call.method == "GET":
            schema = self._writer.schema(name)
            found = self._writer.by_external_id(schema, field, value)
            if not found:
                raise not_found()
            return Reply(body=self._questions.shown(schema, found[0], list(schema.fields)))
        if call.method != "PATCH":
            raise RefusedError("METHOD_NOT_ALLOWED", f"HTTP Method '{call.method}' not allowed.", status=405)
        try:
            key, made = self._writer.upsert(name, field, value, _fields(call.body))
        except SeveralMatchError as several:
            return Reply(status=300, body=[f"{DATA_PATH}/sobjects/{name}/{one}" for one in several.ids])
        if made:
            return _created(name, key, with_flag=True)
        return Reply(body={"id": key, "success": True, "errors": [], "created": False})

    def _describe(self, name: str) -> Reply:
        schema = self._writer.schema(name)
        fields = [_described(one, writable=schema.writable) for one in schema.fields.values()]
        body = {"name": schema.name, "keyPrefix": schema.prefix, "createable": schema.writable, "fields": fields}
        return Reply(body=body)

    def _deleted(self, call: Call, name: str) -> Reply:
        schema = self._writer.schema(name)
        now = self._store.now()
        starts, ends = _instant(call, "start"), _instant(call, "end")
        if starts < now - DELETIONS_KEPT.total_seconds():
            raise RefusedError("INVALID_REPLICATION_DATE", "startDate before org replication enabled date or too old")
        if ends - starts < 60:  # noqa: PLR2004 - the seconds of both are left out of account
            raise RefusedError("INVALID_REPLICATION_DATE", "endDate must be at least one minute after startDate")
        ends = min(ends, now)
        deleted = self._store.deletions(schema.name, starts=starts, ends=ends)
        known_from = max(starts, now - int(DELETIONS_KEPT.total_seconds()))
        return Reply(
            body={
                "deletedRecords": [{"id": key, "deletedDate": shown_instant(at)} for key, at in deleted],
                "earliestDateAvailable": shown_instant(self._store.state.get("deletions_known_from", known_from)),
                "latestDateCovered": shown_instant(ends),
            }
        )

    def _collection(self, call: Call, rest: Sequence[str]) -> Reply:
        order = _fields(call.body)
        records, all_or_none = order.get("records"), order.get("allOrNone") is True
        if not isinstance(records, list) or not records:
            raise RefusedError("JSON_PARSER_ERROR", "The records property is missing or empty.")
        if len(records) > MOST_RECORDS:
            raise RefusedError("EXCEEDED_ID_LIMIT", f"record limit reached. cannot submit more than {MOST_RECORDS}")
        save = self._saver(call.method, rest, [_fields(one) for one in records])
        places = range(len(records))
        try:
            with self._store.state.transaction():
                results = [_saved(save, one, spoilt=call.spoilt, all_or_none=all_or_none) for one in places]
        except _RolledBackError as failed:
            others = RefusedError(
                "ALL_OR_NONE_OPERATION_ROLLED_BACK", "Record rolled back because not all records were valid"
            )
            results = [(failed.refused if one == failed.place else others).item() for one in places]
        return Reply(body=results)

    def _saver(self, method: str, rest: Sequence[str], records: Sequence[dict[str, Json]]) -> Callable[[int], Json]:
        """How one record of a collection is saved, by its place; raises RefusedError where there is no such way."""
        match method, rest:
            case "PATCH", [name, field]:
                return partial(self._upsert_item, name, field, records)
            case "PATCH", []:
                return partial(self._update_item, records)
            case "POST", []:
                return partial(self._create_item, records)
        raise not_found()

    def _upsert_item(self, name: str, field: str, records: Sequence[dict[str, Json]], place: int) -> Json:
        value = records[place].get(field)
        if sum(one.get(field) == value for one in records) > 1:
            raise RefusedError("DUPLICATE_EXTERNAL_ID", f"Duplicate external id specified: {value}")
        body = {key: one for key, one in records[place].items() if key != field}
        try:
            key, made = self._writer.upsert(name, field, str(value), body)
        except SeveralMatchError as several:
            words = f"{field}: more than one record found for external id field: {several.ids}"
            raise RefusedError("DUPLICATE_EXTERNAL_ID", words, fields=[field]) from several
        return {"id": key, "success": True, "errors": [], "created": made}

    def _update_item(self, records: Sequence[dict[str, Json]], place: int) -> Json:
        body = {name: value for name, value in records[place].items() if name.lower() != "id"}
        key = str(next((value for name, value in records[place].items() if name.lower() == "id"), ""))
        self._writer.update(_type_of(records[place]), key, body)
        return {"id": key, "success": True, "errors": []}

    def _create_item(self, records: Sequence[dict[str, Json]], place: int) -> Json:
        key = self._writer.create(_type_of(records[place]), records[place])
        return {"id": key, "success": True, "errors": []}

    def _part(self, method: str, url: str, body: object, headers: Mapping[str, str]) -> Reply:
        """One part of a composite request; a refusal is the part's answer."""
        try:
            return self.dispatch(call_of(method, url, body, headers))
        except RefusedError as refused:
            return Reply(status=refused.status, body=refused.body())


def _saved(save: Callable[[int], Json], place: int, *, spoilt: bool, all_or_none: bool) -> Json:
    """What became of one record of several; raises where it fails and none is to be done then."""
    refused = RefusedError("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record")
    if not spoilt or place % 2 == 0:
        try:
            return save(place)
        except RefusedError as error:
            refused = error
    if all_or_none:
        raise _RolledBackError(place, refused)
    return refused.item()


def call_of(method: str, url: str, body: object, headers: Mapping[str, str], *, spoilt: bool = False) -> Call:
    """A request by its address; raises RefusedError where that is none of this version."""
    split = urlsplit(url)
    if split.path != DATA_PATH and not split.path.startswith(DATA_PATH + "/"):
        raise not_found()
    return Call(
        method=method,
        path=split.path.removeprefix(DATA_PATH),
        parameters=dict(parse_qsl(split.query, keep_blank_values=True)),
        body=body,
        batch=_batch_size(headers),
        spoilt=spoilt,
    )


def _batch_size(headers: Mapping[str, str]) -> int:
    told = _BATCH_SIZE.search(headers.get("Sforce-Query-Options", ""))
    if told is None:
        return soql.LARGEST_BATCH
    return min(max(int(told[1]), soql.SMALLEST_BATCH), soql.LARGEST_BATCH)


def _created(name: str, key: str, *, with_flag: bool) -> Reply:
    body: dict[str, Json] = {"id": key, "success": True, "errors": []}
    if with_flag:
        body["created"] = True
    return Reply(status=201, body=body, headers={"Location": f"{DATA_PATH}/sobjects/{name}/{key}"})


def _fields(body: object) -> dict[str, Json]:
    if not isinstance(body, dict):
        raise RefusedError("JSON_PARSER_ERROR", "The HTTP entity body is required, and must be an object.")
    return body


def _type_of(record: Mapping[str, Json]) -> str:
    attributes = record.get("attributes")
    name = attributes.get("type") if isinstance(attributes, dict) else None
    if not isinstance(name, str):
        raise RefusedError("INVALID_INPUT", "Records must have an attributes map with a type.")
    return name


def _instant(call: Call, name: str) -> int:
    try:
        found = datetime.fromisoformat(call.parameters[name])
    except (KeyError, ValueError) as error:
        raise RefusedError("INVALID_REPLICATION_DATE", f"{name} is missing or is no dateTime") from error
    if found.tzinfo is None:
        raise RefusedError("INVALID_REPLICATION_DATE", f"{name} names no time zone")
    return int(found.timestamp())


def _described(field: Field, *, writable: bool) -> Json:
    return {
        "name": field.name,
        "label": field.name.removesuffix("__c").replace("_", " "),
        "type": field.type,
        "length": TEXT_LENGTH if field.type == "string" else 0,
        "nillable": not field.required,
        "createable": writable and not field.read_only,
        "updateable": writable and not field.read_only,
        "externalId": field.external_id,
        "unique": field.external_id,
        "custom": field.name.endswith("__c"),
        "referenceTo": [] if field.to is None else [field.to],
        "relationshipName": field.relation,
        "picklistValues": [],
    }
