"""Which request of a simulator goes wrong, and how: by seeded chance, or because a test ordered it.

Neighbours: ``base`` asks ``FaultPlan.pick`` once per request and plays the generic kinds; a vendor's handler plays
the kinds that only it can (``PARTIAL_BATCH``, ``ALTER_AMOUNT``, ``ALTER_CURRENCY``).
"""

import hashlib
import re
from enum import StrEnum
from typing import Literal, TypeAlias

import msgspec

from tieout.connect.simulator.state import State

RequestClass: TypeAlias = Literal["any", "read", "write", "token"]


class FaultKind(StrEnum):
    """Everything that can go wrong with one request.

    ``commit_then_*`` record first and spoil the answer; ``drop``, ``http_*`` and the named refusals record nothing.
    """

    COMMIT_THEN_DROP = "commit_then_drop"
    COMMIT_THEN_5XX = "commit_then_5xx"
    COMMIT_THEN_DELAY = "commit_then_delay"
    CUT_BODY = "cut_body"
    DROP = "drop"
    DELAY = "delay"
    HTTP_429 = "http_429"
    HTTP_500 = "http_500"
    HTTP_503 = "http_503"
    TOKEN_EXPIRED = "token_expired"  # noqa: S105 - the name of a fault, not a secret
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    UNPROCESSABLE = "unprocessable"
    OK_WITH_ERROR_BODY = "ok_with_error_body"
    HTML_PAGE = "html_page"
    PARTIAL_BATCH = "partial_batch"
    SCHEMA_DRIFT = "schema_drift"
    ALTER_AMOUNT = "alter_amount"
    ALTER_CURRENCY = "alter_currency"


ANSWERED_INSTEAD = frozenset(
    {
        FaultKind.HTTP_429,
        FaultKind.HTTP_500,
        FaultKind.HTTP_503,
        FaultKind.TOKEN_EXPIRED,
        FaultKind.FORBIDDEN,
        FaultKind.NOT_FOUND,
        FaultKind.CONFLICT,
        FaultKind.UNPROCESSABLE,
        FaultKind.OK_WITH_ERROR_BODY,
        FaultKind.HTML_PAGE,
    }
)
"""Kinds answered in place of the vendor's handler: nothing is recorded."""

CHANCE_KINDS = (
    FaultKind.COMMIT_THEN_DROP,
    FaultKind.COMMIT_THEN_5XX,
    FaultKind.CUT_BODY,
    FaultKind.DROP,
    FaultKind.DELAY,
    FaultKind.HTTP_429,
    FaultKind.HTTP_500,
    FaultKind.HTTP_503,
    FaultKind.TOKEN_EXPIRED,
    FaultKind.OK_WITH_ERROR_BODY,
    FaultKind.PARTIAL_BATCH,
)
"""Kinds that seeded chance picks from: those after which a correct hub ends with every posting made once."""


_AFTER_CHANCE_S = "1"
"""No limit is used up when chance refuses a request: it says so, or a vendor's usual minute would be waited out."""


class Fault(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One fault to play. ``retry_after`` is the header's raw text; ``variant`` names the kind of schema drift.

    ``count`` is how many matching requests it hits; ``path`` a regular expression searched in the request's path.
    """

    kind: FaultKind
    count: int = 1
    on: RequestClass = "any"
    method: str | None = None
    path: str | None = None
    skip: int = 0
    seconds: float = 0.3
    retry_after: str | None = None
    variant: str = "retyped"


class FaultPlan:
    """Decides about each request: forced faults first, then chance by seed and a counter that survives restarts."""

    _RESERVED = 1000

    def __init__(self, state: State, *, seed: int, rate: float, supported: frozenset[FaultKind]) -> None:
        self._state = state
        self._seed = seed
        self.rate = rate
        self.supported = supported
        self._forced: list[tuple[Fault, int, int]] = []
        self._number = 0
        self._reserved_to = 0
        self.played: dict[str, int] = {}

    def force(self, fault: Fault) -> None:
        """Play ``fault`` on the next ``count`` matching requests, after ``skip`` that pass."""
        self._forced.append((fault, fault.skip, fault.count))

    def clear(self) -> None:
        """Forget the forced faults that were not played."""
        self._forced.clear()

    @property
    def pending(self) -> int:
        """How many forced faults still wait for their request."""
        return sum(count for _, _, count in self._forced)

    def pick(self, *, method: str, path: str, kind_of_request: RequestClass) -> Fault | None:
        """The fault for this request, or None."""
        number = self._next_number()
        for place, (fault, skip, count) in enumerate(self._forced):
            if not _matches(fault, method, path, kind_of_request):
                continue
            if skip:
                self._forced[place] = (fault, skip - 1, count)
                return None
            self._forced[place] = (fault, 0, count - 1)
            if count <= 1:
                del self._forced[place]
            return self._note(fault)
        return self._by_chance(number, kind_of_request)

    def _by_chance(self, number: int, kind_of_request: RequestClass) -> Fault | None:
        if self.rate <= 0 or kind_of_request == "token":
            return None
        draw = int.from_bytes(hashlib.blake2b(f"{self._seed}:{number}".encode(), digest_size=8).digest(), "big")
        if (draw >> 16) % 1_000_000 >= self.rate * 1_000_000:
            return None
        kinds = [kind for kind in CHANCE_KINDS if kind in self.supported]
        if kind_of_request == "read":
            kinds = [kind for kind in kinds if kind is not FaultKind.PARTIAL_BATCH]
        kind = kinds[draw % len(kinds)]
        retry_after = _AFTER_CHANCE_S if kind is FaultKind.HTTP_429 else None
        return self._note(Fault(kind=kind, seconds=(draw % 400) / 1000, retry_after=retry_after))

    def _note(self, fault: Fault) -> Fault:
        self.played[fault.kind] = self.played.get(fault.kind, 0) + 1
        return fault

    def _next_number(self) -> int:
        if self._number >= self._reserved_to:
            self._reserved_to = self._state.bump("fault_numbers", self._RESERVED)
            self._number = self._reserved_to - self._RESERVED
        self._number += 1
        return self._number


def _matches(fault: Fault, method: str, path: str, kind_of_request: RequestClass) -> bool:
    if fault.on == "any":
        if kind_of_request == "token":
            return False
    elif fault.on != kind_of_request:
        return False
    if fault.method is not None and fault.method != method:
        return False
    return fault.path is None or re.search(fault.path, path) is not None
