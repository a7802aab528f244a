"""The questions that are asked of Salesforce, as SOQL, with everything that came from outside made safe.

Neighbours: ``fields`` and ``options`` say which fields, ``read`` and ``write`` ask. Names of fields are checked where
settings are read; what is compared is made a literal here.
"""

# ruff: noqa: S608 - SOQL has no parameters over REST; names of fields are checked, values become literals

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from tieout.connectors.salesforce.fields import CONTRACT, KINDS, OPPORTUNITY, STAGE, Kind
from tieout.connectors.salesforce.options import Options

MAX_NAMES: Final = 200
"""Names in one IN list: with 200 a question stays far below the 16,384 bytes of an address."""

_ALWAYS: Final = ("Id", "SystemModstamp", "IsDeleted")
_MEANING: Final = {OPPORTUNITY: ("StageName", "IsClosed", "IsWon"), CONTRACT: ("StatusCode",)}

STAGES: Final = f"SELECT ApiName, IsClosed, IsWon, DefaultProbability FROM {STAGE} ORDER BY ApiName"
"""What each stage means: page "OpportunityStage"."""


class Place(msgspec.Struct, frozen=True):
    """The record after which reading goes on: when it was last written, and its id."""

    changed: datetime
    key: str


def changed_since(
    vendor_object: str,
    options: Options,
    *,
    since: datetime | None,
    after: Place | None = None,
    limit: int | None = None,
) -> str:
    """All records written from ``since`` on and after the record ``after``, oldest change first."""
    conditions = []
    if after is not None:
        changed = _instant(after.changed)
        conditions.append(f"(SystemModstamp > {changed} OR (SystemModstamp = {changed} AND Id > {text(after.key)}))")
    elif since is not None:
        conditions.append(f"SystemModstamp >= {_instant(since)}")
    limited = "" if limit is None else f" LIMIT {limit}"
    return f"{_select(vendor_object, options)}{_where(conditions)} ORDER BY SystemModstamp, Id{limited}"


def by_ids(vendor_object: str, options: Options, ids: Iterable[str]) -> str:
    """The records with these ids."""
    return f"{_select(vendor_object, options)} WHERE Id IN ({texts(ids)}) ORDER BY SystemModstamp, Id"


def by_reference(vendor_object: str, field: str, references: Sequence[str]) -> str:
    """The records that carry one of our references."""
    return f"SELECT Id, {field} FROM {vendor_object} WHERE {field} IN ({texts(references)}) AND IsDeleted = false"


def _select(vendor_object: str, options: Options) -> str:
    mapped = [
        path for name, path in options.fields[vendor_object].items() if KINDS[vendor_object][name] is not Kind.WRITTEN
    ]
    currency = () if options.currency is not None else ("CurrencyIsoCode",)
    names = dict.fromkeys((*_ALWAYS, *_MEANING.get(vendor_object, ()), *currency, *mapped))
    return f"SELECT {', '.join(names)} FROM {vendor_object}"


def _where(conditions: Sequence[str]) -> str:
    return f" WHERE {' AND '.join(conditions)}" if conditions else ""


def _instant(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{instant.microsecond // 1000:03d}Z"


def text(value: str) -> str:
    """Any text as a literal."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def texts(values: Iterable[str]) -> str:
    """Texts as the literals of an IN list."""
    return ", ".join(text(one) for one in values)
