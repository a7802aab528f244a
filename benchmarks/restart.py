"""Kill -9 of everything under load: how soon the restarted hub posts again, and whether anything is lost or doubled.

Sixteen concurrent callers hand in time with duplicates among it: requests repeated byte for byte, entries repeated in
other requests, and every request that was not answered sent again. Meanwhile hub, workers and PostgreSQL are killed at
once and started again. The time runs from the start of ``tieout up`` to the first journal that the stub accepts.
"""

import http.client
import itertools
import random
import threading
import time
from collections.abc import Sequence

import msgspec
import psycopg

from benchmarks import firm
from benchmarks.erp_stub import Holding, running_stub
from benchmarks.whole_way import held, warm_up

SENDERS = 16
_GOAL_S = 2.0
_PAGE = 25
_BAD_ONE_IN = 50
_QUIET_WITHIN_S = 60.0


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the load. ``first_s``: seconds from each restart to the first posting."""

    first_s: list[float]
    good: int
    bad: int
    sent: int
    posted: int
    on_desk: int
    doubled: list[str]

    @property
    def faultless(self) -> bool:
        """Whether every good entry is posted once and every bad one stands on the desk once."""
        return not self.doubled and self.posted == self.good and self.on_desk == self.bad


class _Load:
    """Requests that sixteen callers take from one pile, each to be sent until it was answered."""

    def __init__(self, requests: Sequence[bytes], key: str) -> None:
        self._waiting = iter(requests)
        self._lock = threading.Lock()
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self.port = 0
        self.sent = 0
        self._threads = [threading.Thread(target=self._send_all, daemon=True) for _ in range(SENDERS)]

    def start(self) -> None:
        for one in self._threads:
            one.start()

    def join(self) -> None:
        for one in self._threads:
            one.join()

    def _next(self) -> bytes | None:
        with self._lock:
            self.sent += 1
            return next(self._waiting, None)

    def _send_all(self) -> None:
        while (body := self._next()) is not None:
            while not self._sent(body):
                time.sleep(0.05)

    def _sent(self, body: bytes) -> bool:
        door = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            door.request("POST", "/v1/time-entries", body, self._headers)
            return door.getresponse().status == http.client.ACCEPTED
        except (OSError, http.client.HTTPException):
            return False
        finally:
            door.close()


def report(entries: int, *, kills: int) -> None:
    """Measure and print."""
    found = measure(entries, kills=kills)
    times = ", ".join(f"{one:.2f}" for one in found.first_s)
    print(
        f"Kill -9 of hub, workers and PostgreSQL under {SENDERS} senders (goal: first posting within {_GOAL_S:.0f} s)"
    )
    print(f"first posting after the restart, s: {times}; worst {max(found.first_s):.2f}")
    print(
        f"{found.sent:,} requests; good entries {found.good:,}, posted {found.posted:,}, twice {len(found.doubled):,};",
        end="",
    )
    print(f" bad entries {found.bad:,}, on the desk {found.on_desk:,}", flush=True)
    if not found.faultless:
        raise SystemExit("Something was lost or posted twice.")


def measure(entries: int, *, kills: int, seed: int = 1) -> Outcome:
    """Send ``entries`` different entries and kill everything ``kills`` times meanwhile."""
    with running_stub() as port, firm.installed(port, line_grain="entry") as at:
        requests, good, bad = _requests(entries, at, random.Random(seed))
        load = _Load(requests, at.api_key)
        hub = firm.start_hub(at)
        first_s = []
        try:
            firm.wait_until_ready(hub)
            warm_up(hub, port)
            load.port = hub.port
            load.start()
            for number in range(kills):
                _wait_for_postings(port, good * (number + 1) // (kills + 2))
                hub.kill()
                _ask(port, "/mark")
                restarted = time.monotonic()
                hub = firm.start_hub(at)
                load.port = hub.port
                first_s.append(_first_posting(port, hub) - restarted)
            load.join()
            found = _come_to_rest(port, hub, wanted=good + 1)
            on_desk = _on_desk(hub.url)
        finally:
            hub.process.terminate()
            hub.process.wait()
    return Outcome(
        first_s=first_s,
        good=good,
        bad=bad,
        sent=len(requests),
        posted=found.entries - 1,
        on_desk=on_desk,
        doubled=found.doubled_sources,
    )


def _requests(entries: int, at: firm.Installed, rng: random.Random) -> tuple[list[bytes], int, int]:
    """Requests in a mixed order, a tenth of them twice and a tenth of the entries in a second request too."""
    made = [firm.entry(number, at.today) for number in range(entries)]
    bad = made[::_BAD_ONE_IN]
    for one in bad:
        one["project"] = "P-unknown"
    pages = [made[start : start + _PAGE] for start in range(0, entries, _PAGE)]
    pages += [rng.sample(made, k=_PAGE) for _ in range(len(pages) // 10)]
    bodies = [msgspec.json.encode({"time_entries": page}) for page in pages]
    bodies += rng.sample(bodies, k=len(bodies) // 10)
    # Repeats come close to what they repeat, so that different senders hold them at the same time.
    order = sorted(range(len(bodies)), key=lambda at_: at_ % len(pages) + rng.randrange(SENDERS))
    return [bodies[one] for one in order], entries - len(bad), len(bad)


def _wait_for_postings(port: int, entries: int) -> None:
    if held(port, entries=entries, timeout_s=_QUIET_WITHIN_S).entries < entries:
        raise SystemExit(f"The stub does not hold {entries} entries after {_QUIET_WITHIN_S:.0f} s.")


def _first_posting(port: int, hub: firm.Hub) -> float:
    deadline = time.monotonic() + _QUIET_WITHIN_S
    while time.monotonic() < deadline:
        if first := held(port).first_s:
            return first
        if hub.process.poll() is not None:
            raise SystemExit(f"The hub did not start again: {hub.log()}")
        time.sleep(0.02)
    raise SystemExit(f"Nothing was posted after the restart: {hub.log()}")


def _come_to_rest(port: int, hub: firm.Hub, *, wanted: int) -> Holding:
    """What is held when nothing waits any more; more than wanted would be doubled."""
    held(port, entries=wanted, timeout_s=_QUIET_WITHIN_S)
    with psycopg.connect(hub.url, autocommit=True) as conn:
        for _ in itertools.repeat(None, 600):
            row = conn.execute(
                """
                select not exists (select from tieout.message_pending)
                   and not exists (select from tieout.posting_pending)
                   and not exists (select from tieout.delivery where state not in ('posted', 'split', 'recut'))
                """
            ).fetchone()
            if row == (True,):
                return held(port)
            time.sleep(0.1)
    raise SystemExit("The hub does not come to rest.")


def _on_desk(url: str) -> int:
    with psycopg.connect(url) as conn:
        row = conn.execute("select count(distinct source_id) from tieout.desk_item where state = 'open'").fetchone()
    return 0 if row is None else int(row[0])


def _ask(port: int, path: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("POST", path)
    connection.getresponse().read()
    connection.close()
