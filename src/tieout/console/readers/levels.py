"""Breached service levels, those of one kind together: how many, where, how late the worst is, since when."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

import msgspec

from tieout.desk.service_levels import Breach


class Breached(msgspec.Struct, frozen=True, kw_only=True):
    """One level and what breaches it now; ``where`` are legal entities, or what else is late."""

    title: str
    count: int
    where: list[str]
    owners: list[str]
    worst: Decimal
    unit: str
    since: datetime
    escalation: int


def by_level(breaches: Iterable[Breach]) -> list[Breached]:
    """The levels that are breached, the longest first."""
    groups: dict[tuple[str, str], list[Breach]] = {}
    for one in breaches:
        groups.setdefault((one.level, one.unit), []).append(one)
    found = [
        Breached(
            title=some[0].title,
            count=len(some),
            where=sorted({one.entity or one.subject for one in some}),
            owners=sorted({one.owner for one in some}),
            worst=max(one.late_by for one in some),
            unit=unit,
            since=min(one.breached_at for one in some),
            escalation=max(one.escalation for one in some),
        )
        for (_, unit), some in groups.items()
    ]
    return sorted(found, key=lambda one: one.since)
