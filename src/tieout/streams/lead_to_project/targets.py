"""Which systems keep the projects of a legal entity, and what each of them takes. Pure.

A system that posts takes the masters of the legal entities that it posts for; one that posts for nobody takes those of
all. The CRM that a deal comes from is told of its project and is no target of it. A system that owns contracts or rate
cards (``ownership.toml``) is where they are kept, and is not told them.
"""

from datetime import date
from typing import Final

import msgspec

from tieout.governance.financial_control import is_home
from tieout.governance.ownership import owner_of, rules_of
from tieout.model.firm import FinancialControl, FirmConfig
from tieout.model.reported import RecordType
from tieout.records.mapping import LEGAL_ENTITIES
from tieout.records.reference_book import ReferenceBook

CUSTOMER: Final = "upsert_customer"
CONTRACT: Final = "upsert_contract"
RATE_CARD: Final = "upsert_rate_card"
PROJECT: Final = "upsert_project"
TASK: Final = "upsert_task"
STATUS: Final = "set_project_status"
LINK: Final = "link_deal"
_OWNED_BY: Final = {CONTRACT: (RecordType.CONTRACT, "code"), RATE_CARD: (RecordType.RATE_CARD, "name")}
"""By command, the object that it writes and the field whose owner keeps it."""
_MADE_HERE: Final = frozenset({CUSTOMER, CONTRACT, RATE_CARD, PROJECT, TASK, STATUS})


class TargetSystem(msgspec.Struct, frozen=True, kw_only=True):
    """One system and the commands of this stream that it is sent; ``posts_for`` as in ``model.firm.SystemConfig``.

    ``decides_tax``: it is the home of the tax control and is not told how a contract is taxed.
    """

    system: str
    takes: frozenset[str]
    posts_for: tuple[str, ...] = ()
    decides_tax: bool = False

    def serves(self, entity: str) -> bool:
        """Whether masters of legal entity ``entity`` are kept there."""
        return not self.posts_for or entity in self.posts_for


def targets_of(firm: FirmConfig, entity: str, on: date) -> tuple[TargetSystem, ...]:
    """The systems that projects of ``entity`` are made in, by name; ``on`` is the day whose owners count."""
    kept = _kept_by(firm, entity, on)
    systems = [
        TargetSystem(
            system=one.name,
            takes=frozenset(_MADE_HERE & set(one.takes)) - kept.get(one.name, frozenset()),
            posts_for=one.posts_for,
            decides_tax=is_home(firm, FinancialControl.TAX, one.name, entity),
        )
        for one in sorted(firm.systems, key=lambda one: one.name)
    ]
    return tuple(one for one in systems if one.takes and one.serves(entity))


def _kept_by(firm: FirmConfig, entity: str, on: date) -> dict[str, frozenset[str]]:
    """By system, the commands whose objects it owns and is not sent."""
    taken = {command for command in _OWNED_BY for one in firm.systems if command in one.takes}
    rules = rules_of(firm) if taken else ()
    kept: dict[str, frozenset[str]] = {}
    for command in sorted(taken):
        kind, field = _OWNED_BY[command]
        rule = owner_of(rules, kind, field, entity, on)
        if rule is not None:
            kept[rule.system] = kept.get(rule.system, frozenset()) | {command}
    return kept


def linked_crms(firm: FirmConfig) -> frozenset[str]:
    """The systems that are told which project a deal of theirs became."""
    return frozenset(one.name for one in firm.systems if LINK in one.takes)


def is_mapped(book: ReferenceBook, system: str, entity: str) -> bool:
    """Whether ``system`` has a word for legal entity ``entity``: by the firm's mapping, or by its own report."""
    mapped = any(
        line.table == LEGAL_ENTITIES
        and line.target == entity
        and line.system in {"*", system}
        and line.valid_from <= book.on
        and (line.valid_to is None or book.on < line.valid_to)
        for line in book.firm.mappings
    )
    return mapped or book.knows_entity(system, entity)
