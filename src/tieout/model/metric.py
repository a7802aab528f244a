"""Metric snapshots: a figure with the version of the definition that made it and the hash of what went in."""

from datetime import datetime
from decimal import Decimal

import msgspec

from tieout.model.rule import refuse
from tieout.model.span import DateSpan

_HASH_BYTES = 32


class UtilizationMetric(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Hours over hours of one scope (person, team, firm) and span of days. Without a denominator there is no value.

    A team's value is the sum of numerators over the sum of denominators, never a mean of ratios (domain model 4).
    """

    definition_id: str
    definition_version: int
    scope: str
    days: DateSpan
    numerator_hours: Decimal
    denominator_hours: Decimal
    inputs_hash: bytes
    computed_at: datetime

    def __post_init__(self) -> None:
        """Refuse negative hours, an instant without zone, and a hash that is none."""
        name = f"Metric {self.definition_id} of {self.scope}"
        for hours in (self.numerator_hours, self.denominator_hours):
            if not hours.is_finite() or hours < 0:
                refuse(name, f"{hours} hours are impossible")
        if self.definition_version < 1:
            refuse(name, f"version {self.definition_version} of its definition is not 1 or above")
        if self.computed_at.tzinfo is None:
            refuse(name, "the instant of its computation names no zone")
        if len(self.inputs_hash) != _HASH_BYTES:
            refuse(name, "the hash of its inputs is not 32 bytes long")

    @property
    def value(self) -> Decimal | None:
        """The ratio, or None where the denominator is zero: nothing to work is not zero percent."""
        return self.numerator_hours / self.denominator_hours if self.denominator_hours else None


def combined(metrics: list[UtilizationMetric]) -> Decimal | None:
    """The value of several scopes together: sum over sum; None where nobody had hours."""
    hours = sum((one.denominator_hours for one in metrics), Decimal(0))
    return sum((one.numerator_hours for one in metrics), Decimal(0)) / hours if hours else None
