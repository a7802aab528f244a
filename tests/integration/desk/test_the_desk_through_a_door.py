"""The desk as the doors see it: in the role that row-level security binds, with the legal entities of whoever asks."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg import Cursor
from tests.worlds.inbound_database import Hub
from tests.worlds.people import CONTROLLER, FINANCE, person

from tieout.desk import acts, item_view, proposal_store, proposals, queue
from tieout.desk.proposals import Proposed
from tieout.errors import ConfigurationError
from tieout.governance.mapping_additions import MappingAddition
from tieout.model.access import Principal, Role, Scope
from tieout.runtime.proposals import propose_mapping
from tieout.storage.pool import Row, sync_pool
from tieout.storage.roles import check_roles, door_url, let_door_in
from tieout.web.database import DoorDatabase

OF_US = person("uma", Role.FINANCE_OPERATIONS, entity="US01")
CHECKS_US = person("chris", Role.CONTROLLER, entity="US01")
OF_DE = person("dora", Role.CONTROLLER, entity="DE01")


@pytest.fixture
def door(hub: Hub, database_url: str, tmp_path: Path) -> Iterator[DoorDatabase]:
    """A door on the hub's database."""
    assert hub.open_items()
    url = door_url(database_url, home=tmp_path, environ={})
    let_door_in(database_url, url)
    check_roles(database_url, url)
    pool = sync_pool(url, application="door", size=2)
    yield DoorDatabase(pool)
    pool.close()


def propose(door: DoorDatabase, hub: Hub, item_ids: list[int], maker: Principal) -> Proposed:
    with door.as_principal(maker, Scope.DESK_WORK) as conn, conn.cursor() as cur:
        return proposals.propose_exclusion(cur, item_ids, maker=maker, reason="Test.", now=hub.clock.now())


def seen(door: DoorDatabase, principal: Principal) -> set[str | None]:
    with door.as_principal(principal, Scope.DESK_READ) as conn:
        listed = queue.items(conn, limit=None).items
        assert queue.totals(conn).items == len(listed) == sum(one.items for one in queue.causes(conn).causes)
        for one in listed:
            assert item_view.whole(conn, one.item_id).item == one
    return {one.source_id for one in listed}


def test_everybody_sees_the_items_of_his_legal_entities_alone(door: DoorDatabase) -> None:
    assert seen(door, OF_US) == {"none-us"}
    assert seen(door, OF_DE) == {"none-de"}
    assert seen(door, FINANCE) == {"u0", "u1", "u2", "none-us", "none-de"}
    assert seen(door, person("nobody")) == set()


def test_an_exclusion_is_proposed_and_approved_through_doors_alone(door: DoorDatabase, hub: Hub) -> None:
    [(us,)] = hub.rows("select item_id from desk_item where source_id = 'none-us'")
    made = propose(door, hub, [int(str(us))], OF_US)
    with door.as_principal(OF_DE, Scope.DESK_APPROVE) as conn:
        assert proposal_store.proposals(conn) == []
        with pytest.raises(ConfigurationError, match="no proposal"):
            proposal_store.show(conn, made.proposal_id)
    with door.as_principal(CHECKS_US, Scope.DESK_APPROVE) as conn, conn.cursor() as cur:
        found, is_current = proposal_store.show(conn, made.proposal_id)
        assert is_current
        done = proposals.approve(cur, made.proposal_id, CHECKS_US, found.content_hash, now=hub.clock.now())
    assert done.state == "done"
    assert hub.rows("select state from desk_item where item_id = %s", us) == [("excluded",)]


def test_an_item_of_another_legal_entity_is_not_there_for_any_act(door: DoorDatabase, hub: Hub) -> None:
    [(de,)] = hub.rows("select item_id from desk_item where source_id = 'none-de'")
    item = int(str(de))
    now = hub.clock.now()

    def each(conn_cursor: Cursor[Row]) -> Iterator[object]:
        yield lambda: acts.retry(conn_cursor, [item], OF_US, now=now)
        yield lambda: acts.assign(conn_cursor, [item], OF_US, "uma", now=now)
        yield lambda: acts.comment(conn_cursor, [item], OF_US, "Mine.", now=now)
        yield lambda: proposals.propose_exclusion(conn_cursor, [item], maker=OF_US, reason="Mine.", now=now)
        yield lambda: proposals.propose_overruling(conn_cursor, [item], maker=OF_US, reason="Mine.", now=now)

    with door.as_principal(OF_US, Scope.DESK_WORK) as conn, conn.cursor() as cur:
        for act in each(cur):
            with pytest.raises(ConfigurationError) as caught:
                act()  # type: ignore[operator]  # one of the acts above
            assert caught.value.code == "TIE-DESK-001"
        with pytest.raises(ConfigurationError):
            item_view.whole(conn, item)
    assert hub.rows("select count(*) from desk_action where item_id = %s", de) == [(0,)]


def test_one_person_works_and_edits_through_a_door(door: DoorDatabase, hub: Hub) -> None:
    [(us,)] = hub.rows("select item_id from desk_item where source_id = 'none-us'")
    item = int(str(us))
    now = hub.clock.now()
    with door.as_principal(OF_US, Scope.DESK_WORK) as conn, conn.cursor() as cur:
        acts.assign(cur, [item], OF_US, "uma", now=now)
        acts.comment(cur, [item], OF_US, "Asked.", now=now)
        made = proposals.propose_edit(cur, item, {"hours": "7.5"}, maker=OF_US, reason="Forgotten.", now=now)
    assert isinstance(made, Proposed)
    with door.as_principal(CHECKS_US, Scope.DESK_APPROVE) as conn, conn.cursor() as cur:
        proposals.approve(cur, made.proposal_id, CHECKS_US, made.content_hash, now=now)
    hub.work()
    assert hub.rows("select state from desk_item where item_id = %s", us) == [("resolved",)]


def test_a_mapping_line_is_proposed_and_approved_through_doors(door: DoorDatabase, hub: Hub) -> None:
    line = MappingAddition(table="legal_entities", source="Acme France", target="US01")
    with door.as_principal(FINANCE, Scope.MAPPINGS_PROPOSE) as conn, conn.cursor() as cur:
        made = propose_mapping(cur, line, maker=FINANCE, reason="New.", now=hub.clock.now())
    with door.as_principal(CONTROLLER, Scope.MAPPINGS_APPROVE) as conn, conn.cursor() as cur:
        done = proposals.approve(cur, made.proposal_id, CONTROLLER, made.content_hash, now=hub.clock.now())
    assert done.state == "approved"
