"""Publishing what a project needs: allocations of placeholders, as Float plans with unassigned roles.

Page "Plan using unassigned roles": a role that is added to a project's team gets a placeholder, a person of its own
kind that can be allocated like anybody. So each line of a demand is one or two tentative allocations of its role's
placeholder, marked with the line; a resource manager staffs it by giving the allocation to somebody. This was chosen
over placeholders that we would create as people (they take a paid seat and stand for head count), over phases (no
roles) and over project tasks (no hours on days).

Hours are spread evenly over the placeholder's working days, in hundredths of an hour, the first days one hundredth
more; of a line they are exact to the hundredth. Where and with which skills stands in the notes. What a demand no
longer has is deleted, but never what was staffed: that is the resource manager's. All steps look first and are safe to
repeat; the reference is put into the project's notes at the very end, so that a look-up finds a demand only when it is
there as a whole. Neighbours: ``write`` hands commands in, ``directory`` looks, ``sending`` sends.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

import msgspec

from tieout.connect.outcome import AlreadyDone, Outcome, Rejected, RejectionCode, RetryLater
from tieout.connectors.float.bodies import Value, budget_of, differing
from tieout.connectors.float.directory import Directory, HeldProject, held_project
from tieout.connectors.float.marks import LineKey, line_key_of, with_mark
from tieout.connectors.float.records import FloatAllocation, FloatPerson
from tieout.connectors.float.sending import Sender
from tieout.model.command import DemandLine, PublishDemand
from tieout.model.identity import match_key

_TENTATIVE: Final = 1
_HUNDREDTHS: Final = 100
_DAY_HUNDREDTHS: Final = 24 * _HUNDREDTHS
_DAYS_OF_WEEK: Final = 7
_SATURDAY: Final = 5
_NOT_FOUND: Final = "404"


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """One allocation as it should be: hours on each working day from ``first`` to ``last``."""

    key: LineKey
    role: str
    first: date
    last: date
    hours: Decimal
    notes: str


class UnplannableError(Exception):
    """A line cannot be put on days; its text says why."""


class DemandWriter:
    """Publishes demand into one account."""

    def __init__(self, sender: Sender, directory: Directory) -> None:
        self._sender = sender
        self._directory = directory

    async def publish(self, command: PublishDemand) -> Outcome:
        """What a project needs; raises TransientError, AccessError or ContractError where looking first failed."""
        held = await self._directory.project(command.project_code)
        if held is None:
            words = f"Float has no project with the code {command.project_code}."
            return Rejected(code=RejectionCode.PROJECT_UNKNOWN, words=words)
        placeholders = await self._directory.placeholders()
        known = await self._directory.role_keys()
        roles = {line.role: known.get(match_key(line.role)) for line in command.lines}
        missing = sorted(role for role, key in roles.items() if key is None)
        if missing:
            words = f"Float has no role {', '.join(missing)}; add it there and give it to somebody."
            return Rejected(code=RejectionCode.DIMENSION_UNKNOWN, words=words)
        keys = {role: key for role, key in roles.items() if key is not None}
        stands_for = _placeholders_of(held, placeholders)
        absent = sorted({key for key in keys.values() if key not in stands_for})
        if absent:
            added = await self._add_roles(held, absent)
            if not isinstance(added, HeldProject):
                return added
            stands_for = _placeholders_of(added, await self._directory.placeholders())
            if any(key not in stands_for for key in absent):
                return RetryLater(reason="Float added a role to the project and does not show its placeholder yet.")
        staffing = {role: stands_for[key] for role, key in keys.items()}
        try:
            plan = [one for line in command.lines for one in planned(line, staffing[line.role])]
        except UnplannableError as error:
            return Rejected(code=RejectionCode.INVALID, words=f"{error}.")
        stopped = await self._allocate(
            held, plan, staffing, set(placeholders) | {one.people_id for one in stands_for.values()}
        )
        return await self._conclude(command, held) if stopped is None else stopped

    async def _add_roles(self, held: HeldProject, roles: Iterable[int]) -> HeldProject | Outcome:
        team = [{"people_id": None, "role_id": role, "hourly_rate": None} for role in roles]
        body: dict[str, Value] = {"project_team": {"add": team}}
        sent = await self._sender.change("/projects", held.row.project_id, "project_id", body, expand="project_team")
        return held_project(sent.body) if sent.is_done else sent.outcome

    async def _allocate(
        self,
        held: HeldProject,
        plan: Sequence[Planned],
        staffing: Mapping[str, FloatPerson],
        placeholders: set[int],
    ) -> Outcome | None:
        """Make the published allocations those of ``plan``; None when they are."""
        published = _Published(await self._directory.allocations(held.row.project_id), placeholders)
        for one in plan:
            if one.key in published.staffed:
                continue
            stopped = await self._put(held.row.project_id, one, staffing[one.role], published.open.get(one.key))
            if stopped is not None:
                return stopped
        for surplus in published.surplus({one.key for one in plan}):
            sent = await self._sender.delete("/tasks", surplus.task_id)
            if not sent.is_done:
                return sent.outcome
        return None

    async def _put(
        self, project_id: int, plan: Planned, person: FloatPerson, known: FloatAllocation | None
    ) -> Outcome | None:
        body: dict[str, Value] = {
            "project_id": project_id,
            "people_id": person.people_id,
            "start_date": plan.first.isoformat(),
            "end_date": plan.last.isoformat(),
            "hours": plan.hours,
            "notes": plan.notes,
        }
        if known is None:
            sent = await self._sender.create("/tasks", "task_id", {**body, "status": _TENTATIVE})
            return None if sent.is_done else sent.outcome
        change = differing(body, _as_held(known))
        if not change:
            return None
        sent = await self._sender.change("/tasks", known.task_id, "task_id", change)
        if isinstance(sent.outcome, Rejected) and sent.outcome.vendor_code == _NOT_FOUND:
            return RetryLater(reason=f"Allocation {known.task_id} was deleted in Float meanwhile.")
        return None if sent.is_done else sent.outcome

    async def _conclude(self, command: PublishDemand, held: HeldProject) -> Outcome:
        """Put the reference into the project's notes: now the demand is there as a whole."""
        key = held.row.project_id
        body: dict[str, Value] = {"notes": with_mark(held.row.notes, "demand", command.reference)}
        if command.budget_hours is not None:
            body |= budget_of(command.budget_hours)
        change = differing(body, held.raw)
        if not change:
            return AlreadyDone(ref=str(key))
        return (await self._sender.change("/projects", key, "project_id", change)).outcome


class _Published:
    """What is published of a project: by line and part what nobody fills yet, and what somebody does."""

    def __init__(self, allocations: Iterable[FloatAllocation], placeholders: set[int]) -> None:
        self.open: dict[LineKey, FloatAllocation] = {}
        self.staffed: set[LineKey] = set()
        self._copies: list[FloatAllocation] = []
        for one in allocations:
            key = line_key_of(one.notes)
            if key is None:
                continue
            if not people_of(one) <= placeholders:
                self.staffed.add(key)
            elif key in self.open:
                self._copies.append(one)
            else:
                self.open[key] = one

    def surplus(self, wanted: set[LineKey]) -> Iterator[FloatAllocation]:
        """What nobody fills and nobody wants any more: lines that are gone, copies, and what was staffed meanwhile."""
        yield from self._copies
        yield from (one for key, one in self.open.items() if key not in wanted or key in self.staffed)


def planned(line: DemandLine, person: FloatPerson) -> list[Planned]:
    """The allocations of a line: the first days one hundredth of an hour more than the others, where that is needed.

    Raises UnplannableError for a line without working days, of more than 24 hours a day, or whose number has blanks.
    """
    name = f"Line {line.number} ({line.role})"
    if not line.number or any(one.isspace() for one in line.number):
        raise UnplannableError(f"{name}: its number is empty or has blanks")
    hundredths = int((line.hours * _HUNDREDTHS).to_integral_value(rounding=ROUND_HALF_UP))
    if hundredths < 0:
        raise UnplannableError(f"{name}: {line.hours} hours are impossible")
    days = working_days(line.starts, line.ends, person)
    if hundredths and not days:
        raise UnplannableError(f"{name}: nobody works from {line.starts} until before {line.ends}")
    each, more = divmod(hundredths, len(days)) if days else (0, 0)
    if each + bool(more) > _DAY_HUNDREDTHS:
        raise UnplannableError(f"{name}: {line.hours} hours on {len(days)} days are more than 24 a day")
    stretches = [(days[:more], each + 1), (days[more:], each)]
    told = [(stretch, size) for stretch, size in stretches if stretch and size]
    return [
        Planned(
            key=LineKey(line.number, part),
            role=line.role,
            first=stretch[0],
            last=stretch[-1],
            hours=Decimal(size) / _HUNDREDTHS,
            notes=_notes(line, LineKey(line.number, part)),
        )
        for part, (stretch, size) in enumerate(told, start=1)
    ]


def working_days(starts: date, ends: date, person: FloatPerson) -> list[date]:
    """The days from ``starts`` until before ``ends`` on which a placeholder works: its own, else Monday to Friday."""
    days = (starts + timedelta(days=number) for number in range((ends - starts).days))
    hours = person.work_days_hours
    if hours is None or len(hours) != _DAYS_OF_WEEK:
        return [day for day in days if day.weekday() < _SATURDAY]
    return [day for day in days if hours[day.isoweekday() % _DAYS_OF_WEEK]]


def _notes(line: DemandLine, key: LineKey) -> str:
    told = []
    if line.location is not None:
        told.append(f"Location: {line.location}")
    if line.skills:
        told.append(f"Skills: {', '.join(line.skills)}")
    return with_mark("\n".join(told), "line", key.value)


def _placeholders_of(held: HeldProject, placeholders: Mapping[int, FloatPerson]) -> dict[int, FloatPerson]:
    """Who stands for each unassigned role of a project, by the role's key."""
    return {
        one.role_id: placeholders[one.people_id]
        for one in held.row.project_team or ()
        if one.role_id is not None and one.people_id in placeholders
    }


def people_of(allocation: FloatAllocation) -> set[int]:
    """The keys of everybody that an allocation is of."""
    return set(allocation.people_ids or ([allocation.people_id] if allocation.people_id else []))


def _as_held(known: FloatAllocation) -> dict[str, str | int | Decimal | None]:
    people = people_of(known)
    return {
        "project_id": known.project_id,
        "people_id": next(iter(people)) if len(people) == 1 else None,
        "start_date": known.start_date.isoformat(),
        "end_date": known.end_date.isoformat(),
        "hours": known.hours,
        "notes": known.notes,
    }
