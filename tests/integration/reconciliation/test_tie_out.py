"""The identity on a real database: whatever becomes of an entry, it stands in exactly one bucket, to the cent."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from tests.integration.reconciliation.books import Books, figures, row, world

from tieout.desk import queue
from tieout.model.reported import ReportedState, ReportedTime
from tieout.reconciliation.tie_out import UNASSIGNED, as_json, entries_behind

H = Decimal


def entry(number: int, **changes: object) -> ReportedTime:
    """A good entry of its own day in July."""
    facts: dict[str, object] = {"source_id": f"e{number}", "work_date": date(2026, 7, 1) + timedelta(days=number)}
    return world.said(**(facts | changes))


def test_what_is_accepted_is_in_progress_until_it_is_posted(books: Books) -> None:
    books.take(entry(1), entry(2, hours=H(4)))
    assert figures(row(books.proven())) == {
        "taken_in": (2, H("11.5"), H(2300)),
        "in_progress": (2, H("11.5"), H(2300)),
    }
    books.bill()
    assert figures(row(books.proven()))["in_progress"] == (2, H("11.5"), H(2300))
    books.deliver()
    assert figures(row(books.proven())) == {"taken_in": (2, H("11.5"), H(2300)), "posted": (2, H("11.5"), H(2300))}


def test_messages_that_nobody_has_read_yet_are_in_progress(books: Books) -> None:
    books.take(entry(1))
    books.deliver()
    books.hub.send_time(entry(1, version=2, hours=H(4)), entry(2, hours=H(2)))
    statement = books.proven()
    assert figures(row(statement))["posted"] == (1, H("7.5"), H(1500))
    taken = sum((one.bucket("taken_in").hours for one in statement.rows), H(0))
    in_progress = sum((one.bucket("in_progress").hours for one in statement.rows), H(0))
    assert (taken, in_progress) == (H(6), H("-1.5"))


def test_what_is_held_is_in_exception_and_what_has_no_rate_has_no_amount(books: Books) -> None:
    books.take(
        entry(1),
        entry(2, hours=H(25)),
        entry(3, work_date=date(2025, 12, 1)),
        entry(4, project="p999", task=None),
        entry(5, approved_by=None),
    )
    books.deliver()
    statement = books.proven()
    july = row(statement)
    assert figures(july)["posted"] == (1, H("7.5"), H(1500))
    assert july.bucket("in_exception").count == 2
    unpriced = [
        (one.entity, one.period, one.bucket("in_exception"))
        for one in statement.rows
        if one.bucket("in_exception").unpriced_count
    ]
    assert [(entity, period) for entity, period, _ in unpriced] == [("US01", UNASSIGNED), (UNASSIGNED, UNASSIGNED)]
    assert [(one.unpriced_count, one.unpriced_hours, one.amount_minor) for _, _, one in unpriced] == [
        (1, H("7.5"), 0)
    ] * 2


def test_repeats_are_counted_apart_and_so_is_what_is_not_approved(books: Books) -> None:
    books.take(entry(1), entry(2, state=ReportedState.SUBMITTED))
    books.take(entry(1), entry(3))
    books.hub.send_time(entry(1), entry(3))
    books.deliver()
    statement = books.proven()
    assert figures(row(statement)) == {"taken_in": (2, H(15), H(3000)), "posted": (2, H(15), H(3000))}
    assert statement.apart.not_approved == 1
    assert statement.apart.exact_repeats == 3


def test_duplicates_are_held_and_excluded_ones_stay_in_the_books(books: Books) -> None:
    books.take(entry(1))
    books.take(entry(1, source_id="other"))
    books.deliver()
    assert figures(row(books.proven()))["in_exception"] == (1, H("7.5"), H(1500))
    books.exclude("DUPLICATE_NATURAL")
    assert figures(row(books.proven())) == {
        "taken_in": (2, H(15), H(3000)),
        "posted": (1, H("7.5"), H(1500)),
        "excluded": (1, H("7.5"), H(1500)),
    }


def test_unreadable_items_and_messages_count_until_a_version_can_be_read(books: Books) -> None:
    books.take(entry(1), bad=["x1", "x2"])
    books.take(bad=["x1"])
    books.hub.send(b"{not json")
    books.hub.work()
    books.take(world.said(source_id="x3", hours=H("1.00001")))
    books.deliver()
    unassigned = row(books.proven(), UNASSIGNED, UNASSIGNED, UNASSIGNED)
    assert (unassigned.bucket("in_exception").count, unassigned.bucket("in_exception").hours) == (4, H(0))
    books.take(entry(2, source_id="x2"))
    books.deliver()
    statement = books.proven()
    assert row(statement, UNASSIGNED, UNASSIGNED, UNASSIGNED).bucket("taken_in").count == 3
    assert row(statement).bucket("posted").count == 2


@pytest.mark.parametrize("together", [True, False])
def test_a_correction_that_cannot_be_read_is_on_the_desk_whenever_it_comes(books: Books, together: bool) -> None:  # noqa: FBT001 - a parameter
    books.hub.send_time(entry(1))
    if not together:
        books.hub.work()
    books.hub.send_time(bad=["e1"])
    books.hub.work()
    books.deliver()
    assert row(books.proven(), UNASSIGNED, UNASSIGNED, UNASSIGNED).bucket("in_exception").count == 1


@pytest.mark.parametrize(
    ("change", "taken", "exception"),
    [
        ({"hours": H(4)}, (1, H(4), H(800)), (0, H("-3.5"), H(-700))),
        ({"hours": H(9)}, (1, H(9), H(1800)), (0, H("1.5"), H(300))),
        ({"state": ReportedState.RECALLED}, (0, 0, 0), (-1, H("-7.5"), H(-1500))),
        ({"state": ReportedState.DELETED}, (0, 0, 0), (-1, H("-7.5"), H(-1500))),
        ({"billable": False}, (1, H("7.5"), H(0)), (0, H(0), H(-1500))),
    ],
)
def test_a_change_of_a_posted_entry_leaves_the_posting_and_shows_the_difference(
    books: Books,
    change: dict[str, object],
    taken: tuple[int, Decimal, Decimal],
    exception: tuple[int, Decimal, Decimal],
) -> None:
    books.take(entry(1))
    books.deliver()
    books.take(entry(1, version=2, **change))
    books.deliver()
    seen = figures(row(books.proven()))
    assert seen["posted"] == (1, H("7.5"), H(1500))
    assert seen["in_exception"] == exception
    assert seen.get("taken_in", (0, 0, 0)) == taken
    books.exclude("SOURCE_CHANGED")
    assert figures(row(books.proven()))["excluded"] == exception


def test_a_posted_entry_that_moves_to_another_period_is_out_of_one_and_into_the_other(books: Books) -> None:
    books.take(entry(1))
    books.deliver()
    books.take(entry(1, version=2, work_date=date(2026, 8, 3)))
    statement = books.proven()
    assert figures(row(statement)) == {
        "posted": (1, H("7.5"), H(1500)),
        "in_exception": (-1, H("-7.5"), H(-1500)),
    }
    assert figures(row(statement, period="2026-08")) == {
        "taken_in": (1, H("7.5"), H(1500)),
        "in_exception": (1, H("7.5"), H(1500)),
    }


def test_a_posted_entry_that_moves_to_another_currency_is_out_of_one_and_into_the_other(books: Books) -> None:
    books.take(entry(1))
    books.deliver()
    books.take(entry(1, version=2, project="p200", task=None))
    statement = books.proven()
    assert figures(row(statement)) == {
        "posted": (1, H("7.5"), H(1500)),
        "in_exception": (-1, H("-7.5"), H(-1500)),
    }
    assert figures(row(statement, "DE01", "2026-07", "EUR")) == {
        "taken_in": (1, H("7.5"), H(1350)),
        "in_exception": (1, H("7.5"), H(1350)),
    }
    (cause,) = queue.list_causes(books.hub.conn)
    assert (cause.code, cause.amount_minor, cause.unpriced_count) == (
        "SOURCE_CHANGED",
        {"840": -150_000, "978": 135_000},
        0,
    )
    (item,) = queue.list_items(books.hub.conn, code="SOURCE_CHANGED")
    assert (item.amount_minor, item.currency, item.new_amount_minor, item.new_currency) == (-150_000, 840, 135_000, 978)
    assert "-1500.00 USD and 1350.00 EUR" in item.message


def test_a_posted_entry_without_worth_that_becomes_billable_in_another_currency_is_worth_it_there(books: Books) -> None:
    books.take(entry(1, billable=False))
    books.deliver()
    books.take(entry(1, version=2, project="p200", task=None))
    statement = books.proven()
    assert figures(row(statement))["in_exception"] == (-1, H("-7.5"), H(0))
    assert figures(row(statement, "DE01", "2026-07", "EUR"))["in_exception"] == (1, H("7.5"), H(1350))
    (item,) = queue.list_items(books.hub.conn, code="SOURCE_CHANGED")
    assert (item.amount_minor, item.currency, item.new_currency) == (135_000, 978, None)


def test_a_posted_entry_that_moves_to_another_currency_and_back_is_worth_its_difference_again(books: Books) -> None:
    books.take(entry(1))
    books.deliver()
    books.take(entry(1, version=2, project="p200", task=None))
    books.take(entry(1, version=3, hours=H(4)))
    assert figures(row(books.proven()))["in_exception"] == (0, H("-3.5"), H(-700))
    (item,) = queue.list_items(books.hub.conn, code="SOURCE_CHANGED")
    assert (item.amount_minor, item.currency, item.new_amount_minor, item.new_currency) == (-70_000, 840, None, None)


def test_a_version_that_changes_no_money_is_carried_by_the_posted_one(books: Books) -> None:
    books.take(entry(1))
    books.deliver()
    books.take(entry(1, version=2, narrative="Better words"))
    books.take(entry(1, version=3, hours=H(4)))
    books.take(entry(1, version=4, narrative="Better words"))
    assert figures(row(books.proven())) == {
        "taken_in": (1, H("7.5"), H(1500)),
        "posted": (1, H("7.5"), H(1500)),
    }


def test_two_changes_within_one_version_count_in_the_order_they_came(books: Books) -> None:
    books.take(entry(1))
    books.take(entry(1, hours=H(4)))
    books.take(entry(1))
    books.deliver()
    assert figures(row(books.proven()))["posted"] == (1, H(4), H(800))


def test_an_entry_that_changes_before_it_is_sent_is_cut_out_of_its_journal(books: Books) -> None:
    books.take(entry(1), entry(2, work_date=date(2026, 7, 2), task="design", hours=H(2), narrative="Plan of the test"))
    books.bill()
    books.take(entry(1, version=2, hours=H(3)))
    books.deliver()
    assert figures(row(books.proven())) == {"taken_in": (2, H(5), H(1000)), "posted": (2, H(5), H(1000))}


def test_work_of_a_closed_period_stands_in_the_period_that_it_is_posted_in(books: Books) -> None:
    books.take(entry(1, work_date=date(2026, 5, 4)))
    books.deliver()
    seen = {(one.entity, one.period): figures(one) for one in books.proven().rows}
    (period, sides), *rest = seen.items()
    assert rest == []
    assert period == ("US01", "2026-06"), sides
    books.take(entry(1, work_date=date(2026, 5, 4), version=2, hours=H(4)))
    statement = books.proven()
    assert figures(row(statement, period="2026-06"))["in_exception"] == (0, H("-3.5"), H(-700))


def test_an_answer_that_was_lost_is_in_doubt(books: Books) -> None:
    books.ledger.swallow = True
    books.take(entry(1))
    books.deliver()
    assert figures(row(books.proven()))["in_doubt"] == (1, H("7.5"), H(1500))
    books.hub.clock.advance(120)
    books.deliver()
    assert figures(row(books.proven()))["posted"] == (1, H("7.5"), H(1500))


def test_a_refused_journal_is_split_until_the_bad_entry_stands_alone(books: Books) -> None:
    books.ledger.poison.add("e3")
    one_day = [
        entry(at, work_date=date(2026, 7, 1), person=person, narrative=f"Work {at}", hours=H(at))
        for at, person in enumerate(("ada", "bob", "cyd"), start=1)
    ]
    books.take(*one_day)
    books.deliver()
    assert figures(row(books.proven())) == {
        "taken_in": (3, H(6), H(1200)),
        "posted": (2, H(3), H(600)),
        "in_exception": (1, H(3), H(600)),
    }
    books.exclude("DELIVERY_REJECTED")
    books.deliver()
    assert figures(row(books.proven()))["excluded"] == (1, H(3), H(600))


def test_what_was_tried_too_often_is_a_dead_letter_in_exception(books: Books) -> None:
    books.ledger.down = True
    books.take(entry(1))
    for _ in range(4):
        books.deliver()
        books.hub.clock.advance(600)
    assert figures(row(books.proven()))["in_exception"] == (1, H("7.5"), H(1500))


def test_a_statement_of_one_period_keeps_what_is_unassigned(books: Books) -> None:
    books.take(entry(1), entry(2, work_date=date(2026, 8, 3)), bad=["x"])
    books.deliver()
    rows = books.statement(entity="US01", period="2026-08").rows
    assert [(one.entity, one.period) for one in rows] == [("US01", "2026-08"), (UNASSIGNED, UNASSIGNED)]
    shown = as_json(rows, holds=True)[0]
    assert (shown["taken_in"], shown["holds"]) == (
        {"count": 1, "hours": "7.5000", "amount": "1500.00", "unpriced_count": 0, "unpriced_hours": "0"},
        True,
    )


def test_a_figure_opens_down_to_its_messages(books: Books) -> None:
    books.take(entry(1), entry(2))
    books.deliver()
    (first, second) = entries_behind(
        books.hub.conn,
        translators=books.hub.context.translators,
        entity="US01",
        period="2026-07",
        currency="USD",
        side="posted",
    )
    assert (first.source_id, first.item_no, second.source_id, second.item_no) == ("e1", 0, "e2", 1)
    assert first.reference in books.ledger.posted


def test_hours_are_rounded_before_pricing_where_the_policy_says_so(books: Books) -> None:
    books.hub.apply(world.firm(line_grain="entry", round_hours_first=True, increment_minutes=1))
    books.take(entry(1, hours=H("0.3333")))
    books.deliver()
    assert figures(row(books.proven()))["taken_in"][2] == H(66)
