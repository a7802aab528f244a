"""Expenses: what a person spent for a project, and how the client pays for it."""

from datetime import date
from decimal import Decimal
from enum import StrEnum

import msgspec

from tieout.model.money import Money
from tieout.model.rule import refuse


class ExpenseState(StrEnum):
    """Where an expense stands."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    REJECTED = "rejected"
    APPROVED = "approved"
    POSTED = "posted"
    INVOICED = "invoiced"
    CANCELLED = "cancelled"


class ExpenseBilling(StrEnum):
    """How an expense is charged on."""

    NOT_BILLED = "not_billed"
    AT_COST = "at_cost"
    MARKUP = "markup"
    UNIT = "unit"


class Expense(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One expense. ``amount`` (tax included) is in the currency it was paid in, ``functional_amount`` in the entity's.

    ``tax`` is the part of ``amount`` that is tax; ``tax_recoverable`` whether the entity gets it back. A negative
    amount is a refund.
    """

    resource: str
    project: str
    category: str
    day: date
    amount: Money
    state: ExpenseState
    billing: ExpenseBilling
    functional_amount: Money | None = None
    tax: Money | None = None
    tax_recoverable: bool = False
    reimbursable: bool = True
    markup_percent: Decimal | None = None
    unit_price: Decimal | None = None
    receipt: str | None = None

    def __post_init__(self) -> None:
        """Refuse nothing spent, tax that is no part of the amount, and a billing method without its figure."""
        name = f"Expense of {self.resource} on {self.project}, {self.day}"
        if self.amount.minor == 0:
            refuse(name, "its amount is zero")
        if self.tax is not None:
            self._check_tax(name, self.tax)
        if (self.billing is ExpenseBilling.MARKUP) != (self.markup_percent is not None):
            refuse(name, f"billing {self.billing} does not go with markup {self.markup_percent}")
        if (self.billing is ExpenseBilling.UNIT) != (self.unit_price is not None):
            refuse(name, f"billing {self.billing} does not go with unit price {self.unit_price}")

    def _check_tax(self, name: str, tax: Money) -> None:
        if tax.currency != self.amount.currency:
            refuse(name, f"its tax is in {tax.currency}, its amount in {self.amount.currency}")
        if tax.minor * self.amount.minor < 0 or abs(tax.minor) > abs(self.amount.minor):
            refuse(name, f"tax {tax.amount} is no part of {self.amount.amount}")
