"""Answers queries over the rows of the simulated org: conditions, order, and rows as Salesforce shows them.

Pages "Query" and "QueryAll": an answer holds a batch of rows and, where there are more, the address of the next one,
which gives the rows that were found when the question was asked, as they are now. Neighbours: ``soql_grammar`` reads
queries, ``rest`` answers with these.
"""

import fnmatch
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final, TypeAlias

import msgspec

from tieout.connectors.salesforce.simulator.errors import Json, RefusedError
from tieout.connectors.salesforce.simulator.schema import Field, ObjectSchema
from tieout.connectors.salesforce.simulator.soql_grammar import (
    Comparison,
    Condition,
    Junction,
    Literal,
    Negation,
    Query,
    parse,
)
from tieout.connectors.salesforce.simulator.store import Kept, Record, Store, full_id, record_id, shown_instant

Value: TypeAlias = str | bool | int | Decimal | None
Shown: TypeAlias = dict[str, object]

LARGEST_BATCH: Final = 2000
SMALLEST_BATCH: Final = 200
_TEXTS: Final = frozenset({"string", "picklist", "multipicklist", "url", "textarea", "email"})
_KIND_OF_TYPE: Final = {"datetime": "datetime", "date": "date", "boolean": "word"}
_ORDERS: Final[dict[str, Callable[[int], bool]]] = {
    "<": lambda order: order < 0,
    "<=": lambda order: order <= 0,
    ">": lambda order: order > 0,
    ">=": lambda order: order >= 0,
}
"""What an operator says of how two values stand to each other: below, at or above zero."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One batch of an answer; ``next_locator`` leads to the next one."""

    total: int
    rows: list[Shown]
    next_locator: str | None


class Questions:
    """Asks the rows of one org; ``data_path`` begins the addresses that rows show."""

    def __init__(self, store: Store, data_path: str) -> None:
        self._store = store
        self._data_path = data_path

    def ask(self, text: str, *, with_deleted: bool, batch: int) -> Answer:
        """The first batch of an answer; raises RefusedError."""
        query = parse(text)
        schema = self._schema(query.object)
        keys = [one.id for one in self._matching(query, schema, with_deleted=with_deleted)]
        if not query.fields:
            return Answer(total=len(keys), rows=[], next_locator=None)
        return self._batch(query, schema, keys, locator=None, start=0, size=batch, text=text)

    def more(self, locator: str, *, batch: int) -> Answer:
        """A further batch; raises RefusedError where nothing is kept under the locator."""
        key, _, start = locator.rpartition("-")
        kept = self._store.state.row("select question, ids from query_locator where id = ?", (key,))
        if kept is None or not start.isdecimal():
            raise RefusedError("INVALID_QUERY_LOCATOR", "invalid query locator")
        query = parse(str(kept["question"]))
        keys = msgspec.json.decode(bytes(kept["ids"]), type=list[str])
        schema = self._schema(query.object)
        return self._batch(query, schema, keys, locator=key, start=int(start), size=batch, text=str(kept["question"]))

    def shown(self, schema: ObjectSchema, record: Record, names: Sequence[str]) -> Shown:
        """One row with the fields asked for; raises RefusedError for a field that is not there."""
        row: Shown = {
            "attributes": {"type": schema.name, "url": f"{self._data_path}/sobjects/{schema.name}/{record.id}"}
        }
        for name in names:
            self._show(row, schema, record, name)
        return row

    def _show(self, row: Shown, schema: ObjectSchema, record: Record, path: str) -> None:
        name, _, rest = path.partition(".")
        if not rest:
            field = _field(schema, name)
            row[field.name] = _shown(record.value(field.name), field)
            return
        relation, target, related = self._follow(schema, record, name)
        if related is None:
            row.setdefault(relation, None)
            return
        inner = row.setdefault(relation, self.shown(target, related, ()))
        if isinstance(inner, dict):
            self._show(inner, target, related, rest)

    def _follow(self, schema: ObjectSchema, record: Record, name: str) -> tuple[str, ObjectSchema, Record | None]:
        """The relation's right name, the object it leads to, and the row that it leads to."""
        field = schema.related(name)
        if field is None or field.to is None or field.relation is None:
            raise RefusedError(
                "INVALID_FIELD", f"Didn't understand relationship '{name}' in field path of {schema.name}."
            )
        target = self._schema(field.to)
        key = record.value(field.name)
        return field.relation, target, self._store.get(key) if isinstance(key, str) else None

    def _schema(self, name: str) -> ObjectSchema:
        found = self._store.schema(name)
        if found is None:
            raise RefusedError("INVALID_TYPE", f"sObject type '{name}' is not supported.")
        return found

    def _batch(  # noqa: PLR0913 - what was asked, and which part of the answer is wanted; all by name
        self,
        query: Query,
        schema: ObjectSchema,
        keys: Sequence[str],
        *,
        locator: str | None,
        start: int,
        size: int,
        text: str,
    ) -> Answer:
        held = (self._store.get(key) for key in keys[start : start + size])
        rows = [self.shown(schema, one, query.fields) for one in held if one is not None]
        following: str | None = None
        if start + size < len(keys):
            locator = locator or self._keep(text, keys)
            following = f"{locator}-{start + size}"
        return Answer(total=len(keys), rows=rows, next_locator=following)

    def _keep(self, text: str, keys: Sequence[str]) -> str:
        with self._store.state.transaction():
            locator = record_id("01g", self._store.state.bump("locators"))
            self._store.state.run(
                "insert into query_locator (id, question, ids) values (?, ?, ?)",
                (locator, text, msgspec.json.encode(list(keys))),
            )
        return locator

    def _matching(self, query: Query, schema: ObjectSchema, *, with_deleted: bool) -> list[Record]:
        for path in query.fields:
            self._check(schema, path)
        found = [
            one
            for one in self._store.records(schema.name)
            if (with_deleted or not one.deleted) and (query.where is None or self._holds(query.where, schema, one))
        ]
        for key in reversed(query.order):
            field = _field(schema, key.field)
            found.sort(key=lambda one, field=field: _sortable(_value(one, field)), reverse=key.descending)  # type: ignore[misc]
        found = found[query.offset :]
        return found if query.limit is None else found[: query.limit]

    def _check(self, schema: ObjectSchema, path: str) -> None:
        """Raise RefusedError for a field that is not there, even where no row has to show it."""
        name, _, rest = path.partition(".")
        if not rest:
            _field(schema, name)
            return
        related = schema.related(name)
        if related is None or related.to is None:
            raise RefusedError(
                "INVALID_FIELD", f"Didn't understand relationship '{name}' in field path of {schema.name}."
            )
        self._check(self._schema(related.to), rest)

    def _holds(self, condition: Condition, schema: ObjectSchema, record: Record) -> bool:
        match condition:
            case Junction(operator="and"):
                return all(self._holds(one, schema, record) for one in condition.parts)
            case Junction():
                return any(self._holds(one, schema, record) for one in condition.parts)
            case Negation():
                return not self._holds(condition.part, schema, record)
            case Comparison():
                field = _field(schema, condition.field)
                return _compares(condition, field, _value(record, field))


def _field(schema: ObjectSchema, name: str) -> Field:
    found = schema.field(name)
    if found is None:
        raise RefusedError(
            "INVALID_FIELD", f"No such column '{name}' on entity '{schema.name}'. Use the API name of the field."
        )
    return found


def _value(record: Record, field: Field) -> Value:
    value = record.value(field.name)
    if field.is_number and isinstance(value, str):
        return Decimal(value)
    return value


def _shown(value: Kept, field: Field) -> object:
    if field.type == "datetime" and isinstance(value, int):
        return shown_instant(value)
    if field.is_number and isinstance(value, str):
        number = Decimal(value)
        return (
            number if field.type == "int" or number != number.to_integral_value() else number.quantize(Decimal("0.1"))
        )
    return value


def _sortable(value: Value) -> tuple[int, Decimal, str]:
    """Nulls first, then by value: texts without regard to case, as an org in English does."""
    if value is None:
        return (0, Decimal(0), "")
    if isinstance(value, str):
        return (2, Decimal(0), value)
    return (1, Decimal(int(value) if isinstance(value, bool) else value), "")


def _compares(condition: Comparison, field: Field, held: Value) -> bool:
    wanted = [_literal(one, field) for one in condition.values]
    if isinstance(held, str) and field.type in _TEXTS:
        held = held.lower()
    match condition.operator:
        case "in" | "=":
            return held in wanted
        case "not in" | "!=":
            return held not in wanted
        case "like":
            pattern = str(wanted[0]).replace("%", "*").replace("_", "?")
            return isinstance(held, str) and fnmatch.fnmatchcase(held, pattern)
    left, right = _sortable(held), _sortable(wanted[0])
    return None not in {held, wanted[0]} and _ORDERS[condition.operator]((left > right) - (left < right))


def _literal(literal: Literal, field: Field) -> Value:
    """The value that a literal stands for; raises RefusedError where it is not of the field's type."""
    if literal.kind == "word" and literal.text == "null":
        return None
    kind = "number" if field.is_number else _KIND_OF_TYPE.get(field.type, "string")
    if literal.kind != kind:
        raise RefusedError(
            "INVALID_FIELD",
            f"value of filter criterion for field '{field.name}' must be of type {field.type}"
            f"{'' if kind == 'string' else ' and should not be enclosed in quotes'}",
        )
    match kind:
        case "word":
            return literal.text == "true"
        case "number":
            return Decimal(literal.text)
        case "datetime":
            return int(datetime.fromisoformat(literal.text).timestamp())
        case "date":
            return literal.text
    return literal.text.lower() if field.type in _TEXTS else full_id(literal.text)


def page(answer: Answer, data_path: str) -> Json:
    """An answer as the query resource gives it."""
    body: dict[str, Json] = {
        "totalSize": answer.total,
        "done": answer.next_locator is None,
        "records": answer.rows,  # type: ignore[dict-item]  # decimals are encoded as numbers
    }
    if answer.next_locator is not None:
        body["nextRecordsUrl"] = f"{data_path}/query/{answer.next_locator}"
    return body
