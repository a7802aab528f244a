"""Acceptance: everything that a batch decided, written in one transaction as text that COPY takes as it is.

Readings, actuals, findings, desk items, control totals and the range that waits for billing stand or fall together.
What concurrent batches mean for each other is settled by ``interleaving``.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final, TypeAlias

import msgspec
from psycopg import Cursor, sql

from tieout.desk import intake
from tieout.errors import InvariantError
from tieout.inbound.changes import CHANGED_CODES, Reversal, delta_of
from tieout.inbound.reading import HOUR_E4, Disposition, Reading
from tieout.inbound.validation import BEFORE_GO_LIVE
from tieout.ledger.actuals import ACTUAL_COLUMNS, AcceptedEntry, actual_rows, hours_text
from tieout.model.finding import Finding
from tieout.storage.copying import copy_lines, copy_rows, copy_text, escape, take_ids
from tieout.storage.wake import notify

_ENTRY_COLUMNS: Final = (
    "entry_id", "message_id", "item_no", "system_id", "source_id", "version", "revision", "previous_entry_id", "state",
    "disposition", "digest", "resource_id", "project_id", "task_id", "role_id", "entity_id", "work_date", "hours",
    "billable", "work_type", "started_at", "ended_at", "narrative", "firm_version",
)  # fmt: skip
_COPY_ENTRIES: Final = sql.SQL("copy time_entry ({}) from stdin").format(
    sql.SQL(", ").join(map(sql.Identifier, _ENTRY_COLUMNS))
)
_COPY_ACTUALS: Final = sql.SQL("copy actual ({}) from stdin").format(
    sql.SQL(", ").join(map(sql.Identifier, ACTUAL_COLUMNS))
)
_SLICE: Final = 500
_NO_MONEY: Final[tuple[tuple[int | None, int | None], ...]] = ((None, None), (None, None))
_NULL: Final = "\\N"
_ACCEPTED: Final = int(Disposition.ACCEPTED)
_HELD: Final = int(Disposition.HELD)
_FINDING_COLUMNS: Final = (
    "entry_id", "message_id", "item_no", "code", "severity", "cause_key", "message", "context"
)  # fmt: skip
_TOTAL_COLUMNS: Final = (
    "batch_id", "entity_id", "currency", "entry_count", "hours", "amount_minor", "cost_minor", "functional_currency"
)  # fmt: skip
Sums: TypeAlias = dict[tuple[int, int, int], list[int]]
_WAKES: Final = "time_to_bill"
_WAKES_PLAN: Final = "plan_to_allocate"
OVERRULED: Final = "overruled"
"""Key of an item's context: the codes that a person decided shall not block, kept while the item lives on."""


class Versions(msgspec.Struct, frozen=True, kw_only=True):
    """What a batch was judged by: the versions of the firm's configuration and of the reference."""

    firm: int
    reference: int


class Prepared(msgspec.Struct, frozen=True):
    """What was made while PostgreSQL took the rows in: lines of findings, and sums of what was accepted."""

    finding_lines: list[str]
    sums: Sums


def write_entries(cur: Cursor[tuple[object, ...]], readings: Sequence[Reading], *, firm_version: int) -> Prepared:
    """Give ``readings`` their ids, in order, and COPY them with the actuals of the accepted ones.

    At most ``storage.copying.ID_BLOCK`` readings. The rows go in order of their unique key, so that two batches with
    the same entry wait for each other instead of deadlocking; and in slices, so that PostgreSQL takes one in while the
    next is made.
    """
    if not readings:
        return Prepared([], {})
    for entry_id, reading in enumerate(readings, start=take_ids(cur, "entry_id_seq")):
        reading.entry_id = entry_id
    in_order = sorted(readings, key=lambda one: one.source_id)
    with cur.copy(_COPY_ENTRIES) as copy:
        for start in range(0, len(in_order), _SLICE):
            copy.write("".join([_entry_line(one, firm_version) for one in in_order[start : start + _SLICE]]))
        accepted = [one for one in readings if one.disposition == _ACCEPTED]
        finding_lines = [_finding_line(one, found) for one in readings if one.findings for found in one.findings]
    with cur.copy(_COPY_ACTUALS) as copy:
        for start in range(0, len(accepted), _SLICE):
            rows = actual_rows(_accepted_entry(one, firm_version) for one in accepted[start : start + _SLICE])
            copy.write("\n".join([*rows, ""]))
        sums = _sums(accepted)
    return Prepared(finding_lines, sums)


def _accepted_entry(one: Reading, firm_version: int) -> AcceptedEntry:
    if one.rated is None or one.entity_id is None or one.project_id is None:
        raise InvariantError(
            code="TIE-INBOUND-001",
            message=f"Time entry {one.source_id} of {one.system} was accepted without project, legal entity or price.",
        )
    return AcceptedEntry(one.entry_id, one.entity_id, one.project_id, one.day, one.hours_e4, firm_version, one.rated)


def _entry_line(reading: Reading, firm_version: int) -> str:
    said = reading.said
    started, ended = said.started_at, said.ended_at
    previous, resource, project = reading.previous_entry_id, reading.resource_id, reading.project_id
    task, role, entity = reading.task_id, reading.role_id, reading.entity_id
    return (
        f"{reading.entry_id}\t{reading.message_id}\t{reading.item_no}\t{reading.system_id}\t"
        f"{_text(reading.source_id)}\t{reading.version}\t{reading.revision}\t"
        f"{_NULL if previous is None else previous}\t{reading.state}\t{int(reading.disposition)}\t{reading.digest}\t"
        f"{_NULL if resource is None else resource}\t{_NULL if project is None else project}\t"
        f"{_NULL if task is None else task}\t{_NULL if role is None else role}\t"
        f"{_NULL if entity is None else entity}\t{said.work_date.isoformat()}\t{hours_text(reading.hours_e4)}\t"
        f"{said.billable}\t{reading.work_type}\t{_NULL if started is None else started.isoformat()}\t"
        f"{_NULL if ended is None else ended.isoformat()}\t{_text(reading.narrative)}\t{firm_version}\n"
    )


def _text(text: str) -> str:
    """Most text needs no escape: printable and without a backslash."""
    return text if "\\" not in text and text.isprintable() else escape(text)


def write_findings(
    cur: Cursor[tuple[object, ...]],
    lines: Sequence[str],
    unreadable: Iterable[tuple[int, int | None, Finding]] = (),
) -> None:
    """COPY prepared ``lines`` of findings, and findings of items or messages that could not be read (message, item)."""
    more = [
        "\t".join(map(copy_text, (None, message_id, item_no, *_finding(one))))
        for message_id, item_no, one in unreadable
    ]
    copy_lines(cur, "finding", _FINDING_COLUMNS, [*lines, *more])


def _finding_line(reading: Reading, one: Finding) -> str:
    code, severity, cause_key, message, context = _finding(one)
    return (
        f"{reading.entry_id}\t{reading.message_id}\t{reading.item_no}\t{code}\t{severity}\t{_text(cause_key)}\t"
        f"{_text(message)}\t{_text(context)}"
    )


def _finding(one: Finding) -> tuple[str, str, str, str, str]:
    context = msgspec.json.encode(one.context).decode()
    return one.code, one.severity.value, one.cause_key, one.message, context


def settle_desk(cur: Cursor[tuple[object, ...]], heads: Sequence[Reading], *, now: datetime) -> None:
    """Open, update and resolve the desk items of ``heads``; a source entry has one open item at most.

    An item that was read again and is still held, and a posted entry that its source changed once more, keep their item
    and its age; otherwise the item of an older version is resolved and the new version speaks for itself.
    """
    known_ids = [one.entry_id for head in heads for one in head.known]
    open_items = intake.open_items_of(cur, intake.ENTRY, known_ids)
    new: list[intake.ItemFacts] = []
    updates: list[tuple[int, intake.ItemFacts]] = []
    outdated: list[int] = []
    for head in heads:
        earlier = [open_items[one.entry_id] for one in head.known if one.entry_id in open_items]
        if head.disposition == Disposition.CARRIED and head.known[-1].disposition != Disposition.HELD:
            continue
        item_ids = [one.item_id for one in earlier]
        if head.released is not None and head.released.item_id not in item_ids:
            item_ids.append(head.released.item_id)
        if head.disposition == Disposition.HELD:
            facts = _item(head)
            changed_again = facts.finding.code in CHANGED_CODES and any(one.code in CHANGED_CODES for one in earlier)
            if item_ids and (head.released is not None or changed_again):
                updates.append((item_ids.pop(), facts))
            else:
                new.append(facts)
        outdated += item_ids
    intake.resolve_items(cur, outdated, now=now, reason="A newer reading of the source entry stands for it.")
    intake.update(cur, updates, now=now)
    intake.open_items(cur, new, now=now)
    barred = [one.entry_id for one in heads if one.disposition == Disposition.HELD and _is_barred(one)]
    intake.exclude(cur, intake.ENTRY, barred, now=now, reason="It lies before the go-live of the legal entity.")


def _is_barred(reading: Reading) -> bool:
    return blocking(reading).code == BEFORE_GO_LIVE


def _item(reading: Reading) -> intake.ItemFacts:
    hours: Decimal = Decimal(reading.hours_e4) / HOUR_E4
    amounts: tuple[tuple[int, int], ...] | None = None
    if reading.posted is not None:
        delta = delta_of(reading, reading.posted)
        hours, amounts = delta.hours, delta.amounts
    elif reading.rated is not None:
        sales = reading.rated.sales
        amounts = (
            ((reading.rated.cost.functional_currency, 0),) if sales is None else ((sales.currency, sales.amount_minor),)
        )
    at_stake, newly_at_stake = (*(amounts or ()), *_NO_MONEY)[:2]
    overruled = {}
    if reading.released is not None and reading.released.overrides:
        overruled = {OVERRULED: ",".join(sorted(reading.released.overrides))}
    return intake.ItemFacts(
        subject_kind=intake.ENTRY,
        subject_id=reading.entry_id,
        finding=blocking(reading),
        message_id=reading.message_id,
        item_no=reading.item_no,
        system_id=reading.system_id,
        source_id=reading.source_id,
        entity_id=reading.entity_id,
        document_date=reading.said.work_date,
        currency=at_stake[0],
        hours=hours,
        amount_minor=at_stake[1],
        new_currency=newly_at_stake[0],
        new_amount_minor=newly_at_stake[1],
        context=overruled,
    )


def blocking(reading: Reading) -> Finding:
    """The finding that names the root cause of a held reading: its first that blocks."""
    return next(one for one in reading.findings if one.blocks)


def write_batch(  # noqa: PLR0913 - one of each thing that a batch is made of
    cur: Cursor[tuple[object, ...]],
    readings: Sequence[Reading],
    sums: Sums,
    reversals: Sequence[Reversal],
    *,
    repeats: int,
    versions: Versions,
    now: datetime,
) -> int:
    """Write the batch with its control totals and queue it for billing and plan; the last step before the commit.

    Its turn has come (``interleaving.take_turn``), so that ids of batches grow in the order of commits. Returns the
    batch's id.
    """
    accepted = [one for one in readings if one.disposition == _ACCEPTED]
    cur.execute(
        """
        insert into batch (first_entry_id, last_entry_id, firm_version, reference_version, accepted_count, held_count,
                           repeat_count, recorded_at)
        values (%s, %s, %s, %s, %s, %s, %s, %s) returning batch_id
        """,
        (
            readings[0].entry_id if readings else 0,
            readings[-1].entry_id if readings else 0,
            versions.firm,
            versions.reference,
            len(accepted),
            sum(one.disposition == _HELD for one in readings),
            repeats,
            now,
        ),
    )
    row = cur.fetchone()
    batch_id = 0 if row is None else int(str(row[0]))
    copy_rows(cur, "batch_total", _TOTAL_COLUMNS, _totals(batch_id, sums, reversals))
    if accepted:
        cur.execute(
            "insert into posting_pending (first_entry_id, last_entry_id) values (%s, %s)",
            (accepted[0].entry_id, accepted[-1].entry_id),
        )
        for table in ("plan_pending", "payroll_pending"):
            cur.execute(
                f"insert into {table} (kind, first_id, last_id) values ('accepted', %s, %s)",  # noqa: S608 - of these two
                (accepted[0].entry_id, accepted[-1].entry_id),
            )
        notify(cur, _WAKES)
        notify(cur, _WAKES_PLAN)
    return batch_id


def _sums(accepted: Iterable[Reading]) -> Sums:
    """Number, hours, sales and functional cost of accepted readings per entity, currency and functional currency."""
    sums: Sums = {}
    for reading in accepted:
        rated = reading.rated
        if rated is None or reading.entity_id is None:
            continue
        functional = rated.cost.functional_currency
        currency, amount = (functional, 0) if rated.sales is None else (rated.sales.currency, rated.sales.amount_minor)
        total = sums.setdefault((reading.entity_id, currency, functional), [0, 0, 0, 0])
        total[0] += 1
        total[1] += reading.hours_e4
        total[2] += amount
        total[3] += rated.cost.functional_minor
    return sums


def _totals(
    batch_id: int, sums: Sums, reversals: Iterable[Reversal]
) -> list[tuple[int, int, int, int, Decimal, int, int, int]]:
    for one in reversals:
        total = sums.setdefault((one.entity_id, one.currency, one.functional_currency), [0, 0, 0, 0])
        total[0] -= one.entry_count
        total[1] -= one.hours_e4
        total[2] -= one.amount_minor
        total[3] -= one.cost_minor
    return [
        (batch_id, entity_id, currency, count, Decimal(hours_e4) / HOUR_E4, amount, cost, functional)
        for (entity_id, currency, functional), (count, hours_e4, amount, cost) in sums.items()
    ]
