"""The outbox: commands that are to be delivered, stored in the transaction of the decision to deliver them.

``streams`` enqueues; ``engine`` delivers; ``recut`` takes a delivery apart again while it is still ready; ``give_up``
withdraws a master that a newer one takes the place of.
"""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

import msgspec
from psycopg import Cursor

from tieout.errors import InvariantError
from tieout.model.command import Command
from tieout.model.identity import content_hash
from tieout.model.journal import PostJournal
from tieout.storage.wake import notify

DELIVERY_STEP = "delivery"
ACKNOWLEDGED = "acknowledged"
"""The wake-up of the steps that wait for what becomes of the masters they enqueued."""


class NewDelivery(msgspec.Struct, frozen=True, kw_only=True):
    """A command and, for a journal, the control totals of what it stands for.

    ``currency`` and ``functional_currency`` are ISO 4217 numeric codes; ``amount_minor`` is the billable value in
    ``currency``, ``cost_minor`` the cost in ``functional_currency``. ``entry_ids`` are the time entries inside. A
    master has none of these; a journal has them all.
    """

    delivery_id: int
    system: str
    command_kind: str
    command: Command
    key: str
    order_key: str
    entity_id: int
    project_id: int | None = None
    accounting_date: date | None = None
    late: bool = False
    currency: int | None = None
    functional_currency: int | None = None
    hours: Decimal = Decimal(0)
    amount_minor: int = 0
    cost_minor: int = 0
    entry_ids: tuple[int, ...] = ()
    parent_id: int | None = None

    def __post_init__(self) -> None:
        """Refuse a journal without day, currencies or entries, and a master with any of them."""
        figures = (self.accounting_date, self.currency, self.functional_currency, self.entry_ids or None)
        given = {one is not None for one in figures}
        if given != {isinstance(self.command, PostJournal)}:
            raise InvariantError(
                code="TIE-OUTBOUND-002",
                message=f"Delivery {self.command.reference} ({self.command_kind}) to {self.system} is neither a "
                "journal with day, currencies and entries nor a master without any.",
            )


def fingerprint(command: Command) -> bytes:
    """What must stay equal over all attempts: the command without its accounting date, which a policy may move."""
    built: dict[str, object] = msgspec.to_builtins(command)
    built.pop("accounting_date", None)
    return content_hash(built)


def enqueue(cur: Cursor[tuple[object, ...]], deliveries: Sequence[NewDelivery], *, now: datetime) -> None:
    """Store deliveries, their commands and the links of their entries, and wake the engine.

    Raises psycopg's UniqueViolation when an entry is linked already: somebody else took it first, and the caller
    starts over with what is left.
    """
    if not deliveries:
        return
    with cur.copy("copy posting_link (entry_id, delivery_id) from stdin") as copy:
        for delivery in deliveries:
            copy.write("".join(f"{entry_id}\t{delivery.delivery_id}\n" for entry_id in delivery.entry_ids))
    _store(cur, deliveries, order_no=None, now=now)
    notify(cur, DELIVERY_STEP)


def replace_by_children(
    cur: Cursor[tuple[object, ...]], parent_id: int, children: Sequence[NewDelivery], *, now: datetime
) -> None:
    """Put smaller deliveries in the place of one that the target refused; each entry moves to its child."""
    for child in children:
        cur.execute(
            "update posting_link set delivery_id = %s where entry_id = any(%s) and delivery_id = %s",
            (child.delivery_id, list(child.entry_ids), parent_id),
        )
    row = cur.execute("select order_no from delivery where delivery_id = %s", (parent_id,)).fetchone()
    _store(cur, children, order_no=parent_id if row is None else int(str(row[0])), now=now)
    notify(cur, DELIVERY_STEP)


def give_up(cur: Cursor[tuple[object, ...]], delivery_ids: Sequence[int], *, now: datetime) -> list[int]:
    """Withdraw masters that their target certainly does not hold; returns those that were, in order.

    One that is being sent, is in doubt or waits for a person's look stays: nobody knows what the target holds of it.
    The row lock keeps the engine's intent out.
    """
    cur.execute(
        """
        update delivery set state = 'superseded', updated_at = %s
         where delivery_id = any(%s) and command_kind <> 'post_journal' and state in ('ready', 'rejected', 'dead')
        returning delivery_id
        """,
        (now, list(delivery_ids)),
    )
    return sorted(int(str(row[0])) for row in cur.fetchall())


def _store(
    cur: Cursor[tuple[object, ...]], deliveries: Sequence[NewDelivery], *, order_no: int | None, now: datetime
) -> None:
    with cur.copy(
        """
        copy delivery (delivery_id, parent_id, system, command_kind, key, reference, fingerprint, order_key,
                       order_no, entity_id, project_id, accounting_date, late, currency, functional_currency,
                       entry_count, hours, amount_minor, cost_minor, state, due_at, created_at, updated_at) from stdin
        """
    ) as copy:
        for one in deliveries:
            copy.write_row(
                (
                    one.delivery_id,
                    one.parent_id,
                    one.system,
                    one.command_kind,
                    one.key,
                    one.command.reference,
                    fingerprint(one.command),
                    one.order_key,
                    one.delivery_id if order_no is None else order_no,
                    one.entity_id,
                    one.project_id,
                    one.accounting_date,
                    one.late,
                    one.currency,
                    one.functional_currency,
                    len(one.entry_ids),
                    one.hours,
                    one.amount_minor,
                    one.cost_minor,
                    "ready",
                    now,
                    now,
                    now,
                )
            )
    with cur.copy("copy delivery_command (delivery_id, command) from stdin") as copy:
        for one in deliveries:
            copy.write_row((one.delivery_id, msgspec.json.encode(one.command)))


def total_debit_minor(command: Command) -> int:
    """The sum of the debits of a journal in minor units of its functional currency; 0 for a master."""
    if isinstance(command, PostJournal):
        return sum(line.debit_minor for line in command.lines)
    return 0
