"""The canonical commands that sinks write: journals, hours for a payroll, notices, and masters equal everywhere.

``streams`` builds them, ``outbound`` delivers them, a connector's mapping turns them into vendor requests. A sink
takes those that its manifest names by tag. Codes are the business codes equal in all systems; amounts are integers of
minor units of the named currency; hours and prices are exact decimals; spans of days are half-open.
"""

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

import msgspec

from tieout.model.journal import PostJournal
from tieout.model.payroll import PostPayrollHours


class UpsertCustomer(msgspec.Struct, frozen=True, kw_only=True, tag="upsert_customer"):
    """Create or update one customer in the target; ``code`` is the business code equal in all systems.

    ``fields`` are further vendor fields by the target's own names, as the firm's field mappings made them.
    """

    reference: str
    entity: str
    code: str
    name: str
    currency: str
    tax_id: str | None = None
    fields: dict[str, str] = {}


class UpsertProject(msgspec.Struct, frozen=True, kw_only=True, tag="upsert_project"):
    """Create or update one project; ``customer_code`` names a customer that the target already has.

    ``status`` is a ``model.project.ProjectState``; None leaves the target's as it is. ``budget_minor`` is in
    ``currency``. ``fields`` as in ``UpsertCustomer``.
    """

    reference: str
    entity: str
    code: str
    name: str
    customer_code: str
    currency: str
    starts: date | None = None
    ends: date | None = None
    status: str | None = None
    contract_number: str | None = None
    rate_card_code: str | None = None
    service_line: str | None = None
    manager_email: str | None = None
    budget_hours: Decimal | None = None
    budget_minor: int | None = None
    fields: dict[str, str] = {}


class UpsertTask(msgspec.Struct, frozen=True, kw_only=True, tag="upsert_task"):
    """Create or update one task of a project that the target already has; ``wbs_code`` is unique in the project.

    ``parent_wbs_code`` names a task that the target already has.
    """

    reference: str
    entity: str
    project_code: str
    wbs_code: str
    name: str
    parent_wbs_code: str | None = None
    billable: bool = True
    open_for_time: bool = True
    planned_hours: Decimal | None = None
    starts: date | None = None
    ends: date | None = None
    fields: dict[str, str] = {}


class SetProjectStatus(msgspec.Struct, frozen=True, kw_only=True, tag="set_project_status"):
    """Move a project that the target already has to ``status`` (``model.project.ProjectState``)."""

    reference: str
    entity: str
    project_code: str
    status: str


class UpsertContract(msgspec.Struct, frozen=True, kw_only=True, tag="upsert_contract"):
    """Create or update one contract with a customer that the target already has; ``code`` is its number.

    ``signed_value_minor`` is in ``currency``; ``starts`` until before ``ends``.
    """

    reference: str
    entity: str
    code: str
    name: str
    customer_code: str
    currency: str
    signed_value_minor: int | None = None
    starts: date | None = None
    ends: date | None = None
    po_number: str | None = None
    tax_treatment: str | None = None
    rate_card_code: str | None = None
    fields: dict[str, str] = {}


class RatePrice(msgspec.Struct, frozen=True, kw_only=True):
    """What one hour of ``role`` is billed at from ``starts`` until before ``ends``."""

    role: str
    price: Decimal
    starts: date
    ends: date | None = None


class UpsertRateCard(msgspec.Struct, frozen=True, kw_only=True, tag="upsert_rate_card"):
    """Create or update one rate card with all its prices, in one currency."""

    reference: str
    entity: str
    code: str
    name: str
    currency: str
    prices: tuple[RatePrice, ...]


class UpsertEmployee(msgspec.Struct, frozen=True, kw_only=True, tag="upsert_employee"):
    """Create or update one employee of a legal entity."""

    reference: str
    entity: str
    code: str
    name: str
    email: str | None = None


class LinkDeal(msgspec.Struct, frozen=True, kw_only=True, tag="link_deal"):
    """Tell the CRM which project a won deal became: ``deal`` is the CRM's own key, ``link`` where people find it."""

    reference: str
    entity: str
    deal: str
    project_code: str
    project_status: str
    link: str | None = None


class DemandLine(msgspec.Struct, frozen=True, kw_only=True):
    """Work that a project needs of a role: so many hours between two days, where and with which skills."""

    number: str
    role: str
    hours: Decimal
    starts: date
    ends: date
    location: str | None = None
    skills: tuple[str, ...] = ()


class PublishDemand(msgspec.Struct, frozen=True, kw_only=True, tag="publish_demand"):
    """Tell the resource tool what a project needs; replaces what was published of the project before."""

    reference: str
    entity: str
    project_code: str
    project_name: str
    customer_name: str
    starts: date
    ends: date
    lines: tuple[DemandLine, ...]
    budget_hours: Decimal | None = None


class Severity(StrEnum):
    """How urgent a notice is."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class SendNotice(msgspec.Struct, frozen=True, kw_only=True, tag="send_notice"):
    """Tell people something, once. ``address`` is channel or mailbox in the words of the target, "" for its only one.

    ``entity`` is the legal entity it is about, "" for the whole firm. ``facts`` are shown by their names; ``link``
    leads to the item in the hub, where the hub knows its own address.
    """

    reference: str
    entity: str
    address: str
    subject: str
    body: str
    severity: Severity = Severity.WARNING
    facts: dict[str, str] = {}
    link: str | None = None


MasterCommand: TypeAlias = (
    UpsertCustomer
    | UpsertContract
    | UpsertProject
    | UpsertTask
    | SetProjectStatus
    | UpsertRateCard
    | UpsertEmployee
    | LinkDeal
    | PublishDemand
)
Command: TypeAlias = MasterCommand | PostJournal | PostPayrollHours | SendNotice


def object_of(command: Command) -> str:
    """What a command is about, in words: kind and business code (``project P-100``); a journal's is its reference."""
    match command:
        case UpsertCustomer() | UpsertContract() | UpsertProject() | UpsertRateCard() | UpsertEmployee():
            words = f"{kind_of(command).removeprefix('upsert_').replace('_', ' ')} {command.code}"
        case UpsertTask():
            words = f"task {command.project_code}/{command.wbs_code}"
        case SetProjectStatus():
            words = f"status of project {command.project_code}"
        case LinkDeal():
            words = f"link of deal {command.deal}"
        case PublishDemand():
            words = f"demand of project {command.project_code}"
        case PostPayrollHours():
            words = f"hours of {command.entity} for {command.period}, number {command.sequence}"
        case SendNotice():
            words = f"notice to {command.address or 'the channel'}"
        case _:
            words = f"journal {command.reference}"
    return words


def kind_of(command: Command) -> str:
    """The command's tag, as manifests and ``takes`` name it."""
    return str(type(command).__struct_config__.tag)
