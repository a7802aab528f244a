"""Who may do what: given, taken back, ended, told to the audit chain."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from psycopg import Connection
from tests.worlds.inbound_database import Hub

from tieout.errors import ConfigurationError
from tieout.governance import access, api_clients, audit, sign_in
from tieout.governance.access import Act, NewGrant, Right
from tieout.governance.access_review import review
from tieout.model.access import Principal, Role, Scope
from tieout.runtime.ids import SystemIds
from tieout.storage.pool import connect, in_transaction

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
ids = SystemIds()


def act(by: str = "admin", now: datetime = NOW) -> Act:
    return Act(by=by, now=now, reason="for a test")


class Register:
    """The register of access on a database with the entities US01 and DE01."""

    def __init__(self, conn: Connection[tuple[object, ...]]) -> None:
        self.conn = conn

    def person(self, name: str) -> UUID:
        person_id = ids.new_id()
        with self.conn.transaction(), self.conn.cursor() as cur:
            access.add_person(cur, name=name, email=f"{name}@example.com", person_id=person_id, act=act())
        return person_id

    def grant(self, who: UUID, right: Right, by: str = "admin") -> UUID:
        grant_id = ids.new_id()
        with self.conn.transaction(), self.conn.cursor() as cur:
            access.grant(cur, principal_id=who, right=right, grant_id=grant_id, act=act(by))
        return grant_id

    def revoke(self, grant_id: UUID) -> None:
        with self.conn.transaction(), self.conn.cursor() as cur:
            access.revoke(cur, grant_id=grant_id, act=act())

    def disable(self, who: UUID) -> None:
        with self.conn.transaction(), self.conn.cursor() as cur:
            access.disable(cur, principal_id=who, act=act())

    def principal(self, who: UUID, now: datetime = NOW) -> Principal:
        found = access.principal_by_id(self.conn, who, now=now)
        assert found is not None
        return found

    def refuses(self, code: str, who: UUID, right: Right, by: str = "admin") -> None:
        with pytest.raises(ConfigurationError) as caught:
            self.grant(who, right, by)
        assert caught.value.code == code


@pytest.fixture
def register(database_url: str) -> Iterator[Register]:
    with connect(database_url, autocommit=True) as conn:
        Hub(conn).open_firm()
        yield Register(conn)


def test_rights_are_those_of_the_roles_where_they_were_given(register: Register) -> None:
    ada = register.person("ada")
    register.grant(ada, Right(what=Role.CONTROLLER, entity="DE01"))
    register.grant(ada, Right(what=Role.READER))
    principal = register.principal(ada)
    assert principal.may(Scope.DESK_APPROVE, "DE01")
    assert not principal.may(Scope.DESK_APPROVE, "US01")
    assert principal.may(Scope.DESK_READ, "US01")
    assert principal.entities(Scope.ACCESS_GRANT) == frozenset()


def test_a_grant_ends_when_it_says_so_and_when_it_is_taken_back(register: Register) -> None:
    ada = register.person("ada")
    register.grant(ada, Right(what=Role.AUDITOR, until=NOW + timedelta(days=1)))
    reader = register.grant(ada, Right(what=Role.READER))
    register.revoke(reader)
    assert register.principal(ada).may(Scope.AUDIT_READ)
    assert register.principal(ada, NOW + timedelta(days=1)).rights == {}


@pytest.mark.parametrize("code", ["XX99", "", "*", "DE01,US01"])
def test_a_right_is_given_only_for_a_legal_entity_of_the_books(register: Register, code: str) -> None:
    register.refuses("TIE-ACCESS-003", register.person("ada"), Right(what=Role.READER, entity=code))


def test_nobody_gives_himself_rights_and_nobody_who_gives_rights_approves(register: Register) -> None:
    ada = register.person("ada")
    register.refuses("TIE-ACCESS-004", ada, Right(what=Role.READER), by=str(ada))
    register.grant(ada, Right(what=Role.ADMINISTRATOR))
    register.refuses("TIE-ACCESS-004", ada, Right(what=Role.CONTROLLER, entity="DE01"))


def test_an_administrator_of_one_entity_gives_and_takes_rights_there_and_nowhere_else(register: Register) -> None:
    local = register.person("local")
    register.grant(local, Right(what=Role.ADMINISTRATOR, entity="DE01"))
    granter, ada = register.principal(local), register.person("ada")
    everywhere = register.grant(ada, Right(what=Role.READER))

    def give(entity: str | None) -> None:
        given = NewGrant(grant_id=ids.new_id(), now=NOW, reason="asked")
        with register.conn.transaction(), register.conn.cursor() as cur:
            access.grant_by(cur, granter, to=ada, right=Right(what=Role.AUDITOR, entity=entity), given=given)

    give("DE01")
    for entity in ("US01", None):
        with pytest.raises(ConfigurationError, match="may not give or take rights") as caught:
            give(entity)
        assert caught.value.code == "TIE-ACCESS-008"
    with pytest.raises(ConfigurationError, match="may not"), register.conn.cursor() as cur:
        access.revoke_by(cur, granter, grant_id=everywhere, reason="no", now=NOW)
    given = next(one for one in access.grants_of(register.conn, ada) if one.right.entity == "DE01")
    with register.conn.transaction(), register.conn.cursor() as cur:
        access.revoke_by(cur, granter, grant_id=given.grant_id, reason="done", now=NOW)
    assert register.principal(ada).entities(Scope.AUDIT_READ) == frozenset()
    assert audit.entries(register.conn, limit=1)[0].entry.principal == str(local)


def test_persons_are_given_roles_and_programs_scopes(register: Register) -> None:
    register.refuses("TIE-ACCESS-003", register.person("ada"), Right(what=Scope.DESK_READ))
    with register.conn.transaction(), register.conn.cursor() as cur:
        api_clients.add_client(cur, name="warehouse", program_id=(program := ids.new_id()), act=act())
    register.refuses("TIE-ACCESS-003", program, Right(what=Role.READER))
    register.grant(program, Right(what=Scope.EVENTS_READ, entity="US01"))
    assert register.principal(program).rights == {Scope.EVENTS_READ: frozenset({"US01"})}


def test_the_last_administrator_stays(register: Register) -> None:
    ada = register.person("ada")
    granted = register.grant(ada, Right(what=Role.ADMINISTRATOR))
    with pytest.raises(ConfigurationError, match="no administrator"):
        register.revoke(granted)
    with pytest.raises(ConfigurationError, match="no administrator"):
        register.disable(ada)
    register.grant(register.person("bob"), Right(what=Role.ADMINISTRATOR))
    register.disable(ada)
    assert access.principal_by_id(register.conn, ada, now=NOW) is None


def test_every_change_of_access_stands_in_the_audit_chain(register: Register) -> None:
    ada = register.person("ada")
    register.revoke(register.grant(ada, Right(what=Role.READER, entity="DE01")))
    told = [line.entry for line in audit.entries(register.conn)]
    assert [one.action for one in told] == ["access.revoked", "access.granted", "access.entered"]
    assert told[1].after == {"to": "ada", "right": "reader", "entity": "DE01"}
    assert {one.principal for one in told} == {"admin"}


def test_the_review_says_who_may_do_what_where_since_when_and_when_it_was_last_used(register: Register) -> None:
    ada = register.person("ada")
    register.grant(ada, Right(what=Role.RESOURCE_MANAGER, entity="DE01"))
    with register.conn.transaction(), register.conn.cursor() as cur:
        access.note_use(cur, principal_id=ada, scope=Scope.PEOPLE_READ, now=NOW + timedelta(hours=1))
    lines = {line.scope: line for line in review(register.conn, now=NOW)}
    assert set(lines) == {"desk:read", "desk:work", "projects:read", "people:read", "masters:read"}
    assert (lines["people:read"].entity, lines["people:read"].role) == ("DE01", "resource_manager")
    assert (lines["people:read"].since, lines["people:read"].last_used) == (
        "2026-11-25T09:00:00+00:00",
        "2026-11-25T10:00:00+00:00",
    )
    assert lines["desk:read"].last_used == ""


def test_one_link_lets_one_in_whoever_is_first(register: Register, database_url: str) -> None:
    ada = register.person("ada")
    with register.conn.transaction(), register.conn.cursor() as cur:
        link = sign_in.new_link(cur, principal_id=ada, act=act())
    sessions: list[str | None] = []

    def use() -> None:
        with connect(database_url, autocommit=True) as conn:
            sessions.append(in_transaction(conn, lambda cur: sign_in.use_link(cur, link, now=NOW)))

    users = [threading.Thread(target=use) for _ in range(8)]
    for one in users:
        one.start()
    for one in users:
        one.join()
    (session,) = [one for one in sessions if one is not None]
    found = sign_in.principal_of_session(register.conn, session, now=NOW)
    assert found is not None
    assert found.principal_id == ada


def test_a_link_ends_after_a_day_and_with_the_next_one(register: Register) -> None:
    ada = register.person("ada")
    with register.conn.transaction(), register.conn.cursor() as cur:
        first = sign_in.new_link(cur, principal_id=ada, act=act())
        second = sign_in.new_link(cur, principal_id=ada, act=act())
        assert sign_in.use_link(cur, first, now=NOW) is None
        assert sign_in.link_works(register.conn, second, now=NOW)
        assert sign_in.use_link(cur, second, now=NOW + sign_in.LINK_LASTS) is None
        assert sign_in.use_link(cur, "\udce9 no link", now=NOW) is None


def test_a_session_ends_idle_after_a_working_day_at_sign_out_and_with_its_person(register: Register) -> None:
    ada = register.person("ada")

    def session() -> str:
        with register.conn.transaction(), register.conn.cursor() as cur:
            return sign_in.begin_session(cur, principal_id=ada, means=sign_in.Means.LINK, now=NOW)

    def holds(secret: str, after: timedelta) -> bool:
        return sign_in.principal_of_session(register.conn, secret, now=NOW + after) is not None

    idle = session()
    assert not holds(idle, sign_in.SESSION_IDLES)
    used = session()
    step = timedelta(minutes=50)
    times = 0
    while holds(used, step * (times + 1)):
        times += 1
    assert step * times < sign_in.SESSION_LASTS <= step * (times + 1)
    ended, disabled = session(), session()
    with register.conn.transaction(), register.conn.cursor() as cur:
        sign_in.end_session(cur, ended, now=NOW)
    assert not holds(ended, timedelta())
    assert holds(disabled, timedelta())
    register.disable(ada)
    assert not holds(disabled, timedelta())


def test_nothing_that_lets_in_is_stored_as_it_is(register: Register) -> None:
    ada = register.person("ada")
    with register.conn.transaction(), register.conn.cursor() as cur:
        link = sign_in.new_link(cur, principal_id=ada, act=act())
        session = sign_in.use_link(cur, link, now=NOW)
        client_id, secret = api_clients.add_client(cur, name="warehouse", program_id=ids.new_id(), act=act())
        following = api_clients.next_secret(cur, client_id=client_id, act=act())
    stored = "\n".join(
        str(row)
        for table in ("sign_in_link", "web_session", "api_client", "audit_entry")
        for row in register.conn.execute(f"select * from {table}".encode()).fetchall()
    )
    assert client_id in stored
    assert not [one for one in (link, session, secret, following) if one is None or one in stored]


def test_a_secret_is_replaced_without_a_moment_in_which_none_works(register: Register) -> None:
    program = ids.new_id()
    with register.conn.transaction(), register.conn.cursor() as cur:
        client_id, old = api_clients.add_client(cur, name="warehouse", program_id=program, act=act())
        new = api_clients.next_secret(cur, client_id=client_id, act=act())
        assert api_clients.principal_id_of(register.conn, client_id, old) == program
        assert api_clients.principal_id_of(register.conn, client_id, new) == program
        api_clients.finish_rotation(cur, client_id=client_id, act=act())
        assert api_clients.principal_id_of(register.conn, client_id, old) is None
        assert api_clients.principal_id_of(register.conn, client_id, new) == program
        assert api_clients.principal_id_of(register.conn, "client-of-nobody", new) is None
    register.disable(program)
    assert api_clients.principal_id_of(register.conn, client_id, new) is None
