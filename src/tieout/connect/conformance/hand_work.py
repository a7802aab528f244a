"""What people do by hand in the fixture firm's systems, for each kind: add one, change it, delete it.

Each deed is the change that a simulator is asked for and what is true of the record afterwards. Neighbours:
``checks_records`` lets it be done and looks for it; ``seeded`` says what is true.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

import msgspec

from tieout.connect.conformance.fixture_plan import CHANGED_AT, WON, plain_assignment, plain_time_off
from tieout.connect.conformance.seeded import (
    Facts,
    assignment_facts,
    client_facts,
    contract_facts,
    deal_facts,
    line_facts,
    person_facts,
    project_facts,
    task_facts,
    time_off_facts,
)
from tieout.connect.simulator.control import (
    Change,
    DeleteRecord,
    PutAssignment,
    PutClient,
    PutDeal,
    PutPerson,
    PutProject,
    PutTimeOff,
)
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

_ENTITY: Final = "US01"
_CURRENCY: Final = "USD"
_NUMBER: Final = 9_000
"""Bookings and absences that are added begin here, beyond those of the fixture."""


@dataclass(frozen=True, kw_only=True)
class HandWork:
    """Three deeds in their order. ``deletes`` is None where nobody deletes this kind by itself."""

    adds: Change
    added: Facts
    changes: Change
    changed: Facts
    deletes: Change | None


def _client(firm: SeedFirm) -> HandWork:
    del firm
    one = SeedClient(code="C-NEW", name="Ångström & Fils", entity=_ENTITY, currency=_CURRENCY, country="US")
    other = msgspec.structs.replace(one, name="Ångström, Fils & Cie")
    return HandWork(
        adds=PutClient(client=one),
        added=client_facts(one),
        changes=PutClient(client=other),
        changed=client_facts(other),
        deletes=DeleteRecord(kind="client", key=one.code),
    )


def _person(firm: SeedFirm) -> HandWork:
    one = SeedPerson(
        key="W-NEW",
        name="Noël D'Arcy",
        email="noel@conformance.example",
        entity=_ENTITY,
        role="Consultant",
        employed_from="2026-03-29",
        location="New York",
        department="Strategy",
    )
    other = msgspec.structs.replace(one, name="Noël D'Arcy-Ōe")
    return HandWork(
        adds=PutPerson(person=one),
        added=person_facts(one, firm),
        changes=PutPerson(person=other),
        changed=person_facts(other, firm),
        deletes=DeleteRecord(kind="person", key=one.key),
    )


def _project(firm: SeedFirm) -> HandWork:
    one = SeedProject(
        code="P-NEW",
        name="Rollout, 1re phase",
        client=f"C-{_ENTITY}",
        entity=_ENTITY,
        currency=_CURRENCY,
        service_line="Strategy",
        rate_card=f"RC-{_CURRENCY}",
        starts="2026-03-08",
        ends="2026-10-31",
    )
    other = msgspec.structs.replace(one, name="Rollout, 2e phase", ends="2028-02-29")
    return HandWork(
        adds=PutProject(project=one),
        added=project_facts(one, firm),
        changes=PutProject(project=other),
        changed=project_facts(other, firm),
        deletes=DeleteRecord(kind="project", key=one.code),
    )


def _task(firm: SeedFirm) -> HandWork:
    project = next(one for one in firm.projects if one.entity == _ENTITY)
    task = SeedTask(key=f"T-{_ENTITY}-9", name="Überprüfung")
    closed = msgspec.structs.replace(task, name="Überprüfung, Teil 2")

    def having(one: SeedTask) -> Change:
        return PutProject(project=msgspec.structs.replace(project, tasks=[*project.tasks, one]))

    return HandWork(
        adds=having(task),
        added=task_facts(task, project),
        changes=having(closed),
        changed=task_facts(closed, project),
        deletes=None,
    )


def _new_deal() -> SeedDeal:
    line = SeedDealLine(
        key="D-NEW-1", role="Consultant", minutes=6_000, price_minor=20_000, starts="2026-03-29", ends="2026-10-24"
    )
    return SeedDeal(
        key="D-NEW",
        name="Straße & Fils: Anbau",
        client=f"C-{_ENTITY}",
        stage=WON,
        probability="100",
        amount_minor=20_000_00,
        currency=_CURRENCY,
        close_date="2026-03-29",
        entity=_ENTITY,
        service_line="Strategy",
        starts="2026-03-29",
        ends="2026-10-24",
        rate_card=f"RC-{_CURRENCY}",
        contract="CT-NEW",
        contract_status="Activated",
        po_number="PO-NEW/1",
        updated_at=CHANGED_AT,
        lines=[line],
    )


def _deal(firm: SeedFirm) -> HandWork:
    one = _new_deal()
    other = msgspec.structs.replace(one, amount_minor=21_000_01, ends="2026-10-25")
    return HandWork(
        adds=PutDeal(deal=one),
        added=deal_facts(one, firm),
        changes=PutDeal(deal=other),
        changed=deal_facts(other, firm),
        deletes=DeleteRecord(kind="deal", key=one.key),
    )


def _deal_line(firm: SeedFirm) -> HandWork:
    del firm
    one = _new_deal()
    line = msgspec.structs.replace(one.lines[0], minutes=6_030)
    other = msgspec.structs.replace(one, lines=[line])
    return HandWork(
        adds=PutDeal(deal=one),
        added=line_facts(one.lines[0], one),
        changes=PutDeal(deal=other),
        changed=line_facts(line, one),
        deletes=PutDeal(deal=msgspec.structs.replace(one, lines=[])),
    )


def _contract(firm: SeedFirm) -> HandWork:
    one = _new_deal()
    other = msgspec.structs.replace(one, amount_minor=21_000_01, ends="2026-10-25")
    return HandWork(
        adds=PutDeal(deal=one),
        added=contract_facts(one, firm),
        changes=PutDeal(deal=other),
        changed=contract_facts(other, firm),
        deletes=None,
    )


def _assignment(firm: SeedFirm) -> HandWork:
    one: SeedAssignment = plain_assignment(_NUMBER)
    one = msgspec.structs.replace(one, minutes_per_day=437)
    other = msgspec.structs.replace(one, ends=_later(one.ends), minutes_per_day=211, status="soft")
    return HandWork(
        adds=PutAssignment(assignment=one),
        added=assignment_facts(one, firm),
        changes=PutAssignment(assignment=other),
        changed=assignment_facts(other, firm),
        deletes=DeleteRecord(kind="assignment", key=one.key),
    )


def _time_off(firm: SeedFirm) -> HandWork:
    one: SeedTimeOff = msgspec.structs.replace(plain_time_off(_NUMBER), starts="2026-12-07", ends="2026-12-08")
    other = msgspec.structs.replace(one, ends="2026-12-09")
    return HandWork(
        adds=PutTimeOff(time_off=one),
        added=time_off_facts(one, firm),
        changes=PutTimeOff(time_off=other),
        changed=time_off_facts(other, firm),
        deletes=DeleteRecord(kind="time_off", key=one.key),
    )


def _later(day: str) -> str:
    first = date.fromisoformat(day)
    return first.replace(year=first.year + 1).isoformat()


HAND_WORK: Final[Mapping[str, Callable[[SeedFirm], HandWork]]] = {
    "client": _client,
    "resource": _person,
    "project": _project,
    "task": _task,
    "deal": _deal,
    "deal_line": _deal_line,
    "contract": _contract,
    "assignment": _assignment,
    "time_off": _time_off,
}
"""By kind, the work that is done on it. Nobody keeps holidays by hand."""
