"""A reader of the feed passes no event, whatever order transactions commit in."""

from datetime import UTC, datetime

import psycopg
from hypothesis import given
from hypothesis import strategies as st
from psycopg import Connection

from tieout.records import event_log
from tieout.records.event_feed import Horizon, _precedes, events_after
from tieout.storage.embedded import EmbeddedPostgres
from tieout.storage.pool import connect

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
Conn = Connection[tuple[object, ...]]


def tell(conn: Conn, people: int) -> None:
    with conn.cursor() as cur:
        payload = {"bookings": 0, "people": people, "projects": 0}
        event_log.append(
            cur, [event_log.Event(type="plan.changed", subject="plan/allocation", payload=payload)], now=NOW
        )


def read(conn: Conn, horizon: Horizon, after: int = 0) -> list[object]:
    until = horizon.advance(conn)
    return [one.payload["people"] for one in events_after(conn, after=after, until=until, limit=100)]


def test_an_event_is_read_as_soon_as_nothing_earlier_can_come(database_url: str) -> None:
    horizon = Horizon()
    with connect(database_url, autocommit=True) as reader, connect(database_url) as writer:
        assert read(reader, horizon) == []
        tell(writer, 1)
        assert read(reader, horizon) == []
        writer.commit()
        assert read(reader, horizon) == [1]


def test_an_event_that_commits_after_a_later_one_is_not_passed(database_url: str) -> None:
    horizon = Horizon()
    with (
        connect(database_url, autocommit=True) as reader,
        connect(database_url) as slow,
        connect(database_url) as quick,
    ):
        tell(slow, 1)
        tell(quick, 2)
        quick.commit()
        assert read(reader, horizon) == []
        tell(quick, 3)
        quick.commit()
        assert read(reader, horizon) == []
        slow.commit()
        assert read(reader, horizon) == [1, 2, 3]


def test_an_event_that_is_rolled_back_holds_nobody_up(database_url: str) -> None:
    horizon = Horizon()
    with (
        connect(database_url, autocommit=True) as reader,
        connect(database_url) as lost,
        connect(database_url) as quick,
    ):
        tell(lost, 1)
        tell(quick, 2)
        quick.commit()
        assert read(reader, horizon) == []
        lost.rollback()
        assert read(reader, horizon) == [2]


def test_while_something_always_runs_the_reader_still_gets_on(database_url: str) -> None:
    horizon = Horizon()
    with (
        connect(database_url, autocommit=True) as reader,
        connect(database_url) as one,
        connect(database_url) as other,
    ):
        tell(one, 1)
        running, idle = one, other
        seen: list[list[object]] = []
        for number in range(2, 6):
            tell(idle, number)
            running.commit()
            seen.append(read(reader, horizon))
            running, idle = idle, running
        running.rollback()
        assert seen == [[], [1], [1, 2], [1, 2, 3]]


def test_a_transaction_that_began_later_and_holds_an_earlier_event_is_waited_for(database_url: str) -> None:
    horizon = Horizon()
    with (
        connect(database_url, autocommit=True) as reader,
        connect(database_url) as first,
        connect(database_url) as second,
    ):
        first.execute("select pg_current_xact_id()")
        tell(second, 1)
        tell(first, 2)
        first.commit()
        assert read(reader, horizon) == []
        second.commit()
        assert read(reader, horizon) == [1, 2]


def test_types_and_a_limit_choose_and_the_cursor_goes_on(database_url: str) -> None:
    horizon = Horizon()
    with connect(database_url, autocommit=True) as conn:
        for number in range(5):
            tell(conn, number)
        until = horizon.advance(conn)
        first = events_after(conn, after=0, until=until, types=["plan.changed"], limit=2)
        rest = events_after(conn, after=first[-1].event_id, until=until, limit=10)
        assert [one.payload["people"] for one in (*first, *rest)] == [0, 1, 2, 3, 4]
        assert events_after(conn, after=0, until=until, types=["time.posted"], limit=10) == []


def test_the_doors_see_what_runs_though_they_see_no_row(database_url: str, door_url: str) -> None:
    horizon = Horizon()
    with (
        connect(door_url, autocommit=True) as door,
        connect(database_url) as slow,
        connect(database_url) as quick,
    ):
        tell(slow, 1)
        tell(quick, 2)
        quick.commit()
        assert horizon.advance(door) == 0
        slow.commit()
        assert horizon.advance(door) == 2


def test_what_runs_in_another_database_of_the_server_holds_nobody_up(
    database_url: str, postgres_server: EmbeddedPostgres
) -> None:
    horizon = Horizon()
    with (
        connect(database_url, autocommit=True) as conn,
        psycopg.connect(postgres_server.url_of("postgres")) as elsewhere,
    ):
        elsewhere.execute("select pg_current_xact_id()")
        tell(conn, 1)
        assert read(conn, horizon) == [1]


@given(taken=st.integers(2**31, 2**40), before=st.integers(1, 2**31 - 1))
def test_ids_of_32_bits_are_told_apart_across_their_wrap(taken: int, before: int) -> None:
    assert _precedes((taken - before) % 2**32, taken)
    assert not _precedes(taken % 2**32, taken)
    assert not _precedes((taken + before) % 2**32, taken)
