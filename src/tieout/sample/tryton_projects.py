"""What a Tryton holds of customers, projects and tasks, by direct SQL: past Tryton and past our connector alike.

A work's number is Tryton's own to give, so its name begins with our code; what Tryton has no field for stands in lines
of its comment, which are read here anew. An end is told as the first day after, a duration in hours.
"""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

import msgspec
import psycopg

from tieout.connect.simulator.control import Holding
from tieout.model.money import to_minor

STATES_BY_STATUS: Final = {
    "Approved": "approved",
    "Provisioning": "provisioning",
    "Open": "active",
    "On Hold": "on_hold",
    "Delivery Complete": "delivery_complete",
    "Financially Closed": "financially_closed",
    "Archived": "archived",
}
"""The statuses of projects that the sample's administrator keeps, by what they mean; Open comes with Tryton."""

_CUSTOMERS: Final = """
select party.id, party.code, party.name,
       array_agg(identifier.code order by identifier.id) filter (where identifier.code is not null)
  from party_party party
  left join party_identifier identifier on identifier.party = party.id
 where exists (select 1 from "party_party-party_category" mark where mark.party = party.id)
 group by party.id, party.code, party.name
 order by party.id
"""
_WORKS: Final = """
with recursive below as (
    select work.id, work.id as project from project_work work where work.type = 'project'
    union all
    select work.id, below.project from project_work work join below on work.parent = below.id where work.type = 'task'
)
select work.id, work.type, work.name, coalesce(work.comment, ''), entity.code, customer.code, status.name,
       work.effort_duration, work.sequence, project.name, above.name
  from project_work work
  join below on below.id = work.id
  join project_work project on project.id = below.project
  left join project_work above on above.id = work.parent and above.type = 'task'
  join company_company company on company.id = work.company
  join party_party entity on entity.id = company.party
  left join party_party customer on customer.id = work.party
  join project_work_status status on status.id = work.status
 order by work.id
"""
_REFERENCE_PREFIX: Final = "TIE-"
_FACTS: Final = {
    "Currency": "currency",
    "Starts": "starts",
    "Budget hours": "budget_hours",
    "Contract": "contract_number",
    "Rate card": "rate_card_code",
    "Service line": "service_line",
    "Manager": "manager_email",
}
_STATUS_SET_BY: Final = "Status set by"
_HOUR: Final = timedelta(hours=1)


def master_holdings(database_url: str) -> list[Holding]:
    """Every customer, project and task that Tryton holds, whoever made it, and every status that a command set."""
    with psycopg.connect(database_url) as conn:
        customers = conn.execute(_CUSTOMERS).fetchall()
        works = conn.execute(_WORKS).fetchall()
    found = [_customer(*row) for row in customers]
    for row in works:
        found += _work(row)
    return found


def _customer(key: object, code: object, name: object, identifiers: Iterable[str] | None) -> Holding:
    told = list(identifiers or ())
    references = [one for one in told if one.startswith(_REFERENCE_PREFIX)]
    tax_ids = [one for one in told if not one.startswith(_REFERENCE_PREFIX)]
    facts = {"name": str(name)} | ({"tax_id": tax_ids[-1]} if tax_ids else {})
    reference = references[0] if references else ""
    return Holding(kind="upsert_customer", reference=reference, id=str(key), code=str(code), facts=facts)


def _work(row: tuple[object, ...]) -> list[Holding]:
    key, kind, name, comment, entity, customer, status, effort, sequence, project, above = row
    reference, remarks = _remarks(str(comment))
    code, words = _split(name)
    facts = {"name": words} | _told(remarks)
    if sequence is not None:
        facts["field:sequence"] = str(sequence)
    if kind == "task":
        of = _split(project)[0]
        facts |= {"project_code": of, "open_for_time": "false" if status == "Done" else "true"}
        if isinstance(effort, timedelta):
            facts["planned_hours"] = f"{Decimal(int(effort.total_seconds())) / int(_HOUR.total_seconds()):f}"
        if above is not None:
            facts["parent_wbs_code"] = _split(above)[0]
        work = Holding(
            kind="upsert_task", reference=reference, id=str(key), entity=str(entity), code=f"{of}/{code}", facts=facts
        )
        return [work]
    state = STATES_BY_STATUS.get(str(status))
    facts |= {} if state is None else {"status": state}
    facts |= {} if customer is None else {"customer_code": str(customer)}
    work = Holding(kind="upsert_project", reference=reference, id=str(key), entity=str(entity), code=code, facts=facts)
    if _STATUS_SET_BY not in remarks or state is None:
        return [work]
    status_set = msgspec.structs.replace(
        work, kind="set_project_status", reference=remarks[_STATUS_SET_BY], facts={"status": state}
    )
    return [work, status_set]


def _split(name: object) -> tuple[str, str]:
    code, _, words = str(name).partition(" ")
    return code, words


def _remarks(comment: str) -> tuple[str, dict[str, str]]:
    """The reference that a comment begins with, and its lines with a label."""
    lines = comment.splitlines()
    reference = lines[0] if lines and lines[0].startswith(_REFERENCE_PREFIX) else ""
    pairs = (line.partition(": ") for line in lines)
    return reference, {label: value for label, separator, value in pairs if separator}


def _told(remarks: Mapping[str, str]) -> dict[str, str]:
    facts = {fact: remarks[label] for label, fact in _FACTS.items() if label in remarks}
    if "Last day" in remarks:
        facts["ends"] = (date.fromisoformat(remarks["Last day"]) + timedelta(days=1)).isoformat()
    if "Budget" in remarks:
        amount, _, currency = remarks["Budget"].partition(" ")
        facts["budget_minor"] = str(to_minor(Decimal(amount), currency))
    if "Billable" in remarks:
        facts["billable"] = "true" if remarks["Billable"] == "yes" else "false"
    return facts
