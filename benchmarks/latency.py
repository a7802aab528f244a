"""One approved entry on an idle hub: from the call of the API to the ERP's acceptance, above the ERP's own answer time.

The clock starts before the request is sent and stops when the stub has accepted the journal; both read the machine's
monotonic clock. The stub's own time (from receiving the request to answering it) is taken off.
"""

import http.client
import statistics
import time
from collections.abc import Sequence

import msgspec

from benchmarks import firm
from benchmarks.erp_stub import running_stub
from benchmarks.whole_way import held, warm_up

_MEDIAN_GOAL_MS = 20
_P99_GOAL_MS = 60
_BETWEEN_S = 0.02


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds above the ERP's answer time, one per entry; ``stored_ms``: until the API had answered."""

    above_ms: list[float]
    stored_ms: list[float]


def report(times: int) -> None:
    """Measure and print."""
    found = measure(times)
    print(
        f"One entry on an idle hub, {times} times "
        f"(goals above the ERP: median {_MEDIAN_GOAL_MS} ms, p99 {_P99_GOAL_MS} ms)"
    )
    print(f"{'':28}{'median ms':>10} {'p99 ms':>8} {'max ms':>8}")
    for words, values in (("stored, API answered", found.stored_ms), ("accepted, above the ERP", found.above_ms)):
        print(
            f"{words:28}{statistics.median(values):10.1f} {percentile(values, 99):8.1f} {max(values):8.1f}", flush=True
        )


def measure(times: int) -> Latency:
    """Send ``times`` entries, each after the one before was accepted."""
    above, stored = [], []
    with running_stub() as port, firm.installed(port) as at, firm.running_hub(at) as hub:
        warm_up(hub, port)
        door = http.client.HTTPConnection("127.0.0.1", hub.port)
        headers = {"Authorization": f"Bearer {at.api_key}", "Content-Type": "application/json"}
        count = held(port).entries
        for number in range(times):
            body = msgspec.json.encode(firm.entry(number, at.today))
            began = time.monotonic()
            door.request("POST", "/v1/time-entries", body, headers)
            answer = door.getresponse()
            answer.read()
            if answer.status != http.client.ACCEPTED:
                raise SystemExit(f"The API answered {answer.status}.")
            stored.append((time.monotonic() - began) * 1000)
            count += 1
            found = held(port, entries=count, timeout_s=30)
            if found.entries != count:
                raise SystemExit(f"Entry {number} was not posted within 30 s.")
            answer_s = found.answered_s - found.received_s
            above.append((found.answered_s - began - answer_s) * 1000)
            time.sleep(_BETWEEN_S)
        door.close()
    return Latency(above_ms=above, stored_ms=stored)


def percentile(values: Sequence[float], percent: int) -> float:
    """The value that ``percent`` of ``values`` do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]
