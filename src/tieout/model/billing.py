"""What is billed by plan: milestones, subscription charges, and the billing events that propose an invoice."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from enum import StrEnum

import msgspec

from tieout.model.contract import ContractLine
from tieout.model.finding import Finding, finding
from tieout.model.money import Money, exponent, total
from tieout.model.rule import refuse

_MAX_BILLING_DAY = 31


class MilestoneState(StrEnum):
    """Where a milestone stands; REVERSED follows a credit note."""

    NOT_READY = "not_ready"
    READY = "ready"
    INVOICED = "invoiced"
    REVERSED = "reversed"


class Milestone(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a fixed price that becomes due when something is done."""

    contract: str
    contract_line: str
    name: str
    amount: Money
    planned: date
    state: MilestoneState
    task: str | None = None

    def __post_init__(self) -> None:
        """Refuse milestones worth nothing."""
        if self.amount.minor <= 0:
            refuse(f"Milestone {self.name} of {self.contract}/{self.contract_line}", "its amount is not above zero")


def milestone_variance(contract: str, line: ContractLine, milestones: Iterable[Milestone]) -> Finding | None:
    """A finding when the milestones of a line do not add up to its value; None when they do or it has no value."""
    if line.value is None:
        return None
    amounts = [one.amount for one in milestones if one.contract == contract and one.contract_line == line.number]
    planned = total(amounts, line.value.currency)
    if planned == line.value:
        return None
    return finding(
        "MILESTONES_SUM",
        f"Milestones of {contract}/{line.number} add up to {planned.amount} {planned.currency}, "
        f"the line is worth {line.value.amount}.",
        cause=f"{contract}/{line.number}",
        subject=f"contract:{contract}",
    )


class BillingTime(StrEnum):
    """Whether a subscription is billed before or after its period."""

    IN_ADVANCE = "in_advance"
    IN_ARREARS = "in_arrears"


class Proration(StrEnum):
    """How a part of a period is charged (domain model 2.10)."""

    ACTUAL_DAYS = "actual_days"
    FIXED_30 = "fixed_30"
    NONE = "none"


class SubscriptionCharge(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A recurring charge. ``recurrence`` is an RRULE (RFC 5545); ``consumed_until`` the day billed up to, exclusive."""

    contract: str
    contract_line: str
    service: str
    quantity: Decimal
    unit_price: Decimal
    currency: str
    recurrence: str
    time: BillingTime
    billing_day: int
    proration: Proration
    consumed_until: date | None = None

    def __post_init__(self) -> None:
        """Refuse impossible quantities, prices and days, and a recurrence without a frequency."""
        name = f"Subscription {self.service} of {self.contract}/{self.contract_line}"
        exponent(self.currency)
        if not self.quantity.is_finite() or self.quantity <= 0:
            refuse(name, f"a quantity of {self.quantity} is not above zero")
        if not self.unit_price.is_finite() or self.unit_price < 0:
            refuse(name, f"a unit price of {self.unit_price} is impossible")
        if not 1 <= self.billing_day <= _MAX_BILLING_DAY:
            refuse(name, f"billing day {self.billing_day} is not between 1 and 31")
        if not any(part.startswith("FREQ=") for part in self.recurrence.removeprefix("RRULE:").split(";")):
            refuse(name, f"recurrence {self.recurrence!r} names no frequency")


class BillingLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of a proposal, with the actuals that it bills."""

    contract_line: str
    description: str
    net: Money
    actual_ids: tuple[int, ...] = ()


class BillingEvent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A proposal to the ERP: bill these lines to this client. The ERP numbers, taxes and issues the invoice."""

    reference: str
    legal_entity: str
    client: str
    contract: str
    currency: str
    cut_off: date
    lines: tuple[BillingLine, ...]

    def __post_init__(self) -> None:
        """Refuse a proposal without lines, with mixed currencies, or billing one actual twice."""
        name = f"Billing event {self.reference}"
        if not self.lines:
            refuse(name, "it has no lines")
        if any(line.net.currency != self.currency for line in self.lines):
            refuse(name, f"not all of its lines are in {self.currency}")
        billed = [actual_id for line in self.lines for actual_id in line.actual_ids]
        if len(set(billed)) < len(billed):
            refuse(name, "it bills one actual twice")

    @property
    def net(self) -> Money:
        """The sum of its rounded lines (EN 16931, BR-CO-10)."""
        return total((line.net for line in self.lines), self.currency)
