"""Contracts and their lines: what was sold, and under which line work is billed.

CRM or CPQ owns the commercial side, the ERP the billing rules. ``double_billing`` is the guard that no work can be
billed under two lines (domain model 1.3).
"""

from collections.abc import Iterable
from enum import StrEnum
from itertools import combinations, product

import msgspec

from tieout.model.finding import Finding, finding
from tieout.model.money import Money, exponent
from tieout.model.rule import refuse
from tieout.model.span import DateSpan


class ContractState(StrEnum):
    """The states of ``lifecycle.CONTRACT``."""

    DRAFT = "draft"
    SIGNED = "signed"
    ACTIVE = "active"
    AMENDED = "amended"
    EXPIRED = "expired"
    TERMINATED = "terminated"

    @property
    def is_in_force(self) -> bool:
        """Whether work may be done under it."""
        return self in {ContractState.ACTIVE, ContractState.AMENDED}


class LineType(StrEnum):
    """How a contract line is billed."""

    TIME_AND_MATERIAL = "tm"
    FIXED_MILESTONE = "fixed_milestone"
    FIXED_PERCENT = "fixed_percent"
    RETAINER = "retainer"
    SUBSCRIPTION = "subscription"
    UNIT = "unit"


class TransactionClass(StrEnum):
    """The kinds of work and cost that a line can cover."""

    TIME = "time"
    EXPENSE = "expense"
    MATERIAL = "material"
    FEE = "fee"
    MILESTONE = "milestone"


class RevenueMethod(StrEnum):
    """How revenue of a line is recognised (domain model 2.11)."""

    AS_INVOICED = "as_invoiced"
    COST_TO_COST = "cost_to_cost"
    OUTPUT = "output"
    RATABLE = "ratable"
    COMPLETED_CONTRACT = "completed_contract"


class BillingFrequency(StrEnum):
    """When a contract is billed."""

    WEEKLY = "weekly"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    ON_EVENT = "on_event"


class ContractLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of a contract.

    ``tasks`` holds the WBS codes that it covers as pairs (project, WBS code); a pair with None covers the whole
    project. ``classes`` are the kinds of transactions; work of a covered task and class is billed under this line.
    """

    number: str
    type: LineType
    classes: frozenset[TransactionClass]
    tasks: frozenset[tuple[str, str | None]]
    revenue_method: RevenueMethod
    value: Money | None = None
    nte_limit: Money | None = None
    chargeable_roles: frozenset[str] = frozenset()
    performance_obligation: str | None = None
    standalone_selling_price: Money | None = None

    def __post_init__(self) -> None:
        """Refuse a line that covers nothing, has no value where its type needs one, or has a negative one."""
        name = f"Contract line {self.number}"
        if not self.classes or not self.tasks:
            refuse(name, "it covers no class of transactions or no task")
        if self.type in {LineType.FIXED_MILESTONE, LineType.FIXED_PERCENT} and self.value is None:
            refuse(name, f"a line of type {self.type} needs a value")
        for amount in (self.value, self.nte_limit, self.standalone_selling_price):
            if amount is not None and amount.minor < 0:
                refuse(name, f"{amount.amount} {amount.currency} is below zero")

    @property
    def amounts(self) -> tuple[Money, ...]:
        """The amounts that it states."""
        stated = (self.value, self.nte_limit, self.standalone_selling_price)
        return tuple(amount for amount in stated if amount is not None)


class Contract(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One contract with one client by one legal entity, in one currency."""

    number: str
    client: str
    legal_entity: str
    currency: str
    term: DateSpan
    state: ContractState
    lines: tuple[ContractLine, ...]
    billing_frequency: BillingFrequency
    signed_value: Money | None = None
    nte_limit: Money | None = None
    price_lists: tuple[str, ...] = ()
    po_number: str | None = None
    tax_treatment: str | None = None

    def __post_init__(self) -> None:
        """Refuse amounts of another currency, one line number twice, and work that two lines would bill."""
        name = f"Contract {self.number}"
        exponent(self.currency)
        stated = [amount for amount in (self.signed_value, self.nte_limit) if amount is not None]
        for amount in (*stated, *(amount for line in self.lines for amount in line.amounts)):
            if amount.currency != self.currency:
                refuse(name, f"it is in {self.currency} but states {amount.amount} {amount.currency}")
        if len({line.number for line in self.lines}) < len(self.lines):
            refuse(name, "two of its lines have one number")
        if self.state.is_in_force and not self.lines:
            refuse(name, f"it is {self.state} but has no lines")
        if twice := double_billing([self]):
            refuse(name, twice[0].message)


def double_billing(contracts: Iterable[Contract]) -> list[Finding]:
    """One finding for each two lines that would bill the same work.

    A pair of task and transaction class belongs to at most one line, over all contracts of overlapping terms; a line
    for a whole project meets every line for one of its tasks. Terminated contracts do not count.
    """
    alive = [
        (contract, line)
        for contract in contracts
        if contract.state is not ContractState.TERMINATED
        for line in contract.lines
    ]
    found = []
    for (contract, line), (other_contract, other) in combinations(alive, 2):
        if not contract.term.overlaps(other_contract.term):
            continue
        shared = _shared_work(line, other)
        if shared is not None:
            names = f"{contract.number}/{line.number} and {other_contract.number}/{other.number}"
            found.append(
                finding(
                    "CONTRACT_LINES_OVERLAP",
                    f"Contract lines {names} both bill {shared}",
                    cause=names,
                    subject=f"contract:{other_contract.number}",
                )
            )
    return found


def _shared_work(line: ContractLine, other: ContractLine) -> str | None:
    classes = line.classes & other.classes
    if not classes:
        return None
    for (project, task), (other_project, other_task) in product(
        sorted(line.tasks, key=str), sorted(other.tasks, key=str)
    ):
        if project == other_project and (task == other_task or task is None or other_task is None):
            return f"{min(classes)} on {project}, {task or other_task or 'all tasks'}"
    return None
