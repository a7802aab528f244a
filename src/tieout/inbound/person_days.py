"""The other work of a person on a day and its neighbours: what duplicates, day totals and overlaps are judged against.

Holds what is already accepted, read once per batch, and what the batch itself accepts as it goes. What is held is not
in it: it is judged against the accepted ones when it is released.
"""

from collections.abc import Iterable, Iterator, Sequence

import msgspec
from psycopg import Cursor

from tieout.inbound.duplicates import Work
from tieout.inbound.reading import APPROVED, Disposition, Reading

_DAYS = 4_000_000


class StoredWork(msgspec.Struct, frozen=True, gc=False):
    """An accepted reading of an earlier batch, whose actuals still stand."""

    system_id: int
    source_id: str
    day: int
    hours_e4: int
    project_id: int | None
    task_id: int | None
    work_type: int
    started_us: int | None
    ended_us: int | None
    narrative: str

    @property
    def replaces(self) -> str | None:
        """Not kept: only the entry that arrives later tells what it corrects."""
        return None


class PersonDays:
    """Accepted work by person and day."""

    def __init__(self) -> None:
        self._work: dict[int, list[Work]] = {}
        self._gone: set[int] = set()

    def add(self, resource_id: int, work: Work) -> None:
        """Put ``work`` of person ``resource_id`` on its day."""
        self._work.setdefault(resource_id * _DAYS + work.day, []).append(work)

    def on_day(self, resource_id: int, day: int) -> Sequence[Work]:
        """The work of the day in the order it was accepted; the caller leaves out its own source entry."""
        return self._work.get(resource_id * _DAYS + day, ())

    def near(self, work: Work, resource_id: int) -> Iterator[Work]:
        """The work that can be about the same time: that of the day, of the neighbouring days too if times are told."""
        days = (work.day,) if work.started_us is None else (work.day, work.day - 1, work.day + 1)
        for day in days:
            for other in self.on_day(resource_id, day):
                if other.source_id != work.source_id or other.system_id != work.system_id:
                    yield other


def compared(readings: Iterable[Reading]) -> list[Reading]:
    """Those of ``readings`` that are judged beside the other work of their person."""
    return [
        one
        for one in readings
        if one.state == APPROVED
        and one.resource_id is not None
        and one.posted is None
        and one.disposition != Disposition.CARRIED
    ]


def load_person_days(
    cur: Cursor[tuple[object, ...]], readings: Iterable[Reading], *, without: tuple[int, int] = (0, 0)
) -> PersonDays:
    """The accepted work that ``readings`` are to be compared with; entries with ids of ``without`` are left out.

    Neighbouring days only count for readings that tell times. Work whose actuals were reversed is left out, and of a
    source entry only its newest accepted or carried reading counts.
    """
    same: set[tuple[int, int]] = set()
    near: set[tuple[int, int]] = set()
    for reading in compared(readings):
        if reading.resource_id is not None:
            same.add((reading.resource_id, reading.day))
            if reading.started_us is not None:
                near.add((reading.resource_id, reading.day - 1))
                near.add((reading.resource_id, reading.day + 1))
    days = PersonDays()
    wanted = sorted(same | near)
    if not wanted:
        return days
    cur.execute(
        """
        select e.resource_id, e.system_id, e.source_id, e.work_date - date '0001-01-01' + 1,
               (e.hours * 10000)::bigint, e.project_id, e.task_id, e.work_type,
               (extract(epoch from e.started_at) * 1000000)::bigint, (extract(epoch from e.ended_at) * 1000000)::bigint,
               e.narrative
          from unnest(%s::int[], %s::int[]) as given (resource_id, day)
          join time_entry e on e.resource_id = given.resource_id
                           and e.work_date = date '0001-01-01' + (given.day - 1)
         where e.disposition in (1, 5) and e.entry_id not between %s and %s
           and not exists (select from posting_link l
                            where l.delivery_id = 0
                              and l.entry_id = case e.disposition when 1 then e.entry_id else e.previous_entry_id end)
         order by e.entry_id
        """,
        ([one[0] for one in wanted], [one[1] for one in wanted], *without),
        binary=True,
    )
    newest: dict[tuple[object, object], tuple[int, StoredWork]] = {}
    for row in cur:
        work = StoredWork(*row[1:])  # type: ignore[arg-type]  # untyped rows
        newest[row[1], row[2]] = (int(str(row[0])), work)
    for resource_id, work in newest.values():
        days.add(resource_id, work)
    return days
