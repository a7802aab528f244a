"""The firm's mapping tables in memory: what a source's word means, by system, legal entity and day.

Pure. ``reference_book`` answers through it, ``golden_record`` finds codes with it, ``tieout check`` asks for problems.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final

from tieout.model.firm import MappingLine

ANY: Final = "*"
CLIENTS: Final = "clients"
CURRENCIES: Final = "currencies"
LABOUR_POLICIES: Final = "labour_policies"
LEGAL_ENTITIES: Final = "legal_entities"
ROLES: Final = "roles"


class MappingTables:
    """All mapping lines, found by table and source word."""

    def __init__(self, lines: Iterable[MappingLine]) -> None:
        self._lines: dict[tuple[str, str], list[MappingLine]] = defaultdict(list)
        for line in lines:
            self._lines[line.table, line.source].append(line)
        for known in self._lines.values():
            known.sort(key=specificity, reverse=True)

    def map_value(self, table: str, system: str, entity: str, source: str, on: date) -> str | None:
        """What ``source`` of ``system`` means for ``entity`` on day ``on``; None when no line says so.

        The line that names more of system and entity wins. Two that name equally much and disagree answer None too:
        ``problems`` reports them before they are applied, and a guess would be worse than a finding.
        """
        fitting = [
            line for line in self._lines.get((table, source), ()) if _fits(line, system, entity) and _holds(line, on)
        ]
        if not fitting:
            return None
        best = specificity(fitting[0])
        targets = {line.target for line in fitting if specificity(line) == best}
        return targets.pop() if len(targets) == 1 else None

    def problems(self) -> list[str]:
        """Pairs of lines that say different things of the same word, equally specifically, on the same day."""
        return [
            f"mappings/{first.table}.csv lines {first.line} and {second.line} both say what {first.source!r} means, "
            f"equally specifically and for overlapping days: {first.target!r} and {second.target!r}."
            for known in self._lines.values()
            for first, second in _pairs(sorted(known, key=lambda line: line.line))
            if _clash(first, second)
        ]


def specificity(line: MappingLine) -> int:
    """How much a line names: 2 system and entity, 1 either, 0 neither."""
    return (line.system != ANY) + (line.entity != ANY)


def _fits(line: MappingLine, system: str, entity: str) -> bool:
    return line.system in {ANY, system} and line.entity in {ANY, entity}


def _holds(line: MappingLine, on: date) -> bool:
    return line.valid_from <= on and (line.valid_to is None or on < line.valid_to)


def _clash(first: MappingLine, second: MappingLine) -> bool:
    return (
        first.target != second.target
        and specificity(first) == specificity(second)
        and _meet(first.system, second.system)
        and _meet(first.entity, second.entity)
        and (first.valid_to is None or second.valid_from < first.valid_to)
        and (second.valid_to is None or first.valid_from < second.valid_to)
    )


def _meet(first: str, second: str) -> bool:
    return first == second or ANY in {first, second}


def _pairs(lines: Sequence[MappingLine]) -> Iterable[tuple[MappingLine, MappingLine]]:
    return ((first, second) for at, first in enumerate(lines) for second in lines[at + 1 :])
