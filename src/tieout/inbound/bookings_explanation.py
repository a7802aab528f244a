"""Why an assignment or absence is in the plan as it is: all that was told of it, what stands, and where it was read.

``tieout explain assignment`` and ``tieout explain absence`` print what comes out of here.
"""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

import msgspec
from psycopg import Connection
from psycopg.rows import class_row

from tieout.errors import ConfigurationError
from tieout.inbound.bookings_reading import ASSIGNMENT, TIME_OFF, Outcome

_FATES: Final = {
    Outcome.ACCEPTED: "accepted",
    Outcome.HELD: "held",
    Outcome.ENDED: "ended",
    Outcome.SUPERSEDED: "came after a newer version",
}
_TABLES: Final = {ASSIGNMENT: "assignment_version", TIME_OFF: "time_off_version"}
_NAMES: Final = {ASSIGNMENT: "assignment", TIME_OFF: "absence"}
_OWN_COLUMNS: Final = {
    ASSIGNMENT: "v.project_id, v.task_id, v.role_id, v.percent, v.bill_rate, v.location, v.time_zone, null as kind",
    TIME_OFF: """
        null::integer as project_id, null::integer as task_id, null::integer as role_id, null::numeric as percent,
        null::numeric as bill_rate, null as location, null as time_zone, v.kind
    """,
}


class FactVersion(msgspec.Struct, frozen=True, kw_only=True):
    """One reading of one version. ``fate``: accepted, held, ended, or that it came after a newer version.

    ``person``, ``project``, ``task`` and ``role`` are codes or names of golden records, None where the source's key is
    not known or there is none. ``ends`` is the first day after it. ``findings`` are codes with their words, by the
    message and item that it was read from; ``desk_item`` is its open item.
    """

    version: int
    revision: int
    state: str
    fate: str
    stands: bool
    starts: date
    ends: date
    amount: str
    person: str | None
    project: str | None
    task: str | None
    role: str | None
    location: str | None
    time_zone: str | None
    bill_rate: Decimal | None
    kind: str | None
    message_id: int
    item_no: int
    channel: str
    received_at: datetime
    recorded_at: datetime
    firm_version: int
    desk_item: int | None
    findings: tuple[str, ...]

    @property
    def words(self) -> str:
        """Whom and what it is about, when and how much, as a line."""
        who = self.person or ("nobody yet" if self.project else "somebody who is not known")
        on = f" on {self.project}" if self.project else ""
        task = f", task {self.task}" if self.task else ""
        role = f", as {self.role}" if self.role else ""
        kind = f", {self.kind}" if self.kind else ""
        last = self.ends - timedelta(days=1)
        return f"{self.state}: {who}{on}{task}{role}{kind}, {self.starts} to {last}, {self.amount}"


class FactExplanation(msgspec.Struct, frozen=True, kw_only=True):
    """What was told of one assignment or absence, the newest version first.

    ``plan_id`` is the number of its booking or absence in the plan; None while nothing of it is there.
    """

    kind: str
    system: str
    source_id: str
    plan_id: int | None
    versions: tuple[FactVersion, ...]

    def lines(self) -> list[str]:
        """The explanation for people."""
        name = _NAMES[self.kind]
        there = "not in the plan" if self.plan_id is None else f"in the plan as number {self.plan_id}"
        lines = [f"{name} {self.source_id} of {self.system}: {there}"]
        for one in self.versions:
            stands = ", stands" if one.stands else ""
            revision = f" (reading {one.revision + 1})" if one.revision else ""
            lines.append(f"version {one.version}{revision}, {one.fate}{stands}")
            lines.append(f"  {one.words}")
            lines.append(
                f"  message {one.message_id} item {one.item_no} by {one.channel}, received "
                f"{one.received_at:%Y-%m-%d %H:%M:%S} UTC; firm version {one.firm_version}"
            )
            lines += [f"  {words}" for words in one.findings]
            if one.desk_item is not None:
                lines.append(f"  waits as item {one.desk_item} on the desk")
        return lines


class _Row(msgspec.Struct, frozen=True, kw_only=True):
    version: int
    revision: int
    state: str
    disposition: int
    starts: date
    ends: date
    hours_per_day: Decimal | None
    percent: Decimal | None
    hours_by_day: dict[str, str] | None
    person: str | None
    project: str | None
    task: str | None
    role: str | None
    location: str | None
    time_zone: str | None
    bill_rate: Decimal | None
    kind: str | None
    message_id: int
    item_no: int
    channel: str
    received_at: datetime
    recorded_at: datetime
    firm_version: int
    desk_item: int | None
    findings: list[str]
    plan_id: int | None


def explain_fact(conn: Connection[tuple[object, ...]], kind: str, system: str, source_id: str) -> FactExplanation:
    """What ``system`` told of the assignment or absence (``kind``) that it calls ``source_id``.

    Raises ConfigurationError (TIE-RECORD-003) when it never told one.
    """
    plan = "booking" if kind == ASSIGNMENT else "absence"
    with conn.cursor(row_factory=class_row(_Row)) as cur:
        cur.execute(
            f"""
            with reading as (
                select v.reading_id, v.message_id, v.item_no, v.system_id, v.source_id, v.version, v.revision, v.state,
                       v.disposition, v.resource_id, v.starts, v.ends, v.hours_per_day, v.hours_by_day, v.firm_version,
                       v.recorded_at, {_OWN_COLUMNS[kind]}
                  from {_TABLES[kind]} v join system_name s using (system_id)
                 where s.name = %(system)s and v.source_id = %(source_id)s
            )
            select v.version, v.revision, v.state, v.disposition, v.starts, v.ends, v.hours_per_day, v.percent,
                   v.hours_by_day, coalesce(person.fields ->> 'name', person.code) as person,
                   coalesce(project.code, project.fields ->> 'name') as project, task.fields ->> 'name' as task,
                   coalesce(role.code, role.fields ->> 'name') as role, v.location, v.time_zone, v.bill_rate, v.kind,
                   v.message_id, v.item_no, m.channel, m.received_at, v.recorded_at, v.firm_version,
                   i.item_id as desk_item, p.{plan}_id as plan_id,
                   array(select distinct f.code || ': ' || f.message from finding f
                          where f.entry_id is null and f.message_id = v.message_id and f.item_no = v.item_no
                          order by 1) as findings
              from reading v
              join message m using (message_id)
              left join golden_record person on person.record_id = v.resource_id
              left join golden_record project on project.record_id = v.project_id
              left join golden_record task on task.record_id = v.task_id
              left join golden_record role on role.record_id = v.role_id
              left join desk_item i on i.subject_kind = %(kind)s and i.subject_id = v.reading_id
                                   and i.state in ('open', 'released')
              left join {plan} p on p.source_id = v.source_id and p.system_id = v.system_id
             order by v.version desc, v.revision desc
            """,  # noqa: S608 - constants of this module
            {"system": system, "source_id": source_id, "kind": kind},
        )
        rows = cur.fetchall()
    if not rows:
        raise ConfigurationError(code="TIE-RECORD-003", message=f"No {_NAMES[kind]} {source_id} of {system} is known.")
    return FactExplanation(
        kind=kind,
        system=system,
        source_id=source_id,
        plan_id=rows[0].plan_id,
        versions=tuple(_version(one, stands=at == 0) for at, one in enumerate(rows)),
    )


def _version(row: _Row, *, stands: bool) -> FactVersion:
    told = {name: getattr(row, name) for name in FactVersion.__struct_fields__ if name in _Row.__struct_fields__}
    told["findings"] = tuple(row.findings)
    return FactVersion(fate=_FATES[Outcome(row.disposition)], stands=stands, amount=_amount(row), **told)


def _amount(row: _Row) -> str:
    if row.hours_per_day is not None:
        return f"{_plain(row.hours_per_day)} h a day"
    if row.percent is not None:
        return f"{_plain(row.percent)} % of the capacity"
    if row.hours_by_day is None:
        return "whole days"
    total = sum(map(Decimal, row.hours_by_day.values()), Decimal())
    return f"{_plain(total)} h on {len(row.hours_by_day)} days"


def _plain(number: Decimal) -> str:
    """Without the zeros that a table adds."""
    return f"{number.normalize():f}"
