"""Invoice events: what the ERP says happened to an invoice. The ERP owns them; we tie them to actuals."""

from datetime import date
from enum import StrEnum

import msgspec

from tieout.model.money import Money, exponent, total
from tieout.model.rule import refuse


class InvoiceEventType(StrEnum):
    """What kind of document or event it is."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"
    CANCEL = "cancel"
    PAYMENT = "payment"


class InvoiceState(StrEnum):
    """The states of ``lifecycle.INVOICE_EVENT``."""

    PROPOSED = "proposed"
    DRAFT = "draft"
    ISSUED = "issued"
    PART_PAID = "part_paid"
    PAID = "paid"
    CREDITED = "credited"
    CANCELLED = "cancelled"


class InvoiceLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line with the actuals that it bills (or, negative, credits)."""

    number: str
    net: Money
    description: str = ""
    actual_ids: tuple[int, ...] = ()


class InvoiceEvent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One event of one invoice, all amounts in ``currency``; credit notes are negative and name their original."""

    number: str
    type: InvoiceEventType
    legal_entity: str
    client: str
    currency: str
    state: InvoiceState
    net: Money
    tax: Money
    gross: Money
    issued: date
    lines: tuple[InvoiceLine, ...] = ()
    contract: str | None = None
    due: date | None = None
    tax_date: date | None = None
    original_invoice: str | None = None

    def __post_init__(self) -> None:
        """Refuse sums that do not hold (EN 16931, BR-CO-10 and BR-CO-15), and a credit note of nothing."""
        name = f"Invoice event {self.type} {self.number} of {self.legal_entity}"
        exponent(self.currency)
        amounts = (self.net, self.tax, self.gross, *(line.net for line in self.lines))
        if any(amount.currency != self.currency for amount in amounts):
            refuse(name, f"not all of its amounts are in {self.currency}")
        if self.net + self.tax != self.gross:
            refuse(name, f"net {self.net.amount} and tax {self.tax.amount} are not gross {self.gross.amount}")
        if self.lines and total((line.net for line in self.lines), self.currency) != self.net:
            refuse(name, f"its lines do not add up to net {self.net.amount}")
        if self.type is not InvoiceEventType.PAYMENT and not self.lines:
            refuse(name, "it has no lines")
        if self.type is InvoiceEventType.CREDIT_NOTE and (self.original_invoice is None or self.gross.minor > 0):
            refuse(name, "a credit note names its original invoice and is not above zero")
        if self.due is not None and self.due < self.issued:
            refuse(name, f"it is due {self.due}, before it was issued ({self.issued})")
