"""What a project or task is told and Tryton's project module has no field for, as lines of its comment; pure.

A comment begins with our reference; lines with a label of ours follow, then whatever people wrote, which stays. Budget,
dates, currency and contract are not fields of a project in Tryton, so they stand here, as hours and dimensions of a
journal stand in its description. Neighbours: ``works`` writes and looks up comments.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Final

import msgspec

from tieout.connectors.tryton.mapping import fit_text
from tieout.model.command import UpsertProject, UpsertTask
from tieout.model.identity import REFERENCE_PREFIX
from tieout.model.money import from_minor

STATUS_SET_BY: Final = "Status set by"
_LABELS: Final = (
    "Currency",
    "Starts",
    "Last day",
    "Budget hours",
    "Budget",
    "Contract",
    "Rate card",
    "Service line",
    "Manager",
    "Billable",
    STATUS_SET_BY,
)


class Comment(msgspec.Struct, frozen=True):
    """A comment in its parts: our reference, our lines by label, and other people's lines."""

    reference: str | None
    remarks: Mapping[str, str]
    others: tuple[str, ...]

    def text(self) -> str:
        """The comment as it is stored."""
        ours = [f"{label}: {self.remarks[label]}" for label in _LABELS if label in self.remarks]
        return "\n".join([*([] if self.reference is None else [self.reference]), *ours, *self.others])


def parts_of(text: str | None) -> Comment:
    """The parts of a stored comment."""
    reference: str | None = None
    remarks: dict[str, str] = {}
    others = []
    for number, line in enumerate((text or "").splitlines()):
        label, separator, value = line.partition(": ")
        if number == 0 and line.startswith(REFERENCE_PREFIX):
            reference = line
        elif separator and label in _LABELS and label not in remarks:
            remarks[label] = value
        else:
            others.append(line)
    return Comment(reference, remarks, tuple(others))


def changed(text: str | None, remarks: Mapping[str, str | None], *, reference: str | None = None) -> str:
    """The comment ``text`` with ``remarks`` in it; those that are None, and a reference that is, stay as they are."""
    before = parts_of(text)
    told = {label: fit_text(value) for label, value in remarks.items() if value is not None}
    return Comment(reference or before.reference, {**before.remarks, **told}, before.others).text()


def of_project(command: UpsertProject) -> dict[str, str | None]:
    """What a project is told beyond Tryton's fields, by label."""
    money = None
    if command.budget_minor is not None:
        money = f"{from_minor(command.budget_minor, command.currency):f} {command.currency}"
    return {
        "Currency": command.currency,
        "Starts": _day(command.starts),
        "Last day": _last_day(command.ends),
        "Budget hours": None if command.budget_hours is None else f"{command.budget_hours:f}",
        "Budget": money,
        "Contract": command.contract_number,
        "Rate card": command.rate_card_code,
        "Service line": command.service_line,
        "Manager": command.manager_email,
    }


def of_task(command: UpsertTask) -> dict[str, str | None]:
    """What a task is told beyond Tryton's fields, by label."""
    return {
        "Starts": _day(command.starts),
        "Last day": _last_day(command.ends),
        "Billable": "yes" if command.billable else "no",
    }


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _last_day(ends: date | None) -> str | None:
    """People name the last day; commands the first day after."""
    return None if ends is None else (ends - timedelta(days=1)).isoformat()
