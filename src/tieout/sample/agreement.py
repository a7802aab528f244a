"""Whether every system holds the projects that the sample's deals came to, read from the systems and not from the hub.

What is expected follows from the seed alone (``deals.expected_projects``); what is held is read past every API
(``connect.simulator.control.Holding``). One project in each system, equal in code, name, dates, currency, budget and
status as far as the system can hold them, with one of each of its tasks, for one customer; nothing of a deal that lacks
something. Where demand is published, it is the hours that were sold of every active project, and of no other.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final

import msgspec

from tieout.connect.simulator.control import Holding
from tieout.sample.deals import ExpectedProject, Quarter
from tieout.streams.lead_to_project.targets import CUSTOMER, PROJECT, TASK
from tieout.streams.plan_to_allocate.plan_book import PUBLISH

_WITH_DEMAND: Final = "active"
_MINUTES: Final = 60
_OF_EVERY_PROJECT: Final = frozenset(
    {"name", "customer_code", "currency", "starts", "ends", "budget_minor", "budget_hours"}
)
"""What a system that can hold it holds of each project; of the states of a project it may know only some."""


class Disagreement(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a system holds otherwise than the deals say."""

    system: str
    code: str
    message: str


class Agreement(msgspec.Struct, frozen=True, kw_only=True):
    """What the comparison came to: how many projects in which systems, how many facts, and what differs."""

    projects: int
    systems: tuple[str, ...]
    facts: int
    disagreements: tuple[Disagreement, ...]

    @property
    def holds(self) -> bool:
        """Whether everything is equal everywhere."""
        return not self.disagreements


def compare(
    expected: Sequence[ExpectedProject],
    quarter: Quarter,
    holdings: Mapping[str, Iterable[Holding]],
    *,
    planners: Collection[str] = (),
) -> Agreement:
    """Hold ``holdings`` (by system, the CRM not among them) against what the deals came to.

    ``planners`` are the systems that demand is published to.
    """
    found: list[Disagreement] = []
    facts = 0
    for system, told in sorted(holdings.items()):
        held = list(told)
        by_code = _projects(held)
        sound = {one.code: by_code[one.code][0] for one in expected if len(by_code.get(one.code, ())) == 1}
        for project in expected:
            if project.code not in sound:
                words = f"{system} holds project {project.code} {len(by_code.get(project.code, ()))} times."
                found.append(Disagreement(system=system, code=project.code, message=words))
                continue
            facts += 1 + len(_wanted(project).keys() & sound[project.code].facts.keys())
            found += _differences(system, project, sound[project.code])
        found += _untold(system, sound)
        found += _uncalled_for(system, quarter, by_code)
        found += _not_once(system, expected, held)
        if system in planners:
            demands = {one.code: one.facts["hours"] for one in held if one.kind == PUBLISH and one.code is not None}
            facts += len(demands)
            found += _demanded_otherwise(system, expected, demands)
    return Agreement(projects=len(expected), systems=tuple(sorted(holdings)), facts=facts, disagreements=tuple(found))


def _projects(held: Iterable[Holding]) -> dict[str, list[Holding]]:
    by_code: dict[str, list[Holding]] = {}
    for one in held:
        if one.kind == PROJECT and one.code is not None:
            by_code.setdefault(one.code, []).append(one)
    return by_code


def _untold(system: str, projects: Mapping[str, Holding]) -> Iterator[Disagreement]:
    """What a system holds of one of these projects it can hold of each: the deals say all of it."""
    tellable = {name for one in projects.values() for name in one.facts.keys() & _OF_EVERY_PROJECT}
    for code, one in sorted(projects.items()):
        for name in sorted(tellable - one.facts.keys()):
            yield Disagreement(system=system, code=code, message=f"{system} says no {name} of project {code}.")


def _not_once(system: str, expected: Sequence[ExpectedProject], held: Sequence[Holding]) -> Iterator[Disagreement]:
    """Customers and tasks that are there twice, and customers that are not there; a system may have neither."""
    counts = Counter((one.kind, one.code or "") for one in held if one.kind in {CUSTOMER, TASK})
    for (kind, code), count in sorted(counts.items()):
        if count > 1 and code:
            noun = "customer" if kind == CUSTOMER else "task"
            yield Disagreement(system=system, code=code, message=f"{system} holds {noun} {code} {count} times.")
    if any(kind == CUSTOMER for kind, _ in counts):
        for code in sorted({one.client for one in expected} - {code for kind, code in counts if kind == CUSTOMER}):
            yield Disagreement(system=system, code=code, message=f"{system} does not hold customer {code}.")


def _differences(system: str, project: ExpectedProject, held: Holding) -> Iterator[Disagreement]:
    for name, wanted in _wanted(project).items():
        there = held.facts.get(name)
        if there is not None and _plain(there) != _plain(wanted):
            words = f"{system} says {name} {there} of project {project.code}, the deals say {wanted}."
            yield Disagreement(system=system, code=project.code, message=words)


def _demanded_otherwise(
    system: str, expected: Sequence[ExpectedProject], demands: Mapping[str, str]
) -> Iterator[Disagreement]:
    sold = {one.code: Decimal(one.budget_minutes) / _MINUTES for one in expected if one.status == _WITH_DEMAND}
    for code in sorted(sold.keys() | demands.keys()):
        hours, wanted = Decimal(demands.get(code, 0)), sold.get(code, Decimal(0))
        if hours != wanted:
            words = f"{system} has a demand of {hours} hours for project {code}, the deals sold {wanted} to be done."
            yield Disagreement(system=system, code=code, message=words)


def _uncalled_for(system: str, quarter: Quarter, held: Mapping[str, Sequence[Holding]]) -> Iterator[Disagreement]:
    for number in sorted(quarter.problems):
        if number in held:
            words = f"{system} holds a project {number}, whose deal is held ({quarter.problems[number]})."
            yield Disagreement(system=system, code=number, message=words)


def _wanted(project: ExpectedProject) -> dict[str, str]:
    """What a system says of the project, in canonical words."""
    return {
        "name": project.name,
        "customer_code": project.client,
        "currency": project.currency,
        "starts": project.starts.isoformat(),
        "ends": project.ends.isoformat(),
        "status": project.status,
        "budget_minor": str(project.budget_minor),
        "budget_hours": str(Decimal(project.budget_minutes) / _MINUTES),
    }


def _plain(text: str) -> str:
    """A decimal in one form, so that 80 and 80.00 hours are equal."""
    try:
        number = Decimal(text)
    except ArithmeticError:
        return text
    return f"{number.normalize():f}"
