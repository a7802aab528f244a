"""What projects need: hours of a role between two days, where and with which skills. Pure.

The project system's own demand goes first; a project of which it tells none needs what was sold in its deals.
Neighbours: ``reader`` reads both, ``judgement`` holds bookings against them.
"""

from collections.abc import Iterable

import msgspec

from tieout.ledger.rate_lines import FOR_EVER


class Demand(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One line of what a project needs, from day ``starts`` until before ``ends`` (ordinals; open where not told).

    ``role`` is the role's word. ``location`` and ``skills`` are as people write them, empty where not told.
    """

    project_id: int
    number: str
    role_id: int | None
    role: str
    hours_e4: int
    starts: int = 0
    ends: int = FOR_EVER
    location: str | None = None
    skills: tuple[str, ...] = ()

    def concerns(self, role_id: int | None, starts: int, ends: int) -> bool:
        """Whether a booking of ``role_id`` in these days may be meant to meet it."""
        return self.role_id is not None and self.role_id == role_id and self.starts < ends and starts < self.ends


def by_project(planned: Iterable[Demand], sold: Iterable[Demand]) -> dict[int, tuple[Demand, ...]]:
    """The demand of each project, in the order of its numbers: as planned, else as sold."""
    planned_by, sold_by = _grouped(planned), _grouped(sold)
    return {
        project_id: tuple(sorted(lines, key=lambda one: (len(one.number), one.number)))
        for project_id, lines in (sold_by | planned_by).items()
    }


def _grouped(lines: Iterable[Demand]) -> dict[int, list[Demand]]:
    found: dict[int, list[Demand]] = {}
    for one in lines:
        found.setdefault(one.project_id, []).append(one)
    return found
