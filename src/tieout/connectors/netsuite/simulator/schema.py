"""The tables of a simulated account and the catalogue that SuiteQL may name.

One table serves both doors: the record service writes it, SuiteQL reads it. Money and rates are decimal text, dates
ISO text, timestamps text in the account's time zone, booleans ``T`` and ``F``, as NetSuite's analytics data source
shows them. ``recorded_at`` (seconds) is hidden from SuiteQL: it makes rows appear late when a read lag is set.
"""

from enum import StrEnum
from typing import Final


class ColumnType(StrEnum):
    """How a column compares, adds up and prints."""

    ID = "id"
    TEXT = "text"
    DECIMAL = "decimal"
    DATE = "date"
    DATETIME = "datetime"
    BOOLEAN = "boolean"


_SQL_TYPE: Final = {
    ColumnType.ID: "integer",
    ColumnType.TEXT: "text",
    ColumnType.DECIMAL: "text collate decimal",
    ColumnType.DATE: "text",
    ColumnType.DATETIME: "text",
    ColumnType.BOOLEAN: "text",
}


def _columns(**kinds: str) -> dict[str, ColumnType]:
    return {name: ColumnType(kind) for kind, names in kinds.items() for name in names.split()}


CATALOGUE: Final[dict[str, dict[str, ColumnType]]] = {
    "currency": _columns(id="id currencyprecision", text="symbol name", boolean="isinactive isbasecurrency"),
    "subsidiary": _columns(
        id="id parent currency",
        text="name fullname externalid country",
        boolean="isinactive iselimination",
        datetime="lastmodifieddate",
    ),
    "account": _columns(
        id="id",
        text="acctnumber accountsearchdisplayname fullname accttype externalid",
        boolean="isinactive issummary",
        datetime="lastmodifieddate",
    ),
    "department": _columns(id="id", text="name fullname externalid", boolean="isinactive"),
    "classification": _columns(id="id", text="name fullname externalid", boolean="isinactive"),
    "location": _columns(id="id", text="name fullname externalid", boolean="isinactive"),
    "customrecord_cseg_region": _columns(id="id", text="name externalid", boolean="isinactive"),
    "customer": _columns(
        id="id subsidiary currency",
        text="entityid companyname externalid defaulttaxreg custentity_region",
        boolean="isinactive isperson custentity_strategic",
        datetime="datecreated lastmodifieddate",
    ),
    "job": _columns(
        id="id customer subsidiary currency entitystatus",
        text="entityid companyname externalid custentity_practice custentity_tieout_contract"
        " custentity_tieout_rate_card custentity_tieout_service_line custentity_tieout_manager"
        " custentity_tieout_status_ref",
        decimal="estimatedrevenue estimatedtimeoverride custentity_risk_score",
        boolean="isinactive",
        date="startdate projectedenddate",
        datetime="datecreated lastmodifieddate",
    ),
    "jobstatus": _columns(id="id", text="name description", boolean="isinactive"),
    "projecttask": _columns(
        id="id project parent",
        text="title externalid status constrainttype custevent_tieout_wbs custevent_phase",
        decimal="estimatedwork",
        boolean="nonbillabletask",
        date="startdate finishbydate",
        datetime="lastmodifieddate",
    ),
    "accountingperiod": _columns(
        id="id parent",
        text="periodname",
        date="startdate enddate",
        boolean="closed alllocked aplocked arlocked isyear isquarter isadjust isposting isinactive",
        datetime="lastmodifieddate",
    ),
    "customrecord_tieout_period_lock": _columns(
        id="id custrecord_tieout_period custrecord_tieout_subsidiary",
        text="name",
        boolean="custrecord_tieout_locked isinactive",
        datetime="lastmodified",
    ),
    "currencyrate": _columns(
        id="id basecurrency transactioncurrency",
        decimal="exchangerate",
        date="effectivedate",
        datetime="lastmodifieddate",
    ),
    "transaction": _columns(
        id="id currency postingperiod",
        text="type recordtype tranid externalid memo approvalstatus",
        decimal="exchangerate",
        date="trandate",
        boolean="posting voided",
        datetime="createddate lastmodifieddate",
    ),
    "transactionline": _columns(
        id="id uniquekey transaction linesequencenumber subsidiary entity department class location cseg_region",
        text="memo custcol_workstream custcol_tieout_currency",
        decimal="foreignamount custcol_tieout_amount custcol_tieout_hours",
        boolean="mainline",
    ),
    "transactionaccountingline": _columns(
        id="transaction transactionline account accountingbook",
        text="accounttype",
        decimal="debit credit amount netamount",
        boolean="posting",
    ),
}

TRANSACTION_CHILDREN: Final = ("transactionline", "transactionaccountingline")
LAGGING: Final = ("transaction", "customer", "job", "projecttask")

INDEXES: Final = (
    'create index if not exists transaction_by_external_id on "transaction" (externalid)',
    'create index if not exists transaction_by_date on "transaction" (trandate, id)',
    'create index if not exists line_by_transaction on transactionline ("transaction", id)',
    """create index if not exists accounting_line_by_transaction
        on transactionaccountingline ("transaction", transactionline)""",
    "create index if not exists customer_by_entity_id on customer (entityid)",
    "create index if not exists customer_by_external_id on customer (externalid)",
    "create index if not exists job_by_entity_id on job (entityid)",
    "create index if not exists job_by_external_id on job (externalid)",
    "create index if not exists task_by_project on projecttask (project, custevent_tieout_wbs)",
    "create index if not exists task_by_external_id on projecttask (externalid)",
)

_SERVICE_TABLES: Final = (
    "create table if not exists account_setting (name text primary key, value text not null) without rowid",
    "create table if not exists certificate (id text primary key, client text, public_key text not null) without rowid",
    "create table if not exists access_token (token text primary key, client text, expires_at real) without rowid",
    "create table if not exists entity_number (id integer primary key autoincrement)",
    """create table if not exists async_job (
        id integer primary key autoincrement, idempotency_key text unique, request blob not null,
        submitted_at real not null, ended_at real)""",
    """create table if not exists async_task (
        job integer not null, id integer not null, status integer, location text, body blob,
        primary key (job, id)) without rowid""",
)


def _key_type(table: str) -> str:
    if table == "transactionline":
        return "integer"
    return "integer primary key autoincrement" if table == "transaction" else "integer primary key"


def statements() -> list[str]:
    """The DDL of an account, repeatable."""
    made = []
    for table, columns in CATALOGUE.items():
        parts = [f'"{name}" {_key_type(table) if name == "id" else _SQL_TYPE[kind]}' for name, kind in columns.items()]
        if table in LAGGING:
            parts.append("recorded_at real not null default 0")
        made.append(f'create table if not exists "{table}" ({", ".join(parts)})')
    return [*made, *_SERVICE_TABLES, *INDEXES]
