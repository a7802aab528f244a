"""Clients: whom the firm works for and bills.

CRM owns them until the first contract, then the ERP owns what billing needs.
"""

from enum import StrEnum

import msgspec

from tieout.model.money import exponent
from tieout.model.rule import refuse


class CreditStatus(StrEnum):
    """Whether the client may run up a balance."""

    GOOD = "good"
    WATCH = "watch"
    HOLD = "hold"


class Address(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A postal address; ``country`` is ISO 3166 alpha-2."""

    lines: tuple[str, ...]
    city: str
    country: str
    postal_code: str | None = None
    region: str | None = None


class InvoiceEndpoint(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where electronic invoices go: an identifier and the scheme it belongs to (EN 16931, BT-49)."""

    scheme: str
    identifier: str


class Client(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One client. ``payment_days`` counts from the date of the invoice."""

    code: str
    name: str
    legal_name: str | None = None
    group: str | None = None
    billing_addresses: tuple[Address, ...] = ()
    tax_id: str | None = None
    tax_exemption_reason: str | None = None
    payment_days: int | None = None
    default_currency: str | None = None
    credit: CreditStatus = CreditStatus.GOOD
    invoice_endpoint: InvoiceEndpoint | None = None

    def __post_init__(self) -> None:
        """Refuse a client without code or name, with an impossible currency or negative terms."""
        if not (self.code and self.name):
            refuse(f"Client {self.code or self.name!r}", "it has no code or no name")
        if self.default_currency is not None:
            exponent(self.default_currency)
        if self.payment_days is not None and self.payment_days < 0:
            refuse(f"Client {self.code}", f"payment after {self.payment_days} days lies before the invoice")

    @property
    def can_be_billed(self) -> bool:
        """Whether it has what billing needs: a tax id, or the reason why it has none."""
        return bool(self.tax_id or self.tax_exemption_reason)
