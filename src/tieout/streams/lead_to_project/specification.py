"""The project that accepted deals come to: one budget, one span, one tree of tasks, whatever number of deals. Pure.

``validation`` accepts deals, this module makes one project of them, ``plan`` turns it into commands for each target.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal

import msgspec

from tieout.errors import InvariantError
from tieout.model.command import RatePrice
from tieout.model.stream_policy import LeadToProject
from tieout.records.facts import ClientFacts
from tieout.streams.lead_to_project.deal import AcceptedContract, AcceptedDeal, SoldLine
from tieout.streams.lead_to_project.fields import FieldsByTarget


class TaskSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A task of the project; ``depth`` counts its ancestors."""

    code: str
    name: str
    depth: int
    parent: str | None = None
    billable: bool = True
    open_for_time: bool = True
    hours: Decimal | None = None
    starts: date | None = None
    ends: date | None = None


class CardSpec(msgspec.Struct, frozen=True, kw_only=True):
    """The rate card; ``told_by`` are the systems that state it themselves and are not told it again.

    ``prices`` is empty where nothing of it can be told: then no system is.
    """

    code: str
    name: str
    currency: str
    prices: tuple[RatePrice, ...]
    told_by: frozenset[str]


class LinkSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A deal that is to be told of its project: the CRM and its key of the deal."""

    system: str
    key: str


class ProjectSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One project as it should be in every target; ``ends`` is the first day after it, money in ``currency``.

    ``contract_told_by`` are the systems that state the contract themselves: its deal's. ``fields`` are the further
    fields of each target, by system and command.
    """

    entity: str
    code: str
    name: str
    client: ClientFacts
    customer_code: str
    currency: str
    starts: date
    ends: date
    service_line: str
    budget_minor: int
    budget_hours: Decimal | None
    contract: AcceptedContract | None
    contract_told_by: frozenset[str]
    card: CardSpec | None
    tasks: tuple[TaskSpec, ...]
    links: tuple[LinkSpec, ...]
    link: str | None = None
    fields: FieldsByTarget = {}


def specify(
    code: str,
    deals: Sequence[AcceptedDeal],
    *,
    client: ClientFacts,
    card: CardSpec | None,
    policy: LeadToProject,
) -> ProjectSpec:
    """The project of ``deals``, the first of which gave it its name; they agree (``disagreements``).

    Raises InvariantError (TIE-PROJECT-004) for a customer without a code: no such deal is accepted.
    """
    first = deals[0]
    customer_code = client.code
    if customer_code is None:
        raise InvariantError(
            code="TIE-PROJECT-004", message=f"Customer {client.name} of project {code} has lost its code."
        )
    client = msgspec.structs.replace(client, tax_id=client.tax_id or first.client_tax_id)
    lines = [line for deal in deals for line in deal.lines]
    hours = [line.hours for line in lines if not line.gone]
    contract = next((deal.contract for deal in deals if deal.contract is not None), None)
    return ProjectSpec(
        entity=first.entity,
        code=code,
        name=first.name,
        client=client,
        customer_code=customer_code,
        currency=first.currency,
        starts=min(deal.starts for deal in deals),
        ends=max(deal.ends for deal in deals),
        service_line=first.service_line,
        budget_minor=sum(deal.amount_minor for deal in deals),
        budget_hours=sum(hours, Decimal(0)) if lines else None,
        contract=contract,
        contract_told_by=frozenset(
            deal.system
            for deal in deals
            if contract is not None and deal.contract is not None and deal.contract.number == contract.number
        ),
        card=card,
        tasks=_tasks(lines, policy),
        links=tuple(LinkSpec(system=deal.system, key=deal.key) for deal in deals),
        link=None if policy.project_link is None else policy.project_link.format(code=code, entity=first.entity),
    )


def disagreements(one: AcceptedDeal, other: AcceptedDeal) -> list[str]:
    """In what two deals differ that one project cannot be both."""
    return [
        word
        for word, here, there in (
            ("customer", one.client_id, other.client_id),
            ("legal entity", one.entity, other.entity),
            ("currency", one.currency, other.currency),
        )
        if here != there
    ]


def number_lines(fresh: AcceptedDeal, before: Iterable[SoldLine], *, taken: Iterable[int]) -> AcceptedDeal:
    """``fresh`` with a number for every line: the one it had, else the next after all ``taken`` ones of the project.

    Lines of ``before`` that are not there any more stay, as gone. New lines are numbered in the order of their keys,
    the shorter key first, so that the CRM's own counting decides.
    """
    known = {line.key: line for line in before}
    last = max([*taken, *(line.number for line in known.values())], default=0)
    numbered: list[SoldLine] = []
    for line in sorted(fresh.lines, key=lambda one: (len(one.key), one.key)):
        had = known.pop(line.key, None)
        if had is None:
            last += 1
        numbered.append(msgspec.structs.replace(line, number=last if had is None else had.number))
    gone = [msgspec.structs.replace(line, gone=True) for line in known.values()]
    return msgspec.structs.replace(fresh, lines=tuple(sorted([*numbered, *gone], key=lambda one: one.number)))


def line_code(policy: LeadToProject, number: int) -> str:
    """The WBS code of the ``number``-th line that was sold."""
    return f"L{number}" if policy.lines_below is None else f"{policy.lines_below}.{number}"


def _tasks(lines: Sequence[SoldLine], policy: LeadToProject) -> tuple[TaskSpec, ...]:
    """The tasks that every project gets and those of the lines, parents before children."""
    parents = {one.code: one.parent for one in policy.tasks}
    specs = [
        TaskSpec(
            code=one.code,
            name=one.name,
            depth=_depth(one.code, parents),
            parent=one.parent,
            billable=one.billable,
            open_for_time=one.open_for_time,
        )
        for one in policy.tasks
    ]
    below = policy.lines_below
    depth = 0 if below is None else _depth(below, parents) + 1
    specs += [
        TaskSpec(
            code=line_code(policy, line.number),
            name=line.name,
            depth=depth,
            parent=below,
            open_for_time=not line.gone,
            hours=line.hours,
            starts=line.starts,
            ends=line.ends,
        )
        for line in lines
    ]
    return tuple(sorted(specs, key=lambda one: one.depth))


def _depth(code: str, parents: dict[str, str | None]) -> int:
    """How many ancestors a task has; ``tieout check`` refuses a tree with a cycle."""
    depth, at = 0, parents.get(code)
    while at is not None and depth <= len(parents):
        depth, at = depth + 1, parents.get(at)
    return depth
