"""Counts what reaches a simulator, so that tests can hold a connector to the vendor's limits."""

import time
from collections import deque

from tieout.connect.simulator.faults import RequestClass

_REMEMBERED = 200_000


class Traffic:
    """Requests by class, how many ran at once at most, and when each of the last ones arrived."""

    def __init__(self) -> None:
        self.by_class: dict[RequestClass, int] = {"read": 0, "write": 0, "token": 0}
        self.concurrency = 0
        self.max_concurrency = 0
        self._arrivals: deque[float] = deque(maxlen=_REMEMBERED)

    def begin(self, kind_of_request: RequestClass) -> None:
        """A request arrives."""
        self.by_class[kind_of_request] = self.by_class.get(kind_of_request, 0) + 1
        self.concurrency += 1
        self.max_concurrency = max(self.max_concurrency, self.concurrency)
        self._arrivals.append(time.monotonic())

    def end(self) -> None:
        """A request is answered, or its connection is gone."""
        self.concurrency -= 1

    def reset(self) -> None:
        """Start counting afresh; requests that are running stay counted as running."""
        self.by_class = {"read": 0, "write": 0, "token": 0}
        self.max_concurrency = self.concurrency
        self._arrivals.clear()

    @property
    def total(self) -> int:
        """All requests of the vendor's API, admin calls not counted."""
        return sum(self.by_class.values())

    def max_in_window(self, window_s: float) -> int:
        """The largest number of requests that arrived within any ``window_s`` seconds."""
        most, first = 0, 0
        arrivals = list(self._arrivals)
        for last, arrived in enumerate(arrivals):
            while arrived - arrivals[first] > window_s:
                first += 1
            most = max(most, last - first + 1)
        return most
