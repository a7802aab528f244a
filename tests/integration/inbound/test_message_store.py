"""Messages are stored once, byte for byte, with their queue and cursor in one transaction."""

from datetime import timedelta

import pytest
from psycopg import Connection, Cursor
from tests.worlds.inbound_firm import NOW

from tieout.inbound import message_store
from tieout.inbound.message_store import ClaimSize, NewMessage
from tieout.storage.pool import connect, in_transaction

Conn = Connection[tuple[object, ...]]


@pytest.fixture
def conn(database_url: str) -> object:
    with connect(database_url, autocommit=True) as opened:
        yield opened


def _new(payload: bytes, object_name: str = "time_entries", items: int | None = 1) -> NewMessage:
    return NewMessage(system="psa", object=object_name, channel="poll", payload=payload, item_count=items)


def test_the_payload_is_kept_byte_for_byte(conn: Conn) -> None:
    payload = bytes(range(256))
    (stored,) = in_transaction(conn, lambda cur: message_store.store(cur, [_new(payload, items=None)], now=NOW))
    (message,) = in_transaction(conn, lambda cur: message_store.read_messages(cur, [stored.message_id]))
    assert (message.payload, message.item_count) == (payload, None)


def test_the_same_bytes_again_are_counted_and_not_queued(conn: Conn) -> None:
    first = in_transaction(conn, lambda cur: message_store.store(cur, [_new(b"a"), _new(b"b"), _new(b"a")], now=NOW))
    again = in_transaction(conn, lambda cur: message_store.store(cur, [_new(b"b")], now=NOW))
    assert [one.repeated for one in first] == [False, False, True]
    assert first[0].message_id == first[2].message_id < first[1].message_id == again[0].message_id
    assert again[0].repeated
    assert conn.execute("select count(*) from message").fetchone() == (2,)
    assert conn.execute("select count(*) from message_pending").fetchone() == (2,)
    assert conn.execute("select count(*) from message_repeat").fetchone() == (2,)


def test_the_same_bytes_of_another_object_are_another_message(conn: Conn) -> None:
    stored = in_transaction(conn, lambda cur: message_store.store(cur, [_new(b"a"), _new(b"a", "users")], now=NOW))
    assert [one.repeated for one in stored] == [False, False]


def test_a_page_and_its_cursor_are_stored_together_or_not_at_all(conn: Conn) -> None:
    def store(cur: Cursor[tuple[object, ...]]) -> None:
        message_store.store(cur, [_new(b"page")], now=NOW)
        message_store.move_cursor(cur, system="psa", object_name="time_entries", cursor="c7", now=NOW)

    def fail(cur: Cursor[tuple[object, ...]]) -> None:
        store(cur)
        raise ZeroDivisionError

    def cursor() -> str | None:
        with conn.cursor() as cur:
            return message_store.read_cursor(cur, system="psa", object_name="time_entries")

    with pytest.raises(ZeroDivisionError):
        in_transaction(conn, fail)
    assert cursor() is None
    assert conn.execute("select count(*) from message").fetchone() == (0,)
    in_transaction(conn, store)
    assert cursor() == "c7"


def test_a_claim_takes_messages_in_order_until_it_is_full(conn: Conn) -> None:
    messages = [_new(b"%d" % at, items=10) for at in range(20)]
    in_transaction(conn, lambda cur: message_store.store(cur, messages, now=NOW))

    def claim(cur: Cursor[tuple[object, ...]], size: ClaimSize) -> list[int]:
        claimed = message_store.claim_pending(cur, objects=["time_entries"], among=True, now=NOW, size=size)
        return [one.message_id for one in claimed]

    ids = in_transaction(conn, lambda cur: claim(cur, ClaimSize(items=50)))
    assert ids == sorted(ids)
    assert len(ids) == 5
    assert len(in_transaction(conn, lambda cur: claim(cur, ClaimSize(items=1)))) == 1
    assert len(in_transaction(conn, lambda cur: claim(cur, ClaimSize(items=10_000)))) == 20
    assert len(in_transaction(conn, lambda cur: claim(cur, ClaimSize(items=10_000, payload_bytes=1)))) == 1


def test_two_processes_claim_different_messages(database_url: str, conn: Conn) -> None:
    messages = [_new(b"%d" % at) for at in range(6)]
    in_transaction(conn, lambda cur: message_store.store(cur, messages, now=NOW))
    size = ClaimSize(items=3)
    with connect(database_url) as other, conn.transaction(), conn.cursor() as mine, other.cursor() as theirs:
        first = message_store.claim_pending(mine, objects=["time_entries"], among=True, now=NOW, size=size)
        second = message_store.claim_pending(theirs, objects=["time_entries"], among=True, now=NOW, size=size)
    assert len(first) == len(second) == 3
    assert not {one.message_id for one in first} & {one.message_id for one in second}


def test_a_postponed_message_waits_for_its_time(conn: Conn) -> None:
    (stored,) = in_transaction(conn, lambda cur: message_store.store(cur, [_new(b"a")], now=NOW))
    later = NOW + timedelta(seconds=30)
    in_transaction(conn, lambda cur: message_store.postpone(cur, [stored.message_id], due_at=later))

    def waits(cur: Cursor[tuple[object, ...]], now: object) -> bool:
        return message_store.anything_pending(cur, objects=["time_entries"], among=True, now=now)  # type: ignore[arg-type]

    assert not in_transaction(conn, lambda cur: waits(cur, NOW))
    assert in_transaction(conn, lambda cur: waits(cur, later))
