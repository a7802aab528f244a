"""NetSuite's own types, as its REST record service and SuiteQL give them.

Neighbours: ``client`` decodes them, ``mapping`` turns them into canonical words. SuiteQL gives every value as text and
leaves null columns out; the record service gives numbers as numbers.
"""

from decimal import Decimal

import msgspec


class NetSuiteToken(msgspec.Struct, frozen=True):
    """The answer of the token endpoint."""

    access_token: str
    expires_in: int | str = 3600


class NetSuiteErrorDetail(msgspec.Struct, frozen=True, rename={"code": "o:errorCode", "path": "o:errorPath"}):
    """One detail of an error body."""

    detail: str = ""
    code: str = ""
    path: str | None = None


class NetSuiteError(msgspec.Struct, frozen=True, rename={"details": "o:errorDetails"}):
    """An error body: "Error Handling in REST Web Services"."""

    title: str = ""
    status: int = 0
    details: tuple[NetSuiteErrorDetail, ...] = ()


class NetSuiteReference(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a record refers to another."""

    id: str


class NetSuiteQueryPage(msgspec.Struct, frozen=True, rename="camel"):
    """One page of SuiteQL; rows stay untyped here, so that one bad row does not spoil the page."""

    items: list[object]
    has_more: bool


class NetSuiteSubsidiaryRow(msgspec.Struct, frozen=True):
    """A legal entity."""

    id: str
    name: str
    isinactive: str
    externalid: str | None = None
    currency: str | None = None
    country: str | None = None
    changed: str | None = None


class NetSuitePeriodRow(msgspec.Struct, frozen=True):
    """One accounting period as one subsidiary sees it; ``ends`` is its last day."""

    id: str
    subsidiary: str
    periodname: str
    starts: str
    ends: str
    closed: str
    alllocked: str
    locked: str | None = None
    changed: str | None = None
    lock_changed: str | None = None


class NetSuiteCustomerRow(msgspec.Struct, frozen=True):
    """A customer."""

    id: str
    entityid: str
    isinactive: str
    changed: str
    companyname: str | None = None
    currency: str | None = None


class NetSuiteJobRow(msgspec.Struct, frozen=True):
    """A project."""

    id: str
    entityid: str
    isinactive: str
    changed: str
    companyname: str | None = None
    customer: str | None = None
    subsidiary: str | None = None
    currency: str | None = None
    starts: str | None = None
    ends: str | None = None


class NetSuiteRateRow(msgspec.Struct, frozen=True):
    """An exchange rate: one ``transactioncurrency`` is ``exchangerate`` ``basecurrency``."""

    id: str
    basecurrency: str
    transactioncurrency: str
    exchangerate: str
    effectivedate: str
    changed: str | None = None


class NetSuiteJournalRow(msgspec.Struct, frozen=True):
    """What SuiteQL tells of a journal looked up by external id."""

    id: str
    externalid: str
    trandate: str
    currency: str
    posting: str
    debits: str = "0"
    voided: str = "F"


class NetSuiteLedgerRow(msgspec.Struct, frozen=True):
    """One accounting line of a journal with its header, for the ledger reader."""

    id: str
    line: str
    externalid: str
    trandate: str
    periodname: str
    posting: str
    acctnumber: str
    functional: str
    debit: str = "0"
    credit: str = "0"
    currency: str | None = None
    amount: str | None = None


class NetSuiteJournalLine(msgspec.Struct, frozen=True, omit_defaults=True, rename={"class_": "class"}):
    """One line of a journal entry, as sent and as read back; ``custom`` are members of the account's own."""

    account: NetSuiteReference
    debit: Decimal | None = None
    credit: Decimal | None = None
    memo: str | None = None
    entity: NetSuiteReference | None = None
    department: NetSuiteReference | None = None
    class_: NetSuiteReference | None = None
    location: NetSuiteReference | None = None
    custcol_tieout_currency: str | None = None
    custcol_tieout_amount: Decimal | None = None
    custcol_tieout_hours: Decimal | None = None
    custom: dict[str, NetSuiteReference | str] = {}


class NetSuiteJournalLines(msgspec.Struct, frozen=True):
    """The line sublist."""

    items: tuple[NetSuiteJournalLine, ...]


class NetSuiteJournal(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """A journal entry, as sent (without id) and as read back."""

    external_id: str
    subsidiary: NetSuiteReference
    tran_date: str
    currency: NetSuiteReference
    approved: bool
    line: NetSuiteJournalLines
    memo: str | None = None
    id: str | None = None


class NetSuiteCustomer(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """A customer as it is sent; ``custom`` are further members by the account's own names, as in those below."""

    entity_id: str
    company_name: str
    subsidiary: NetSuiteReference | None = None
    currency: NetSuiteReference | None = None
    default_tax_reg: str | None = None
    custom: dict[str, msgspec.Raw] = {}


class NetSuiteProject(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """A project (job) as it is sent; ``estimated_time_override`` is its time budget as hours and minutes (160:00)."""

    entity_id: str
    company_name: str
    parent: NetSuiteReference
    subsidiary: NetSuiteReference | None = None
    currency: NetSuiteReference | None = None
    start_date: str | None = None
    projected_end_date: str | None = None
    entity_status: NetSuiteReference | None = None
    estimated_revenue: Decimal | None = None
    estimated_time_override: str | None = None
    custom: dict[str, msgspec.Raw] = {}


class NetSuiteProjectStatus(msgspec.Struct, frozen=True, rename="camel"):
    """A change of a project's status as it is sent."""

    entity_status: NetSuiteReference
    custom: dict[str, msgspec.Raw]


class NetSuiteProjectTask(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """A task of a project as it is sent; ``company`` is the project."""

    company: NetSuiteReference
    title: str
    non_billable_task: bool | None = None
    parent: NetSuiteReference | None = None
    status: NetSuiteReference | None = None
    estimated_work: Decimal | None = None
    constraint_type: NetSuiteReference | None = None
    start_date: str | None = None
    finish_by_date: str | None = None
    custom: dict[str, msgspec.Raw] = {}


class NetSuiteProperty(msgspec.Struct, frozen=True, rename={"refers_to": "$ref"}):
    """What the metadata catalogue says of one member of a record."""

    type: str | None = None
    refers_to: str | None = None


class NetSuiteSchema(msgspec.Struct, frozen=True):
    """A record's schema in the metadata catalogue."""

    properties: dict[str, NetSuiteProperty]


class NetSuiteJob(msgspec.Struct, frozen=True):
    """The state of an asynchronous job."""

    completed: bool


class NetSuiteLink(msgspec.Struct, frozen=True):
    """A link to another resource."""

    href: str


class NetSuiteTask(msgspec.Struct, frozen=True):
    """One task of a job, in the task list."""

    id: str | None = None
    links: tuple[NetSuiteLink, ...] = ()

    def key(self, place: int) -> str:
        """The task's id: as told, else the end of its link, else its number in the list."""
        told = self.id or next((link.href.rstrip("/").rpartition("/")[2] for link in self.links), None)
        return told or str(place + 1)


class NetSuiteTaskList(msgspec.Struct, frozen=True):
    """The tasks of a job, one per record of the batch."""

    items: tuple[NetSuiteTask, ...]
