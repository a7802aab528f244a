"""The SQL of assignments and absences: their readings, what stands of them, and what of the plan they change.

Works with the tables of the same names; ``bookings`` calls it in the transaction of a batch, one batch at a time.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Final, TypeAlias

import msgspec
from psycopg import Cursor

from tieout.inbound.bookings_reading import AbsenceReading, AssignmentReading, Fact, KnownFact
from tieout.inbound.idempotent_receiver import SourceKey
from tieout.storage.copying import CopyValue, copy_rows, take_ids
from tieout.storage.wake import notify

WAKES: Final = "plan_to_allocate"

_VERSION_COLUMNS: Final = (
    "reading_id", "message_id", "item_no", "system_id", "source_id", "version", "revision", "state", "disposition",
    "digest", "resource_id", "starts", "ends", "hours_per_day", "hours_by_day", "firm_version", "recorded_at",
)  # fmt: skip
_ASSIGNMENT_COLUMNS: Final = (
    *_VERSION_COLUMNS, "project_id", "task_id", "role_id", "percent", "bill_rate", "location", "time_zone", "notes",
)  # fmt: skip
_TIME_OFF_COLUMNS: Final = (*_VERSION_COLUMNS, "kind")

Hours: TypeAlias = dict[str, str]


class Booking(msgspec.Struct, frozen=True):
    """A row of ``booking``: what stands of an assignment, as the plan sees it."""

    booking_id: int
    reading_id: int
    system_id: int
    source_id: str
    state: str
    resource_id: int | None
    project_id: int
    task_id: int | None
    role_id: int | None
    starts: date
    ends: date
    hours_per_day: Decimal | None
    percent: Decimal | None
    hours_by_day: Hours | None
    bill_rate: Decimal | None
    location: str | None


class Absence(msgspec.Struct, frozen=True):
    """A row of ``absence``: what stands of an absence, as the plan sees it."""

    absence_id: int
    reading_id: int
    system_id: int
    source_id: str
    state: str
    resource_id: int
    starts: date
    ends: date
    kind: str
    hours_per_day: Decimal | None
    hours_by_day: Hours | None


def history_of_assignments(
    cur: Cursor[tuple[object, ...]], keys: Sequence[SourceKey]
) -> dict[SourceKey, tuple[KnownFact, ...]]:
    """The stored readings of the assignments ``keys``, oldest version first; those never seen are absent."""
    cur.execute(
        """
        select source_id, system_id, reading_id, version, revision, disposition, digest, resource_id, project_id,
               task_id, role_id
          from assignment_version
         where source_id = any(%s) and system_id = any(%s)
         order by version, revision
        """,
        _of(keys),
        binary=True,
    )
    return _history(cur)


def history_of_absences(
    cur: Cursor[tuple[object, ...]], keys: Sequence[SourceKey]
) -> dict[SourceKey, tuple[KnownFact, ...]]:
    """The stored readings of the absences ``keys``, oldest version first; those never seen are absent."""
    cur.execute(
        """
        select source_id, system_id, reading_id, version, revision, disposition, digest, resource_id, null::integer,
               null::integer, null::integer
          from time_off_version
         where source_id = any(%s) and system_id = any(%s)
         order by version, revision
        """,
        _of(keys),
        binary=True,
    )
    return _history(cur)


def _of(keys: Iterable[SourceKey]) -> tuple[list[str], list[int]]:
    keys = list(keys)
    return [key[0] for key in keys], sorted({key[1] for key in keys})


def _history(rows: Iterable[tuple[object, ...]]) -> dict[SourceKey, tuple[KnownFact, ...]]:
    found: dict[SourceKey, list[KnownFact]] = {}
    for row in rows:
        found.setdefault((row[0], row[1]), []).append(KnownFact(*row[2:]))  # type: ignore[arg-type]  # untyped rows
    return {key: tuple(known) for key, known in found.items()}


def bookings_of(cur: Cursor[tuple[object, ...]], keys: Iterable[SourceKey]) -> dict[SourceKey, Booking]:
    """What stands in the plan of the assignments ``keys``."""
    cur.execute(
        """
        select booking_id, reading_id, system_id, source_id, state, resource_id, project_id, task_id, role_id, starts,
               ends, hours_per_day, percent, hours_by_day, bill_rate, location
          from booking where source_id = any(%s) and system_id = any(%s)
        """,
        _of(keys),
    )
    found = [Booking(*row) for row in cur]  # type: ignore[arg-type]  # untyped rows
    return {(one.source_id, one.system_id): one for one in found}


def absences_of(cur: Cursor[tuple[object, ...]], keys: Iterable[SourceKey]) -> dict[SourceKey, Absence]:
    """What stands of the absences ``keys``."""
    cur.execute(
        """
        select absence_id, reading_id, system_id, source_id, state, resource_id, starts, ends, kind, hours_per_day,
               hours_by_day
          from absence where source_id = any(%s) and system_id = any(%s)
        """,
        _of(keys),
    )
    found = [Absence(*row) for row in cur]  # type: ignore[arg-type]  # untyped rows
    return {(one.source_id, one.system_id): one for one in found}


def take_reading_ids(cur: Cursor[tuple[object, ...]], readings: Sequence[Fact]) -> None:
    """Give ``readings`` their ids, in order; at most ``storage.copying.ID_BLOCK``."""
    if readings:
        for reading_id, one in enumerate(readings, start=take_ids(cur, "booking_reading_id_seq")):
            one.entry_id = reading_id


def write_assignments(
    cur: Cursor[tuple[object, ...]], readings: Sequence[AssignmentReading], *, firm_version: int, now: datetime
) -> None:
    """COPY readings, in order of their unique key."""
    rows = (
        (
            *_common(one, firm_version, now),
            one.project_id,
            one.task_id,
            one.role_id,
            one.said.percent,
            one.said.bill_rate,
            one.said.location,
            one.said.time_zone,
            one.said.notes,
        )
        for one in sorted(readings, key=lambda one: (one.source_id, one.version))
    )
    copy_rows(cur, "assignment_version", _ASSIGNMENT_COLUMNS, rows)


def write_absences(
    cur: Cursor[tuple[object, ...]], readings: Sequence[AbsenceReading], *, firm_version: int, now: datetime
) -> None:
    """COPY readings, in order of their unique key."""
    rows = (
        (*_common(one, firm_version, now), one.said.kind)
        for one in sorted(readings, key=lambda one: (one.source_id, one.version))
    )
    copy_rows(cur, "time_off_version", _TIME_OFF_COLUMNS, rows)


def _common(one: Fact, firm_version: int, now: datetime) -> tuple[CopyValue, ...]:
    said = one.said
    return (
        one.entry_id,
        one.message_id,
        one.item_no,
        one.system_id,
        one.source_id,
        one.version,
        one.revision,
        said.state.value,
        int(one.disposition),
        one.digest,
        one.resource_id,
        said.starts,
        said.ends,
        said.hours_per_day,
        _json(hours_text(said.hours_by_day)),
        firm_version,
        now,
    )


def hours_text(hours_by_day: Mapping[date, Decimal] | None) -> Hours | None:
    """Hours of single days as a table holds them: ISO day to decimal as text, in order of the days."""
    if hours_by_day is None:
        return None
    return {day.isoformat(): f"{hours:f}" for day, hours in sorted(hours_by_day.items())}


def _json(hours: Hours | None) -> str | None:
    return None if hours is None else msgspec.json.encode(hours).decode()


def replace_bookings(cur: Cursor[tuple[object, ...]], gone: Iterable[Booking], standing: Iterable[Booking]) -> None:
    """Let ``standing`` be in the plan in the place of ``gone``."""
    cur.execute("delete from booking where booking_id = any(%s)", ([one.booking_id for one in gone],))
    rows = (
        tuple(_json(value) if isinstance(value, dict) else value for value in msgspec.structs.astuple(one))
        for one in standing
    )
    copy_rows(cur, "booking", Booking.__struct_fields__, rows)


def replace_absences(cur: Cursor[tuple[object, ...]], gone: Iterable[Absence], standing: Iterable[Absence]) -> None:
    """Let ``standing`` count in the place of ``gone``."""
    cur.execute("delete from absence where absence_id = any(%s)", ([one.absence_id for one in gone],))
    rows = (
        tuple(_json(value) if isinstance(value, dict) else value for value in msgspec.structs.astuple(one))
        for one in standing
    )
    copy_rows(cur, "absence", Absence.__struct_fields__, rows)


def plan_anew(
    cur: Cursor[tuple[object, ...]], booking_ids: Sequence[int], days: Sequence[tuple[int, date, date]]
) -> None:
    """Let the plan be computed anew for bookings that changed, and for days (until before) of persons; wakes it."""
    if not booking_ids and not days:
        return
    rows: list[tuple[CopyValue, ...]] = [("booking", one, one, None, None) for one in booking_ids]
    rows += [("person", resource_id, resource_id, starts, ends) for resource_id, starts, ends in days]
    copy_rows(cur, "plan_pending", ("kind", "first_id", "last_id", "from_day", "until_day"), rows)
    notify(cur, WAKES)
