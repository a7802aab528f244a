"""How good what a system says of its records is: complete, valid, unique and timely, by system and type. Pure.

``quality_reader`` gives it the reports as they are merged; what a value may be is what ``merge`` lets count.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

import msgspec

from tieout.model.reported import FieldValue, RecordType
from tieout.records.merge import Report, bad_value

EXPECTED: Final[dict[str, tuple[str, ...]]] = {
    RecordType.LEGAL_ENTITY: ("code", "name", "functional_currency"),
    RecordType.CLIENT: ("code", "name", "currency", "country"),
    RecordType.PROJECT: ("code", "name", "currency", "starts", "ends", "client", "legal_entity"),
    RecordType.TASK: ("name", "project"),
    RecordType.ROLE: ("name",),
    RecordType.RESOURCE: ("name", "email", "employment_from", "legal_entity", "role"),
    RecordType.RATE_CARD: ("name", "currency"),
    RecordType.RATE_LINE: ("price", "currency", "valid_from", "rate_card"),
    RecordType.COST_RATE: ("price", "currency", "valid_from", "resource"),
    RecordType.PERIOD: ("code", "starts", "ends", "state", "legal_entity"),
    RecordType.FX_RATE: ("base", "quote", "rate", "rate_date"),
    RecordType.DEAL: ("code", "name", "stage", "amount", "currency", "close_date", "client", "legal_entity"),
    RecordType.DEAL_LINE: ("hours", "price", "currency", "deal"),
    RecordType.CONTRACT: ("code", "status", "currency", "starts", "client", "legal_entity"),
    RecordType.CONTRACT_LINE: ("type", "value", "currency", "contract"),
    RecordType.DEMAND: ("hours", "starts", "ends", "project", "role"),
    RecordType.SKILL: ("name",),
    RecordType.RESOURCE_SKILL: ("resource", "skill"),
    RecordType.ORG_UNIT: ("name",),
    RecordType.HOLIDAY: ("day", "name"),
}
"""The fields and references of each type that no stream can do without."""

BUSINESS_KEYS: Final[dict[str, tuple[str, ...]]] = {
    RecordType.LEGAL_ENTITY: ("code",),
    RecordType.CLIENT: ("code",),
    RecordType.PROJECT: ("code",),
    RecordType.TASK: ("project", "code"),
    RecordType.RESOURCE: ("email",),
    RecordType.RATE_CARD: ("code",),
    RecordType.PERIOD: ("legal_entity", "code"),
    RecordType.DEAL: ("code",),
    RecordType.CONTRACT: ("code",),
    RecordType.CONTRACT_LINE: ("contract", "number"),
    RecordType.DEMAND: ("project", "number"),
    RecordType.SKILL: ("code",),
    RecordType.ORG_UNIT: ("code",),
}
"""What people tell the records of a type apart by; two of one system that agree in all of it are one too many."""


class Dimension(StrEnum):
    """What is scored.

    Completeness counts expected values, validity records, uniqueness records that have a key, timeliness the objects of
    the system that tell of the type.
    """

    COMPLETENESS = "completeness"
    VALIDITY = "validity"
    UNIQUENESS = "uniqueness"
    TIMELINESS = "timeliness"


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """``good`` of ``total`` (above zero) in one dimension of what ``system`` says of one type of record."""

    system: str
    type: str
    dimension: Dimension
    good: int
    total: int

    @property
    def percent(self) -> Decimal:
        """From 0.0 to 100.0, rounded down: 100.0 means that nothing is wrong."""
        return Decimal(self.good * 1000 // self.total).scaleb(-1)


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """A score beside the least percent that is good enough."""

    score: Score
    threshold: Decimal

    @property
    def is_below(self) -> bool:
        """Whether it is not good enough."""
        return self.score.percent < self.threshold


class ReadObject(msgspec.Struct, frozen=True, kw_only=True):
    """An object of a system, the types that it tells of, and when it was last read to its end (None: never).

    It is on time while no more than ``allowed`` has passed since.
    """

    system: str
    types: tuple[str, ...]
    polled_at: datetime | None
    allowed: timedelta

    def is_timely(self, now: datetime) -> bool:
        """Whether it was read to its end lately enough."""
        return self.polled_at is not None and now - self.polled_at <= self.allowed


def timeliness(objects: Sequence[ReadObject], *, now: datetime) -> list[Score]:
    """Of the objects that tell of each type of each system, those that are on time."""
    totals = Counter((one.system, word) for one in objects for word in one.types)
    good = Counter((one.system, word) for one in objects if one.is_timely(now) for word in one.types)
    return [
        Score(system=system, type=word, dimension=Dimension.TIMELINESS, good=good[system, word], total=total)
        for (system, word), total in sorted(totals.items())
    ]


def told_fields(reports: Sequence[Report]) -> frozenset[str]:
    """The fields and references that any of ``reports`` speaks of, if only to say that they are empty."""
    return frozenset(name for one in reports for name in (*one.fields, *one.refs))


def score(system: str, record_type: str, reports: Sequence[Report], *, expected: Collection[str]) -> list[Score]:
    """The scores of what ``system`` says of the records of one type that it has not deleted.

    ``expected`` are the names of the fields and references that each of them has to tell. A dimension in which there is
    nothing to count has no score.
    """
    live = [one for one in reports if not one.deleted]
    counts = {
        Dimension.COMPLETENESS: _completeness(live, expected),
        Dimension.VALIDITY: (sum(_is_valid(one) for one in live), len(live)),
        Dimension.UNIQUENESS: _uniqueness(live, BUSINESS_KEYS.get(record_type, ())),
    }
    return [
        Score(system=system, type=record_type, dimension=dimension, good=good, total=total)
        for dimension, (good, total) in counts.items()
        if total
    ]


def _completeness(live: Sequence[Report], expected: Collection[str]) -> tuple[int, int]:
    told = sum(_value(one, name) not in {None, ""} for one in live for name in expected)
    return told, len(live) * len(expected)


def _is_valid(report: Report) -> bool:
    return all(bad_value(name, value) is None for name, value in report.fields.items())


def _uniqueness(live: Sequence[Report], names: Sequence[str]) -> tuple[int, int]:
    """A record that does not tell its whole key is incomplete and no duplicate."""
    keys = [tuple(_value(one, name) for name in names) for one in live]
    whole = [key for key in keys if key and None not in key and "" not in key]
    return sum(count for count in Counter(whole).values() if count == 1), len(whole)


def _value(report: Report, name: str) -> FieldValue:
    return report.fields[name] if name in report.fields else report.refs.get(name)
