"""What a firm promises itself of its hub, and who is told when a promise is broken (``service_levels.toml``).

Pure values with the shipped figures as defaults. ``desk.service_measures`` measures them, ``desk.service_levels`` keeps
breaches and escalates; part of every applied firm version.
"""

from collections.abc import Iterator
from decimal import Decimal
from enum import StrEnum

import msgspec


class Domain(StrEnum):
    """What a service level is about; escalation paths choose by it."""

    TIME = "time"
    PLAN = "plan"
    PROJECTS = "projects"
    PROOF = "proof"
    EXCEPTIONS = "exceptions"


class Latency(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``percent`` of what happened within the last hour, and of what still waits, takes ``within_s`` at most."""

    within_s: Decimal
    percent: Decimal = Decimal(95)


class TimePosted(Latency, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From the arrival of approved time to its acknowledgement by the ledger, by legal entity."""

    within_s: Decimal = Decimal(900)


class PlanUpdated(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """No changed assignment waits longer for forecast and capacity to show it."""

    within_s: Decimal = Decimal(60)


class ProjectCreated(Latency, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From the acceptance of a won deal to the acknowledgement of the last system, by legal entity, of the last day."""

    within_s: Decimal = Decimal(1800)


class Proof(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The tie-out is made ``every_h`` hours, what it cannot explain is at most ``drift_percent`` of the value.

    What it cannot explain is explained within ``unexplained_h`` hours. That nothing is lost and nothing is posted twice
    is no figure that a firm may choose: one entry is a breach.
    """

    every_h: Decimal = Decimal(24)
    drift_percent: Decimal = Decimal("0.01")
    unexplained_h: Decimal = Decimal(24)


class Exceptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a root cause holds is resolved ``within_h`` hours, or as its queue has it in ``by_owner``.

    It is resolved ``before_cut_off_h`` hours before the posting cut-off of its period in any case, which is
    ``cut_off_h`` hours after the period's end.
    """

    within_h: Decimal = Decimal(24)
    by_owner: dict[str, Decimal] = {}
    before_cut_off_h: Decimal = Decimal(24)
    cut_off_h: Decimal = Decimal(72)

    def limit_h(self, owner: str) -> Decimal:
        """Hours within which ``owner`` resolves."""
        return self.by_owner.get(owner, self.within_h)


class EscalationStep(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whoever is ``told`` once a breach of ``domain``, of queue ``owner`` (None: any), lasts ``after_h`` hours.

    A recipient is an e-mail address, ``queue:NAME``, ``role:NAME`` or ``channel:NAME``.
    """

    told: tuple[str, ...]
    after_h: Decimal = Decimal(0)
    owner: str | None = None
    domain: Domain | None = None

    def fits(self, domain: str, owner: str) -> bool:
        """Whether the step is on the path of a breach."""
        return self.owner in {None, owner} and self.domain in {None, domain}


_DEFAULT_PATH = (
    EscalationStep(told=("queue:owner",)),
    EscalationStep(told=("role:controller",), after_h=Decimal(4)),
    EscalationStep(told=("role:administrator",), after_h=Decimal(24)),
)


class ServiceLevels(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of them. A firm's own ``[[escalation]]`` replace the shipped path: the owner, then controllers, then all."""

    time_posted: TimePosted = TimePosted()
    plan_updated: PlanUpdated = PlanUpdated()
    project_created: ProjectCreated = ProjectCreated()
    proof: Proof = Proof()
    exceptions: Exceptions = Exceptions()
    escalation: tuple[EscalationStep, ...] = _DEFAULT_PATH

    def path(self, domain: str, owner: str) -> tuple[EscalationStep, ...]:
        """The steps of a breach in the order of time; a step for its owner or domain replaces those for all."""
        fitting = [one for one in self.escalation if one.fits(domain, owner)]
        closest = max((_closeness(one) for one in fitting), default=0)
        chosen = (one for one in fitting if _closeness(one) == closest)
        return tuple(sorted(chosen, key=lambda one: one.after_h))

    def figures(self) -> Iterator[tuple[str, Decimal]]:
        """Every figure with its name in the file."""
        for name in ("time_posted", "plan_updated", "project_created", "proof", "exceptions"):
            section = getattr(self, name)
            for field in section.__struct_fields__:
                value = getattr(section, field)
                if isinstance(value, Decimal):
                    yield f"[{name}] {field}", value
        for owner, hours in self.exceptions.by_owner.items():
            yield f"[exceptions.by_owner] {owner}", hours
        for step in self.escalation:
            yield "[[escalation]] after_h", step.after_h


def _closeness(step: EscalationStep) -> int:
    return 2 * (step.owner is not None) + (step.domain is not None)
