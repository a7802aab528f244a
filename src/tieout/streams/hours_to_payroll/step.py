"""The step: what the ledger accepted of closed pay periods, and no payroll was told yet, becomes files of hours.

One transaction of one worker at a time (the position is its lock). A legal entity's next file waits until its last one
is settled, so that corrections go together; what a file says is kept with it, so that no hour is told twice. Killed
anywhere, the next run finds the same state. Neighbours: ``hours`` has the rules, ``store`` the SQL, ``desk`` who cannot
be told, ``outbound`` delivers.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from psycopg import Connection, Cursor

from tieout.connect.fault_point import fault_point
from tieout.governance import firm_version
from tieout.model.clock import Clock
from tieout.model.stream_policy import HoursToPayroll
from tieout.outbound.outbox import NewDelivery, enqueue
from tieout.records.reference_book import BookCache, ReferenceBook
from tieout.storage.copying import take_ids
from tieout.storage.pool import in_transaction
from tieout.streams.hours_to_payroll import desk, store
from tieout.streams.hours_to_payroll.hours import COMMAND, File, Home, PersonDay, command_of, differences
from tieout.streams.hours_to_payroll.pay_period import Period, period_of, told_before

_CHANGES: Final = 400
_DAYS: Final = 200_000
"""Days of people that one run compares at most: a month of some nine thousand people."""


@dataclass(kw_only=True)
class LastLook:
    """The day and the version of the reference by which this worker compared last and found nothing to tell.

    What is due then waits for a file that is under way; it is not compared again twice a second.
    """

    by: tuple[date, int] | None = None


@dataclass(frozen=True, kw_only=True)
class PayrollContext:
    """What the step needs beside the database."""

    clock: Clock
    books: BookCache
    last: LastLook = field(default_factory=LastLook)


def tell_payrolls(conn: Connection[tuple[object, ...]], context: PayrollContext) -> int:
    """Make files of what is to be told; returns how much there was to do (0: nothing)."""
    policy = firm_version.current(conn).streams.hours_to_payroll
    if policy is None:
        return 0
    done = in_transaction(conn, lambda cur: _Run(cur, context, policy).tell())
    if done:
        fault_point("streams.payroll.after_commit")
    return done


class _Run:
    """One transaction of the step."""

    def __init__(self, cur: Cursor[tuple[object, ...]], context: PayrollContext, policy: HoursToPayroll) -> None:
        self._cur = cur
        self._policy = policy
        self._now: datetime = context.clock.now()
        self._books = context.books
        self._last = context.last
        self._numbers: dict[str, dict[int, list[str]]] = {}

    def tell(self) -> int:
        """Take up what changed, and tell what can be told of pay periods that are over."""
        cur, policy = self._cur, self._policy
        position = store.take_position(cur)
        if position is None:
            return 0
        done = int(position.first_day != policy.first_day)
        if done:
            store.begin_on(cur, policy.first_day, before=position.first_day)
        done += store.claim_changes(cur, first_day=policy.first_day, limit=_CHANGES) + store.settle_files(cur)
        book = self._books.get(cur.connection)
        if book.version != position.reference_version:
            store.look_again(cur, book.version)
        released = desk.claim_released(cur)
        store.look_again_at(cur, released)
        look = (self._now.date(), book.version)
        compared = 0
        if done or released or self._last.by != look:
            compared = self._compare(book)
            self._last.by = None if compared else look
        if compared or released or done:
            desk.judge(cur, book, now=self._now)
        fault_point("streams.payroll.before_commit")
        return done + len(released) + compared

    def _compare(self, book: ReferenceBook) -> int:
        """Compare the days that are due; returns how many could be, or are known now to have to wait."""
        before = told_before(self._now.date(), self._policy)
        days = store.due(self._cur, before=before, limit=_DAYS)
        if not days:
            return 0
        at, held = self._placed(book, days)
        store.hold(self._cur, held)
        busy = store.busy(self._cur)
        groups: dict[tuple[Home, Period], list[PersonDay]] = {}
        for one, home in at.items():
            if home not in busy:
                groups.setdefault((home, period_of(one.work_date, self._policy)), []).append(one)
        compared = 0
        for (home, period), members in sorted(groups.items()):
            if home not in busy:
                compared += len(members)
                if self._tell_group(book, home, period, members):
                    busy.add(home)
        return compared + len(held)

    def _placed(
        self, book: ReferenceBook, days: Collection[PersonDay]
    ) -> tuple[dict[PersonDay, Home], dict[PersonDay, str]]:
        """Where each day is told, or why it cannot be."""
        before = store.homes(self._cur, days)
        at: dict[PersonDay, Home] = {}
        held: dict[PersonDay, str] = {}
        for one in days:
            home = before.get(one) or self._employer(book, one.resource_id)
            if isinstance(home, Home):
                at[one] = home
            else:
                held[one] = home
        self._learn_numbers(at)
        for one, home in list(at.items()):
            reason = desk.reason_of(self._numbers[home.system].get(one.resource_id, ()))
            if reason is not None:
                held[one] = reason
                del at[one]
        return at, held

    def _employer(self, book: ReferenceBook, resource_id: int) -> Home | str:
        """The payroll of the legal entity that employs the person, or why there is none."""
        known = book.resource_by_id.get(resource_id)
        if known is not None and known.kind in self._policy.leave_out:
            return desk.ELSEWHERE
        if known is None or known.entity is None:
            return desk.EMPLOYER
        system = self._policy.payrolls.get(known.entity.code)
        return desk.ELSEWHERE if system is None else Home(system, known.entity.record_id)

    def _learn_numbers(self, at: Mapping[PersonDay, Home]) -> None:
        people: dict[str, set[int]] = {}
        for one, home in at.items():
            people.setdefault(home.system, set()).add(one.resource_id)
        self._numbers = {
            system: store.employee_numbers(self._cur, self._policy.numbers_of or system, resource_ids)
            for system, resource_ids in people.items()
        }

    def _tell_group(self, book: ReferenceBook, home: Home, period: Period, days: Collection[PersonDay]) -> bool:
        """One file of what differs on these days; whether there was anything."""
        cur = self._cur
        lines = differences(store.accepted(cur, days), store.told(cur, days))
        store.done(cur, days)
        if not lines:
            return False
        file = File(
            home=home,
            period=period,
            sequence=store.next_sequence(cur, home),
            correction=store.was_told(cur, home, period.starts),
            lines=lines,
        )
        numbers = {person: keys[0] for person, keys in self._numbers[home.system].items() if keys}
        command, key = command_of(file, entity=book.entity_by_id[home.entity_id].code, numbers=numbers)
        delivery_id = take_ids(cur, "delivery_id_seq")
        delivery = NewDelivery(
            delivery_id=delivery_id,
            system=home.system,
            command_kind=COMMAND,
            command=command,
            key=key,
            order_key=f"hours|{home.system}|{command.entity}",
            entity_id=home.entity_id,
            hours=command.hours,
        )
        store.record(cur, delivery_id, file, numbers)
        enqueue(cur, [delivery], now=self._now)
        return True
