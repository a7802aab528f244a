"""Finds out what ledgers hold that a restored database does not know, and ends the waiting of legal entities.

Every ledger of an entity is read afresh. Nothing unknown: the entity is released. Else each unknown posting is on the
desk until a later look finds it gone, or two people take the release upon themselves. Neighbours: ``restore`` made the
entities wait, ``outbound.restored`` lets their journals go, ``hub`` looks again and again.
"""

import asyncio
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final

import msgspec
import structlog
from psycopg import Connection, Cursor

from tieout.connect.connector import Connector, connector_for
from tieout.connect.sink import LedgerPosting
from tieout.connect.throttle import Throttle
from tieout.desk import intake
from tieout.desk.intake import NewItem
from tieout.errors import AccessError, ConfigurationError, ContractError, TransientError
from tieout.governance import audit, firm_version
from tieout.governance.audit import AuditEntry
from tieout.model.clock import Clock
from tieout.model.finding import Finding, finding
from tieout.model.firm import DeliveryPolicy, FirmConfig, SystemConfig
from tieout.model.money import alpha_code, numeric_code
from tieout.outbound import restored
from tieout.outbound.target import SEND_WINDOW_S
from tieout.runtime import systems
from tieout.storage.pool import connect, in_transaction
from tieout.storage.throttle import SharedThrottle

log = structlog.get_logger(__name__)

LEDGER_POSTING: Final = "ledger_posting"
WAITING: Final = "waiting"
"""State of a legal entity whose billing waits."""
_FIRST_DAY: Final = date(2000, 1, 1)
_LAST_DAY: Final = date(2100, 1, 1)
"""All that a ledger can hold: what was posted after the backup may be dated into any period that was opened since."""
_LOOK_S: Final = 1.0
_AGAIN: Final = timedelta(seconds=30)
_Row = tuple[object, ...]


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """A legal entity that waits since a restore; ``unknown_count`` postings of its ledgers are not known here."""

    entity_id: int
    entity: str
    state: str
    backed_up_at: datetime
    restored_at: datetime
    unknown_count: int
    checked_at: datetime | None = None
    problem: str | None = None
    proposed_by: str | None = None
    reason: str | None = None
    accepted_by: str | None = None


class _Look(msgspec.Struct, frozen=True, kw_only=True):
    """What the ledgers of one entity hold: by system all postings; or why they cannot be trusted to tell."""

    postings: tuple[tuple[str, LedgerPosting], ...] = ()
    problem: str | None = None


def waiting(conn: Connection[_Row]) -> list[Waiting]:
    """Every legal entity of the newest restoration and how it stands."""
    rows = conn.execute(
        """
        select e.entity_id, coalesce(g.code, e.entity_id::text), e.state, r.backed_up_at, r.restored_at, e.checked_at,
               e.problem, e.proposed_by, e.reason, e.accepted_by,
               (select count(*) from restored_posting p where p.entity_id = e.entity_id and p.gone_at is null)
          from restored_entity e join restoration r using (restoration_id)
          join golden_record g on g.record_id = e.entity_id
         where restoration_id = (select max(restoration_id) from restoration)
         order by 2
        """
    ).fetchall()
    names = ("entity_id", "entity", "state", "backed_up_at", "restored_at", "checked_at", "problem", "proposed_by",
             "reason", "accepted_by", "unknown_count")  # fmt: skip
    return [msgspec.convert(dict(zip(names, row, strict=True)), Waiting) for row in rows]


async def keep_proving(url: str, stopping: asyncio.Event, clock: Clock) -> None:
    """Look at the ledgers of waiting entities until ``stopping``; one that the backup did not know may still come."""
    again_at = clock.now()
    while not stopping.is_set():
        try:
            if clock.now() >= again_at and await asyncio.to_thread(_some_wait, url):
                await prove(url, clock)
                again_at = clock.now() + _AGAIN
        except (TransientError, ConfigurationError) as error:
            log.warning("restored.not_proven", error=str(error))
        try:
            await asyncio.wait_for(stopping.wait(), _LOOK_S)
        except TimeoutError:
            continue


async def prove(url: str, clock: Clock) -> list[Waiting]:
    """Look once at the ledgers of every waiting entity; returns how all stand then."""
    with connect(url, application="tieout-restored", autocommit=True) as conn:
        firm = firm_version.current(conn)
        throttle = SharedThrottle(url)
        try:
            for one in waiting(conn):
                if one.state != WAITING:
                    continue
                looked = await _look(firm, one, throttle=throttle, clock=clock)
                _note(conn, one, looked, now=clock.now())
        finally:
            await throttle.aclose()
        return waiting(conn)


def propose_release(conn: Connection[_Row], entity: str, *, by: str, reason: str, now: datetime) -> None:
    """The first of two people takes it upon himself that billing of ``entity`` goes on.

    Raises ConfigurationError (TIE-BACKUP-006) for an entity that does not wait or an empty reason.
    """
    if not reason.strip():
        raise ConfigurationError(code="TIE-BACKUP-006", message="A release needs a reason.")

    def work(cur: Cursor[_Row]) -> None:
        cur.execute(
            """
            update restored_entity e set proposed_by = %s, reason = %s
              from golden_record g where g.record_id = e.entity_id and g.code = %s and e.state = 'waiting'
            """,
            (by, reason, entity),
        )
        if cur.rowcount == 0:
            raise _not_so(entity)
        audit.append(cur, _entry("restore.release_proposed", entity, by=by, reason=reason), now=now)

    in_transaction(conn, work)


def accept_release(conn: Connection[_Row], entity: str, *, by: str, now: datetime) -> None:
    """The second person accepts: the entity waits no more, and what stands unknown in its ledgers stays there.

    Raises ConfigurationError: TIE-BACKUP-006 where nothing is proposed, TIE-DESK-004 for the one who proposed it.
    """

    def work(cur: Cursor[_Row]) -> None:
        cur.execute(
            """
            select e.entity_id, e.proposed_by, e.reason from restored_entity e
              join golden_record g on g.record_id = e.entity_id
             where g.code = %s and e.state = 'waiting' and e.proposed_by is not null for update of e
            """,
            (entity,),
        )
        row = cur.fetchone()
        if row is None:
            raise _not_so(entity)
        if str(row[1]).casefold() == by.casefold():
            raise ConfigurationError(code="TIE-DESK-004", message=f"{by} proposed it and cannot accept it.")
        _end(cur, int(str(row[0])), state="released", accepted_by=by, now=now)
        audit.append(cur, _entry("restore.release_accepted", entity, by=by, reason=str(row[2])), now=now)

    in_transaction(conn, work)


def _some_wait(url: str) -> bool:
    with connect(url, application="tieout-restored", autocommit=True) as conn:
        return any(one.state == WAITING for one in waiting(conn))


async def _look(firm: FirmConfig, one: Waiting, *, throttle: Throttle, clock: Clock) -> _Look:
    posters = [system for system in firm.systems if one.entity in system.posts_for]
    found: list[tuple[str, LedgerPosting]] = []
    for system in posters:
        connector = connector_for(system.connector, system.settings)
        if connector.open_ledger_reader is None:
            return _Look(problem=f"The ledger of {system.name} cannot be read: only people can tell what it holds.")
        if clock.now() < one.restored_at + _settled_after(firm, system, connector):
            return _Look(problem=f"What was sent to {system.name} before may still take effect.")
        try:
            found += await _postings(system, connector, one.entity, throttle=throttle, clock=clock)
        except (AccessError, ConfigurationError, ContractError, TransientError) as error:
            return _Look(problem=f"{system.name}: {error.message}")
    return _Look(postings=tuple(found))


def _settled_after(firm: FirmConfig, system: SystemConfig, connector: Connector) -> timedelta:
    """How long after a restore a request of the hub that was lost may still take effect, or not be seen yet."""
    manifest, policy = connector.manifest, firm.deliveries.get(system.name, DeliveryPolicy())
    said = policy.longest_in_flight_s
    in_flight_s = manifest.max_in_flight_s if said is None else float(said)
    seen_after_s = manifest.read_your_write_lag_s + float(policy.quarantine_s)
    return timedelta(seconds=SEND_WINDOW_S + in_flight_s + seen_after_s)


async def _postings(
    system: SystemConfig, connector: Connector, entity: str, *, throttle: Throttle, clock: Clock
) -> list[tuple[str, LedgerPosting]]:
    if connector.open_ledger_reader is None:
        return []
    reader = connector.open_ledger_reader(systems.connection_to(system, connector, throttle=throttle, clock=clock))
    try:
        return [(system.name, one) async for one in reader.postings(entity=entity, starts=_FIRST_DAY, ends=_LAST_DAY)]
    finally:
        await reader.aclose()


def _note(conn: Connection[_Row], one: Waiting, looked: _Look, *, now: datetime) -> None:
    in_transaction(conn, lambda cur: _judge(cur, one, looked, now=now))


def _judge(cur: Cursor[_Row], one: Waiting, looked: _Look, *, now: datetime) -> None:
    cur.execute(
        """
        update restored_entity set checked_at = %s, problem = %s
         where entity_id = %s and state = 'waiting' returning entity_id
        """,
        (now, looked.problem, one.entity_id),
    )
    if cur.fetchone() is None or looked.problem is not None:
        return
    unknown = _unknown(cur, looked.postings, now=now)
    _tell(cur, one, unknown, now=now)
    if not unknown:
        _end(cur, one.entity_id, state="proven", accepted_by=None, now=now)


def _unknown(
    cur: Cursor[_Row], postings: Sequence[tuple[str, LedgerPosting]], *, now: datetime
) -> list[tuple[str, LedgerPosting]]:
    """What no delivery accounts for; a held journal that the ledger holds after all is looked up."""
    unknown = []
    held: list[int] = []
    for system in sorted({name for name, _ in postings}):
        here = [one for name, one in postings if name == system]
        known = restored.known_references(cur.connection, system=system, references=[one.reference for one in here])
        unknown += [(system, one) for one in here if one.reference not in known]
        held += [number for number, state in known.values() if state == "held"]
    restored.doubt_held(cur, held, now=now)
    return unknown


def _tell(cur: Cursor[_Row], one: Waiting, unknown: Sequence[tuple[str, LedgerPosting]], *, now: datetime) -> None:
    """Keep the unknown postings with an item each; those that are gone from the ledger are resolved."""
    for released in intake.claim_released(cur, [LEDGER_POSTING], limit=10_000):
        intake.reopen(cur, [released.item_id])
    standing = [
        restored_id for system, posting in unknown for restored_id in [_keep(cur, one, system, posting, now=now)]
    ]
    cur.execute(
        """
        update restored_posting set gone_at = %s
         where entity_id = %s and gone_at is null and posting_id <> all(%s) returning posting_id
        """,
        (now, one.entity_id, standing),
    )
    gone = [int(str(row[0])) for row in cur.fetchall()]
    intake.resolve(cur, LEDGER_POSTING, gone, now=now, reason="The ledger does not hold it any more.")
    told = intake.open_items_of(cur, LEDGER_POSTING, standing)
    intake.open_items(
        cur,
        [
            _item(one, system, posting, number)
            for number, (system, posting) in zip(standing, unknown, strict=True)
            if number not in told
        ],
        now=now,
    )


def _keep(cur: Cursor[_Row], one: Waiting, system: str, posting: LedgerPosting, *, now: datetime) -> int:
    currency, amount_minor = _amount(posting)
    cur.execute(
        """
        insert into restored_posting
               (entity_id, system, reference, target_ref, accounting_date, currency, amount_minor, found_at)
        values (%s, %s, %s, %s, %s, %s, %s, %s)
        on conflict (entity_id, system, reference) do update
           set gone_at = null, target_ref = excluded.target_ref, amount_minor = excluded.amount_minor
        returning posting_id
        """,
        (one.entity_id, system, posting.reference, posting.ref, posting.accounting_date, currency, amount_minor, now),
    )
    row = cur.fetchone()
    return int(str(row[0])) if row is not None else 0


def _item(one: Waiting, system: str, posting: LedgerPosting, number: int) -> NewItem:
    currency, amount_minor = _amount(posting)
    return NewItem(
        subject_kind=LEDGER_POSTING,
        subject_id=number,
        finding=_finding(one, system, posting),
        source_id=posting.reference,
        entity_id=one.entity_id,
        document_date=posting.accounting_date,
        currency=currency,
        amount_minor=amount_minor,
    )


def _finding(one: Waiting, system: str, posting: LedgerPosting) -> Finding:
    return finding(
        "LEDGER_POSTING_UNKNOWN",
        f"{system} holds {posting.reference} ({posting.ref}) of {posting.accounting_date}, which was posted after the "
        f"backup of {one.backed_up_at:%Y-%m-%d %H:%M} UTC: billing of {one.entity} waits.",
        cause=f"{one.entity}:{one.restored_at:%Y%m%dT%H%M%S}",
        context={"reference": posting.reference, "system": system, "target_ref": posting.ref},
    )


def _amount(posting: LedgerPosting) -> tuple[int, int]:
    """Currency and the sum of what was debited, in the currency of the books."""
    numbers = {numeric_code(line.functional_currency) for line in posting.lines}
    currency = min(numbers, key=alpha_code) if numbers else numeric_code("XXX")
    return currency, sum(max(0, line.functional_minor) for line in posting.lines)


def _end(cur: Cursor[_Row], entity_id: int, *, state: str, accepted_by: str | None, now: datetime) -> None:
    cur.execute(
        """
        update restored_entity set state = %s, accepted_by = %s, ended_at = %s, problem = null
         where entity_id = %s and state = 'waiting'
        """,
        (state, accepted_by, now, entity_id),
    )
    restored.let_go(cur, entity_id, now=now)


def _entry(action: str, entity: str, *, by: str, reason: str) -> AuditEntry:
    return AuditEntry(
        principal=by, action=action, object_kind="legal_entity", object_id=entity, entity=entity, reason=reason
    )


def _not_so(entity: str) -> ConfigurationError:
    return ConfigurationError(code="TIE-BACKUP-006", message=f"Nothing of {entity} waits for that.")
