"""State machines: every listed transition works, every other pair is refused, every state can be reached."""

from enum import StrEnum
from itertools import product

import pytest

from tieout.errors import ContractError
from tieout.model import lifecycle
from tieout.model.assignment import AssignmentState
from tieout.model.contract import ContractState
from tieout.model.invoice import InvoiceState
from tieout.model.lifecycle import StateMachine
from tieout.model.period import PeriodState
from tieout.model.project import ProjectState
from tieout.model.time import TimeEntryState

MACHINES = pytest.mark.parametrize("machine", lifecycle.ALL, ids=lambda one: one.name)


def _walk(machine: StateMachine, *events: str) -> str:
    state = machine.initial
    for event in events:
        state = machine.advance(state, event)
    return state


@MACHINES
def test_every_pair_that_is_not_listed_is_refused(machine: StateMachine) -> None:
    for state, event in product(machine.states, machine.events | {"nonsense"}):
        if (state, event) in machine.transitions:
            assert machine.advance(state, event) == machine.transitions[state, event]
        else:
            with pytest.raises(ContractError) as refused:
                machine.advance(state, event)
            assert refused.value.code == "TIE-STATE-001"
            assert state in refused.value.message
            assert event in refused.value.message


@MACHINES
def test_every_state_can_be_reached_and_an_unknown_one_goes_nowhere(machine: StateMachine) -> None:
    reached = {machine.initial}
    for _ in machine.states:
        reached |= {after for (before, _), after in machine.transitions.items() if before in reached}
    assert reached == machine.states
    with pytest.raises(ContractError):
        machine.advance("nowhere", min(machine.events))


@pytest.mark.parametrize(
    ("machine", "states"),
    [
        (lifecycle.TIME_ENTRY, TimeEntryState),
        (lifecycle.PROJECT, ProjectState),
        (lifecycle.ASSIGNMENT, AssignmentState),
        (lifecycle.CONTRACT, ContractState),
        (lifecycle.INVOICE_EVENT, InvoiceState),
        (lifecycle.PERIOD, PeriodState),
    ],
)
def test_the_states_of_an_object_are_those_of_its_machine(machine: StateMachine, states: type[StrEnum]) -> None:
    assert {str(state) for state in states} == machine.states


@pytest.mark.parametrize(
    ("machine", "final"),
    [
        (lifecycle.TIME_ENTRY, {"paid", "adjusted", "cancelled"}),
        (lifecycle.PROJECT, {"archived"}),
        (lifecycle.ASSIGNMENT, {"completed", "cancelled"}),
        (lifecycle.CONTRACT, {"expired", "terminated"}),
        (lifecycle.INVOICE_EVENT, {"credited", "cancelled"}),
        (lifecycle.PERIOD, set()),
    ],
)
def test_only_these_states_are_final(machine: StateMachine, final: set[str]) -> None:
    assert machine.final_states == final


def test_a_time_entry_goes_from_draft_to_paid() -> None:
    events = ("submit", "approve", "validate", "enrich", "post", "confirm", "invoice", "pay")
    assert _walk(lifecycle.TIME_ENTRY, *events) == "paid"


@pytest.mark.parametrize("so_far", [(), ("validate",), ("validate", "enrich"), ("validate", "enrich", "post")])
def test_an_exception_goes_back_to_the_state_in_which_it_arose(so_far: tuple[str, ...]) -> None:
    before = _walk(lifecycle.TIME_ENTRY, "submit", "approve", *so_far)
    assert _walk(lifecycle.TIME_ENTRY, "submit", "approve", *so_far, "hold", "release") == before
    assert _walk(lifecycle.TIME_ENTRY, "submit", "approve", *so_far, "hold", "cancel") == "cancelled"


def test_a_recalled_or_rejected_entry_is_a_draft_again() -> None:
    assert _walk(lifecycle.TIME_ENTRY, "submit", "recall", "reopen") == "draft"
    assert _walk(lifecycle.TIME_ENTRY, "submit", "reject", "reopen") == "draft"
    assert _walk(lifecycle.TIME_ENTRY, "submit", "approve", "recall", "reopen") == "draft"


@pytest.mark.parametrize("state", ["posting", "posted", "invoiced", "paid"])
def test_what_is_on_its_way_to_the_ledger_or_in_it_cannot_be_recalled(state: str) -> None:
    with pytest.raises(ContractError):
        lifecycle.TIME_ENTRY.advance(state, "recall")


def test_a_closed_period_opens_again_only_by_reopening() -> None:
    assert _walk(lifecycle.PERIOD, "open", "soft_close", "close", "reopen") == "open"
    with pytest.raises(ContractError):
        lifecycle.PERIOD.advance("closed", "open")
