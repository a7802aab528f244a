"""Sends what provisionings need next, and stores where each step stands.

``saga`` decides, ``plan`` says what is wanted, ``outbound`` delivers. A provisioning is looked at again whenever a deal
of it changed or a target said something of one of its objects; customers and rate cards are objects that it shares.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime

import msgspec
from psycopg import Cursor

from tieout.desk import intake
from tieout.ledger.rate_lines import FOR_EVER
from tieout.model.command import MasterCommand, RatePrice, UpsertProject
from tieout.model.identity import business_key, idempotency_key, reference_of
from tieout.model.project import ProjectState
from tieout.model.reported import RecordType
from tieout.outbound.aftermath import DELIVERY
from tieout.outbound.outbox import NewDelivery, enqueue, give_up
from tieout.records import event_log
from tieout.storage.copying import ID_BLOCK, take_ids
from tieout.streams.lead_to_project import plan, store, targets
from tieout.streams.lead_to_project.deal import AcceptedDeal
from tieout.streams.lead_to_project.plan import PlannedStep
from tieout.streams.lead_to_project.saga import Held, Progress, Sending, Target, is_current, progress
from tieout.streams.lead_to_project.specification import CardSpec, ProjectSpec, specify
from tieout.streams.lead_to_project.store import Provisioning, StoredObject, WonDeal
from tieout.streams.lead_to_project.targets import TargetSystem, linked_crms, targets_of
from tieout.streams.lead_to_project.validation import Surroundings
from tieout.streams.lead_to_project.verdict import ACCEPTED

_WORDS = {
    targets.CUSTOMER: "customer",
    targets.CONTRACT: "contract",
    targets.RATE_CARD: "rate card",
    targets.PROJECT: "project",
}


class Provisioner:
    """Advances provisionings in the transaction of the step."""

    def __init__(self, cur: Cursor[tuple[object, ...]], around: Surroundings, *, now: datetime) -> None:
        self._cur = cur
        self._around = around
        self._now = now
        self._ids = _delivery_ids(cur)

    def advance(self, provisioning_ids: Sequence[int]) -> None:
        """Send what may be sent of each, and store its steps, its state and whether any deal of it is still won."""
        if not provisioning_ids:
            return
        deals = store.deals_of(self._cur, provisioning_ids)
        for one in store.provisionings(self._cur, provisioning_ids).values():
            self._advance(one, deals.get(one.provisioning_id, []))

    def _advance(self, one: Provisioning, deals: Sequence[WonDeal]) -> None:
        accepted = [found for deal in deals if (found := deal.decoded()) is not None]
        if not accepted:
            return
        spec = self._specify(one.code, accepted)
        systems = targets_of(self._around.book.firm, spec.entity)
        crms = linked_crms(self._around.book.firm)
        halted = all(deal.state != ACCEPTED for deal in deals)
        known = store.objects(self._cur, _targets(spec, systems, crms))
        held = {target: stored.held for target, stored in known.items()}
        made = progress(spec, systems, crms, state=one.project_state, halted=halted, held=held)
        withdrawn = self._withdraw(made, known)
        known = store.ensure_objects(self._cur, made.steps)
        send = [step for step in made.send if step.target not in made.withdraw or step.target in withdrawn]
        self._send(one, spec, send, known)
        self._save_steps(one, made, send, known)
        store.save_provisioning(self._cur, one.provisioning_id, state=made.state, halted=halted, now=self._now)
        if made.state is not one.project_state:
            self._tell(one, spec, made.state)

    def _specify(self, code: str, deals: Sequence[AcceptedDeal]) -> ProjectSpec:
        book = self._around.book
        client = book.client_by_id[deals[0].client_id]
        card_id = next((deal.rate_card_id for deal in deals if deal.rate_card_id is not None), None)
        return specify(
            code,
            deals,
            client=client,
            card=None if card_id is None else self._card(card_id, deals[0].currency),
            policy=self._around.policy,
        )

    def _card(self, card_id: int, currency: str) -> CardSpec | None:
        """The rate card with its prices as they are in force."""
        book = self._around.book
        facts = book.rate_card_by_id.get(card_id)
        if facts is None:
            return None
        prices = []
        for line in self._around.rates.lines.of_card(card_id):
            role = None if line.role_id is None else book.role_by_id.get(line.role_id)
            if role is not None and line.project_id is None:
                ends = None if line.valid_to == FOR_EVER else date.fromordinal(line.valid_to)
                starts = date.fromordinal(line.valid_from)
                prices.append(RatePrice(role=role.code or role.name, price=line.price, starts=starts, ends=ends))
        tellers = {name for name in book.system_ids if book.resolver.known_to(name, RecordType.RATE_CARD, card_id)}
        return CardSpec(
            code=facts.code or facts.name,
            name=facts.name,
            currency=facts.currency or currency,
            prices=tuple(prices),
            told_by=frozenset(tellers),
        )

    def _withdraw(self, made: Progress, known: Mapping[Target, StoredObject]) -> set[Target]:
        """Give up refused deliveries that say what is not wanted any more; returns the objects that this freed."""
        wanted = {
            stored.delivery_id: target
            for target, stored in known.items()
            if target in made.withdraw and stored.delivery_id is not None
        }
        if not wanted:
            return set()
        gone = give_up(self._cur, list(wanted), now=self._now)
        intake.resolve(self._cur, DELIVERY, gone, now=self._now, reason="Something newer is sent instead.")
        return {wanted[delivery_id] for delivery_id in gone}

    def _send(
        self,
        one: Provisioning,
        spec: ProjectSpec,
        steps: Sequence[PlannedStep],
        known: Mapping[Target, StoredObject],
    ) -> None:
        takes = {
            (system.system, kind) for system in targets_of(self._around.book.firm, spec.entity) for kind in system.takes
        }
        deliveries, sendings = [], []
        for step in steps:
            stored = known[step.target]
            new = stored.held.acknowledged is None and (step.system, targets.STATUS) in takes
            delivery = _delivery(step, stored, delivery_id=next(self._ids), entity_id=one.entity_id, new=new)
            deliveries.append(delivery)
            sendings.append((stored, step, delivery.delivery_id))
        enqueue(self._cur, deliveries, now=self._now)
        store.record_sending(self._cur, sendings, provisioning_id=one.provisioning_id, now=self._now)

    def _save_steps(
        self,
        one: Provisioning,
        made: Progress,
        send: Sequence[PlannedStep],
        known: Mapping[Target, StoredObject],
    ) -> None:
        held: dict[Target, Held] = {target: stored.held for target, stored in known.items()}
        sent = {step.target for step in send}
        rows = []
        for step in made.steps:
            current = is_current(step, held)
            begun = current or step.target in sent or held[step.target].sending is not Sending.SETTLED
            rows.append((step, known[step.target].object_id, current, begun))
        store.save_steps(self._cur, one.provisioning_id, rows, now=self._now)

    def _tell(self, one: Provisioning, spec: ProjectSpec, state: ProjectState) -> None:
        event = event_log.Event(
            type=f"project.{state}",
            subject=f"project/{spec.entity}/{one.code}",
            payload={"entity": spec.entity, "code": one.code, "before": one.state},
        )
        event_log.append(self._cur, [event], now=self._now)


def described(where: Mapping[str, Sequence[tuple[str, str]]]) -> str:
    """What exists of a project, in words: ``erp (customer C1, project P-1, 3 tasks)``."""
    parts = []
    for system, made in where.items():
        named = [f"{_WORDS[kind]} {key.rsplit('|', 1)[-1]}" for kind, key in made if kind in _WORDS]
        tasks = sum(kind == targets.TASK for kind, _ in made)
        if tasks:
            named.append(f"{tasks} task{'s' if tasks > 1 else ''}")
        if named:
            parts.append(f"{system} ({', '.join(named)})")
    return ", ".join(parts)


def _targets(spec: ProjectSpec, systems: Sequence[TargetSystem], crms: frozenset[str]) -> list[Target]:
    """Every object that may be spoken of, whatever status it comes to."""
    steps = [
        *plan.base_steps(spec, systems),
        *plan.status_steps(spec, systems, ProjectState.ACTIVE),
        *plan.link_steps(spec, crms, ProjectState.ACTIVE),
    ]
    return sorted({step.target for step in steps})


def _delivery(step: PlannedStep, stored: StoredObject, *, delivery_id: int, entity_id: int, new: bool) -> NewDelivery:
    """The next delivery of an object; its key follows from what is sent, so that it survives a restore."""
    command: MasterCommand = step.command
    key = idempotency_key(
        entity=command.entity,
        kind=step.kind,
        source_id=business_key(step.system, step.object_key),
        source_version=business_key(str(stored.revision + 1), step.content.hex()),
        purpose=store.STREAM,
    )
    if new and isinstance(command, UpsertProject):
        command = msgspec.structs.replace(command, status=str(ProjectState.PROVISIONING))
    return NewDelivery(
        delivery_id=delivery_id,
        system=step.system,
        command_kind=step.kind,
        command=msgspec.structs.replace(command, reference=reference_of(key)),
        key=key,
        order_key=step.order_key,
        entity_id=entity_id,
    )


def _delivery_ids(cur: Cursor[tuple[object, ...]]) -> Iterator[int]:
    while True:
        first = take_ids(cur, "delivery_id_seq")
        yield from range(first, first + ID_BLOCK)
