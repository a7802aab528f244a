"""Fills a simulated account from a seed firm, and lets somebody work in it by hand.

Neighbours: ``tieout.connect.simulator.seed`` is the firm's document, ``schema`` the tables. Subsidiaries carry the
legal entity's code as external id, departments theirs; customers and projects have it as entity id, as keyed by hand.
"""

import calendar
import sqlite3
from decimal import Decimal
from typing import Final

from iso4217 import Currency as IsoCurrency

from tieout.connect.simulator.seed import SeedClient, SeedFirm
from tieout.connectors.netsuite.simulator.schema import CATALOGUE
from tieout.connectors.netsuite.simulator.store import plain

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
    rows.executemany(
        "insert into job (id, customer, subsidiary, currency, entityid, companyname, isinactive, startdate,"
        " projectedenddate, datecreated, lastmodifieddate) values (?, ?, ?, ?, ?, ?, 'F', ?, ?, ?, ?)",
        [
            (
                _entity_number(rows),
                customers[one.client],
                subsidiaries[one.entity],
                currencies[one.currency],
                one.code,
                one.name,
                one.starts,
                one.ends,
                local_time,
                local_time,
            )
            for one in firm.projects
        ],
    )


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
