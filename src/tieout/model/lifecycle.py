"""State machines of the canonical objects (domain model 1.4), as data."""

import msgspec

from tieout.errors import ContractError


class StateMachine(msgspec.Struct, frozen=True, kw_only=True):
    """States and the events that lead from one to another; what is not listed is refused."""

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

    def advance(self, state: str, event: str) -> str:
        """The state after ``event``; raises ContractError when ``state`` does not allow it."""
        following = self.transitions.get((state, event))
        if following is None:
            raise ContractError(
                code="TIE-STATE-001", message=f"A {self.name} in state {state} does not allow {event}."
            )
        return following


def _machine(name: str, initial: str, table: str) -> StateMachine:
    transitions = {}
    for row in table.strip().splitlines():
        before, event, after = row.split()
        transitions[before, event] = after
    return StateMachine(name=name, initial=initial, transitions=transitions)


TIME_ENTRY = _machine("time entry", "draft", """
    draft submit submitted
    submitted approve approved
    submitted recall recalled
    submitted reject rejected
    recalled reopen draft
    rejected reopen draft
    approved validate validated
    approved recall recalled
    approved hold exception
    validated enrich enriched
    validated hold exception
    enriched post posting
    enriched hold exception
    posting confirm posted
    posting hold exception
    exception release validated
    exception cancel cancelled
    posted invoice invoiced
    posted adjust adjusted
    invoiced pay paid
    invoiced adjust adjusted
""")

PROJECT = _machine("project", "proposed", """
    proposed approve approved
    approved provision provisioning
    provisioning activate active
    active hold on_hold
    on_hold resume active
    active complete delivery_complete
    delivery_complete reopen active
    delivery_complete close financially_closed
    financially_closed archive archived
""")

ASSIGNMENT = _machine("assignment", "requested", """
    requested propose proposed
    proposed book_soft soft
    proposed book_hard hard
    soft harden hard
    hard soften soft
    hard start in_progress
    in_progress complete completed
    requested cancel cancelled
    proposed cancel cancelled
    soft cancel cancelled
    hard cancel cancelled
    in_progress cancel cancelled
""")

CONTRACT = _machine("contract", "draft", """
    draft sign signed
    signed activate active
    active amend amended
    amended activate active
    active expire expired
    active terminate terminated
    signed terminate terminated
""")

INVOICE_EVENT = _machine("invoice event", "proposed", """
    proposed draft draft
    draft issue issued
    draft cancel cancelled
    issued pay_part part_paid
    issued pay paid
    part_paid pay paid
    part_paid pay_part part_paid
    issued credit credited
    part_paid credit credited
    paid credit credited
    issued cancel cancelled
""")

PERIOD = _machine("period", "future", """
    future open open
    open soft_close soft_closed
    open close closed
    soft_closed close closed
    soft_closed open open
    closed reopen open
""")

ALL = (TIME_ENTRY, PROJECT, ASSIGNMENT, CONTRACT, INVOICE_EVENT, PERIOD)
