"""What came of one write, as the engine must know it to decide what happens next.

Connectors map vendor answers to these values in their ``outcome_codes``; ``outbound`` acts on them. Whatever is
not recognised is ``Unknown``: only an explicit answer of the vendor moves a delivery.
"""

from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

import msgspec


class Echo(msgspec.Struct, frozen=True, kw_only=True):
    """What the target says it recorded: the sum of the debits in minor units of ``currency``.

    Of hours for a payroll it is ``hours``, their signed sum; there is no amount then (0, and no currency).
    """

    amount_minor: int
    currency: str
    accounting_date: str | None = None
    hours: Decimal | None = None


class RejectionCode(StrEnum):
    """Why a target refused, in our words; the vendor's own code and text travel beside it."""

    PERIOD_CLOSED = "PERIOD_CLOSED"
    ACCOUNT_UNKNOWN = "ACCOUNT_UNKNOWN"
    CUSTOMER_UNKNOWN = "CUSTOMER_UNKNOWN"
    PROJECT_UNKNOWN = "PROJECT_UNKNOWN"
    DIMENSION_UNKNOWN = "DIMENSION_UNKNOWN"
    CURRENCY_UNKNOWN = "CURRENCY_UNKNOWN"
    UNBALANCED = "UNBALANCED"
    INVALID = "INVALID"
    CONFLICT = "CONFLICT"
    BATCH_REJECTED = "BATCH_REJECTED"


class Accepted(msgspec.Struct, frozen=True, kw_only=True, tag="accepted"):
    """The target recorded it under ``ref``."""

    ref: str
    echo: Echo | None = None


class AlreadyDone(msgspec.Struct, frozen=True, kw_only=True, tag="already_done"):
    """The target had recorded it before, under ``ref``."""

    ref: str
    echo: Echo | None = None


class Rejected(msgspec.Struct, frozen=True, kw_only=True, tag="rejected"):
    """The target refused and recorded nothing. BATCH_REJECTED says that one of several items sank them all."""

    code: RejectionCode
    words: str
    vendor_code: str | None = None


class Warned(msgspec.Struct, frozen=True, kw_only=True, tag="warned"):
    """The target asks whether to go on; nothing is recorded and a person decides."""

    name: str
    words: str


class RetryLater(msgspec.Struct, frozen=True, kw_only=True, tag="retry_later"):
    """Certainly not recorded; may be sent again after ``after_s`` seconds (None: the engine's own back-off)."""

    reason: str
    after_s: float | None = None


class NoAccess(msgspec.Struct, frozen=True, kw_only=True, tag="no_access"):
    """Credentials or permission refused: certainly not recorded; the connection pauses, no attempt is burned."""

    words: str


class Unknown(msgspec.Struct, frozen=True, kw_only=True, tag="unknown"):
    """Sent, and no answer that tells what became of it: in doubt until looked up."""

    reason: str


Outcome: TypeAlias = Accepted | AlreadyDone | Rejected | Warned | RetryLater | NoAccess | Unknown


class FoundState(StrEnum):
    """How far a target got with what we look up."""

    POSTED = "posted"
    DRAFT = "draft"
    CANCELLED = "cancelled"


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What a look-up by our reference found; ``count`` above one means that the target holds it several times."""

    reference: str
    ref: str
    state: FoundState
    echo: Echo | None = None
    count: int = 1
