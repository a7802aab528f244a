"""State machines of the canonical objects (domain model 1.4), as data: what is not listed is refused.

A step asks ``advance`` before it changes a state; the reference page of state machines is drawn from these tables.
"""

import msgspec

from tieout.errors import ContractError


class StateMachine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """States and the events that lead from one to another."""

    name: str
    initial: str
    transitions: dict[tuple[str, str], str]

    @property
    def states(self) -> frozenset[str]:
        """All states."""
        return frozenset({self.initial, *(state for state, _ in self.transitions), *self.transitions.values()})

    @property
    def events(self) -> frozenset[str]:
        """All events."""
        return frozenset(event for _, event in self.transitions)

    @property
    def final_states(self) -> frozenset[str]:
        """The states that nothing leads out of."""
        return self.states - {state for state, _ in self.transitions}

    def advance(self, state: str, event: str) -> str:
        """The state after ``event``; raises ContractError when ``state`` does not allow it."""
        following = self.transitions.get((state, event))
        if following is None:
            raise ContractError(code="TIE-STATE-001", message=f"A {self.name} in state {state} does not allow {event}.")
        return following


def _machine(name: str, initial: str, table: str) -> StateMachine:
    """A machine of a table with one transition a line: state, event, following state."""
    transitions = {}
    for row in table.strip().splitlines():
        before, event, after = row.split()
        transitions[before, event] = after
    return StateMachine(name=name, initial=initial, transitions=transitions)


# An approved entry is immutable: the only ways back are a recall (which reverses its actuals) before it is posted, and
# an adjustment (reversal and a new row) after. An exception goes back to exactly the state in which it arose.
TIME_ENTRY = _machine(
    "time entry",
    "draft",
    """
    draft submit submitted
    submitted approve approved
    submitted recall recalled
    submitted reject rejected
    recalled reopen draft
    rejected reopen draft
    approved validate validated
    approved recall recalled
    approved hold approved_exception
    validated enrich enriched
    validated recall recalled
    validated hold validated_exception
    enriched post posting
    enriched recall recalled
    enriched hold enriched_exception
    posting confirm posted
    posting hold posting_exception
    approved_exception release approved
    approved_exception cancel cancelled
    approved_exception recall recalled
    validated_exception release validated
    validated_exception cancel cancelled
    validated_exception recall recalled
    enriched_exception release enriched
    enriched_exception cancel cancelled
    enriched_exception recall recalled
    posting_exception release posting
    posting_exception cancel cancelled
    posted invoice invoiced
    posted adjust adjusted
    invoiced pay paid
    invoiced adjust adjusted
    """,
)

# Provisioning is one step per target system; activation needs every acknowledgement.
PROJECT = _machine(
    "project",
    "proposed",
    """
    proposed approve approved
    approved provision provisioning
    provisioning activate active
    active hold on_hold
    on_hold resume active
    active complete delivery_complete
    delivery_complete reopen active
    delivery_complete close financially_closed
    financially_closed archive archived
    """,
)

ASSIGNMENT = _machine(
    "assignment",
    "requested",
    """
    requested propose proposed
    requested cancel cancelled
    proposed book_soft soft
    proposed book_hard hard
    proposed cancel cancelled
    soft harden hard
    soft cancel cancelled
    hard soften soft
    hard start in_progress
    hard cancel cancelled
    in_progress complete completed
    in_progress cancel cancelled
    """,
)

# An amendment is a new version of the contract; it is in force from its own start.
CONTRACT = _machine(
    "contract",
    "draft",
    """
    draft sign signed
    signed activate active
    signed terminate terminated
    active amend amended
    active expire expired
    active terminate terminated
    amended amend amended
    amended expire expired
    amended terminate terminated
    """,
)

INVOICE_EVENT = _machine(
    "invoice event",
    "proposed",
    """
    proposed draft draft
    proposed cancel cancelled
    draft issue issued
    draft cancel cancelled
    issued pay_part part_paid
    issued pay paid
    issued credit credited
    issued cancel cancelled
    part_paid pay_part part_paid
    part_paid pay paid
    part_paid credit credited
    paid credit credited
    """,
)

# A reopened period is open again; that it was reopened, by whom and why, is in the audit trail.
PERIOD = _machine(
    "period",
    "future",
    """
    future open open
    open soft_close soft_closed
    open close closed
    soft_closed close closed
    soft_closed reopen open
    closed reopen open
    """,
)

ALL = (TIME_ENTRY, PROJECT, ASSIGNMENT, CONTRACT, INVOICE_EVENT, PERIOD)
