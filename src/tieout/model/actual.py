"""Actuals: the ledger-facing rows. Append-only, signed and linked; a correction is a reversal and a new row.

``ledger`` writes them in bulk with integer keys; this is the value with all its facts, as it is explained and exported.
"""

from datetime import date
from decimal import Decimal
from enum import StrEnum

import msgspec

from tieout.model.money import Money
from tieout.model.rule import refuse


class ActualKind(StrEnum):
    """What a row stands for in the ledger."""

    COST = "cost"
    UNBILLED_SALES = "unbilled_sales"
    BILLED_SALES = "billed_sales"
    RESOURCING_COST = "resourcing_cost"
    INTERORG_SALES = "interorg_sales"
    RETAINER = "retainer"
    FEE = "fee"
    TAX = "tax"


class BillingType(StrEnum):
    """Whether the client pays for it."""

    CHARGEABLE = "chargeable"
    NON_CHARGEABLE = "non_chargeable"
    COMPLIMENTARY = "complimentary"
    NOT_AVAILABLE = "not_available"


class AdjustmentStatus(StrEnum):
    """NONE: stands. ADJUSTED: was reversed. UNADJUSTABLE: is itself a reversal."""

    NONE = "none"
    ADJUSTED = "adjusted"
    UNADJUSTABLE = "unadjustable"


class NteStatus(StrEnum):
    """What the check against the not-to-exceed limits said."""

    NOT_EVALUATED = "not_evaluated"
    COMMITTED = "committed"
    FAILED = "failed"
    NOT_APPLICABLE = "na"


class LinkKind(StrEnum):
    """How one actual belongs to another."""

    REVERSES = "reverses"
    CORRECTED_BY = "corrected_by"
    INVOICED_BY = "invoiced_by"
    DERIVED_FROM = "derived_from"


class ActualLink(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A link to actual ``actual_id``."""

    kind: LinkKind
    actual_id: int


class FxUsed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The exchange rate that a functional amount was made with."""

    rate: Decimal
    rate_date: date
    source: str

    def __post_init__(self) -> None:
        """Refuse rates that are not above zero."""
        if not self.rate.is_finite() or self.rate <= 0:
            refuse(f"Exchange rate of {self.rate_date}", f"{self.rate} is not above zero")


class Actual(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One row. ``quantity`` (hours, days, pieces) carries the sign of ``amount``; ``price`` is never negative.

    ``functional_amount`` is the amount in the legal entity's currency, ``fx`` the rate it was made with (None where
    both are one currency). ``document_date`` is the day of the work, ``accounting_date`` the day it is posted.
    """

    actual_id: int
    kind: ActualKind
    legal_entity: str
    project: str
    quantity: Decimal
    unit: str
    price: Decimal
    amount: Money
    functional_amount: Money
    document_date: date
    accounting_date: date
    billing_type: BillingType
    source_object: str
    source_id: str
    source_version: int
    fx: FxUsed | None = None
    adjustment: AdjustmentStatus = AdjustmentStatus.NONE
    nte_status: NteStatus = NteStatus.NOT_APPLICABLE
    rate_trace: dict[str, str] = {}
    links: tuple[ActualLink, ...] = ()

    def __post_init__(self) -> None:
        """Refuse impossible signs, an unexplained conversion, and a reversal that does not say of what."""
        name = f"Actual {self.actual_id} ({self.kind})"
        if not self.quantity.is_finite() or not self.price.is_finite() or self.price < 0:
            refuse(name, f"{self.quantity} at {self.price} is impossible")
        if self.quantity * self.amount.minor < 0 or self.amount.minor * self.functional_amount.minor < 0:
            refuse(name, "quantity, amount and functional amount do not have one sign")
        same_currency = self.amount.currency == self.functional_amount.currency
        if same_currency and (self.fx is not None or self.amount != self.functional_amount):
            refuse(name, f"amount and functional amount are in {self.amount.currency} and yet differ or were converted")
        if not same_currency and self.fx is None:
            refuse(name, f"{self.amount.currency} was converted without saying by which rate")
        reverses = any(link.kind is LinkKind.REVERSES for link in self.links)
        if reverses != (self.adjustment is AdjustmentStatus.UNADJUSTABLE):
            refuse(name, "a reversal is unadjustable and says what it reverses, and nothing else does")


def reversal(original: Actual, *, actual_id: int, accounting_date: date) -> Actual:
    """The row that takes ``original`` back: quantity and amounts negated at its own price, rate and exchange rate.

    Raises ContractError for a reversal or a row that was reversed before (domain model 2.7).
    """
    if original.adjustment is not AdjustmentStatus.NONE:
        refuse(f"Actual {original.actual_id}", f"it is {original.adjustment} and cannot be reversed")
    return msgspec.structs.replace(
        original,
        actual_id=actual_id,
        quantity=original.quantity.copy_negate() if original.quantity else original.quantity,
        amount=-original.amount,
        functional_amount=-original.functional_amount,
        accounting_date=accounting_date,
        adjustment=AdjustmentStatus.UNADJUSTABLE,
        links=(ActualLink(kind=LinkKind.REVERSES, actual_id=original.actual_id),),
    )
