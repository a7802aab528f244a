"""A whole hub in one database for the tie-out: the way in, time to bill, and the engine before a ledger of the test."""

import asyncio
from collections.abc import Mapping, Sequence
from decimal import Decimal

import msgspec
from tests.worlds import inbound_firm as world
from tests.worlds import project_hub
from tests.worlds.inbound_database import Hub, master

from tieout.connect.manifest import IdempotencyClass, Manifest, Role, WriteCapability
from tieout.connect.outcome import Accepted, Found, FoundState, Outcome, Rejected, RejectionCode, RetryLater, Unknown
from tieout.desk import effects, queue
from tieout.governance import firm_version
from tieout.model.command import Command
from tieout.model.firm import DeliveryPolicy
from tieout.model.journal import PostJournal
from tieout.model.reported import RecordType, ReportedTime
from tieout.model.stream_policy import ApprovalRule, LeadToProject, StreamPolicies
from tieout.outbound import released
from tieout.outbound.aftermath import Aftermath
from tieout.outbound.engine import Engine
from tieout.outbound.target import Target
from tieout.reconciliation.tie_out import Bucket, TieOut, TieOutRow, tie_out
from tieout.storage.pool import Pool, connect, in_transaction
from tieout.storage.workers import Worker
from tieout.streams.lead_to_project.approval import approve
from tieout.streams.lead_to_project.step import ProjectContext, advance_projects
from tieout.streams.time_to_bill.rebuild import JournalRebuilder
from tieout.streams.time_to_bill.step import BillingContext, build_journals


class Ledger:
    """Posts what it is sent; refuses what names a word in ``poison`` or all periods; swallows answers; or is down."""

    def __init__(self) -> None:
        self.posted: dict[str, PostJournal] = {}
        self.poison: set[str] = set()
        self.swallow = False
        self.closed = False
        self.down = False

    async def write(self, commands: Sequence[Command]) -> Sequence[Outcome]:
        await asyncio.sleep(0)
        return [self._one(command) for command in commands]

    def _one(self, command: Command) -> Outcome:
        assert isinstance(command, PostJournal)
        if self.down:
            return RetryLater(reason="503")
        if self.closed:
            return Rejected(code=RejectionCode.PERIOD_CLOSED, words="the period is closed")
        if any(word in line.memo for line in command.lines for word in self.poison):
            return Rejected(code=RejectionCode.INVALID, words="a line is bad")
        self.posted[command.reference] = command
        return Unknown(reason="reset") if self.swallow else Accepted(ref=f"T{len(self.posted)}")

    async def find(self, command_kind: str, references: Sequence[str], *, entity: str) -> Mapping[str, Found]:
        del command_kind, entity
        return {
            one: Found(reference=one, ref="T", state=FoundState.POSTED, count=1)
            for one in references
            if one in self.posted
        }

    async def aclose(self) -> None:
        """Nothing to close."""


class Books:
    """The hub with its ledger, and its statement."""

    def __init__(self, url: str, hub: Hub, pool: Pool) -> None:
        self.url = url
        self.hub = hub
        self.ledger = Ledger()
        self.billing = BillingContext(clock=hub.clock, books=hub.context.books)
        self.worker = Worker(url, now=hub.clock.now())
        manifest = Manifest(
            name="test",
            title="Test",
            role=Role.ERP,
            api_version="1",
            writes=(WriteCapability(command="post_journal", idempotency=IdempotencyClass.L, max_batch=20),),
            max_in_flight_s=30,
        )
        self.engine = Engine(
            target=Target(system="erp", manifest=manifest, policy=DeliveryPolicy(max_attempts=2), sink=self.ledger),
            pool=pool,
            epoch=self.worker.epoch,
            clock=hub.clock,
            aftermath=Aftermath(builder=JournalRebuilder(hub.context.books)),
            jitter=lambda: Decimal(1),
        )

    def close(self) -> None:
        self.worker.close()

    def take(self, *times: ReportedTime, bad: Sequence[str] = ()) -> None:
        """Hand time in and run the way in."""
        self.hub.take(*times, bad=bad)

    def bill(self) -> None:
        """Build journals until nothing waits."""
        while build_journals(self.hub.conn, self.billing):
            pass

    def deliver(self) -> None:
        """Bill and send until nothing is due."""
        self.bill()
        in_transaction(self.hub.conn, lambda cur: released.take_up(cur, self.hub.clock))
        asyncio.run(self.engine.drain())

    def exclude(self, code: str) -> None:
        """Take every item of ``code`` out for good."""
        items = queue.find_items(self.hub.conn, code=code)
        assert items
        in_transaction(
            self.hub.conn,
            lambda cur: effects.exclude(cur, items, actor="ada", reason="Not ours.", now=self.hub.clock.now()),
        )

    def sell(self) -> None:
        """Win a deal, have it approved, and enqueue the customer of its project: no money anywhere."""
        conn, clock = self.hub.conn, self.hub.clock
        config = firm_version.current(conn)
        policy = LeadToProject(approval=ApprovalRule.REQUIRED, contract_required=False)
        systems = tuple(
            msgspec.structs.replace(one, takes=("upsert_customer", "upsert_project")) if one.name == "erp" else one
            for one in config.systems
        )
        streams = StreamPolicies(lead_to_project=policy)
        self.hub.apply(msgspec.structs.replace(config, systems=systems, streams=streams))
        card = master(RecordType.RATE_CARD, "USD", {"code": "RC-USD", "name": "USD", "currency": "USD"})
        self.hub.report(card, project_hub.deal(tax_treatment="standard", refs={"client": "c1"}), system="psa")
        context = ProjectContext(clock=clock, books=self.hub.context.books, rates=self.hub.context.rates)
        advance_projects(conn, context)
        in_transaction(conn, lambda cur: approve(cur, "D1", actor="cfo", reason="Right.", now=clock.now()))
        while advance_projects(conn, context):
            pass

    def statement(self, **of: str) -> TieOut:
        """The statement over a connection of its own."""
        with connect(self.url, autocommit=True) as conn:
            return tie_out(conn, translators=self.hub.context.translators, **of)

    def proven(self) -> TieOut:
        """The statement, which must hold and say nothing against the state."""
        statement = self.statement()
        assert statement.breaks == ()
        for row in statement.rows:
            assert row.identity_holds, row
        assert statement.holds
        return statement


def row(statement: TieOut, entity: str = "US01", period: str = "2026-07", currency: str = "USD") -> TieOutRow:
    """One row of a statement."""
    return next(one for one in statement.rows if (one.entity, one.period, one.currency) == (entity, period, currency))


def figures(of: TieOutRow) -> dict[str, tuple[int, Decimal, Decimal]]:
    """Count, hours and amount of the sides of a row that are not empty."""
    return {
        side: (bucket.count, bucket.hours, of.amount(side)) for side, bucket in of.buckets.items() if bucket != Bucket()
    }


__all__ = ["Books", "Ledger", "figures", "row", "world"]
