"""A source that writes one object another way is not polled for that object alone, and nothing is lost by it."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace

import msgspec
import pytest
from tests.worlds.inbound_database import Hub, PlainTranslator, master

from tieout.connect.source import Page, Translated
from tieout.desk import effects, intake
from tieout.errors import ContractError
from tieout.inbound import drift_store, pipeline
from tieout.model.firm import Environment, SystemConfig
from tieout.model.reported import RecordType, ReportedRecord
from tieout.runtime.intake import Poller
from tieout.storage.control_totals import verify_control_totals
from tieout.storage.pool import Pool, connect, in_transaction, sync_pool

PSA = SystemConfig(
    name="psa", connector="test", account="psa", environment=Environment.SANDBOX, reads=("clients", "others")
)
OLD, NEW = "records", "clients"
"""The name of the list on a page as the connector knows it, and as the vendor writes it now."""


class Renaming:
    """Reads ``records`` item by item; once ``knows_new``, what the vendor calls ``clients`` too."""

    def __init__(self) -> None:
        self.knows_new = False

    def translate(self, object_name: str, payload: bytes) -> Sequence[Translated]:
        """Clients of either name; of an unknown one the unreadable items."""
        wire = msgspec.json.decode(payload, type=dict[str, list[ReportedRecord]])
        known, renamed = wire.get(OLD, []), wire.get(NEW, [])
        if self.knows_new:
            known, renamed = [*known, *renamed], []
        bad = msgspec.json.encode({"records": known, "bad": [one.source_id for one in renamed]})
        return PlainTranslator().translate(object_name, bad)


class Book:
    """A source of pages by object; the cursor is the number of pages read."""

    def __init__(self) -> None:
        self.pages: dict[str, list[dict[str, list[ReportedRecord]]]] = {"clients": [], "others": []}
        self.asked: list[str] = []

    async def read(self, object_name: str, cursor: str | None) -> AsyncIterator[Page]:
        self.asked.append(object_name)
        for number, said in enumerate(self.pages[object_name][int(cursor or 0) :], start=int(cursor or 0) + 1):
            count = sum(len(one) for one in said.values())
            payload = msgspec.json.encode(said)
            yield Page(object=object_name, payload=payload, item_count=count, next_cursor=str(number))

    async def aclose(self) -> None:
        """Nothing is open."""


class World:
    """A hub that polls two objects of one system."""

    def __init__(self, hub: Hub, pool: Pool) -> None:
        self.hub = hub
        self.pool = pool
        self.book = Book()
        self.translator = Renaming()
        hub.context.translators["psa"] = self.translator  # type: ignore[index]  # a dict in these tests

    def poll(self, *, work: bool = True) -> list[int]:
        """Poll clients, then others; the items received of each."""

        async def once() -> list[int]:
            return [
                await Poller(
                    system=PSA, object_name=name, source=self.book, pool=self.pool, clock=self.hub.clock
                ).poll_once()
                for name in ("clients", "others")
            ]

        received = asyncio.run(once())
        if work:
            self.hub.work()
        return received

    def paused(self) -> list[tuple[object, ...]]:
        return self.hub.rows("select system, object from paused_object")

    def drifts(self) -> list[tuple[object, ...]]:
        """State and words of the desk's items about paused objects."""
        return self.hub.rows("select state, message from desk_item where subject_kind = 'paused_object' order by 1")

    def clients(self) -> list[str]:
        """Source ids of the clients, one for each row, so that one told twice would show."""
        rows = self.hub.rows("select source_id from reported_record where system = 'psa' and source_id ~ '^n[0-9]'")
        return sorted(str(row[0]) for row in rows)

    def unreadable(self) -> int:
        [(count,)] = self.hub.rows(
            "select count(*) from desk_item where subject_kind = 'message_item' and state in ('open', 'released')"
        )
        return int(str(count))


def clients(*numbers: int) -> list[ReportedRecord]:
    return [
        master(RecordType.CLIENT, f"n{number}", {"code": f"N{number}", "name": f"New {number}"}) for number in numbers
    ]


@pytest.fixture
def drifting(database_url: str) -> Iterator[World]:
    pool = sync_pool(database_url, application="test-drift", size=2)
    with connect(database_url, autocommit=True) as conn:
        hub = Hub(conn)
        hub.open_firm()
        yield World(hub, pool)
    pool.close()


def drift(drifting: World) -> None:
    """Clients 1 to 5 are told the old way, 6 to 11 the new way."""
    drifting.book.pages["clients"] = [{OLD: clients(1, 2, 3, 4, 5)}, {NEW: clients(6, 7, 8, 9, 10, 11)}]
    drifting.poll()


def test_an_object_that_drifts_is_paused_and_kept_while_others_are_read_on(drifting: World) -> None:
    drift(drifting)
    assert drifting.paused() == [("psa", "clients")]
    [(state, words)] = drifting.drifts()
    assert state == "open"
    assert "6 of 6 items of message" in str(words)
    assert "hours are words" in str(words)
    assert drifting.unreadable() == 6
    [(payload,)] = drifting.hub.rows(
        "select m.payload from message m join paused_object p using (message_id) where m.object = 'clients'"
    )
    assert payload == msgspec.json.encode(drifting.book.pages["clients"][1])
    drifting.book.pages["clients"].append({OLD: clients(12)})
    drifting.book.pages["others"].append({OLD: clients(20)})
    drifting.book.asked.clear()
    assert drifting.poll() == [0, 1]
    assert drifting.book.asked == ["others"]
    assert drifting.clients() == ["n1", "n2", "n20", "n3", "n4", "n5"]
    verify_control_totals(drifting.hub.conn)


def test_a_resumed_object_is_read_on_and_nothing_is_lost_or_doubled(drifting: World) -> None:
    drift(drifting)
    drifting.book.pages["clients"].append({NEW: clients(12, 13)})
    drifting.translator.knows_new = True
    now = drifting.hub.clock.now()
    released = in_transaction(
        drifting.hub.conn,
        lambda cur: drift_store.resume(cur, system="psa", object_name="clients", actor="ines", now=now),
    )
    assert released == 6
    assert drifting.poll() == [2, 0]
    assert drifting.clients() == sorted(f"n{number}" for number in range(1, 14))
    assert drifting.unreadable() == 0
    assert drifting.drifts()[0][0] == "resolved"
    again = in_transaction(
        drifting.hub.conn,
        lambda cur: drift_store.resume(cur, system="psa", object_name="clients", actor="ines", now=now),
    )
    assert again is None


def test_a_person_who_retries_the_item_resumes_and_the_next_page_that_drifts_pauses_again(drifting: World) -> None:
    drift(drifting)
    [(item,)] = drifting.hub.rows("select item_id from desk_item where subject_kind = 'paused_object'")
    now = drifting.hub.clock.now()
    in_transaction(
        drifting.hub.conn,
        lambda cur: effects.release(cur, [int(str(item))], actor="ines", reason="Try.", accept=False, now=now),
    )
    drifting.hub.work()
    assert drifting.paused() == []
    assert drifting.unreadable() == 6
    drifting.book.pages["clients"].append({NEW: clients(12, 13, 14, 15, 16)})
    assert drifting.poll() == [5, 0]
    assert drifting.paused() == [("psa", "clients")]
    assert [state for state, _ in drifting.drifts()] == ["open", "resolved"]


@pytest.mark.parametrize("can_be_read", [False, True])
def test_a_changed_configuration_resumes_only_what_it_made_readable(drifting: World, *, can_be_read: bool) -> None:
    drift(drifting)
    drifting.translator.knows_new = can_be_read
    now = drifting.hub.clock.now()
    in_transaction(
        drifting.hub.conn,
        lambda cur: intake.release_waiting(cur, ["system:psa"], now=now, reason="Applied."),
    )
    drifting.hub.work()
    assert drifting.paused() == ([] if can_be_read else [("psa", "clients")])
    assert [state for state, _ in drifting.drifts()] == ["resolved" if can_be_read else "open"]
    assert drifting.unreadable() == (0 if can_be_read else 6)


def test_one_bad_item_among_many_pauses_nothing(drifting: World) -> None:
    drifting.book.pages["clients"] = [{OLD: clients(*range(1, 31)), NEW: clients(31)}]
    drifting.poll()
    assert drifting.paused() == drifting.drifts() == []
    assert drifting.unreadable() == 1


def test_a_stop_between_the_page_and_the_pause_leaves_neither_items_nor_a_pause(
    drifting: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    drifting.book.pages["clients"] = [{NEW: clients(6, 7, 8, 9, 10, 11)}]
    drifting.poll(work=False)

    def stop(name: str) -> None:
        if name == "inbound.batch.before_commit":
            raise ContractError(code="TIE-PAYLOAD-001", message="stopped")

    with monkeypatch.context() as patched:
        patched.setattr(pipeline, "fault_point", stop)
        with pytest.raises(ContractError):
            pipeline.process_pending(drifting.hub.conn, drifting.hub.context)
    assert drifting.paused() == drifting.drifts() == []
    assert drifting.unreadable() == 0
    drifting.hub.work()
    assert drifting.paused() == [("psa", "clients")]
    assert drifting.unreadable() == 6


def test_a_firm_that_bears_more_than_half_of_a_page_pauses_only_above_its_own_share(drifting: World) -> None:
    drifting.hub.context = replace(drifting.hub.context, unreadable_percent=90)
    drifting.book.pages["clients"] = [{OLD: clients(1, 2), NEW: clients(*range(3, 11))}]
    drifting.poll()
    assert drifting.paused() == []
    drifting.book.pages["clients"].append({OLD: clients(11), NEW: clients(*range(12, 21))})
    drifting.poll()
    assert drifting.paused() == [("psa", "clients")]
