"""What stored answers of Salesforce say in canonical words, and what our commands say in Salesforce's.

Pure. The meaning of a stage is what the org's own OpportunityStage says of it, that of a contract's status its
StatusCode; a stage or code that is not told makes its record Unreadable, as does every value that is not of its kind.
Neighbours: ``answers`` takes answers apart, ``fields`` reads values, ``read`` and ``write`` do the talking.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

import msgspec

from tieout.connect.json_codec import JsonValue
from tieout.connect.source import Translated, Unreadable
from tieout.connectors.salesforce import answers
from tieout.connectors.salesforce.fields import (
    ACCOUNT,
    CONTRACT,
    KINDS,
    LINE,
    OBJECTS,
    OPPORTUNITY,
    PROJECT_LINK,
    RATE_CARD_CODE,
    STAGE,
    Kind,
    Row,
    UnmappableError,
    checked_id,
    instant_of,
    is_id,
    micros,
    plain,
)
from tieout.connectors.salesforce.manifest import CHANGE_EVENTS, DELETED_SUFFIX
from tieout.connectors.salesforce.options import Options
from tieout.connectors.salesforce.outcome_codes import errors_of, words_of
from tieout.errors import ContractError, TieoutError
from tieout.model.command import LinkDeal, UpsertContract, UpsertCustomer
from tieout.model.money import exponent, from_minor, to_minor
from tieout.model.reported import FieldValue, RecordType, ReportedRecord

_TYPES: Final = {
    ACCOUNT: RecordType.CLIENT,
    OPPORTUNITY: RecordType.DEAL,
    LINE: RecordType.DEAL_LINE,
    CONTRACT: RecordType.CONTRACT,
}


class Stage:
    """What a stage of this org means."""

    def __init__(self, row: Row) -> None:
        self.name = row.name("ApiName")
        self.is_won = row.flag("IsWon")
        self.is_closed = row.flag("IsClosed")
        self.probability = row.number("DefaultProbability")


class SalesforceTranslator:
    """Translates every object that the manifest reads, with the settings of one system; stateless."""

    def __init__(self, options: Options) -> None:
        self._options = options

    def translate(self, object_name: str, payload: bytes) -> Sequence[Translated]:
        """One result per record in the order of the answer; raises ContractError where the answer cannot be read."""
        errors = errors_of(payload)
        if errors:
            raise answers.unreadable(f"it is a refusal: {words_of(errors)}")
        try:
            if object_name in {OPPORTUNITY, CHANGE_EVENTS}:
                return self._parts(payload)
            if object_name.endswith(DELETED_SUFFIX):
                return _deletions(object_name.removesuffix(DELETED_SUFFIX), payload)
            return self._rows(object_name, answers.rows_of(payload).rows, {})
        except ContractError:
            raise
        except TieoutError as error:
            raise answers.unreadable(error.message) from error

    def _parts(self, payload: bytes) -> list[Translated]:
        told = answers.rows_in_parts(payload, (), what="a composite question")
        stages = _stages(told[STAGE].rows) if STAGE in told else {}
        return [item for name, rows in told.items() if name != STAGE for item in self._rows(name, rows.rows, stages)]

    def _rows(self, name: str, rows: Sequence[JsonValue], stages: Mapping[str, Stage]) -> list[Translated]:
        if name not in OBJECTS:
            raise ContractError(code="TIE-SALESFORCE-001", message=f"Salesforce has no {name!r} that the hub can read.")
        return [self._translated(name, row, stages) for row in rows]

    def _translated(self, name: str, value: JsonValue, stages: Mapping[str, Stage]) -> Translated:
        try:
            return self._record(name, Row(_members(value)), stages)
        except UnmappableError as error:
            return _unreadable(name, value, error)

    def _record(self, name: str, row: Row, stages: Mapping[str, Stage]) -> ReportedRecord:
        key, version = row.key(), row.version()
        if row.flag("IsDeleted"):
            return ReportedRecord(type=_TYPES[name], source_id=key, version=version, fields={}, deleted=True)
        currency = self._currency(row)
        fields: dict[str, FieldValue] = {"currency": currency}
        references: dict[str, str] = {}
        for ours, path in self._options.fields[name].items():
            kind = KINDS[name][ours]
            if kind is Kind.KEY:
                told = row.text(path)
                references |= {} if told is None else {ours: told}
            elif kind is not Kind.WRITTEN:
                fields[ours] = _value(row, path, kind, currency)
        if name == OPPORTUNITY:
            fields |= _meaning_of_stage(row, stages, fields)
        elif name == CONTRACT:
            fields["status"] = self._contract_state(row)
        return ReportedRecord(type=_TYPES[name], source_id=key, version=version, fields=fields, references=references)

    def _currency(self, row: Row) -> str:
        currency = self._options.currency or row.name("CurrencyIsoCode")
        try:
            exponent(currency)
        except ContractError as error:
            raise UnmappableError(error.message.rstrip(".")) from error
        return currency

    def _contract_state(self, row: Row) -> str:
        told = row.name("StatusCode")
        if told not in self._options.contract_states:
            raise UnmappableError(f"the StatusCode {told!r} is not known (setting contract_states)")
        return self._options.contract_states[told]


def _value(row: Row, path: str, kind: Kind, currency: str) -> FieldValue:
    """The canonical value of one field."""
    if kind is Kind.AMOUNT:
        return _amount(row.number(path), path, currency)
    return _READERS[kind](row, path)


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _plain(number: Decimal | None) -> str | None:
    return None if number is None else plain(number)


def _amount(amount: Decimal | None, path: str, currency: str) -> str | None:
    """An amount of ``currency``, with as many decimals as that has."""
    if amount is None:
        return None
    try:
        return f"{from_minor(to_minor(amount, currency), currency):f}"
    except ContractError as error:
        raise UnmappableError(f"{path}: {error.message.rstrip('.')}") from error


def _whole(number: Decimal | None, path: str) -> int | None:
    if number is None:
        return None
    if number != number.to_integral_value():
        raise UnmappableError(f"{path} is {plain(number)}, which is no whole number")
    return int(number)


def _list(text: str | None) -> str | None:
    """Several values (a multi-select picklist has semicolons between them), with commas between."""
    if text is None:
        return None
    return ",".join(one.strip() for one in text.replace(";", ",").split(",") if one.strip()) or None


_READERS: Final[Mapping[Kind, Callable[[Row, str], FieldValue]]] = {
    Kind.NAME: lambda row, path: row.name(path),
    Kind.TEXT: lambda row, path: row.text(path),
    Kind.DAY: lambda row, path: _iso(row.day(path)),
    Kind.LAST_DAY: lambda row, path: _iso(row.day_after(path)),
    Kind.NUMBER: lambda row, path: _plain(row.number(path)),
    Kind.WHOLE: lambda row, path: _whole(row.number(path), path),
    Kind.LIST: lambda row, path: _list(row.text(path)),
}
"""How a value of each kind is read; amounts need their currency too."""


def _stages(rows: Sequence[JsonValue]) -> dict[str, Stage]:
    """What the org's stages mean, by their API names; raises ContractError where one of them cannot be read."""
    try:
        found = [Stage(Row(_members(row))) for row in rows]
    except UnmappableError as error:
        raise answers.unreadable(f"a stage: {error}") from error
    return {stage.name: stage for stage in found}


def _meaning_of_stage(row: Row, stages: Mapping[str, Stage], fields: Mapping[str, FieldValue]) -> dict[str, FieldValue]:
    """What the deal's stage means; what the deal itself says of it must agree, since Salesforce derives it."""
    name = row.name("StageName")
    stage = stages.get(name)
    if stage is None:
        raise UnmappableError(f"the stage {name!r} is none of the org's stages")
    if (row.flag("IsWon"), row.flag("IsClosed")) != (stage.is_won, stage.is_closed):
        raise UnmappableError(f"IsWon or IsClosed is not what the stage {name!r} means")
    meaning: dict[str, FieldValue] = {"stage": name, "is_won": stage.is_won, "is_closed": stage.is_closed}
    if fields.get("probability") is None and stage.probability is not None:
        meaning["probability"] = plain(stage.probability)
    return meaning


def _deletions(name: str, payload: bytes) -> list[Translated]:
    if name not in OBJECTS:
        raise ContractError(code="TIE-SALESFORCE-001", message=f"Salesforce has no {name!r} that the hub can read.")
    return [_deletion(name, value) for value in answers.deletions_of(payload)]


def _deletion(name: str, value: JsonValue) -> Translated:
    """A tombstone, of the same version as that of the deleted row itself: both go by when it was deleted."""
    try:
        row = Row(_members(value))
        key = checked_id(row.value("id"), "id")
        version = micros(instant_of(row.value("deletedDate"), "deletedDate")) + 1
    except UnmappableError as error:
        return Unreadable(problem=f"Deleted {name}: {error}.")
    return ReportedRecord(type=_TYPES[name], source_id=key, version=version, fields={}, deleted=True)


def _members(value: JsonValue) -> dict[str, JsonValue]:
    if not isinstance(value, dict):
        raise UnmappableError("it is no object")
    return value


def _unreadable(name: str, value: JsonValue, error: UnmappableError) -> Unreadable:
    key = value.get("Id") if isinstance(value, dict) else None
    if isinstance(key, str) and is_id(key):
        return Unreadable(problem=f"{name} {key}: {error}.", source_id=key)
    return Unreadable(problem=f"{name}: {error}.")


def to_account(command: UpsertCustomer, options: Options) -> dict[str, object]:
    """The fields of an account, but for the code that it is found by; raises UnmappableError for one named twice."""
    body: dict[str, object] = {options.reference_field: command.reference}
    facts = {"name": command.name, "legal_entity": command.entity, "tax_id": command.tax_id}
    for ours, value in facts.items():
        path = options.own_path(ACCOUNT, ours)
        if path is not None and value is not None:
            body[path] = value
    if options.currency is None:
        body["CurrencyIsoCode"] = command.currency
    twice = [name for name in command.fields if name in body or name == options.path(ACCOUNT, "code")]
    if twice:
        raise UnmappableError(f"the firm's field mappings fill {twice[0]}, which the connector fills itself")
    return body | command.fields


def to_contract(command: UpsertContract, options: Options) -> dict[str, object]:
    """The fields of a contract, but for the code that it is found by; its account is named by that one's code.

    A contract's status stays what it is; a new one is a draft, as Salesforce makes it. Raises UnmappableError for a
    field named twice, a customer that cannot be named, and an amount in a currency that the org does not have.
    """
    account_code = options.own_path(ACCOUNT, "code")
    if account_code is None:
        raise UnmappableError("accounts have no field for a code, by which the customer would be named")
    if options.currency not in {None, command.currency}:
        raise UnmappableError(f"the org keeps amounts in {options.currency}, not in {command.currency}")
    body: dict[str, object] = {
        options.reference_field: command.reference,
        "Account": {account_code: command.customer_code},
    }
    facts: dict[str, object] = {
        "name": command.name,
        "legal_entity": command.entity,
        "signed_value": _number(command.signed_value_minor, command.currency),
        "starts": _iso(command.starts),
        "ends": None if command.ends is None else _iso(command.ends - timedelta(days=1)),
        "po_number": command.po_number,
        "tax_treatment": command.tax_treatment,
        RATE_CARD_CODE: command.rate_card_code,
    }
    for ours, value in facts.items():
        path = options.own_path(CONTRACT, ours)
        if path is not None and value is not None:
            body[path] = value
    if options.currency is None:
        body["CurrencyIsoCode"] = command.currency
    taken = {*body, options.path(CONTRACT, "code"), options.path(CONTRACT, "client")}
    twice = [name for name in command.fields if name in taken]
    if twice:
        raise UnmappableError(f"the firm's field mappings fill {twice[0]}, which the connector fills itself")
    return body | command.fields


def _number(amount_minor: int | None, currency: str) -> msgspec.Raw | None:
    """An amount as a number of JSON, exactly."""
    return None if amount_minor is None else msgspec.Raw(f"{from_minor(amount_minor, currency):f}".encode())


def to_link(command: LinkDeal, options: Options) -> dict[str, object]:
    """The fields of an opportunity that tell of its project; a link that is not given is left as it is."""
    body: dict[str, object] = {options.reference_field: command.reference}
    facts = {
        "project_code": command.project_code,
        "project_status": command.project_status,
        PROJECT_LINK: command.link,
    }
    for ours, value in facts.items():
        path = options.own_path(OPPORTUNITY, ours)
        if path is not None and value is not None:
            body[path] = value
    return body
