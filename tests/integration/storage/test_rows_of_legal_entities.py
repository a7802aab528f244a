"""Whoever asks sees the rows of the legal entities for which he holds the scope: by row-level security alone.

No query here filters by entity. Every table has rows of three legal entities, of which nobody is ever given the third.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import msgspec
import psycopg
import pytest
from psycopg import sql

from tieout.governance import audit
from tieout.governance.audit_chain import verify
from tieout.model.access import ROLE_SCOPES, Principal, PrincipalKind, Role, Scope, rights_of_roles
from tieout.runtime.ids import SystemIds
from tieout.storage.pool import Pool, Row, connect, sync_pool
from tieout.web.database import DoorDatabase

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
ENTITIES: Final = {"US01": 1, "DE01": 2, "FR01": 3}
GIVEN: Final[tuple[frozenset[str] | None, ...]] = (
    frozenset(),
    frozenset({"US01"}),
    frozenset({"DE01"}),
    frozenset({"US01", "DE01"}),
    None,
)
# Each table with the columns that say whose a row is: a multiple of ten and the number of its legal entity, but for the
# entity itself. A column of the same name means the same thing everywhere.
OWNED: Final = {
    "time_entry": ("entity_id", "entry_id", "project_id", "resource_id"),
    "actual": ("entity_id", "project_id", "rate_line_id"),
    "batch_total": ("entity_id",),
    "desk_item": ("entity_id", "item_id", "cause_id"),
    "delivery": ("entity_id", "delivery_id", "project_id"),
    "provisioning": ("entity_id", "provisioning_id"),
    "won_deal": ("entity_id", "deal_id"),
    "plan_person": ("entity_id", "person_id"),
    "plan_project": ("entity_id", "project_id"),
    "posting_link": ("entry_id", "delivery_id"),
    "finding": ("entry_id",),
    "desk_action": ("item_id",),
    "root_cause": ("cause_id",),
    "delivery_command": ("delivery_id",),
    "delivery_attempt": ("delivery_id",),
    "deal_approval": ("deal_id",),
    "provisioning_step": ("provisioning_id", "object_id"),
    "provisioning_sending": ("provisioning_id", "object_id", "delivery_id"),
    "provisioned_object": ("object_id",),
    "assignment_version": ("project_id", "resource_id"),
    "booking": ("project_id", "resource_id"),
    "booking_week": ("project_id", "person_id"),
    "project_week": ("project_id",),
    "project_actual": ("project_id",),
    "published_demand": ("project_id",),
    "demand_sending": ("project_id", "delivery_id"),
    "person_week": ("person_id",),
    "time_off_version": ("resource_id",),
    "absence": ("resource_id",),
    "payroll_file": ("entity_id", "delivery_id"),
    "payroll_line": ("delivery_id", "resource_id"),
    "payroll_due": ("resource_id",),
    "desk_assignment": ("item_id",),
    "message_correction": ("item_id",),
    "posting_cut_off": ("entity_id",),
    "tie_out_figure": ("entity_id",),
    "tie_out_line": ("entity_id",),
    "rate_line": ("entity_id", "rate_line_id"),
    "rate_line_retired": ("rate_line_id",),
    "golden_record_version": ("record_id",),
}
NEEDED: Final[dict[str, dict[str, object]]] = {
    "desk_item": {"state": "open"},
    "delivery": {"command_kind": "post_journal"},
    "payroll_file": {"state": "open"},
    "payroll_due": {"held": None},
}
OF_ALL: Final = (
    "message", "message_repeat", "message_pending", "batch", "posting_pending", "revaluation_pending", "plan_pending",
    "booking_review", "adoption", "rate_line_waiting", "payroll_pending", "target_drift",
)  # fmt: skip
CHOICES: Final[dict[str, dict[str, object]]] = {
    "payroll_pending": {"kind": "accepted"},
    "plan_pending": {"kind": "booking"},
    "booking_review": {"kind": "assignment"},
    "adoption": {"decision": "apart"},
}
OWNERS: Final = {100: "project", 110: "contract", 120: "resource", 130: "deal", 140: "rate_card", 150: "period"}
"""Types of records that name their legal entity, by the first id of theirs."""
PARTS: Final = {
    200: ("task", "project"),
    210: ("demand", "project"),
    220: ("contract_line", "contract"),
    230: ("cost_rate", "resource"),
    240: ("resource_skill", "resource"),
    250: ("deal_line", "deal"),
    260: ("rate_line", "rate_card"),
    270: ("rate_line", "project"),
    280: ("rate_line", "resource"),
}
"""Types of records that belong to the record of another one."""
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Column:
    """One column that an inserted row must fill."""

    name: str
    type: str


def columns(conn: psycopg.Connection[Row], table: str) -> list[Column]:
    rows = conn.execute(
        """
        select a.attname::text, format_type(a.atttypid, null) from pg_attribute a
         where a.attrelid = %s::regclass and a.attnum > 0 and not a.attisdropped
        """,
        (table,),
    ).fetchall()
    return [Column(str(name), str(kind)) for name, kind in rows]


MADE_UP: Final[dict[str, Callable[[int], object]]] = {
    "uuid": lambda _: SystemIds().new_id(),
    "text": lambda number: f"x{number}",
    "bytea": lambda number: str(number).encode(),
    "boolean": lambda _: False,
    "date": lambda _: NOW.date(),
    "jsonb": lambda _: "{}",
    "text[]": lambda _: [],
    "timestamp with time zone": lambda _: NOW,
}


def made_up(kind: str) -> object:
    """A value of a type of the database; numbers for all others."""
    number = next(_numbers) % 30_000 + 1
    make = MADE_UP.get(kind)
    return number if make is None else make(number)


def put(conn: psycopg.Connection[Row], table: str, owner: int, *links: str, **given: object) -> None:
    """A row of ``table`` that belongs to the legal entity numbered ``owner``."""
    values: dict[str, object] = {}
    for one in columns(conn, table):
        if one.name in given:
            values[one.name] = given[one.name]
        elif one.name == "entity_id":
            values[one.name] = owner
        elif one.name in links:
            values[one.name] = 100 + owner
        elif one.name not in {"hours_per_day", "percent", "client_id", "rate_card_id"}:
            values[one.name] = made_up(one.type)
    conn.execute(
        sql.SQL("insert into {} ({}) overriding system value values ({})").format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, values)),
            sql.SQL(", ").join(sql.Placeholder() * len(values)),
        ),
        list(values.values()),
    )


def put_record(conn: psycopg.Connection[Row], record_id: int, kind: str, code: str | None, refs: str) -> None:
    put(conn, "golden_record", 0, record_id=record_id, type=kind, code=code, refs=refs)


def fill(conn: psycopg.Connection[Row]) -> None:
    for code, number in ENTITIES.items():
        put_record(conn, number, "legal_entity", code, "{}")
        put(conn, "cross_reference", 0, system="erp", type="legal_entity", source_id=code, record_id=number)
        for base, kind in OWNERS.items():
            put_record(conn, base + number, kind, f"{kind}-{code}", f'{{"legal_entity": ["erp", "{code}"]}}')
            put(conn, "cross_reference", 0, system="psa", type=kind, source_id=code, record_id=base + number)
        for base, (kind, of) in PARTS.items():
            put_record(conn, base + number, kind, None, f'{{"{of}": ["psa", "{code}"]}}')
        for table, links in OWNED.items():
            put(conn, table, number, *links, **NEEDED.get(table, {}))
    put_record(conn, 400, "client", "ACME", "{}")
    put_record(conn, 401, "project", "P-nobody", "{}")
    put_record(conn, 402, "task", None, '{"project": ["psa", "not known"]}')
    put_record(conn, 403, "rate_card", "of the firm", "{}")
    put(conn, "cross_reference", 0, system="psa", type="rate_card", source_id="firm", record_id=403)
    put_record(conn, 404, "rate_line", None, '{"rate_card": ["psa", "firm"]}')
    put(conn, "desk_item", 0, state="open", entity_id=None, subject_id=7, cause_id=190)
    for table in OF_ALL:
        put(conn, table, 0, **CHOICES.get(table, {}))
    put(conn, "fx_rate", 0)


@pytest.fixture
def database(database_url: str, door_url: str) -> Iterator[DoorDatabase]:
    with connect(database_url) as conn:
        fill(conn)
    pool: Pool = sync_pool(door_url, application="test-rows", size=2)
    yield DoorDatabase(pool)
    pool.close()


def principal_with(rights: dict[Scope, frozenset[str] | None]) -> Principal:
    return Principal(principal_id=SystemIds().new_id(), name="somebody", kind=PrincipalKind.PERSON, rights=rights)


def seen(conn: psycopg.Connection[Row], table: str) -> list[int]:
    """Numbers of the legal entities of the rows that are seen, by the first column that says whose they are."""
    column = OWNED[table][0]
    rows = conn.execute(sql.SQL("select {} from {} order by 1").format(sql.Identifier(column), sql.Identifier(table)))
    return sorted(0 if number is None else int(str(number)) % 100 for (number,) in rows)


def expected(given: frozenset[str] | None) -> list[int]:
    return sorted(ENTITIES[one] for one in (ENTITIES if given is None else given))


@pytest.mark.parametrize(
    "given", GIVEN, ids=lambda given: "all" if given is None else "+".join(sorted(given)) or "none"
)
def test_every_table_shows_the_rows_of_the_entities_that_are_given_and_no_other(
    database: DoorDatabase, given: frozenset[str] | None
) -> None:
    some = 0 if given == frozenset() else 1
    who = principal_with({Scope.DESK_READ: given, Scope.COSTS_READ: given})
    with database.as_principal(who, Scope.DESK_READ) as conn:
        found = {table: seen(conn, table) for table in OWNED}
        wanted = {table: expected(given) for table in OWNED}
        if given is None:
            wanted["desk_item"] = [0, *wanted["desk_item"]]
        assert found == wanted
        everything = 1 if given is None else 0
        counts = {table: conn.execute(f"select count(*) from {table}".encode()).fetchone() for table in OF_ALL}
        assert counts == dict.fromkeys(OF_ALL, (everything,))
        assert conn.execute("select count(*) from fx_rate").fetchone() == (some,)
        records = conn.execute("select record_id from golden_record order by 1").fetchall()
        own = {base + number for base in (0, *OWNERS, *PARTS) for number in expected(given)}
        assert {one for (one,) in records} == own | ({400, 403, 404} if some else set()) | (
            {401, 402} if everything else set()
        )
        keys = conn.execute("select record_id from cross_reference order by 1").fetchall()
        named = {base + number for base in (0, *OWNERS) for number in expected(given)}
        assert {one for (one,) in keys} == named | ({403} if some else set())


@pytest.mark.parametrize(
    ("given", "costs", "shown"),
    [
        (None, frozenset(), False),
        (None, frozenset({"US01", "DE01", "FR01"}), False),
        (None, None, True),
        (frozenset({"US01"}), frozenset(), False),
        (frozenset({"US01"}), frozenset({"DE01"}), False),
        (frozenset({"US01", "DE01"}), frozenset({"DE01"}), False),
        (frozenset({"US01"}), frozenset({"US01", "DE01"}), True),
        (frozenset({"US01"}), None, True),
    ],
)
def test_what_people_are_paid_is_shown_only_with_the_right_for_costs(
    database_url: str,
    database: DoorDatabase,
    given: frozenset[str] | None,
    costs: frozenset[str] | None,
    shown: bool,  # noqa: FBT001 - a case of the table
) -> None:
    with connect(database_url, autocommit=True) as conn:
        conn.execute("update rate_line set context = 'cost'")
        put(conn, "golden_record_version", 0, record_id=231)
        put(conn, "reported_record", 0, system="psa", type="cost_rate", source_id="c1")
        put(conn, "reported_record", 0, system="psa", type="task", source_id="t1")
    questions = (
        "select count(*) from golden_record where type = 'cost_rate'",
        "select count(*) from golden_record_version where record_id = 231",
        "select count(*) from rate_line",
    )
    who = principal_with({Scope.DESK_READ: given, Scope.COSTS_READ: costs})
    with database.as_principal(who, Scope.DESK_READ) as conn:
        counts = [int(str(row[0])) for one in questions if (row := conn.execute(one.encode()).fetchone()) is not None]
        reported = conn.execute("select type from reported_record where source_id in ('c1', 't1')").fetchall()
        assert conn.execute("select count(*) > 0 from golden_record where type = 'resource'").fetchone() == (True,)
    assert [count > 0 for count in counts] == [shown] * len(questions)
    if given is None:
        assert sorted(reported) == ([("cost_rate",), ("task",)] if shown else [("task",)])


def test_no_role_shows_more_than_it_was_given_for_by_any_scope(database: DoorDatabase) -> None:
    leaks, asked = [], 0
    for role, given, scope in itertools.product(Role, GIVEN, Scope):
        rights = rights_of_roles([(role, None)] if given is None else [(role, one) for one in sorted(given)])
        who = principal_with(rights)
        may_see = expected(given) if scope in ROLE_SCOPES[role] else []
        with database.as_principal(who, scope) as conn:
            row = conn.execute(
                """
                select (select array_agg(entity_id order by 1) from time_entry),
                       (select array_agg(entity_id order by 1) from delivery),
                       (select array_agg(entity_id order by 1) from actual),
                       (select array_agg(entity_id order by 1) from desk_item where entity_id is not null)
                """
            ).fetchone()
        asked += 1
        assert row is not None
        if any((one or []) != may_see for one in row):
            leaks.append((role, given, scope, row))
    assert (asked, leaks) == (len(Role) * len(GIVEN) * len(Scope), [])


@pytest.mark.parametrize("table", ["desk_item", "delivery", "won_deal"])
def test_nobody_changes_a_row_that_he_does_not_see(database: DoorDatabase, table: str) -> None:
    who = principal_with({Scope.DESK_WORK: frozenset({"DE01"})})
    with database.as_principal(who, Scope.DESK_WORK) as conn:
        changed = conn.execute(f"update {table} set state = state returning entity_id".encode()).fetchall()
        assert changed == [(ENTITIES["DE01"],)]
        with pytest.raises(psycopg.errors.InsufficientPrivilege), conn.transaction():
            conn.execute(f"update {table} set entity_id = 1".encode())
        with pytest.raises(psycopg.errors.InsufficientPrivilege), conn.transaction():
            conn.execute(f"delete from {table}".encode())


def test_nobody_adds_a_row_to_what_he_does_not_see(database: DoorDatabase) -> None:
    who = principal_with({Scope.DESK_WORK: frozenset({"DE01"})})
    with database.as_principal(who, Scope.DESK_WORK) as conn:
        put(conn, "desk_action", 2, "item_id")
        for table, links in (("desk_action", ("item_id",)), ("deal_approval", ("deal_id",)), ("desk_item", ())):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), conn.transaction():
                put(conn, table, 1, *links, **NEEDED.get(table, {}))


def test_what_one_request_may_see_the_next_on_its_connection_may_not(database: DoorDatabase) -> None:
    for given in (None, frozenset({"US01"}), frozenset[str]()):
        with database.as_principal(principal_with({Scope.DESK_READ: given}), Scope.DESK_READ) as conn:
            conn.execute("select 1")
        with database.as_nobody() as conn:
            assert conn.execute("select count(*) from time_entry").fetchone() == (0,)


@pytest.mark.parametrize(
    "setting", ["", "us01", "US01 ", "US01;DE01", "%", "US", "FR01' or '1'='1", "**", "* ", ",", ",,*"]
)
def test_a_setting_that_names_no_entity_shows_nothing(database: DoorDatabase, setting: str) -> None:
    with database.as_nobody() as conn:
        conn.execute("select set_config('tieout.entities', %s, true)", (setting,))
        assert conn.execute("select count(*) from time_entry").fetchone() == (0,)


def test_what_is_done_is_chained_by_whoever_does_it_and_read_by_whom_it_concerns(database: DoorDatabase) -> None:
    everybody = [frozenset({"US01"}), frozenset({"DE01"}), None, frozenset({"DE01"})]
    for number, given in enumerate(everybody):
        with database.as_principal(principal_with({Scope.AUDIT_READ: given}), Scope.AUDIT_READ) as conn:
            entity = "FR01" if given is None else next(iter(given))
            entry = audit.AuditEntry(
                principal=f"p{number}", action="a.b", object_kind="item", object_id="1", entity=entity
            )
            audit.append(conn.cursor(), entry, now=NOW)
            audit.append(conn.cursor(), msgspec.structs.replace(entry, entity=None), now=NOW)
    with database.as_principal(principal_with({Scope.AUDIT_READ: None}), Scope.AUDIT_READ) as conn:
        links = list(audit.links(conn))
        assert [one.seq for one in links] == list(range(1, 9))
        assert verify(links, []).breaks == ()
    with database.as_principal(principal_with({Scope.AUDIT_READ: frozenset({"DE01"})}), Scope.AUDIT_READ) as conn:
        assert [line.entry.principal for line in audit.entries(conn)] == ["p3", "p1"]


def test_a_record_follows_its_entity_when_the_mapping_of_the_word_changes(database_url: str, door_url: str) -> None:
    with connect(database_url, autocommit=True) as conn:
        for code, number in ENTITIES.items():
            put_record(conn, number, "legal_entity", code, "{}")
        put(conn, "system_name", 0, name="psa", system_id=1)
        put_record(conn, 100, "project", "P1", '{"legal_entity": ["psa", "Acme"]}')

        def apply(version: int, code: str) -> None:
            config = (
                f'{{"mappings": [{{"table": "legal_entities", "system": "*", "entity": "*", "source": "Acme", '
                f'"target": "{code}", "valid_from": "2020-01-01", "valid_to": null}}]}}'
            )
            put(conn, "firm_version", 0, version=version, config=config.encode())

        pool = sync_pool(door_url, application="test-words", size=1)
        database = DoorDatabase(pool)

        def sees(code: str) -> bool:
            who = principal_with({Scope.PROJECTS_READ: frozenset({code})})
            with database.as_principal(who, Scope.PROJECTS_READ) as asking:
                row = asking.execute("select count(*) from golden_record where type = 'project'").fetchone()
            return row == (1,)

        assert (sees("US01"), sees("DE01")) == (False, False)
        apply(1, "US01")
        assert (sees("US01"), sees("DE01")) == (True, False)
        apply(2, "DE01")
        assert (sees("US01"), sees("DE01")) == (False, True)
        pool.close()
