"""The firm's configuration as pages show it: who owns what, and mapping lines with their gaps and overlaps."""

import itertools
from collections.abc import Iterable
from datetime import date
from typing import Final

import msgspec
from psycopg import Connection
from psycopg.rows import class_row

from tieout.governance.ownership import rules_of
from tieout.model.firm import FirmConfig, MappingLine, OwnershipRule

_WIDTH: Final = 240


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """Rules that say the same for several legal entities, none for all of them."""

    fields: tuple[str, ...]
    valid_from: date | None
    steward: str
    conflict: str
    entities: list[str]


class Owned(msgspec.Struct, frozen=True, kw_only=True):
    """One object and what each system owns of it."""

    object: str
    rules: dict[str, list[Rule]]


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """One mapping line on a time line 240 wide; ``clashes``: another line says otherwise at the same time."""

    line: MappingLine
    x: float
    width: float
    clashes: bool
    is_added: bool


class Word(msgspec.Struct, frozen=True, kw_only=True):
    """What one word of a system means over time. ``gaps``: days on which it means nothing between two lines."""

    source: str
    system: str
    entity: str
    spans: list[Span]
    gaps: list[str]


def matrix(firm: FirmConfig) -> tuple[list[str], list[Owned]]:
    """Systems that own anything, and each object with its rules."""
    rules = rules_of(firm)
    stated = {one.object for one in rules if one.steward != "default"}
    shown = [one for one in rules if one.steward != "default" or one.object not in stated]
    systems = sorted({one.system for one in shown})
    found = []
    for name in sorted({str(one.object) for one in shown}):
        by_system: dict[str, list[Rule]] = {}
        for system in systems:
            theirs = _alike(one for one in shown if (one.object, one.system) == (name, system))
            if theirs:
                by_system[system] = theirs
        found.append(Owned(object=name, rules=by_system))
    return systems, found


def _alike(rules: Iterable[OwnershipRule]) -> list[Rule]:
    """One line for what is said alike of several entities; one for all of them makes those of single ones needless."""
    groups: dict[tuple[tuple[str, ...], date | None, str, str], list[str | None]] = {}
    for one in rules:
        key = (one.fields, one.valid_from, one.steward, one.conflict.value)
        groups.setdefault(key, []).append(one.entity)
    return [
        Rule(
            fields=fields,
            valid_from=valid_from,
            steward=steward,
            conflict=conflict,
            entities=[] if None in entities else [one for one in entities if one is not None],
        )
        for (fields, valid_from, steward, conflict), entities in groups.items()
    ]


def tables(firm: FirmConfig) -> dict[str, int]:
    """Mapping tables and how many lines each has."""
    found: dict[str, int] = {}
    for one in firm.mappings:
        found[one.table] = found.get(one.table, 0) + 1
    return dict(sorted(found.items()))


def words(firm: FirmConfig, table: str, *, today: date) -> list[Word]:
    """The words of a table, each with its lines over time."""
    lines = [one for one in firm.mappings if one.table == table]
    first, last = _range(lines, today)
    groups: dict[tuple[str, str, str], list[MappingLine]] = {}
    for one in lines:
        groups.setdefault((one.source, one.system, one.entity), []).append(one)
    return [
        Word(
            source=source,
            system=system,
            entity=entity,
            spans=[_span(one, some, first, last) for one in sorted(some, key=lambda one: one.valid_from)],
            gaps=list(_gaps(some)),
        )
        for (source, system, entity), some in sorted(groups.items())
    ]


def now_x(firm: FirmConfig, table: str, *, today: date) -> float:
    """Where today lies on the time line of a table."""
    first, last = _range([one for one in firm.mappings if one.table == table], today)
    return _at(today, first, last)


def _range(lines: Iterable[MappingLine], today: date) -> tuple[date, date]:
    days = [one.valid_from for one in lines if one.valid_from > date.min]
    days += [one.valid_to for one in lines if one.valid_to is not None]
    first = min([*days, today])
    return date(first.year, 1, 1), date(max([*days, today]).year + 1, 1, 1)


def _at(day: date, first: date, last: date) -> float:
    share = (min(max(day, first), last) - first).days / max(1, (last - first).days)
    return round(share * _WIDTH, 1)


def _span(line: MappingLine, others: Iterable[MappingLine], first: date, last: date) -> Span:
    x = _at(line.valid_from, first, last)
    ends = date.max if line.valid_to is None else line.valid_to
    clashes = any(
        other is not line
        and other.target != line.target
        and other.valid_from < ends
        and line.valid_from < (other.valid_to or date.max)
        for other in others
    )
    width = max(3.0, _at(ends, first, last) - x)
    return Span(line=line, x=x, width=round(width, 1), clashes=clashes, is_added=line.line == 0)


def _gaps(lines: Iterable[MappingLine]) -> Iterable[str]:
    ordered = sorted(lines, key=lambda one: one.valid_from)
    for before, after in itertools.pairwise(ordered):
        if before.valid_to is not None and before.valid_to < after.valid_from:
            yield f"{before.valid_to} to {after.valid_from}"


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """A root cause that a line of a table would cure."""

    cause_id: int
    cause_key: str
    items: int
    example: str
    oldest_day: str | None


def waiting_for(conn: Connection[tuple[object, ...]], table: str) -> list[Waiting]:
    """Root causes that wait for a line of ``table``, those with the most items first."""
    with conn.cursor(row_factory=class_row(Waiting)) as cur:
        cur.execute(
            """
            select c.cause_id, min(c.cause_key) as cause_key, count(*)::integer as items, min(i.message) as example,
                   min(i.document_date)::text as oldest_day
              from root_cause c join desk_item i using (cause_id)
             where c.depends_on @> array['mapping:' || %s] and i.state in ('open', 'released')
             group by c.cause_id order by 3 desc, 1
            """,
            (table,),
        )
        return cur.fetchall()
