"""The SQL of proposals: made, read, decided, finished, expired; and items as a proposal sees them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

import msgspec
from psycopg import Connection, Cursor
from psycopg.rows import class_row

from tieout.desk.proposal_content import Content, ItemFacts, canonical, hash_of
from tieout.errors import ConfigurationError
from tieout.model.access import Principal


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """One proposal as it is stored. ``content`` is the exact text that ``content_hash`` is of.

    ``money`` is by ISO 4217 code, as decimal text. ``state``: open, approved (not carried out yet), done, rejected,
    withdrawn, expired, failed. ``checker`` is None where nobody has decided, or none was needed.
    """

    proposal_id: int
    kind: str
    content: str
    content_hash: str
    entities: list[str]
    firm_wide: bool
    item_count: int
    hours: Decimal
    money: dict[str, str]
    reason: str
    maker: str
    made_at: datetime
    expires_at: datetime
    state: str
    checker: str | None
    decision: str | None
    decided_at: datetime | None
    done_at: datetime | None
    outcome: dict[str, str]


_COLUMNS = (
    "proposal_id, kind, content, content_hash, entities, firm_wide, item_count, hours, money, reason, maker, made_at, "
    "expires_at, state, checker, decision, decided_at, done_at, outcome"
)


def snapshot(
    cur: Cursor[tuple[object, ...]], item_ids: Sequence[int], *, lock: bool, closed_too: bool = False
) -> tuple[ItemFacts, ...]:
    """The items of ``item_ids`` that are held, as they are now, in order of id; with ``lock`` they stay so."""
    with cur.connection.cursor(row_factory=class_row(ItemFacts)) as rows:
        rows.execute(
            f"""
            select i.item_id, c.code, c.cause_key, i.subject_kind, i.subject_id, e.code as entity,
                   i.hours::text as hours, i.amount_minor, i.currency::integer as currency, i.new_amount_minor,
                   i.new_currency::integer as new_currency
              from desk_item i join root_cause c using (cause_id)
              left join golden_record e on e.record_id = i.entity_id
             where i.item_id = any(%s) and (%s or i.state in ('open', 'released'))
             order by i.item_id
            {"for update of i" if lock else ""}
            """,  # noqa: S608 - one of two constants
            (list(item_ids), closed_too),
        )
        return tuple(rows.fetchall())


def insert(cur: Cursor[tuple[object, ...]], content: Content, *, expires_at: datetime) -> int:
    """Store a proposal that is open; returns its number."""
    text = canonical(content)
    cur.execute(
        """
        insert into proposal (kind, content, content_hash, entities, firm_wide, item_count, hours, money, reason,
                              maker_id, maker, made_at, expires_at, state)
        values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 'open') returning proposal_id
        """,
        (
            str(content.kind),
            text,
            hash_of(text),
            list(content.entities),
            content.firm_wide,
            len(content.items),
            Decimal(content.hours),
            msgspec.json.encode(content.money).decode(),
            content.reason,
            content.maker_id,
            content.maker,
            content.made_at,
            expires_at,
        ),
    )
    row = cur.fetchone()
    proposal_id = 0 if row is None else int(str(row[0]))
    cur.execute(
        "insert into proposal_item (proposal_id, item_id) select %s, unnest(%s::bigint[])",
        (proposal_id, [one.item_id for one in content.items]),
    )
    return proposal_id


def read(cur: Cursor[tuple[object, ...]], proposal_id: int, *, lock: bool) -> Proposal | None:
    """A proposal by number; with ``lock`` nobody else decides it until the transaction ends."""
    with cur.connection.cursor(row_factory=class_row(Proposal)) as rows:
        rows.execute(
            f"select {_COLUMNS} from proposal where proposal_id = %s {'for update' if lock else ''}",  # noqa: S608 - constants
            (proposal_id,),
        )
        return rows.fetchone()


def proposals(
    conn: Connection[tuple[object, ...]],
    *,
    state: str | None = None,
    kind: str | None = None,
    item_id: int | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[Proposal]:
    """Proposals, the newest first; ``before`` goes on where a page ended."""
    with conn.cursor(row_factory=class_row(Proposal)) as rows:
        rows.execute(
            f"""
            select {_COLUMNS} from proposal p
             where (%(state)s::text is null or state = %(state)s) and (%(kind)s::text is null or kind = %(kind)s)
               and (%(before)s::bigint is null or proposal_id < %(before)s)
               and (%(item)s::bigint is null or exists (select from proposal_item i
                                                         where i.proposal_id = p.proposal_id and i.item_id = %(item)s))
             order by proposal_id desc limit %(limit)s
            """,  # noqa: S608 - constants
            {"state": state, "kind": kind, "item": item_id, "before": before, "limit": limit},
        )
        return rows.fetchall()


def show(conn: Connection[tuple[object, ...]], proposal_id: int) -> tuple[Proposal, bool]:
    """A proposal, and whether what it is about is still as it was; raises ConfigurationError (TIE-DESK-009)."""
    with conn.cursor() as cur:
        found = read(cur, proposal_id, lock=False)
        if found is None:
            raise ConfigurationError(code="TIE-DESK-009", message=f"There is no proposal {proposal_id}.")
        items = msgspec.json.decode(found.content, type=Content).items
        return found, snapshot(cur, [one.item_id for one in items], lock=False) == items


def decide(
    cur: Cursor[tuple[object, ...]],
    proposal_id: int,
    *,
    state: str,
    decided_by: Principal | None,
    decision: str,
    now: datetime,
) -> None:
    """Write down what ``decided_by`` decided; ``done`` is written by ``finish`` and stays ``approved`` until then."""
    cur.execute(
        """
        update proposal set state = %s, checker_id = %s, checker = %s, decision = %s, decided_at = %s
         where proposal_id = %s
        """,
        (
            "approved" if state == "done" else state,
            None if decided_by is None else decided_by.principal_id,
            None if decided_by is None else decided_by.name,
            decision,
            now,
            proposal_id,
        ),
    )


def finish(
    cur: Cursor[tuple[object, ...]], proposal_id: int, *, state: str, outcome: Mapping[str, str], now: datetime
) -> None:
    """Write down that an approved proposal was carried out, or failed."""
    cur.execute(
        "update proposal set state = %s, outcome = %s, done_at = %s where proposal_id = %s",
        (state, msgspec.json.encode(dict(outcome)).decode(), now, proposal_id),
    )


def expire(cur: Cursor[tuple[object, ...]], *, now: datetime) -> int:
    """Close what is open and over its time."""
    cur.execute(
        "update proposal set state = 'expired', decided_at = %s where state = 'open' and expires_at <= %s", (now, now)
    )
    return cur.rowcount


def place_of(cur: Cursor[tuple[object, ...]], item_id: int) -> tuple[int, int]:
    """Message and item number of a held time entry; raises ConfigurationError (TIE-DESK-007) where there is none."""
    cur.execute(
        "select message_id, item_no from desk_item where item_id = %s and subject_kind = 'time_entry'", (item_id,)
    )
    row = cur.fetchone()
    if row is None or row[0] is None or row[1] is None:
        raise ConfigurationError(
            code="TIE-DESK-007", message=f"Item {item_id} holds no time entry: it is corrected in its source."
        )
    return int(str(row[0])), int(str(row[1]))


def waiting(cur: Cursor[tuple[object, ...]], kind: str, *, unless_running: bool = False) -> int | None:
    """The oldest approved proposal of ``kind`` that nobody carries out right now, locked until the transaction ends.

    With ``unless_running`` one whose replay is under way does not wait.
    """
    cur.execute(
        """
        select proposal_id from proposal p where state = 'approved' and kind = %s
           and (not %s or not exists (select from replay r where r.proposal_id = p.proposal_id and r.state = 'running'))
         order by proposal_id limit 1 for update skip locked
        """,
        (kind, unless_running),
    )
    row = cur.fetchone()
    return None if row is None else int(str(row[0]))
