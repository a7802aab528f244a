"""What waits, is held or was posted is counted once, and Prometheus is told the same."""

from datetime import date, timedelta
from decimal import Decimal

from tests.integration.reconciliation.books import Books
from tests.integration.reconciliation.test_tie_out import entry

from tieout.api.metrics import METRICS, exposition
from tieout.reconciliation.vitals import Vitals, read_vitals


def vitals(books: Books) -> Vitals:
    return read_vitals(books.hub.conn, now=books.hub.clock.now())


def test_a_fact_is_counted_where_it_is_on_its_way(books: Books) -> None:
    books.hub.send_time(entry(1), entry(2, hours=Decimal(4)))
    arrived = vitals(books)
    assert (arrived.messages_waiting, arrived.entries_to_bill) == (1, 0)
    assert arrived.oldest_message == books.hub.clock.now()
    books.hub.work()
    accepted = vitals(books)
    assert (accepted.messages_waiting, accepted.oldest_message, accepted.entries_to_bill) == (0, None, 2)
    books.bill()
    billed = vitals(books)
    assert billed.entries_to_bill == 0
    assert billed.deliveries_in("ready") > 0
    books.deliver()
    assert vitals(books).deliveries == ()


def test_what_is_held_stands_under_its_owner_and_code(books: Books) -> None:
    books.take(entry(1, hours=Decimal(25)), entry(2), entry(2, source_id="again"))
    held = vitals(books)
    assert {(one.code, one.items, one.hours) for one in held.desk} == {
        ("HOURS_RANGE", 1, Decimal(25)),
        ("DUPLICATE_NATURAL", 1, Decimal("7.5")),
    }
    assert held.duplicates == 1


def test_the_same_bytes_again_are_a_repeat(books: Books) -> None:
    books.hub.send_time(entry(1))
    books.hub.send_time(entry(1))
    assert vitals(books).repeats == 1


def test_prometheus_is_told_every_metric_with_the_same_figures(books: Books) -> None:
    books.take(entry(1, hours=Decimal(25)), entry(3, work_date=date(2026, 7, 2)))
    now = books.hub.clock.now() + timedelta(minutes=5)
    text = exposition(read_vitals(books.hub.conn, now=now), now=now).decode()
    assert {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")} == METRICS.keys()
    owner = vitals(books).desk[0].owner
    assert f'tieout_desk_hours{{code="HOURS_RANGE",owner="{owner}"}} 25.0' in text
    assert f'tieout_desk_oldest_seconds{{code="HOURS_RANGE",owner="{owner}"}} 300.0' in text
    assert "tieout_entries_to_bill 1.0" in text
