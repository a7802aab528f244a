"""The SQL of lead-to-project: its position, won deals, provisionings, their objects and steps; set-based.

``step`` decides what is written; ``overview`` reads the same tables for people. Every write belongs into the
transaction of the step.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

import msgspec
from psycopg import Cursor
from psycopg.rows import class_row

from tieout.errors import InvariantError
from tieout.model.project import ProjectState
from tieout.streams.lead_to_project.deal import AcceptedDeal
from tieout.streams.lead_to_project.plan import PlannedStep
from tieout.streams.lead_to_project.saga import Held, Sending, Target

STREAM = "lead_to_project"
_UNDER_WAY = frozenset({"ready", "intent", "sent", "in_doubt"})
_REFUSED = frozenset({"rejected", "dead"})


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """How far the stream has read; ``read_on_from`` is set while all deals are read again."""

    event_id: int
    firm_version: int
    read_on_from: int | None


class WonDeal(msgspec.Struct, frozen=True, kw_only=True):
    """A deal that reached an approved stage once, as the stream knows it (``won_deal``). ``accepted`` is JSON."""

    deal_id: int
    system: str
    source_id: str
    number: str
    name: str
    state: str
    version: int
    completeness: int
    won_at: datetime
    learned_at: datetime
    provisioning_id: int | None = None
    client_id: int | None = None
    contract_id: int | None = None
    rate_card_id: int | None = None
    entity_id: int | None = None
    amount_minor: int | None = None
    currency: int | None = None
    owner_email: str | None = None
    accepted: str | None = None
    terms: bytes | None = None
    findings: str = "[]"
    overruled: tuple[str, ...] = ()
    valid_at: datetime | None = None
    accepted_at: datetime | None = None

    def decoded(self, surviving: Callable[[int], int]) -> AcceptedDeal | None:
        """What it was last accepted as; ``surviving`` says which customer one is that was merged since."""
        if self.accepted is None:
            return None
        accepted = msgspec.json.decode(self.accepted, type=AcceptedDeal)
        return msgspec.structs.replace(accepted, client_id=surviving(accepted.client_id))


class Provisioning(msgspec.Struct, frozen=True, kw_only=True):
    """One project that deals became."""

    provisioning_id: int
    entity_id: int
    code: str
    state: str
    halted: bool
    number: int | None = None
    activated_at: datetime | None = None

    @property
    def project_state(self) -> ProjectState:
        """Its state as the lifecycle knows it."""
        return ProjectState(self.state)


class StoredObject(msgspec.Struct, frozen=True, kw_only=True):
    """One object of a target and the delivery that was sent of it last."""

    object_id: int
    revision: int
    delivery_id: int | None
    held: Held


_WON = tuple(name for name in WonDeal.__struct_fields__)


def take_position(cur: Cursor[tuple[object, ...]]) -> Position | None:
    """The stream's position, locked: one worker advances the stream at a time. None while another one does."""
    with cur.connection.cursor(row_factory=class_row(Position)) as rows:
        rows.execute(
            """
            select event_id, firm_version, read_on_from from stream_position where stream = %s
               for update skip locked
            """,
            (STREAM,),
        )
        return rows.fetchone()


def move_position(cur: Cursor[tuple[object, ...]], position: Position) -> None:
    """Remember how far the stream has read."""
    cur.execute(
        "update stream_position set event_id = %s, firm_version = %s, read_on_from = %s where stream = %s",
        (position.event_id, position.firm_version, position.read_on_from, STREAM),
    )


def won_deals(cur: Cursor[tuple[object, ...]], deal_ids: Iterable[int]) -> dict[int, WonDeal]:
    """What is stored of ``deal_ids``."""
    return _won(cur, "where deal_id = any(%s)", list(deal_ids))


def deals_of(cur: Cursor[tuple[object, ...]], provisioning_ids: Iterable[int]) -> dict[int, list[WonDeal]]:
    """The deals of each provisioning, the one that was accepted first coming first."""
    found: dict[int, list[WonDeal]] = {}
    for one in _won(cur, "where provisioning_id = any(%s)", list(provisioning_ids)).values():
        if one.provisioning_id is not None:
            found.setdefault(one.provisioning_id, []).append(one)
    for deals in found.values():
        deals.sort(key=lambda one: (one.accepted_at is None, one.accepted_at, one.deal_id))
    return found


def _won(cur: Cursor[tuple[object, ...]], where: str, ids: list[int]) -> dict[int, WonDeal]:
    columns = ", ".join(f"{name}::text" if name in {"accepted", "findings"} else name for name in _WON)
    cur.execute(f"select {columns} from won_deal {where} order by deal_id", (ids,))  # noqa: S608 - our own columns
    rows = (msgspec.convert(dict(zip(_WON, row, strict=True)), WonDeal) for row in cur.fetchall())
    return {one.deal_id: one for one in rows}


def save_deals(cur: Cursor[tuple[object, ...]], deals: Iterable[WonDeal], *, now: datetime) -> None:
    """Store deals over what was stored of them; when they were learned and won stays."""
    columns = (*_WON, "updated_at")
    kept = {"deal_id", "learned_at"}
    updates = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in kept)
    places = ", ".join("%s::jsonb" if name in {"accepted", "findings"} else "%s" for name in columns)
    cur.executemany(
        f"insert into won_deal ({', '.join(columns)}) values ({places}) "  # noqa: S608 - our own columns
        f"on conflict (deal_id) do update set {updates}",
        [[*(_plain(getattr(one, name)) for name in _WON), now] for one in deals],
    )


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def excluded_causes(cur: Cursor[tuple[object, ...]], deal_ids: Iterable[int]) -> set[tuple[int, str, str]]:
    """Deal, code and cause of findings that a person took off the desk for good."""
    cur.execute(
        """
        select i.subject_id, c.code, c.cause_key from desk_item i join root_cause c using (cause_id)
         where i.subject_kind = 'deal' and i.state = 'excluded' and i.subject_id = any(%s)
        """,
        (list(deal_ids),),
    )
    return {(int(str(row[0])), str(row[1]), str(row[2])) for row in cur.fetchall()}


def approved_terms(cur: Cursor[tuple[object, ...]], deal_ids: Iterable[int]) -> set[tuple[int, bytes]]:
    """The terms of each deal that somebody approved."""
    cur.execute("select deal_id, terms from deal_approval where deal_id = any(%s)", (list(deal_ids),))
    return {(int(str(row[0])), _bytes(row[1])) for row in cur.fetchall()}


def provisionings(cur: Cursor[tuple[object, ...]], ids: Iterable[int]) -> dict[int, Provisioning]:
    """Provisionings by id, locked."""
    with cur.connection.cursor(row_factory=class_row(Provisioning)) as rows:
        rows.execute(
            """
            select provisioning_id, entity_id, code, state, halted, number, activated_at from provisioning
             where provisioning_id = any(%s) order by provisioning_id for update
            """,
            (list(ids),),
        )
        return {one.provisioning_id: one for one in rows}


def provisionings_by_code(cur: Cursor[tuple[object, ...]], entity_id: int) -> dict[str, int]:
    """All provisionings of a legal entity, by the code of their project."""
    cur.execute("select code, provisioning_id from provisioning where entity_id = %s", (entity_id,))
    return {str(row[0]): int(str(row[1])) for row in cur.fetchall()}


def last_number(cur: Cursor[tuple[object, ...]], entity_id: int) -> int:
    """The highest number that was given in a legal entity."""
    row = cur.execute("select max(number) from provisioning where entity_id = %s", (entity_id,)).fetchone()
    return 0 if row is None or row[0] is None else int(str(row[0]))


def add_provisioning(
    cur: Cursor[tuple[object, ...]], *, entity_id: int, code: str, number: int | None, now: datetime
) -> int:
    """A new provisioning; its project is being made."""
    row = cur.execute(
        """
        insert into provisioning (entity_id, code, number, state, created_at, updated_at)
        values (%s, %s, %s, %s, %s, %s) returning provisioning_id
        """,
        (entity_id, code, number, str(ProjectState.PROVISIONING), now, now),
    ).fetchone()
    if row is None:
        raise InvariantError(code="TIE-PROJECT-004", message=f"Project {code} was stored and got no id.")
    return int(str(row[0]))


def save_provisionings(
    cur: Cursor[tuple[object, ...]], states: Sequence[tuple[int, ProjectState, bool]], *, now: datetime
) -> None:
    """Store where provisionings stand and which are halted; the first time that one is active is kept."""
    cur.execute(
        """
        update provisioning p
           set state = new.state, halted = new.halted, updated_at = %(now)s,
               activated_at = case when new.state = 'active' then coalesce(p.activated_at, %(now)s)
                                   else p.activated_at end
          from unnest(%(ids)s::bigint[], %(states)s::text[], %(halted)s::bool[]) as new (id, state, halted)
         where p.provisioning_id = new.id and (p.state, p.halted) is distinct from (new.state, new.halted)
        """,
        {
            "now": now,
            "ids": [one[0] for one in states],
            "states": [str(one[1]) for one in states],
            "halted": [one[2] for one in states],
        },
    )


def take_up_settled(cur: Cursor[tuple[object, ...]], *, limit: int) -> list[int]:
    """Take up what became of deliveries; returns the provisionings that need the objects.

    A posted one without an open question is acknowledged; one that a person excluded counts as done by hand; one that
    was withdrawn leaves things as they were.
    """
    cur.execute(
        """
        with settled as (
            select o.object_id, d.state, d.target_ref
              from provisioned_object o join delivery d using (delivery_id)
             where o.open
               and (d.state in ('excluded', 'superseded')
                    or (d.state = 'posted'
                        and not exists (select 1 from desk_item i where i.subject_kind = 'delivery'
                                           and i.subject_id = d.delivery_id and i.state in ('open', 'released'))))
             order by o.object_id limit %s
        ), taken as (
            update provisioned_object o
               set open = false, by_hand = settled.state = 'excluded',
                   acknowledged = case when settled.state = 'superseded' then o.acknowledged else o.sent end,
                   target_ref = coalesce(settled.target_ref, o.target_ref)
              from settled where o.object_id = settled.object_id
            returning o.object_id
        )
        select distinct s.provisioning_id from provisioning_step s join taken using (object_id) order by 1
        """,
        (limit,),
    )
    return [int(str(row[0])) for row in cur.fetchall()]


def ensure_objects(cur: Cursor[tuple[object, ...]], targets: Iterable[Target]) -> dict[Target, StoredObject]:
    """The stored object of every target; new ones are added, with nothing sent yet."""
    wanted = sorted(targets)
    columns = ([one[0] for one in wanted], [one[1] for one in wanted], [one[2] for one in wanted])
    cur.execute(
        """
        insert into provisioned_object (system, kind, object_key)
        select system, kind, object_key
          from unnest(%s::text[], %s::text[], %s::text[]) as given (system, kind, object_key)
         where not exists (select 1 from provisioned_object o where o.system = given.system and o.kind = given.kind
                              and o.object_key = given.object_key)
         order by 1, 2, 3
        """,
        columns,
    )
    return objects(cur, wanted)


def told_of(cur: Cursor[tuple[object, ...]], kind: str, object_key: str) -> frozenset[str]:
    """The systems that were sent an object by the hub."""
    cur.execute(
        "select system from provisioned_object where kind = %s and object_key = %s and sent is not null",
        (kind, object_key),
    )
    return frozenset(str(row[0]) for row in cur.fetchall())


def objects(cur: Cursor[tuple[object, ...]], targets: Sequence[Target]) -> dict[Target, StoredObject]:
    """What is stored of ``targets``, with what is known of the last delivery of each."""
    cur.execute(
        """
        select o.system, o.kind, o.object_key, o.object_id, o.revision, o.delivery_id, o.acknowledged, o.sent,
               case when o.open then d.state end
          from provisioned_object o
          join unnest(%s::text[], %s::text[], %s::text[]) as given (system, kind, object_key)
            on o.system = given.system and o.kind = given.kind and o.object_key = given.object_key
          left join delivery d using (delivery_id)
        """,
        ([one[0] for one in targets], [one[1] for one in targets], [one[2] for one in targets]),
    )
    return {(str(row[0]), str(row[1]), str(row[2])): _object(row[3:]) for row in cur.fetchall()}


def _object(row: tuple[object, ...]) -> StoredObject:
    object_id, revision, delivery_id, acknowledged, sent, state = row
    return StoredObject(
        object_id=int(str(object_id)),
        revision=int(str(revision)),
        delivery_id=None if delivery_id is None else int(str(delivery_id)),
        held=Held(
            acknowledged=None if acknowledged is None else _bytes(acknowledged),
            sent=None if sent is None else _bytes(sent),
            sending=_sending(state),
        ),
    )


def _bytes(value: object) -> bytes:
    """A bytea as psycopg gives it."""
    if not isinstance(value, bytes | memoryview):
        raise InvariantError(code="TIE-PROJECT-004", message=f"A hash is stored as {type(value).__name__}.")
    return bytes(value)


def _sending(state: object) -> Sending:
    if state is None:
        return Sending.SETTLED
    if state in _UNDER_WAY:
        return Sending.UNDER_WAY
    return Sending.REFUSED if state in _REFUSED else Sending.UNCLEAR


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """What a provisioning enqueued of an object."""

    stored: StoredObject
    step: PlannedStep
    delivery_id: int
    provisioning_id: int


def record_sendings(cur: Cursor[tuple[object, ...]], sendings: Sequence[Sent], *, now: datetime) -> None:
    """Remember what was enqueued: it is what each object was sent last."""
    columns = {
        "objects": [one.stored.object_id for one in sendings],
        "revisions": [one.stored.revision + 1 for one in sendings],
        "deliveries": [one.delivery_id for one in sendings],
        "contents": [one.step.content for one in sendings],
        "provisionings": [one.provisioning_id for one in sendings],
        "now": now,
    }
    cur.execute(
        """
        update provisioned_object o
           set revision = new.revision, delivery_id = new.delivery_id, open = true, sent = new.content, by_hand = false
          from unnest(%(objects)s::bigint[], %(revisions)s::int[], %(deliveries)s::bigint[], %(contents)s::bytea[])
               as new (object_id, revision, delivery_id, content)
         where o.object_id = new.object_id
        """,
        columns,
    )
    cur.execute(
        """
        insert into provisioning_sending (object_id, revision, delivery_id, provisioning_id, sent_at)
        select *, %(now)s
          from unnest(%(objects)s::bigint[], %(revisions)s::int[], %(deliveries)s::bigint[],
                      %(provisionings)s::bigint[])
        """,
        columns,
    )


class StepRow(msgspec.Struct, frozen=True, kw_only=True):
    """Where a step of a provisioning stands; ``is_begun``: it was sent, or is current already."""

    provisioning_id: int
    step: PlannedStep
    is_current: bool
    is_begun: bool


def save_steps(
    cur: Cursor[tuple[object, ...]], rows: Sequence[StepRow], known: Mapping[Target, StoredObject], *, now: datetime
) -> None:
    """Store all steps of the provisionings in ``rows``.

    When a step was first begun and first done stays. One that is no longer wanted and was never begun goes.
    """
    values = {
        "now": now,
        "provisionings": [one.provisioning_id for one in rows],
        "objects": [known[one.step.target].object_id for one in rows],
        "ranks": [one.step.rank for one in rows],
        "wanted": [one.step.content for one in rows],
        "current": [one.is_current for one in rows],
        "begun": [one.is_begun for one in rows],
    }
    cur.execute(
        """
        insert into provisioning_step (provisioning_id, object_id, rank, wanted, current, started_at, done_at)
        select provisioning_id, object_id, rank, wanted, current, case when begun then %(now)s::timestamptz end,
               case when current then %(now)s::timestamptz end
          from unnest(%(provisionings)s::bigint[], %(objects)s::bigint[], %(ranks)s::int[], %(wanted)s::bytea[],
                      %(current)s::bool[], %(begun)s::bool[])
               as given (provisioning_id, object_id, rank, wanted, current, begun)
        on conflict (provisioning_id, object_id) do update
           set rank = excluded.rank, wanted = excluded.wanted, current = excluded.current,
               started_at = coalesce(provisioning_step.started_at, excluded.started_at),
               done_at = coalesce(provisioning_step.done_at, excluded.done_at)
         where (provisioning_step.rank, provisioning_step.wanted, provisioning_step.current)
               is distinct from (excluded.rank, excluded.wanted, excluded.current)
            or (provisioning_step.started_at is null and excluded.started_at is not null)
            or (provisioning_step.done_at is null and excluded.done_at is not null)
        """,
        values,
    )
    cur.execute(
        """
        delete from provisioning_step s
         where s.provisioning_id = any(%(provisionings)s::bigint[]) and s.started_at is null
           and not exists (select 1 from unnest(%(provisionings)s::bigint[], %(objects)s::bigint[])
                                    as given (provisioning_id, object_id)
                            where given.provisioning_id = s.provisioning_id and given.object_id = s.object_id)
        """,
        values,
    )


def where_they_are(
    cur: Cursor[tuple[object, ...]], provisioning_ids: Iterable[int]
) -> dict[int, dict[str, list[tuple[str, str]]]]:
    """What exists of projects: by provisioning and system, the kinds and keys of the acknowledged objects."""
    cur.execute(
        """
        select s.provisioning_id, o.system, o.kind, o.object_key
          from provisioning_step s join provisioned_object o using (object_id)
         where s.provisioning_id = any(%s) and o.acknowledged is not null
         order by s.provisioning_id, o.system, s.rank, o.object_key
        """,
        (list(provisioning_ids),),
    )
    found: dict[int, dict[str, list[tuple[str, str]]]] = {}
    for provisioning_id, system, kind, key in cur.fetchall():
        systems = found.setdefault(int(str(provisioning_id)), {})
        systems.setdefault(str(system), []).append((str(kind), str(key)))
    return found
