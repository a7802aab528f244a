"""What a project's weeks change by when rows of bookings come and go: signed sums. Pure.

So a change costs what it changes, however large the project is. Neighbours: ``writing`` adds them to the table.
"""

from collections.abc import Iterable
from typing import TypeAlias

import msgspec

from tieout.streams.plan_to_allocate.priced_week import NOT_BILLABLE
from tieout.streams.plan_to_allocate.store import BookingWeek

ProjectCell: TypeAlias = tuple[int, int, int, int, int]
"""Project, week, commitment, currency of revenue and of cost (0: no price)."""


class Sums(msgspec.Struct, gc=False):
    """Sums over rows of bookings; hours in ten-thousandths, amounts in minor units."""

    parts: int = 0
    hours_e4: int = 0
    revenue_minor: int = 0
    cost_minor: int = 0
    unpriced_e4: int = 0
    uncosted_e4: int = 0
    not_billable_e4: int = 0

    def add(self, row: BookingWeek, sign: int) -> None:
        """Add a row (``sign`` 1) or take one away (-1)."""
        hours_e4 = sign * row.hours_e4
        self.parts += sign
        self.hours_e4 += hours_e4
        self.revenue_minor += sign * (row.revenue_minor or 0)
        self.cost_minor += sign * (row.cost_minor or 0)
        if row.revenue_gap == NOT_BILLABLE:
            self.not_billable_e4 += hours_e4
        elif row.revenue_gap is not None:
            self.unpriced_e4 += hours_e4
        if row.cost_gap is not None:
            self.uncosted_e4 += hours_e4


def changes(gone: Iterable[BookingWeek], come: Iterable[BookingWeek]) -> dict[ProjectCell, Sums]:
    """By how much each sum changes, those left out that do not."""
    found: dict[ProjectCell, Sums] = {}
    for sign, rows in ((-1, gone), (1, come)):
        for row in rows:
            cell = (row.project_id, row.week, row.commitment, row.revenue_currency or 0, row.cost_currency or 0)
            found.setdefault(cell, Sums()).add(row, sign)
    nothing = Sums()
    return {cell: sums for cell, sums in found.items() if sums != nothing}
