"""No row of any table behind the message store can be deleted, doubled or altered without the statement saying so."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Literal

import msgspec
import psycopg
import pytest
from psycopg import sql
from tests.integration.reconciliation.books import Books, world
from tests.worlds.inbound_database import PlainTranslator, master
from tests.worlds.inbound_plan import assignment, time_off
from tests.worlds.payroll_hub import firm as payroll_firm
from tests.worlds.people import CONTROLLER, FINANCE

from tieout.desk import proposals, queue
from tieout.governance import access, api_clients
from tieout.governance.access import Act, Right
from tieout.governance.mapping_additions import MappingAddition
from tieout.inbound import bookings_review
from tieout.model.access import Scope
from tieout.model.reported import FieldValue, RecordType, ReportedState
from tieout.reconciliation.tie_out import TieOut
from tieout.records.adoption_store import Decision, decide
from tieout.runtime.ids import SystemIds
from tieout.runtime.proposals import carry_out, propose_mapping
from tieout.storage.control_totals import sealed_tables
from tieout.storage.pool import in_transaction
from tieout.streams.hours_to_payroll.step import PayrollContext, tell_payrolls

H = Decimal
Change = Literal["delete", "double", "alter"]


def full(books: Books) -> None:
    """A hub in which every sealed table has a row."""
    hub = books.hub
    day = date(2026, 7, 1)
    hub.apply(world.firm(line_grain="entry", late_after_days=400))
    books.ledger.poison.add("e9")
    books.take(
        *(world.said(source_id=f"e{at}", work_date=day + timedelta(days=at)) for at in range(1, 10)),
        world.said(source_id="dear", work_date=date(2025, 12, 1)),
        bad=["x"],
    )
    books.deliver()
    books.take(world.said(source_id="e1", version=2, work_date=day + timedelta(days=1), hours=H(4)))
    books.take(world.said(source_id="e2", version=2, work_date=day + timedelta(days=2), state=ReportedState.DELETED))
    hub.send_time(world.said(source_id="e3", work_date=day + timedelta(days=3)))
    hub.work()
    repeated = world.said(source_id="e4", work_date=day + timedelta(days=4))
    hub.send_time(repeated)
    hub.send_time(repeated)
    hub.work()
    card: dict[str, FieldValue] = {"price": "90", "currency": "USD", "valid_from": "2026-01-01", "valid_to": None}
    hub.report(master(RecordType.COST_RATE, "c1", card, resource="ada"))
    hub.report(master(RecordType.COST_RATE, "c1", card | {"price": "95"}, version=2, resource="ada"))
    hub.report(master(RecordType.COST_RATE, "c2", card, resource="nobody"))
    rate: dict[str, FieldValue] = {
        "base": "GBP",
        "quote": "USD",
        "rate": "1.3",
        "rate_date": "2026-07-01",
        "rate_type": "spot",
    }
    hub.report(master(RecordType.FX_RATE, "f1", rate), system="erp")
    hub.report(master(RecordType.FX_RATE, "f1", rate | {"rate": "1.4"}, version=2), system="erp")
    books.exclude("PERIOD_UNKNOWN")
    books.sell()
    books.take(world.said(source_id="late", work_date=day + timedelta(days=20)))
    hub.plan(assignment(), time_off())
    hub.report(master(RecordType.CLIENT, "77", {"code": "OTHER", "name": "Acme Two"}), system="erp")
    apart = Decision(type="client", gone=("erp", "77"), kept=("psa", "c1"), is_one=False, evidence="names")
    in_transaction(hub.conn, lambda cur: decide(cur, [apart], actor="ada", now=hub.clock.now(), ids=hub.context.ids))
    _correct(books)
    _tell_a_payroll(books)
    in_transaction(hub.conn, lambda cur: _give_access(cur, hub.clock.now()))
    in_transaction(hub.conn, lambda cur: _find_drift(cur, hub.clock.now()))
    in_transaction(hub.conn, bookings_review.request_all)
    hub.send_time(world.said(source_id="unread", work_date=day + timedelta(days=21)))


def _correct(books: Books) -> None:
    """Correct an entry on the desk and add a line to a mapping table, each by two people."""
    conn, now = books.hub.conn, books.hub.clock.now()
    books.take(world.said(source_id="dear too", hours=H(75)))
    line = MappingAddition(table="legal_entities", source="Acme France", target="US01")

    def work(cur: psycopg.Cursor[tuple[object, ...]]) -> None:
        [held] = queue.find_items(conn, code="HOURS_RANGE")
        edited = proposals.propose_edit(cur, held, {"hours": "7"}, maker=FINANCE, reason="Typed wrong.", now=now)
        mapped = propose_mapping(cur, line, maker=FINANCE, reason="A new branch.", now=now)
        for made in (edited, mapped):
            assert isinstance(made, proposals.Proposed)
            proposals.approve(cur, made.proposal_id, CONTROLLER, made.content_hash, now=now)

    in_transaction(conn, work)
    assert carry_out(conn, books.hub.clock) == 1
    books.hub.work()


def _tell_a_payroll(books: Books) -> None:
    """A file of Ada's hours is under way; Bob's wait, since the payroll does not know him."""
    hub = books.hub
    wanted = payroll_firm()
    hub.context = replace(hub.context, translators={**hub.context.translators, "payroll": PlainTranslator()})
    base = world.firm(line_grain="entry", late_after_days=400)
    hub.apply(msgspec.structs.replace(base, systems=wanted.systems, streams=wanted.streams))
    hub.report(
        master(RecordType.RESOURCE, "017", {"name": "Ada", "email": "ada@example.com"}),
        system="payroll",
    )
    books.take(world.said(source_id="bob's", person="bob", work_date=date(2026, 7, 6)))
    told = PayrollContext(clock=hub.clock, books=hub.context.books)
    while tell_payrolls(hub.conn, told):
        pass
    books.take(world.said(source_id="not told yet", work_date=date(2026, 7, 27)))


def _give_access(cur: psycopg.Cursor[tuple[object, ...]], now: datetime) -> None:
    act, program_id = Act(by="admin", now=now), SystemIds().new_id()
    api_clients.add_client(cur, name="warehouse", program_id=program_id, act=act)
    right = Right(what=Scope.EVENTS_READ)
    access.grant(cur, principal_id=program_id, right=right, grant_id=SystemIds().new_id(), act=act)


def _find_drift(cur: psycopg.Cursor[tuple[object, ...]], now: datetime) -> None:
    """As a sweep of the targets leaves it."""
    cur.execute(
        "insert into target_drift (system, record, key, drift, found_at) values ('erp', 'client', 'c1', null, %s)",
        (now,),
    )


@pytest.fixture
def tampered(books: Books) -> Callable[[str, Change], TieOut]:
    """The statement after a change of one row of a table, which is undone again."""
    full(books)
    assert books.proven().holds
    with psycopg.connect(books.url, autocommit=True, options="-c search_path=tieout") as plain:
        _drop_constraints(plain)

    def change(table: str, how: Change) -> TieOut:
        with psycopg.connect(books.url, autocommit=True, options="-c search_path=tieout") as plain:
            name = sql.Identifier(table)
            # Whoever owns a table that refuses changes can let it take them.
            plain.execute(sql.SQL("alter table {} disable trigger user").format(name))
            plain.execute(sql.SQL("drop table if exists public.kept").format(name))
            plain.execute(sql.SQL("create table public.kept as table {}").format(name))
            assert _CHANGES[how](plain, table) == 1, f"{table} has no row to {how}"
            statement = books.statement()
            plain.execute(sql.SQL("delete from {}").format(name))
            plain.execute(sql.SQL("insert into {0} overriding system value table public.kept").format(name))
            plain.execute(sql.SQL("alter table {} enable trigger user").format(name))
        return statement

    return change


def _drop_constraints(plain: psycopg.Connection[tuple[object, ...]]) -> None:
    """Whoever owns the tables can let them hold what they would refuse."""
    found = plain.execute(
        """
        select conrelid::regclass::text, conname from pg_constraint
         where contype in ('f', 'c') and connamespace = 'tieout'::regnamespace
        """
    )
    for table, name in found.fetchall():
        plain.execute(
            sql.SQL("alter table {} drop constraint {}").format(sql.Identifier(str(table)), sql.Identifier(str(name)))
        )


def _delete(plain: psycopg.Connection[tuple[object, ...]], table: str) -> int:
    name = sql.Identifier(table)
    return plain.execute(
        sql.SQL("delete from {0} where ctid = (select ctid from {0} order by ctid desc limit 1)").format(name)
    ).rowcount


def _double(plain: psycopg.Connection[tuple[object, ...]], table: str) -> int:
    """Insert a copy, with another value wherever a unique index forbids the same one."""
    columns = _columns(plain, table)
    unique = {
        str(one)
        for (one,) in plain.execute(
            """
            select distinct a.attname from pg_index i join pg_attribute a on a.attrelid = i.indrelid
               and a.attnum = any(i.indkey)
             where i.indrelid = %s::regclass and i.indisunique
            """,
            (table,),
        )
    }
    values = [_other(column, kind) if column in unique else sql.Identifier(column) for column, kind in columns]
    return plain.execute(
        sql.SQL("insert into {0} ({1}) overriding system value select {2} from {0} order by ctid desc limit 1").format(
            sql.Identifier(table),
            sql.SQL(", ").join(sql.Identifier(column) for column, _ in columns),
            sql.SQL(", ").join(values),
        )
    ).rowcount


def _alter(plain: psycopg.Connection[tuple[object, ...]], table: str) -> int:
    column, kind = next(
        (column, kind)
        for column, kind in reversed(_columns(plain, table))
        if plain.execute(
            sql.SQL("select {0} is not null from {1} order by ctid desc limit 1").format(
                sql.Identifier(column), sql.Identifier(table)
            )
        ).fetchone()
        == (True,)
    )
    return plain.execute(
        sql.SQL("update {0} set {1} = {2} where ctid = (select ctid from {0} order by ctid desc limit 1)").format(
            sql.Identifier(table), sql.Identifier(column), _other(column, kind)
        )
    ).rowcount


def _columns(plain: psycopg.Connection[tuple[object, ...]], table: str) -> list[tuple[str, str]]:
    rows = plain.execute(
        """
        select attname, format_type(atttypid, null) from pg_attribute
         where attrelid = %s::regclass and attnum > 0 and not attisdropped order by attnum
        """,
        (table,),
    )
    return [(str(name), str(kind)) for name, kind in rows]


def _other(column: str, kind: str) -> sql.Composable:
    """An expression for another value of the column."""
    forms = {
        "text": "{} || '0'",
        "text[]": "{} || array['0']",
        "bytea": "{} || '\\x20'",
        "boolean": "not {}",
        "uuid": "gen_random_uuid()",
        "jsonb": "{} || '{{\"x\": 1}}'",
        "date": "{} + 1",
        "timestamp with time zone": "{} + interval '1 day'",
    }
    return sql.SQL(forms.get(kind, "{} + 1000")).format(sql.Identifier(column))


_CHANGES = {"delete": _delete, "double": _double, "alter": _alter}


def test_every_sealed_table_has_a_row_to_lose_and_the_books_hold(books: Books) -> None:
    full(books)
    books.proven()
    empty = [
        table
        for table in sealed_tables(books.hub.conn)
        if books.hub.conn.execute(sql.SQL("select 1 from {} limit 1").format(sql.Identifier(table))).fetchone() is None
    ]
    assert empty == []


def test_a_row_deleted_doubled_or_altered_in_any_table_breaks_the_books(
    books: Books, tampered: Callable[[str, Change], TieOut]
) -> None:
    taken = _taken(books.statement())
    unnoticed = []
    moved = []
    for table in sealed_tables(books.hub.conn):
        for how in ("delete", "double", "alter"):
            statement = tampered(table, how)
            if statement.holds or not statement.breaks:
                unnoticed.append((table, how))
            if _taken(statement) != taken and table != "message_correction":  # it stands beside the message
                moved.append((table, how))
            assert books.statement().holds, f"{table} was not put right again"
    assert unnoticed == []
    assert moved == []


def _taken(statement: TieOut) -> tuple[int, Decimal]:
    sides = [one.bucket("taken_in") for one in statement.rows]
    return sum(one.count for one in sides), sum((one.hours for one in sides), H(0))


@pytest.mark.parametrize(
    ("table", "column", "proof"),
    [
        ("time_entry", "hours", "reading_altered"),
        ("actual", "amount_minor", "actual_amount"),
        ("batch_total", "amount_minor", "batch_total"),
        ("delivery", "amount_minor", "delivery_totals"),
    ],
)
def test_an_altered_figure_is_named_by_the_proof_of_its_step(books: Books, table: str, column: str, proof: str) -> None:
    full(books)
    before = books.statement()
    with psycopg.connect(books.url, autocommit=True, options="-c search_path=tieout") as plain:
        where = (
            "where actual_id & 7 = 1" if table == "actual" else "where state = 'posted'" if table == "delivery" else ""
        )
        plain.execute(f"update {table} set {column} = {column} + 1 {where}")
    statement = books.statement()
    assert {proof, "control_totals"} <= {one.proof for one in statement.breaks}
    assert [(one.bucket("taken_in").amount_minor) for one in statement.rows] == [
        one.bucket("taken_in").amount_minor for one in before.rows
    ]


@pytest.mark.parametrize("lost", ["time_entry", "actual", "posting_link", "delivery"])
def test_what_was_taken_in_keeps_its_value_when_its_trace_is_gone(books: Books, lost: str) -> None:
    books.take(world.said(), world.said(source_id="2", work_date=date(2026, 7, 2), hours=H("3.25")))
    books.deliver()
    before = [one.bucket("taken_in") for one in books.proven().rows]
    with psycopg.connect(books.url, autocommit=True, options="-c search_path=tieout") as plain:
        plain.execute(f"delete from {lost}")
    statement = books.statement()
    assert not statement.holds
    after = [one.bucket("taken_in") for one in statement.rows]
    assert [(one.count, one.hours, one.amount_minor) for one in after] == [
        (one.count, one.hours, one.amount_minor) for one in before
    ]
