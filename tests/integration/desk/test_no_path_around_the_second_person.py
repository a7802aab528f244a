"""Whatever people propose, approve and reject, and sources change, in any order: nothing is out by one person alone."""

from collections.abc import Callable
from contextlib import ExitStack
from decimal import Decimal
from typing import Final

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from psycopg import Cursor
from tests.worlds import inbound_firm as world
from tests.worlds.inbound_database import Hub
from tests.worlds.people import person, program

from tieout.desk import proposals
from tieout.desk.proposals import Proposed
from tieout.errors import ConfigurationError
from tieout.model.access import Principal, Role, Scope
from tieout.storage.pool import in_transaction

PEOPLE: Final = (
    person("ann", Role.CONTROLLER),
    person("bob", Role.CONTROLLER),
    person("Ann", Role.CONTROLLER),
    person("eve", Role.FINANCE_OPERATIONS),
    person("uma", Role.CONTROLLER, entity="US01"),
    person("rea", Role.READER),
    program("robot", Scope.DESK_WORK, Scope.DESK_APPROVE),
)
SOURCES: Final = ("u0", "u1", "u2", "none-us", "none-de")
people = st.sampled_from(PEOPLE)
numbers = st.integers(0, 30)


class Desk(RuleBasedStateMachine):
    """The desk in one transaction that is rolled back in the end."""

    def __init__(self, hub: Hub) -> None:
        super().__init__()
        self.hub = hub
        self.made: list[Proposed] = []
        self.versions = dict.fromkeys(SOURCES, 1)
        self.stack = ExitStack()

    @initialize()
    def begin(self) -> None:
        self.stack.enter_context(self.hub.conn.transaction(force_rollback=True))

    def teardown(self) -> None:
        self.stack.close()

    def item(self, source_id: str) -> int:
        return int(str(self.hub.rows("select max(item_id) from desk_item where source_id = %s", source_id)[0][0]))

    def done(self, act: Callable[[Cursor[tuple[object, ...]]], object], *, or_refused: set[str]) -> bool:
        """Whether ``act`` took effect; else it was refused with one of the codes."""
        code = None
        try:
            in_transaction(self.hub.conn, act)
        except ConfigurationError as error:
            code = error.code
        assert code is None or code in or_refused
        return code is None

    @rule(maker=people, chosen=st.sets(st.sampled_from(SOURCES), min_size=1))
    def propose(self, maker: Principal, chosen: set[str]) -> None:
        items, now = [self.item(one) for one in chosen], self.hub.clock.now()

        def act(cur: Cursor[tuple[object, ...]]) -> None:
            self.made.append(proposals.propose_exclusion(cur, items, maker=maker, reason="So.", now=now))

        self.done(act, or_refused={"TIE-DESK-001", "TIE-DESK-003"})

    @rule(checker=people, which=numbers, seen=numbers)
    def approve(self, checker: Principal, which: int, seen: int) -> None:
        if not self.made:
            return
        made, looked_at = self.made[which % len(self.made)], self.made[seen % len(self.made)]
        refusals = {"TIE-DESK-003", "TIE-DESK-004", "TIE-DESK-005", "TIE-DESK-006"}
        now = self.hub.clock.now()
        if self.done(
            lambda cur: proposals.approve(cur, made.proposal_id, checker, looked_at.content_hash, now=now),
            or_refused=refusals,
        ):
            assert looked_at.content_hash == made.content_hash

    @rule(somebody=people, which=numbers)
    def reject(self, somebody: Principal, which: int) -> None:
        if self.made:
            made, now = self.made[which % len(self.made)], self.hub.clock.now()
            self.done(
                lambda cur: proposals.reject(cur, made.proposal_id, somebody, reason="No.", now=now),
                or_refused={"TIE-DESK-003", "TIE-DESK-006"},
            )

    @rule(source_id=st.sampled_from(("u0", "u1", "u2")))
    def source_changes(self, source_id: str) -> None:
        self.versions[source_id] += 1
        number = self.versions[source_id]
        self.hub.take(world.said(source_id=source_id, project="P999", version=number, hours=Decimal(number)))

    @rule()
    def a_week_goes_by(self) -> None:
        self.hub.clock.advance(proposals.LIFETIME.total_seconds())

    @invariant()
    def what_is_out_was_approved_by_another_person_exactly_so(self) -> None:
        bad = self.hub.rows(
            """
            select i.item_id from desk_item i
             where i.state = 'excluded' and not exists (
                   select from proposal p join proposal_item x using (proposal_id)
                    where x.item_id = i.item_id and p.state = 'done' and lower(p.maker) <> lower(p.checker)
                      and p.checker not in ('robot', 'rea', 'eve') and p.decided_at < p.expires_at
                      and exists (select from audit_entry a
                                   where a.action = 'proposal.approved' and a.object_id = p.proposal_id::text
                                     and a.content::jsonb ->> 'approval' = p.content_hash)
                      and exists (select from jsonb_array_elements(p.content::jsonb -> 'items') as seen
                                   where (seen ->> 'item_id')::bigint = i.item_id
                                     and (seen ->> 'subject_id')::bigint = i.subject_id))
            """
        )
        assert bad == []

    @invariant()
    def each_proposal_is_decided_once(self) -> None:
        assert (
            self.hub.rows(
                """
            select object_id from audit_entry
             where action in ('proposal.approved', 'proposal.rejected', 'proposal.withdrawn')
             group by object_id having count(*) > 1
            """
            )
            == []
        )


@pytest.mark.timeout(300)
def test_nothing_is_excluded_by_one_person_alone(hub: Hub) -> None:
    run_state_machine_as_test(
        lambda: Desk(hub),  # type: ignore[arg-type]  # it is called, whatever it is
        settings=settings(
            max_examples=12, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
