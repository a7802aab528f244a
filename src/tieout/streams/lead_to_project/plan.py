"""A project as steps: which commands each target needs, and in which order. Pure.

Dependencies first: customer, rate card, contract, project, tasks from the root down; then, once every target has
acknowledged all of these, the status; then the link that the CRM gets. ``saga`` decides what is sent when.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from tieout.model.command import (
    LinkDeal,
    MasterCommand,
    SetProjectStatus,
    UpsertContract,
    UpsertCustomer,
    UpsertProject,
    UpsertRateCard,
    UpsertTask,
)
from tieout.model.identity import business_key, content_hash
from tieout.streams.lead_to_project import targets
from tieout.streams.lead_to_project.deal import AcceptedContract
from tieout.streams.lead_to_project.specification import CardSpec, ProjectSpec, TaskSpec
from tieout.streams.lead_to_project.targets import TargetSystem

_RANK: Final = {
    targets.CUSTOMER: 10,
    targets.RATE_CARD: 20,
    targets.CONTRACT: 30,
    targets.PROJECT: 40,
    targets.TASK: 100,
}
STATUS_RANK: Final = 10_000
LINK_RANK: Final = 20_000
_UNSENT: Final = ""
_NOT_CONTENT: Final[dict[type, tuple[str, ...]]] = {
    UpsertCustomer: ("entity", "currency"),
    UpsertRateCard: ("entity",),
    UpsertProject: ("status",),
}


class PlannedStep(msgspec.Struct, frozen=True, kw_only=True):
    """One object in one system. ``command`` has no reference yet; ``content`` is the hash of what it says.

    Deliveries of one ``order_key`` go one after the other.
    """

    system: str
    kind: str
    object_key: str
    rank: int
    order_key: str
    command: MasterCommand
    content: bytes

    @property
    def target(self) -> tuple[str, str, str]:
        """What identifies the object: system, kind and key."""
        return self.system, self.kind, self.object_key


def base_steps(spec: ProjectSpec, systems: Iterable[TargetSystem]) -> list[PlannedStep]:
    """Everything that has to be acknowledged before the project may be active, in order."""
    steps = [step for system in systems for step in _of_system(spec, system)]
    return sorted(steps, key=lambda one: (one.rank, one.system, one.object_key))


def status_steps(spec: ProjectSpec, systems: Iterable[TargetSystem], status: str) -> list[PlannedStep]:
    """The project's status in every system that takes it."""
    return [
        _step(
            one.system,
            targets.STATUS,
            business_key(spec.entity, spec.code),
            STATUS_RANK,
            SetProjectStatus(reference=_UNSENT, entity=spec.entity, project_code=spec.code, status=status),
            order="project",
        )
        for one in systems
        if {targets.PROJECT, targets.STATUS} <= one.takes
    ]


def link_steps(spec: ProjectSpec, crms: frozenset[str], status: str) -> list[PlannedStep]:
    """What the CRMs that take it are told: the code, status and link of the project of each of their deals."""
    return [
        _step(
            deal.system,
            targets.LINK,
            deal.key,
            LINK_RANK,
            LinkDeal(
                reference=_UNSENT,
                entity=spec.entity,
                deal=deal.key,
                project_code=spec.code,
                project_status=status,
                link=spec.link,
            ),
        )
        for deal in spec.links
        if deal.system in crms
    ]


def content_of(command: MasterCommand) -> bytes:
    """The hash of what a command says and what, if it changed, would have to be sent again.

    How the command is referred to is no part of it, nor a project's first status; nor by which of its projects'
    legal entities and currencies a shared customer or rate card was first made.
    """
    said: dict[str, object] = msgspec.to_builtins(command)
    for name in ("reference", *_NOT_CONTENT.get(type(command), ())):
        said.pop(name)
    return content_hash(said)


def _of_system(spec: ProjectSpec, target: TargetSystem) -> Iterator[PlannedStep]:
    takes, system = target.takes, target.system
    if targets.CUSTOMER in takes:
        customer = _customer(spec, target)
        yield _step(system, targets.CUSTOMER, customer.code, _RANK[targets.CUSTOMER], customer)
    yield from _terms_of(spec, target)
    if targets.PROJECT not in takes:
        return
    project_key = business_key(spec.entity, spec.code)
    project = _project(spec, system)
    yield _step(system, targets.PROJECT, project_key, _RANK[targets.PROJECT], project, order="project")
    if targets.TASK in takes:
        for task in spec.tasks:
            key = business_key(spec.entity, spec.code, task.code)
            yield _step(system, targets.TASK, key, _RANK[targets.TASK] + task.depth, _task(spec, task, system))


def _terms_of(spec: ProjectSpec, target: TargetSystem) -> Iterator[PlannedStep]:
    """The rate card and the contract, where the system does not state them itself."""
    takes, system, card = target.takes, target.system, spec.card
    if targets.RATE_CARD in takes and card is not None and card.prices and system not in card.told_by:
        yield _step(system, targets.RATE_CARD, card.code, _RANK[targets.RATE_CARD], _card(spec, card))
    if targets.CONTRACT in takes and spec.contract is not None and system not in spec.contract_told_by:
        contract = _contract(spec, spec.contract, target)
        key = business_key(spec.entity, contract.code)
        yield _step(system, targets.CONTRACT, key, _RANK[targets.CONTRACT], contract)


def _step(
    system: str, kind: str, key: str, rank: int, command: MasterCommand, *, order: str | None = None
) -> PlannedStep:
    return PlannedStep(
        system=system,
        kind=kind,
        object_key=key,
        rank=rank,
        order_key=f"master|{order or kind}|{key}",
        command=command,
        content=content_of(command),
    )


def _customer(spec: ProjectSpec, target: TargetSystem) -> UpsertCustomer:
    """The customer under the legal entity that bills it, where that entity's books are kept there."""
    home = None if spec.client.entity is None else spec.client.entity.code
    return UpsertCustomer(
        reference=_UNSENT,
        entity=home if home is not None and target.serves(home) else spec.entity,
        code=spec.customer_code,
        name=spec.client.name,
        currency=spec.client.currency or spec.currency,
        tax_id=spec.client.tax_id,
        fields=spec.fields.get((target.system, targets.CUSTOMER), {}),
    )


def _contract(spec: ProjectSpec, contract: AcceptedContract, target: TargetSystem) -> UpsertContract:
    """The contract; how it is taxed is not told to the system that decides it."""
    return UpsertContract(
        reference=_UNSENT,
        entity=spec.entity,
        code=contract.number,
        name=contract.name,
        customer_code=spec.customer_code,
        currency=contract.currency,
        signed_value_minor=contract.signed_value_minor,
        starts=contract.starts,
        ends=contract.ends,
        po_number=contract.po_number,
        tax_treatment=None if target.decides_tax else contract.tax_treatment,
        rate_card_code=None if spec.card is None else spec.card.code,
        fields=spec.fields.get((target.system, targets.CONTRACT), {}),
    )


def _card(spec: ProjectSpec, card: CardSpec) -> UpsertRateCard:
    return UpsertRateCard(
        reference=_UNSENT,
        entity=spec.entity,
        code=card.code,
        name=card.name,
        currency=card.currency,
        prices=card.prices,
    )


def _project(spec: ProjectSpec, system: str) -> UpsertProject:
    return UpsertProject(
        reference=_UNSENT,
        entity=spec.entity,
        code=spec.code,
        name=spec.name,
        customer_code=spec.customer_code,
        currency=spec.currency,
        starts=spec.starts,
        ends=spec.ends,
        contract_number=None if spec.contract is None else spec.contract.number,
        rate_card_code=None if spec.card is None else spec.card.code,
        service_line=spec.service_line,
        budget_hours=spec.budget_hours,
        budget_minor=spec.budget_minor,
        fields=spec.fields.get((system, targets.PROJECT), {}),
    )


def _task(spec: ProjectSpec, task: TaskSpec, system: str) -> UpsertTask:
    return UpsertTask(
        reference=_UNSENT,
        entity=spec.entity,
        project_code=spec.code,
        wbs_code=task.code,
        name=task.name,
        parent_wbs_code=task.parent,
        billable=task.billable,
        open_for_time=task.open_for_time,
        planned_hours=task.hours,
        starts=task.starts,
        ends=task.ends,
        fields=spec.fields.get((system, targets.TASK), {}),
    )
