"""A hub that plans: the firm of ``inbound_database`` with bookings and absences put straight where inbound keeps them.

The clock stands at Monday 10 August 2026, noon, unless a test moves it. Ada, Bob and Cyd work 40 hours a week for US01;
an hour is billed at 200 USD and costs 80 USD; P100 is in USD by US01, P200 in EUR by DE01.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import msgspec
from psycopg import Connection, Cursor
from tests.worlds import inbound_firm as world
from tests.worlds.inbound_database import Hub, Rows, master

from tieout.model.firm import FirmConfig, MappingLine, OwnershipRule
from tieout.model.reported import FieldValue, RecordType
from tieout.model.stream_policy import PlanToAllocate, StreamPolicies
from tieout.storage.pool import in_transaction
from tieout.streams.plan_to_allocate.reader import PlanBookCache
from tieout.streams.plan_to_allocate.step import PlanContext, advance_plan

MONDAY = date(2026, 8, 10)
OWNED = ("project", "task", "role", "resource", "demand", "skill", "resource_skill", "holiday", "client", "rate_card")


def firm(policy: PlanToAllocate | None = None, *mappings: tuple[str, str, str], **changes: object) -> FirmConfig:
    """The firm with this stream; ``mappings`` are further lines (table, source, target)."""
    base = world.firm(**changes)
    lines = [
        MappingLine(
            table=table, line=at, system="*", entity="*", source=source, target=target, valid_from=date(2020, 1, 1)
        )
        for at, (table, source, target) in enumerate(mappings, start=50)
    ]
    return msgspec.structs.replace(
        base,
        mappings=(*base.mappings, *lines),
        ownership=tuple(OwnershipRule(object=kind, fields=("*",), system="psa") for kind in OWNED),
        streams=StreamPolicies(plan_to_allocate=policy or PlanToAllocate(horizon_weeks=6)),
    )


class PlanHub:
    """The hub and its plan."""

    def __init__(self, conn: Connection[tuple[object, ...]]) -> None:
        self.inbound = Hub(conn)
        self.conn = conn
        self.clock = self.inbound.clock
        self.context = PlanContext(
            clock=self.clock, plans=PlanBookCache(self.inbound.context.books, self.inbound.context.rates)
        )
        self._numbers = 0

    def open(self, config: FirmConfig | None = None) -> None:
        """Apply the configuration, take the masters in and compute the plan."""
        self.inbound.open_firm(config or firm())
        self.work()

    def work(self) -> int:
        """Run the step until it has nothing to do; returns how often it had."""
        for runs in range(50):
            if not advance_plan(self.conn, self.context):
                return runs
        raise AssertionError("The plan never comes to rest.")

    def report(self, kind: RecordType, key: str, fields: dict[str, FieldValue], version: int = 1, **refs: str) -> None:
        """The PSA reports a master, and the plan follows."""
        self.inbound.report(master(kind, key, fields, version, **refs))
        self.work()

    def move_entity(self, country: str, version: int = 2) -> None:
        """The ERP says in which country US01 is, and the plan follows."""
        fields: dict[str, FieldValue] = {
            "code": "US01",
            "name": "Acme US",
            "functional_currency": "USD",
            "country": country,
        }
        self.inbound.report(master(RecordType.LEGAL_ENTITY, "1", fields, version), system="erp")
        self.work()

    def id_of(self, kind: str, key: str) -> int:
        """The golden record that the PSA calls ``key``."""
        rows = self.rows(
            "select record_id from cross_reference where system = 'psa' and type = %s and source_id = %s", kind, key
        )
        return int(str(rows[0][0]))

    def book(self, person: str | None = "ada", *, work: bool = True, number: int | None = None, **changes: Any) -> int:
        """A booking of 8 hours a day from Monday to Friday, or another one; returns its id."""
        self._numbers += 1
        booking_id = number or self._numbers
        starts = changes.pop("starts", MONDAY)
        said: dict[str, object] = {
            "state": "hard",
            "project": "p100",
            "role": None,
            "task": None,
            "ends": starts + timedelta(days=5),
            "hours_per_day": None if {"percent", "hours_by_day"} & changes.keys() else Decimal(8),
            "percent": None,
            "hours_by_day": None,
            "location": None,
            "bill_rate": None,
            **changes,
        }
        values = {
            "id": booking_id,
            "starts": starts,
            "person": None if person is None else self.id_of("resource", person),
            **said,
            "project": self.id_of("project", str(said["project"])),
            "role": None if said["role"] is None else self.id_of("role", str(said["role"])),
            "task": None if said["task"] is None else self.id_of("task", str(said["task"])),
            "hours_by_day": None if said["hours_by_day"] is None else _json(said["hours_by_day"]),
        }
        in_transaction(self.conn, lambda cur: _store_booking(cur, values))
        if work:
            self.work()
        return booking_id

    def cancel(self, booking_id: int) -> None:
        """The booking goes, and the plan follows."""

        def work(cur: Cursor[tuple[object, ...]]) -> None:
            cur.execute("delete from booking where booking_id = %s", (booking_id,))
            _pend(cur, "booking", booking_id)

        in_transaction(self.conn, work)
        self.work()

    def away(
        self,
        person: str,
        starts: date,
        ends: date,
        *,
        hours: Decimal | None = None,
        state: str = "approved",
        number: int = 1,
    ) -> None:
        """An absence, and the plan follows."""

        def work(cur: Cursor[tuple[object, ...]]) -> None:
            person_id = self.id_of("resource", person)
            cur.execute(
                """
                insert into absence (absence_id, reading_id, system_id, source_id, state, resource_id, starts, ends,
                                     kind, hours_per_day)
                values (%s, 1, 1, %s, %s, %s, %s, %s, 'leave', %s)
                """,
                (number, str(number), state, person_id, starts, ends, hours),
            )
            _pend(cur, "person", person_id, starts, ends)

        in_transaction(self.conn, work)
        self.work()

    def rows(self, query: str, *values: object) -> Rows:
        """The rows of a query."""
        return self.inbound.rows(query, *values)

    def weeks(self, person: str) -> dict[str, tuple[object, ...]]:
        """Capacity, firm and soft hours of each week of a person that has any booking, by its Monday."""
        return {
            str(week): (_plain(capacity), _plain(hard), _plain(soft))
            for week, capacity, hard, soft in self.rows(
                """
                select week, calendar - holiday - time_off, hard, soft from person_week
                 where person_id = %s and hard + soft > 0 order by week
                """,
                self.id_of("resource", person),
            )
        }

    def forecast(self, project: str) -> dict[tuple[str, int], tuple[object, ...]]:
        """Hours, revenue and cost of a project by week and commitment; amounts in minor units of whatever currency."""
        return {
            (str(week), int(str(commitment))): (_plain(hours), int(str(revenue)), int(str(cost)))
            for week, commitment, hours, revenue, cost in self.rows(
                """
                select week, commitment, sum(hours), sum(revenue_minor), sum(cost_minor) from project_week
                 where project_id = %s group by 1, 2 order by 1, 2
                """,
                self.id_of("project", project),
            )
        }

    def versions(self) -> dict[object, object]:
        """The transaction that wrote each row of bookings; keys are booking x 10 + weeks since this one."""
        rows = self.rows("select booking_id * 10 + (week - date '2026-08-10') / 7, xmin::text from booking_week")
        return {row[0]: row[1] for row in rows}

    def derived(self) -> dict[str, Rows]:
        """Every derived row, but for weeks out of the horizon in which nothing is booked any more."""
        found = {
            table: self.rows(f"select * from {table} order by 1, 2, 3, 4, 5")
            for table in ("booking_week", "project_week", "project_actual")
        }
        found["person_week"] = self.rows(
            "select * from person_week where hard + soft > 0 or week >= %s and week < %s order by 1, 2",
            MONDAY,
            MONDAY + timedelta(weeks=6),
        )
        return found

    def desk(self) -> Rows:
        """What the plan has on the desk: kind, subject, cause and what is at stake."""
        return self.rows(
            """
            select i.subject_kind, i.subject_id, c.code, c.cause_key, i.hours, i.amount_minor, i.currency, i.context
              from desk_item i join root_cause c using (cause_id)
             where i.state = 'open' and i.subject_kind <> 'time_entry' order by 1, 2
            """
        )

    def compute_anew(self) -> None:
        """Forget the plan and compute all of it from what it follows from."""
        self.conn.execute("truncate booking_week, person_week, project_week, plan_person, plan_project, project_actual")
        self.conn.execute("update plan_position set reference_version = 0, day = null")
        self.conn.execute(
            """
            insert into plan_pending (kind, first_id, last_id)
            select kind, entry, entry
              from (select distinct case when actual_id % 8 >= 4 then 'reversed' else 'accepted' end as kind,
                           actual_id / 8 as entry from actual) as one
            """
        )
        self.work()


def _plain(value: object) -> Decimal:
    return Decimal(str(value)).normalize() + 0


def _json(days: object) -> str:
    given: Mapping[date, Decimal] = days  # type: ignore[assignment]  # a test gives days
    return msgspec.json.encode({day.isoformat(): str(hours) for day, hours in given.items()}).decode()


def _store_booking(cur: Cursor[tuple[object, ...]], values: Mapping[str, object]) -> None:
    cur.execute(
        """
        insert into booking (booking_id, reading_id, system_id, source_id, state, resource_id, project_id, task_id,
                             role_id, starts, ends, hours_per_day, percent, hours_by_day, bill_rate, location)
        values (%(id)s, %(id)s, (select system_id from system_name where name = 'psa'),
                'b' || %(id)s::text, %(state)s, %(person)s, %(project)s, %(task)s, %(role)s,
                %(starts)s, %(ends)s, %(hours_per_day)s, %(percent)s, %(hours_by_day)s, %(bill_rate)s, %(location)s)
        on conflict (booking_id) do update
           set state = excluded.state, resource_id = excluded.resource_id, project_id = excluded.project_id,
               task_id = excluded.task_id, role_id = excluded.role_id, starts = excluded.starts, ends = excluded.ends,
               hours_per_day = excluded.hours_per_day, percent = excluded.percent,
               hours_by_day = excluded.hours_by_day, bill_rate = excluded.bill_rate, location = excluded.location
        """,
        values,
    )
    _pend(cur, "booking", int(str(values["id"])))


def _pend(
    cur: Cursor[tuple[object, ...]], kind: str, subject: int, starts: date | None = None, ends: date | None = None
) -> None:
    cur.execute(
        "insert into plan_pending (kind, first_id, last_id, from_day, until_day) values (%s, %s, %s, %s, %s)",
        (kind, subject, subject, starts, ends),
    )
