"""Access given and taken back from the command line."""

import csv
import io
import re

import msgspec
import pytest
from tests.unit.cli.conftest import CommandLine
from tests.worlds.inbound_database import Hub

from tieout.api.keys import principal_of
from tieout.cli.access import first_administrator
from tieout.governance import audit
from tieout.governance.access_review import ReviewLine
from tieout.model.access import ROLE_SCOPES, Role
from tieout.runtime.installation import Installation, door_database
from tieout.storage.pool import connect


def lines(tieout: CommandLine) -> list[ReviewLine]:
    return msgspec.json.decode(tieout("access", "review", "--json").json(), type=list[ReviewLine])


def test_a_person_is_entered_given_a_role_and_a_link_that_works(tieout: CommandLine, hub: Hub) -> None:
    assert tieout("access", "person", "add", "ada@example.com", "--name", "Ada").code == 0
    assert tieout("access", "grant", "ada@example.com", "controller", "--entity", "DE01", "--reason", "hired").code == 0
    found = lines(tieout)
    assert {one.scope for one in found} == {scope.value for scope in ROLE_SCOPES[Role.CONTROLLER]}
    assert {(one.principal, one.entity, one.granted_by, one.reason) for one in found} == {
        ("Ada", "DE01", "auditor", "hired")
    }
    link = tieout("access", "link", "ADA@example.com", "--url", "https://tieout.example/").out.strip()
    assert re.fullmatch(r"https://tieout\.example/sign-in/[\w-]{43}", link)
    told = [line.entry.action for line in audit.entries(hub.conn)]
    assert told == ["sign_in.link_made", "access.granted", "access.entered"]


def test_a_grant_is_taken_back_by_its_number(tieout: CommandLine, hub: Hub) -> None:
    del hub
    tieout("access", "person", "add", "ada@example.com", "--name", "Ada")
    tieout("access", "grant", "ada@example.com", "reader", "--until", "2099-01-01")
    (grant_id,) = {one.grant_id for one in lines(tieout)}
    assert tieout("access", "revoke", grant_id, "--reason", "left").code == 0
    assert lines(tieout) == []
    assert "TIE-ACCESS-005" in tieout.refuses("access", "revoke", grant_id)


def test_a_program_gets_credentials_once_and_a_second_secret_before_the_first_ends(
    tieout: CommandLine, hub: Hub
) -> None:
    del hub
    made = tieout("access", "client", "add", "warehouse", "--scope", "events:read", "--entity", "US01").out
    client_id, secret = re.findall(r"^client_\w+: +(\S+)$", made, re.MULTILINE)
    assert [(one.scope, one.entity) for one in lines(tieout)] == [("events:read", "US01")]
    assert secret not in tieout("access", "client", "rotate", client_id).out
    assert tieout("access", "client", "finish", client_id).code == 0
    assert "TIE-ACCESS-007" in tieout.refuses("access", "client", "finish", client_id)
    assert client_id in tieout("access", "list").out
    assert "let in no more" in tieout("access", "disable", "warehouse").out
    assert "TIE-ACCESS-007" in tieout.refuses("access", "client", "rotate", client_id)


def test_the_review_is_a_file_that_no_spreadsheet_runs(tieout: CommandLine, hub: Hub) -> None:
    del hub
    tieout("access", "person", "add", "ada@example.com", "--name", "=cmd|'/c calc'!A1")
    tieout("access", "grant", "ada@example.com", "reader")
    rows = list(csv.DictReader(io.StringIO(tieout("access", "review", "--csv").out)))
    assert len(rows) == len(ROLE_SCOPES[Role.READER])
    assert {row["principal"] for row in rows} == {"'=cmd|'/c calc'!A1"}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("grant", "nobody@example.com", "reader"), "TIE-ACCESS-002"),
        (("grant", "ada@example.com", "owner"), "TIE-CLI-001"),
        (("grant", "ada@example.com", "reader", "--entity", "XX99"), "TIE-ACCESS-003"),
        (("grant", "ada@example.com", "desk:read"), "TIE-ACCESS-003"),
        (("person", "add", "ada@example.com", "--name", "Another"), "TIE-ACCESS-001"),
        (("person", "add", "no address", "--name", "Another"), "TIE-ACCESS-001"),
        (("link", "nobody@example.com"), "TIE-ACCESS-002"),
    ],
)
def test_mistakes_are_named(tieout: CommandLine, hub: Hub, arguments: tuple[str, ...], code: str) -> None:
    del hub
    tieout("access", "person", "add", "ada@example.com", "--name", "Ada")
    assert code in tieout.refuses("access", *arguments)


def test_the_first_start_of_a_hub_makes_an_administrator_and_later_ones_do_not(database_url: str) -> None:
    link = first_administrator(database_url, "http://127.0.0.1:8470")
    assert link is not None
    assert link.startswith("http://127.0.0.1:8470/sign-in/")
    assert first_administrator(database_url, "http://127.0.0.1:8470") is None
    with connect(database_url) as conn:
        rows = conn.execute("select p.email, g.role, g.entity from principal p join role_grant g using (principal_id)")
        assert rows.fetchall() == [("administrator@localhost", "administrator", None)]


def test_the_keys_of_tokens_are_changed_by_a_command(tieout: CommandLine, hub: Hub) -> None:
    del hub
    kids = {tieout("access", "rotate-keys").out.split()[-1] for _ in range(2)}
    assert len(kids) == 2


def test_a_key_to_hand_in_time_is_a_program_that_may_just_that(tieout: CommandLine, hub: Hub) -> None:
    del hub
    tieout("key", "create", "--system", "timeapp", "--name", "time app")
    assert [(one.principal, one.scope, one.entity) for one in lines(tieout)] == [("time app", "time:submit", "all")]


def test_a_key_whose_right_was_taken_back_lets_nothing_in(tieout: CommandLine, hub: Hub) -> None:
    key = tieout("key", "create", "--system", "timeapp", "--name", "time app").out.strip()
    assert principal_of(hub.conn, key, now=hub.clock.now()) is not None
    tieout("access", "revoke", lines(tieout)[0].grant_id)
    assert principal_of(hub.conn, key, now=hub.clock.now()) is None


def test_a_hub_serves_its_doors_as_the_role_that_rows_are_kept_from(
    tieout: CommandLine, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TIEOUT_DOOR_DATABASE_URL", raising=False)
    tieout.home.mkdir()
    door = door_database(Installation(home=tieout.home, url=database_url, server=None))
    with connect(door) as conn:
        assert conn.info.user == "tieout_door"
