"""What follows from decisions, in their transaction: events, desk items, smaller journals, other accounting dates.

What a target said to a master wakes whoever keeps masters equal (``outbox.ACKNOWLEDGED``); the outcome is read where it
is stored, in the delivery.
``engine`` calls ``recheck`` before an intent is committed and ``carry_out`` when outcomes are settled.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
from psycopg import Connection, Cursor

from tieout.desk import intake
from tieout.desk.intake import NewItem
from tieout.errors import InvariantError
from tieout.model.command import Command, object_of
from tieout.model.finding import Finding, finding
from tieout.model.journal import PostJournal
from tieout.outbound import store
from tieout.outbound.outbox import ACKNOWLEDGED, replace_by_children
from tieout.outbound.ports import CommandBuilder
from tieout.outbound.recut import free_reference
from tieout.outbound.store import Claimed
from tieout.outbound.target import Target
from tieout.outbound.transitions import Decision, State
from tieout.records import event_log
from tieout.storage.wake import notify

DELIVERY = "delivery"
JOURNAL = "post_journal"
PAYROLL_HOURS = "post_payroll_hours"
NOTICE = "send_notice"
"""Of these no event is told: a notice may be about events that cannot be told."""


@dataclass(frozen=True, kw_only=True)
class Aftermath:
    """Carries out decisions with the help of the builder of the commands."""

    builder: CommandBuilder

    def recheck(
        self, conn: Connection[tuple[object, ...]], target: Target, claimed: Sequence[Claimed], *, now: datetime
    ) -> list[Claimed]:
        """The last look before an intent: what would fall into a closed period moves or goes to the desk."""
        keep = []
        with conn.cursor() as cur:
            for one in claimed:
                if one.accounting_date is None:
                    keep.append(one)
                    continue
                day = self.builder.accounting_date(
                    cur, entity_id=one.entity_id, planned=one.accounting_date, refused=False
                )
                if day == one.accounting_date:
                    keep.append(one)
                    continue
                self._move_or_hold(cur, target, one, words="The period was closed before the posting.", now=now)
        return keep

    def carry_out(
        self,
        conn: Connection[tuple[object, ...]],
        target: Target,
        settled: Sequence[tuple[Claimed, Decision]],
        *,
        now: datetime,
    ) -> None:
        """Do what the decisions ask for beside their own rows."""
        with conn.cursor() as cur:
            posted = [(one, decision) for one, decision in settled if decision.state is State.POSTED]
            told = [(one, decision) for one, decision in posted if one.command_kind != NOTICE]
            event_log.append(cur, [_event(target, one, decision) for one, decision in told], now=now)
            intake.resolve(
                cur, DELIVERY, [one.delivery_id for one, _ in posted], now=now, reason="The target holds it now."
            )
            for one, decision in settled:
                if decision.reroute and not is_master(one):
                    self._move_or_hold(cur, target, one, words=decision.words or "", now=now, refused=True)
                elif decision.split:
                    self._split(cur, target, one, decision, now=now)
                elif decision.finding is not None or decision.reroute:
                    self._to_desk(cur, one, self._finding(target, one, decision), now=now)
            if any(is_master(one) for one, _ in settled):
                notify(cur, ACKNOWLEDGED)

    def _move_or_hold(
        self,
        cur: Cursor[tuple[object, ...]],
        target: Target,
        one: Claimed,
        *,
        words: str,
        now: datetime,
        refused: bool = False,
    ) -> None:
        command, planned = one.decoded(), one.accounting_date
        if planned is None or not isinstance(command, PostJournal):
            raise InvariantError(
                code="TIE-OUTBOUND-003", message=f"{one.command_kind} {one.reference} has no accounting date to move."
            )
        day = self.builder.accounting_date(cur, entity_id=one.entity_id, planned=planned, refused=refused)
        if day is not None and (children := self.builder.elsewhere(cur, one.delivery_id, day=day)):
            free_reference(cur, one.delivery_id)
            replace_by_children(cur, one.delivery_id, children, now=now)
            return
        if day is not None:
            moved = msgspec.structs.replace(command, accounting_date=day)
            store.move_accounting_date(
                cur.connection, one.delivery_id, command=msgspec.json.encode(moved), to=day, now=now
            )
            return
        store.hold(cur, one.delivery_id, code="PERIOD_CLOSED", words=words, now=now)
        self._to_desk(
            cur,
            one,
            finding(
                "PERIOD_CLOSED",
                f"{target.system} takes no posting on {planned} for {command.entity}: {words}",
                cause=f"{command.entity}:{planned:%Y-%m}",
                context={"reference": one.reference, "system": target.system},
                depends_on=(f"periods:{command.entity}", f"policy:{command.entity}"),
            ),
            now=now,
        )

    def _split(
        self, cur: Cursor[tuple[object, ...]], target: Target, one: Claimed, decision: Decision, *, now: datetime
    ) -> None:
        children = self.builder.halves(cur, one.delivery_id)
        if children:
            replace_by_children(cur, one.delivery_id, children, now=now)
            return
        store.hold(cur, one.delivery_id, code=decision.code or "", words=decision.words or "", now=now)
        self._to_desk(cur, one, self._finding(target, one, decision, code="DELIVERY_REJECTED"), now=now)

    def _finding(self, target: Target, one: Claimed, decision: Decision, *, code: str | None = None) -> Finding:
        command = one.decoded()
        return finding(
            code or decision.finding or "DELIVERY_REJECTED",
            f"{target.system} on {one.reference} ({_what(one, command)} of {command.entity}): {decision.words}",
            cause=f"{target.system}:{decision.code}:{_cause_of(decision)}",
            context={"reference": one.reference, "system": target.system, "code": decision.code or ""},
            depends_on=(f"system:{target.system}",),
        )

    def _to_desk(self, cur: Cursor[tuple[object, ...]], one: Claimed, found: Finding, *, now: datetime) -> None:
        item = NewItem(
            subject_kind=DELIVERY,
            subject_id=one.delivery_id,
            finding=found,
            entity_id=one.entity_id,
            document_date=one.accounting_date,
            currency=one.currency,
            entry_count=one.entry_count,
            hours=None if is_master(one) and not one.hours else one.hours,
            amount_minor=None if is_master(one) else one.amount_minor,
        )
        known = intake.open_items_of(cur, DELIVERY, [one.delivery_id]).get(one.delivery_id)
        if known is None:
            intake.open_items(cur, [item], now=now)
        else:
            intake.update(cur, [(known.item_id, item)], now=now)


def is_master(one: Claimed) -> bool:
    """Whether a delivery carries no money: it keeps masters equal, or tells a payroll hours."""
    return one.command_kind != JOURNAL


def _event(target: Target, one: Claimed, decision: Decision) -> event_log.Event:
    facts: dict[str, str | int | bool | list[str] | None] = {
        "delivery_id": one.delivery_id,
        "system": target.system,
        "target_ref": decision.target_ref,
    }
    if is_master(one):
        facts |= {"command": one.command_kind, "object": object_of(one.decoded())}
        kind = "hours.delivered" if one.command_kind == PAYROLL_HOURS else "master.delivered"
        return event_log.Event(type=kind, subject=one.reference, payload=facts)
    facts |= {"entry_count": one.entry_count, "hours": str(one.hours)}
    return event_log.Event(type="time.posted", subject=one.reference, payload=facts)


def _what(one: Claimed, command: Command) -> str:
    return object_of(command) if is_master(one) else f"{one.entry_count} entries, {one.hours} h"


def _cause_of(decision: Decision) -> str:
    """The words without what differs from posting to posting, so that one refusal is one root cause."""
    words = decision.words or ""
    return " ".join("#" if any(letter.isdigit() for letter in word) else word for word in words.split())[:160]
