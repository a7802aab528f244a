"""A missing number and a file that stays unfinished are on the desk until the number, or the rest, is there."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from importlib.resources import files
from pathlib import Path

import msgspec
import pytest

from tieout.connect.conformance.bench import LocalThrottle
from tieout.connect.manifest import Role
from tieout.connect.source import Notice
from tieout.connectors.files.definition import Definition, Inbox, Layout
from tieout.connectors.files.parsing import parse_definition
from tieout.connectors.files.read import FilesSource
from tieout.connectors.files.transport import LocalExchange
from tieout.desk import intake
from tieout.inbound import notice_store
from tieout.model.clock import FixedClock
from tieout.model.firm import Environment, FirmConfig, SystemConfig
from tieout.runtime.intake import Poller
from tieout.runtime.sweep import Sweeper
from tieout.storage.pool import Pool, in_transaction, run_in_transaction, sync_pool

NOW = datetime(2026, 8, 10, 12, tzinfo=UTC)
DEFINITION = Definition(
    title="Payroll",
    role=Role.PAYROLL,
    documentation=("agreement",),
    inbox=(
        Inbox(
            object="cost_rates",
            kind="cost_rate",
            folder="in",
            pattern=r"RATES_(?P<sequence>\d+)\.csv",
            layout=Layout(format="csv", columns=("person", "price")),
            key=("person",),
            id="#key",
            fields={"price": "price"},
            ready="marker",
            whole_within_s=600,
        ),
    ),
)
SYSTEM = SystemConfig(
    name="payroll",
    connector="files",
    account="p",
    environment=Environment.SANDBOX,
    reads=("cost_rates",),
    poll_interval_s=Decimal(1),
)


class Inboxes:
    """A folder, and a hub that polls it."""

    def __init__(self, root: Path, pool: Pool) -> None:
        self.folder = root / "in"
        self.folder.mkdir()
        self.pool = pool
        self.clock = FixedClock(NOW)
        self.poller = Poller(
            system=SYSTEM,
            object_name="cost_rates",
            source=FilesSource(LocalExchange(root), DEFINITION, self.clock),
            pool=pool,
            clock=self.clock,
        )

    def drop(self, number: int, *, whole: bool = True) -> None:
        path = self.folder / f"RATES_{number:04d}.csv"
        path.write_text(f"person,price\nada,{number}\n")
        if whole:
            path.with_name(f"{path.name}.done").touch()

    def desk(self) -> list[tuple[str, str, str]]:
        """Code, state and words of every item, in order."""
        with self.pool.connection() as conn:
            rows = conn.execute(
                """
                select c.code, i.state, i.message from desk_item i join root_cause c using (cause_id) order by item_id
                """
            ).fetchall()
        return [(str(code), str(state), str(message)) for code, state, message in rows]

    def taken(self) -> int:
        with self.pool.connection() as conn:
            row = conn.execute("select count(*) from message").fetchone()
        assert row is not None
        return int(str(row[0]))


@pytest.fixture
def inboxes(database_url: str, tmp_path: Path) -> Iterator[Inboxes]:
    pool = sync_pool(database_url, application="test", size=3)
    yield Inboxes(tmp_path, pool)
    pool.close()


async def test_a_missing_number_is_one_item_and_resolves_itself_when_the_file_comes(inboxes: Inboxes) -> None:
    inboxes.drop(1)
    inboxes.drop(3)
    await inboxes.poller.poll_once()
    await inboxes.poller.poll_once()
    words = "payroll, cost_rates: File number 2 is missing; RATES_0003.csv waits for it."
    assert inboxes.desk() == [("FILE_MISSING", "open", words)]
    assert inboxes.taken() == 1
    inboxes.drop(4)
    await inboxes.poller.poll_once()
    (told,) = inboxes.desk()
    assert told[2].endswith("RATES_0003.csv and 1 more wait for it.")
    inboxes.drop(2)
    await inboxes.poller.poll_once()
    assert [state for _, state, _ in inboxes.desk()] == ["resolved"]
    assert inboxes.taken() == 4


async def test_a_file_that_stays_unfinished_is_one_item_and_resolves_itself_once_it_is_whole(inboxes: Inboxes) -> None:
    inboxes.drop(1, whole=False)
    await inboxes.poller.poll_once()
    assert inboxes.desk() == []
    inboxes.clock.advance(601)
    await inboxes.poller.poll_once()
    words = "payroll, cost_rates: RATES_0001.csv is not whole after 10 minutes; nothing of it was taken."
    assert inboxes.desk() == [("FILE_UNFINISHED", "open", words)]
    inboxes.drop(1)
    await inboxes.poller.poll_once()
    assert [state for _, state, _ in inboxes.desk()] == ["resolved"]
    assert inboxes.taken() == 1


async def test_two_things_of_one_object_are_two_items_and_each_ends_for_itself(inboxes: Inboxes) -> None:
    inboxes.drop(1)
    inboxes.drop(3)
    await inboxes.poller.poll_once()
    inboxes.drop(2, whole=False)
    await inboxes.poller.poll_once()
    inboxes.clock.advance(601)
    await inboxes.poller.poll_once()
    assert [one[:2] for one in inboxes.desk()] == [("FILE_MISSING", "resolved"), ("FILE_UNFINISHED", "open")]


async def test_what_a_person_excluded_is_not_opened_again_while_it_is_the_same(inboxes: Inboxes) -> None:
    inboxes.drop(2)
    await inboxes.poller.poll_once()
    with inboxes.pool.connection() as conn:
        ((subject,),) = conn.execute("select subject_id from desk_item").fetchall()
    run_in_transaction(
        inboxes.pool,
        lambda cur: intake.exclude(cur, notice_store.SOURCE_NOTICE, [int(str(subject))], now=NOW, reason="Known."),
    )
    await inboxes.poller.poll_once()
    assert [state for _, state, _ in inboxes.desk()] == ["excluded"]


async def test_a_sweep_that_meets_a_missing_number_takes_nothing_for_deleted(
    inboxes: Inboxes, database_url: str
) -> None:
    text = (files("tieout.connectors.files") / "sample.toml").read_text(encoding="utf-8")
    system = msgspec.structs.replace(SYSTEM, settings={"definition": text})
    firm = FirmConfig(name="Test firm", version=1, content_hash="test", systems=(system,))
    folder = inboxes.folder.parent / "payroll"
    folder.mkdir()
    (folder / "RATES_0002.csv").touch()
    source = FilesSource(LocalExchange(inboxes.folder.parent), parse_definition(text), inboxes.clock)
    sweeper = Sweeper(url=database_url, firm=firm, throttle=LocalThrottle(), clock=inboxes.clock)
    (swept,) = await sweeper.sweep_source("payroll", source, {"cost_rates": ("cost_rate",)})
    assert swept.outcome == "interrupted"
    assert "File number 1 is missing" in str(swept.problem)


def test_notices_of_another_object_or_system_stay_as_they_are(inboxes: Inboxes) -> None:
    told = Notice(code="FILE_MISSING", subject="#2", message="File number 2 is missing.")
    with inboxes.pool.connection() as conn:
        for system, name in (("payroll", "people"), ("payroll", "cost_rates"), ("ledger", "people")):
            in_transaction(
                conn,
                lambda cur, system=system, name=name: notice_store.settle(  # type: ignore[misc]  # bound at once
                    cur, system=system, object_name=name, notices=[told], now=NOW
                ),
            )
        in_transaction(
            conn,
            lambda cur: notice_store.settle(cur, system="payroll", object_name="people", notices=[], now=NOW),
        )
    assert [(state, message.split(":")[0]) for _, state, message in inboxes.desk()] == [
        ("resolved", "payroll, people"),
        ("open", "payroll, cost_rates"),
        ("open", "ledger, people"),
    ]
