"""The masters that checks write, of the fixture firm's first legal entity: each as it is made, and as it is changed.

A changed master is another version of the same object under a reference of its own, as the engine sends it.
Neighbours: ``checks_masters`` writes them, ``checks_idempotency`` proves their classes with them.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, TypeAlias

import msgspec

from tieout.connect.conformance.bench import Bench
from tieout.connect.conformance.survey import read_kinds
from tieout.connect.simulator.seed import SeedProject
from tieout.model.command import (
    DemandLine,
    LinkDeal,
    MasterCommand,
    PublishDemand,
    RatePrice,
    SetProjectStatus,
    UpsertContract,
    UpsertCustomer,
    UpsertEmployee,
    UpsertProject,
    UpsertRateCard,
    UpsertTask,
)
from tieout.model.reported import ReportedRecord

Master: TypeAlias = MasterCommand
_STARTS: Final = date(2026, 9, 1)
_ENDS: Final = date(2026, 12, 31)
_MOVED: Final = date(2027, 3, 1)
_PRICED: Final = date(2040, 1, 1)
"""Rate cards are priced from a day that has not come: what was billed already, some targets change no more."""
PRICE: Final = "price:"
"""Begins the name of a holding's fact that says what an hour of a role costs from a day on: price:ROLE@DAY."""
_RAISED: Final = Decimal("12.25")
_DEAL: Final = "D-US01"


@dataclass(frozen=True, kw_only=True)
class Made:
    """How one command is made and what of it changes; ``kind`` is what a read calls the object."""

    make: Callable[[Bench], Awaitable[Master]]
    changes: Mapping[str, object]
    kind: str

    def changed(self, bench: Bench, command: Master) -> Master:
        """The next version of the same object, under a reference of its own; of a rate card, at other prices."""
        changed = msgspec.structs.replace(command, reference=new_reference(bench), **self.changes)
        if isinstance(changed, UpsertRateCard):
            raised = (msgspec.structs.replace(one, price=one.price + _RAISED) for one in changed.prices)
            return msgspec.structs.replace(changed, prices=tuple(raised))
        return changed


def new_reference(bench: Bench) -> str:
    """A reference that nothing was written under."""
    return f"TIE-{bench.numbers.next_key()[:32]}"


def new_code(bench: Bench) -> str:
    """A business code that nothing has."""
    return f"N-{bench.numbers.next_key()[:8]}"


async def customer(bench: Bench) -> UpsertCustomer:
    """A customer that is not there yet."""
    entity = bench.entity()
    return UpsertCustomer(
        reference=new_reference(bench),
        entity=entity.code,
        code=new_code(bench),
        name="Ünïcode & Sons",
        currency=entity.currency,
    )


async def project(bench: Bench) -> UpsertProject:
    """A project of the fixture customer that is not there yet."""
    entity = bench.entity()
    return UpsertProject(
        reference=new_reference(bench),
        entity=entity.code,
        code=new_code(bench),
        name="Phase 1",
        customer_code=f"C-{entity.code}",
        currency=entity.currency,
        starts=_STARTS,
        ends=_ENDS,
    )


async def task(bench: Bench) -> UpsertTask:
    """A task of the fixture project that is not there yet."""
    return UpsertTask(
        reference=new_reference(bench),
        entity=bench.entity().code,
        project_code=_project(bench).code,
        wbs_code=new_code(bench),
        name="Überprüfung",
        planned_hours=Decimal("12.5"),
    )


async def status(bench: Bench) -> SetProjectStatus:
    """The fixture project on hold."""
    return SetProjectStatus(
        reference=new_reference(bench),
        entity=bench.entity().code,
        project_code=_project(bench).code,
        status="on_hold",
    )


async def contract(bench: Bench) -> UpsertContract:
    """A contract with the fixture customer that is not there yet."""
    entity = bench.entity()
    return UpsertContract(
        reference=new_reference(bench),
        entity=entity.code,
        code=new_code(bench),
        name="Frame contract",
        customer_code=f"C-{entity.code}",
        currency=entity.currency,
        signed_value_minor=10_000_01,
        starts=_STARTS,
        ends=_ENDS,
    )


async def rate_card(bench: Bench) -> UpsertRateCard:
    """A rate card that is not there yet, with a price for each of the firm's roles."""
    code = new_code(bench)
    prices = tuple(
        RatePrice(role=role, price=Decimal("175.50") + place, starts=_PRICED)
        for place, role in enumerate(bench.site.firm.roles)
    )
    return UpsertRateCard(
        reference=new_reference(bench),
        entity=bench.entity().code,
        code=code,
        name=f"Card {code}",
        currency=bench.entity().currency,
        prices=prices,
    )


async def employee(bench: Bench) -> UpsertEmployee:
    """An employee who is not there yet."""
    return UpsertEmployee(
        reference=new_reference(bench), entity=bench.entity().code, code=new_code(bench), name="Zoë Ångström"
    )


async def link(bench: Bench) -> LinkDeal:
    """A won deal of the fixture firm, by the CRM's own key of it, that became the fixture project."""
    name = next(one.name for one in bench.site.firm.deals if one.key == _DEAL)
    items = (await read_kinds(bench, "deal")).items
    keys = [one.source_id for one in items if isinstance(one, ReportedRecord) and one.fields.get("name") == name]
    return LinkDeal(
        reference=new_reference(bench),
        entity=bench.entity().code,
        deal=keys[0] if keys else _DEAL,
        project_code=_project(bench).code,
        project_status="provisioning",
        link="https://hub.conformance.example/projects/1",
    )


async def demand(bench: Bench) -> PublishDemand:
    """What the fixture project needs: two roles."""
    seeded = _project(bench)
    customer_name = next(one.name for one in bench.site.firm.clients if one.code == seeded.client)
    return PublishDemand(
        reference=new_reference(bench),
        entity=bench.entity().code,
        project_code=seeded.code,
        project_name=seeded.name,
        customer_name=customer_name,
        starts=_STARTS,
        ends=_ENDS,
        lines=tuple(
            DemandLine(number=str(place), role=role, hours=Decimal(80 * place), starts=_STARTS, ends=_ENDS)
            for place, role in enumerate(bench.site.firm.roles, start=1)
        ),
    )


def _project(bench: Bench) -> SeedProject:
    return next(one for one in bench.site.firm.projects if one.entity == bench.entity().code)


_FEWER_LINES: Final = (DemandLine(number="1", role="Consultant", hours=Decimal(40), starts=_STARTS, ends=_ENDS),)

MASTERS: Final[Mapping[str, Made]] = {
    "upsert_customer": Made(make=customer, changes={"name": "Ünïcode & Daughters"}, kind="client"),
    "upsert_project": Made(make=project, changes={"name": "Phase 2", "ends": _MOVED}, kind="project"),
    "upsert_task": Made(make=task, changes={"name": "Überprüfung 2", "open_for_time": False}, kind="task"),
    "set_project_status": Made(make=status, changes={"status": "active"}, kind="project"),
    "upsert_contract": Made(make=contract, changes={"name": "Frame contract 2", "ends": _MOVED}, kind="contract"),
    "upsert_rate_card": Made(make=rate_card, changes={"name": "Card, second edition"}, kind="rate_card"),
    "upsert_employee": Made(make=employee, changes={"name": "Zoë Åström"}, kind="resource"),
    "link_deal": Made(make=link, changes={"project_status": "active"}, kind="deal"),
    "publish_demand": Made(make=demand, changes={"lines": _FEWER_LINES}, kind="demand"),
}
"""How the command of each kind is made and changed."""


def code_of(command: Master) -> str:
    """The business code under which the target shows the object (``simulator.control.Holding``)."""
    match command:
        case UpsertTask():
            return f"{command.project_code}/{command.wbs_code}"
        case SetProjectStatus() | PublishDemand():
            return command.project_code
        case LinkDeal():
            return command.deal
    return command.code


def facts_of(command: Master) -> dict[str, str]:
    """What the command says of the object, in the words of a holding's facts."""
    if isinstance(command, PublishDemand):
        told: dict[str, object] = {
            "hours": sum((line.hours for line in command.lines), Decimal(0)),
            "lines": len(command.lines),
        }
    else:
        names = (name for name in command.__struct_fields__ if name not in _NO_FACTS)
        told = {name: getattr(command, name) for name in names}
        told |= {f"field:{name}": value for name, value in getattr(command, "fields", {}).items()}
        if isinstance(command, UpsertRateCard):
            told |= {f"{PRICE}{one.role}@{one.starts.isoformat()}": one.price for one in command.prices}
    return {name: _word(value) for name, value in told.items() if value is not None}


_NO_FACTS: Final = frozenset({"reference", "entity", "code", "wbs_code", "deal", "fields", "prices"})


def _word(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case Decimal():
            return f"{value.normalize():f}"
        case date():
            return value.isoformat()
    return str(value)
