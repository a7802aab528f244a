"""A tie-out that is kept says the same as one that is computed, and every figure has the entries that add up to it."""

from datetime import date, timedelta
from decimal import Decimal

from tests.integration.reconciliation.books import Books, world

from tieout.model.reported import ReportedTime
from tieout.reconciliation import tie_out_runs
from tieout.reconciliation.tie_out import TieOut
from tieout.storage.pool import in_transaction

H = Decimal
EVERY = timedelta(minutes=15)


def entry(number: int, **changes: object) -> ReportedTime:
    """A good entry of its own day in July."""
    facts: dict[str, object] = {"source_id": f"e{number}", "work_date": date(2026, 7, 1) + timedelta(days=number)}
    return world.said(**(facts | changes))


def kept(books: Books) -> tuple[TieOut, tie_out_runs.Run]:
    """A run as it was made, and as it is read."""
    statement = tie_out_runs.run(
        books.hub.conn, translators=books.hub.context.translators, requested_by="somebody", clock=books.hub.clock
    )
    run = tie_out_runs.newest(books.hub.conn)
    assert run is not None
    return statement, run


def test_a_kept_run_says_what_was_computed(books: Books) -> None:
    books.take(entry(1), entry(2, hours=H(25)), entry(3, work_date=date(2025, 12, 1)), entry(4, project="p999"))
    books.deliver()
    statement, run = kept(books)
    assert run.holds
    assert run.requested_by == "somebody"
    assert tuple(tie_out_runs.rows_of_run(books.hub.conn, run.run_id)) == statement.rows
    assert tie_out_runs.breaks(books.hub.conn, run.run_id) == []


def test_the_lines_of_every_figure_add_up_to_it(books: Books) -> None:
    books.take(entry(1), entry(2, hours=H(25)), entry(3, work_date=date(2025, 12, 1)), entry(4, project="p999"))
    books.deliver()
    books.take(entry(1, version=2, hours=H(4)))
    statement, run = kept(books)
    sides = [(row, side) for row in statement.rows for side in row.buckets]
    assert {side for _, side in sides} >= {"taken_in", "posted", "in_exception"}
    for row, side in sides:
        lines = tie_out_runs.lines_behind(
            books.hub.conn,
            run.run_id,
            entity=row.entity,
            period=row.period,
            currency=row.currency,
            side=side,
            after_line=0,
            limit=100,
        )
        assert sum(one.entry_count for one in lines) == row.bucket(side).count
        assert sum((H(one.hours) for one in lines), H(0)) == row.bucket(side).hours
        assert sum(one.amount_minor or 0 for one in lines) == row.bucket(side).amount_minor


def test_only_the_newest_run_keeps_its_entries_and_all_keep_their_figures(books: Books) -> None:
    books.take(entry(1))
    books.deliver()
    first = kept(books)[1]
    second = kept(books)[1]
    assert [one.run_id for one in tie_out_runs.history(books.hub.conn, limit=5)] == [second.run_id, first.run_id]
    assert tie_out_runs.rows_of_run(books.hub.conn, first.run_id) == tie_out_runs.rows_of_run(
        books.hub.conn, second.run_id
    )
    assert books.hub.conn.execute("select distinct run_id from tie_out_line").fetchall() == [(second.run_id,)]


def test_a_run_is_due_when_something_changed_and_it_has_grown_old(books: Books) -> None:
    now = books.hub.clock.now
    assert not tie_out_runs.is_due(books.hub.conn, now=now(), every=EVERY)
    books.take(entry(1))
    assert not tie_out_runs.is_due(books.hub.conn, now=now(), every=EVERY)
    assert tie_out_runs.is_due(books.hub.conn, now=now() + timedelta(minutes=1), every=EVERY)
    kept(books)
    assert not tie_out_runs.is_due(books.hub.conn, now=now() + EVERY, every=EVERY)
    books.take(entry(2))
    assert not tie_out_runs.is_due(books.hub.conn, now=now(), every=EVERY)
    assert tie_out_runs.is_due(books.hub.conn, now=now() + EVERY, every=EVERY)


def test_whoever_asks_for_a_run_gets_it_at_once_and_is_named(books: Books) -> None:
    books.take(entry(1))
    kept(books)
    now = books.hub.clock.now()
    in_transaction(books.hub.conn, lambda cur: tie_out_runs.request(cur, requested_by="Mara", now=now))
    assert tie_out_runs.requested_at(books.hub.conn) == now
    assert tie_out_runs.is_due(books.hub.conn, now=now, every=EVERY)
    assert kept(books)[1].requested_by == "Mara"
    assert tie_out_runs.requested_at(books.hub.conn) is None
