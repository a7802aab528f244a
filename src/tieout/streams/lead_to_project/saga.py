"""What happens next in a provisioning: which steps are sent, and when the project may be active. Pure.

A step is current when its target has acknowledged what is wanted now. It may be sent when every step of its system that
comes before it is current. A project becomes active when all its targets have acknowledged everything; when no deal of
it is won any more nothing further is made of it, and an active project is put on hold. ``step`` stores what is decided
here; ``plan`` says what is wanted.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final, TypeAlias

import msgspec

from tieout.model.lifecycle import PROJECT
from tieout.model.project import ProjectState
from tieout.streams.lead_to_project.plan import PlannedStep, base_steps, link_steps, status_steps
from tieout.streams.lead_to_project.specification import ProjectSpec
from tieout.streams.lead_to_project.targets import TargetSystem

Target: TypeAlias = tuple[str, str, str]
_EVENTS: Final = {
    (ProjectState.PROVISIONING, ProjectState.ACTIVE): "activate",
    (ProjectState.ACTIVE, ProjectState.ON_HOLD): "hold",
    (ProjectState.ON_HOLD, ProjectState.ACTIVE): "resume",
}


class Sending(StrEnum):
    """What is known of the last thing that was sent of an object.

    SETTLED: nothing was sent, or it was acknowledged or seen to by a person. UNDER_WAY: it is sent or in doubt.
    REFUSED: the target certainly does not hold it. UNCLEAR: a person has to look before anything else is sent.
    """

    SETTLED = "settled"
    UNDER_WAY = "under_way"
    REFUSED = "refused"
    UNCLEAR = "unclear"


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored of one object of a target: the contents that it acknowledged and that were sent to it last."""

    acknowledged: bytes | None = None
    sent: bytes | None = None
    sending: Sending = Sending.SETTLED


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """What is done now. ``steps`` are all that the project needs at this stage, ``send`` those to be sent, in order.

    The refused deliveries of ``withdraw`` are given up, since they say what is not wanted any more. ``state`` is the
    project's after what is acknowledged already.
    """

    state: ProjectState
    steps: tuple[PlannedStep, ...]
    send: tuple[PlannedStep, ...]
    withdraw: frozenset[Target]


UNSENT = Held()


def progress(
    spec: ProjectSpec,
    systems: Sequence[TargetSystem],
    crms: frozenset[str],
    *,
    state: ProjectState,
    halted: bool,
    held: Mapping[Target, Held],
) -> Progress:
    """What to send next for one project; asked again after every acknowledgement it comes to an end."""
    base = base_steps(spec, systems)
    moves = _Moves(held)
    if not (halted and state is ProjectState.PROVISIONING):
        moves.add(base)
    steps = [*base]
    status = wanted_status(
        state,
        halted=halted,
        base_done=all_current(base, held),
        told=any(
            held.get(step.target, UNSENT).sent is not None for step in status_steps(spec, systems, ProjectState.ACTIVE)
        ),
    )
    if status is not None:
        shown = status_steps(spec, systems, status)
        moves.add(shown)
        steps += shown
        if all_current(shown, held):
            state = state_after(state, status)
    if state is not ProjectState.PROVISIONING:
        links = link_steps(spec, crms, state)
        moves.add(links)
        steps += links
    return Progress(state=state, steps=tuple(steps), send=tuple(moves.send), withdraw=frozenset(moves.withdraw))


def is_current(step: PlannedStep, held: Mapping[Target, Held]) -> bool:
    """Whether the target has acknowledged exactly what is wanted, and nothing else is on its way there."""
    one = held.get(step.target, UNSENT)
    return one.acknowledged == step.content and one.sending not in {Sending.UNDER_WAY, Sending.UNCLEAR}


def all_current(steps: Iterable[PlannedStep], held: Mapping[Target, Held]) -> bool:
    """Whether every target has acknowledged everything that is wanted of it."""
    return all(is_current(step, held) for step in steps)


def wanted_status(state: ProjectState, *, halted: bool, base_done: bool, told: bool) -> ProjectState | None:
    """The status that every system should show; None while it is not time for one.

    ``told``: some system was told a status already. A project that is halted half-way to being active may be so
    somewhere, and is put on hold there too.
    """
    if state is ProjectState.PROVISIONING and halted:
        return ProjectState.ON_HOLD if told else None
    if state is ProjectState.PROVISIONING:
        return ProjectState.ACTIVE if base_done else None
    return ProjectState.ON_HOLD if halted else ProjectState.ACTIVE


def state_after(state: ProjectState, status: ProjectState) -> ProjectState:
    """The project's state once every system shows ``status`` (``model.lifecycle.PROJECT``).

    A project that never was active everywhere goes on being provisioned when it is put on hold.
    """
    event = _EVENTS.get((state, status))
    return state if event is None else ProjectState(PROJECT.advance(state, event))


class _Moves:
    """Collects what may be sent, one group of steps after the other."""

    def __init__(self, held: Mapping[Target, Held]) -> None:
        self.send: list[PlannedStep] = []
        self.withdraw: set[Target] = set()
        self._held = held

    def add(self, steps: Iterable[PlannedStep]) -> None:
        """Those of ``steps`` that are not current and wait for nothing before them in their system."""
        blocked: dict[str, int] = {}
        for step in sorted(steps, key=lambda one: one.rank):
            one = self._held.get(step.target, UNSENT)
            if one.sending is Sending.REFUSED and one.sent != step.content:
                self.withdraw.add(step.target)
            if is_current(step, self._held):
                continue
            first = blocked.setdefault(step.system, step.rank)
            if step.rank == first and _may_send(step, one):
                self.send.append(step)


def _may_send(step: PlannedStep, held: Held) -> bool:
    """Never two deliveries of one object at a time; what was refused is sent again only when it says something else."""
    if held.sending is Sending.SETTLED:
        return True
    return held.sending is Sending.REFUSED and held.sent != step.content
