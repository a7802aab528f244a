"""A hub whose payroll is told approved hours by file, in a folder of this machine; the office behind it is the test's.

The firm is that of ``inbound_database``. The payroll knows Ada as 017 and Bob as 042; Cyd it does not know.
"""

import asyncio
import csv
import io
from datetime import date
from decimal import Decimal
from importlib.resources import files
from pathlib import Path

import msgspec
from tests.worlds import inbound_firm as world
from tests.worlds.inbound_database import Hub, PlainTranslator, Rows, master

from tieout.connectors.files.manifest import manifest_of
from tieout.connectors.files.parsing import parse_definition
from tieout.connectors.files.transport import LocalExchange
from tieout.connectors.files.write import FilesSink
from tieout.desk import intake
from tieout.inbound.context import InboundContext
from tieout.model.clock import FixedClock
from tieout.model.firm import DeliveryPolicy, Environment, FirmConfig, SystemConfig
from tieout.model.reported import RecordType, ReportedTime
from tieout.model.stream_policy import HoursToPayroll, StreamPolicies
from tieout.outbound import released
from tieout.outbound.aftermath import Aftermath
from tieout.outbound.engine import Engine
from tieout.outbound.recut import recut
from tieout.outbound.target import Target
from tieout.reconciliation.tie_out import TieOut, tie_out
from tieout.storage.pool import Pool, connect, in_transaction
from tieout.storage.workers import Worker
from tieout.streams.hours_to_payroll.step import PayrollContext, tell_payrolls
from tieout.streams.time_to_bill.rebuild import JournalRebuilder

SAMPLE = parse_definition((files("tieout.connectors.files") / "sample.toml").read_text(encoding="utf-8"))
POLICY = HoursToPayroll(payrolls={"US01": "payroll"}, first_day=date(2026, 7, 1))


def firm(policy: HoursToPayroll = POLICY) -> FirmConfig:
    """The firm with a payroll."""
    base = world.firm()
    payroll = SystemConfig(
        name="payroll",
        connector="plain",
        account="p",
        environment=Environment.SANDBOX,
        takes=("post_payroll_hours",),
        role="payroll",
    )
    return msgspec.structs.replace(
        base, systems=(*base.systems, payroll), streams=StreamPolicies(hours_to_payroll=policy)
    )


class Office(LocalExchange):
    """The folders, and the office behind them: it answers each file at once, refuses all, or says nothing."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.root = root
        self.refuses = False
        self.is_silent = False
        self.takes_less = Decimal(0)

    async def create(self, folder: str, name: str, content: bytes) -> bool:
        """A file arrives."""
        made = await super().create(folder, name, content)
        if made and not self.is_silent:
            self.answer(name)
        return made

    def answer(self, name: str) -> None:
        """Say what becomes of a file."""
        (self.root / "answers").mkdir(exist_ok=True)
        if self.refuses:
            (self.root / "answers" / f"{name}.err").write_text("code;text\nH20;There is no such employee.\n")
            return
        total = sum((Decimal(one["hours"].replace(",", ".")) for one in self.rows_of(name)), Decimal(0))
        said = f"{total - self.takes_less:f}".replace(".", ",")
        (self.root / "answers" / f"{name}.ok").write_text(f"ref;rows;hours\nP-{name[-8:-4]};1;{said}\n")

    def answer_all(self) -> None:
        """Answer every file that lies there without an answer."""
        for name in self.names():
            if not list((self.root / "answers").glob(f"{name}.*")):
                self.answer(name)

    def rows_of(self, name: str) -> list[dict[str, str]]:
        """The rows of a file of hours, without its trailer."""
        text = (self.root / "hours" / name).read_text(encoding="utf-8")
        return list(csv.DictReader(io.StringIO(text), delimiter=";"))[:-1]

    def names(self) -> list[str]:
        """The files of hours, in the order of their numbers."""
        if not (self.root / "hours").exists():
            return []
        there = [one.name for one in (self.root / "hours").glob("*.csv")]
        return sorted(there, key=lambda name: int(self.rows_of(name)[0]["sequence"]))

    def told(self) -> list[list[tuple[str, str, str, str]]]:
        """What each file says: number, day, wage type, hours."""
        return [
            [(one["number"], one["date"], one["type"], one["hours"]) for one in self.rows_of(name)]
            for name in self.names()
        ]


class PayrollHub:
    """The hub, its payroll and its statement."""

    def __init__(self, url: str, hub: Hub, pool: Pool, root: Path) -> None:
        self.url = url
        self.hub = hub
        self.office = Office(root)
        given = self.hub.context
        self.hub.context = InboundContext(
            clock=given.clock,
            ids=given.ids,
            translators={**given.translators, "payroll": PlainTranslator()},
            books=given.books,
            recut=recut,
        )
        self.worker = Worker(url, now=self.clock.now())
        self.context = PayrollContext(clock=self.clock, books=given.books)
        self.engine = Engine(
            target=Target(
                system="payroll",
                manifest=manifest_of(SAMPLE),
                policy=DeliveryPolicy(longest_in_flight_s=Decimal(1), max_attempts=3),
                sink=FilesSink(self.office, SAMPLE, answer_within_s=0.05),
            ),
            pool=pool,
            epoch=self.worker.epoch,
            clock=self.clock,
            aftermath=Aftermath(builder=JournalRebuilder(given.books)),
            jitter=lambda: Decimal(1),
        )

    @property
    def clock(self) -> FixedClock:
        """The hub's clock."""
        return self.hub.clock

    def open(self, policy: HoursToPayroll = POLICY) -> None:
        """Apply the configuration; the payroll tells whom it pays."""
        self.hub.open_firm(firm(policy))
        self.know("017", "Ada")
        self.know("042", "Bob")

    def hub_firm(self, *, on: bool = True, **changes: object) -> FirmConfig:
        """The firm; ``changes`` replace settings of its section, ``on`` says whether it has one."""
        config = firm(msgspec.structs.replace(POLICY, **changes))
        return config if on else msgspec.structs.replace(config, streams=StreamPolicies())

    def know(self, number: str, name: str) -> None:
        """The payroll has a person."""
        self.hub.report(
            master(RecordType.RESOURCE, number, {"name": name, "email": f"{name.lower()}@example.com"}),
            system="payroll",
        )

    def take(self, *times: ReportedTime) -> None:
        """Time is handed in and accepted."""
        self.hub.take(*times)

    def compute(self) -> int:
        """Run the step until it has nothing to do; returns how often it had."""
        for runs in range(50):
            if not tell_payrolls(self.hub.conn, self.context):
                return runs
        raise AssertionError("The step never comes to rest.")

    def deliver(self) -> None:
        """Make files, send them, take up what came of them, and so on until all is at rest."""
        for _ in range(5):
            self.compute()
            in_transaction(self.hub.conn, lambda cur: released.take_up(cur, self.clock))
            asyncio.run(self.engine.drain())
        self.compute()

    def exclude(self, code: str) -> None:
        """Every item of ``code`` is taken out for good."""
        items = self.rows(
            """
            select i.subject_kind, i.subject_id from desk_item i join root_cause c using (cause_id)
             where c.code = %s and i.state = 'open'
            """,
            code,
        )
        assert items
        now = self.clock.now()
        for kind, subject in items:
            in_transaction(
                self.hub.conn,
                lambda cur, kind=kind, subject=subject: intake.exclude(  # type: ignore[misc]  # bound at once
                    cur, str(kind), [int(str(subject))], now=now, reason="Settled."
                ),
            )

    def rows(self, query: str, *values: object) -> Rows:
        """The rows of a query."""
        return self.hub.rows(query, *values)

    def desk(self) -> list[str]:
        """Codes of what is on the desk."""
        return [str(row[0]) for row in self.hub.open_items()]

    def statement(self) -> TieOut:
        """The statement over a connection of its own."""
        with connect(self.url, autocommit=True) as conn:
            return tie_out(conn, translators=self.hub.context.translators)

    def close(self) -> None:
        """Release the worker's registration."""
        self.worker.close()
