"""The SuiteQL that the connector asks: masters by keyset pages, look-ups by code or reference, the ledger.

"Executing SuiteQL Queries Through REST Web Services" of the NetSuite help. Only keyset pages are asked (``offset`` 0, a
unique order, "greater than the last key"): pages by offset lose and repeat rows while data change, and end at 100,000.
Dates are asked as ISO text, because a bare date comes in the account's own format.
"""

# ruff: noqa: S608 - SuiteQL has no parameters over REST; ids pass number(), texts text(), times timestamp()

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final

import msgspec

from tieout.connectors.netsuite.manifest import STATUS_REFERENCE_FIELD, WBS_FIELD
from tieout.errors import ContractError

MAX_NAMES: Final = 200
"""Names in one IN list; NetSuite takes 1,000, shorter texts keep a slow query short."""

_CHANGED: Final = "TO_CHAR({}.lastmodifieddate, 'YYYY-MM-DD HH24:MI:SS')"
_TIMESTAMP: Final = "%Y-%m-%d %H:%M:%S"


class KeysetQuery(msgspec.Struct, frozen=True, kw_only=True):
    """A query read page by page. ``keys`` are expressions that order it uniquely, ``names`` their output columns.

    ``changes`` says that the first key is the change time: a later read starts at the last one, less an overlap.
    """

    select: str
    where: str
    keys: tuple[str, ...]
    names: tuple[str, ...]
    group_by: str = ""
    changes: bool = False

    def page(self, after: Sequence[str]) -> str:
        """The query for the rows after the keys ``after`` (empty: from the beginning)."""
        conditions = [condition for condition in (self.where, self._beyond(after)) if condition]
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        grouped = f" GROUP BY {self.group_by}" if self.group_by else ""
        return f"{self.select}{where}{grouped} ORDER BY {', '.join(self.keys)}"

    def _beyond(self, after: Sequence[str]) -> str:
        if not after:
            return ""
        values = [self._literal(place, value) for place, value in enumerate(after)]
        if len(values) == 1:
            return f"{self.keys[0]} > {values[0]}"
        first, second = self.keys
        return f"({first} > {values[0]} OR ({first} = {values[0]} AND {second} > {values[1]}))"

    def _literal(self, place: int, value: str) -> str:
        return timestamp(value) if self.changes and place == 0 else number(value)


def timestamp(value: str) -> str:
    """A change time as SuiteQL; raises ContractError for text that is none."""
    try:
        parsed = datetime.strptime(value, _TIMESTAMP)  # noqa: DTZ007 - the account's own zone, compared with itself only
    except ValueError as error:
        raise ContractError(code="TIE-NETSUITE-002", message=f"NetSuite gave {value!r} as a change time.") from error
    return f"TO_TIMESTAMP('{parsed:%Y-%m-%d %H:%M:%S}', 'YYYY-MM-DD HH24:MI:SS')"


def earlier(value: str, overlap_s: float) -> str:
    """A change time moved back by ``overlap_s`` seconds."""
    parsed = datetime.strptime(value, _TIMESTAMP)  # noqa: DTZ007 - as above
    return f"{parsed - timedelta(seconds=overlap_s):%Y-%m-%d %H:%M:%S}"


def number(value: str) -> str:
    """An internal id as SuiteQL; raises ContractError for text that is none."""
    if not value.isascii() or not value.isdecimal():
        raise ContractError(code="TIE-NETSUITE-002", message=f"NetSuite gave {value!r} as an internal id.")
    return value


def text(value: str) -> str:
    """Any text as a SuiteQL literal."""
    return "'" + value.replace("'", "''") + "'"


def texts(values: Iterable[str]) -> str:
    """A list of literals for IN."""
    return ", ".join(text(value) for value in values)


def master_query(object_name: str, *, period_lock_record: str | None) -> KeysetQuery | None:
    """The query that reads a master object, or None for an object that is not read."""
    if object_name == "accountingperiod":
        return _periods(period_lock_record)
    return _MASTERS.get(object_name)


_MASTERS: Final = {
    "subsidiary": KeysetQuery(
        select="SELECT s.id AS id, s.name AS name, s.externalid AS externalid, c.symbol AS currency,"
        f" s.country AS country, s.isinactive AS isinactive, {_CHANGED.format('s')} AS changed"
        " FROM subsidiary s LEFT JOIN currency c ON c.id = s.currency",
        where="s.iselimination = 'F'",
        keys=("s.id",),
        names=("id",),
    ),
    "customer": KeysetQuery(
        select="SELECT m.id AS id, m.entityid AS entityid, m.companyname AS companyname, c.symbol AS currency,"
        f" m.isinactive AS isinactive, {_CHANGED.format('m')} AS changed"
        " FROM customer m LEFT JOIN currency c ON c.id = m.currency",
        where="",
        keys=("m.lastmodifieddate", "m.id"),
        names=("changed", "id"),
        changes=True,
    ),
    "job": KeysetQuery(
        select="SELECT m.id AS id, m.entityid AS entityid, m.companyname AS companyname, m.customer AS customer,"
        " m.subsidiary AS subsidiary, c.symbol AS currency, TO_CHAR(m.startdate, 'YYYY-MM-DD') AS starts,"
        f" TO_CHAR(m.projectedenddate, 'YYYY-MM-DD') AS ends, m.isinactive AS isinactive,"
        f" {_CHANGED.format('m')} AS changed"
        " FROM job m LEFT JOIN currency c ON c.id = m.currency",
        where="",
        keys=("m.lastmodifieddate", "m.id"),
        names=("changed", "id"),
        changes=True,
    ),
    "currencyrate": KeysetQuery(
        select="SELECT r.id AS id, b.symbol AS basecurrency, t.symbol AS transactioncurrency,"
        " r.exchangerate AS exchangerate, TO_CHAR(r.effectivedate, 'YYYY-MM-DD') AS effectivedate,"
        f" {_CHANGED.format('r')} AS changed FROM currencyrate r JOIN currency b ON b.id = r.basecurrency"
        " JOIN currency t ON t.id = r.transactioncurrency",
        where="",
        keys=("r.id",),
        names=("id",),
    ),
}


def _periods(lock_record: str | None) -> KeysetQuery:
    locks = ""
    columns = ""
    if lock_record is not None:
        columns = (
            ", l.custrecord_tieout_locked AS locked, TO_CHAR(l.lastmodified, 'YYYY-MM-DD HH24:MI:SS') AS lock_changed"
        )
        locks = (
            f" LEFT JOIN {lock_record} l ON l.custrecord_tieout_period = p.id"
            " AND l.custrecord_tieout_subsidiary = s.id AND l.isinactive = 'F'"
        )
    return KeysetQuery(
        select="SELECT p.id AS id, s.id AS subsidiary, p.periodname AS periodname,"
        " TO_CHAR(p.startdate, 'YYYY-MM-DD') AS starts, TO_CHAR(p.enddate, 'YYYY-MM-DD') AS ends,"
        f" p.closed AS closed, p.alllocked AS alllocked, {_CHANGED.format('p')} AS changed{columns}"
        f" FROM accountingperiod p CROSS JOIN subsidiary s{locks}",
        where="p.isyear = 'F' AND p.isquarter = 'F' AND p.isadjust = 'F' AND s.iselimination = 'F'",
        keys=("p.id", "s.id"),
        names=("id", "subsidiary"),
    )


SUBSIDIARIES: Final = KeysetQuery(
    select="SELECT s.id AS id, s.name AS name, s.externalid AS code, c.symbol AS currency"
    " FROM subsidiary s LEFT JOIN currency c ON c.id = s.currency",
    where="s.isinactive = 'F'",
    keys=("s.id",),
    names=("id",),
)
CURRENCIES: Final = KeysetQuery(
    select="SELECT c.id AS id, c.symbol AS name FROM currency c",
    where="c.isinactive = 'F'",
    keys=("c.id",),
    names=("id",),
)
_SEGMENT_TABLES: Final = {"department": "department", "class": "classification", "location": "location"}


def segment_values(field: str) -> KeysetQuery:
    """The values of a line field: department, class, location or a custom segment, which has a record type of its own.

    ``field`` is one that the options let through.
    """
    table = _SEGMENT_TABLES.get(field, f"customrecord_{field}")
    return KeysetQuery(
        select=f"SELECT d.id AS id, d.name AS name, d.externalid AS code FROM {table} d",
        where="d.isinactive = 'F'",
        keys=("d.id",),
        names=("id",),
    )


PROJECT_STATUSES: Final = KeysetQuery(
    select="SELECT s.id AS id, s.name AS name FROM jobstatus s",
    where="s.isinactive = 'F'",
    keys=("s.id",),
    names=("id",),
)


def tasks(projects: Iterable[str], codes: Iterable[str]) -> KeysetQuery:
    """Tasks of projects (ids) by WBS code."""
    ids = ", ".join(number(one) for one in projects)
    return KeysetQuery(
        select=f"SELECT t.id AS id, t.project AS project, t.{WBS_FIELD} AS code, t.status AS status FROM projecttask t",
        where=f"t.project IN ({ids}) AND t.{WBS_FIELD} IN ({texts(codes)})",
        keys=("t.id",),
        names=("id",),
    )


HELD_TASKS: Final = KeysetQuery(
    select=f"SELECT t.id AS id, t.project AS project, t.title AS title, t.{WBS_FIELD} AS code, t.parent AS parent,"
    " t.status AS status, t.nonbillabletask AS nonbillable, t.estimatedwork AS hours,"
    " TO_CHAR(t.startdate, 'YYYY-MM-DD') AS starts, TO_CHAR(t.finishbydate, 'YYYY-MM-DD') AS ends FROM projecttask t",
    where="",
    keys=("t.id",),
    names=("id",),
)


def held_jobs(kept: Mapping[str, str]) -> KeysetQuery:
    """Budgets and status of projects; ``kept`` are fields of the account's own that the options let through."""
    own = "".join(f", m.{field} AS {name}" for name, field in sorted(kept.items()))
    return KeysetQuery(
        select="SELECT m.id AS id, m.estimatedrevenue AS revenue, m.estimatedtimeoverride AS hours,"
        f" m.entitystatus AS status{own} FROM job m",
        where="m.isinactive = 'F'",
        keys=("m.id",),
        names=("id",),
    )


def statuses_by_reference(references: Iterable[str]) -> KeysetQuery:
    """Projects by our reference of the command that set their status."""
    return KeysetQuery(
        select=f"SELECT m.id AS id, m.{STATUS_REFERENCE_FIELD} AS name FROM job m",
        where=f"m.{STATUS_REFERENCE_FIELD} IN ({texts(references)})",
        keys=("m.id",),
        names=("id",),
    )


_NAMED: Final = {"account": "acctnumber", "customer": "entityid", "job": "entityid"}


def by_names(table: str, names: Iterable[str]) -> KeysetQuery:
    """Accounts by number, customers or projects by code."""
    column = _NAMED[table]
    return KeysetQuery(
        select=f"SELECT m.id AS id, m.{column} AS name FROM {table} m",
        where=f"m.isinactive = 'F' AND m.{column} IN ({texts(names)})",
        keys=("m.id",),
        names=("id",),
    )


def records_by_reference(table: str, references: Iterable[str]) -> KeysetQuery:
    """Customers, projects or tasks by our reference in their external id."""
    return KeysetQuery(
        select=f"SELECT m.id AS id, m.externalid AS name FROM {table} m",
        where=f"m.externalid IN ({texts(references)})",
        keys=("m.id",),
        names=("id",),
    )


def journals_by_reference(references: Iterable[str]) -> KeysetQuery:
    """Journals by our reference in their external id, with the sum of their debits."""
    return KeysetQuery(
        select="SELECT t.id AS id, t.externalid AS externalid, TO_CHAR(t.trandate, 'YYYY-MM-DD') AS trandate,"
        " c.symbol AS currency, t.posting AS posting, t.voided AS voided, SUM(g.debit) AS debits"
        " FROM transaction t JOIN currency c ON c.id = t.currency"
        " JOIN transactionaccountingline g ON g.transaction = t.id",
        where=f"t.type = 'Journal' AND g.accountingbook = 1 AND t.externalid IN ({texts(references)})",
        group_by="t.id, t.externalid, t.trandate, c.symbol, t.posting, t.voided",
        keys=("t.id",),
        names=("id",),
    )


def journal_headers(*, subsidiary: str, starts: date, ends: date, prefix: str) -> KeysetQuery:
    """The journals of ours that a subsidiary has with dates in [starts, ends)."""
    return KeysetQuery(
        select="SELECT DISTINCT t.id AS id FROM transaction t JOIN transactionline l ON l.transaction = t.id",
        where=f"t.type = 'Journal' AND t.externalid LIKE {text(prefix + '%')} AND l.subsidiary = {number(subsidiary)}"
        f" AND t.trandate >= TO_DATE('{starts.isoformat()}', 'YYYY-MM-DD')"
        f" AND t.trandate < TO_DATE('{ends.isoformat()}', 'YYYY-MM-DD')",
        keys=("t.id",),
        names=("id",),
    )


def ledger_lines(ids: Sequence[str]) -> KeysetQuery:
    """The accounting lines of journals, by id."""
    return KeysetQuery(
        select="SELECT t.id AS id, l.id AS line, t.externalid AS externalid,"
        " TO_CHAR(t.trandate, 'YYYY-MM-DD') AS trandate, p.periodname AS periodname, t.posting AS posting,"
        " a.acctnumber AS acctnumber, f.symbol AS functional, g.debit AS debit, g.credit AS credit,"
        " l.custcol_tieout_currency AS currency, l.custcol_tieout_amount AS amount"
        " FROM transaction t JOIN transactionline l ON l.transaction = t.id"
        " JOIN transactionaccountingline g ON g.transaction = t.id AND g.transactionline = l.id"
        " JOIN account a ON a.id = g.account JOIN subsidiary s ON s.id = l.subsidiary"
        " JOIN currency f ON f.id = s.currency JOIN accountingperiod p ON p.id = t.postingperiod",
        where=f"g.accountingbook = 1 AND t.id IN ({', '.join(number(one) for one in ids)})",
        keys=("t.id", "l.id"),
        names=("id", "line"),
    )
