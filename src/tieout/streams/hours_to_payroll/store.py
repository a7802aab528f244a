"""The SQL of hours for payrolls: what changed, what the ledger accepted and payrolls were told, files and their lines.

Set-based, in the transaction of the step. Neighbours: ``step`` decides, ``hours`` has the rules.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Final

import msgspec
from psycopg import Cursor

from tieout.connect.outcome import RejectionCode
from tieout.model.reported import RecordType
from tieout.storage.copying import copy_rows
from tieout.streams.hours_to_payroll.hours import Cell, File, Home, PersonDay

_EVER: Final = date(9999, 12, 31)
_REFUSALS: Final = tuple(str(one) for one in RejectionCode)
"""What a delivery says of itself where its target refused it, and certainly recorded nothing."""


class Position(msgspec.Struct, frozen=True):
    """Since which day payrolls are told (None: never yet), and by which reference people were looked for."""

    first_day: date | None
    reference_version: int


def take_position(cur: Cursor[tuple[object, ...]]) -> Position | None:
    """The position, locked: one worker tells payrolls at a time. None while another one does."""
    row = cur.execute("select first_day, reference_version from payroll_position for update skip locked").fetchone()
    return None if row is None else Position(row[0] if isinstance(row[0], date) else None, int(str(row[1])))


def begin_on(cur: Cursor[tuple[object, ...]], day: date, *, before: date | None) -> None:
    """Tell payrolls of all days from ``day`` on; ``before`` is the day that it was until now.

    What was told of days that do not count any more stays told.
    """
    cur.execute(
        """
        insert into payroll_due (resource_id, work_date)
        select distinct resource_id, work_date from time_entry
         where disposition = 1 and work_date >= %s and work_date < %s
        on conflict (resource_id, work_date) do nothing
        """,
        (day, before or _EVER),
    )
    cur.execute("delete from payroll_due where work_date < %s", (day,))
    cur.execute("update payroll_position set first_day = %s", (day,))


def look_again(cur: Cursor[tuple[object, ...]], reference_version: int) -> None:
    """People who could not be told may be known since."""
    cur.execute("update payroll_due set held = null where held is not null")
    cur.execute("update payroll_position set reference_version = %s", (reference_version,))


def look_again_at(cur: Cursor[tuple[object, ...]], resource_ids: Collection[int]) -> None:
    """As ``look_again``, of these people only."""
    cur.execute(
        "update payroll_due set held = null where held is not null and resource_id = any(%s)", (sorted(resource_ids),)
    )


def claim_changes(cur: Cursor[tuple[object, ...]], *, first_day: date, limit: int) -> int:
    """Take up the oldest changes of the ledger, at most ``limit``: their days are due. Returns how many there were."""
    cur.execute(
        """
        with claimed as (
            delete from payroll_pending p
             using (select pending_id from payroll_pending order by pending_id limit %s) as oldest
             where p.pending_id = oldest.pending_id
            returning p.first_id, p.last_id
        ), due as (
            insert into payroll_due (resource_id, work_date)
            select distinct e.resource_id, e.work_date
              from claimed c join time_entry e on e.entry_id between c.first_id and c.last_id
             where e.disposition = 1 and e.work_date >= %s
            on conflict (resource_id, work_date) do update set held = null where payroll_due.held is not null
        )
        select count(*) from claimed
        """,
        (limit, first_day),
    )
    row = cur.fetchone()
    return 0 if row is None else int(str(row[0]))


def settle_files(cur: Cursor[tuple[object, ...]]) -> int:
    """Close files whose delivery came to its end; returns how many.

    One that the payroll refused and a person gave up is taken back: its days are due again. One that was given up for
    another reason may be with the payroll, and counts as told.
    """
    cur.execute(
        """
        update payroll_file f
           set state = case when d.state = 'excluded' and d.code = any(%s) then 'taken_back' else 'told' end
          from delivery d
         where d.delivery_id = f.delivery_id and f.state = 'open' and d.state in ('posted', 'excluded')
        returning f.delivery_id, f.state
        """,
        (list(_REFUSALS),),
    )
    closed = [(int(str(delivery_id)), str(state)) for delivery_id, state in cur.fetchall()]
    cur.execute(
        """
        insert into payroll_due (resource_id, work_date)
        select distinct resource_id, work_date from payroll_line where delivery_id = any(%s)
        on conflict (resource_id, work_date) do nothing
        """,
        ([delivery_id for delivery_id, state in closed if state == "taken_back"],),
    )
    return len(closed)


def busy(cur: Cursor[tuple[object, ...]]) -> set[Home]:
    """Payrolls and legal entities whose last file is under way: the next one waits for it."""
    cur.execute("select system, entity_id from payroll_file where state = 'open'")
    return {Home(str(system), int(str(entity_id))) for system, entity_id in cur.fetchall()}


def due(cur: Cursor[tuple[object, ...]], *, before: date, limit: int) -> list[PersonDay]:
    """Days that are to be told, in order, as far as nothing is known that keeps them."""
    cur.execute(
        """
        select resource_id, work_date from payroll_due
         where held is null and work_date < %s order by work_date, resource_id limit %s
        """,
        (before, limit),
    )
    return [PersonDay(int(str(resource_id)), _day(day)) for resource_id, day in cur.fetchall()]


def hold(cur: Cursor[tuple[object, ...]], held: Mapping[PersonDay, str]) -> None:
    """Keep days back, each for its reason."""
    cur.execute(
        """
        update payroll_due d set held = given.reason
          from unnest(%s::int[], %s::date[], %s::text[]) as given (resource_id, work_date, reason)
         where d.resource_id = given.resource_id and d.work_date = given.work_date
        """,
        ([one.resource_id for one in held], [one.work_date for one in held], list(held.values())),
    )


def done(cur: Cursor[tuple[object, ...]], days: Collection[PersonDay]) -> None:
    """The days were compared, and what differed is in a file."""
    cur.execute(
        """
        delete from payroll_due d using unnest(%s::int[], %s::date[]) as given (resource_id, work_date)
         where d.resource_id = given.resource_id and d.work_date = given.work_date
        """,
        _pairs(days),
    )


def homes(cur: Cursor[tuple[object, ...]], days: Collection[PersonDay]) -> dict[PersonDay, Home]:
    """Where days were told before: what changes of them goes there too, whoever employs the person since."""
    cur.execute(
        """
        select distinct on (l.resource_id, l.work_date) l.resource_id, l.work_date, f.system, f.entity_id
          from unnest(%s::int[], %s::date[]) as given (resource_id, work_date)
          join payroll_line l using (resource_id, work_date) join payroll_file f using (delivery_id)
         where f.state <> 'taken_back'
         order by l.resource_id, l.work_date, l.delivery_id
        """,
        _pairs(days),
    )
    return {
        PersonDay(int(str(resource_id)), _day(day)): Home(str(system), int(str(entity_id)))
        for resource_id, day, system, entity_id in cur.fetchall()
    }


def employee_numbers(
    cur: Cursor[tuple[object, ...]], system: str, resource_ids: Collection[int]
) -> dict[int, list[str]]:
    """The keys that ``system`` has of people, in order."""
    cur.execute(
        """
        select record_id, source_id from cross_reference
         where system = %s and type = %s and record_id = any(%s) order by record_id, source_id
        """,
        (system, str(RecordType.RESOURCE), sorted(resource_ids)),
    )
    found: dict[int, list[str]] = {}
    for record_id, source_id in cur.fetchall():
        found.setdefault(int(str(record_id)), []).append(str(source_id))
    return found


def accepted(cur: Cursor[tuple[object, ...]], days: Collection[PersonDay]) -> dict[Cell, Decimal]:
    """The hours that the ledger has accepted of days: those of cost actuals, less what was reversed."""
    cur.execute(
        """
        select e.resource_id, e.work_date, e.work_type, sum(a.hours)
          from unnest(%s::int[], %s::date[]) as given (resource_id, work_date)
          join time_entry e using (resource_id, work_date)
          join actual a on a.actual_id between e.entry_id * 8 and e.entry_id * 8 + 7 and (a.actual_id & 3) = 0
         where e.disposition = 1
         group by 1, 2, 3
        """,
        _pairs(days),
    )
    return _cells(cur)


def told(cur: Cursor[tuple[object, ...]], days: Collection[PersonDay]) -> dict[Cell, Decimal]:
    """The hours that payrolls were told of days, or are being told."""
    cur.execute(
        """
        select l.resource_id, l.work_date, l.work_type, sum(l.hours)
          from unnest(%s::int[], %s::date[]) as given (resource_id, work_date)
          join payroll_line l using (resource_id, work_date) join payroll_file f using (delivery_id)
         where f.state <> 'taken_back'
         group by 1, 2, 3
        """,
        _pairs(days),
    )
    return _cells(cur)


def next_sequence(cur: Cursor[tuple[object, ...]], home: Home) -> int:
    """The number of the next file of a legal entity; the position's lock keeps others out."""
    row = cur.execute(
        "select coalesce(max(sequence), 0) + 1 from payroll_file where system = %s and entity_id = %s",
        (home.system, home.entity_id),
    ).fetchone()
    return 1 if row is None else int(str(row[0]))


def was_told(cur: Cursor[tuple[object, ...]], home: Home, starts: date) -> bool:
    """Whether anything of a pay period was told before."""
    row = cur.execute(
        """
        select exists (select from payroll_file
                        where system = %s and entity_id = %s and starts = %s and state <> 'taken_back')
        """,
        (home.system, home.entity_id, starts),
    ).fetchone()
    return bool(row and row[0])


def record(cur: Cursor[tuple[object, ...]], delivery_id: int, file: File, numbers: Mapping[int, str]) -> None:
    """Keep what a file says."""
    cur.execute(
        """
        insert into payroll_file (delivery_id, system, entity_id, sequence, starts, ends, correction, line_count, hours)
        values (%s, %s, %s, %s, %s, %s, %s, %s, %s)
        """,
        (
            delivery_id,
            file.home.system,
            file.home.entity_id,
            file.sequence,
            file.period.starts,
            file.period.ends,
            file.correction,
            len(file.lines),
            file.hours,
        ),
    )
    copy_rows(
        cur,
        "payroll_line",
        ("delivery_id", "resource_id", "work_date", "work_type", "employee_number", "hours"),
        (
            (delivery_id, cell.resource_id, cell.work_date, cell.work_type, numbers[cell.resource_id], hours)
            for cell, hours in file.lines.items()
        ),
    )


def held_people(cur: Cursor[tuple[object, ...]], reasons: Iterable[str]) -> list[tuple[int, str, int]]:
    """People of whom days are kept back for one of ``reasons``: person, reason, how many days."""
    cur.execute(
        """
        select resource_id, min(held), count(*) from payroll_due where held = any(%s)
         group by resource_id order by resource_id
        """,
        (list(reasons),),
    )
    return [(int(str(person)), str(reason), int(str(days))) for person, reason, days in cur.fetchall()]


def _pairs(days: Collection[PersonDay]) -> tuple[list[int], list[date]]:
    return [one.resource_id for one in days], [one.work_date for one in days]


def _cells(cur: Cursor[tuple[object, ...]]) -> dict[Cell, Decimal]:
    return {
        Cell(int(str(resource_id)), _day(day), int(str(work_type))): Decimal(str(hours))
        for resource_id, day, work_type, hours in cur.fetchall()
    }


def _day(value: object) -> date:
    return value if isinstance(value, date) else date.fromisoformat(str(value))
