"""What is read of each system, and an object that is paused: shown, and resumed by whoever corrected its reading."""

import msgspec
from psycopg import Cursor
from tests.unit.cli.conftest import CommandLine
from tests.worlds.inbound_database import Hub

from tieout.inbound import message_store
from tieout.inbound.drift_store import ObjectState
from tieout.inbound.message_store import NewMessage
from tieout.storage.pool import in_transaction


def _polled_page_that_drifts(hub: Hub) -> None:
    payload = b'{"bad": ["b1", "b2", "b3", "b4", "b5"]}'
    message = NewMessage(system="psa", object="clients", channel="poll", payload=payload, item_count=5)

    def work(cur: Cursor[tuple[object, ...]]) -> None:
        now = hub.clock.now()
        message_store.store(cur, [message], now=now)
        message_store.move_cursor(cur, system="psa", object_name="clients", cursor="1", now=now)
        message_store.mark_polled(cur, system="psa", object_name="clients", now=now)

    in_transaction(hub.conn, work)
    hub.work()


def test_a_paused_object_is_shown_with_its_reason_and_resumed(tieout: CommandLine, hub: Hub) -> None:
    _polled_page_that_drifts(hub)
    [state] = msgspec.json.decode(tieout("systems", "list", "--json").json(), type=list[ObjectState])
    assert (state.system, state.object, state.problem) == ("psa", "clients", "hours are words")
    assert state.paused_at == state.last_news_at == state.polled_at == hub.clock.now()
    assert "hours are words" in tieout("systems", "list").out
    assert "SCHEMA_DRIFT" in tieout("exceptions", "list").out
    assert "5 item(s) are judged again" in tieout("systems", "resume", "psa", "clients").out
    hub.work()
    [state] = msgspec.json.decode(tieout("systems", "list", "--json").json(), type=list[ObjectState])
    assert state.paused_at is None
    assert "SCHEMA_DRIFT" not in tieout("exceptions", "list").out
    assert "SCHEMA_INVALID" in tieout("exceptions", "list").out


def test_an_object_that_is_not_paused_cannot_be_resumed(tieout: CommandLine, hub: Hub) -> None:
    assert hub.rows("select count(*) from paused_object") == [(0,)]
    assert "TIE-DRIFT-001" in tieout.refuses("systems", "resume", "psa", "clients")
    assert "Nothing has been polled yet" in tieout("systems", "list").out
