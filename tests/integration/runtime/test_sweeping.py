"""What a system deleted in silence is found by a whole walk; a walk that is cut off or too short deletes nothing."""

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest
from tests.worlds import inbound_firm as world
from tests.worlds.inbound_database import Hub, PlainTranslator, master
from tests.worlds.inbound_plan import assignment, time_off

from tieout.connect.source import Page
from tieout.connect.throttle import NoThrottle
from tieout.errors import TransientError
from tieout.inbound.swept import SweptTranslator
from tieout.model.clock import FixedClock
from tieout.model.reported import RecordType, ReportedAssignment, ReportedRecord, ReportedTimeOff
from tieout.runtime import sweep as sweeping
from tieout.runtime.sweep import Sweeper
from tieout.storage.control_totals import verify_control_totals
from tieout.storage.pool import connect

KINDS = ("client", "assignment", "time_off")


class Shelf:
    """A source that holds what it holds, two to a page; ``breaks_after`` pages it is out of reach."""

    def __init__(self, *held: ReportedRecord | ReportedAssignment | ReportedTimeOff) -> None:
        self.held = list(held)
        self.breaks_after: int | None = None
        self.unreadable: Sequence[str] = ()

    async def read(self, object_name: str, cursor: str | None) -> AsyncIterator[Page]:
        assert cursor is None
        for number, start in enumerate(range(0, max(len(self.held), 1), 2)):
            if number == self.breaks_after:
                raise TransientError(code="TIE-HTTP-001", message="gone away")
            said = self.held[start : start + 2]
            wire = {
                "records": [one for one in said if isinstance(one, ReportedRecord)],
                "assignments": [one for one in said if isinstance(one, ReportedAssignment)],
                "absences": [one for one in said if isinstance(one, ReportedTimeOff)],
                "bad": list(self.unreadable),
            }
            yield Page(object=object_name, payload=msgspec.json.encode(wire), item_count=len(said), next_cursor="x")

    async def aclose(self) -> None:
        """Nothing is open."""


def client(number: int) -> ReportedRecord:
    return master(RecordType.CLIENT, f"c{number}", {"code": f"C{number}", "name": f"Client {number}"}, 7)


CLIENTS = [client(number) for number in range(2, 12)]
BOOKED = assignment(source_id="b1")
AWAY = time_off(source_id="t1", starts=BOOKED.ends, ends=BOOKED.ends + timedelta(days=2))


@pytest.fixture
def hub(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    plain = SweptTranslator(PlainTranslator())
    monkeypatch.setattr(sweeping, "translators", lambda _: {"psa": plain})
    with connect(database_url, autocommit=True) as conn:
        opened = Hub(conn)
        opened.context = replace(opened.context, translators={**opened.context.translators, "psa": plain})
        opened.open_firm()
        opened.report(master(RecordType.CLIENT, "c1", {"code": "ACME", "name": "Acme", "currency": "USD"}), *CLIENTS)
        opened.plan(BOOKED, AWAY)
        yield opened


@pytest.fixture
def shelf() -> Shelf:
    return Shelf(master(RecordType.CLIENT, "c1", {"code": "ACME", "name": "Acme"}), *CLIENTS, BOOKED, AWAY)


async def sweep(
    hub: Hub, url: str, shelf: Shelf, *, limit: int = 20, after: timedelta = timedelta(hours=1)
) -> dict[str, tuple[str, int, int]]:
    """Outcome, gone and back by kind, after the hub has taken it in."""
    later = FixedClock(hub.context.clock.now() + after)
    hub.context = replace(hub.context, clock=later)
    sweeper = Sweeper(url=url, firm=world.firm(), throttle=NoThrottle(), clock=later, limit_percent=limit)
    done = await sweeper.sweep_source("psa", shelf, {"things": KINDS})
    hub.work()
    verify_control_totals(hub.conn)
    return {one.kind: (one.outcome, one.gone_count, one.returned_count) for one in done}


def alive(hub: Hub) -> set[str]:
    """Clients of the psa that are not deleted."""
    rows = hub.rows("select source_id from reported_record where type = 'client' and system = 'psa' and not deleted")
    return {str(row[0]) for row in rows}


async def test_what_is_there_stays(hub: Hub, database_url: str, shelf: Shelf) -> None:
    before = hub.rows("select count(*) from message")
    assert set((await sweep(hub, database_url, shelf)).values()) == {("swept", 0, 0)}
    assert hub.rows("select count(*) from message") == before
    assert len(alive(hub)) == 11


async def test_what_is_gone_is_a_tombstone_and_leaves_the_plan(hub: Hub, database_url: str, shelf: Shelf) -> None:
    shelf.held = [one for one in shelf.held if one.source_id not in {"c5", "b1", "t1"}]
    done = await sweep(hub, database_url, shelf)
    assert done == {"client": ("swept", 1, 0), "assignment": ("swept", 1, 0), "time_off": ("swept", 1, 0)}
    assert "c5" not in alive(hub)
    assert hub.rows("select tombstone from golden_record where code = 'C5'") == [(True,)]
    assert hub.rows("select count(*) from booking") == hub.rows("select count(*) from absence") == [(0,)]
    assert set((await sweep(hub, database_url, shelf)).values()) == {("swept", 0, 0)}


async def test_what_is_back_is_alive_again_though_its_version_never_moved(
    hub: Hub, database_url: str, shelf: Shelf
) -> None:
    everything = shelf.held
    shelf.held = [one for one in everything if one.source_id not in {"c5", "b1", "t1"}]
    await sweep(hub, database_url, shelf)
    shelf.held = everything
    done = await sweep(hub, database_url, shelf)
    assert done == {"client": ("swept", 0, 1), "assignment": ("swept", 0, 1), "time_off": ("swept", 0, 1)}
    assert "c5" in alive(hub)
    assert hub.rows("select tombstone from golden_record where code = 'C5'") == [(False,)]
    assert hub.rows("select count(*) from booking") == hub.rows("select count(*) from absence") == [(1,)]
    assert set((await sweep(hub, database_url, shelf)).values()) == {("swept", 0, 0)}


@pytest.mark.parametrize("fault", ["cut off", "unreadable"])
async def test_a_walk_that_is_not_whole_deletes_nothing(hub: Hub, database_url: str, shelf: Shelf, fault: str) -> None:
    shelf.held = shelf.held[:8]
    if fault == "cut off":
        shelf.breaks_after = 2
    else:
        shelf.unreadable = ("c9",)
    assert {one[0] for one in (await sweep(hub, database_url, shelf)).values()} == {"interrupted"}
    assert len(alive(hub)) == 11
    assert hub.rows("select count(*) from booking") == [(1,)]


async def test_a_walk_that_finds_far_less_stands_on_the_desk_until_it_is_confirmed(
    hub: Hub, database_url: str, shelf: Shelf
) -> None:
    shelf.held = [*shelf.held[:3], BOOKED, AWAY]
    assert (await sweep(hub, database_url, shelf))["client"] == ("disbelieved", 8, 0)
    await sweep(hub, database_url, shelf)
    assert len(alive(hub)) == 11
    assert hub.open_items() == [("MASS_DELETION", "open", None)]
    assert (await sweep(hub, database_url, shelf, limit=100))["client"] == ("swept", 8, 0)
    assert len(alive(hub)) == 3
    assert hub.open_items() == []


async def test_a_system_that_shows_nothing_any_more_is_not_believed(hub: Hub, database_url: str, shelf: Shelf) -> None:
    shelf.held = []
    assert (await sweep(hub, database_url, shelf))["client"] == ("disbelieved", 11, 0)
    assert len(alive(hub)) == 11


async def test_what_arrives_while_a_walk_is_under_way_is_not_taken_for_deleted(
    hub: Hub, database_url: str, shelf: Shelf
) -> None:
    hub.clock = FixedClock(hub.clock.now() + timedelta(hours=2))
    hub.context = replace(hub.context, clock=hub.clock)
    hub.report(client(90))
    assert (await sweep(hub, database_url, shelf, after=timedelta(hours=-1)))["client"] == ("swept", 0, 0)
    assert "c90" in alive(hub)
