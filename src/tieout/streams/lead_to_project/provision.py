"""Sends what provisionings need next, and stores where each step stands.

``saga`` decides, ``plan`` says what is wanted, ``outbound`` delivers. A provisioning is looked at again whenever a deal
of it changed or a target said something of one of its objects; customers and rate cards are objects that it shares.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
from psycopg import Cursor

from tieout.desk import intake
from tieout.governance.financial_control import refuse_to_enact
from tieout.model.command import UpsertProject
from tieout.model.identity import business_key, idempotency_key, reference_of
from tieout.model.project import ProjectState
from tieout.model.reported import RecordType
from tieout.outbound.aftermath import DELIVERY
from tieout.outbound.outbox import NewDelivery, enqueue, give_up
from tieout.records import event_log
from tieout.storage.copying import ID_BLOCK, take_ids
from tieout.streams.lead_to_project import plan, store, targets
from tieout.streams.lead_to_project.deal import AcceptedDeal
from tieout.streams.lead_to_project.fields import Origin, fields_of
from tieout.streams.lead_to_project.plan import PlannedStep
from tieout.streams.lead_to_project.project_code import is_called_after
from tieout.streams.lead_to_project.rate_card import hourly_prices
from tieout.streams.lead_to_project.saga import UNSENT, Held, Progress, Sending, Target, is_current, progress
from tieout.streams.lead_to_project.specification import CardSpec, ProjectSpec, specify
from tieout.streams.lead_to_project.store import Provisioning, StoredObject
from tieout.streams.lead_to_project.surroundings import Surroundings
from tieout.streams.lead_to_project.targets import TargetSystem, linked_crms, targets_of
from tieout.streams.lead_to_project.verdict import ACCEPTED

_WORDS = {
    targets.CUSTOMER: "customer",
    targets.CONTRACT: "contract",
    targets.RATE_CARD: "rate card",
    targets.PROJECT: "project",
}


@dataclass(frozen=True, kw_only=True)
class _Work:
    """One provisioning that is looked at: what it should be, and where."""

    provisioning: Provisioning
    spec: ProjectSpec
    systems: tuple[TargetSystem, ...]
    crms: frozenset[str]
    halted: bool

    def progress(self, held: Mapping[Target, Held]) -> Progress:
        state = self.provisioning.project_state
        return progress(self.spec, self.systems, self.crms, state=state, halted=self.halted, held=held)

    def targets(self) -> set[Target]:
        """Every object that may be spoken of, whatever status it comes to."""
        steps = [
            *plan.base_steps(self.spec, self.systems),
            *plan.status_steps(self.spec, self.systems, ProjectState.ACTIVE),
            *plan.link_steps(self.spec, self.crms, ProjectState.ACTIVE),
        ]
        return {step.target for step in steps}


class Provisioner:
    """Advances provisionings in the transaction of the step: all of them with a handful of statements."""

    def __init__(self, cur: Cursor[tuple[object, ...]], around: Surroundings, *, now: datetime) -> None:
        self._cur = cur
        self._around = around
        self._now = now

    def advance(self, provisioning_ids: Sequence[int]) -> None:
        """Send what may be sent of each, and store its steps, its state and whether any deal of it is still won."""
        works = self._works(provisioning_ids)
        if not works:
            return
        known = store.objects(self._cur, sorted({target for work in works for target in work.targets()}))
        held = {target: stored.held for target, stored in known.items()}
        self._withdraw(works, known, held)
        rows: list[store.StepRow] = []
        sends: list[tuple[_Work, PlannedStep]] = []
        states: list[tuple[_Work, ProjectState]] = []
        for work in works:
            made = work.progress(held)
            states.append((work, made.state))
            sent = {step.target for step in made.send}
            rows += [_row(work, step, held, is_sent=step.target in sent) for step in made.steps]
            # What one project sends of a customer is under way for every other one of this run.
            for step in made.send:
                before = held.get(step.target, UNSENT)
                held[step.target] = Held(acknowledged=before.acknowledged, sent=step.content, sending=Sending.UNDER_WAY)
                sends.append((work, step))
        known = store.ensure_objects(self._cur, {row.step.target for row in rows})
        self._send(sends, known)
        store.save_steps(self._cur, rows, known, now=self._now)
        self._save_states(states)

    def _works(self, provisioning_ids: Sequence[int]) -> list[_Work]:
        if not provisioning_ids:
            return []
        deals = store.deals_of(self._cur, provisioning_ids)
        firm, surviving = self._around.book.firm, self._around.book.surviving_client
        works = []
        for one in store.provisionings(self._cur, provisioning_ids).values():
            own = deals.get(one.provisioning_id, [])
            accepted = [found for deal in own if (found := deal.decoded(surviving)) is not None]
            if accepted:
                spec = self._specify(one.code, accepted)
                works.append(
                    _Work(
                        provisioning=one,
                        spec=spec,
                        systems=targets_of(firm, spec.entity, self._around.book.on),
                        crms=linked_crms(firm),
                        halted=all(deal.state != ACCEPTED for deal in own),
                    )
                )
        return works

    def _specify(self, code: str, deals: Sequence[AcceptedDeal]) -> ProjectSpec:
        """The deal that the project is called after speaks for it, whichever was accepted first."""
        book, policy = self._around.book, self._around.policy
        deals = sorted(deals, key=lambda one: not is_called_after(policy, code, deal=one.number, entity=one.entity))
        client = book.client_by_id[deals[0].client_id]
        card_id = next((deal.rate_card_id for deal in deals if deal.rate_card_id is not None), None)
        spec = specify(
            code,
            deals,
            client=client,
            card=None if card_id is None else self._card(card_id, deals[0].currency),
            policy=policy,
        )
        filled = fields_of(book, targets_of(book.firm, spec.entity, book.on), origin_of(spec, deals))
        return msgspec.structs.replace(spec, fields=filled)

    def _card(self, card_id: int, currency: str) -> CardSpec | None:
        """The rate card with its prices as they are in force."""
        book = self._around.book
        facts = book.rate_card_by_id.get(card_id)
        if facts is None:
            return None
        code, currency = facts.code or facts.name, facts.currency or currency
        tellers = {name for name in book.system_ids if book.resolver.known_to(name, RecordType.RATE_CARD, card_id)}
        # What a system reads back of a card that it was told by the hub is no statement of its own.
        told = store.told_of(self._cur, targets.RATE_CARD, code) if tellers else frozenset()
        return CardSpec(
            code=code,
            name=facts.name,
            currency=currency,
            prices=hourly_prices(self._around.rates.lines.of_card(card_id), book.role_by_id, currency),
            told_by=frozenset(tellers - told),
        )

    def _withdraw(self, works: Sequence[_Work], known: Mapping[Target, StoredObject], held: dict[Target, Held]) -> None:
        """Give up refused deliveries that say what is not wanted any more; what that frees is settled from now on.

        What could not be given up has gone on in the meantime: whatever becomes of it, the stream is told.
        """
        if not any(one.sending is Sending.REFUSED for one in held.values()):
            return
        wanted = {target for work in works for target in work.progress(held).withdraw}
        deliveries = {known[target].delivery_id: target for target in wanted}
        gone = give_up(self._cur, [one for one in deliveries if one is not None], now=self._now)
        intake.resolve(self._cur, DELIVERY, gone, now=self._now, reason="Something newer is sent instead.")
        for delivery_id, target in deliveries.items():
            sending = Sending.SETTLED if delivery_id in gone else Sending.UNDER_WAY
            held[target] = msgspec.structs.replace(held[target], sending=sending)

    def _send(self, sends: Sequence[tuple[_Work, PlannedStep]], known: Mapping[Target, StoredObject]) -> None:
        if not sends:
            return
        ids = _delivery_ids(self._cur)
        sendings = [
            store.Sent(
                stored=known[step.target],
                step=step,
                delivery_id=next(ids),
                provisioning_id=work.provisioning.provisioning_id,
            )
            for work, step in sends
        ]
        deliveries = [
            _delivery(one, entity_id=work.provisioning.entity_id, has_status=_takes_status(work, one.step.system))
            for (work, _), one in zip(sends, sendings, strict=True)
        ]
        refuse_to_enact(self._around.book.firm, [(step.system, step.command) for _, step in sends])
        enqueue(self._cur, deliveries, now=self._now)
        store.record_sendings(self._cur, sendings, now=self._now)

    def _save_states(self, states: Sequence[tuple[_Work, ProjectState]]) -> None:
        store.save_provisionings(
            self._cur,
            [(work.provisioning.provisioning_id, state, work.halted) for work, state in states],
            now=self._now,
        )
        events = [
            event_log.Event(
                type=f"project.{state}",
                subject=f"project/{work.spec.entity}/{work.spec.code}",
                payload={"entity": work.spec.entity, "code": work.spec.code, "before": work.provisioning.state},
            )
            for work, state in states
            if state is not work.provisioning.project_state
        ]
        event_log.append(self._cur, events, now=self._now)


def origin_of(spec: ProjectSpec, deals: Sequence[AcceptedDeal]) -> Origin:
    """What the fields of a project are filled from; of several deals the one that it is called after speaks first."""
    words = {
        "code": spec.code,
        "name": spec.name,
        "service_line": spec.service_line,
        "currency": spec.currency,
        "starts": spec.starts.isoformat(),
        "ends": spec.ends.isoformat(),
        "contract_number": None if spec.contract is None else spec.contract.number,
    }
    return Origin(
        entity=spec.entity,
        on=spec.starts,
        client=spec.client,
        project={name: word for name, word in words.items() if word},
        deal={name: word for deal in reversed(deals) for name, word in deal.told.items()},
        contract={} if spec.contract is None else spec.contract.told,
    )


def _row(work: _Work, step: PlannedStep, held: Mapping[Target, Held], *, is_sent: bool) -> store.StepRow:
    current = is_current(step, held)
    begun = current or is_sent or held.get(step.target, UNSENT).sending is not Sending.SETTLED
    return store.StepRow(
        provisioning_id=work.provisioning.provisioning_id, step=step, is_current=current, is_begun=begun
    )


def _takes_status(work: _Work, system: str) -> bool:
    return any(one.system == system and targets.STATUS in one.takes for one in work.systems)


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


def _delivery(one: store.Sent, *, entity_id: int, has_status: bool) -> NewDelivery:
    """The next delivery of an object; its key follows from what is sent, so that it survives a restore.

    A project that the target does not hold yet is made as one in preparation, where its status can be set later.
    """
    step, command = one.step, one.step.command
    key = idempotency_key(
        entity=command.entity,
        kind=step.kind,
        source_id=business_key(step.system, step.object_key),
        source_version=business_key(str(one.stored.revision + 1), step.content.hex()),
        purpose=store.STREAM,
    )
    if has_status and one.stored.held.acknowledged is None and isinstance(command, UpsertProject):
        command = msgspec.structs.replace(command, status=str(ProjectState.PROVISIONING))
    return NewDelivery(
        delivery_id=one.delivery_id,
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
