"""Scores everything that is reported now, type by type, as it is merged. Neighbours: ``quality`` has the rules."""

from collections.abc import Collection
from datetime import date

import msgspec
from psycopg import Cursor

from tieout.governance.ownership import owner_of, rules_of
from tieout.model.firm import FirmConfig
from tieout.records import store
from tieout.records.custom_fields import keep, kept_of
from tieout.records.mapping import ANY, CURRENCIES, MappingTables
from tieout.records.merge import CURRENCY_FIELDS, Report
from tieout.records.quality import EXPECTED, Score, score, told_fields


class _Reader:
    """The rules of one firm on one day."""

    def __init__(self, firm: FirmConfig, on: date) -> None:
        self._on = on
        self._rules = rules_of(firm)
        self._mappings = MappingTables(firm.mappings)
        self._kept = kept_of(firm)
        self._entities = (None, *(one.entity for one in firm.policies))

    def as_merged(self, report: Report) -> Report:
        """The report with the fields that count: the account's own only where they are kept, currencies as mapped."""
        fields = keep(report.fields, report.system, report.type, self._kept)
        for name in CURRENCY_FIELDS & fields.keys():
            word = fields[name]
            if isinstance(word, str):
                fields[name] = self._mappings.map_value(CURRENCIES, report.system, ANY, word, self._on) or word
        return msgspec.structs.replace(report, fields=fields)

    def expected(self, system: str, record_type: str, told: Collection[str]) -> list[str]:
        """The expected fields that ``system`` owns for any legal entity, or speaks of."""
        return [
            name for name in EXPECTED.get(record_type, ()) if name in told or self._is_owner(system, record_type, name)
        ]

    def _is_owner(self, system: str, record_type: str, name: str) -> bool:
        rules = (owner_of(self._rules, record_type, name, entity, self._on) for entity in self._entities)
        return any(rule is not None and rule.system == system for rule in rules)


def read_scores(cur: Cursor[tuple[object, ...]], firm: FirmConfig, *, on: date) -> list[Score]:
    """The scores by system, type and dimension, in this order, by the rules that hold on day ``on``.

    An expected field counts for a system that owns it, or that speaks of it in any record of the type.
    """
    reader = _Reader(firm, on)
    scores: list[Score] = []
    for system, record_type in store.reported_types(cur):
        reports = [reader.as_merged(one) for one in store.live_reports(cur, system, record_type)]
        expected = reader.expected(system, record_type, told_fields(reports))
        scores += score(system, record_type, reports, expected=expected)
    return scores
