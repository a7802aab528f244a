"""The canonical journal: what time and money become on their way into a ledger.

``streams`` builds it, ``outbound`` delivers it, a connector's mapping turns it into vendor requests; ``command`` has
the other commands that sinks write. Amounts are integers of minor units of the named currency, hours exact decimals.
"""

from datetime import date
from decimal import Decimal

import msgspec

from tieout.errors import InvariantError


class JournalLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a journal: exactly one of debit and credit is above zero, or both are zero.

    ``debit_minor`` and ``credit_minor`` are in the functional currency of the journal; ``amount_minor`` is the
    same value, signed (debit positive), in ``currency``, the currency of the transaction. ``account`` is the
    target's account number. ``hours`` is what the line stands for, where it stands for time.
    """

    account: str
    debit_minor: int
    credit_minor: int
    currency: str
    amount_minor: int
    memo: str
    hours: Decimal | None = None
    customer_code: str | None = None
    project_code: str | None = None
    dimensions: dict[str, str] = {}

    def __post_init__(self) -> None:
        """Refuse a line that is both debit and credit, or negative."""
        if self.debit_minor < 0 or self.credit_minor < 0 or (self.debit_minor and self.credit_minor):
            raise InvariantError(
                code="TIE-JOURNAL-001",
                message=f"Journal line on account {self.account} has debit {self.debit_minor} and "
                f"credit {self.credit_minor}; one of them must be zero and neither negative.",
            )


class PostJournal(msgspec.Struct, frozen=True, kw_only=True, tag="post_journal"):
    """Post one balanced journal, once.

    ``reference`` is our external reference in the target (``TIE-`` and 32 hexadecimal digits of ``key``);
    ``key`` is the idempotency key, derived from what is posted, so that it survives a restore. ``currency`` is
    the functional currency of ``entity``. ``entry_count`` and ``hours`` are control totals of the time behind it.
    """

    reference: str
    key: str
    entity: str
    accounting_date: date
    currency: str
    description: str
    lines: tuple[JournalLine, ...]
    entry_count: int
    hours: Decimal

    def __post_init__(self) -> None:
        """Refuse a journal that is empty or does not balance in its functional currency."""
        debit = sum(line.debit_minor for line in self.lines)
        credit = sum(line.credit_minor for line in self.lines)
        if not self.lines or debit != credit:
            raise InvariantError(
                code="TIE-JOURNAL-002",
                message=f"Journal {self.reference} of {self.entity} does not balance: debit {debit}, "
                f"credit {credit} minor units of {self.currency} in {len(self.lines)} lines.",
            )
