# ruff: noqa: INP001 - a program beside the package, deliberately not importable as a part of it
"""Fills one Tryton database with a firm: runs inside Tryton's own environment, in one transaction.

A program, not a module of ours: ``tieout.sample.tryton_server`` starts it with the interpreter of Tryton's virtual
environment; nothing imports it, and it imports nothing of ours. It reads a firm as JSON from standard input and prints
as JSON what it made. Running it again changes nothing that is there and adds what is missing.

``python set_up_firm.py DATABASE < firm.json > facts.json``, with Tryton's configuration in the environment
"""

import json
import sys
from calendar import monthrange
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from trytond.pool import Pool as TrytonPool  # type: ignore[import-not-found] # lives in Tryton's environment only
from trytond.transaction import Transaction, TransactionError  # type: ignore[import-not-found] # as above

CHART = ("account", "account_template_root_en")
MONTHS_OF_A_YEAR = 12
LOCKED_FROM_THE_START = (
    "account_fiscalyear",
    "account_period",
    "account_journal_period",
    "account_move",
    "party_configuration",
)

Firm = dict[str, Any]
Record = Any  # an object of Tryton's own, typed by nobody
Pool = Any


def find_or_create(pool: Pool, model: str, key: dict[str, Any], values: dict[str, Any]) -> Record:
    """The record of ``model`` whose fields equal ``key``, made with ``values`` too where there is none."""
    handle = pool.get(model)
    domain = [(name, "=", getattr(value, "id", value)) for name, value in key.items()]
    found = handle.search(domain, limit=1)
    if found:
        return found[0]
    record = handle(**key, **values)
    record.save()
    return record


def set_up_currencies(pool: Pool, firm: Firm) -> dict[str, Record]:
    """Currencies with the digits of ISO 4217, and their rates: units of the currency for one unit of the base."""
    currencies = {}
    for one in firm["currencies"]:
        currencies[one["code"]] = find_or_create(
            pool,
            "currency.currency",
            {"code": one["code"]},
            {
                "name": one["code"],
                "numeric_code": one["numeric_code"],
                "digits": one["digits"],
                "rounding": Decimal(1).scaleb(-one["digits"]),
            },
        )
    rates = pool.get("currency.currency.rate")
    known = {(rate.currency.code, rate.date) for rate in rates.search([])}
    missing = [
        {
            "currency": currencies[one["currency"]].id,
            "date": date.fromisoformat(one["day"]),
            "rate": Decimal(one["rate"]),
        }
        for one in firm["rates"]
        if (one["currency"], date.fromisoformat(one["day"])) not in known
    ]
    rates.create(missing)
    return currencies


def set_up_companies(pool: Pool, firm: Firm, currencies: dict[str, Record]) -> dict[str, Record]:
    """Legal entities as companies; the code of the company's own party is the code of the legal entity."""
    companies = {}
    for one in firm["companies"]:
        party = find_or_create(pool, "party.party", {"code": one["code"]}, {"name": one["name"]})
        companies[one["code"]] = find_or_create(
            pool,
            "company.company",
            {"party": party},
            {"currency": currencies[one["currency"]], "timezone": one["time_zone"]},
        )
        if one.get("country"):
            country = find_or_create(pool, "country.country", {"code": one["country"]}, {"name": one["country"]})
            find_or_create(pool, "party.address", {"party": party, "country": country}, {})
    return companies


def set_up_chart(pool: Pool, company: Record) -> None:
    """The generic English chart of accounts, as Tryton's own wizard makes it."""
    if pool.get("account.account").search([("company", "=", company.id)], limit=1):
        return
    wizard_class = pool.get("account.create_chart", type="wizard")
    session, _start, _end = wizard_class.create()
    wizard = wizard_class(session)
    wizard.account.company = company
    wizard.account.account_template = pool.get("account.account.template")(pool.get("ir.model.data").get_id(*CHART))
    wizard.transition_create_account()
    wizard_class.delete(session)


def set_up_accounts(pool: Pool, firm: Firm, company: Record) -> dict[str, int]:
    """The accounts of the firm's own, each beside an account of the chart and of that one's type."""
    accounts = pool.get("account.account")
    made = {}
    for one in firm["accounts"]:
        (model,) = accounts.search([("company", "=", company.id), ("code", "=", one["beside"])])
        account = find_or_create(
            pool,
            "account.account",
            {"company": company, "code": one["code"]},
            {
                "name": one["name"],
                "type": model.type,
                "parent": model.parent,
                "party_required": one["party_required"],
            },
        )
        made[one["code"]] = account.id
    return made


def set_up_periods(pool: Pool, company: Record, months: Iterable[str], closed: Iterable[str]) -> dict[str, int]:
    """A fiscal year with twelve monthly periods for every year that a month falls in; ``closed`` ones are closed."""
    periods = pool.get("account.period")
    for year in sorted({int(month[:4]) for month in months}):
        set_up_fiscal_year(pool, company, year)
    found = {one.name: one for one in periods.search([("company", "=", company.id), ("type", "=", "standard")])}
    to_close = [found[month] for month in closed if found[month].state == "open"]
    if to_close:
        periods.close(to_close)
    return {name: one.id for name, one in found.items()}


def set_up_fiscal_year(pool: Pool, company: Record, year: int) -> None:
    """The calendar year as a fiscal year of ``company``, with a gapless number sequence of its own."""
    years = pool.get("account.fiscalyear")
    if years.search([("company", "=", company.id), ("name", "=", str(year))], limit=1):
        return
    sequence_type = pool.get("ir.model.data").get_id("account", "sequence_type_account_move")
    sequence = pool.get("ir.sequence.strict")(
        name=f"{company.party.code} {year}", sequence_type=sequence_type, company=company, prefix=f"{year}/", padding=6
    )
    sequence.save()
    fiscal_year = years(
        name=str(year),
        company=company,
        start_date=date(year, 1, 1),
        end_date=date(year, MONTHS_OF_A_YEAR, monthrange(year, MONTHS_OF_A_YEAR)[1]),
        move_sequence=sequence,
    )
    fiscal_year.save()
    years.create_period([fiscal_year])


def set_up_masters(pool: Pool, firm: Firm, companies: dict[str, Record]) -> None:
    """Customers, projects and employees under the business codes that the firm's other systems use too."""
    configuration = pool.get("party.configuration")(1)
    configuration.party_sequence = None  # so that whoever creates a party may state its code
    configuration.save()
    parties = pool.get("party.party")
    existing = {party.code: party for party in parties.search([])}
    category = find_or_create(pool, "party.category", {"name": firm["customer_category"]}, {})
    marks = {"customers": [("add", [category.id])], "employees": []}
    new = [
        {"code": one["code"], "name": one["name"], "categories": mark}
        for group, mark in marks.items()
        for one in firm[group]
        if one["code"] not in existing
    ]
    existing.update((party.code, party) for party in parties.create(new))
    set_up_employees(pool, firm, companies, existing)
    set_up_projects(pool, firm, companies, existing)


def set_up_employees(pool: Pool, firm: Firm, companies: dict[str, Record], parties: dict[str, Record]) -> None:
    """Who is employed by which company, and how they are reached."""
    employees = pool.get("company.employee")
    employed = {(one.party.code, one.company.id) for one in employees.search([])}
    employees.create(
        [
            {
                "party": parties[one["code"]].id,
                "company": companies[one["company"]].id,
                "start_date": date.fromisoformat(one["starts"]) if one.get("starts") else None,
                "end_date": date.fromisoformat(one["ends"]) if one.get("ends") else None,
            }
            for one in firm["employees"]
            if (one["code"], companies[one["company"]].id) not in employed
        ]
    )
    mechanisms = pool.get("party.contact_mechanism")
    reached = {one.party.code for one in mechanisms.search([("type", "=", "email")])}
    mechanisms.create(
        [
            {"party": parties[one["code"]].id, "type": "email", "value": one["email"]}
            for one in firm["employees"]
            if one.get("email") and one["code"] not in reached
        ]
    )


def set_up_projects(pool: Pool, firm: Firm, companies: dict[str, Record], parties: dict[str, Record]) -> None:
    """Projects with their statuses, named by code and name: their number is Tryton's own to give, from its sequence."""
    works = pool.get("project.work")
    for name in firm["project_statuses"]:
        find_or_create(pool, "project.work.status", {"name": name}, {"types": ["project"]})
    known = {work.name.partition(" ")[0] for work in works.search([("type", "=", "project")])}
    status = pool.get("project.work.status").get_default_status("project")
    works.create(
        [
            {
                "name": f"{one['code']} {one['name']}",
                "type": "project",
                "company": companies[one["company"]].id,
                "party": parties[one["customer"]].id,
                "status": status,
            }
            for one in firm["projects"]
            if one["code"] not in known
        ]
    )


def set_up_service_user(pool: Pool, firm: Firm, companies: dict[str, Record]) -> Record:
    """The user that the hub signs in as, in a group of its own that may do what the hub needs and no more."""
    group = find_or_create(pool, "res.group", {"name": firm["service_group"]}, {})
    for one in firm["rights"]:
        allowed = {f"perm_{verb}": verb in one["verbs"] for verb in ("read", "create", "write", "delete")}
        find_or_create(pool, "ir.model.access", {"model": one["model"], "group": group}, allowed)
    users = pool.get("res.user")
    found = users.search([("login", "=", firm["service_login"])])
    user = found[0] if found else users(name=firm["service_login"], login=firm["service_login"])
    user.companies = list(companies.values())
    user.company = next(iter(companies.values()))
    user.company_filter = "all"
    user.groups = [group]
    if not found:
        user.password = firm["service_password"]
    user.save()
    (administrator,) = users.search([("login", "=", "admin")])
    administrator.companies = list(companies.values())
    administrator.company = next(iter(companies.values()))
    administrator.company_filter = "all"
    administrator.save()
    return user


def index_references(connection: Record) -> None:
    """An index on what moves are looked up by: Tryton itself has none on the description of a move."""
    with connection.cursor() as cursor:
        cursor.execute("create index if not exists account_move_description on account_move (description)")


def set_up(pool: Pool, firm: Firm) -> dict[str, Any]:
    """Everything, in the order in which it depends on each other; returns the ids and names others need."""
    currencies = set_up_currencies(pool, firm)
    companies = set_up_companies(pool, firm, currencies)
    facts: dict[str, Any] = {"companies": {}}
    for one in firm["companies"]:
        company = companies[one["code"]]
        set_up_chart(pool, company)
        facts["companies"][one["code"]] = {
            "id": company.id,
            "accounts": set_up_accounts(pool, firm, company),
            "periods": set_up_periods(pool, company, one["periods"], one["closed_periods"]),
        }
    journal = find_or_create(
        pool, "account.journal", {"code": firm["journal"]["code"]}, {"name": firm["journal"]["name"], "type": "general"}
    )
    facts["journal"] = journal.id
    set_up_masters(pool, firm, companies)
    facts["service_user"] = set_up_service_user(pool, firm, companies).id
    return facts


def main(database: str) -> int:
    """Set the firm up in ``database``, all or nothing."""
    firm = json.load(sys.stdin)  # noqa: TID251 - written by our own starter; our decoder is not installed here
    TrytonPool.start()
    pool = TrytonPool(database)
    with Transaction().start(database, 0, readonly=True):
        pool.init()
    locks: dict[str, Any] = {"_lock_tables": list(LOCKED_FROM_THE_START)}
    while True:
        try:
            with Transaction().start(database, 0, context={"language": "en"}, **locks):
                facts = set_up(pool, firm)
                index_references(Transaction().connection)
        except TransactionError as wish:
            wish.fix(locks)  # Tryton asks to begin again with one more table locked from the start
        else:
            json.dump(facts, sys.stdout)
            return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
