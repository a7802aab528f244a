"""Rate lines and which of them wins: candidates in one fixed order, every loser with its reason (domain model 2.1).

Pure. ``rating`` prices entries with the winner, ``rate_book`` fills the index from the database, ``explain`` shows it.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final, TypeAlias

import msgspec

SCOPE_RANK: Final = {"assignment": 6, "project": 5, "contract": 4, "client": 3, "legal_entity": 2, "global": 1}
SCOPE_NAME: Final = {rank: name for name, rank in SCOPE_RANK.items()}
WORK_TYPE_NUMBER: Final = {"regular": 1, "overtime": 2, "travel": 3}
WORK_TYPE_NAME: Final = {number: name for name, number in WORK_TYPE_NUMBER.items()}
FOR_EVER: Final = date.max.toordinal() + 1


class RateContext(StrEnum):
    """What a price is for."""

    BILL = "bill"
    COST = "cost"


class RateUnit(StrEnum):
    """What a price is per."""

    HOUR = "hour"
    DAY = "day"


class RateLine(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A price for whatever fits its dimensions, from day ``valid_from`` until before ``valid_to`` (ordinals of days).

    A dimension that is None fits anything. ``scope`` is a rank of ``SCOPE_RANK``. ``price`` is per ``unit`` in
    ``currency``; a day has ``hours_per_day`` hours where the line says so, else the legal entity's policy says it.
    ``origin`` names where it is stated.
    """

    rate_line_id: int
    context: RateContext
    origin: str
    scope: int
    price: Decimal
    currency: str
    valid_from: int
    valid_to: int = FOR_EVER
    entity_id: int | None = None
    client_id: int | None = None
    project_id: int | None = None
    rate_card_id: int | None = None
    role_id: int | None = None
    resource_id: int | None = None
    task_id: int | None = None
    work_type: int | None = None
    unit: RateUnit = RateUnit.HOUR
    hours_per_day: Decimal | None = None
    complimentary: bool = False


class RateKey(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a rate is asked for: the dimensions of one entry. ``work_type`` as in ``WORK_TYPE_NUMBER``."""

    context: RateContext
    entity_id: int | None
    client_id: int | None
    project_id: int
    rate_card_id: int | None
    role_id: int | None
    resource_id: int
    task_id: int | None
    work_type: int


class RateGap(msgspec.Struct, frozen=True, gc=False):
    """No line won. ``lines``: the last that expired, the two that tie, or the zero price that nobody meant."""

    code: str
    lines: tuple[RateLine, ...] = ()
    reason: str = ""


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """One line that was looked at, in order; ``reason`` says why it won or lost."""

    line: RateLine
    won: bool
    reason: str


Choice: TypeAlias = RateLine | RateGap
Span: TypeAlias = tuple[int, int, Choice]

_DIMENSIONS: Final = (
    "entity_id",
    "client_id",
    "project_id",
    "rate_card_id",
    "role_id",
    "resource_id",
    "task_id",
    "work_type",
)
_ANCHORS: Final = ("project_id", "rate_card_id", "client_id", "resource_id", "entity_id")


class RateIndex:
    """All lines of all contexts, found by the most telling dimension that they name.

    ``named_projects`` tells whether any line names a project, a rate card or a client; ``named_resources`` and
    ``named_tasks`` which people and tasks lines name: all others are priced alike.
    """

    def __init__(self, lines: Iterable[RateLine]) -> None:
        self._by_anchor: dict[tuple[RateContext, str, int], list[RateLine]] = defaultdict(list)
        self.by_id: dict[int, RateLine] = {}
        names: dict[RateContext, tuple[set[int], set[int]]] = {context: (set(), set()) for context in RateContext}
        self.named_projects = dict.fromkeys(RateContext, False)
        for line in lines:
            self.by_id[line.rate_line_id] = line
            self._by_anchor[_anchor(line)].append(line)
            if line.resource_id is not None:
                names[line.context][0].add(line.resource_id)
            if line.task_id is not None:
                names[line.context][1].add(line.task_id)
            if (line.project_id, line.rate_card_id, line.client_id) != (None, None, None):
                self.named_projects[line.context] = True
        self.named_resources = {context: frozenset(both[0]) for context, both in names.items()}
        self.named_tasks = {context: frozenset(both[1]) for context, both in names.items()}

    def fitting(self, key: RateKey) -> list[RateLine]:
        """The lines whose dimensions fit ``key``, on whatever day, best first."""
        places: list[tuple[RateContext, str, int]] = [(key.context, "", 0)]
        for anchor in _ANCHORS:
            value: int | None = getattr(key, anchor)
            if value is not None:
                places.append((key.context, anchor, value))
        found = [line for place in places for line in self._by_anchor.get(place, ()) if fits(line, key)]
        found.sort(key=lambda line: (rank(line), -line.rate_line_id), reverse=True)
        return found

    def of_card(self, rate_card_id: int) -> list[RateLine]:
        """The bill prices that a rate card states, whatever the project."""
        lines = self._by_anchor.get((RateContext.BILL, "rate_card_id", rate_card_id), ())
        return sorted(lines, key=lambda line: (line.role_id or 0, line.valid_from, line.rate_line_id))

    def related(self, key: RateKey) -> list[RateLine]:
        """Lines of the same project, rate card, client, person or legal entity, whether they fit or not."""
        places = [(key.context, "", 0)]
        places.extend((key.context, anchor, getattr(key, anchor) or 0) for anchor in _ANCHORS)
        return [line for place in places for line in self._by_anchor.get(place, ())]


def fits(line: RateLine, key: RateKey) -> bool:
    """Whether every dimension that ``line`` names is the one of ``key``."""
    return not misfits(line, key)


def misfits(line: RateLine, key: RateKey) -> list[str]:
    """The dimensions that ``line`` names and ``key`` has otherwise."""
    return [
        name for name in _DIMENSIONS if getattr(line, name) is not None and getattr(line, name) != getattr(key, name)
    ]


def rank(line: RateLine) -> tuple[int, bool, bool, bool, bool, bool, int]:
    """The order of candidates: scope, then which dimensions are named, then the later start (domain model 2.1, "ours").

    The currency takes no part in it. The domain model names the whole order and takes the first line; what it does with
    another currency than the contract's comes after that choice (``rating``: converted where the policy allows, else
    CURRENCY_MISMATCH). Two lines that differ in their currency alone are thus RATE_AMBIGUOUS, even where one is in the
    project's: a rate card in two currencies is an exception (fault F48 of the failure catalogue), and preferring one
    would guess which of two prices was agreed. Elsewhere a price list in the customer's currency is chosen first
    (Dynamics); here a firm says whom a price is for by the line's scope and dimensions.
    """
    return (
        line.scope,
        line.resource_id is not None,
        line.role_id is not None,
        line.task_id is not None,
        line.work_type is not None,
        line.entity_id is not None,
        line.valid_from,
    )


def choose(fitting: Sequence[RateLine], day: int) -> Choice:
    """The winner among ``fitting`` (best first) on ``day``, or why there is none. Never a default."""
    valid = [line for line in fitting if line.valid_from <= day < line.valid_to]
    if not valid:
        expired = [line for line in fitting if line.valid_to <= day]
        if expired:
            return RateGap("RATE_EXPIRED", (max(expired, key=lambda line: (line.valid_to, rank(line))),))
        return RateGap("RATE_NOT_FOUND", tuple(fitting[-1:]), "not yet in force" if fitting else "")
    best = valid[0]
    if len(valid) > 1 and rank(valid[1]) == rank(best):
        return RateGap("RATE_AMBIGUOUS", (valid[1], best))
    if not best.price and not best.complimentary:
        return RateGap("RATE_NOT_FOUND", (best,), "zero price")
    return best


def span(fitting: Sequence[RateLine], day: int) -> Span:
    """The choice for ``day`` with the days around it, from .. until before .., for which nothing changes."""
    borders = sorted({border for line in fitting for border in (line.valid_from, line.valid_to)})
    start = max((border for border in borders if border <= day), default=0)
    end = min((border for border in borders if border > day), default=FOR_EVER)
    return start, end, choose(fitting, day)


def candidates(index: RateIndex, key: RateKey, day: int) -> list[Candidate]:
    """Every line that had to do with ``key``, best first, with the reason of each: the trace of a price."""
    fitting = index.fitting(key)
    valid = [line for line in fitting if line.valid_from <= day < line.valid_to]
    chosen = choose(fitting, day)
    shown = [_of_valid(line, valid[0], chosen) for line in valid]
    shown += [Candidate(line=line, won=False, reason=_out_of_date(line, day)) for line in fitting if line not in valid]
    shown += [
        Candidate(line=line, won=False, reason="is for another " + ", ".join(_word(one) for one in misfits(line, key)))
        for line in sorted(index.related(key), key=rank, reverse=True)
        if not fits(line, key)
    ]
    return shown


def _of_valid(line: RateLine, best: RateLine, chosen: Choice) -> Candidate:
    if line is chosen:
        return Candidate(line=line, won=True, reason=f"won: scope {SCOPE_NAME[line.scope]}, named most, in force")
    if isinstance(chosen, RateGap) and line in chosen.lines:
        words = "ties with another line" if chosen.code == "RATE_AMBIGUOUS" else "its price is zero, not complimentary"
        return Candidate(line=line, won=False, reason=words)
    return Candidate(line=line, won=False, reason=_why_behind(line, best))


def _why_behind(line: RateLine, best: RateLine) -> str:
    if line.scope != best.scope:
        return f"lost: scope {SCOPE_NAME[line.scope]} is behind {SCOPE_NAME[best.scope]}"
    names = ("person", "role", "task", "work type", "legal entity")
    for word, own, other in zip(names, rank(line)[1:6], rank(best)[1:6], strict=True):
        if own != other:
            return f"lost: does not name the {word}, the winner does"
    return f"lost: began {date.fromordinal(line.valid_from)}, the winner later"


def _out_of_date(line: RateLine, day: int) -> str:
    if line.valid_to <= day:
        return f"ended before {date.fromordinal(line.valid_to)}"
    return f"begins only on {date.fromordinal(line.valid_from)}"


def _word(dimension: str) -> str:
    return {"entity_id": "legal entity", "resource_id": "person"}.get(
        dimension, dimension.removesuffix("_id").replace("_", " ")
    )


def _anchor(line: RateLine) -> tuple[RateContext, str, int]:
    for name in _ANCHORS:
        value: int | None = getattr(line, name)
        if value is not None:
            return line.context, name, value
    return line.context, "", 0
