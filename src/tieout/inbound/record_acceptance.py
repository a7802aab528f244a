"""Masters: what systems report of them becomes golden records, rates and periods, and releases what waited for them.

One writer of reference at a time (``governance.reference_state``). What is wrong with a report is a finding on its
golden record, or on the item of the message while no golden record is meant by it; a record judged without a finding
has its item resolved.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, TypeAlias

from psycopg import Cursor

from tieout.desk import intake
from tieout.governance import firm_version
from tieout.inbound.acceptance import write_findings
from tieout.inbound.bookings_review import request_merged, request_noted
from tieout.inbound.context import InboundContext
from tieout.inbound.message_store import Message
from tieout.inbound.task_trees import settle_trees
from tieout.inbound.unreadable import ITEMS_PER_MESSAGE, master_key, open_by_source
from tieout.ledger.publication import publish
from tieout.model.finding import Finding
from tieout.model.reported import ReportedRecord
from tieout.records.golden_record import ChangedRecord, RecordFinding, RecordsResult, apply_reports
from tieout.records.joining import join, merged_by_source

RECORD: Final = "record"
NumberedRecord: TypeAlias = tuple[int, ReportedRecord]


def accept_records(
    cur: Cursor[tuple[object, ...]],
    context: InboundContext,
    reports: Sequence[tuple[Message, Sequence[NumberedRecord]]],
    *,
    now: datetime,
) -> None:
    """Take in the records of each message (with their item numbers), in order, with their rates."""
    firm = firm_version.current(cur.connection)
    tokens: set[str] = set()
    changed: list[ChangedRecord] = []
    for message, records in reports:
        result = apply_reports(
            cur,
            system=message.system,
            reports=[record for _, record in records],
            firm=firm,
            message_id=message.message_id,
            now=now,
            ids=context.ids,
        )
        tokens |= result.depends_on
        changed += result.changed
        pairs = merged_by_source(cur, message.system, [record for _, record in records])
        if pairs:
            why = f"{message.system} merged it or gave it another key."
            joined = join(cur, pairs, firm=firm, now=now, ids=context.ids, why=why)
            tokens |= joined.depends_on
            changed += joined.changed
            settle_records(cur, joined, now=now)
            request_merged(cur)
        _hold(cur, message, records, result, now=now)
        _resolve_readable(cur, message, [record.source_id for _, record in records], now=now)
    settle_matched(cur, now=now)
    settle_trees(cur, changed, now=now)
    request_noted(cur, tokens)
    tokens |= publish(cur, firm=firm, now=now, changed=changed).depends_on
    intake.release_waiting(cur, sorted(tokens), now=now, reason="What it waited for has been reported.")


def _hold(
    cur: Cursor[tuple[object, ...]],
    message: Message,
    records: Sequence[NumberedRecord],
    result: RecordsResult,
    *,
    now: datetime,
) -> None:
    item_numbers = {(str(record.type), record.source_id): item_no for item_no, record in records}
    rows: list[tuple[int, int | None, Finding]] = []
    unmatched: list[intake.ItemFacts] = []
    for one in result.findings:
        item_no = item_numbers.get((one.type, one.source_id))
        rows.append((message.message_id, item_no, one.finding))
        if one.finding.blocks and one.record_id is None:
            unmatched.append(_unmatched_item(message, item_no or 0, one))
    write_findings(cur, (), rows)
    known = open_by_source(cur, [one.source_id for one in unmatched if one.source_id is not None])
    by_system = {source_id: item_id for (_, source_id), item_id in known.items()}
    intake.update(cur, [(by_system[one.source_id], one) for one in unmatched if one.source_id in by_system], now=now)
    intake.open_items(cur, [one for one in unmatched if one.source_id not in by_system], now=now)
    settle_records(cur, result, now=now)


def settle_records(cur: Cursor[tuple[object, ...]], result: RecordsResult, *, now: datetime) -> None:
    """Open, update or resolve the desk items of the golden records that were judged; one item per record.

    Also for ``records.golden_record.reconsider``, after a new version of the firm's configuration.
    """
    wanted: dict[int, intake.ItemFacts] = {}
    for one in result.findings:
        if one.finding.blocks and one.record_id is not None:
            facts = intake.ItemFacts(
                subject_kind=RECORD,
                subject_id=one.record_id,
                finding=one.finding,
                entry_count=0,
                context={"record_type": one.type, "system": one.system, "key": one.source_id},
            )
            wanted.setdefault(one.record_id, facts)
    open_items = intake.open_items_of(cur, RECORD, sorted(wanted.keys() | set(result.judged)))
    healed = [item.item_id for record_id, item in open_items.items() if record_id not in wanted]
    intake.resolve_items(cur, healed, now=now, reason="The record is as it should be.")
    updates = [(item.item_id, wanted[at]) for at, item in open_items.items() if at in wanted]
    intake.update(cur, updates, now=now)
    intake.open_items(cur, [facts for at, facts in wanted.items() if at not in open_items], now=now)


def settle_matched(cur: Cursor[tuple[object, ...]], *, now: datetime) -> int:
    """Resolve the items of reports that meant no golden record and do now. Returns how many."""
    cur.execute(
        """
        select i.item_id
          from desk_item i
          join cross_reference c on c.system = i.context ->> 'system' and c.type = i.context ->> 'record_type'
                                and c.source_id = i.context ->> 'key'
         where i.subject_kind = %s and i.state in ('open', 'released') and i.context ? 'record_type'
        """,
        (intake.MESSAGE_ITEM,),
    )
    matched = [int(str(row[0])) for row in cur]
    return intake.resolve_items(cur, matched, now=now, reason="The record is known now.")


def _resolve_readable(
    cur: Cursor[tuple[object, ...]], message: Message, source_ids: Sequence[str], *, now: datetime
) -> None:
    """Items of masters that could not be read before and now were."""
    cur.execute(
        """
        select i.item_id
          from desk_item i join system_name s using (system_id)
         where i.source_id = any(%s) and i.subject_kind = %s and i.state in ('open', 'released') and s.name = %s
           and not i.context ? 'record_type'
        """,
        ([master_key(message.object, one) for one in source_ids], intake.MESSAGE_ITEM, message.system),
    )
    readable = [int(str(row[0])) for row in cur]
    intake.resolve_items(cur, readable, now=now, reason="A version that can be read has arrived.")


def _unmatched_item(message: Message, item_no: int, one: RecordFinding) -> intake.ItemFacts:
    return intake.ItemFacts(
        subject_kind=intake.MESSAGE_ITEM,
        subject_id=message.message_id * ITEMS_PER_MESSAGE + item_no,
        finding=one.finding,
        message_id=message.message_id,
        item_no=item_no,
        source_id=master_key(message.object, one.source_id)[:200],
        entry_count=0,
        context={"record_type": one.type, "system": one.system, "key": one.source_id},
    )
