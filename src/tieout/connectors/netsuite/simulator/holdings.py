"""What a simulated account really holds, read from its tables past its API: the oracle of tests.

Neighbours: ``server`` gives these out over the admin API. Masters are told whoever made them, with what the account
holds of them in the words of the hub's commands; an end is told as the first day after, as those do.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from tieout.connect.simulator.control import Holding
from tieout.connectors.netsuite.simulator.masters import OWN_FIELDS, Masters
from tieout.connectors.netsuite.simulator.schema import CATALOGUE, ColumnType
from tieout.connectors.netsuite.simulator.seed import STATES_BY_STATUS

Row = Mapping[str, int | str | None]

_JOURNALS: Final = """
select header.id, header.externalid, header.trandate, header.currency, header.posting,
       (select line.subsidiary from transactionline as line where line."transaction" = header.id limit 1),
       (select decimal_sum(posted.debit) from transactionaccountingline as posted
        where posted."transaction" = header.id),
       (select max(region.name) from transactionline as line
          join customrecord_cseg_region as region on region.id = line.cseg_region
         where line."transaction" = header.id),
       (select max(line.custcol_workstream) from transactionline as line where line."transaction" = header.id)
from "transaction" as header where header.externalid is not null order by header.id
"""
_CUSTOMERS: Final = """
select customer.*, currency.symbol as symbol from customer left join currency on currency.id = customer.currency
order by customer.id
"""
_PROJECTS: Final = """
select job.*, customer.entityid as customer_code, currency.symbol as symbol, jobstatus.name as status
from job left join customer on customer.id = job.customer left join currency on currency.id = job.currency
left join jobstatus on jobstatus.id = job.entitystatus order by job.id
"""
_TASKS: Final = """
select projecttask.*, job.entityid as project_code, job.subsidiary as subsidiary,
       above.custevent_tieout_wbs as parent_wbs_code
from projecttask join job on job.id = projecttask.project
left join projecttask as above on above.id = projecttask.parent order by projecttask.id
"""


def holdings(rows: sqlite3.Connection, masters: Masters) -> Iterator[Holding]:
    """Every journal with an external id, and every customer, project and task."""
    yield from _journals(rows, masters)
    for row in _rows(rows, _CUSTOMERS):
        yield _master("upsert_customer", row, str(row["entityid"]), masters, _customer_facts(row))
    for row in _rows(rows, _PROJECTS):
        code = str(row["entityid"])
        yield _master("upsert_project", row, code, masters, _project_facts(row, masters))
        if row["custentity_tieout_status_ref"] is not None:
            yield Holding(
                kind="set_project_status",
                reference=str(row["custentity_tieout_status_ref"]),
                id=str(row["id"]),
                code=code,
                facts=_told({"status": _state(row)}),
            )
    for row in _rows(rows, _TASKS):
        code = f"{row['project_code']}/{row['custevent_tieout_wbs'] or row['id']}"
        yield _master("upsert_task", row, code, masters, _task_facts(row))


def _journals(rows: sqlite3.Connection, masters: Masters) -> Iterator[Holding]:
    for key, reference, day, currency, posting, subsidiary, debit, region, workstream in rows.execute(_JOURNALS):
        symbol, precision = masters.currencies[currency]
        yield Holding(
            kind="post_journal",
            reference=reference,
            id=str(key),
            posted=posting == "T",
            debit_minor=int(Decimal(debit or 0).scaleb(precision)),
            currency=symbol,
            accounting_date=day,
            entity=masters.subsidiary_codes.get(subsidiary),
            facts=_told({"field:region": region, "field:workstream": workstream}),
        )


def _rows(rows: sqlite3.Connection, statement: str) -> Iterator[Row]:
    found = rows.execute(statement)
    names = [one[0] for one in found.description]
    for row in found:
        yield dict(zip(names, row, strict=True))


def _master(kind: str, row: Row, code: str, masters: Masters, facts: dict[str, str]) -> Holding:
    subsidiary = row["subsidiary"]
    return Holding(
        kind=kind,
        reference=str(row["externalid"] or ""),
        id=str(row["id"]),
        entity=masters.subsidiary_codes.get(subsidiary) if isinstance(subsidiary, int) else None,
        code=code,
        facts=facts,
    )


def _told(facts: Mapping[str, int | str | None]) -> dict[str, str]:
    return {name: str(value) for name, value in facts.items() if value is not None}


def _own(row: Row, table: str) -> dict[str, str]:
    """The account's own fields that are not filled from what commands name."""
    kinds = CATALOGUE[table]
    told = {}
    for name, value in row.items():
        if name.startswith(OWN_FIELDS) and "tieout" not in name and name in kinds and value is not None:
            flag = "true" if value == "T" else "false"
            told[f"field:{name}"] = flag if kinds[name] is ColumnType.BOOLEAN else str(value)
    return told


def _customer_facts(row: Row) -> dict[str, str]:
    told = {"name": row["companyname"], "currency": row["symbol"], "tax_id": row["defaulttaxreg"]}
    return _told(told) | _own(row, "customer")


def _project_facts(row: Row, masters: Masters) -> dict[str, str]:
    told: dict[str, int | str | None] = {
        "name": row["companyname"],
        "customer_code": row["customer_code"],
        "currency": row["symbol"],
        "starts": row["startdate"],
        "ends": _after(row["projectedenddate"]),
        "status": _state(row),
        "budget_hours": row["estimatedtimeoverride"],
        "budget_minor": _minor(row, masters),
        "contract_number": row["custentity_tieout_contract"],
        "rate_card_code": row["custentity_tieout_rate_card"],
        "service_line": row["custentity_tieout_service_line"],
        "manager_email": row["custentity_tieout_manager"],
    }
    return _told(told) | _own(row, "job")


def _task_facts(row: Row) -> dict[str, str]:
    told: dict[str, int | str | None] = {
        "name": row["title"],
        "project_code": row["project_code"],
        "parent_wbs_code": row["parent_wbs_code"],
        "billable": "false" if row["nonbillabletask"] == "T" else "true",
        "open_for_time": "false" if row["status"] == "COMPLETE" else "true",
        "planned_hours": row["estimatedwork"],
        "starts": row["startdate"],
        "ends": _after(row["finishbydate"]),
    }
    return _told(told) | _own(row, "projecttask")


def _state(row: Row) -> str | None:
    return STATES_BY_STATUS.get(str(row["status"]))


def _after(last_day: int | str | None) -> str | None:
    return None if last_day is None else (date.fromisoformat(str(last_day)) + timedelta(days=1)).isoformat()


def _minor(row: Row, masters: Masters) -> int | None:
    amount, currency = row["estimatedrevenue"], row["currency"]
    if amount is None or not isinstance(currency, int):
        return None
    return int(Decimal(str(amount)).scaleb(masters.currencies[currency][1]))
