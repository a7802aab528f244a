"""What an account holds of the demand that was published there, by the marks of its allocations. Pure.

An allocation of a placeholder is on its working days; one that somebody was given is the resource manager's, whatever
it says. Neighbours: ``demand`` publishes, ``directory`` reads.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from decimal import Decimal

from tieout.connect.sink import HeldDemandLine
from tieout.connectors.float.demand import people_of, working_days
from tieout.connectors.float.marks import line_key_of
from tieout.connectors.float.records import FloatAllocation, FloatPerson


def held_lines(
    allocations: Iterable[FloatAllocation], placeholders: Mapping[int, FloatPerson]
) -> dict[str, list[HeldDemandLine]]:
    """Every line that is held, all its parts together, by the project's key."""
    parts: dict[tuple[int, str], list[FloatAllocation]] = {}
    for one in allocations:
        key = line_key_of(one.notes)
        if key is not None:
            parts.setdefault((one.project_id, key.number), []).append(one)
    found: dict[str, list[HeldDemandLine]] = {}
    for (project_id, number), held in sorted(parts.items()):
        found.setdefault(str(project_id), []).append(_line(number, held, placeholders))
    return found


def _line(number: str, held: list[FloatAllocation], placeholders: Mapping[int, FloatPerson]) -> HeldDemandLine:
    return HeldDemandLine(
        number=number,
        hours=sum((_hours(one, placeholders) for one in held), Decimal(0)),
        starts=min(one.start_date for one in held),
        ends=max(one.end_date for one in held) + timedelta(days=1),
        staffed=any(not people_of(one) <= placeholders.keys() for one in held),
    )


def _hours(one: FloatAllocation, placeholders: Mapping[int, FloatPerson]) -> Decimal:
    ends = one.end_date + timedelta(days=1)
    people = [placeholders[key] for key in people_of(one) if key in placeholders]
    return sum((one.hours * len(working_days(one.start_date, ends, person)) for person in people), Decimal(0))
