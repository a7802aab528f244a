"""The whole way: entries as JSON in, posted to the ERP stub, every state durable; held against a bare client.

The bound is one client that posts the very journals that the hub made, in full batches prepared beforehand, to the same
kind of stub, with a line in a log before and after each request, each made durable by fsync.
"""

import http.client
import os
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec
import psycopg

from benchmarks import firm
from benchmarks.erp_connector import parts
from benchmarks.erp_stub import Holding, running_stub
from tieout.inbound import message_store
from tieout.model.command import Command
from tieout.model.journal import PostJournal
from tieout.runtime.clock import SystemClock
from tieout.storage.pool import connect, in_transaction

PAGE = 500
_GOAL = 0.10
_PATIENCE_S = 600


class WholeWay(msgspec.Struct, frozen=True, kw_only=True):
    """One measured run, in entries and seconds; ``stored_s`` is when the last request was durable."""

    entries: int
    elapsed_s: float
    stored_s: float
    bare_s: float
    journals: int
    requests: int
    bare_requests: int

    @property
    def ratio(self) -> float:
        """Entries a second of the hub to those of the bare client."""
        return self.bare_s / self.elapsed_s


def report(sizes: Sequence[int], *, workers: int) -> None:
    """Measure every size and print a table."""
    print(f"Whole way, {workers} worker process(es) and the delivering hub (goal: ratio >= {_GOAL:.2f})")
    print(f"{'entries':>9} {'stored s':>9} {'posted s':>9} {'entries/s':>10} {'journals':>9} {'requests':>9}", end="")
    print(f" {'bare s':>8} {'bare/s':>9} {'ratio':>7}")
    for size in sizes:
        one = measure(size, workers=workers)
        print(f"{one.entries:9,} {one.stored_s:9.2f} {one.elapsed_s:9.2f} {one.entries / one.elapsed_s:10,.0f}", end="")
        print(f" {one.journals:9,} {one.requests:9,} {one.bare_s:8.2f} {one.entries / one.bare_s:9,.0f}", end="")
        print(f" {one.ratio:7.3f}", flush=True)


def measure(entries: int, *, workers: int) -> WholeWay:
    """Send ``entries`` through a fresh hub, then post the same journals barely."""
    with running_stub() as port, firm.installed(port) as at:
        pages = firm.payloads(0, entries, at.today, page=PAGE)
        with firm.running_hub(at, workers=workers) as hub:
            warm_up(hub, port)
            base = held(port)
            began = time.monotonic()
            _store(hub.url, pages)
            stored_s = time.monotonic() - began
            found = held(port, entries=base.entries + entries)
            elapsed_s = found.answered_s - began
            _wait_until_settled(hub.url)
            journals = _journals(hub.url, after=base.journals)
        if found.entries != base.entries + entries or found.doubled_sources:
            raise SystemExit(f"Of {entries} entries the stub holds {found.entries - base.entries}.")
    bare_s, requests = _post_barely(journals)
    return WholeWay(
        entries=entries,
        elapsed_s=elapsed_s,
        stored_s=stored_s,
        bare_s=bare_s,
        journals=len(journals),
        requests=found.requests - base.requests,
        bare_requests=requests,
    )


def held(port: int, *, entries: int = 0, timeout_s: float = _PATIENCE_S) -> Holding:
    """What the stub holds, once it holds ``entries``."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", f"/held?entries={entries}&timeout_s={timeout_s if entries else 0}")
    answer = msgspec.json.decode(connection.getresponse().read(), type=Holding)
    connection.close()
    return answer


def _store(url: str, pages: Sequence[bytes]) -> None:
    """Each request durable by itself, as the door stores it."""
    with connect(url, autocommit=True) as conn:
        for page in pages:
            message = firm.new_message(page, PAGE)
            in_transaction(conn, lambda cur, message=message: message_store.store(cur, [message], now=_now()))  # type: ignore[misc]


def warm_up(hub: firm.Hub, port: int) -> None:
    """One entry through everything, so that no start of a process is measured."""
    _store(hub.url, firm.payloads(firm.WARM_UP, 1, hub.installed.today))
    if held(port, entries=1, timeout_s=30).entries != 1:
        raise SystemExit("The warming entry was not posted; see the desk of the hub.")


def _wait_until_settled(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as conn:
        while conn.execute("select exists (select from tieout.delivery where state <> 'posted')").fetchone() == (True,):
            time.sleep(0.02)


def _journals(url: str, *, after: int) -> list[Command]:
    with psycopg.connect(url) as conn:
        rows = conn.execute("select command from tieout.delivery_command order by delivery_id offset %s", (after,))
        return [msgspec.json.decode(bytes(row[0]), type=PostJournal) for row in rows]


def _post_barely(journals: Sequence[Command]) -> tuple[float, int]:
    """Seconds of posting the journals with a durable log alone."""
    bodies = [msgspec.json.encode(part) for part in parts(journals)]
    with running_stub() as port, tempfile.TemporaryDirectory(prefix="tieout-bench-") as directory:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        log = os.open(Path(directory) / "log", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        began = time.monotonic()
        for number, body in enumerate(bodies):
            _note(log, f"intent {number}\n")
            connection.request("POST", "/journals", body)
            answer = connection.getresponse().read()
            _note(log, f"done {number} {answer.decode()}\n")
        seconds = time.monotonic() - began
        os.close(log)
        connection.close()
    return seconds, len(bodies)


def _note(log: int, line: str) -> None:
    os.write(log, line.encode())
    os.fsync(log)


def _now() -> datetime:
    return SystemClock().now()
