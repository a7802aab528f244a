"""The kill campaign: time keeps coming, workers are killed at fault points, and the target must hold each posting once.

Kills are SIGKILLs from this process on workers that the nursery forked, at the fault point where they stand or, where a
request is about to go out, while it is under way; the target is a process of its own with its state on disk.
``Campaign.run`` counts; the tests judge.
"""

import os
import random
import signal
import socket
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import msgspec
import psycopg
from tests.faults.forks import Forks
from tests.faults.nursery import Order

from tieout.connect.simulator.control import Holding
from tieout.inbound import message_store
from tieout.reconciliation.tie_out import TieOut, tie_out
from tieout.runtime.clock import SystemClock
from tieout.runtime.reconcile import current_translators
from tieout.storage.pool import connect, in_transaction

SENDING = "delivery.send.before"
_DAYS = 28
_ENTRIES_A_ROUND = 2


class Tally(msgspec.Struct):
    """What a campaign came to."""

    kills: int = 0
    rounds: int = 0
    entries: int = 0
    points: Counter[str] = msgspec.field(default_factory=Counter)


class Killer:
    """Listens at the fault points and kills one worker in ``one_in``.

    A worker dies where it stands; one that is about to send dies up to ``under_way_s`` later, with its request under
    way. With ``only``, nobody is killed at another point.
    """

    def __init__(
        self, path: Path, *, seed: int, one_in: int = 6, only: str | None = None, under_way_s: float = 0.15
    ) -> None:
        self.path = path
        self.points: Counter[str] = Counter()
        self.kills = 0
        self.armed = True
        self._random = random.Random(seed)
        self._one_in = one_in
        self._only = only
        self._under_way_s = under_way_s
        self._server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        path.unlink(missing_ok=True)
        self._server.bind(str(path))
        self._server.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as lines:
            for line in lines:
                pid, _, name = line.decode().strip().partition(" ")
                self.points[name] += 1
                if self._is_chosen(name):
                    self._kill(int(pid), connection, under_way=name == SENDING)
                    return
                try:
                    connection.sendall(b"g")
                except OSError:
                    return

    def _is_chosen(self, name: str) -> bool:
        return self.armed and self._only in {None, name} and self._random.randrange(self._one_in) == 0

    def _kill(self, pid: int, connection: socket.socket, *, under_way: bool) -> None:
        if under_way:
            connection.sendall(b"g")
            time.sleep(self._random.uniform(0, self._under_way_s))
        with suppress(ProcessLookupError):  # it may have come to its end in the meantime: then it was not killed
            os.kill(pid, signal.SIGKILL)
            self.kills += 1


class Campaign:
    """One campaign on one database and one target."""

    def __init__(self, *, url: str, order: Order, killer: Killer) -> None:
        self.url = url
        self.order = order
        self.killer = killer
        self.tally = Tally()
        self._forks = Forks("tests.faults.nursery", killer=killer.path)

    def close(self) -> None:
        self._forks.close()
        self.killer.close()

    def run(self, *, kills: int, deadline_s: float) -> Tally:
        """Feed time and kill workers until ``kills``; then let everything come to rest without killing."""
        until = time.monotonic() + deadline_s
        while self.killer.kills < kills and time.monotonic() < until:
            self._feed()
            self._work()
            self.tally.rounds += 1
        self.killer.armed = False
        while not self._quiet() and time.monotonic() < until + 120:
            self._work()
            time.sleep(0.05)
        self.tally.kills = self.killer.kills
        self.tally.points = self.killer.points
        return self.tally

    def statement(self) -> TieOut:
        with connect(self.url, autocommit=True) as conn:
            return tie_out(conn, translators=current_translators(conn))

    def exceptions(self) -> list[tuple[object, ...]]:
        """What is on the desk: codes, how often, and an example."""
        with psycopg.connect(self.url) as conn:
            return conn.execute(
                """
                select c.code, count(*), min(i.message)
                  from tieout.desk_item i join tieout.root_cause c using (cause_id)
                 where i.state in ('open', 'released')
                 group by c.code
                """
            ).fetchall()

    def references(self) -> set[str]:
        """What the hub says is posted."""
        with psycopg.connect(self.url) as conn:
            rows = conn.execute("select reference from tieout.delivery where state = 'posted'").fetchall()
        return {str(row[0]) for row in rows}

    def _work(self) -> int:
        return self._forks.work(self.order)

    def _feed(self) -> None:
        """A few entries, now and then one of them twice under another message.

        No person does the same on one day for one project twice: that would be a duplicate, and rightly held.
        """
        first = self.tally.entries
        assert first < len(PEOPLE) * _DAYS * len(PROJECTS), "the firm is too small for so long a campaign"
        entries = [
            {
                "source_id": f"E{number}",
                "version": 1,
                "state": "approved",
                "person": PEOPLE[number % len(PEOPLE)],
                "project": PROJECTS[(number * 7 + number // (len(PEOPLE) * _DAYS)) % len(PROJECTS)],
                "task": "Delivery",
                "work_date": f"2026-10-{1 + (number // len(PEOPLE)) % _DAYS:02d}",
                "hours": "0.25",
                "billable": True,
                "narrative": f"Work item {number}",
                "approved_by": "boss@northwind.example",
                "approved_at": "2026-10-30T10:00:00Z",
            }
            for number in range(first, first + _ENTRIES_A_ROUND)
        ]
        self.tally.entries += _ENTRIES_A_ROUND
        payloads = [{"time_entries": entries}]
        if self.tally.rounds % 3 == 0:
            payloads.append({"time_entries": entries[:1]})
        messages = [
            message_store.NewMessage(
                system="timeapp",
                object="time_entries",
                channel="api",
                payload=msgspec.json.encode(payload),
                item_count=len(payload["time_entries"]),
            )
            for payload in payloads
        ]
        with connect(self.url, autocommit=True) as conn:
            in_transaction(conn, lambda cur: message_store.store(cur, messages, now=SystemClock().now()))

    def _quiet(self) -> bool:
        with psycopg.connect(self.url) as conn:
            row = conn.execute(
                """
                select (select count(*) from tieout.message_pending) + (select count(*) from tieout.posting_pending)
                       + (select count(*) from tieout.delivery where state in ('ready', 'intent', 'in_doubt'))
                """
            ).fetchone()
        return row is not None and row[0] == 0


PEOPLE: list[str] = []
PROJECTS: list[str] = []


def doubles(holdings: list[Holding]) -> list[str]:
    """References that the target holds more than once; what nobody wrote under a reference is no repetition."""
    held = Counter(one.reference for one in holdings if one.reference)
    return [reference for reference, count in held.items() if count > 1]
