"""Takes up what people decided about drift: what is right is sent again, or what the target holds is accepted.

Sent again is what the target acknowledged, by a new delivery of its own purpose; fields that the target owns are left
as they are there. Nothing is sent where that would overwrite what an owner says: the item is open again, and says why.
Neighbours: ``store`` keeps what sweeps found, ``outbox`` delivers.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Final, TypeAlias

import msgspec
from psycopg import Cursor
from psycopg.rows import class_row

from tieout.desk import intake
from tieout.errors import ContractError
from tieout.governance import firm_version
from tieout.governance.financial_control import refuse_to_enact
from tieout.model.clock import Clock
from tieout.model.command import Command, MasterCommand, UpsertProject, UpsertTask
from tieout.model.field_mapping import CUSTOM
from tieout.model.identity import business_key, idempotency_key, reference_of
from tieout.model.money import to_minor
from tieout.outbound.drift.comparison import Drift, has_another_code
from tieout.outbound.drift.said import CODE, MONEY, PRICE, STATUS, Said, said_by
from tieout.outbound.drift.store import DRIFT, facts_of
from tieout.outbound.outbox import NewDelivery, enqueue
from tieout.storage.copying import ID_BLOCK, take_ids

PURPOSE: Final = "drift"
_BATCH: Final = 500
_STATUS_COMMAND: Final = "set_project_status"
_REFERENCE_ATTRIBUTES: Final = {
    "client": "customer_code",
    "rate_card": "rate_card_code",
    "parent": "parent_wbs_code",
}
_DAYS: Final = frozenset({"starts", "ends"})
_HOURS: Final = frozenset({"budget_hours", "planned_hours"})
_FLAGS: Final = frozenset({"billable", "open_for_time"})
_Value: TypeAlias = str | int | bool | date | Decimal | None


class CannotResendError(Exception):
    """What is right cannot be sent again as things are; its text says why and what to do."""


class _Row(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``target_drift``; ``resent`` is how often it was sent again before."""

    drift_id: int
    drift: str | None
    resent: int
    system_id: int | None


class _Base(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery that the target acknowledged; ``superseded``: another about the same object came after it."""

    delivery_id: int
    command: bytes
    command_kind: str
    key: str
    order_key: str
    entity_id: int
    superseded: bool


def take_up(cur: Cursor[tuple[object, ...]], clock: Clock) -> int:
    """Send again, or accept, what was released; returns how many items were taken up.

    What is missing waits, still released, until what it refers to is there again.
    """
    items = intake.claim_released(cur, [DRIFT], limit=_BATCH)
    if not items:
        return 0
    now, ids = clock.now(), _delivery_ids(cur)
    rows = _rows(cur, [one.subject_id for one in items])
    waiting_count = 0
    for item in items:
        row = rows[item.subject_id]
        if row.drift is None:
            intake.resolve_items(cur, [item.item_id], now=now, reason="A sweep found it equal meanwhile.")
            continue
        drift = msgspec.json.decode(row.drift, type=Drift)
        if item.context.get("override") == item.code:
            _accept(cur, item, drift, now=now)
            continue
        try:
            deliveries = _resent(cur, row, drift, ids)
        except CannotResendError as refused:
            facts = facts_of(drift, row.drift_id, row.system_id, note=f"Not sent again: {refused}")
            intake.update(cur, [(item.item_id, facts)], now=now)
            continue
        if deliveries is None:
            waiting_count += 1
            continue
        _send(cur, row, deliveries, now=now)
        intake.resolve_items(cur, [item.item_id], now=now, reason="Sent again; the next sweep looks whether it is so.")
    return len(items) - waiting_count


def _accept(cur: Cursor[tuple[object, ...]], item: intake.OpenItem, drift: Drift, *, now: datetime) -> None:
    cur.execute("update target_drift set accepted = %s where drift_id = %s", (drift.fingerprint, item.subject_id))
    intake.resolve_items(cur, [item.item_id], now=now, reason="Accepted as it is.")


def _send(cur: Cursor[tuple[object, ...]], row: _Row, deliveries: list[NewDelivery], *, now: datetime) -> None:
    firm = firm_version.current(cur.connection)
    masters = [(one.system, one.command) for one in deliveries if isinstance(one.command, MasterCommand)]
    refuse_to_enact(firm, masters)
    enqueue(cur, deliveries, now=now)
    cur.execute("update target_drift set resent = resent + 1 where drift_id = %s", (row.drift_id,))


def _rows(cur: Cursor[tuple[object, ...]], drift_ids: list[int]) -> Mapping[int, _Row]:
    with cur.connection.cursor(row_factory=class_row(_Row)) as found:
        found.execute(
            """
            select t.drift_id, t.drift::text as drift, t.resent, s.system_id::int as system_id
              from target_drift t left join system_name s on s.name = t.system
             where t.drift_id = any(%s) for update of t
            """,
            (drift_ids,),
        )
        return {one.drift_id: one for one in found.fetchall()}


def _resent(cur: Cursor[tuple[object, ...]], row: _Row, drift: Drift, ids: Iterator[int]) -> list[NewDelivery] | None:
    """The deliveries that put right what is otherwise; None while what the record refers to is not there.

    Raises CannotResendError where none may be sent.
    """
    _refuse_overwriting(drift)
    otherwise = {one.command_kind for one in drift.differences}
    bases = [one for one in _bases(cur, drift) if drift.is_missing or one.command_kind in otherwise]
    if not bases or any(one.superseded for one in bases):
        raise CannotResendError("it has been delivered anew since that sweep; sweep again.")
    masters = [
        (base, command)
        for base in bases
        if isinstance(command := msgspec.json.decode(base.command, type=Command), MasterCommand)
    ]
    if _must_wait(cur, drift.system, [said_by(command) for _, command in masters]):
        return None
    return list(_deliveries(drift, row, masters, ids))


def _must_wait(cur: Cursor[tuple[object, ...]], system: str, sayings: Sequence[Said]) -> bool:
    """Whether a record that is referred to is missing too, and is on its way to be there again.

    Raises CannotResendError where it is missing and nobody has decided that it be sent again.
    """
    references = [one for said in sayings for one in (*said.references.values(), said.within) if one is not None]
    cur.execute(
        """
        select t.record, t.drift ->> 'code',
               exists (select from desk_item i where i.subject_kind = %(kind)s and i.subject_id = t.drift_id
                          and i.state = 'open'),
               exists (select from desk_item i where i.subject_kind = %(kind)s and i.subject_id = t.drift_id
                          and i.state = 'released')
               or exists (select from delivery d join delivery o on o.system = d.system and o.order_key = d.order_key
                           where d.delivery_id in (select value::bigint from jsonb_each_text(t.drift -> 'deliveries'))
                             and o.state not in ('posted', 'split', 'recut', 'excluded', 'superseded'))
          from target_drift t
          join unnest(%(records)s::text[], %(keys)s::text[]) as given (record, key)
            on given.record = t.record and given.key = t.key
         where t.system = %(system)s and (t.drift ->> 'is_missing')::boolean
        """,
        {
            "kind": DRIFT,
            "system": system,
            "records": [one.record for one in references],
            "keys": [one.key for one in references],
        },
    )
    waits = False
    for record, code, is_open, is_coming in cur.fetchall():
        if is_open:
            raise CannotResendError(f"the {record} {code} that it refers to is missing too; send that again with it.")
        waits = waits or bool(is_coming)
    return waits


def _deliveries(
    drift: Drift, row: _Row, masters: Sequence[tuple[_Base, MasterCommand]], ids: Iterator[int]
) -> Iterator[NewDelivery]:
    for base, command in masters:
        key = idempotency_key(
            entity=command.entity,
            kind=base.command_kind,
            source_id=business_key(drift.system, base.key),
            source_version=str(row.resent + 1),
            purpose=PURPOSE,
        )
        right = command if drift.is_missing else as_it_should_be(command, drift)
        yield NewDelivery(
            delivery_id=next(ids),
            system=drift.system,
            command_kind=base.command_kind,
            command=msgspec.structs.replace(right, reference=reference_of(key)),
            key=key,
            order_key=base.order_key,
            entity_id=base.entity_id,
        )


def _refuse_overwriting(drift: Drift) -> None:
    """Never a value that its owner does not say, never a second record beside one that was given another code."""
    if drift.is_missing and drift.owned_there:
        raise CannotResendError(f"whether it exists is for {drift.system} to say; make it again there, or accept.")
    if has_another_code(drift):
        raise CannotResendError(f"it has another {CODE} there, under which it would be made anew; correct it by hand.")
    for one in drift.differences:
        if one.owner_says is not None:
            raise CannotResendError(
                f"{one.owner}, which owns {one.field}, says {one.owner_says!r} and not {one.wanted!r} any more."
            )


def _bases(cur: Cursor[tuple[object, ...]], drift: Drift) -> list[_Base]:
    with cur.connection.cursor(row_factory=class_row(_Base)) as found:
        found.execute(
            """
            select d.delivery_id, c.command, d.command_kind, d.key, d.order_key, d.entity_id,
                   exists (select from delivery o
                            where o.system = d.system and o.order_key = d.order_key and o.state <> 'superseded'
                              and (o.delivery_id > d.delivery_id and o.command_kind = d.command_kind
                                   or o.state not in ('posted', 'split', 'recut', 'excluded'))) as superseded
              from delivery d join delivery_command c using (delivery_id)
             where d.delivery_id = any(%s) order by d.delivery_id
            """,
            (sorted(drift.deliveries.values()),),
        )
        return found.fetchall()


def as_it_should_be(command: MasterCommand, drift: Drift) -> MasterCommand:
    """``command`` with what the target owns as it is there; a project that is there keeps the status that it has.

    Raises CannotResendError for a field that a command cannot say as the target has it.
    """
    if any(field.startswith(PRICE) for field in drift.kept):
        raise CannotResendError("the target owns some of its prices, and a rate card is told as a whole.")
    changes: dict[str, _Value] = {}
    if isinstance(command, UpsertProject) and _STATUS_COMMAND in drift.deliveries:
        changes["status"] = None
    for field, held in drift.kept.items():
        attribute = _REFERENCE_ATTRIBUTES.get(field) or MONEY.get(field) or field
        if field != STATUS and attribute in command.__struct_fields__:
            changes[attribute] = _value_of(command, field, attribute, held)
    return _with_own_fields(msgspec.structs.replace(command, **changes), drift)


def _with_own_fields(command: MasterCommand, drift: Drift) -> MasterCommand:
    """The account's own fields that the target owns, as they are there; what it emptied is not told."""
    further: dict[str, str] | None = getattr(command, "fields", None)
    if not further:
        return command
    held = {name: drift.kept.get(CUSTOM + name, value) for name, value in further.items()}
    return msgspec.structs.replace(command, fields={name: value for name, value in held.items() if value is not None})


def _value_of(command: MasterCommand, field: str, attribute: str, held: str | None) -> _Value:
    """What the target holds as a value of the command's attribute."""
    if held is None:
        if attribute in _required(command):
            raise CannotResendError(f"the target, which owns {field}, has none; say there what it is.")
        return None
    try:
        if field in MONEY:
            return to_minor(Decimal(held), str(getattr(command, "currency", "")))
        if field in _HOURS:
            return Decimal(held)
        if field in _DAYS:
            return date.fromisoformat(held)
    except (ContractError, ArithmeticError, ValueError) as error:
        raise CannotResendError(f"the target, which owns {field}, holds {held!r}, which cannot be sent.") from error
    return held == "true" if field in _FLAGS and isinstance(command, UpsertTask) else held


def _required(command: MasterCommand) -> frozenset[str]:
    fields = command.__struct_fields__
    defaults = command.__struct_defaults__
    return frozenset(fields[: len(fields) - len(defaults)])


def _delivery_ids(cur: Cursor[tuple[object, ...]]) -> Iterator[int]:
    while True:
        first = take_ids(cur, "delivery_id_seq")
        yield from range(first, first + ID_BLOCK)
