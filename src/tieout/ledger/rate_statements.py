"""What golden records and the firm's own files state of rates, as lines that could be in force. Pure.

``publication`` reads what is used here and writes what comes out. A statement that names something unknown is never
published with that dimension empty, for an empty dimension fits anything: it waits, with its reason.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Final, NoReturn, TypeAlias

import msgspec

from tieout.errors import ContractError
from tieout.ledger.rate_lines import SCOPE_RANK, WORK_TYPE_NUMBER, RateContext, RateUnit
from tieout.model.firm import FirmFxRate, FirmRateLine
from tieout.model.money import exponent
from tieout.model.reported import FieldValue, RecordType

SINCE_EVER: Final = date.min
_PRICE_DECIMALS: Final = 6
_RATE_DECIMALS: Final = 12
_WHOLE_DIGITS: Final = 12
_FILE: Final = {RateContext.BILL: "bill_rates.csv", RateContext.COST: "cost_rates.csv"}


class RateStatement(msgspec.Struct, frozen=True, kw_only=True):
    """A rate line without its number: equal for equal statements."""

    context: str
    origin: str
    scope: int
    entity_id: int | None
    client_id: int | None
    project_id: int | None
    rate_card_id: int | None
    role_id: int | None
    resource_id: int | None
    task_id: int | None
    work_type: str | None
    price: Decimal
    unit: str
    hours_per_day: Decimal | None
    complimentary: bool
    currency: str
    valid_from: date
    valid_to: date | None


class FxStatement(msgspec.Struct, frozen=True, kw_only=True):
    """An exchange rate without its number. ``origin``: ``firm`` or the name of a system."""

    base: str
    quote: str
    rate: Decimal
    rate_date: date
    rate_type: str
    origin: str


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """A statement that cannot be in force. ``needs``: the type of record it waits for; empty: it is wrong itself."""

    origin: str
    needs: str
    reason: str


class RateRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A golden rate record; ``refs`` maps the references that it has to record ids, None while unknown."""

    record_id: int
    type: str
    origin: str
    system: str
    fields: dict[str, FieldValue]
    refs: dict[str, int | None]


class Names(msgspec.Struct, frozen=True, kw_only=True):
    """What the firm's own lines call things: business codes, and tasks by project and name."""

    codes: Mapping[tuple[str, str], int]
    tasks: Mapping[tuple[int, str], Sequence[int]]


class _NotYetError(Exception):
    """Why a statement cannot be in force; never leaves this module."""

    def __init__(self, reason: str, needs: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.needs = needs


Stated: TypeAlias = tuple[list[RateStatement], list[Waiting]]


def from_records(records: Iterable[RateRecord], card_currency: Mapping[int, str | None]) -> Stated:
    """The lines that rate and cost records state. ``card_currency`` has the currency of each rate card in use.

    Scope: person on a project: assignment; project: project; a rate card: contract, since projects are bound to a card
    as to the price list of their contract; a person's cost: legal entity, the employer. ``valid_to`` is the first day
    that is not covered any more; no ``valid_from`` means since ever.
    """
    lines: list[RateStatement] = []
    waiting: list[Waiting] = []
    for record in records:
        try:
            lines.append(_of_record(record, card_currency))
        except _NotYetError as problem:
            waiting.append(Waiting(origin=record.origin, needs=problem.needs, reason=problem.reason))
    return lines, waiting


def from_firm(rates: Iterable[FirmRateLine], names: Names, *, firm_version: int) -> Stated:
    """The lines of the firm's own files; ``origin`` names the version of the firm that first stated the line."""
    lines: list[RateStatement] = []
    waiting: list[Waiting] = []
    for rate in rates:
        origin = f"{_FILE[RateContext(rate.context)]} line {rate.line} (firm version {firm_version})"
        try:
            lines += _of_firm(rate, names, origin)
        except _NotYetError as problem:
            waiting.append(Waiting(origin=origin, needs=problem.needs, reason=problem.reason))
    return lines, waiting


def fx_from_records(records: Iterable[RateRecord]) -> tuple[list[FxStatement], list[Waiting]]:
    """The exchange rates that systems publish."""
    rates: list[FxStatement] = []
    waiting: list[Waiting] = []
    for record in records:
        try:
            rates.append(
                _fx(
                    FxStatement(
                        base=_currency(record.fields.get("base"), "base"),
                        quote=_currency(record.fields.get("quote"), "quote"),
                        rate=_number(record.fields.get("rate"), "rate"),
                        rate_date=_date(record.fields.get("rate_date"), "rate_date"),
                        rate_type=str(record.fields.get("rate_type") or "spot"),
                        origin=record.system,
                    )
                )
            )
        except _NotYetError as problem:
            waiting.append(Waiting(origin=record.origin, needs=problem.needs, reason=problem.reason))
    return rates, waiting


def fx_from_firm(rates: Iterable[FirmFxRate], origin: str) -> tuple[list[FxStatement], list[Waiting]]:
    """The exchange rates of the firm's own file."""
    found: list[FxStatement] = []
    waiting: list[Waiting] = []
    for one in rates:
        try:
            found.append(
                _fx(
                    FxStatement(
                        base=_currency(one.base, "base"),
                        quote=_currency(one.quote, "quote"),
                        rate=one.rate,
                        rate_date=one.day,
                        rate_type=one.rate_type,
                        origin=origin,
                    )
                )
            )
        except _NotYetError as problem:
            name = f"fx.csv {one.base}/{one.quote} {one.rate_type} {one.day}"
            waiting.append(Waiting(origin=name, needs=problem.needs, reason=problem.reason))
    return found, waiting


def _of_record(record: RateRecord, card_currency: Mapping[int, str | None]) -> RateStatement:
    refs = {name: _known(record.refs, name) for name in record.refs}
    context = RateContext.COST if record.type == RecordType.COST_RATE else RateContext.BILL
    card = refs.get("rate_card")
    if card is not None and card not in card_currency:
        raise _NotYetError("its rate card was deleted")
    if context is RateContext.COST and "resource" not in refs:
        raise _NotYetError("it names no person")
    fields = record.fields
    said = fields.get("currency") or (None if card is None else card_currency[card])
    return _checked(
        RateStatement(
            context=context,
            origin=record.origin,
            scope=_scope(context, refs),
            entity_id=refs.get("legal_entity"),
            client_id=refs.get("client"),
            project_id=refs.get("project"),
            rate_card_id=card,
            role_id=refs.get("role"),
            resource_id=refs.get("resource"),
            task_id=refs.get("task"),
            work_type=None if fields.get("work_type") is None else str(fields["work_type"]),
            price=_number(fields.get("price"), "price"),
            unit=str(fields.get("unit") or RateUnit.HOUR),
            hours_per_day=None
            if fields.get("hours_per_day") is None
            else _number(fields["hours_per_day"], "hours_per_day"),
            complimentary=fields.get("complimentary") is True,
            currency=_currency(said, "currency"),
            valid_from=SINCE_EVER if fields.get("valid_from") is None else _date(fields["valid_from"], "valid_from"),
            valid_to=None if fields.get("valid_to") is None else _date(fields["valid_to"], "valid_to"),
        )
    )


def _scope(context: RateContext, refs: Mapping[str, int | None]) -> int:
    if "project" in refs:
        return SCOPE_RANK["assignment" if "resource" in refs else "project"]
    if "rate_card" in refs:
        return SCOPE_RANK["contract"]
    return SCOPE_RANK["legal_entity" if context is RateContext.COST else "global"]


def _of_firm(rate: FirmRateLine, names: Names, origin: str) -> list[RateStatement]:
    if rate.scope not in SCOPE_RANK:
        raise _NotYetError(f"its scope {rate.scope!r} is none of {', '.join(SCOPE_RANK)}")
    project_id = _coded(names, RecordType.PROJECT, rate.project)
    resource = None if rate.resource is None else rate.resource.casefold()
    statement = RateStatement(
        context=rate.context,
        origin=origin,
        scope=SCOPE_RANK[rate.scope],
        entity_id=_coded(names, RecordType.LEGAL_ENTITY, rate.entity),
        client_id=_coded(names, RecordType.CLIENT, rate.client),
        project_id=project_id,
        rate_card_id=None,
        role_id=_coded(names, RecordType.ROLE, rate.role),
        resource_id=_coded(names, RecordType.RESOURCE, resource),
        task_id=None,
        work_type=rate.work_type,
        price=rate.price,
        unit=RateUnit.HOUR,
        hours_per_day=None,
        complimentary=rate.complimentary,
        currency=_currency(rate.currency, "currency"),
        valid_from=rate.valid_from,
        valid_to=rate.valid_to,
    )
    if rate.task is None:
        return [_checked(statement)]
    if project_id is None:
        raise _NotYetError("it names a task without its project")
    tasks = names.tasks.get((project_id, rate.task), ())
    if not tasks:
        raise _NotYetError(f"project {rate.project} has no task {rate.task!r}", RecordType.TASK)
    return [_checked(msgspec.structs.replace(statement, task_id=task_id)) for task_id in tasks]


def _coded(names: Names, record_type: RecordType, code: str | None) -> int | None:
    if code is None:
        return None
    known = names.codes.get((record_type, code))
    if known is None:
        raise _NotYetError(f"{record_type.replace('_', ' ')} {code!r} is not known", record_type)
    return known


def _known(refs: Mapping[str, int | None], name: str) -> int:
    record_id = refs[name]
    if record_id is None:
        raise _NotYetError(f"the {name.replace('_', ' ')} that it names is not known", name)
    return record_id


def _checked(line: RateStatement) -> RateStatement:
    if line.unit not in set(RateUnit):
        raise _NotYetError(f"its unit {line.unit!r} is neither hour nor day")
    if line.work_type is not None and line.work_type not in WORK_TYPE_NUMBER:
        raise _NotYetError(f"its work type {line.work_type!r} is none of {', '.join(WORK_TYPE_NUMBER)}")
    if line.valid_to is not None and line.valid_to <= line.valid_from:
        raise _NotYetError(f"it ends before {line.valid_to}, which is not after its start {line.valid_from}")
    if line.hours_per_day is not None and not 0 < line.hours_per_day <= 24:  # noqa: PLR2004 - hours of a day
        raise _NotYetError(f"it says that a day has {line.hours_per_day} hours")
    if not _holds(line.price, _PRICE_DECIMALS) or line.price < 0:
        raise _NotYetError(f"its price {line.price} is negative, too large or has more than six decimals")
    return line


def _fx(rate: FxStatement) -> FxStatement:
    if rate.base == rate.quote:
        raise _NotYetError(f"it converts {rate.base} into itself")
    if not _holds(rate.rate, _RATE_DECIMALS) or rate.rate <= 0:
        raise _NotYetError(f"its rate {rate.rate} is not above zero, too large or has more than twelve decimals")
    return rate


def _holds(number: Decimal, decimals: int) -> bool:
    """Whether a table's column keeps ``number`` exactly."""
    if not number.is_finite():
        return False
    exponent_of = number.as_tuple().exponent
    return isinstance(exponent_of, int) and -exponent_of <= decimals and number.adjusted() < _WHOLE_DIGITS


def _number(value: FieldValue, name: str) -> Decimal:
    try:
        return Decimal(str(value)) if isinstance(value, str | int) and not isinstance(value, bool) else _no(name)
    except InvalidOperation:
        return _no(name)


def _date(value: FieldValue, name: str) -> date:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else _no(name)
    except ValueError:
        return _no(name)


def _currency(value: FieldValue, name: str) -> str:
    try:
        exponent(str(value))
    except ContractError:
        return _no(name)
    return str(value)


def _no(name: str) -> NoReturn:
    raise _NotYetError(f"it tells no usable {name.replace('_', ' ')}")
