"""Approved hours as a payroll is told them: the canonical command of one file of hours.

``streams.hours_to_payroll`` builds it from what the ledger accepted, ``outbound`` delivers it, a connector writes it.
"""

from datetime import date
from decimal import Decimal

import msgspec


class HoursLine(msgspec.Struct, frozen=True, kw_only=True):
    """Hours of one person on one day, of one ``time_type`` (``model.time.WorkType``: regular, overtime, travel).

    ``employee_number`` is the payroll's own. ``hours`` are signed: what was told before and is less since is negative.
    """

    employee_number: str
    work_date: date
    time_type: str
    hours: Decimal


class PostPayrollHours(msgspec.Struct, frozen=True, kw_only=True, tag="post_payroll_hours"):
    """Tell a payroll the hours of one legal entity and pay period that it was not told yet.

    ``sequence`` counts what is told of an entity, from 1 without gaps; ``period`` is the pay period's name, from
    ``starts`` until before ``ends``. ``correction``: something of the period was told before. ``hours`` is the sum of
    the lines.
    """

    reference: str
    entity: str
    sequence: int
    period: str
    starts: date
    ends: date
    correction: bool
    hours: Decimal
    lines: tuple[HoursLine, ...]
