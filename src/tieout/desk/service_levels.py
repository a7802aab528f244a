"""Breaches of service levels: opened when something is late, escalated along the firm's path, ended when it is not.

A breach is never deleted. Each step of a path that is reached writes one notice, with a key that makes a second one
impossible, whatever process measures again. ``runtime.service_levels`` calls ``keep`` twice a minute.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

import msgspec
from psycopg import Connection, Cursor
from psycopg.rows import class_row

from tieout.desk import notices
from tieout.desk.notices import Notice
from tieout.desk.service_measures import Late
from tieout.model.service_level import EscalationStep, ServiceLevels

QUEUE_OWNER: Final = "queue:owner"
_TITLES: Final = {
    "time_posted": "Approved time takes too long to reach the ledger",
    "plan_updated": "Changed assignments take too long to show in the plan",
    "project_created": "Projects take too long to be made",
    "tie_out_made": "The tie-out is overdue",
    "unexplained": "The tie-out has not held for too long",
    "drift": "The tie-out cannot explain too much of the value",
    "lost": "Entries were taken in and are nowhere",
    "duplicates": "More entries are accounted for than were taken in",
    "exception_resolved": "Exceptions are held for too long",
    "before_cut_off": "Exceptions are held shortly before, or after, their posting cut-off",
}
"""What each level is called in a notice."""


class Breach(msgspec.Struct, frozen=True, kw_only=True):
    """One breach: what was late, since when, by how much when it was last seen, and how far it was escalated.

    ``escalation`` counts the steps of the path that were taken; ``ended_at`` None while it lasts.
    """

    breach_id: int
    level: str
    subject: str
    entity: str | None
    domain: str
    owner: str
    facts: dict[str, str]
    late_by: Decimal
    unit: str
    breached_at: datetime
    seen_at: datetime
    ended_at: datetime | None
    escalation: int
    escalated_at: datetime | None

    @property
    def title(self) -> str:
        """What the level is called."""
        return _TITLES[self.level]


_COLUMNS: Final = (
    "breach_id, level, subject, entity, domain, owner, facts, late_by, unit, breached_at, seen_at, ended_at, "
    "escalation, escalated_at"
)


def keep(cur: Cursor[tuple[object, ...]], late: Sequence[Late], levels: ServiceLevels, *, now: datetime) -> int:
    """Keep ``late`` as all that is late at ``now``: open, update and end breaches, escalate; returns how many steps."""
    cur.execute(
        """
        update service_breach set ended_at = %s
         where ended_at is null and (level, subject) not in (select unnest(%s::text[]), unnest(%s::text[]))
        """,
        (now, [one.level for one in late], [one.subject for one in late]),
    )
    for one in late:
        cur.execute(
            """
            insert into service_breach (level, subject, entity, domain, owner, facts, late_by, unit, breached_at,
                                        seen_at)
            values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
            on conflict (level, subject) where ended_at is null do update
               set facts = excluded.facts, late_by = excluded.late_by, seen_at = excluded.seen_at
            """,
            (
                one.level,
                one.subject,
                one.entity,
                str(one.domain),
                one.owner,
                msgspec.json.encode(one.facts).decode(),
                one.late_by,
                one.unit,
                one.breached_at,
                now,
            ),
        )
    return sum(_escalate(cur, one, levels, now) for one in _open(cur))


def breaches(conn: Connection[tuple[object, ...]], *, lasting: bool = True, limit: int = 200) -> list[Breach]:
    """Breaches that last, or all of them, the newest first."""
    with conn.cursor(row_factory=class_row(Breach)) as rows:
        rows.execute(
            f"""
            select {_COLUMNS} from service_breach where not %s or ended_at is null order by breach_id desc limit %s
            """,  # noqa: S608 - constants
            (lasting, limit),
        )
        return rows.fetchall()


def _open(cur: Cursor[tuple[object, ...]]) -> list[Breach]:
    with cur.connection.cursor(row_factory=class_row(Breach)) as rows:
        rows.execute(
            f"select {_COLUMNS} from service_breach where ended_at is null order by breach_id for update"  # noqa: S608 - constants
        )
        return rows.fetchall()


def _escalate(cur: Cursor[tuple[object, ...]], breach: Breach, levels: ServiceLevels, now: datetime) -> int:
    """Take every step of the path that is reached and was not taken yet; returns how many."""
    path = levels.path(breach.domain, breach.owner)
    lasted = now - breach.breached_at
    reached = sum(timedelta(hours=float(one.after_h)) <= lasted for one in path)
    if reached <= breach.escalation:
        return 0
    for number in range(breach.escalation, reached):
        notices.write(cur, _notice(breach, number + 1, path[number]), now=now)
    cur.execute(
        "update service_breach set escalation = %s, escalated_at = %s where breach_id = %s",
        (reached, now, breach.breach_id),
    )
    return reached - breach.escalation


def _notice(breach: Breach, number: int, step: EscalationStep) -> Notice:
    told = tuple(f"queue:{breach.owner}" if one == QUEUE_OWNER else one for one in step.told)
    where = breach.entity or breach.subject
    facts = {
        **breach.facts,
        "breach_id": str(breach.breach_id),
        "level": breach.level,
        "subject": breach.subject,
        "owner": breach.owner,
        "domain": breach.domain,
        "escalation": str(number),
        "late_by": str(breach.late_by),
        "unit": breach.unit,
        "breached_at": breach.breached_at.isoformat(),
    }
    return Notice(
        key=f"service_level:{breach.breach_id}:{number}",
        kind="service_level",
        subject=f"{breach.title}: {where}",
        entity=breach.entity,
        recipients=told,
        body=(
            f"{breach.title} ({where}): late by {breach.late_by} {breach.unit} since "
            f"{breach.breached_at:%Y-%m-%d %H:%M} UTC. Owner: {breach.owner}. Escalation step {number}."
        ),
        facts=facts,
    )
