"""A notice goes from the desk to the channels that the firm names, through the outbox, once, whatever is cut."""

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.worlds import inbound_firm as world
from tests.worlds.inbound_database import Hub

from tieout.connect.connector import Connection, load_connector
from tieout.connect.http import HttpSettings
from tieout.connect.simulator.control import Holding
from tieout.connect.simulator.faults import Fault, FaultKind
from tieout.connect.simulator.process import SimulatorProcess
from tieout.connect.sink import Sink
from tieout.connect.throttle import NoThrottle
from tieout.desk import notices
from tieout.desk.notices import Notice
from tieout.model.firm import DeliveryPolicy, Environment, SystemConfig
from tieout.model.notice_policy import NoticeChannel, NoticePolicy
from tieout.outbound.aftermath import Aftermath
from tieout.outbound.engine import Engine
from tieout.outbound.target import Target
from tieout.runtime.notices import send_notices
from tieout.storage.pool import connect, in_transaction, sync_pool
from tieout.storage.workers import Worker
from tieout.streams.time_to_bill.rebuild import JournalRebuilder

FINANCE, OPERATIONS = "C0FINANCE1", "C0OPERATE2"
QUIET = NoticeChannel(
    system="slack",
    address=FINANCE,
    told=("queue:finance", "role:controller"),
    quiet_from="20:00",
    quiet_until="07:00",
)


class Channels:
    """A hub with real channels: simulators of Slack and Teams, each behind an engine of its own."""

    def __init__(self, hub: Hub, url: str, simulators: dict[str, SimulatorProcess]) -> None:
        self.hub = hub
        self.simulators = simulators
        self.runner = asyncio.Runner()
        self.sinks: list[Sink] = []
        self.pool = sync_pool(url, application="test", size=4)
        self.worker = Worker(url, now=hub.clock.now())
        self.engines = {name: self._engine(name, process) for name, process in simulators.items()}

    def _engine(self, name: str, process: SimulatorProcess) -> Engine:
        connector = load_connector(name)
        sheet = process.admin.connection()
        connection = Connection(
            system=name,
            account=name,
            settings=sheet.settings,
            secrets=sheet.secrets,
            throttle=NoThrottle(),
            clock=self.hub.clock,
            http=HttpSettings(timeout_s=10),
        )
        assert connector.open_sink is not None
        self.sinks.append(connector.open_sink(connection))
        return Engine(
            target=Target(
                system=name,
                manifest=connector.manifest,
                policy=DeliveryPolicy(max_attempts=3),
                sink=self.sinks[-1],
            ),
            pool=self.pool,
            epoch=self.worker.epoch,
            clock=self.hub.clock,
            aftermath=Aftermath(builder=JournalRebuilder(self.hub.context.books)),
            jitter=lambda: Decimal(1),
        )

    def tell(self, key: str, *recipients: str, **facts: str) -> None:
        """The desk writes a notice."""
        notice = Notice(
            key=key,
            kind="service_level",
            subject="Time waits for its ledger: US01",
            entity="US01",
            recipients=recipients,
            body="Late by 31 s.",
            facts={"escalation": "1", **facts},
        )
        in_transaction(self.hub.conn, lambda cur: notices.write(cur, notice, now=self.hub.clock.now()))

    def work(self) -> None:
        """Workers route, engines deliver, until nothing is due."""
        while send_notices(self.hub.conn, self.hub.context.books, self.hub.clock):
            pass
        for engine in self.engines.values():
            self.runner.run(engine.drain())

    def told(self, system: str) -> list[Holding]:
        """What people see."""
        return self.simulators[system].admin.holdings()

    def states(self) -> list[tuple[object, ...]]:
        """System and state of every delivery."""
        return self.hub.rows("select system, state from delivery order by delivery_id")

    def close(self) -> None:
        for sink in self.sinks:
            self.runner.run(sink.aclose())
        self.runner.close()
        self.worker.close()
        self.pool.close()


@pytest.fixture
def channels(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Channels]:
    monkeypatch.setenv("TIEOUT_PUBLIC_URL", "https://tieout.firm.example/")
    with (
        connect(database_url, autocommit=True) as conn,
        SimulatorProcess("slack", tmp_path / "slack") as slack,
        SimulatorProcess("teams", tmp_path / "teams") as teams,
    ):
        hub = Hub(conn)
        systems = tuple(
            SystemConfig(
                name=name, connector=name, account=name, environment=Environment.SANDBOX, takes=("send_notice",)
            )
            for name in ("slack", "teams")
        )
        policy = NoticePolicy(
            default=NoticeChannel(system="slack", address=OPERATIONS),
            channels=(QUIET, NoticeChannel(system="teams", told=("role:administrator",))),
        )
        firm = world.firm()
        hub.open_firm(msgspec.structs.replace(firm, systems=(*firm.systems, *systems), notices=policy))
        opened = Channels(hub, database_url, {"slack": slack, "teams": teams})
        yield opened
        opened.close()


def seen(holdings: list[Holding]) -> list[tuple[str | None, str, str]]:
    return [(one.code, one.facts["subject"], one.facts["link"]) for one in holdings]


def test_an_owner_is_told_once_on_his_channel_with_a_link_to_the_item(channels: Channels) -> None:
    channels.tell("level:1:1", "queue:finance", "role:controller", item_id="17")
    channels.work()
    channels.tell("level:1:1", "queue:finance", item_id="17")
    channels.work()
    link = "https://tieout.firm.example/exceptions/items/17"
    assert seen(channels.told("slack")) == [(FINANCE, "Time waits for its ledger: US01", link)]
    assert channels.told("slack")[0].facts["fact:for"] == "queue:finance, role:controller"
    assert channels.states() == [("slack", "posted")]
    assert channels.hub.rows("select type from event_log where type = 'master.delivered'") == []


def test_whoever_no_channel_names_is_told_on_the_default_one(channels: Channels) -> None:
    channels.tell("level:2:1", "queue:integration")
    channels.work()
    assert [one.code for one in channels.told("slack")] == [OPERATIONS]


def test_a_firm_without_channels_keeps_its_notices_and_tells_nobody_later(channels: Channels) -> None:
    hub = channels.hub
    firm = msgspec.structs.replace(world.firm(), content_hash="no channels")
    hub.apply(firm)
    channels.tell("level:3:1", "queue:finance")
    channels.work()
    hub.apply(msgspec.structs.replace(firm, notices=NoticePolicy(default=QUIET), content_hash="channels again"))
    channels.work()
    assert channels.states() == []


def test_at_night_only_what_is_critical_is_sent_and_the_rest_in_the_morning(channels: Channels) -> None:
    clock = channels.hub.clock
    hours_to_ten = (22 - clock.now().hour) % 24
    clock.advance(hours_to_ten * 3600)
    channels.tell("level:4:1", "queue:finance")
    channels.tell("level:5:2", "queue:finance", escalation="2", cause_id="5")
    channels.work()
    assert [link for _, _, link in seen(channels.told("slack"))] == ["https://tieout.firm.example/exceptions/causes/5"]
    clock.advance(9 * 3600)
    channels.work()
    assert len(channels.told("slack")) == 2


@pytest.mark.parametrize("kind", [FaultKind.COMMIT_THEN_DROP, FaultKind.DROP])
def test_a_channel_that_can_be_asked_is_asked_and_told_once(channels: Channels, kind: FaultKind) -> None:
    channels.simulators["slack"].admin.force(Fault(kind=kind, on="write"))
    channels.tell("level:6:1", "queue:finance")
    channels.work()
    assert channels.states() == [("slack", "in_doubt")]
    channels.hub.clock.advance(3600)
    channels.work()
    assert channels.states() == [("slack", "posted")]
    assert len(channels.told("slack")) == 1


@pytest.mark.parametrize(("kind", "told"), [(FaultKind.COMMIT_THEN_DROP, 1), (FaultKind.DROP, 0)])
def test_a_channel_that_cannot_be_asked_is_never_told_again_and_the_desk_says_so(
    channels: Channels, kind: FaultKind, told: int
) -> None:
    channels.simulators["teams"].admin.force(Fault(kind=kind, on="write"))
    channels.tell("level:7:1", "role:administrator")
    for _ in range(3):
        channels.work()
        channels.hub.clock.advance(3600)
    assert channels.states() == [("teams", "held")]
    assert len(channels.told("teams")) == told
    items: list[Any] = channels.hub.rows(
        "select c.code, i.message from desk_item i join root_cause c using (cause_id) where subject_kind = 'delivery'"
    )
    [(code, message)] = items
    assert code == "DELIVERY_UNRESOLVED"
    assert "teams on TIE-" in message
