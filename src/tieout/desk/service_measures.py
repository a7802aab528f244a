"""Measures the service levels: everything that is late right now, one ``Late`` per subject. Reads only.

Each function reads what its steps write; ``service_levels`` keeps what is found as breaches.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

import msgspec
from psycopg import Cursor

from tieout.model.finding_codes import Owner
from tieout.model.service_level import Domain, ServiceLevels

_HOUR_S: Final = Decimal(3600)
_MOST: Final = 20_000
"""As many entries of a kind are measured at most, so that measuring costs a busy hub nothing that it would notice."""
_TIME_WINDOW: Final = timedelta(hours=1)
_PROJECT_WINDOW: Final = timedelta(days=1)
_HUNDRED: Final = Decimal(100)


class Late(msgspec.Struct, frozen=True, kw_only=True):
    """One service level that does not hold for ``subject``: since when and by how much, in ``unit``.

    ``entity`` is the code of a legal entity; ``facts`` are figures and numbers for a notice and its link.
    """

    level: str
    subject: str
    domain: Domain
    owner: str
    breached_at: datetime
    late_by: Decimal
    unit: str
    entity: str | None = None
    facts: dict[str, str] = {}


def measure(cur: Cursor[tuple[object, ...]], levels: ServiceLevels, *, now: datetime) -> list[Late]:
    """Everything that is late at ``now``."""
    return [
        *_time_posted(cur, levels, now),
        *_plan_updated(cur, levels, now),
        *_projects_created(cur, levels, now),
        *_proof(cur, levels, now),
        *_exceptions(cur, levels, now),
        *_cut_offs(cur, levels, now),
    ]


def _time_posted(cur: Cursor[tuple[object, ...]], levels: ServiceLevels, now: datetime) -> Iterator[Late]:
    """Entries that a ledger acknowledged within the hour, and all that wait for one: not what the desk holds."""
    cur.execute(
        """
        with recent as (
            select distinct delivery_id
              from (select delivery_id, finished_at from delivery_attempt order by attempt_id desc limit %(most)s) a
             where finished_at > %(since)s
        ), way as (
            (select t.entity_id, m.received_at, d.updated_at as posted_at
               from recent join delivery d using (delivery_id) join posting_link l using (delivery_id)
               join time_entry t using (entry_id) join message m on m.message_id = t.message_id
              where d.command_kind = 'post_journal' and d.state = 'posted' and d.updated_at > %(since)s
              limit %(most)s)
            union all
            (select t.entity_id, m.received_at, null
               from delivery d join posting_link l using (delivery_id) join time_entry t using (entry_id)
               join message m on m.message_id = t.message_id
              where d.command_kind = 'post_journal' and d.state in ('ready', 'intent', 'sent', 'in_doubt')
                and d.state not in ('posted', 'split', 'recut', 'excluded', 'superseded')
              limit %(most)s)
            union all
            (select t.entity_id, m.received_at, null
               from posting_pending p
               join time_entry t on t.entry_id between p.first_entry_id and p.last_entry_id and t.disposition = 1
               join message m on m.message_id = t.message_id
              where not exists (select from posting_link l where l.entry_id = t.entry_id)
              limit %(most)s)
        ), taken as (
            select entity_id, received_at, extract(epoch from coalesce(posted_at, %(now)s) - received_at) as took_s,
                   posted_at is null as waits
              from way
        )
        select e.code, count(*), count(*) filter (where waits),
               percentile_disc(%(share)s) within group (order by took_s),
               min(received_at) filter (where took_s > %(limit)s)
          from taken t join golden_record e on e.record_id = t.entity_id
         group by e.code
        having percentile_disc(%(share)s) within group (order by took_s) > %(limit)s
         order by e.code
        """,
        {
            "since": now - _TIME_WINDOW,
            "now": now,
            "share": levels.time_posted.percent / _HUNDRED,
            "limit": levels.time_posted.within_s,
            "most": _MOST,
        },
    )
    for entity, count, waiting, took_s, oldest in cur.fetchall():
        yield _latency(
            "time_posted",
            str(entity),
            (Domain.TIME, Owner.INTEGRATION),
            took_s=_decimal(took_s),
            limit_s=levels.time_posted.within_s,
            oldest=oldest,
            facts={"entries": str(count), "waiting": str(waiting)},
        )


def _plan_updated(cur: Cursor[tuple[object, ...]], levels: ServiceLevels, now: datetime) -> Iterator[Late]:
    limit = timedelta(seconds=float(levels.plan_updated.within_s))
    cur.execute(
        """
        select count(*), min(m.received_at)
          from plan_pending p join booking b on p.kind = 'booking' and b.booking_id between p.first_id and p.last_id
          join assignment_version v using (reading_id) join message m using (message_id)
         where m.received_at < %s
        """,
        (now - limit,),
    )
    row = cur.fetchone()
    if row is None or not isinstance(row[1], datetime):
        return
    took_s = Decimal(int((now - row[1]).total_seconds()))
    yield _latency(
        "plan_updated",
        "plan",
        (Domain.PLAN, Owner.RESOURCE_MANAGEMENT),
        took_s=took_s,
        limit_s=levels.plan_updated.within_s,
        oldest=row[1],
        facts={"bookings": str(row[0])},
    )


def _projects_created(cur: Cursor[tuple[object, ...]], levels: ServiceLevels, now: datetime) -> Iterator[Late]:
    cur.execute(
        """
        with made as (
            select p.entity_id, p.code, min(d.accepted_at) as accepted_at, p.activated_at
              from provisioning p join won_deal d using (provisioning_id)
             where d.accepted_at is not null and not p.halted
               and (p.activated_at is null or p.activated_at > %(since)s)
             group by p.provisioning_id
        ), taken as (
            select entity_id, accepted_at, extract(epoch from coalesce(activated_at, %(now)s) - accepted_at) as took_s,
                   activated_at is null as waits
              from made
        )
        select e.code, count(*), count(*) filter (where waits),
               percentile_disc(%(share)s) within group (order by took_s),
               min(accepted_at) filter (where took_s > %(limit)s)
          from taken t join golden_record e on e.record_id = t.entity_id
         group by e.code
        having percentile_disc(%(share)s) within group (order by took_s) > %(limit)s
         order by e.code
        """,
        {
            "since": now - _PROJECT_WINDOW,
            "now": now,
            "share": levels.project_created.percent / _HUNDRED,
            "limit": levels.project_created.within_s,
        },
    )
    for entity, count, waiting, took_s, oldest in cur.fetchall():
        yield _latency(
            "project_created",
            str(entity),
            (Domain.PROJECTS, Owner.PROJECT_MANAGEMENT),
            took_s=_decimal(took_s),
            limit_s=levels.project_created.within_s,
            oldest=oldest,
            facts={"projects": str(count), "waiting": str(waiting)},
        )


def _latency(  # noqa: PLR0913 - one of each thing that is late
    level: str,
    subject: str,
    about: tuple[Domain, Owner],
    *,
    took_s: Decimal,
    limit_s: Decimal,
    oldest: object,
    facts: dict[str, str],
) -> Late:
    if not isinstance(oldest, datetime):
        raise TypeError(oldest)
    domain, owner = about
    return Late(
        level=level,
        subject=subject,
        domain=domain,
        owner=owner.value,
        breached_at=oldest + timedelta(seconds=float(limit_s)),
        late_by=took_s - limit_s,
        unit="s",
        entity=None if subject == "plan" else subject,
        facts=facts | {"took_s": str(took_s), "limit_s": str(limit_s)},
    )


def _proof(cur: Cursor[tuple[object, ...]], levels: ServiceLevels, now: datetime) -> Iterator[Late]:
    cur.execute("select run_id, finished_at, holds from tie_out_run order by run_id desc limit 1")
    newest = cur.fetchone()
    cur.execute("select recorded_at from batch order by batch_id limit 1")
    first = cur.fetchone()
    since = newest[1] if newest is not None else None if first is None else first[0]
    if isinstance(since, datetime):
        yield from _overdue("tie_out_made", since, levels.proof.every_h, now, facts={})
    if newest is None or newest[2]:
        return
    run_id = int(str(newest[0]))
    cur.execute(
        """
        select min(finished_at) from tie_out_run
         where run_id > coalesce((select max(run_id) from tie_out_run where holds), 0)
        """
    )
    row = cur.fetchone()
    if row is not None and isinstance(row[0], datetime):
        facts = {"run_id": str(run_id)}
        yield from _overdue("unexplained", row[0], levels.proof.unexplained_h, now, facts=facts)
    yield from _differences(cur, run_id, levels, newest[1])


def _overdue(level: str, since: datetime, limit_h: Decimal, now: datetime, *, facts: dict[str, str]) -> Iterator[Late]:
    due = since + timedelta(hours=float(limit_h))
    if due < now:
        yield Late(
            level=level,
            subject="tie-out",
            domain=Domain.PROOF,
            owner=Owner.FINANCE.value,
            breached_at=due,
            late_by=_hours(now - due),
            unit="h",
            facts=facts | {"since": since.isoformat(), "limit_h": str(limit_h)},
        )


def _differences(
    cur: Cursor[tuple[object, ...]], run_id: int, levels: ServiceLevels, finished_at: object
) -> Iterator[Late]:
    """What the newest run cannot explain: entries lost or more than were taken in, and value beyond the drift."""
    cur.execute(
        """
        with signed as (
            select entity, period, currency, side, case when side = 'taken_in' then 1 else -1 end as sign, entry_count,
                   amount_minor
              from tie_out_figure where run_id = %s
        )
        select entity, currency, sum(greatest(d.entries, 0)), sum(greatest(-d.entries, 0)), sum(abs(d.minor)),
               sum(d.taken_minor)
          from (select entity, period, currency, sum(sign * entry_count) as entries, sum(sign * amount_minor) as minor,
                       coalesce(sum(amount_minor) filter (where side = 'taken_in'), 0) as taken_minor
                  from signed group by entity, period, currency) d
         group by entity, currency order by entity, currency
        """,
        (run_id,),
    )
    if not isinstance(finished_at, datetime):
        raise TypeError(finished_at)
    for entity, currency, lost, twice, apart_minor, taken_minor in cur.fetchall():
        share = _HUNDRED * _decimal(apart_minor) / max(abs(_decimal(taken_minor)), Decimal(1))
        found = (
            ("lost", _decimal(lost), Decimal(0), "entries"),
            ("duplicates", _decimal(twice), Decimal(0), "entries"),
            ("drift", share, levels.proof.drift_percent, "percent"),
        )
        for level, value, limit, unit in found:
            if value > limit:
                yield Late(
                    level=level,
                    subject=f"{entity} {currency}",
                    domain=Domain.PROOF,
                    owner=Owner.FINANCE.value,
                    breached_at=finished_at,
                    late_by=round(value - limit, 4),
                    unit=unit,
                    entity=str(entity),
                    facts={"run_id": str(run_id), "value": str(round(value, 4)), "limit": str(limit)},
                )


_HELD: Final = """
    select c.cause_id, c.code, c.owner, count(*)::integer, min(i.item_id), min({instant}), coalesce(sum(i.hours), 0),
           case when count(distinct i.entity_id) = 1 and count(i.entity_id) = count(*) then min(e.code) end
      from desk_item i join root_cause c using (cause_id)
      left join golden_record e on e.record_id = i.entity_id
      {join}
     where i.state in ('open', 'released') and {where}
     group by c.cause_id order by c.cause_id
"""


def _exceptions(cur: Cursor[tuple[object, ...]], levels: ServiceLevels, now: datetime) -> Iterator[Late]:
    """Root causes that hold something for longer than their queue resolves within."""
    for owner in Owner:
        limit_h = levels.exceptions.limit_h(owner.value)
        limit = timedelta(hours=float(limit_h))
        cur.execute(
            _HELD.format(instant="i.opened_at", join="", where="c.owner = %s and i.opened_at < %s"),
            (owner.value, now - limit),
        )
        for row in cur.fetchall():
            yield _held("exception_resolved", row, limit, now, {"limit_h": str(limit_h)})


def _cut_offs(cur: Cursor[tuple[object, ...]], levels: ServiceLevels, now: datetime) -> Iterator[Late]:
    """Root causes that hold something whose cut-off is near or over."""
    limit_h = levels.exceptions.before_cut_off_h
    limit = -timedelta(hours=float(limit_h))
    join = """join posting_cut_off p
                on p.entity_id = i.entity_id and p.starts <= i.document_date and i.document_date < p.ends"""
    cur.execute(_HELD.format(instant="p.cut_off", join=join, where="p.cut_off < %s"), (now - limit,))
    for row in cur.fetchall():
        yield _held("before_cut_off", row, limit, now, {"before_cut_off_h": str(limit_h), "cut_off": str(row[5])})


def _held(level: str, row: tuple[object, ...], limit: timedelta, now: datetime, facts: dict[str, str]) -> Late:
    cause_id, code, owner, count, item_id, instant, hours, entity = row
    if not isinstance(instant, datetime):
        raise TypeError(instant)
    due = instant + limit
    return Late(
        level=level,
        subject=f"cause {cause_id}",
        domain=Domain.EXCEPTIONS,
        owner=str(owner),
        breached_at=due,
        late_by=_hours(now - due),
        unit="h",
        entity=None if entity is None else str(entity),
        facts=facts
        | {
            "cause_id": str(cause_id),
            "code": str(code),
            "items": str(count),
            "item_id": str(item_id),
            "hours": str(hours),
        },
    )


def _hours(span: timedelta) -> Decimal:
    return round(Decimal(int(span.total_seconds())) / _HOUR_S, 2)


def _decimal(value: object) -> Decimal:
    return Decimal(str(value))
