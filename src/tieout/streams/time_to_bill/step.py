"""The step between the actuals and the outbox: accepted entries become journals and deliveries.

One transaction claims waiting id ranges, places their entries on accounting dates, and enqueues journals with the links
of their entries; what no open period takes goes to the desk. ``journals`` and ``accounting_date`` decide; ``entries``
reads.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg import Connection, Cursor

from tieout.connect.fault_point import fault_point
from tieout.desk import intake
from tieout.desk.intake import NewItem
from tieout.errors import ConfigurationError
from tieout.model.clock import Clock
from tieout.model.finding import Finding, finding
from tieout.model.firm import EntityPolicy, SystemConfig
from tieout.model.money import numeric_code
from tieout.outbound.outbox import NewDelivery, enqueue
from tieout.outbound.restored import set_aside, waiting_entities
from tieout.records.field_filling import Asked, fill_dimensions
from tieout.records.reference_book import BookCache, ReferenceBook
from tieout.storage.copying import ID_BLOCK, take_ids
from tieout.storage.pool import in_transaction
from tieout.streams.time_to_bill import entries as reader
from tieout.streams.time_to_bill.accounting_date import place
from tieout.streams.time_to_bill.journals import (
    COMMAND_KIND,
    JournalGroup,
    ProjectLabels,
    RatedEntry,
    build,
    group,
)

MAX_RANGES = 8
"""Batches of the way in that one transaction bills at most; what it holds in memory grows with them."""
BACKLOG = 1000
PATIENCE = timedelta(seconds=2)
"""While more than ``BACKLOG`` journals wait to be sent, new ones would only wait behind them: entries are then put
into journals every ``PATIENCE``, so that journals grow and not their number."""


@dataclass(frozen=True, kw_only=True)
class BillingContext:
    """What the step needs beside the database."""

    clock: Clock
    books: BookCache


def build_journals(conn: Connection[tuple[object, ...]], context: BillingContext) -> int:
    """Turn waiting entries into journals; returns how many id ranges were taken (0: nothing waits)."""
    done = in_transaction(conn, lambda cur: _build(cur, context))
    if done:
        fault_point("streams.journal.after_commit")
    return done


def _build(cur: Cursor[tuple[object, ...]], context: BillingContext) -> int:
    now = context.clock.now()
    if reader.is_revaluation_pending(cur) or reader.backlog_since(cur, BACKLOG, now - PATIENCE):
        return 0
    ranges = reader.claim_ranges(cur, limit=MAX_RANGES)
    if not ranges:
        return 0
    book = context.books.get(cur.connection)
    waiting = reader.read_waiting(cur, ranges)
    by_entity: dict[int, list[RatedEntry]] = {}
    for entry in waiting:
        by_entity.setdefault(entry.entity_id, []).append(entry)
    deliveries: list[NewDelivery] = []
    ids = _delivery_ids(cur)
    for entity_id in waiting_entities(cur.connection) & by_entity.keys():
        set_aside(cur, entity_id, [entry.entry_id for entry in by_entity.pop(entity_id)])
    for entity_id, members in by_entity.items():
        deliveries += _deliveries(cur, book, entity_id, members, ids=ids, now=now)
    enqueue(cur, deliveries, now=now)
    fault_point("streams.journal.before_commit")
    return len(ranges)


def _deliveries(
    cur: Cursor[tuple[object, ...]],
    book: ReferenceBook,
    entity_id: int,
    members: list[RatedEntry],
    *,
    ids: Iterator[int],
    now: datetime,
) -> list[NewDelivery]:
    entity = book.entity_by_id[entity_id].code
    policy = policy_of(book, entity)
    placed = []
    homeless = []
    for entry in members:
        where = place(book.periods, entity=entity, day=entry.work_date, rule=policy.closed_period)
        if where is None:
            homeless.append(entry)
        else:
            placed.append((entry, where.day, where.late))
    _hold(cur, homeless, _no_period(entity), now=now)
    groups = group(placed, policy)
    return [delivery_of(one, book=book, entity_id=entity_id, delivery_id=next(ids)) for one in groups]


def _delivery_ids(cur: Cursor[tuple[object, ...]]) -> Iterator[int]:
    """Growing ids, as many as are asked for."""
    while True:
        first = take_ids(cur, "delivery_id_seq")
        yield from range(first, first + ID_BLOCK)


def delivery_of(
    group_: JournalGroup, *, book: ReferenceBook, entity_id: int, delivery_id: int, parent_id: int | None = None
) -> NewDelivery:
    """The delivery of one group of entries: its journal and its control totals."""
    entity = book.entity_by_id[entity_id].code
    policy = policy_of(book, entity)
    system = book.firm.poster_of(entity, group_.accounting_date)
    if system is None:
        raise ConfigurationError(
            code="TIE-BILLING-002",
            message=f"No system posts for legal entity {entity} on {group_.accounting_date} (posts_for in systems/).",
        )
    labels = {
        project_id: labels_of(book, policy, project_id, group_, system)
        for project_id in {entry.project_id for entry in group_.entries}
    }
    journal = build(group_, entity=entity, policy=policy, labels=labels)
    project = labels[group_.project_id].code if group_.project_id is not None else "*"
    return NewDelivery(
        delivery_id=delivery_id,
        parent_id=parent_id,
        system=system.name,
        command_kind=COMMAND_KIND,
        command=journal,
        key=journal.key,
        order_key=f"{entity}|{project}",
        entity_id=entity_id,
        project_id=group_.project_id,
        accounting_date=group_.accounting_date,
        late=group_.late,
        currency=numeric_code(group_.entries[0].currency),
        functional_currency=numeric_code(policy.functional_currency),
        hours=journal.hours,
        amount_minor=sum(entry.sales_minor or 0 for entry in group_.entries),
        cost_minor=sum(entry.cost_minor for entry in group_.entries),
        entry_ids=tuple(entry.entry_id for entry in group_.entries),
    )


def policy_of(book: ReferenceBook, entity: str) -> EntityPolicy:
    """The policy of ``entity``; raises ConfigurationError when it has none (acceptance does not let that happen)."""
    policy = book.firm.policy(entity)
    if policy is None:
        raise ConfigurationError(code="TIE-BILLING-003", message=f"Legal entity {entity} has no policy.")
    return policy


def labels_of(
    book: ReferenceBook, policy: EntityPolicy, project_id: int, group_: JournalGroup, system: SystemConfig
) -> ProjectLabels:
    """What the lines of a project carry; dimensions as mapped on the accounting date, a field mapping before all."""
    project = book.project_by_id[project_id]
    client = None if project.client_id is None else book.client_by_id.get(project.client_id)
    dimensions = {}
    for name in policy.required_dimensions:
        target = book.map_value(
            name, system="*", entity=policy.entity, source=project.service_line or "", on=group_.accounting_date
        )
        if target is not None:
            dimensions[name] = target
    asked = Asked(system=system, entity=policy.entity, on=group_.accounting_date)
    dimensions.update(fill_dimensions(asked, project, client, book.mappings).values)
    return ProjectLabels(
        code=project.code or str(project_id),
        customer_code=None if client is None else client.code,
        dimensions=dimensions,
    )


def _hold(cur: Cursor[tuple[object, ...]], held: list[RatedEntry], why: Finding, *, now: datetime) -> None:
    if not held:
        return
    facts = reader.sources_of(cur, [entry.entry_id for entry in held])
    intake.open_items(
        cur,
        [
            NewItem(
                subject_kind=intake.ENTRY,
                subject_id=entry.entry_id,
                finding=why,
                message_id=facts[entry.entry_id].message_id,
                item_no=facts[entry.entry_id].item_no,
                system_id=facts[entry.entry_id].system_id,
                source_id=entry.source,
                entity_id=entry.entity_id,
                document_date=entry.work_date,
                currency=numeric_code(entry.currency),
                hours=entry.hours,
                amount_minor=entry.sales_minor or 0,
            )
            for entry in held
        ],
        now=now,
    )


def _no_period(entity: str) -> Finding:
    return finding(
        "PERIOD_CLOSED",
        f"The period of the work is closed in {entity}, and none is open that the policy would post it in.",
        cause=entity,
        depends_on=(f"periods:{entity}", f"policy:{entity}"),
    )
