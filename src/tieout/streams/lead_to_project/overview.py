"""What the stream has done, for people: projects and deals in a list, one project step by step, with what it took.

Set-up time runs from the instant since when the CRM says that the deal has reached its stage, to the acknowledgement
of the last target; the hub's own share of it from the instant at which the deal was accepted (and approved). Errors are
attempts that a target did not acknowledge; touches are what people did on the desk, approvals among them. Reads only.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

import msgspec
from psycopg import Connection
from psycopg.rows import class_row

from tieout.errors import ConfigurationError
from tieout.model.money import alpha_code, from_minor

_HALF, _NINE_TENTHS, _WHOLE = 50, 90, 100


class ProjectSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the list: a project, or a deal that is none yet (then ``code`` is None).

    ``state`` is the project's, else the deal's. ``waits_for`` says what holds it now. ``setup_s`` and ``hub_s`` are
    whole seconds, None until it was active for the first time.
    """

    code: str | None
    entity: str | None
    deals: list[str]
    deal_ids: list[int]
    name: str
    state: str
    completeness: int
    steps: int
    steps_done: int
    waits_for: str | None
    won_at: datetime
    setup_s: int | None
    hub_s: int | None
    errors: int
    touches: int


class SetupMeasures(msgspec.Struct, frozen=True, kw_only=True):
    """The list in figures; times are the smallest that half, or nine in ten, of the set-ups did not exceed."""

    projects: int
    active: int
    deals_held: int
    setup_p50_s: int | None
    setup_p90_s: int | None
    hub_p50_s: int | None
    hub_p90_s: int | None
    errors: int
    touches: int


class StepView(msgspec.Struct, frozen=True, kw_only=True):
    """One step: judging or approving a deal (``system`` is the CRM), or an object in a target.

    ``state``: waiting, sent, in doubt, on the desk, done, by hand. ``took_s`` is from the first sending to the first
    acknowledgement.
    """

    system: str
    step: str
    object: str
    state: str
    started_at: datetime | None
    done_at: datetime | None
    took_s: int | None
    sent: int
    errors: int
    touches: int
    target_ref: str | None = None


class DealView(msgspec.Struct, frozen=True, kw_only=True):
    """A deal of a project, or on its way to one."""

    number: str
    name: str
    system: str
    state: str
    completeness: int
    amount: Decimal | None
    currency: str | None
    owner_email: str | None
    won_at: datetime
    learned_at: datetime
    accepted_at: datetime | None
    approved_by: str | None
    findings: list[dict[str, str | bool]]


class ProjectView(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about one project, or about a deal that is none yet."""

    summary: ProjectSummary
    deals: list[DealView]
    steps: list[StepView]


def list_projects(
    conn: Connection[tuple[object, ...]], *, state: str | None = None, entity: str | None = None
) -> list[ProjectSummary]:
    """All projects and deals on their way, those that wait first, then by code; of one state or legal entity."""
    found = [
        one
        for one in _summaries(conn, "", {})
        if (state is None or one.state == state) and (entity is None or one.entity == entity)
    ]
    return sorted(found, key=lambda one: (one.waits_for is None, one.code is not None, one.code or "", one.deals))


def measure(projects: Iterable[ProjectSummary]) -> SetupMeasures:
    """The figures of a list."""
    listed = list(projects)
    made = [one for one in listed if one.code is not None]
    setup = [one.setup_s for one in made if one.setup_s is not None]
    hub = [one.hub_s for one in made if one.hub_s is not None]
    return SetupMeasures(
        projects=len(made),
        active=sum(one.state == "active" for one in made),
        deals_held=sum(one.code is None and one.waits_for is not None for one in listed),
        setup_p50_s=percentile(setup, _HALF),
        setup_p90_s=percentile(setup, _NINE_TENTHS),
        hub_p50_s=percentile(hub, _HALF),
        hub_p90_s=percentile(hub, _NINE_TENTHS),
        errors=sum(one.errors for one in listed),
        touches=sum(one.touches for one in listed),
    )


def percentile(values: Sequence[int], percent: int) -> int | None:
    """The smallest value that ``percent`` of the values do not exceed; None of none."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // _WHOLE) - 1)]


def show_project(conn: Connection[tuple[object, ...]], word: str, *, entity: str | None = None) -> ProjectView:
    """The project with code ``word``, else the deal with that number.

    Raises ConfigurationError (TIE-PROJECT-001) when there is none, or several legal entities have one.
    """
    found = _summaries(conn, "where p.code = %(word)s", {"word": word}) or _summaries(
        conn, "where d.number = %(word)s or d.source_id = %(word)s", {"word": word}
    )
    fitting = [one for one in found if entity is None or one.entity == entity]
    if len(fitting) != 1:
        where = ", ".join(one.entity or "no legal entity" for one in fitting)
        several = f"there are {len(fitting)} ({where}); name the legal entity" if fitting else "there is none"
        raise ConfigurationError(code="TIE-PROJECT-001", message=f"Of projects and won deals {word}, {several}.")
    summary = fitting[0]
    deals = _deals(conn, summary)
    return ProjectView(summary=summary, deals=deals, steps=[*_deal_steps(conn, summary), *_steps(conn, summary)])


_SUMMARY = """
    select p.code, coalesce(pe.code, de.code) as entity, array_agg(d.number order by d.accepted_at, d.deal_id) as deals,
           array_agg(d.deal_id order by d.accepted_at, d.deal_id) as deal_ids,
           (array_agg(d.name order by d.accepted_at, d.deal_id))[1] as name,
           coalesce(p.state, min(d.state)) as state, min(d.completeness)::integer as completeness,
           coalesce(min(steps.total), 0)::integer as steps, coalesce(min(steps.done), 0)::integer as steps_done,
           coalesce(min(held.message), min(steps.waits_for)) as waits_for, min(d.won_at) as won_at,
           extract(epoch from min(p.activated_at) - min(d.won_at))::bigint as setup_s,
           extract(epoch from min(p.activated_at) - min(d.accepted_at))::bigint as hub_s,
           coalesce(min(steps.errors), 0)::integer as errors,
           (coalesce(min(steps.touches), 0) + coalesce(sum(held.touches), 0))::integer as touches
      from won_deal d
      left join provisioning p using (provisioning_id)
      left join golden_record pe on pe.record_id = p.entity_id
      left join golden_record de on de.record_id = d.entity_id
      left join lateral (
          select count(*) as total, count(*) filter (where s.current) as done, sum(t.errors) as errors,
                 sum(t.touches) as touches, min(i.message) as waits_for
            from provisioning_step s
            join provisioned_object o using (object_id)
            left join desk_item i on i.subject_kind = 'delivery' and i.subject_id = o.delivery_id
                                 and i.state in ('open', 'released')
            left join lateral ({tolls}) t on true
           where s.provisioning_id = p.provisioning_id) steps on true
      left join lateral (
          select min(i.message) filter (where i.state in ('open', 'released')) as message,
                 (select count(*) from desk_action a join desk_item j using (item_id)
                   where j.subject_kind = 'deal' and j.subject_id = d.deal_id and a.actor <> 'tieout') as touches
            from desk_item i
           where i.subject_kind = 'deal' and i.subject_id = d.deal_id) held on true
"""
# What a step took: of the deliveries that this project sent of the object.
_TOLLS = """
    select (select count(*) from delivery_attempt a
             where a.delivery_id = any(sent.ids) and a.outcome <> 'posted') as errors,
           (select count(*) from desk_action a join desk_item j using (item_id)
             where j.subject_kind = 'delivery' and j.subject_id = any(sent.ids) and a.actor <> 'tieout') as touches,
           cardinality(sent.ids) as sent
      from (select coalesce(array_agg(g.delivery_id), '{}') as ids from provisioning_sending g
             where g.object_id = s.object_id and g.provisioning_id = s.provisioning_id) as sent
"""


def _summaries(conn: Connection[tuple[object, ...]], where: str, values: dict[str, str]) -> list[ProjectSummary]:
    group = "group by coalesce(p.provisioning_id, -d.deal_id), p.code, p.state, pe.code, de.code"
    with conn.cursor(row_factory=class_row(ProjectSummary)) as cur:
        cur.execute(f"{_SUMMARY.replace('{tolls}', _TOLLS)} {where} {group}", values)
        return cur.fetchall()


def _deals(conn: Connection[tuple[object, ...]], summary: ProjectSummary) -> list[DealView]:
    rows = conn.execute(
        """
        select d.number, d.name, d.system, d.state, d.completeness, d.amount_minor, d.currency, d.owner_email, d.won_at,
               d.learned_at, d.accepted_at,
               (select string_agg(distinct a.actor, ', ') from deal_approval a where a.deal_id = d.deal_id),
               d.findings::text
          from won_deal d where d.deal_id = any(%s) order by d.accepted_at, d.deal_id
        """,
        (summary.deal_ids,),
    ).fetchall()
    return [
        msgspec.convert(
            {
                "number": row[0],
                "name": row[1],
                "system": row[2],
                "state": row[3],
                "completeness": row[4],
                "amount": _amount(row[5], row[6]),
                "currency": None if row[6] is None else alpha_code(int(str(row[6]))),
                "owner_email": row[7],
                "won_at": row[8],
                "learned_at": row[9],
                "accepted_at": row[10],
                "approved_by": row[11],
                "findings": msgspec.json.decode(str(row[12])),
            },
            DealView,
        )
        for row in rows
    ]


def _amount(amount_minor: object, currency: object) -> Decimal | None:
    if amount_minor is None or currency is None:
        return None
    return from_minor(int(str(amount_minor)), alpha_code(int(str(currency))))


def _deal_steps(conn: Connection[tuple[object, ...]], summary: ProjectSummary) -> list[StepView]:
    """Judging and accepting each deal, as steps."""
    with conn.cursor(row_factory=class_row(StepView)) as cur:
        cur.execute(
            """
            select d.system, 'deal' as step, d.number as object,
                   case when exists (select 1 from desk_item i
                                      where i.subject_kind = 'deal' and i.subject_id = d.deal_id
                                        and i.state in ('open', 'released')) then 'on the desk'
                        when d.accepted_at is null then 'waiting' else 'done' end as state,
                   d.learned_at as started_at, d.accepted_at as done_at,
                   extract(epoch from d.accepted_at - d.learned_at)::bigint as took_s, 0 as sent,
                   (select count(*) from desk_item i
                     where i.subject_kind = 'deal' and i.subject_id = d.deal_id)::integer as errors,
                   (select count(*) from desk_action a join desk_item j using (item_id)
                     where j.subject_kind = 'deal' and j.subject_id = d.deal_id
                       and a.actor <> 'tieout')::integer as touches
              from won_deal d where d.deal_id = any(%s) order by d.accepted_at, d.deal_id
            """,
            (summary.deal_ids,),
        )
        return cur.fetchall()


def _steps(conn: Connection[tuple[object, ...]], summary: ProjectSummary) -> list[StepView]:
    with conn.cursor(row_factory=class_row(StepView)) as cur:
        cur.execute(
            f"""
            select o.system, o.kind as step, o.object_key as object,
                   case when i.item_id is not null then 'on the desk'
                        when s.current then case when o.by_hand then 'by hand' else 'done' end
                        when o.open and d.state = 'in_doubt' then 'in doubt'
                        when o.open then 'sent' else 'waiting' end as state,
                   s.started_at, s.done_at, extract(epoch from s.done_at - s.started_at)::bigint as took_s,
                   t.sent::integer as sent, t.errors::integer as errors, t.touches::integer as touches, o.target_ref
              from provisioning_step s
              join provisioning p using (provisioning_id)
              join golden_record e on e.record_id = p.entity_id
              join provisioned_object o using (object_id)
              left join delivery d using (delivery_id)
              left join desk_item i on i.subject_kind = 'delivery' and i.subject_id = o.delivery_id
                                   and i.state in ('open', 'released')
              left join lateral ({_TOLLS}) t on true
             where p.code = %(code)s and e.code = %(entity)s
             order by s.rank, o.system, o.object_key
            """,  # noqa: S608 - a constant of this module
            {"code": summary.code, "entity": summary.entity},
        )
        return cur.fetchall()
