"""The master records of a simulated account: what journals refer to, and the masters that a client writes.

The account has custom fields of its own: those that the connector needs (``tieout`` in the name) and some that a firm
might have. A task without estimated work would be a milestone; it is a task here all the same.

Neighbours: ``journals`` checks references here; ``records`` serves customer and job; ``seed`` fills the tables.
"""

import re
import sqlite3
from collections.abc import Container
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final

import msgspec

from tieout.connectors.netsuite.simulator.errors import RefusedError
from tieout.connectors.netsuite.simulator.store import AccountStore, plain


class Reference(msgspec.Struct, omit_defaults=True):
    """How bodies refer to a record: ``{"id": "5"}``; answers add ``refName``."""

    id: str | int = ""
    refName: str | None = None  # noqa: N815 - the vendor's member name


@dataclass(frozen=True)
class Period:
    """An accounting period; ``ends`` is its last day."""

    id: int
    name: str
    starts: str
    ends: str
    closed: bool


@dataclass
class Masters:
    """What journals may refer to, in memory; made afresh when a master changes."""

    subsidiaries: dict[int, tuple[str, int]] = field(default_factory=dict)
    subsidiary_codes: dict[int, str] = field(default_factory=dict)
    currencies: dict[int, tuple[str, int]] = field(default_factory=dict)
    accounts: dict[int, tuple[str, str]] = field(default_factory=dict)
    segments: dict[str, dict[int, str]] = field(default_factory=dict)
    entities: dict[int, str] = field(default_factory=dict)
    periods: list[Period] = field(default_factory=list)
    locks: set[tuple[int, int]] = field(default_factory=set)

    @classmethod
    def read(cls, rows: sqlite3.Connection) -> "Masters":
        """Everything from the account's tables."""
        found = cls()
        for key, name, code, currency in rows.execute("select id, name, externalid, currency from subsidiary"):
            found.subsidiaries[key] = (name, currency)
            found.subsidiary_codes[key] = code or name
        for key, symbol, precision in rows.execute("select id, symbol, currencyprecision from currency"):
            found.currencies[key] = (symbol, precision)
        for key, number, name in rows.execute("select id, acctnumber, fullname from account where isinactive = 'F'"):
            found.accounts[key] = (number, name)
        for segment, table in SEGMENTS.items():
            found.segments[segment] = dict(rows.execute(_SEGMENT_ROWS[table]))
        found.entities = dict(rows.execute("select id, entityid from customer union all select id, entityid from job"))
        found.periods = [
            Period(id=row[0], name=row[1], starts=row[2], ends=row[3], closed=row[4] == "T" or row[5] == "T")
            for row in rows.execute(
                "select id, periodname, startdate, enddate, closed, alllocked from accountingperiod"
                " where isyear = 'F' and isquarter = 'F' and isposting = 'T' order by startdate"
            )
        ]
        found.locks = set(
            rows.execute(
                "select custrecord_tieout_period, custrecord_tieout_subsidiary from customrecord_tieout_period_lock"
                " where custrecord_tieout_locked = 'T'"
            )
        )
        return found

    def period_of(self, day: str) -> Period | None:
        """The posting period that holds ``day`` (ISO)."""
        return next((one for one in self.periods if one.starts <= day <= one.ends), None)


SEGMENTS: Final = {
    "department": "department",
    "class": "classification",
    "location": "location",
    "cseg_region": "customrecord_cseg_region",
}
_SEGMENT_ROWS: Final = {
    "department": "select id, name from department where isinactive = 'F'",
    "classification": "select id, name from classification where isinactive = 'F'",
    "location": "select id, name from location where isinactive = 'F'",
    "customrecord_cseg_region": "select id, name from customrecord_cseg_region where isinactive = 'F'",
}


class CustomerBody(msgspec.Struct):
    """A customer as a client sends it; absent members stay as they are."""

    externalId: str | None = None  # noqa: N815 - the vendor's member name
    entityId: str | None = None  # noqa: N815 - the vendor's member name
    companyName: str | None = None  # noqa: N815 - the vendor's member name
    subsidiary: Reference | None = None
    currency: Reference | None = None
    defaultTaxReg: str | None = None  # noqa: N815 - the vendor's member name
    isInactive: bool | None = None  # noqa: N815 - the vendor's member name
    custentity_region: str | None = None
    custentity_strategic: bool | None = None


class JobBody(msgspec.Struct):
    """A project as a client sends it; absent members stay as they are."""

    externalId: str | None = None  # noqa: N815 - the vendor's member name
    entityId: str | None = None  # noqa: N815 - the vendor's member name
    companyName: str | None = None  # noqa: N815 - the vendor's member name
    parent: Reference | None = None
    subsidiary: Reference | None = None
    currency: Reference | None = None
    startDate: date | None = None  # noqa: N815 - the vendor's member name
    projectedEndDate: date | None = None  # noqa: N815 - the vendor's member name
    entityStatus: Reference | None = None  # noqa: N815 - the vendor's member name
    estimatedRevenue: Decimal | None = None  # noqa: N815 - the vendor's member name
    estimatedTimeOverride: str | None = None  # noqa: N815 - the vendor's member name
    isInactive: bool | None = None  # noqa: N815 - the vendor's member name
    custentity_practice: str | None = None
    custentity_risk_score: Decimal | None = None
    custentity_tieout_contract: str | None = None
    custentity_tieout_rate_card: str | None = None
    custentity_tieout_service_line: str | None = None
    custentity_tieout_manager: str | None = None
    custentity_tieout_status_ref: str | None = None


class TaskBody(msgspec.Struct):
    """A task of a project as a client sends it; absent members stay as they are."""

    externalId: str | None = None  # noqa: N815 - the vendor's member name
    company: Reference | None = None
    title: str | None = None
    parent: Reference | None = None
    status: Reference | None = None
    nonBillableTask: bool | None = None  # noqa: N815 - the vendor's member name
    estimatedWork: Decimal | None = None  # noqa: N815 - the vendor's member name
    constraintType: Reference | None = None  # noqa: N815 - the vendor's member name
    startDate: date | None = None  # noqa: N815 - the vendor's member name
    finishByDate: date | None = None  # noqa: N815 - the vendor's member name
    custevent_tieout_wbs: str | None = None
    custevent_phase: str | None = None


OWN_FIELDS: Final = ("custentity", "custevent")
TASK_STATUSES: Final = ("NOTSTART", "PROGRESS", "COMPLETE")
_CONSTRAINTS: Final = ("ASAP", "FIXEDSTART")
_DURATION: Final = re.compile(r"(\d+):([0-5]\d)")


def choice_of(reference: Reference | None, known: Container[str], path: str) -> str | None:
    """The value of an enumeration; raises RefusedError (INVALID_KEY_OR_REF) for one that is not there."""
    if reference is None or reference.id == "":
        return None
    if reference.id not in known:
        raise RefusedError("INVALID_KEY_OR_REF", f"Invalid {path} reference key {reference.id}.", path=path)
    return str(reference.id)


def hours_of(duration: str | None, path: str) -> str | None:
    """The hours of a duration (160:30) as decimal text; raises RefusedError for text that is none."""
    if duration is None:
        return None
    told = _DURATION.fullmatch(duration)
    if told is None:
        raise RefusedError("INVALID_CONTENT", f"Invalid duration {duration}. Use hours:minutes.", path=path)
    return plain(Decimal(int(told[1]) * 60 + int(told[2])) / 60)


def own_fields(body: msgspec.Struct) -> dict[str, str | int | None]:
    """The custom fields of a body as columns; those that are absent are None."""
    names = [name for name in body.__struct_fields__ if name.startswith(OWN_FIELDS)]
    return {name: _column(getattr(body, name)) for name in names}


def _column(value: object) -> str | None:
    match value:
        case bool():
            return "T" if value else "F"
        case Decimal():
            return plain(value)
        case str():
            return value
    return None


def key_of(reference: Reference | None, known: Container[int], path: str) -> int | None:
    """The internal id of a reference; raises RefusedError (INVALID_KEY_OR_REF) for one that is not there."""
    if reference is None or reference.id == "":
        return None
    text = str(reference.id)
    if not text.isdecimal() or int(text) not in known:
        raise RefusedError("INVALID_KEY_OR_REF", f"Invalid {path.rpartition('.')[2]} reference key {text}.", path=path)
    return int(text)


@dataclass(frozen=True)
class EntityWriter:
    """Creates and updates customers, projects and tasks; ``local_time`` is now in the account's time zone."""

    masters: Masters
    local_time: str
    recorded_at: float

    def write_customer(self, rows: sqlite3.Connection, body: CustomerBody, key: int | None) -> int:
        """Create (``key`` None) or update one customer; returns its id."""
        fields: dict[str, str | int | None] = {
            "externalid": body.externalId,
            "entityid": body.entityId,
            "companyname": body.companyName,
            "defaulttaxreg": body.defaultTaxReg,
            "subsidiary": key_of(body.subsidiary, self.masters.subsidiaries, "subsidiary"),
            "currency": key_of(body.currency, self.masters.currencies, "currency"),
            **own_fields(body),
        }
        required = ("companyname", "subsidiary") if key is None else ()
        return self._write(rows, "customer", self._complete(fields, required, inactive=body.isInactive), key)

    def write_job(self, rows: sqlite3.Connection, body: JobBody, key: int | None) -> int:
        """Create (``key`` None) or update one project; returns its id."""
        customers = dict(rows.execute("select id, entityid from customer"))
        statuses = dict(rows.execute("select id, name from jobstatus where isinactive = 'F'"))
        fields: dict[str, str | int | None] = {
            "externalid": body.externalId,
            "entityid": body.entityId,
            "companyname": body.companyName,
            "customer": key_of(body.parent, customers, "parent"),
            "subsidiary": key_of(body.subsidiary, self.masters.subsidiaries, "subsidiary"),
            "currency": key_of(body.currency, self.masters.currencies, "currency"),
            "startdate": body.startDate.isoformat() if body.startDate else None,
            "projectedenddate": body.projectedEndDate.isoformat() if body.projectedEndDate else None,
            "entitystatus": key_of(body.entityStatus, statuses, "entityStatus"),
            "estimatedrevenue": None if body.estimatedRevenue is None else plain(body.estimatedRevenue),
            "estimatedtimeoverride": hours_of(body.estimatedTimeOverride, "estimatedTimeOverride"),
            **own_fields(body),
        }
        required = ("companyname", "customer") if key is None else ()
        return self._write(rows, "job", self._complete(fields, required, inactive=body.isInactive), key)

    def write_task(self, rows: sqlite3.Connection, body: TaskBody, key: int | None) -> int:
        """Create (``key`` None) or update one task of a project; returns its id."""
        projects = dict(rows.execute("select id, entityid from job"))
        tasks = dict(rows.execute("select id, project from projecttask"))
        fields: dict[str, str | int | None] = {
            "externalid": body.externalId,
            "project": key_of(body.company, projects, "company"),
            "title": body.title,
            "parent": key_of(body.parent, tasks, "parent"),
            "status": choice_of(body.status, TASK_STATUSES, "status") or (TASK_STATUSES[0] if key is None else None),
            "nonbillabletask": None if body.nonBillableTask is None else "T" if body.nonBillableTask else "F",
            "estimatedwork": None if body.estimatedWork is None else plain(body.estimatedWork),
            "constrainttype": choice_of(body.constraintType, _CONSTRAINTS, "constraintType"),
            "startdate": body.startDate.isoformat() if body.startDate else None,
            "finishbydate": body.finishByDate.isoformat() if body.finishByDate else None,
            **own_fields(body),
        }
        project = fields["project"] if key is None else tasks[key]
        if fields["project"] not in {None, project} or (body.parent and tasks.get(fields["parent"]) != project):
            raise RefusedError("USER_ERROR", "A task and those above and below it are of one project.", path="company")
        required = ("title", "project") if key is None else ()
        return self._write(rows, "projecttask", self._complete(fields, required, inactive=None), key)

    @staticmethod
    def _complete(
        fields: dict[str, str | int | None], required: tuple[str, ...], *, inactive: bool | None
    ) -> dict[str, str | int]:
        for name in required:
            if fields.get(name) in {None, ""}:
                raise RefusedError("FIELD_PARAM_REQD", f"Please enter value(s) for: {name}.", path=name)
        if inactive is not None:
            fields["isinactive"] = "T" if inactive else "F"
        return {name: value for name, value in fields.items() if value is not None}

    def _write(self, rows: sqlite3.Connection, table: str, fields: dict[str, str | int], key: int | None) -> int:
        self._refuse_doubles(rows, table, fields, key)
        fields["lastmodifieddate"] = self.local_time
        if key is None:
            key = int(rows.execute("insert into entity_number default values").lastrowid or 0)
            defaults: dict[str, str | int | float] = {"id": key, "recorded_at": self.recorded_at}
            if table != "projecttask":
                defaults |= {"isinactive": "F", "datecreated": self.local_time, "entityid": str(key)}
            row = {**defaults, **fields}
            names, marks = ", ".join(row), ", ".join("?" * len(row))
            # Table and column names are literals of this module.
            rows.execute(f"insert into {table} ({names}) values ({marks})", tuple(row.values()))  # noqa: S608 - see above
            return key
        assigned = ", ".join(f"{name} = ?" for name in fields)
        rows.execute(f"update {table} set {assigned} where id = ?", (*fields.values(), key))  # noqa: S608 - as above
        return key

    @staticmethod
    def _refuse_doubles(rows: sqlite3.Connection, table: str, fields: dict[str, str | int], key: int | None) -> None:
        for name, code, words in (
            ("entityid", "UNIQUE_CUST_ID_REQD", "A {} record with this ID already exists. Enter a unique ID."),
            ("externalid", "DUP_RCRD", "A {} record with this external ID already exists."),
        ):
            if name not in fields:
                continue
            found = rows.execute(f"select id from {table} where {name} = ?", (fields[name],)).fetchone()  # noqa: S608 - literals of this module
            if found is not None and found[0] != key:
                raise RefusedError(code, words.format(table), path=name)


def masters_of(store: AccountStore) -> Masters:
    """The masters as last committed."""
    return Masters.read(store.reader)
