"""The role of the doors: what it is, what it may do, and that the hub refuses to serve where it could do more."""

from pathlib import Path

import psycopg
import pytest

from tieout.errors import ConfigurationError
from tieout.storage.cluster import ADMIN_ROLE, DOOR_ROLE, ROLE
from tieout.storage.embedded import EmbeddedPostgres
from tieout.storage.migrate import migrate
from tieout.storage.pool import connect
from tieout.storage.roles import check_roles, door_url, let_door_in, require_sight, unguarded_tables

KEPT_FROM_DOORS = {"stored_secret"}
"""Tables that no door reads: without a policy, none is let in."""


def refusal(url: str, door: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        check_roles(url, door)
    assert caught.value.code == "TIE-STORE-013"
    return caught.value.message


def test_every_table_says_who_sees_its_rows(database_url: str) -> None:
    with connect(database_url) as conn:
        assert set(unguarded_tables(conn)) == KEPT_FROM_DOORS


def test_an_embedded_server_has_a_role_for_its_doors(database_url: str, tmp_path: Path) -> None:
    door = door_url(database_url, home=tmp_path, environ={})
    let_door_in(database_url, door)
    check_roles(database_url, door)
    with connect(door) as conn:
        assert conn.info.user == DOOR_ROLE


def test_a_door_may_neither_change_the_ledger_nor_delete_nor_make_tables(door_url: str) -> None:
    with connect(door_url, autocommit=True) as conn:
        for statement in (
            "update actual set amount_minor = 0",
            "delete from desk_item",
            "truncate audit_entry",
            "update firm_version set config = ''",
            "create table tieout.mine (a int)",
            "alter table desk_item disable row level security",
            "set role tieout",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute(statement.encode())


def test_granting_again_grants_nothing_more_and_takes_back_what_somebody_added(
    database_url: str, door_url: str
) -> None:
    with connect(database_url, autocommit=True) as conn:
        conn.execute(f"grant delete on desk_item to {DOOR_ROLE}".encode())
        let_door_in(database_url, door_url)
        row = conn.execute("select has_table_privilege(%s, 'tieout.desk_item', 'delete')", (DOOR_ROLE,)).fetchone()
        assert row == (False,)


def test_a_table_without_a_policy_is_not_shown_to_doors(database_url: str, door_url: str) -> None:
    with connect(database_url, autocommit=True) as conn:
        conn.execute("create table tieout.forgotten (entity_id integer)")
        let_door_in(database_url, door_url)
        assert "forgotten" in unguarded_tables(conn)
    with connect(door_url, autocommit=True) as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute("select * from forgotten")


def test_the_hub_refuses_to_serve_with_doors_that_row_level_security_does_not_bind(
    database_url: str, door_url: str
) -> None:
    assert "the role of the hub itself" in refusal(database_url, database_url)
    as_admin = psycopg.conninfo.make_conninfo(database_url, user=ADMIN_ROLE)
    assert "is a superuser" in refusal(database_url, as_admin)
    assert "is a superuser" in refusal(as_admin, door_url)
    with connect(database_url, autocommit=True) as conn:
        conn.execute("alter table desk_item no force row level security")
        assert "without row-level security: desk_item" in refusal(database_url, door_url)


def test_a_hub_whose_role_would_see_nothing_is_told_so(door_url: str) -> None:
    with connect(door_url) as conn, pytest.raises(ConfigurationError) as caught:
        require_sight(conn)
    assert caught.value.code == "TIE-STORE-013"
    assert "bypassrls" in caught.value.next_step


def test_without_a_role_for_doors_the_hub_says_what_to_set(tmp_path: Path, database_url: str) -> None:
    elsewhere = psycopg.conninfo.make_conninfo(database_url, port="5433")
    with pytest.raises(ConfigurationError) as caught:
        door_url(database_url, home=tmp_path, environ={"TIEOUT_DOOR_DATABASE_URL": "no string"})
    assert caught.value.code == "TIE-STORE-014"
    assert door_url(database_url, home=tmp_path, environ={"TIEOUT_DOOR_DATABASE_URL": elsewhere}) == elsewhere


def test_where_the_hub_may_make_roles_it_makes_the_doors_role_with_a_password_of_its_own(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path / "hub") as server:
        migrate(server.url)
        with psycopg.connect(server.url_of("postgres", role=ADMIN_ROLE), autocommit=True) as admin:
            admin.execute(f"drop role {DOOR_ROLE}".encode())
            with pytest.raises(ConfigurationError) as caught:
                door_url(server.url, home=tmp_path, environ={})
            assert (caught.value.code, "may not make it" in caught.value.message) == ("TIE-STORE-014", True)
            admin.execute(f"alter role {ROLE} createrole".encode())
        door = door_url(server.url, home=tmp_path, environ={})
        let_door_in(server.url, door)
        check_roles(server.url, door)
        secret = tmp_path / "door-database.secret"
        assert secret.stat().st_mode & 0o077 == 0
        assert psycopg.conninfo.conninfo_to_dict(door)["password"] == secret.read_text()
        assert door_url(server.url, home=tmp_path, environ={}) == door
