"""What a payroll is to be told: the difference between what the ledger accepted and what it was told before. Pure.

So that nothing is told twice, whatever was interrupted, and a later change goes out with its sign. Neighbours:
``store`` reads both sides, ``step`` makes files of the difference.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple

import msgspec

from tieout.model.identity import business_key, content_hash, idempotency_key, reference_of
from tieout.model.payroll import HoursLine, PostPayrollHours
from tieout.model.time import WORK_TYPE_OF_NUMBER
from tieout.streams.hours_to_payroll.pay_period import Period

COMMAND: Final = "post_payroll_hours"
PURPOSE: Final = "hours_to_payroll"


class PersonDay(NamedTuple):
    """A day of a person (golden record)."""

    resource_id: int
    work_date: date


class Cell(NamedTuple):
    """A day of a person and a kind of work (``model.time.WORK_TYPE_NUMBER``)."""

    resource_id: int
    work_date: date
    work_type: int


class Home(NamedTuple):
    """A payroll and a legal entity whose people it pays."""

    system: str
    entity_id: int


class File(msgspec.Struct, frozen=True, kw_only=True):
    """One file of hours: ``sequence`` counts the files of its home; ``lines`` are signed hours."""

    home: Home
    period: Period
    sequence: int
    correction: bool
    lines: dict[Cell, Decimal]

    @property
    def hours(self) -> Decimal:
        """The sum of the lines."""
        return sum(self.lines.values(), Decimal(0))


def differences(accepted: Mapping[Cell, Decimal], told: Mapping[Cell, Decimal]) -> dict[Cell, Decimal]:
    """What is still to be told, in the order of people, days and kinds of work; nothing where both are equal."""
    found = {}
    for cell in sorted(accepted.keys() | told.keys()):
        hours = accepted.get(cell, Decimal(0)) - told.get(cell, Decimal(0))
        if hours:
            found[cell] = hours
    return found


def command_of(file: File, *, entity: str, numbers: Mapping[int, str]) -> tuple[PostPayrollHours, str]:
    """The command that a file is, and its idempotency key; ``numbers`` are the employee numbers of its people.

    The key follows from what is told and its number, so that it survives a restore.
    """
    command = PostPayrollHours(
        reference="",
        entity=entity,
        sequence=file.sequence,
        period=file.period.name,
        starts=file.period.starts,
        ends=file.period.ends,
        correction=file.correction,
        hours=_plain(file.hours),
        lines=tuple(
            HoursLine(
                employee_number=numbers[cell.resource_id],
                work_date=cell.work_date,
                time_type=WORK_TYPE_OF_NUMBER[cell.work_type].value,
                hours=_plain(hours),
            )
            for cell, hours in file.lines.items()
        ),
    )
    key = idempotency_key(
        entity=entity,
        kind=COMMAND,
        source_id=business_key(file.home.system, entity),
        source_version=business_key(str(file.sequence), content_hash(msgspec.to_builtins(command)).hex()),
        purpose=PURPOSE,
    )
    return msgspec.structs.replace(command, reference=reference_of(key)), key


def _plain(hours: Decimal) -> Decimal:
    """Without zeros at its end, and never in powers of ten."""
    return hours.normalize() + 0
