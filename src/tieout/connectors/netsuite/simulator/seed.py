"""Fills a simulated account from a seed firm, and lets somebody work in it by hand.

Neighbours: ``tieout.connect.simulator.seed`` is the firm's document, ``schema`` the tables. Subsidiaries carry the
legal entity's code as external id, departments theirs; customers and projects have it as entity id, as keyed by hand.
"""

import calendar
import sqlite3
from decimal import Decimal
from typing import Final

from iso4217 import Currency as IsoCurrency

from tieout.connect.simulator.seed import SeedClient, SeedFirm, SeedProject
from tieout.connectors.netsuite.simulator.schema import CATALOGUE
from tieout.connectors.netsuite.simulator.store import plain

STATES_BY_STATUS: Final = {
    "Closed": "financially_closed",
    "Not Awarded": None,
    "In Progress": "active",
    "Pending": "provisioning",
    "Awarded": "approved",
    "On Hold": "on_hold",
    "Delivery Complete": "delivery_complete",
    "Archived": "archived",
}
"""The account's project statuses, the first five its original ones, by what they mean in the words of the seed."""

REGIONS: Final = ("Americas", "Europe", "Asia")
"""Values of the account's custom segment."""

_MONTH_NAMES: Final = calendar.month_abbr


def fill(rows: sqlite3.Connection, firm: SeedFirm, *, local_time: str) -> None:
    """Replace everything the account holds by the firm."""
    for table in (*CATALOGUE, "entity_number", "async_job", "async_task"):
        rows.execute(f'delete from "{table}"')  # noqa: S608 - tables of the catalogue
    currencies = _currencies(rows, firm)
    subsidiaries = {entity.code: number for number, entity in enumerate(firm.entities, start=1)}
    rows.executemany(
        "insert into subsidiary (id, parent, currency, name, fullname, externalid, country, isinactive, iselimination,"
        " lastmodifieddate) values (?, null, ?, ?, ?, ?, ?, 'F', 'F', ?)",
        [
            (subsidiaries[one.code], currencies[one.currency], one.name, one.name, one.code, one.country, local_time)
            for one in firm.entities
        ],
    )
    rows.executemany(
        "insert into account (id, acctnumber, accountsearchdisplayname, fullname, accttype, isinactive, issummary,"
        " lastmodifieddate) values (?, ?, ?, ?, 'OthCurrAsset', 'F', 'F', ?)",
        [
            (100 + place, number, f"{number} {role}", role.replace("_", " ").capitalize(), local_time)
            for place, (role, number) in enumerate(firm.accounts.items())
        ],
    )
    rows.executemany(
        "insert into department (id, name, fullname, externalid, isinactive) values (?, ?, ?, ?, 'F')",
        [(place, name, name, code) for place, (name, code) in enumerate(firm.departments.items(), start=1)],
    )
    rows.executemany(
        "insert into jobstatus (id, name, isinactive) values (?, ?, 'F')", list(enumerate(STATES_BY_STATUS, start=1))
    )
    rows.executemany(
        "insert into customrecord_cseg_region (id, name, externalid, isinactive) values (?, ?, ?, 'F')",
        [(place, name, name.upper()) for place, name in enumerate(REGIONS, start=1)],
    )
    _periods(rows, firm, subsidiaries, local_time)
    _customers_and_projects(rows, firm, subsidiaries, currencies, local_time)
    _rates(rows, firm, currencies, local_time)


def _currencies(rows: sqlite3.Connection, firm: SeedFirm) -> dict[str, int]:
    symbols = [one.currency for one in firm.entities] + [one.currency for one in firm.clients]
    symbols += [one.currency for one in firm.projects] + [one.currency for one in firm.rate_cards]
    symbols += [symbol for rate in firm.fx_rates for symbol in (rate.base, rate.quote)]
    symbols += [rate.currency for person in firm.people for rate in person.cost_rates]
    numbered = {symbol: number for number, symbol in enumerate(dict.fromkeys(symbols), start=1)}
    rows.executemany(
        "insert into currency (id, symbol, name, currencyprecision, isinactive, isbasecurrency)"
        " values (?, ?, ?, ?, 'F', ?)",
        [
            (key, symbol, symbol, IsoCurrency(symbol).exponent or 0, "T" if key == 1 else "F")
            for symbol, key in numbered.items()
        ],
    )
    return numbered


def _periods(rows: sqlite3.Connection, firm: SeedFirm, subsidiaries: dict[str, int], local_time: str) -> None:
    months = sorted({month for entity in firm.entities for month in (*entity.periods, *entity.closed_periods)})
    keys = {month: 200 + place for place, month in enumerate(months)}
    rows.executemany(
        "insert into accountingperiod (id, periodname, startdate, enddate, closed, alllocked, aplocked, arlocked,"
        " isyear, isquarter, isadjust, isposting, isinactive, lastmodifieddate)"
        " values (?, ?, ?, ?, 'F', 'F', 'F', 'F', 'F', 'F', 'F', 'T', 'F', ?)",
        [(key, *_month(month), local_time) for month, key in keys.items()],
    )
    for entity in firm.entities:
        for month in entity.closed_periods:
            lock_period(rows, keys[month], subsidiaries[entity.code], locked=True, local_time=local_time)


def _month(month: str) -> tuple[str, str, str]:
    """Name, first and last day of a month such as 2026-08."""
    year, number = int(month[:4]), int(month[5:7])
    last = calendar.monthrange(year, number)[1]
    return f"{_MONTH_NAMES[number]} {year}", f"{month}-01", f"{month}-{last:02d}"


def lock_period(rows: sqlite3.Connection, period: int, subsidiary: int, *, locked: bool, local_time: str) -> None:
    """Lock or unlock one period for one subsidiary."""
    flag = "T" if locked else "F"
    touched = rows.execute(
        "update customrecord_tieout_period_lock set custrecord_tieout_locked = ?, lastmodified = ?"
        " where custrecord_tieout_period = ? and custrecord_tieout_subsidiary = ?",
        (flag, local_time, period, subsidiary),
    ).rowcount
    if not touched:
        rows.execute(
            "insert into customrecord_tieout_period_lock (name, custrecord_tieout_period, custrecord_tieout_subsidiary,"
            " custrecord_tieout_locked, isinactive, lastmodified) values (?, ?, ?, ?, 'F', ?)",
            (f"{period} {subsidiary}", period, subsidiary, flag, local_time),
        )


def _customers_and_projects(
    rows: sqlite3.Connection,
    firm: SeedFirm,
    subsidiaries: dict[str, int],
    currencies: dict[str, int],
    local_time: str,
) -> None:
    customers = {client.code: _entity_number(rows) for client in firm.clients}
    rows.executemany(
        "insert into customer (id, subsidiary, currency, entityid, companyname, isinactive, isperson, datecreated,"
        " lastmodifieddate) values (?, ?, ?, ?, ?, 'F', 'F', ?, ?)",
        [
            (
                customers[one.code],
                subsidiaries[one.entity],
                currencies[one.currency],
                one.code,
                one.name,
                *[local_time] * 2,
            )
            for one in firm.clients
        ],
    )
    for one in firm.projects:
        _add_project(rows, one, (customers[one.client], subsidiaries[one.entity], currencies[one.currency]), local_time)


def _add_project(rows: sqlite3.Connection, one: SeedProject, place: tuple[int, int, int], local_time: str) -> None:
    """``place`` are the ids of customer, subsidiary and currency; the seed's end is the last day, as NetSuite's."""
    rows.execute(
        "insert into job (id, customer, subsidiary, currency, entityid, companyname, isinactive, startdate,"
        " projectedenddate, entitystatus, datecreated, lastmodifieddate)"
        " values (?, ?, ?, ?, ?, ?, 'F', ?, ?, ?, ?, ?)",
        (
            _entity_number(rows),
            *place,
            one.code,
            one.name,
            one.starts,
            one.ends,
            _status(rows, one.status),
            *[local_time] * 2,
        ),
    )


def _status(rows: sqlite3.Connection, state: str) -> int | None:
    names = [name for name, meaning in STATES_BY_STATUS.items() if meaning == state]
    found = rows.execute("select id from jobstatus where name = ?", names[:1]).fetchone() if names else None
    return None if found is None else int(found[0])


def _entity_number(rows: sqlite3.Connection) -> int:
    return int(rows.execute("insert into entity_number default values").lastrowid or 0)


def _rates(rows: sqlite3.Connection, firm: SeedFirm, currencies: dict[str, int], local_time: str) -> None:
    rows.executemany(
        "insert into currencyrate (id, basecurrency, transactioncurrency, exchangerate, effectivedate,"
        " lastmodifieddate) values (?, ?, ?, ?, ?, ?)",
        [
            (number, currencies[one.quote], currencies[one.base], plain(Decimal(one.rate)), one.day, local_time)
            for number, one in enumerate(firm.fx_rates, start=1)
        ],
    )


def set_period(rows: sqlite3.Connection, *, entity: str, month: str, closed: bool, local_time: str) -> bool:
    """Lock or unlock a month for a legal entity; False when there is no such month or entity."""
    period = rows.execute("select id from accountingperiod where startdate = ?", (f"{month}-01",)).fetchone()
    subsidiary = rows.execute("select id from subsidiary where externalid = ?", (entity,)).fetchone()
    if period is None or subsidiary is None:
        return False
    lock_period(rows, int(period[0]), int(subsidiary[0]), locked=closed, local_time=local_time)
    return True


def put_client(rows: sqlite3.Connection, client: SeedClient, *, local_time: str) -> bool:
    """Add or change a customer by hand; False when its legal entity or currency is not there."""
    subsidiary = rows.execute("select id from subsidiary where externalid = ?", (client.entity,)).fetchone()
    currency = rows.execute("select id from currency where symbol = ?", (client.currency,)).fetchone()
    if subsidiary is None or currency is None:
        return False
    changed = rows.execute(
        "update customer set companyname = ?, subsidiary = ?, currency = ?, lastmodifieddate = ? where entityid = ?",
        (client.name, subsidiary[0], currency[0], local_time, client.code),
    ).rowcount
    if not changed:
        rows.execute(
            "insert into customer (id, subsidiary, currency, entityid, companyname, isinactive, isperson, datecreated,"
            " lastmodifieddate) values (?, ?, ?, ?, ?, 'F', 'F', ?, ?)",
            (_entity_number(rows), subsidiary[0], currency[0], client.code, client.name, local_time, local_time),
        )
    return True


def put_project(rows: sqlite3.Connection, project: SeedProject, *, local_time: str) -> bool:
    """Add or change a project by hand; False when its customer, legal entity or currency is not there."""
    place = (
        rows.execute("select id from customer where entityid = ?", (project.client,)).fetchone(),
        rows.execute("select id from subsidiary where externalid = ?", (project.entity,)).fetchone(),
        rows.execute("select id from currency where symbol = ?", (project.currency,)).fetchone(),
    )
    customer, subsidiary, currency = place
    if customer is None or subsidiary is None or currency is None:
        return False
    changed = rows.execute(
        "update job set companyname = ?, customer = ?, subsidiary = ?, currency = ?, startdate = ?,"
        " projectedenddate = ?, entitystatus = ?, lastmodifieddate = ? where entityid = ?",
        (
            project.name,
            customer[0],
            subsidiary[0],
            currency[0],
            project.starts,
            project.ends,
            _status(rows, project.status),
            local_time,
            project.code,
        ),
    ).rowcount
    if not changed:
        _add_project(rows, project, (customer[0], subsidiary[0], currency[0]), local_time)
    return True


def delete_record(rows: sqlite3.Connection, kind: str, code: str) -> bool:
    """Delete a client or project by hand; False when there is none, or when others depend on it."""
    if kind == "client":
        return bool(
            rows.execute(
                "delete from customer where entityid = ? and not exists"
                " (select 1 from job where job.customer = customer.id)",
                (code,),
            ).rowcount
        )
    if kind != "project":
        return False
    return bool(
        rows.execute(
            "delete from job where entityid = ? and not exists"
            " (select 1 from projecttask as task where task.project = job.id)",
            (code,),
        ).rowcount
    )
