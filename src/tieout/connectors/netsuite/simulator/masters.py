"""The master records of a simulated account: what journals refer to, and the customers and projects a client writes.

Neighbours: ``journals`` checks references here; ``records`` serves customer and job; ``seed`` fills the tables.
"""

import sqlite3
from collections.abc import Container
from dataclasses import dataclass, field
from datetime import date
from typing import Final

import msgspec

from tieout.connectors.netsuite.simulator.errors import RefusedError
from tieout.connectors.netsuite.simulator.store import AccountStore


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


SEGMENTS: Final = {"department": "department", "class": "classification", "location": "location"}
_SEGMENT_ROWS: Final = {
    "department": "select id, name from department where isinactive = 'F'",
    "classification": "select id, name from classification where isinactive = 'F'",
    "location": "select id, name from location where isinactive = 'F'",
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
    isInactive: bool | None = None  # noqa: N815 - the vendor's member name


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
    """Creates and updates customers and projects; ``local_time`` is now in the account's time zone."""

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
        }
        required = ("companyname", "subsidiary") if key is None else ()
        return self._write(rows, "customer", self._complete(fields, required, inactive=body.isInactive), key)

    def write_job(self, rows: sqlite3.Connection, body: JobBody, key: int | None) -> int:
        """Create (``key`` None) or update one project; returns its id."""
        customers = dict(rows.execute("select id, entityid from customer"))
        fields: dict[str, str | int | None] = {
            "externalid": body.externalId,
            "entityid": body.entityId,
            "companyname": body.companyName,
            "customer": key_of(body.parent, customers, "parent"),
            "subsidiary": key_of(body.subsidiary, self.masters.subsidiaries, "subsidiary"),
            "currency": key_of(body.currency, self.masters.currencies, "currency"),
            "startdate": body.startDate.isoformat() if body.startDate else None,
            "projectedenddate": body.projectedEndDate.isoformat() if body.projectedEndDate else None,
        }
        required = ("companyname", "customer") if key is None else ()
        return self._write(rows, "job", self._complete(fields, required, inactive=body.isInactive), key)

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
            defaults: dict[str, str | int | float] = {
                "id": key,
                "isinactive": "F",
                "datecreated": self.local_time,
                "recorded_at": self.recorded_at,
                "entityid": str(key),
            }
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
