"""What one person proposes takes effect only when another approves exactly that, once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import msgspec
import psycopg
import pytest
from tests.worlds import inbound_firm as world
from tests.worlds.inbound_database import Hub
from tests.worlds.people import CONTROLLER, FINANCE, person, program

from tieout.desk import acts, item_view, proposal_store, proposals, queue
from tieout.desk.proposals import Decided, Proposed
from tieout.errors import ConfigurationError, TieoutError
from tieout.governance import audit
from tieout.model.access import Principal, Role, Scope
from tieout.storage.pool import connect, in_transaction


def items(hub: Hub, code: str = "PROJECT_UNKNOWN") -> list[int]:
    return queue.find_items(hub.conn, code=code)


def item_of(hub: Hub, source_id: str) -> int:
    [(item_id,)] = hub.rows("select item_id from desk_item where source_id = %s", source_id)
    return int(str(item_id))


def exclusion(hub: Hub, chosen: list[int], maker: Principal = FINANCE) -> Proposed:
    return in_transaction(
        hub.conn,
        lambda cur: proposals.propose_exclusion(cur, chosen, maker=maker, reason="Internal.", now=hub.clock.now()),
    )


def approve(hub: Hub, made: Proposed, by: Principal = CONTROLLER, content_hash: str | None = None) -> Decided:
    return in_transaction(
        hub.conn,
        lambda cur: proposals.approve(
            cur, made.proposal_id, by, content_hash or made.content_hash, now=hub.clock.now(), reason="Seen."
        ),
    )


def refused(act: Callable[[], object]) -> str:
    with pytest.raises(ConfigurationError) as caught:
        act()
    return caught.value.code


def state_of(hub: Hub, made: Proposed) -> str:
    return proposal_store.show(hub.conn, made.proposal_id)[0].state


def test_an_exclusion_changes_nothing_until_another_person_approves_it(hub: Hub) -> None:
    chosen = items(hub)
    made = exclusion(hub, chosen)
    assert items(hub) == chosen
    assert approve(hub, made).item_count == 3
    assert items(hub) == []
    assert {one.state for one in queue.items(hub.conn, queue.Chosen(state=queue.ItemState.EXCLUDED)).items} == {
        "excluded"
    }
    history = [(one.action, one.actor) for one in item_view.history(hub.conn, chosen[0])]
    assert history == [("propose_exclude", "fran"), ("excluded", "cleo")]
    assert state_of(hub, made) == "done"


def test_every_step_of_a_proposal_is_in_the_audit_chain_with_the_hash_that_was_approved(hub: Hub) -> None:
    made = exclusion(hub, items(hub))
    approve(hub, made)
    told = audit.entries(hub.conn, object_kind="proposal", object_id=str(made.proposal_id))
    assert [(one.entry.action, one.entry.principal, one.entry.approval) for one in told] == [
        ("proposal.approved", "cleo", made.content_hash),
        ("proposal.proposed", "fran", None),
    ]


def test_nobody_approves_what_he_proposed_not_even_under_another_number_of_his_name(hub: Hub) -> None:
    maker = person("fran", Role.CONTROLLER)
    made = exclusion(hub, items(hub), maker)
    again = msgspec.structs.replace(CONTROLLER, name="Fran")
    assert refused(lambda: approve(hub, made, maker)) == "TIE-DESK-004"
    assert refused(lambda: approve(hub, made, again)) == "TIE-DESK-004"
    assert state_of(hub, made) == "open"
    assert len(items(hub)) == 3


def test_the_database_itself_refuses_an_approval_by_the_maker(hub: Hub) -> None:
    made = exclusion(hub, items(hub))
    with pytest.raises(psycopg.errors.CheckViolation):
        hub.conn.execute(
            "update proposal set state = 'approved', checker_id = maker_id where proposal_id = %s", (made.proposal_id,)
        )


def test_a_program_approves_nothing(hub: Hub) -> None:
    made = exclusion(hub, items(hub))
    assert refused(lambda: approve(hub, made, program("robot", Scope.DESK_APPROVE))) == "TIE-DESK-004"


def test_an_approval_needs_the_right_for_every_legal_entity_that_is_touched(hub: Hub) -> None:
    us, de = item_of(hub, "none-us"), item_of(hub, "none-de")
    of_us = person("uma", Role.CONTROLLER, entity="US01")
    assert refused(lambda: approve(hub, exclusion(hub, [us, de]), of_us)) == "TIE-DESK-003"
    assert refused(lambda: approve(hub, exclusion(hub, items(hub)), of_us)) == "TIE-DESK-003"
    assert refused(lambda: approve(hub, exclusion(hub, [us]), FINANCE)) == "TIE-DESK-003"
    assert approve(hub, exclusion(hub, [us]), of_us).state == "done"


def test_a_proposal_needs_the_right_to_work_on_every_legal_entity_that_is_touched(hub: Hub) -> None:
    of_us = person("uma", Role.FINANCE_OPERATIONS, entity="US01")
    us, de = item_of(hub, "none-us"), item_of(hub, "none-de")
    assert refused(lambda: exclusion(hub, [us, de], of_us)) == "TIE-DESK-003"
    assert refused(lambda: exclusion(hub, [us], person("rea", Role.READER))) == "TIE-DESK-003"
    assert exclusion(hub, [us], of_us).item_count == 1


def test_an_approval_of_something_else_than_what_is_proposed_is_refused(hub: Hub) -> None:
    made, other = exclusion(hub, items(hub)[:1]), exclusion(hub, items(hub)[1:])
    assert refused(lambda: approve(hub, made, content_hash=other.content_hash)) == "TIE-DESK-005"
    assert refused(lambda: approve(hub, made, content_hash="0" * 64)) == "TIE-DESK-005"
    assert len(items(hub)) == 3


def test_a_selection_that_has_changed_since_cannot_be_approved_any_more(hub: Hub) -> None:
    chosen = items(hub)
    made = exclusion(hub, chosen)
    approve(hub, exclusion(hub, chosen[:1]))
    assert proposal_store.show(hub.conn, made.proposal_id)[1] is False
    assert refused(lambda: approve(hub, made)) == "TIE-DESK-005"
    assert items(hub) == chosen[1:]


def test_a_proposal_that_nobody_decided_in_time_cannot_be_approved(hub: Hub) -> None:
    made = exclusion(hub, items(hub))
    hub.clock.advance(proposals.LIFETIME.total_seconds() + 1)
    assert refused(lambda: approve(hub, made)) == "TIE-DESK-006"
    assert in_transaction(hub.conn, lambda cur: proposals.expire(cur, now=hub.clock.now())) == 1
    assert state_of(hub, made) == "expired"


def test_a_rejected_and_a_withdrawn_proposal_have_no_effect(hub: Hub) -> None:
    rejected, withdrawn = exclusion(hub, items(hub)), exclusion(hub, items(hub))
    for made, by in ((rejected, CONTROLLER), (withdrawn, FINANCE)):
        in_transaction(
            hub.conn,
            lambda cur, made=made, by=by: proposals.reject(  # type: ignore[misc]  # bound on purpose
                cur, made.proposal_id, by, reason="No.", now=hub.clock.now()
            ),
        )
        assert refused(lambda made=made: approve(hub, made)) == "TIE-DESK-006"  # type: ignore[misc]  # bound on purpose
    assert (state_of(hub, rejected), state_of(hub, withdrawn)) == ("rejected", "withdrawn")
    assert len(items(hub)) == 3


def test_fifty_approvals_at_once_have_one_effect(hub: Hub, database_url: str) -> None:
    made = exclusion(hub, items(hub))

    def one(number: int) -> str:
        with connect(database_url, autocommit=True) as conn:
            checker = person(f"checker {number}", Role.CONTROLLER)
            try:
                in_transaction(
                    conn,
                    lambda cur: proposals.approve(
                        cur, made.proposal_id, checker, made.content_hash, now=hub.clock.now()
                    ),
                )
            except TieoutError as error:
                return error.code
            return "done"

    with ThreadPoolExecutor(max_workers=25) as pool:
        said = list(pool.map(one, range(50)))
    assert sorted(said) == ["TIE-DESK-006"] * 49 + ["done"]
    assert hub.rows("select count(*) from desk_action where action = 'excluded'") == [(3,)]
    assert hub.rows("select count(*) from audit_entry where action = 'proposal.approved'") == [(1,)]


def test_an_overruled_finding_lets_the_record_pass_once_it_is_approved(hub: Hub) -> None:
    hub.take(*(world.said(source_id=f"twin-{at}") for at in (1, 2)))
    [held] = items(hub, "DUPLICATE_NATURAL")
    made = in_transaction(
        hub.conn,
        lambda cur: proposals.propose_overruling(
            cur, [held], maker=FINANCE, reason="Two sessions.", now=hub.clock.now()
        ),
    )
    hub.work()
    assert items(hub, "DUPLICATE_NATURAL") == [held]
    approve(hub, made)
    hub.work()
    assert items(hub, "DUPLICATE_NATURAL") == []
    assert hub.standing()["twin-2"] == (1, 1)


def test_what_was_done_and_what_was_proposed_is_never_changed_or_deleted(hub: Hub) -> None:
    exclusion(hub, items(hub))
    for statement in (
        "update desk_action set actor = 'nobody'",
        "delete from desk_action",
        "truncate desk_action",
        "update proposal set content = content || ' '",
        "update proposal set maker = 'nobody'",
        "delete from proposal",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            hub.conn.execute(statement)


def test_one_person_assigns_comments_and_retries_within_his_rights(hub: Hub) -> None:
    chosen = items(hub)
    now = hub.clock.now()
    assert in_transaction(hub.conn, lambda cur: acts.assign(cur, chosen, FINANCE, "ines", now=now)) == 3
    in_transaction(hub.conn, lambda cur: acts.comment(cur, chosen[:1], FINANCE, "Asked.", now=now))
    mine = queue.items(hub.conn, queue.Chosen(assignee="ines")).items
    assert [one.item_id for one in mine] == chosen
    assert in_transaction(hub.conn, lambda cur: acts.assign(cur, chosen[:1], FINANCE, None, now=now)) == 1
    assert len(queue.items(hub.conn, queue.Chosen(assignee="ines")).items) == 2
    assert in_transaction(hub.conn, lambda cur: acts.retry(cur, chosen, FINANCE, now=now)) == 3
    reader = person("rea", Role.READER)
    assert (
        refused(lambda: in_transaction(hub.conn, lambda cur: acts.retry(cur, chosen, reader, now=now)))
        == "TIE-DESK-003"
    )
    actions = [one.action for one in item_view.history(hub.conn, chosen[0])]
    assert actions == ["assign", "comment", "assign", "retry"]
    assert {one.entry.action for one in audit.entries(hub.conn, object_kind="desk_item")} == {
        "desk.assign",
        "desk.comment",
        "desk.retry",
    }
