"""How many requests somebody may make: a quota per window of time, told in every answer (RateLimit headers), then 429.

Counted in the process that answers, by principal; who is not known yet is counted by address, and more narrowly where
secrets could be guessed. Neighbours: ``guards`` counts, ``headers`` tells what is left.
"""

import threading
from collections import OrderedDict
from datetime import datetime
from typing import Final

import msgspec

_KEPT: Final = 20_000
"""Principals and addresses that are remembered at most; the longest unseen are forgotten first."""


class Quota(msgspec.Struct, frozen=True, kw_only=True):
    """``requests`` in every ``window_s`` seconds, under a name that the headers tell."""

    name: str
    requests: int
    window_s: int


BY_PRINCIPAL: Final = Quota(name="principal", requests=1200, window_s=60)
BY_ADDRESS: Final = Quota(name="sign-in", requests=120, window_s=60)


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Where a caller stands after a request: what is left of the quota, and in how many seconds it is whole again."""

    quota: Quota
    left: int
    resets_in_s: int
    exceeded: bool

    def headers(self) -> dict[str, str]:
        """As the IETF draft of RateLimit headers writes it."""
        quota = self.quota
        told = {
            "RateLimit-Policy": f'"{quota.name}";q={quota.requests};w={quota.window_s}',
            "RateLimit": f'"{quota.name}";r={self.left};t={self.resets_in_s}',
        }
        return told | {"Retry-After": str(self.resets_in_s)} if self.exceeded else told


class _Window:
    __slots__ = ("began_at", "count")

    def __init__(self, began_at: datetime) -> None:
        self.began_at = began_at
        self.count = 0


class RateLimiter:
    """Counts requests of one process; safe for threads."""

    def __init__(self, quota: Quota) -> None:
        self._quota = quota
        self._windows: OrderedDict[str, _Window] = OrderedDict()
        self._lock = threading.Lock()

    def count(self, who: str, now: datetime) -> Standing:
        """Count one request of ``who``; what exceeds the quota is counted no further."""
        with self._lock:
            window = self._windows.get(who)
            if window is None or (now - window.began_at).total_seconds() >= self._quota.window_s:
                window = self._windows[who] = _Window(now)
            self._windows.move_to_end(who)
            while len(self._windows) > _KEPT:
                self._windows.popitem(last=False)
            exceeded = window.count >= self._quota.requests
            window.count += not exceeded
            passed = int((now - window.began_at).total_seconds())
            return Standing(
                quota=self._quota,
                left=self._quota.requests - window.count,
                resets_in_s=max(1, self._quota.window_s - passed),
                exceeded=exceeded,
            )
