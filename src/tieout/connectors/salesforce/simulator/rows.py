"""Writing rows of the simulated org over its API: create, update, upsert by external id, delete, with its refusals.

Pages "sObject Rows", "sObject Rows by External ID". A stage decides whether a deal is closed and won, a status which
StatusCode a contract has. Neighbours: ``rest`` speaks HTTP, ``store`` keeps the rows.
"""

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Final

import msgspec

from tieout.connectors.salesforce.simulator.errors import Json, RefusedError, not_found
from tieout.connectors.salesforce.simulator.schema import TEXT_LENGTH, Field, ObjectSchema
from tieout.connectors.salesforce.simulator.store import Fields, Kept, Record, Store, full_id

_SEVERAL: Final = 300


class SeveralMatchError(Exception):
    """More than one row has the external id: 300, with where each of them is."""

    def __init__(self, ids: list[str]) -> None:
        super().__init__()
        self.ids = ids


class RowWriter:
    """Writes rows of one org; ``keeps_unique`` is its protection of unique external ids."""

    def __init__(self, store: Store, keeps_unique: Callable[[], bool]) -> None:
        self._store = store
        self._keeps_unique = keeps_unique

    def create(self, name: str, body: Mapping[str, Json]) -> str:
        """A new row; returns its id. Raises RefusedError."""
        schema = self.schema(name)
        fields = self._fields(schema, body)
        missing = [one.name for one in schema.fields.values() if one.required and fields.get(one.name) is None]
        if missing:
            words = f"Required fields are missing: [{', '.join(missing)}]"
            raise RefusedError("REQUIRED_FIELD_MISSING", words, fields=missing)
        self._check_unique(schema, fields, own=None)
        if schema.name == "Contract":
            number = self._store.state.bump("contract_number")
            fields = {"Status": "Draft", "ContractNumber": f"{number:08d}", **fields}
        return self._store.create(schema.name, self._completed(schema, {**_defaults(schema), **fields}))

    def update(self, name: str, key: str, body: Mapping[str, Json]) -> None:
        """Change a row; raises RefusedError."""
        schema = self.schema(name)
        held = self.living(schema, key)
        fields = self._fields(schema, body)
        emptied = [one.name for one in schema.fields.values() if one.required and fields.get(one.name, "-") is None]
        if emptied:
            words = f"Required fields are missing: [{', '.join(emptied)}]"
            raise RefusedError("REQUIRED_FIELD_MISSING", words, fields=emptied)
        self._check_unique(schema, fields, own=held.id)
        self._store.update(held.id, self._completed(schema, fields))

    def upsert(self, name: str, field: str, value: str, body: Mapping[str, Json]) -> tuple[str, bool]:
        """Change the row that has the external id, or make one; returns its id and whether it was made.

        Raises RefusedError or SeveralMatchError.
        """
        schema = self.schema(name)
        found = self.by_external_id(schema, field, value) if self._keeps_unique() else []
        named = schema.field(field)
        if named is not None and any(key.lower() == named.name.lower() for key in body):
            raise RefusedError("INVALID_FIELD", f"The {named.name} field should not be specified in the sobject data.")
        if len(found) > 1:
            raise SeveralMatchError([one.id for one in found])
        if found:
            self.update(schema.name, found[0].id, body)
            return found[0].id, False
        return self.create(schema.name, {**body, field: value}), True

    def delete(self, name: str, key: str) -> None:
        """Delete a row, and with it those that cannot be without it; raises RefusedError."""
        self.remove(self.living(self.schema(name), key))

    def remove(self, record: Record) -> None:
        """Delete a row with its dependents: the deals and contracts of an account, the lines of a deal."""
        dependents = {
            "Account": (("Opportunity", "AccountId"), ("Contract", "AccountId")),
            "Opportunity": (("OpportunityLineItem", "OpportunityId"),),
        }
        with self._store.state.transaction():
            for name, field in dependents.get(record.type, ()):
                for one in self._store.records(name):
                    if not one.deleted and one.fields.get(field) == record.id:
                        self.remove(one)
            self._store.delete(record.id)

    def by_external_id(self, schema: ObjectSchema, field: str, value: str) -> list[Record]:
        """The rows that have an external id; raises RefusedError where the field is none."""
        found = schema.field(field)
        if found is None or not found.external_id:
            raise not_found(f"Provided external ID field does not exist or is not accessible: {field}")
        return self._store.find(schema.name, found.name, value)

    def living(self, schema: ObjectSchema, key: str) -> Record:
        """A row that is there and not deleted; raises RefusedError."""
        found = self._store.get(full_id(key))
        if found is None or found.type != schema.name:
            raise not_found()
        if found.deleted:
            raise RefusedError("ENTITY_IS_DELETED", "entity is deleted", status=404)
        return found

    def schema(self, name: str) -> ObjectSchema:
        """An object that the org has; raises RefusedError."""
        found = self._store.schema(name)
        if found is None:
            raise not_found()
        return found

    def _fields(self, schema: ObjectSchema, body: Mapping[str, Json]) -> Fields:
        """The values of a body by the fields' right names; raises RefusedError."""
        fields: Fields = {}
        for name, value in body.items():
            if name == "attributes":
                continue
            related = schema.related(name)
            if related is not None and isinstance(value, dict):
                fields[related.name] = self._named(related, value)
                continue
            field = schema.field(name)
            if field is None:
                raise RefusedError(
                    "INVALID_FIELD", f"No such column '{name}' on sobject of type {schema.name}", fields=[name]
                )
            if field.read_only or not schema.writable:
                words = (
                    f"Unable to create/update fields: {field.name}. Please check the security settings of this field."
                )
                raise RefusedError("INVALID_FIELD_FOR_INSERT_UPDATE", words, fields=[field.name])
            fields[field.name] = self._value(field, value)
        return fields

    def _named(self, field: Field, value: Mapping[str, Json]) -> str:
        """The id of the row that a reference names by its external id (page "Create and Relate by External ID")."""
        (name, told), *_ = [*((one, told) for one, told in value.items() if one != "attributes"), ("", None)]
        found = self.by_external_id(self.schema(field.to or ""), name, str(told))
        if len(found) != 1:
            words = f"Foreign key external ID: {told} not found for field {name} in entity {field.to}"
            raise RefusedError("INVALID_FIELD", words, fields=[])
        return found[0].id

    def _value(self, field: Field, value: Json) -> Kept:
        if value is None or value == "":
            return None
        if field.type == "reference":
            return self._reference(field, value)
        if field.name == "CurrencyIsoCode" and value not in self._store.state.get("currencies", list[str]()):
            words = f"Currency ISO Code: bad value for restricted picklist field: {value}"
            raise RefusedError("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", words, fields=[field.name])
        return _plain_value(field, value)

    def _reference(self, field: Field, value: Json) -> str:
        key = full_id(value) if isinstance(value, str) else ""
        if not key.isalnum() or not key.isascii() or len(key) != 18:  # noqa: PLR2004 - the length of an id
            raise RefusedError(
                "MALFORMED_ID", f"{field.name}: id value of incorrect type: {value}", fields=[field.name]
            )
        target = self._store.get(key)
        if target is None or target.type != field.to:
            raise RefusedError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", fields=[field.name])
        return key

    def _check_unique(self, schema: ObjectSchema, fields: Fields, *, own: str | None) -> None:
        for field in schema.fields.values():
            value = fields.get(field.name)
            if not field.external_id or not isinstance(value, str) or not self._keeps_unique():
                continue
            others = [one.id for one in self._store.find(schema.name, field.name, value) if one.id != own]
            if others:
                words = f"duplicate value found: {field.name} duplicates value on record with id: {others[0]}"
                raise RefusedError("DUPLICATE_VALUE", words)

    def _completed(self, schema: ObjectSchema, fields: Fields) -> Fields:
        """What Salesforce derives: a deal's flags from its stage, a contract's code from its status."""
        stage, status = fields.get("StageName"), fields.get("Status")
        if schema.name == "Opportunity" and isinstance(stage, str):
            return {**fields, **self.meaning_of_stage(stage)}
        if schema.name == "Contract" and isinstance(status, str):
            return {**fields, "StatusCode": self.status_code(status)}
        return fields

    def meaning_of_stage(self, stage: str) -> Fields:
        """Whether a stage is closed and won; a stage that the org does not have is neither."""
        found = self._store.find("OpportunityStage", "ApiName", stage)
        meaning = found[0].fields if found else {}
        return {"IsClosed": bool(meaning.get("IsClosed")), "IsWon": bool(meaning.get("IsWon"))}

    def status_code(self, status: str) -> str | None:
        """The StatusCode of a contract's status, None for one that the org does not have."""
        found = self._store.find("ContractStatus", "ApiName", status)
        code = found[0].fields["StatusCode"] if found else None
        return code if isinstance(code, str) else None


def _defaults(schema: ObjectSchema) -> Fields:
    """Every field of a new row, empty."""
    return {name: None for name, one in schema.fields.items() if not one.read_only}


def _plain_value(field: Field, value: Json) -> Kept:
    """A value that is no reference; raises RefusedError where it is not of the field's type."""
    if isinstance(value, bool):
        if field.type == "boolean":
            return value
    elif isinstance(value, int | float):
        if field.is_number:
            return str(Decimal(str(value)))
    elif isinstance(value, str) and _takes_text(field, value):
        if len(value) > TEXT_LENGTH:
            words = f"{field.name}: data value too large: {value[:20]} (max length={TEXT_LENGTH})"
            raise RefusedError("STRING_TOO_LONG", words, fields=[field.name])
        return value
    raise RefusedError(
        "JSON_PARSER_ERROR",
        f"Cannot deserialize instance of {field.type} from {msgspec.json.encode(value).decode()[:40]}",
    )


def _takes_text(field: Field, value: str) -> bool:
    if field.type == "date":
        return _is_date(value)
    return field.type != "boolean" and not field.is_number


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
