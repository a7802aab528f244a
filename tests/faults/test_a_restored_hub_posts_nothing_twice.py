"""A hub restored from a backup of the middle of its work: what it has forgotten stands in the ledger once."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from tests.faults.campaign import Campaign, Killer, doubles
from tests.faults.nursery import Order

from tieout.connect.simulator.control import DeleteHolding
from tieout.connect.simulator.process import SimulatorProcess
from tieout.errors import ConfigurationError
from tieout.runtime import restored, worker
from tieout.runtime.backup import write_backup
from tieout.runtime.clock import SystemClock
from tieout.runtime.restore import restore_backup
from tieout.runtime.restored import Waiting, accept_release, propose_release, prove
from tieout.storage.embedded import EmbeddedPostgres
from tieout.storage.pool import connect

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    return home


def campaign_on(url: str, directory: Path) -> Campaign:
    killer = Killer(directory / "kill.sock", seed=1)
    killer.armed = False
    return Campaign(url=url, order=Order(url=url, in_flight_s=0.1, quarantine=True, idempotency="U"), killer=killer)


def rest(campaign: Campaign, rounds: int = 6) -> None:
    for _ in range(rounds):
        campaign._work()


@pytest.fixture
def both(hub: str, files: Path, tmp_path: Path) -> Iterator[tuple[Campaign, str]]:
    """The campaign after its ledger moved on from the backup, and the restored hub's connection string.

    At the backup some entries are posted, some in journals that wait to be sent, some in no journal yet.
    """
    old = campaign_on(hub, tmp_path)
    try:
        old._feed()
        rest(old)
        old._feed()
        with connect(hub, autocommit=True) as conn:
            worker.work_once(conn, worker.contexts(conn))
        old._feed()
        write_backup(hub, files, tmp_path / "hub.backup", passphrase=None, clock=SystemClock())
        rest(old)
        old._feed()
        rest(old)
    finally:
        old.close()
    new = tmp_path / "restored"
    restore_backup(tmp_path / "hub.backup", new, passphrase=None, clock=SystemClock(), environ={})
    with EmbeddedPostgres(new) as server:
        url = server.url
        yield old, url


def again(old: Campaign, url: str, directory: Path) -> Campaign:
    """The restored hub is told anew what came after its backup, cut into other messages."""
    new = campaign_on(url, directory)
    new.tally.entries = old.tally.entries - 2
    new._feed()
    return new


async def looked(url: str) -> list[Waiting]:
    """A look long after the restore: what was under way then has come to its end."""
    with psycopg.connect(url) as conn:
        conn.execute("update tieout.restoration set restored_at = restored_at - interval '1 hour'")
    return [one for one in await prove(url, SystemClock()) if one.state == "waiting"]


async def test_what_was_posted_after_the_backup_is_found_and_not_posted_again(
    both: tuple[Campaign, str], erp: SimulatorProcess, tmp_path: Path
) -> None:
    old, url = both
    before = {one.reference for one in erp.admin.holdings() if one.kind == "post_journal"}
    new = again(old, url, tmp_path)
    try:
        rest(new)
        assert {one.reference for one in erp.admin.holdings() if one.kind == "post_journal"} == before
        waits = await looked(url)
        assert len(waits) == 1
        assert waits[0].unknown_count >= 1
        assert ("LEDGER_POSTING_UNKNOWN", waits[0].unknown_count) in [one[:2] for one in new.exceptions()]
        rest(new)
        assert {one.reference for one in erp.admin.holdings() if one.kind == "post_journal"} == before
        with psycopg.connect(url) as conn:
            unknown = conn.execute("select reference from tieout.restored_posting where gone_at is null").fetchall()
        erp.admin.change(*(DeleteHolding(reference=str(row[0])) for row in unknown))
        assert await looked(url) == []
        rest(new)
        assert doubles(erp.admin.holdings()) == []
        held = {one.reference for one in erp.admin.holdings() if one.kind == "post_journal"}
        assert new.references() == held
        assert new.exceptions() == []
        statement = new.statement()
        assert statement.breaks == ()
        assert statement.holds
        assert sum(row.bucket("posted").count for row in statement.rows) == old.tally.entries
    finally:
        new.close()


async def test_two_people_take_a_release_upon_themselves_and_one_alone_cannot(both: tuple[Campaign, str]) -> None:
    _, url = both
    waits = await looked(url)
    assert len(waits) == 1
    now = SystemClock().now()
    with connect(url, autocommit=True) as conn:
        with pytest.raises(ConfigurationError):
            propose_release(conn, waits[0].entity, by="ada", reason=" ", now=now)
        with pytest.raises(ConfigurationError):
            accept_release(conn, waits[0].entity, by="bob", now=now)
        propose_release(conn, waits[0].entity, by="ada", reason="Reversed by hand in another journal.", now=now)
        with pytest.raises(ConfigurationError, match="cannot accept"):
            accept_release(conn, waits[0].entity, by="Ada", now=now)
        accept_release(conn, waits[0].entity, by="bob", now=now)
        assert [one.state for one in restored.waiting(conn) if one.entity == waits[0].entity] == ["released"]
