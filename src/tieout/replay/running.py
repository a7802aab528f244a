"""A replay for real: proposed with its dry run, approved by a second person, then judged chunk by chunk by any worker.

Each chunk is one transaction with the position after it, so that a kill repeats nothing; the next chunk waits as long
as the rate says. What was posted, or read anew, since it was chosen is left alone. Neighbours: ``desk.proposals``
decides, ``dry_run`` says beforehand what it comes to.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec
from psycopg import Connection, Cursor
from psycopg.rows import class_row

from tieout.desk import proposal_store, proposals
from tieout.desk.proposal_content import ProposalKind
from tieout.desk.proposals import WAKES, Proposed
from tieout.errors import ConfigurationError
from tieout.inbound.context import InboundContext
from tieout.model.access import Principal
from tieout.replay.dry_run import CHUNK, DryRun, dry_run
from tieout.replay.judging import judge_again, under
from tieout.replay.selection import ChosenEntry, Selection, choose, digest, still_chosen
from tieout.storage.copying import copy_rows
from tieout.storage.pool import in_transaction
from tieout.storage.wake import notify

PER_MINUTE: Final = 6_000
"""Entries a minute, where nobody says otherwise."""
_MINUTE_S: Final = 60.0
_SLOWEST, _FASTEST = 1, 1_000_000


class ReplayView(msgspec.Struct, frozen=True, kw_only=True):
    """One replay and how far it is. ``state``: proposed, running, done, failed; ``proposal_state`` its decision's."""

    replay_id: int
    proposal_id: int
    selection: Selection
    firm_version: int
    per_minute: int
    difference: DryRun
    total_count: int
    done_count: int
    state: str
    proposal_state: str
    maker: str
    checker: str | None
    reason: str
    ended_at: datetime | None


class ReplayRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody wants replayed: entries, the version whose mappings and policies judge, and how fast at most."""

    selection: Selection
    version: int
    per_minute: int = PER_MINUTE


class _Running(msgspec.Struct, frozen=True, kw_only=True):
    replay_id: int
    proposal_id: int
    firm_version: int
    per_minute: int
    total_count: int
    done_count: int


def propose(
    conn: Connection[tuple[object, ...]],
    context: InboundContext,
    request: ReplayRequest,
    *,
    maker: Principal,
    reason: str,
) -> tuple[Proposed, DryRun]:
    """Run it dry and propose exactly that.

    Raises as ``dry_run``, ``desk.proposals.propose``, and ConfigurationError (TIE-REPLAY-002) where nothing is left to
    be judged again or the rate cannot be kept.
    """
    if not _SLOWEST <= request.per_minute <= _FASTEST:
        raise ConfigurationError(
            code="TIE-REPLAY-002", message=f"{request.per_minute} entries a minute are not from 1 to {_FASTEST:,}."
        )
    now = context.clock.now()
    until = request.selection.received_until or now
    selection = msgspec.structs.replace(request.selection, received_until=min(until, now))
    if request.selection == Selection():
        selection = request.selection
    found = dry_run(conn, context, selection, version=request.version)

    def work(cur: Cursor[tuple[object, ...]]) -> Proposed:
        chosen = choose(cur, selection).entries
        if not chosen:
            raise ConfigurationError(code="TIE-REPLAY-002", message="Nothing is left that is not posted.")
        if digest(chosen) != found.digest:
            raise ConfigurationError(code="TIE-REPLAY-003", message="Some of it was read anew during the dry run.")
        return _store(cur, request, selection, found, chosen, maker=maker, reason=reason, now=now)

    return in_transaction(conn, work), found


def _store(  # noqa: PLR0913 - one of each thing that a replay is made of
    cur: Cursor[tuple[object, ...]],
    request: ReplayRequest,
    selection: Selection,
    found: DryRun,
    chosen: Sequence[ChosenEntry],
    *,
    maker: Principal,
    reason: str,
    now: datetime,
) -> Proposed:
    known = {one.entity for one in chosen}
    entities = () if None in known else tuple(sorted(one for one in known if one is not None))
    proposed = proposals.propose(
        cur,
        ProposalKind.REPLAY,
        [one.item_id for one in chosen if one.item_id is not None],
        maker=maker,
        reason=reason,
        now=now,
        details=_details(request, selection, found),
        entities=entities,
    )
    cur.execute(
        """
        insert into replay (proposal_id, selection, firm_version, per_minute, digest, difference, total_count, state)
        values (%s, %s, %s, %s, %s, %s, %s, 'proposed') returning replay_id
        """,
        (
            proposed.proposal_id,
            msgspec.json.encode(selection).decode(),
            request.version,
            request.per_minute,
            found.digest,
            msgspec.json.encode(found).decode(),
            len(chosen),
        ),
    )
    row = cur.fetchone()
    replay_id = 0 if row is None else int(str(row[0]))
    rows = [(replay_id, place, one.entry_id) for place, one in enumerate(chosen)]
    copy_rows(cur, "replay_entry", ("replay_id", "place", "entry_id"), rows)
    return proposed


def _details(request: ReplayRequest, selection: Selection, found: DryRun) -> dict[str, str]:
    """All that is agreed on, as text: what is chosen, how it is judged, and what that changes."""
    details = {f"selection.{name}": str(value) for name, value in msgspec.to_builtins(selection).items() if value}
    details |= {
        "firm_version": str(request.version),
        "per_minute": str(request.per_minute),
        "entries": str(found.entry_count),
        "digest": found.digest,
        "posted_and_left_alone": str(found.posted_count),
    }
    for one in found.ledger:
        details[f"ledger.{one.entity}.{one.currency}"] = (
            f"{one.entries:+} entries, {one.hours:+} h, {one.amount:+} {one.currency}, cost {one.cost:+} "
            f"{one.functional_currency}"
        )
    details |= {f"held_before.{code}": str(count) for code, count in found.held_before.items()}
    return details | {f"held_after.{code}": str(count) for code, count in found.held_after.items()}


def advance(conn: Connection[tuple[object, ...]], context: InboundContext) -> int:
    """Begin the next approved replay, or judge the next chunk of one whose turn has come; returns 0 or 1."""
    return in_transaction(conn, lambda cur: _begin(cur, context.clock.now()) or _next_chunk(cur, context))


def _begin(cur: Cursor[tuple[object, ...]], now: datetime) -> int:
    proposal_id = proposal_store.waiting(cur, ProposalKind.REPLAY, unless_running=True)
    if proposal_id is None:
        return 0
    cur.execute("select replay_id, digest from replay where proposal_id = %s and state = 'proposed'", (proposal_id,))
    row = cur.fetchone()
    if row is None:
        proposals.finish(cur, proposal_id, outcome={"problem": "it has no replay"}, failed=True, now=now)
        return 1
    replay_id, wanted = int(str(row[0])), str(row[1])
    cur.execute("select entry_id from replay_entry where replay_id = %s", (replay_id,))
    entries = still_chosen(cur, [int(str(one[0])) for one in cur.fetchall()])
    if digest(entries) != wanted:
        _end(cur, replay_id, proposal_id, {"problem": "what was chosen has changed since"}, now=now, failed=True)
        return 1
    cur.execute("update replay set state = 'running', next_at = %s where replay_id = %s", (now, replay_id))
    return 1


def _next_chunk(cur: Cursor[tuple[object, ...]], context: InboundContext) -> int:
    now = context.clock.now()
    with cur.connection.cursor(row_factory=class_row(_Running)) as rows:
        rows.execute(
            """
            select replay_id, proposal_id, firm_version, per_minute, total_count, done_count from replay
             where state = 'running' and next_at <= %s order by replay_id limit 1 for update skip locked
            """,
            (now,),
        )
        one = rows.fetchone()
    if one is None:
        return 0
    size = min(CHUNK, one.per_minute)
    cur.execute(
        "select entry_id from replay_entry where replay_id = %s and place >= %s order by place limit %s",
        (one.replay_id, one.done_count, size),
    )
    wanted = [int(str(row[0])) for row in cur.fetchall()]
    entries = still_chosen(cur, wanted)
    judge_again(cur, under(context, one.firm_version), entries)
    done = one.done_count + len(wanted)
    cur.execute(
        "update replay set done_count = %s, next_at = %s where replay_id = %s",
        (done, now + timedelta(seconds=_MINUTE_S * len(wanted) / one.per_minute), one.replay_id),
    )
    if done >= one.total_count:
        _end(cur, one.replay_id, one.proposal_id, {"entries": str(done)}, now=now, failed=False)
    notify(cur, "time_to_bill")
    return 1


def _end(
    cur: Cursor[tuple[object, ...]],
    replay_id: int,
    proposal_id: int,
    outcome: dict[str, str],
    *,
    now: datetime,
    failed: bool,
) -> None:
    cur.execute(
        "update replay set state = %s, ended_at = %s where replay_id = %s",
        ("failed" if failed else "done", now, replay_id),
    )
    proposals.finish(cur, proposal_id, outcome=outcome, failed=failed, now=now)
    notify(cur, WAKES)


def replays(
    conn: Connection[tuple[object, ...]], *, proposal_id: int | None = None, limit: int = 50
) -> list[ReplayView]:
    """Replays, the newest first, or the one of a proposal."""
    with conn.cursor() as cur:
        cur.execute(
            """
            select r.replay_id, r.proposal_id, r.selection, r.firm_version, r.per_minute, r.difference, r.total_count,
                   r.done_count, r.state, p.state as proposal_state, p.maker, p.checker, p.reason, r.ended_at
              from replay r join proposal p using (proposal_id)
             where %(proposal)s::bigint is null or r.proposal_id = %(proposal)s
             order by r.replay_id desc limit %(limit)s
            """,
            {"proposal": proposal_id, "limit": limit},
        )
        rows = [dict(zip(ReplayView.__struct_fields__, row, strict=True)) for row in cur.fetchall()]
    return [msgspec.convert(row, ReplayView, strict=False) for row in rows]
