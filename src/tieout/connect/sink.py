"""Writing to a system, looking up what was written, and reading the ledger on a path of its own.

``outbound`` drives a ``Sink``; ``reconciliation`` drives a ``LedgerReader`` and never a ``Sink``.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Protocol, runtime_checkable

import msgspec

from tieout.connect.outcome import Found, Outcome
from tieout.model.command import Command
from tieout.model.reported import ReportedRecord


class Sink(Protocol):
    """Writes canonical commands into one account of a system. Holds no state and no rule of the firm."""

    async def write(self, commands: Sequence[Command]) -> Sequence[Outcome]:
        """Write commands of one kind, at most the manifest's ``max_batch``; one outcome per command, in order.

        Never raises for what the target answered: that is an outcome. Raises ConfigurationError or InvariantError only.
        """
        ...

    async def find(self, command_kind: str, references: Sequence[str], *, entity: str) -> Mapping[str, Found]:
        """What the target holds under our references; a reference that it does not hold is absent.

        Raises TransientError or AccessError when the look-up itself could not be made.
        """
        ...

    async def aclose(self) -> None:
        """Release connections and sessions."""
        ...


class HeldDemandLine(msgspec.Struct, frozen=True, kw_only=True):
    """What a resource tool holds of one line of published demand: hours on the days from ``starts`` until ``ends``.

    ``staffed``: somebody was given part of it, so that it is the resource manager's from then on.
    """

    number: str
    hours: Decimal
    starts: date
    ends: date
    staffed: bool = False


@runtime_checkable
class ShowsDemand(Protocol):
    """A sink that can say what its tool holds of the demand that was published there; others need not be it."""

    async def published_demand(self) -> Mapping[str, Sequence[HeldDemandLine]]:
        """Every line that is held, by the tool's own key of the project.

        Raises TransientError, AccessError or ContractError when it cannot be seen.
        """
        ...


@runtime_checkable
class ShowsHeld(Protocol):
    """A sink that can say of masters what its system's source does not tell; others need not be it."""

    async def held_records(self) -> Mapping[str, Sequence[ReportedRecord]]:
        """By kind all records of it, or fields more of records that the source tells under the same keys.

        Raises TransientError, AccessError or ContractError when they cannot be seen.
        """
        ...


class LedgerLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a posting as the ledger holds it, amounts signed (debit positive) in minor units."""

    account: str
    functional_minor: int
    functional_currency: str
    amount_minor: int
    currency: str


class LedgerPosting(msgspec.Struct, frozen=True, kw_only=True):
    """One posting as the ledger holds it; ``period`` is the ledger's own name of the period."""

    reference: str
    ref: str
    entity: str
    accounting_date: date
    period: str
    posted: bool
    lines: tuple[LedgerLine, ...]


class LedgerReader(Protocol):
    """Reads a ledger afresh for reconciliation, by another way than the sink writes and looks up."""

    def postings(self, *, entity: str, starts: date, ends: date) -> AsyncIterator[LedgerPosting]:
        """All postings that carry a reference of ours with accounting date in [starts, ends), drafts included."""
        ...

    async def aclose(self) -> None:
        """Release connections."""
        ...
