"""Golden records: takes in what a system reports of masters, finds the record that is meant, merges, keeps history.

One transaction of the caller, one writer of reference at a time (``governance.reference_state``), a handful of
statements per batch however long. Neighbours: ``matching`` and ``merge`` decide (pure), ``store`` has the SQL,
``inbound`` calls, opens desk items of the findings and releases what waited for ``RecordsResult.depends_on``.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final
from uuid import UUID

import msgspec
from psycopg import Cursor

from tieout.governance import reference_state
from tieout.governance.ownership import rules_of
from tieout.model.finding import Finding, finding
from tieout.model.firm import FirmConfig, OwnershipRule
from tieout.model.identity import IdFactory
from tieout.model.reported import RecordType, ReportedRecord
from tieout.records import event_log, store
from tieout.records.custom_fields import KeptFields, keep, kept_of
from tieout.records.mapping import ANY, CURRENCIES, LEGAL_ENTITIES, ROLES, MappingTables
from tieout.records.matching import MERGED_BY_MAPPING, business_code
from tieout.records.merge import (
    CURRENCY_FIELDS,
    REFERENCE_TYPE,
    Golden,
    MergeRules,
    Report,
    bad_value,
    changed_fields,
    effective_instant,
    merge,
)
from tieout.records.store import GoldenRow, Key, VersionRow

_TOKENS: Final[dict[str, str]] = {
    RecordType.FX_RATE: "fx",
    RecordType.RATE_CARD: "rates",
    RecordType.RATE_LINE: "rates",
    RecordType.COST_RATE: "rates",
}


class ChangedRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A golden record that is new or says something else now. ``fields``: the names of what changed."""

    record_id: int
    type: str
    code: str | None
    version: int
    created: bool
    fields: tuple[str, ...]


class RecordFinding(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with what one system says; ``record_id`` is None while no golden record is meant by it."""

    type: str
    system: str
    source_id: str
    record_id: int | None
    finding: Finding


class RecordsResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a batch of reports did.

    ``judged`` are the golden records looked at: one of them without a finding here has none any more. ``depends_on``
    are the tokens of findings that may be cleared now.
    """

    changed: tuple[ChangedRecord, ...] = ()
    findings: tuple[RecordFinding, ...] = ()
    judged: tuple[int, ...] = ()
    depends_on: frozenset[str] = frozenset()

    @property
    def changed_types(self) -> frozenset[str]:
        """The types of the records that changed."""
        return frozenset(one.type for one in self.changed)


def apply_reports(  # noqa: PLR0913 - one of each thing that a change of records needs
    cur: Cursor[tuple[object, ...]],
    *,
    system: str,
    reports: Sequence[ReportedRecord],
    firm: FirmConfig,
    message_id: int,
    now: datetime,
    ids: IdFactory,
) -> RecordsResult:
    """Take in what ``system`` reports in one message; everything or nothing of it, in the caller's transaction.

    An older version than the stored one changes nothing (OUT_OF_ORDER_VERSION). A field that the newer version does not
    tell is not told any more.
    """
    change = _Change(cur=cur, firm=firm, now=now, ids=ids)
    reference_state.lock(cur)
    newest: dict[Key, ReportedRecord] = {}
    for one in reports:
        key = (str(one.type), system, one.source_id)
        known = newest.get(key)
        if known is None or known.version <= one.version:
            newest[key] = one
    stored = store.reports_by_key(cur, newest)
    taken: list[Report] = []
    for key, one in newest.items():
        before = stored.get(key)
        if before is not None and one.version < before.version:
            change.add(key, None, _out_of_order(key, one.version, before.version))
            continue
        taken.append(_report(system, one, before, message_id=message_id, now=now))
    news = [one for one in taken if _said(one) != _said(stored.get((one.type, one.system, one.source_id)))]
    store.write_reports(cur, news)
    return change.apply([(one.type, one.system, one.source_id) for one in news])


def reconsider(
    cur: Cursor[tuple[object, ...]], *, before: FirmConfig | None, firm: FirmConfig, now: datetime, ids: IdFactory
) -> RecordsResult:
    """Judge what was reported once more, after ``firm`` took the place of ``before``.

    Changed ownership, systems, custom fields or mappings of entities, currencies and roles touch every record; else
    nothing is done. Belongs into the transaction that stores the new version.
    """
    if before is not None and _record_rules(before) == _record_rules(firm):
        return RecordsResult()
    change = _Change(cur=cur, firm=firm, now=now, ids=ids)
    reference_state.lock(cur)
    return change.apply(store.all_keys(cur))


def rejudge(
    cur: Cursor[tuple[object, ...]], keys: Sequence[Key], *, firm: FirmConfig, now: datetime, ids: IdFactory
) -> RecordsResult:
    """Match and merge ``keys`` once more, as they were reported; the caller holds the lock of the reference."""
    return _Change(cur=cur, firm=firm, now=now, ids=ids).apply(keys)


@dataclass
class _Change:
    """One run over a set of keys: what was found on the way, and what comes of it."""

    cur: Cursor[tuple[object, ...]]
    firm: FirmConfig
    now: datetime
    ids: IdFactory
    findings: list[RecordFinding] = field(default_factory=list)
    rules: tuple[OwnershipRule, ...] = ()
    mappings: MappingTables = field(default_factory=lambda: MappingTables(()))
    kept: KeptFields = field(default_factory=dict)
    met: list[Key] = field(default_factory=list)
    """Keys that mean a record since this run: whoever names them is understood now, though no record says more."""

    def add(self, key: Key, record_id: int | None, found: Finding) -> None:
        self.findings.append(
            RecordFinding(type=key[0], system=key[1], source_id=key[2], record_id=record_id, finding=found)
        )

    def apply(self, keys: Sequence[Key]) -> RecordsResult:
        """Match ``keys`` to golden records and merge every record that is meant."""
        if not keys:
            return RecordsResult(findings=tuple(self.findings))
        self.rules = rules_of(self.firm)
        self.mappings = MappingTables(self.firm.mappings)
        self.kept = kept_of(self.firm)
        matched, created = self._match(keys)
        versions, changed = self._merge(set(matched.values()), created)
        store.write_golden(self.cur, versions, self.now)
        public_ids = {one.row.record_id: one.row.public_id for one in versions}
        event_log.append(self.cur, (_event(one, public_ids[one.record_id]) for one in changed), now=self.now)
        if changed or self.met:
            reference_state.bump(self.cur)
        return RecordsResult(
            changed=tuple(changed),
            findings=tuple(self.findings),
            judged=tuple(sorted(set(matched.values()))),
            depends_on=frozenset(self._tokens(changed))
            | {f"record:{type_}:{system}:{key}" for type_, system, key in self.met},
        )

    def _match(self, keys: Sequence[Key]) -> tuple[dict[Key, int], set[int]]:
        """The record that each key means: by cross-reference, else by code, else a new one."""
        matched = store.cross_references(self.cur, keys)
        unknown = [key for key in keys if key not in matched]
        if not unknown:
            return matched, set()
        reports = {key: self._kept(one) for key, one in store.reports_by_key(self.cur, unknown).items()}
        codes = {key: self.code(reports[key]) for key in unknown}
        by_code = store.ids_by_code(self.cur, {(key[0], code) for key, code in codes.items() if code is not None})
        held = self._systems_of(by_code.values())
        fresh: list[Key] = []
        found: dict[Key, int] = {}
        for key in unknown:
            code = codes[key]
            if code is None and key[0] == RecordType.LEGAL_ENTITY:
                self.add(key, None, _unmapped(key))
                continue
            known = None if code is None else by_code.get((key[0], code))
            if known is not None and self._may_join(key, known, held):
                found[key] = known
                held.setdefault(known, set()).add(key[1])
                continue
            if known is not None and code is not None:
                self.add(key, None, _code_taken(key, code))
            fresh.append(key)
            new_id = -len(fresh)
            found[key] = new_id
            if code is not None and known is None:
                by_code[key[0], code] = new_id
                held[new_id] = {key[1]}
        new_ids = store.take_record_ids(self.cur, len(fresh)) if fresh else []
        found = {key: new_ids[-at - 1] if at < 0 else at for key, at in found.items()}
        store.write_cross_references(self.cur, found, self.now)
        self.met += found
        return {**matched, **found}, set(new_ids)

    def _systems_of(self, record_ids: Iterable[int]) -> dict[int, set[str]]:
        """The systems that have each record now; one that deleted it may have it again under another key."""
        known = store.reports_of_records(self.cur, record_ids)
        return {record_id: {one.system for one in said if not one.deleted} for record_id, said in known.items()}

    def _may_join(self, key: Key, record_id: int, held: Mapping[int, set[str]]) -> bool:
        """Two records of one system are never made one by a code alone: only a mapping of the firm may do that."""
        return key[0] in MERGED_BY_MAPPING or key[1] not in held.get(record_id, set())

    def _merge(self, record_ids: set[int], created: set[int]) -> tuple[list[VersionRow], list[ChangedRecord]]:
        golden = store.golden_by_id(self.cur, record_ids)
        told = store.reports_of_records(self.cur, record_ids)
        reports = {record_id: [self._kept(one) for one in said] for record_id, said in told.items()}
        meaning = _Meaning(self.cur, self.mappings, self.now, reports.values())
        merged: dict[int, Golden] = {}
        for record_id in sorted(record_ids):
            before = golden.get(record_id)
            said = reports[record_id]
            rules = MergeRules(
                rules=self.rules,
                on=_decided_on(said, self.now.date()),
                entity=meaning.entity_of(said, None if before is None else before.golden.code),
                identity=meaning.identity,
            )
            after, objections = merge(None if before is None else before.golden, said[0].type, said, by=rules)
            merged[record_id] = after
            for one in objections:
                self.add((said[0].type, one.system, one.source_id), record_id, one.finding)
        self._set_codes(merged, golden, reports)
        return self._versions(merged, golden, reports, created)

    def _set_codes(
        self, merged: dict[int, Golden], golden: Mapping[int, GoldenRow], reports: Mapping[int, list[Report]]
    ) -> None:
        """Give each record the code that its owner tells; a code that another record has stays there."""
        wanted: dict[int, tuple[str, str]] = {}
        for record_id, after in merged.items():
            code = self._code_of(after, reports[record_id])
            if code is not None and code != after.code:
                wanted[record_id] = (reports[record_id][0].type, code)
        taken = store.ids_by_code(self.cur, set(wanted.values()))
        for record_id, (record_type, code) in wanted.items():
            holder = taken.setdefault((record_type, code), record_id)
            if holder == record_id:
                merged[record_id] = msgspec.structs.replace(merged[record_id], code=code)
            elif record_id in golden:
                one = reports[record_id][0]
                key = (one.type, one.system, one.source_id)
                self.add(key, record_id, _code_taken(key, code))

    def _code_of(self, after: Golden, said: Sequence[Report]) -> str | None:
        """The code by the owner's words; while the owner says nothing, by the first report that has one."""
        teller = next((after.provenance[name] for name in ("code", "email", "name") if name in after.provenance), None)
        ordered = sorted(
            said, key=lambda one: teller is None or (one.system, one.source_id) != (teller.system, teller.source_id)
        )
        return next((code for one in ordered if (code := self.code(one)) is not None), None)

    def _kept(self, report: Report) -> Report:
        fields = keep(report.fields, report.system, report.type, self.kept)
        for name in CURRENCY_FIELDS & fields.keys():
            word = fields[name]
            if isinstance(word, str):
                on = self.now.date()
                fields[name] = self.mappings.map_value(CURRENCIES, report.system, ANY, word, on) or word
        return report if fields == report.fields else msgspec.structs.replace(report, fields=fields)

    def code(self, report: Report) -> str | None:
        """The business code by which other systems know the record."""
        return business_code(
            report.type,
            system=report.system,
            source_id=report.source_id,
            fields=report.fields,
            mappings=self.mappings,
            on=self.now.date(),
        )

    def _versions(
        self,
        merged: Mapping[int, Golden],
        golden: Mapping[int, GoldenRow],
        reports: Mapping[int, list[Report]],
        created: set[int],
    ) -> tuple[list[VersionRow], list[ChangedRecord]]:
        versions, changed = [], []
        for record_id, after in merged.items():
            before = golden.get(record_id)
            if before is not None and before.golden.hash() == after.hash():
                continue
            numbered = msgspec.structs.replace(after, version=1 if before is None else before.golden.version + 1)
            said = reports[record_id]
            newest = max(said, key=lambda one: one.message_id)
            row = GoldenRow(
                record_id=record_id,
                public_id=self.ids.new_id() if before is None else before.public_id,
                type=said[0].type,
                golden=numbered,
            )
            since = effective_instant(newest.version, newest.recorded_at)
            versions.append(VersionRow(row=row, effective_from=since, message_id=newest.message_id))
            changed.append(
                ChangedRecord(
                    record_id=record_id,
                    type=row.type,
                    code=numbered.code,
                    version=numbered.version,
                    created=record_id in created,
                    fields=changed_fields(None if before is None else before.golden, numbered),
                )
            )
        return versions, changed

    def _tokens(self, changed: Sequence[ChangedRecord]) -> Iterable[str]:
        """What findings may depend on that is different now (``model.finding.Finding.depends_on``)."""
        keys = store.keys_of_records(self.cur, [one.record_id for one in changed])
        for one in changed:
            if one.code is not None:
                yield f"record:{one.type}:{one.code}"
            for record_type, system, source_id in keys.get(one.record_id, ()):
                yield f"record:{record_type}:{system}:{source_id}"
            if one.type in _TOKENS:
                yield _TOKENS[one.type]
        yield from self._period_tokens([one.record_id for one in changed if one.type == RecordType.PERIOD])

    def _period_tokens(self, record_ids: Sequence[int]) -> Iterable[str]:
        reports = store.reports_of_records(self.cur, record_ids) if record_ids else {}
        meaning = _Meaning(self.cur, self.mappings, self.now, reports.values())
        entities = (meaning.entity_of(said, None) for said in reports.values())
        return (f"periods:{entity}" for entity in entities if entity is not None)


class _Meaning:
    """What the references of a set of reports mean, read in one query."""

    def __init__(
        self,
        cur: Cursor[tuple[object, ...]],
        mappings: MappingTables,
        now: datetime,
        reports: Iterable[Sequence[Report]],
    ) -> None:
        self._mappings = mappings
        self._on = now.date()
        keys: set[Key] = set()
        for said in reports:
            for one in said:
                keys |= {
                    (str(REFERENCE_TYPE[name]), one.system, key)
                    for name, key in one.refs.items()
                    if name in REFERENCE_TYPE
                }
        self._known = store.cross_references(cur, keys)
        entities = {self._known[key] for key in keys if key[0] == RecordType.LEGAL_ENTITY and key in self._known}
        projects = {self._known[key] for key in keys if key[0] == RecordType.PROJECT and key in self._known}
        self._golden = store.golden_by_id(cur, entities | projects)

    def identity(self, name: str, system: str, key: str) -> int | str | None:
        """What a reference means: a legal entity's code, else a record id; None while unknown."""
        if name == "legal_entity":
            return self._entity(system, key)
        record_type = REFERENCE_TYPE.get(name)
        return None if record_type is None else self._known.get((str(record_type), system, key))

    def entity_of(self, said: Sequence[Report], code: str | None) -> str | None:
        """The code of the legal entity that a record belongs to: its own, its project's, or None."""
        if said[0].type == RecordType.LEGAL_ENTITY:
            return code or next(
                (mapped for one in said if (mapped := self._entity(one.system, one.source_id)) is not None), None
            )
        for one in said:
            if "legal_entity" in one.refs:
                found = self._entity(one.system, one.refs["legal_entity"])
                if found is not None:
                    return found
            if "project" in one.refs:
                record_id = self._known.get((str(RecordType.PROJECT), one.system, one.refs["project"]))
                project = None if record_id is None else self._golden.get(record_id)
                ref = None if project is None else project.golden.refs.get("legal_entity")
                if ref is not None:
                    return self._entity(*ref)
        return None

    def _entity(self, system: str, word: str) -> str | None:
        mapped = self._mappings.map_value(LEGAL_ENTITIES, system, ANY, word, self._on)
        if mapped is not None:
            return mapped
        record_id = self._known.get((str(RecordType.LEGAL_ENTITY), system, word))
        known = None if record_id is None else self._golden.get(record_id)
        return None if known is None else known.golden.code


def _report(system: str, one: ReportedRecord, before: Report | None, *, message_id: int, now: datetime) -> Report:
    """A report as it is stored; one that only says "deleted" keeps what was said before."""
    kept = before if one.deleted and not one.fields else None
    return Report(
        system=system,
        type=str(one.type),
        source_id=one.source_id,
        version=one.version,
        fields=dict(one.fields) if kept is None else kept.fields,
        refs=dict(one.references) if kept is None else kept.refs,
        deleted=one.deleted,
        message_id=message_id,
        recorded_at=now,
    )


def _said(report: Report | None) -> object:
    return None if report is None else (report.version, report.fields, report.refs, report.deleted)


def _decided_on(said: Sequence[Report], today: date) -> date:
    """The day whose ownership counts: today, but a period belongs to whoever keeps the books in it."""
    if said[0].type != RecordType.PERIOD:
        return today
    starts = [one.fields.get("starts") for one in said]
    days = sorted(text for text in starts if isinstance(text, str) and bad_value("starts", text) is None)
    return date.fromisoformat(days[0]) if days else today


def _record_rules(firm: FirmConfig) -> object:
    mappings = [one for one in firm.mappings if one.table in {LEGAL_ENTITIES, ROLES, CURRENCIES}]
    return rules_of(firm), mappings, kept_of(firm)


def _event(change: ChangedRecord, public_id: UUID) -> event_log.Event:
    return event_log.Event(
        type="record.created" if change.created else "record.changed",
        subject=f"{change.type}/{public_id}",
        payload={
            "record_id": change.record_id,
            "code": change.code,
            "version": change.version,
            "fields": list(change.fields),
        },
    )


def _out_of_order(key: Key, version: int, stored: int) -> Finding:
    return finding(
        "OUT_OF_ORDER_VERSION",
        f"Version {version} of {key[0]} {key[2]} arrived from {key[1]} after version {stored}; it changed nothing.",
        cause=f"{key[0]}:{key[1]}",
    )


def _unmapped(key: Key) -> Finding:
    return finding(
        "LEGAL_ENTITY_UNMAPPED",
        f"{key[1]} reports legal entity {key[2]}, which mappings/legal_entities.csv does not name.",
        cause=f"{key[1]}:{key[2]}",
        context={"system": key[1], "legal_entity": key[2]},
        depends_on=("mapping:legal_entities",),
    )


def _code_taken(key: Key, code: str) -> Finding:
    return finding(
        "SCHEMA_INVALID",
        f"{key[1]} gives {key[0]} {key[2]} the code {code!r}, which another of its records has already.",
        cause=f"code:{key[0]}:{key[1]}:{code}",
        context={"code": code},
    )
