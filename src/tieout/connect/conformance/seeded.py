"""What a connector must tell of the fixture firm's masters and plans, in canonical words, and how to know a record.

``checks_records`` compares these with what was read. A record is known by words that no two of its kind share, since a
source has keys of its own; references are followed to the name of what they mean, where the connector reads that.
Neighbours: ``fixture_firm`` and ``fixture_plan`` seed what is expected here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final, TypeAlias

from iso4217 import Currency

from tieout.connect.conformance.fixture_plan import LOST, WON
from tieout.connect.simulator.seed import (
    SeedAssignment,
    SeedClient,
    SeedDeal,
    SeedDealLine,
    SeedFirm,
    SeedPerson,
    SeedProject,
    SeedTask,
    SeedTimeOff,
)
from tieout.connect.source import Readable
from tieout.model.reported import FieldValue, ReportedAssignment, ReportedRecord, ReportedTimeOff

Facts: TypeAlias = Mapping[str, FieldValue]
Names: TypeAlias = Mapping[tuple[str, str], str]
"""The name of each record that was read, by its kind and source id."""

_MINUTES: Final = Decimal(60)
_HOUR_DECIMALS: Final = Decimal("0.0001")
_HOURS: Final = frozenset({"hours", "weekly_hours", "hours_per_day"})
_DECIMALS: Final = frozenset({"amount", "price", "signed_value", "probability", "fte", "fraction"})
_MEANS: Final = {
    "client": "client",
    "project": "project",
    "deal": "deal",
    "manager": "resource",
    "resource": "resource",
    "person": "resource",
}
"""The kind of record that a reference leads to, of those that have a name of their own in the fixture firm."""


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What one kind is known by (the first of the sets that the connector tells), and all that was seeded of it.

    ``means`` are the kinds that its references lead to. ``exactly``: nothing else of the kind is in the account; a
    system has clients and people of its own.
    """

    known_by: Sequence[Sequence[str]]
    seeded: Callable[[SeedFirm], list[Facts]]
    means: Sequence[str] = ()
    exactly: bool = True


def told_of(item: Readable, names: Names) -> Facts:
    """What an item says: its fields, and in place of each reference the name of what it leads to, where that is known.

    Decimals are in one form; a reference to a kind that the connector does not read is left out.
    """
    said: dict[str, FieldValue] = {}
    references: dict[str, str] = {}
    match item:
        case ReportedRecord():
            said, references = dict(item.fields), dict(item.references)
        case ReportedAssignment():
            said = {"starts": item.starts.isoformat(), "ends": item.ends.isoformat(), "state": item.state.value}
            said |= {"hours_per_day": _by_day(item.hours_per_day, item.hours_by_day)} | _noted(item.notes)
            references = {"project": item.project} | ({} if item.person is None else {"person": item.person})
        case ReportedTimeOff():
            said = {"starts": item.starts.isoformat(), "ends": item.ends.isoformat(), "state": item.state.value}
            said["hours_per_day"] = _by_day(item.hours_per_day, item.hours_by_day)
            references = {"person": item.person}
    led_to = {name: _led_to(name, key, names) for name, key in references.items() if name in _MEANS}
    known: dict[str, FieldValue] = {name: one for name, one in led_to.items() if one is not None}
    return {name: plain(name, value) for name, value in (said | known).items()}


def plain(name: str, value: FieldValue) -> FieldValue:
    """A value in the form in which two tellings of it are equal; nothing and the empty text are one."""
    if value is None or value == "":
        return None
    if name in _HOURS:
        return f"{Decimal(str(value)).quantize(_HOUR_DECIMALS).normalize():f}"
    if name in _DECIMALS:
        return f"{Decimal(str(value)).normalize():f}"
    if name == "skills":
        return ",".join(sorted(one.strip() for one in str(value).split(",")))
    return value


def differences(expected: Facts, told: Facts) -> list[str]:
    """What is told otherwise than it is, in words; a field that is not told at all is no difference."""
    return [
        f"{name} is {wanted!r} and told as {told[name]!r}"
        for name, value in expected.items()
        if name in told and told[name] != (wanted := plain(name, value))
    ]


def day_after(last: str | None) -> str | None:
    """The first day after the last one."""
    return None if last is None else (date.fromisoformat(last) + timedelta(days=1)).isoformat()


def client_facts(client: SeedClient) -> Facts:
    """What is true of a client."""
    return {
        "name": client.name,
        "code": client.code,
        "currency": client.currency,
        "tax_id": client.tax_id,
        "country": client.country,
    }


def project_facts(project: SeedProject, firm: SeedFirm) -> Facts:
    """What is true of a project; both of the seed's days belong to it."""
    return {
        "name": project.name,
        "code": project.code,
        "currency": project.currency,
        "service_line": project.service_line,
        "status": project.status,
        "starts": project.starts,
        "ends": day_after(project.ends),
        "client": client_name(firm, project.client),
    }


def task_facts(task: SeedTask, project: SeedProject) -> Facts:
    """What is true of a task."""
    return {"name": task.name, "project": project.name, "billable": task.billable, "open_for_time": task.open}


def person_facts(person: SeedPerson, firm: SeedFirm) -> Facts:
    """What is true of a person; the hours of a week are compared of those who work full time."""
    facts: dict[str, FieldValue] = {
        "name": person.name,
        "email": person.email,
        "employment_from": person.employed_from,
        "employment_to": person.employed_to,
        "fte": person.fte,
        "location": person.location,
    }
    if Decimal(person.fte) == 1:
        facts["weekly_hours"] = str(person.weekly_minutes / _MINUTES)
    if person.manager is not None:
        facts["manager"] = person_name(firm, person.manager)
    return facts


def deal_facts(deal: SeedDeal, firm: SeedFirm) -> Facts:
    """What is true of a deal."""
    return {
        "name": deal.name,
        "client": client_name(firm, deal.client),
        "stage": deal.stage,
        "is_won": deal.stage == WON,
        "is_closed": deal.stage in {WON, LOST},
        "probability": deal.probability,
        "amount": _major(deal.amount_minor, deal.currency),
        "currency": deal.currency,
        "close_date": deal.close_date,
        "starts": deal.starts,
        "ends": day_after(deal.ends),
        "service_line": deal.service_line,
        "rate_card_code": deal.rate_card,
        "contract_number": deal.contract,
        "po_number": deal.po_number,
        "tax_treatment": deal.tax_treatment,
    }


def line_facts(line: SeedDealLine, deal: SeedDeal) -> Facts:
    """What is true of a line of a deal."""
    return {
        "deal": deal.name,
        "role_name": line.role,
        "hours": str(line.minutes / _MINUTES),
        "price": _major(line.price_minor, deal.currency),
        "currency": deal.currency,
        "starts": line.starts,
        "ends": day_after(line.ends),
        "location": line.location,
        "skills": ",".join(line.skills),
    }


def contract_facts(deal: SeedDeal, firm: SeedFirm) -> Facts:
    """What is true of the contract of a deal."""
    return {
        "code": deal.contract,
        "status": "active",
        "client": client_name(firm, deal.client),
        "currency": deal.currency,
        "signed_value": _major(deal.amount_minor, deal.currency),
        "starts": deal.starts,
        "ends": day_after(deal.ends),
        "po_number": deal.po_number,
        "tax_treatment": deal.tax_treatment,
    }


def assignment_facts(assignment: SeedAssignment, firm: SeedFirm) -> Facts:
    """What is true of a booking."""
    return {
        "notes": assignment.notes,
        "person": person_name(firm, assignment.person or ""),
        "project": next(one.name for one in firm.projects if one.code == assignment.project),
        "starts": assignment.starts,
        "ends": day_after(assignment.ends),
        "hours_per_day": str(assignment.minutes_per_day / _MINUTES),
        "state": assignment.status,
    }


def time_off_facts(time_off: SeedTimeOff, firm: SeedFirm) -> Facts:
    """What is true of an absence; of whole days no hours are told."""
    minutes = time_off.minutes_per_day
    return {
        "person": person_name(firm, time_off.person),
        "starts": time_off.starts,
        "ends": day_after(time_off.ends),
        "hours_per_day": None if minutes is None else str(minutes / _MINUTES),
        "state": time_off.status,
    }


def client_name(firm: SeedFirm, code: str) -> str:
    """The name of a client."""
    return next(one.name for one in firm.clients if one.code == code)


def person_name(firm: SeedFirm, key: str) -> str:
    """The name of a person."""
    return next(one.name for one in firm.people if one.key == key)


def _tasks(firm: SeedFirm) -> list[Facts]:
    return [task_facts(task, project) for project in firm.projects for task in project.tasks]


def _lines(firm: SeedFirm) -> list[Facts]:
    return [line_facts(line, deal) for deal in firm.deals for line in deal.lines]


def _holidays(firm: SeedFirm) -> list[Facts]:
    return [{"day": one.day, "name": one.name, "country": one.country, "fraction": "1"} for one in firm.holidays]


EXPECTED: Final[Mapping[str, Expected]] = {
    "client": Expected(
        known_by=[["name"]], exactly=False, seeded=lambda firm: [client_facts(one) for one in firm.clients]
    ),
    "resource": Expected(
        known_by=[["name"]], exactly=False, seeded=lambda firm: [person_facts(one, firm) for one in firm.people]
    ),
    "project": Expected(
        known_by=[["name"]], means=["client"], seeded=lambda firm: [project_facts(one, firm) for one in firm.projects]
    ),
    "task": Expected(known_by=[["project", "name"]], means=["project"], seeded=_tasks),
    "deal": Expected(
        known_by=[["name"]], means=["client"], seeded=lambda firm: [deal_facts(one, firm) for one in firm.deals]
    ),
    "deal_line": Expected(known_by=[["deal", "role_name"]], means=["deal"], seeded=_lines),
    "contract": Expected(
        known_by=[["code"]],
        means=["client"],
        seeded=lambda firm: [contract_facts(one, firm) for one in firm.deals if one.contract is not None],
    ),
    "assignment": Expected(
        known_by=[["notes"], ["person", "starts", "hours_per_day"]],
        means=["resource", "project"],
        seeded=lambda firm: [assignment_facts(one, firm) for one in firm.assignments],
    ),
    "time_off": Expected(
        known_by=[["person", "starts"]],
        means=["resource"],
        seeded=lambda firm: [time_off_facts(one, firm) for one in firm.time_off],
    ),
    "holiday": Expected(known_by=[["day"]], seeded=_holidays),
}
"""By kind, what the fixture firm has of it."""


def _led_to(reference: str, key: str, names: Names) -> str | None:
    """The name of what a reference leads to; words of its own where it leads to nothing that was read."""
    kind = _MEANS[reference]
    if (kind, key) in names:
        return names[kind, key]
    return f"no {kind} {key}" if any(known == kind for known, _ in names) else None


def _by_day(hours_per_day: Decimal | None, hours_by_day: Mapping[date, Decimal] | None) -> FieldValue:
    """The hours of each day where all days have as many, else the days with theirs."""
    if hours_by_day is None:
        return None if hours_per_day is None else str(hours_per_day)
    different = set(hours_by_day.values())
    return str(min(different)) if len(different) == 1 else None


def _noted(notes: str) -> dict[str, FieldValue]:
    return {"notes": notes} if notes else {}


def _major(amount_minor: int, currency: str) -> str:
    return f"{Decimal(amount_minor).scaleb(-(Currency(currency).exponent or 0)):f}"
