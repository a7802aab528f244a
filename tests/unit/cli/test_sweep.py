"""Deletions that a system tells nobody: the command finds them in a local Float account, or says why it cannot."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from psycopg import Connection
from tests.unit.cli.conftest import CommandLine, with_real_connectors
from tests.unit.connectors.float.account import small_firm
from tests.worlds import inbound_firm as world
from tests.worlds.inbound_database import Hub

from tieout.connect.connector import Connector, connector_for
from tieout.connect.simulator.control import DeleteRecord
from tieout.connect.simulator.process import SimulatorProcess
from tieout.connect.simulator.seed import write_firm
from tieout.connect.throttle import NoThrottle
from tieout.model.firm import Environment, FirmConfig, SystemConfig
from tieout.model.oversight import DeletionSweep, Oversight, Schedule
from tieout.runtime import sweep as sweeping
from tieout.runtime.clock import SystemClock
from tieout.runtime.daily import DailyContext, sweep_for_deletions
from tieout.runtime.hub import open_pollers
from tieout.runtime.sweep import SweptKind
from tieout.runtime.systems import translators
from tieout.storage.pool import Pool, connect, sync_pool


class _Done(msgspec.Struct):
    swept: list[SweptKind]


class Tool:
    """A Float account that a hub reads."""

    def __init__(self, hub: Hub, firm: FirmConfig, pool: Pool, process: SimulatorProcess) -> None:
        self.hub = hub
        self.firm = firm
        self.pool = pool
        self.process = process

    def poll(self) -> None:
        """Let the hub read what the account holds, and take it in."""

        async def once() -> None:
            async with AsyncExitStack() as stack:
                only = msgspec.structs.replace(
                    self.firm, systems=tuple(s for s in self.firm.systems if s.name == "tool")
                )
                for poller in open_pollers(only, self.pool, NoThrottle(), SystemClock(), stack):
                    await poller.poll_once()

        asyncio.run(once())
        self.hub.work()

    def people(self) -> dict[str, bool]:
        """Whether each person that the account told of is gone, by e-mail address of the golden record."""
        return {
            str(email): bool(gone)
            for email, gone in self.hub.rows(
                """
                select g.code, g.tombstone from golden_record g join cross_reference x using (record_id)
                 where x.system = 'tool' and x.type = 'resource'
                """
            )
        }


def _open(conn: Connection[tuple[object, ...]], firm: FirmConfig) -> Hub:
    hub = Hub(conn)
    hub.open_firm(firm)
    hub.context = replace(hub.context, clock=SystemClock(), translators=translators(firm))
    return hub


@pytest.fixture
def tool(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tool]:
    seed = tmp_path / "seed"
    seed.mkdir()
    write_firm(seed, small_firm())
    pool = sync_pool(database_url, application="test-sweep", size=2)
    with SimulatorProcess("float", tmp_path / "state", seed_dir=seed) as process:
        sheet = process.admin.connection()
        for name, secret in sheet.secrets.items():
            monkeypatch.setenv(f"TOOL_{name.upper()}", secret)
        system = SystemConfig(
            name="tool",
            connector="float",
            account="tool",
            environment=Environment.SANDBOX,
            reads=("people",),
            settings=sheet.settings,
            secrets={name: f"env:TOOL_{name.upper()}" for name in sheet.secrets},
        )
        with connect(database_url, autocommit=True) as conn:
            plain = world.firm()
            firm = with_real_connectors(msgspec.structs.replace(plain, systems=(*plain.systems, system)))
            yield Tool(_open(conn, firm), firm, pool, process)
    pool.close()


def test_a_person_deleted_in_the_tool_is_found_by_a_sweep_and_never_by_polling(tieout: CommandLine, tool: Tool) -> None:
    tool.poll()
    assert tool.people() == {"ann@northwind.example": False, "bo@northwind.example": False}
    tool.process.admin.change(DeleteRecord(kind="person", key="ann"))
    tool.poll()
    assert not any(tool.people().values())
    done = msgspec.json.decode(tieout("sweep", "tool", "--json").json(), type=_Done).swept
    assert [(one.outcome, one.gone_count) for one in done if one.kind == "resource"] == [("swept", 1)]
    tool.hub.work()
    assert tool.people() == {"ann@northwind.example": True, "bo@northwind.example": False}
    words = tieout("sweep", "tool").out
    assert "resource" in words
    assert "swept" in words


def test_an_account_that_shows_nobody_any_more_is_believed_only_when_somebody_says_so(
    tieout: CommandLine, tool: Tool
) -> None:
    tool.poll()
    tool.process.admin.change(DeleteRecord(kind="person", key="ann"), DeleteRecord(kind="person", key="bo"))
    said = tieout("sweep", "tool")
    assert said.code == 1
    assert "disbelieved" in said.out
    [(item,)] = tool.hub.rows("select item_id from desk_item where subject_kind = 'sweep' and state = 'open'")
    assert "MASS_DELETION" in tieout("exceptions", "list").out
    assert "did not find 2 of 2 records of resource" in tieout("exceptions", "show", str(item)).out
    assert tieout("exceptions", "retry", str(item)).code == 0
    assert tieout("sweep", "tool").code == 1
    assert tool.hub.rows("select state from desk_item where item_id = %s", item) == [("open",)]
    assert tieout("sweep", "tool", "--limit", "100").code == 0
    tool.hub.work()
    assert all(tool.people().values())
    assert tool.hub.rows("select state from desk_item where item_id = %s", item) == [("resolved",)]


def test_a_system_out_of_reach_is_said_and_loses_nothing(tieout: CommandLine, tool: Tool) -> None:
    tool.poll()
    tool.process.admin.down(60)
    said = tieout("sweep", "tool")
    assert said.code == 1
    assert "interrupted" in said.out
    tool.hub.work()
    assert not any(tool.people().values())


def test_a_system_that_the_firm_does_not_have_cannot_be_swept(tieout: CommandLine, hub: Hub) -> None:
    assert hub.rows("select count(*) from firm_version") == [(1,)]
    assert "TIE-FIRM-007" in tieout.refuses("sweep", "nowhere")


def test_a_firm_says_itself_how_much_of_a_kind_may_be_gone(tieout: CommandLine, tool: Tool) -> None:
    tool.poll()
    tool.process.admin.change(DeleteRecord(kind="person", key="ann"), DeleteRecord(kind="person", key="bo"))
    assert tieout("sweep", "tool").code == 1
    schedule = Schedule(deletion_sweep=DeletionSweep(limit_percent=100))
    tool.hub.apply(msgspec.structs.replace(tool.firm, oversight=Oversight(schedule=schedule)))
    assert tieout("sweep", "tool").code == 0
    assert tieout("sweep", "tool", "--limit", "20").code == 1
    tool.hub.work()
    assert all(tool.people().values())


def test_an_object_whose_connector_does_not_say_what_it_tells_is_skipped_aloud(
    tieout: CommandLine, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unspoken(name: str, settings: Mapping[str, str]) -> Connector:
        found = connector_for(name, settings)
        reads = tuple(msgspec.structs.replace(one, kinds=()) for one in found.manifest.reads)
        return replace(found, manifest=msgspec.structs.replace(found.manifest, reads=reads))

    tool.poll()
    monkeypatch.setattr(sweeping, "connector_for", unspoken)
    said = tieout("sweep", "tool")
    assert said.code == 0
    assert "skipped: its connector does not say what kinds of records it tells" in said.out
    assert not any(tool.people().values())


def test_the_daily_sweep_finds_what_is_gone_though_another_system_cannot_be_asked(
    tool: Tool, database_url: str
) -> None:
    tool.poll()
    tool.process.admin.change(DeleteRecord(kind="person", key="ann"))
    right = tool.firm.systems[-1]
    wrong = msgspec.structs.replace(right, name="spare", secrets=dict.fromkeys(right.secrets, "env:TOOL_NOWHERE"))
    firm = msgspec.structs.replace(tool.firm, systems=(wrong, right))
    now = SystemClock().now()
    context = DailyContext(url=database_url, home=Path(), firm=firm, clock=SystemClock(), due_at=now, installed_at=now)
    done = asyncio.run(sweep_for_deletions(context))
    assert done.outcome == "attention"
    assert "spare: " in done.detail
    assert "3 kinds swept, 3 records gone" in done.detail
    tool.hub.work()
    assert tool.people() == {"ann@northwind.example": True, "bo@northwind.example": False}
