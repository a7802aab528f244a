"""The further fields of what is made of a deal, as the firm's field mappings fill them for each target. Pure.

``validation`` asks which required ones would have no value, ``provision`` fills them. Neighbours: ``targets`` says who
takes what, ``records.field_filling`` fills one command of one system.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Final, TypeAlias

import msgspec

from tieout.model.field_mapping import FilledField
from tieout.records.facts import ClientFacts
from tieout.records.field_filling import Asked, fill, known_of
from tieout.records.reference_book import ReferenceBook
from tieout.streams.lead_to_project import targets
from tieout.streams.lead_to_project.targets import TargetSystem

FieldsByTarget: TypeAlias = Mapping[tuple[str, str], dict[str, str]]
"""By system and command: the target's own fields and their values."""
_FILLED: Final = (targets.CUSTOMER, targets.CONTRACT, targets.PROJECT, targets.TASK)


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """What fields can be filled from: the project's own words, its customer, and what deal and contract tell."""

    entity: str
    on: date
    client: ClientFacts
    project: Mapping[str, str]
    deal: Mapping[str, str]
    contract: Mapping[str, str]


def fields_of(book: ReferenceBook, systems: Sequence[TargetSystem], origin: Origin) -> FieldsByTarget:
    """The fields of every command that is filled in each of ``systems``."""
    return {key: filled for key, filled, _ in _each(book, systems, origin) if filled}


def missing_fields(
    book: ReferenceBook, systems: Sequence[TargetSystem], origin: Origin
) -> Iterator[tuple[str, FilledField]]:
    """The required fields that have no value, each with its system."""
    for (system, _), _, missing in _each(book, systems, origin):
        yield from ((system, one) for one in missing)


def _each(
    book: ReferenceBook, systems: Sequence[TargetSystem], origin: Origin
) -> Iterator[tuple[tuple[str, str], dict[str, str], tuple[FilledField, ...]]]:
    known = known_of(
        origin.entity,
        client=origin.client.told,
        project=origin.project,
        deal=origin.deal,
        contract=origin.contract,
    )
    for target in systems:
        system = book.firm.system(target.system)
        if system is None or not system.fields:
            continue
        for command in _FILLED:
            if command in target.takes:
                filled = fill(command, Asked(system=system, entity=origin.entity, on=origin.on), known, book.mappings)
                yield (target.system, command), filled.values, filled.missing
