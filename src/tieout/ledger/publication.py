"""Puts rates in force: what golden records and the firm state becomes rate lines and exchange rates of the ledger.

Lines are never changed: what is stated differently is retired and stated anew, both with the reference version from
which that holds, so that every trace stays true. Belongs into the transaction of the change that it follows.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, TypeVar

import msgspec
from psycopg import Cursor

from tieout.governance import firm_version, reference_state
from tieout.governance.ownership import rules_of
from tieout.ledger import rate_statements as state
from tieout.ledger.fx import FIRM
from tieout.ledger.rate_statements import FxStatement, Names, RateRecord, RateStatement, Waiting
from tieout.model.firm import FirmConfig
from tieout.model.identity import IdFactory
from tieout.model.reported import FieldValue, RecordType
from tieout.records import golden_record
from tieout.records.golden_record import ChangedRecord, RecordsResult
from tieout.records.mapping import ANY, LABOUR_POLICIES, LEGAL_ENTITIES, MappingTables
from tieout.records.merge import REFERENCE_TYPE
from tieout.storage.copying import CopyValue, copy_rows

_STATED_BY: Final = (RecordType.RATE_CARD, RecordType.RATE_LINE, RecordType.COST_RATE, RecordType.FX_RATE)
_fields = msgspec.json.Decoder(dict[str, FieldValue])
_refs = msgspec.json.Decoder(dict[str, tuple[str, str] | None])
_Stated = TypeVar("_Stated", RateStatement, FxStatement)


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """What came into force and what did not. ``depends_on``: tokens of findings that may be cleared now."""

    rates_added: int = 0
    rates_retired: int = 0
    fx_added: int = 0
    fx_retired: int = 0
    waiting: tuple[Waiting, ...] = ()
    depends_on: frozenset[str] = frozenset()


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    """What applying a firm configuration did."""

    version: int
    records: RecordsResult
    published: Published
    depends_on: frozenset[str]


def apply_firm(
    cur: Cursor[tuple[object, ...]], config: FirmConfig, *, applied_by: str, now: datetime, ids: IdFactory
) -> Applied:
    """Apply ``config`` whole, in one transaction: the version, the records judged by it, the rates put in force.

    ``depends_on`` names every mapping table, policy, rate or exchange rate that is different now, for the desk. The
    version that is in force already, applied again, changes nothing.
    """
    reference_state.lock(cur)
    before = firm_version.newest(cur.connection)
    version = firm_version.store(cur, config, applied_by=applied_by, now=now)
    if before is not None and before.version == version:
        return Applied(version=version, records=RecordsResult(), published=Published(), depends_on=frozenset())
    after = msgspec.structs.replace(config, version=version)
    records = golden_record.reconsider(cur, before=before, firm=after, now=now, ids=ids)
    published = publish(cur, firm=after, now=now)
    tokens = records.depends_on | published.depends_on | _differences(before, after)
    return Applied(version=version, records=records, published=published, depends_on=tokens)


def publish(
    cur: Cursor[tuple[object, ...]],
    *,
    firm: FirmConfig,
    now: datetime,
    changed: Sequence[ChangedRecord] | None = None,
) -> Published:
    """Put in force what is stated now, retire what is not stated any more.

    With ``changed``, nothing is read unless one of these records can make a difference to rates: rate records
    themselves, or a record that a waiting statement names.
    """
    if changed is not None and not _matters(cur, changed):
        return Published()
    reference_state.lock(cur)
    sources = _Sources(cur, firm, now)
    records, cards = sources.rate_records()
    lines, waiting = state.from_records((one for one in records if one.type != RecordType.FX_RATE), cards)
    own, own_waiting = state.from_firm(firm.rates, sources.names(), firm_version=firm.version)
    rates, fx_waiting = state.fx_from_records(one for one in records if one.type == RecordType.FX_RATE)
    own_rates, own_fx_waiting = state.fx_from_firm(firm.fx_rates, FIRM)
    waiting = [*waiting, *own_waiting, *fx_waiting, *own_fx_waiting]
    lines_diff = _difference(_rates_in_force(cur), [*lines, *own], key=_content)
    fx_diff = _difference(_fx_in_force(cur), dict.fromkeys([*rates, *own_rates]), key=lambda one: one)
    _write_waiting(cur, waiting)
    if any((*lines_diff, *fx_diff)):
        version = reference_state.bump(cur)
        _write_rates(cur, *lines_diff, version=version, now=now)
        _write_fx(cur, *fx_diff, version=version, now=now)
    tokens = {token for token, diff in (("rates", lines_diff), ("fx", fx_diff)) if any(diff)}
    return Published(
        rates_added=len(lines_diff[0]),
        rates_retired=len(lines_diff[1]),
        fx_added=len(fx_diff[0]),
        fx_retired=len(fx_diff[1]),
        waiting=tuple(waiting),
        depends_on=frozenset(tokens),
    )


def _matters(cur: Cursor[tuple[object, ...]], changed: Sequence[ChangedRecord]) -> bool:
    types = {one.type for one in changed}
    if types & set(_STATED_BY):
        return True
    if any("code" in one.fields and not one.created for one in changed):
        return True
    if not types:
        return False
    cur.execute("select exists (select from rate_line_waiting where needs = any(%s))", ([*types],))
    row = cur.fetchone()
    return row is not None and bool(row[0])


def _differences(before: FirmConfig | None, after: FirmConfig) -> frozenset[str]:
    """Tokens of what the firm states differently."""
    tables = {one.table for one in after.mappings} | {one.table for one in (before.mappings if before else ())}
    tokens = {
        f"mapping:{table}"
        for table in tables
        if [one for one in after.mappings if one.table == table]
        != [one for one in (before.mappings if before else ()) if one.table == table]
    }
    entities = {one.entity for one in after.policies} | {one.entity for one in (before.policies if before else ())}
    tokens |= {
        f"policy:{entity}" for entity in entities if before is None or before.policy(entity) != after.policy(entity)
    }
    tokens |= {
        f"streams:{name}"
        for name in after.streams.__struct_fields__
        if before is None or getattr(before.streams, name) != getattr(after.streams, name)
    }
    if before is None or before.labour != after.labour:
        tokens.add(f"mapping:{LABOUR_POLICIES}")
    tokens |= {f"system:{one.name}" for one in after.systems if before is None or before.system(one.name) != one}
    if before is None or rules_of(before) != rules_of(after):
        tokens.add("ownership")
    return frozenset(tokens)


class _Sources:
    """What is stated now, read in a few statements."""

    def __init__(self, cur: Cursor[tuple[object, ...]], firm: FirmConfig, now: datetime) -> None:
        self._cur = cur
        self._mappings = MappingTables(firm.mappings)
        self._on = now.date()
        self._firm = firm
        self._codes: dict[tuple[str, str], int] = {}

    def rate_records(self) -> tuple[list[RateRecord], dict[int, str | None]]:
        """Golden rate records with their references resolved, and the currency of every rate card."""
        self._cur.execute(
            """
            select g.record_id, g.type, g.fields::text, g.refs::text, x.system, x.source_id
              from golden_record g
              join lateral (select system, source_id from cross_reference x where x.record_id = g.record_id
                             order by system, source_id limit 1) x on true
             where g.type = any(%s) and not g.tombstone order by g.record_id
            """,
            ([str(one) for one in _STATED_BY],),
        )
        rows = [
            (int(str(row[0])), str(row[1]), _fields.decode(str(row[2])), _refs.decode(str(row[3])), str(row[4]), row[5])
            for row in self._cur
        ]
        cards = {row[0]: _text(row[2].get("currency")) for row in rows if row[1] == RecordType.RATE_CARD}
        stated = [row for row in rows if row[1] != RecordType.RATE_CARD]
        meant = self._meanings({(name, *ref) for row in stated for name, ref in row[3].items() if ref is not None})
        records = [
            RateRecord(
                record_id=record_id,
                type=record_type,
                origin=f"{system} {record_type} {source_id}",
                system=system,
                fields=fields,
                refs={name: meant.get((name, *ref)) for name, ref in refs.items() if ref is not None},
            )
            for record_id, record_type, fields, refs, system, source_id in stated
        ]
        return records, cards

    def _meanings(self, wanted: set[tuple[str, str, str]]) -> dict[tuple[str, str, str], int]:
        """Name of a reference, system and key to the record that is meant."""
        self._cur.execute(
            """
            select given.name, given.system, given.source_id, x.record_id
              from unnest(%s::text[], %s::text[], %s::text[], %s::text[]) as given (name, type, system, source_id)
              join cross_reference x
                on x.system = given.system and x.type = given.type and x.source_id = given.source_id
            """,
            (
                [one[0] for one in wanted],
                [str(REFERENCE_TYPE.get(one[0], one[0])) for one in wanted],
                [one[1] for one in wanted],
                [one[2] for one in wanted],
            ),
        )
        found = {(str(row[0]), str(row[1]), str(row[2])): int(str(row[3])) for row in self._cur}
        for name, system, word in wanted:
            code = (
                self._mappings.map_value(LEGAL_ENTITIES, system, ANY, word, self._on)
                if name == "legal_entity"
                else None
            )
            record_id = None if code is None else self._coded((RecordType.LEGAL_ENTITY, code))
            if record_id is not None:
                found[name, system, word] = record_id
        return found

    def _coded(self, key: tuple[str, str]) -> int | None:
        if not self._codes:
            self._cur.execute("select type, code, record_id from golden_record where code is not null")
            self._codes = {(str(row[0]), str(row[1])): int(str(row[2])) for row in self._cur}
        return self._codes.get(key)

    def names(self) -> Names:
        """What the firm's own lines may name; read only where there are such lines."""
        if not self._firm.rates:
            return Names(codes={}, tasks={})
        self._coded(("", ""))
        tasks: dict[tuple[int, str], list[int]] = defaultdict(list)
        if any(one.task is not None for one in self._firm.rates):
            self._cur.execute(
                """
                select x.record_id, g.fields ->> 'name', g.record_id
                  from golden_record g
                  join cross_reference x on x.type = 'project' and x.system = g.refs -> 'project' ->> 0
                                        and x.source_id = g.refs -> 'project' ->> 1
                 where g.type = 'task' and not g.tombstone order by g.record_id
                """
            )
            for project_id, name, task_id in self._cur:
                tasks[int(str(project_id)), str(name)].append(int(str(task_id)))
        return Names(codes=self._codes, tasks=tasks)


def _rates_in_force(cur: Cursor[tuple[object, ...]]) -> dict[int, RateStatement]:
    columns = RateStatement.__struct_fields__
    cur.execute(
        f"""
        select rate_line_id, {", ".join(columns)} from rate_line r
         where not exists (select from rate_line_retired t where t.rate_line_id = r.rate_line_id) order by rate_line_id
        """,  # noqa: S608 - names of our own columns
        binary=True,
    )
    return {
        int(str(row[0])): msgspec.convert(dict(zip(columns, row[1:], strict=True)), RateStatement, strict=False)
        for row in cur
    }


def _fx_in_force(cur: Cursor[tuple[object, ...]]) -> dict[int, FxStatement]:
    columns = FxStatement.__struct_fields__
    cur.execute(
        f"""
        select fx_rate_id, {", ".join(columns)} from fx_rate r
         where not exists (select from fx_rate_retired t where t.fx_rate_id = r.fx_rate_id) order by fx_rate_id
        """,  # noqa: S608 - names of our own columns
        binary=True,
    )
    return {
        int(str(row[0])): msgspec.convert(dict(zip(columns, row[1:], strict=True)), FxStatement, strict=False)
        for row in cur
    }


def _content(one: RateStatement) -> RateStatement:
    """The line without where it is stated: a line of the firm that moves within its file stays in force."""
    return msgspec.structs.replace(one, origin="")


def _difference(
    in_force: Mapping[int, _Stated], stated: Iterable[_Stated], *, key: Callable[[_Stated], _Stated]
) -> tuple[list[_Stated], list[int]]:
    """What is stated and not in force, and the numbers of what is in force and not stated any more."""
    wanted: dict[_Stated, list[_Stated]] = defaultdict(list)
    for one in stated:
        wanted[key(one)].append(one)
    retired = []
    for number, known in in_force.items():
        same = wanted.get(key(known))
        if same:
            same.pop()
        else:
            retired.append(number)
    return [one for left in wanted.values() for one in left], retired


def _write_waiting(cur: Cursor[tuple[object, ...]], waiting: Sequence[Waiting]) -> None:
    """Let the table say what waits now; nothing is written while that is what it said before."""
    wanted = {one.origin: (one.needs, one.reason) for one in waiting}
    cur.execute("select origin, needs, reason from rate_line_waiting")
    known = {str(row[0]): (str(row[1]), str(row[2])) for row in cur}
    outdated = [origin for origin, words in known.items() if wanted.get(origin) != words]
    if outdated:
        cur.execute("delete from rate_line_waiting where origin = any(%s)", (outdated,))
    fresh = [(origin, *words) for origin, words in sorted(wanted.items()) if known.get(origin) != words]
    copy_rows(cur, "rate_line_waiting", ("origin", "needs", "reason"), fresh)


def _write_rates(
    cur: Cursor[tuple[object, ...]],
    added: Sequence[RateStatement],
    retired: Sequence[int],
    *,
    version: int,
    now: datetime,
) -> None:
    columns = RateStatement.__struct_fields__
    copy_rows(
        cur,
        "rate_line",
        (*columns, "reference_version", "recorded_at"),
        ((*_values(one, columns), version, now) for one in added),
    )
    copy_rows(
        cur,
        "rate_line_retired",
        ("rate_line_id", "reference_version", "retired_at"),
        ((number, version, now) for number in retired),
    )


def _write_fx(
    cur: Cursor[tuple[object, ...]],
    added: Sequence[FxStatement],
    retired: Sequence[int],
    *,
    version: int,
    now: datetime,
) -> None:
    columns = FxStatement.__struct_fields__
    copy_rows(
        cur,
        "fx_rate",
        (*columns, "reference_version", "recorded_at"),
        ((*_values(one, columns), version, now) for one in added),
    )
    copy_rows(
        cur,
        "fx_rate_retired",
        ("fx_rate_id", "reference_version", "retired_at"),
        ((number, version, now) for number in retired),
    )


def _values(one: RateStatement | FxStatement, columns: Sequence[str]) -> tuple[CopyValue, ...]:
    return tuple(getattr(one, name) for name in columns)


def _text(value: FieldValue) -> str | None:
    return None if value is None else str(value)
