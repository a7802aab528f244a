"""What the commands that a target acknowledged say of its records, in canonical words. Pure.

Several commands speak of one record (a project, its status, the hours that its demand needs); each value knows which
command said it, so that just that one can be sent again. Neighbours: ``comparison`` holds this against what is there.
"""

import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Final, TypeAlias

import msgspec

from tieout.model.command import (
    LinkDeal,
    MasterCommand,
    PublishDemand,
    SetProjectStatus,
    UpsertContract,
    UpsertCustomer,
    UpsertEmployee,
    UpsertProject,
    UpsertRateCard,
    UpsertTask,
    kind_of,
)
from tieout.model.field_mapping import CUSTOM
from tieout.model.identity import business_key, decimal_text
from tieout.model.money import from_minor
from tieout.model.reported import FieldValue, RecordType

RecordKey: TypeAlias = tuple[str, str]
"""The type of a record and the business key that it has in all systems."""

CODE: Final = "code"
STATUS: Final = "status"
MONEY: Final[Mapping[str, str]] = {"budget_amount": "budget_minor", "signed_value": "signed_value_minor"}
"""Fields that are amounts of the record's own currency, and where a command has them in minor units."""

PRICE: Final = "price of "
DEMAND_HOURS: Final = "hours of demand line "
DEMAND_DAYS: Final = "days of demand line "
_NUMBERS: Final = frozenset({"budget_hours", "planned_hours", *MONEY})
_CODED: Final = ("code", "name", "currency", "starts", "ends")
_CONTRACT: Final = (*_CODED, "po_number", "tax_treatment")
_PROJECT: Final = (*_CODED, "contract_number", "service_line", "manager_email", "budget_hours")
_TASK: Final = ("name", "billable", "open_for_time", "planned_hours", "starts", "ends")


class Reference(msgspec.Struct, frozen=True):
    """Another record that one refers to, by its type, business key and code."""

    record: str
    key: str
    code: str


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What one command says of one record. ``values`` has only what it says.

    ``code`` is None where the target shows no code of such a record; ``within`` is the record that it is a part of.
    ``whole`` are beginnings of fields of which nothing is held beside what is said.
    """

    record: str
    key: str
    entity: str
    command_kind: str
    values: dict[str, str]
    code: str | None = None
    references: dict[str, Reference] = {}
    currency: str | None = None
    within: Reference | None = None
    whole: tuple[str, ...] = ()

    @property
    def place(self) -> RecordKey:
        """What tells the record from every other one of the target."""
        return self.record, self.key


def said_by(command: MasterCommand) -> Said:
    """What ``command`` says of the record that it speaks of; of published demand, what the project says of it."""
    match command:
        case UpsertContract() | UpsertProject():
            return _referring(command)
        case UpsertTask():
            return _task(command)
        case UpsertRateCard():
            return _rate_card(command)
        case SetProjectStatus():
            key = business_key(command.entity, command.project_code)
            return _said(command, RecordType.PROJECT, key, (STATUS,))
        case PublishDemand():
            return _demand(command)
        case _:
            return _plain(command)


def _plain(command: UpsertCustomer | UpsertEmployee | LinkDeal) -> Said:
    match command:
        case UpsertCustomer():
            return _said(command, RecordType.CLIENT, command.code, ("code", "name", "tax_id"))
        case UpsertEmployee():
            return _said(command, RecordType.RESOURCE, business_key(command.entity, command.code), ("name", "email"))
        case LinkDeal():
            return _said(command, RecordType.DEAL, command.deal, ("project_code", "project_status"))


def demand_fields(number: str, hours: Decimal, starts: date, ends: date) -> dict[str, str]:
    """A line of published demand as fields of its project; one without hours is none."""
    if not hours:
        return {}
    return {
        f"{DEMAND_HOURS}{number}": decimal_text(hours),
        f"{DEMAND_DAYS}{number}": f"{starts.isoformat()}/{ends.isoformat()}",
    }


def price_fields(prices: Iterable[tuple[str, str, Decimal]]) -> dict[str, str]:
    """Prices (role, day from which it is valid, price) as fields of their rate card.

    A price that only says again what held before is none: some systems state all prices anew where one changes.
    """
    found: dict[str, str] = {}
    before: dict[str, Decimal] = {}
    for role, starts, price in sorted(prices, key=lambda one: one[:2]):
        if before.get(role) != price:
            found[f"{PRICE}{role} from {starts}"] = decimal_text(price)
        before[role] = price
    return found


def text_of(field: str, value: FieldValue | Decimal | date) -> str | None:
    """A value as text in which two spellings of the same are equal; None where there is none."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, date):
        return value.isoformat()
    text = " ".join(unicodedata.normalize("NFC", str(value)).split())
    if field in _NUMBERS or field.startswith(PRICE):
        number = number_of(text)
        return text if number is None else decimal_text(number)
    return text or None


def number_of(text: str) -> Decimal | None:
    """A finite number, or None."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _said(command: MasterCommand, record: RecordType, key: str, names: tuple[str, ...]) -> Said:
    values = {name: text for name in names if (text := text_of(name, getattr(command, name))) is not None}
    further: Mapping[str, str] = getattr(command, "fields", {})
    values |= {CUSTOM + name: text for name, said in further.items() if (text := text_of(name, said)) is not None}
    currency: str | None = getattr(command, "currency", None)
    for name, attribute in MONEY.items():
        minor: int | None = getattr(command, attribute, None)
        if minor is not None and currency is not None:
            values[name] = decimal_text(from_minor(minor, currency))
    return Said(
        record=str(record),
        key=key,
        entity=command.entity,
        command_kind=kind_of(command),
        values=values,
        code=values.get(CODE),
        currency=currency,
    )


def _referring(command: UpsertContract | UpsertProject) -> Said:
    """A record of a customer, by a rate card where it names one."""
    is_project = isinstance(command, UpsertProject)
    record, names = (RecordType.PROJECT, _PROJECT) if is_project else (RecordType.CONTRACT, _CONTRACT)
    customer, card = command.customer_code, command.rate_card_code
    references = {"client": Reference(str(RecordType.CLIENT), customer, customer)}
    if card is not None:
        references["rate_card"] = Reference(str(RecordType.RATE_CARD), card, card)
    said = _said(command, record, business_key(command.entity, command.code), names)
    return msgspec.structs.replace(said, references=references)


def _task(command: UpsertTask) -> Said:
    key = business_key(command.entity, command.project_code, command.wbs_code)
    said = _said(command, RecordType.TASK, key, _TASK)
    references = {}
    if command.parent_wbs_code is not None:
        parent = business_key(command.entity, command.project_code, command.parent_wbs_code)
        references["parent"] = Reference(str(RecordType.TASK), parent, command.parent_wbs_code)
    project = business_key(command.entity, command.project_code)
    return msgspec.structs.replace(
        said,
        values={CODE: command.wbs_code, **said.values},
        code=command.wbs_code,
        references=references,
        within=Reference(str(RecordType.PROJECT), project, command.project_code),
    )


def _demand(command: PublishDemand) -> Said:
    key = business_key(command.entity, command.project_code)
    said = _said(command, RecordType.PROJECT, key, ("budget_hours",))
    lines = {
        name: text
        for one in command.lines
        for name, text in demand_fields(one.number, one.hours, one.starts, one.ends).items()
    }
    return msgspec.structs.replace(said, values=said.values | lines, whole=(DEMAND_HOURS,))


def _rate_card(command: UpsertRateCard) -> Said:
    said = _said(command, RecordType.RATE_CARD, command.code, ("code", "name", "currency"))
    prices = price_fields((one.role, one.starts.isoformat(), one.price) for one in command.prices)
    return msgspec.structs.replace(said, values=said.values | prices, whole=(PRICE,))
