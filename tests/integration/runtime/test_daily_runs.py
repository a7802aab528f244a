"""What the hub does daily is done once, by one hub, at its time or at the next start, and what came of it is kept."""

import asyncio
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from psycopg import Connection
from tests.integration.storage.test_jobs import eventually, running
from tests.worlds import inbound_firm as world

from tieout.errors import TransientError
from tieout.governance import audit, firm_version
from tieout.governance.audit_chain import AuditEntry
from tieout.model.clock import FixedClock
from tieout.model.firm import AnchorPlace, AuditPolicy
from tieout.model.oversight import AuditAnchor, DeletionSweep, DriftSweep, Oversight, PeriodSeal, Schedule
from tieout.runtime import schedule as scheduling
from tieout.runtime.clock import SystemClock
from tieout.runtime.daily import DailyContext, Done
from tieout.runtime.hub import HubOptions, serve
from tieout.runtime.schedule import AFTER_READING, DAILY, Scheduler, due_runs, scheduled
from tieout.storage import daily_runs
from tieout.storage.daily_runs import Run
from tieout.storage.pool import Row, connect, in_transaction

INSTALLED = datetime(2026, 7, 1, 12, tzinfo=UTC)
QUARTER_PAST_TWO = datetime(2026, 7, 2, 2, 15, tzinfo=UTC)
THREE = datetime(2026, 7, 2, 3, tzinfo=UTC)


class Days:
    """A hub's database on which time passes, with runs that only note what was due."""

    def __init__(self, url: str, conn: Connection[Row], home: Path) -> None:
        self.url = url
        self.home = home
        self.conn = conn
        self.made: list[tuple[str, datetime]] = []

    def scheduler(self, now: datetime) -> Scheduler:
        """A hub at ``now``."""
        return Scheduler(url=self.url, home=self.home, clock=FixedClock(now))

    def claimed(self) -> list[tuple[str, datetime]]:
        """The runs that a hub has claimed, in order."""
        rows = self.conn.execute("select name, due_at from daily_run order by due_at").fetchall()
        return [(str(name), due_at) for name, due_at in rows if isinstance(due_at, datetime)]

    def last(self) -> dict[str, Run]:
        """The last run of each name."""
        return {one.name: one for one in in_transaction(self.conn, daily_runs.last_runs)}

    def jobs(self) -> int:
        """How many jobs wait or are under way."""
        row = self.conn.execute("select count(*) from jobs.procrastinate_jobs where status in ('todo', 'doing')")
        return int(str((row.fetchone() or (0,))[0]))

    def first_run(self) -> int:
        """The number of the run that was claimed first."""
        row = self.conn.execute("select min(run_id) from daily_run").fetchone()
        return int(str((row or (0,))[0]))


@pytest.fixture
def days(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Days]:
    with connect(database_url, autocommit=True) as conn:
        opened = Days(database_url, conn, tmp_path)

        async def note(context: DailyContext) -> Done:
            opened.made.append(("deletion_sweep", context.due_at))
            return Done(outcome="attention", detail="one system could not be reached")

        async def note_quality(context: DailyContext) -> Done:
            opened.made.append(("data_quality", context.due_at))
            return Done(outcome="done", detail="12 scores")

        monkeypatch.setattr(scheduling, "DAILY", {"deletion_sweep": note, "data_quality": note_quality})
        schedule = Schedule(
            drift_sweep=DriftSweep(at="off"), period_seal=PeriodSeal(at="off"), audit_anchor=AuditAnchor(at="off")
        )
        firm = msgspec.structs.replace(
            world.firm(), oversight=Oversight(schedule=schedule), content_hash="two runs a day"
        )
        in_transaction(conn, lambda cur: firm_version.store(cur, firm, applied_by="ines", now=INSTALLED))
        yield opened


def test_every_section_of_the_schedule_has_its_operation() -> None:
    assert {name for name, _ in Schedule().runs()} == set(DAILY)


def test_what_was_due_before_the_hub_was_installed_is_not_made(days: Days) -> None:
    days.scheduler(INSTALLED + timedelta(minutes=1)).tick()
    assert days.claimed() == []


def test_a_run_is_claimed_once_at_its_time_whatever_many_hubs_there_are(days: Days) -> None:
    days.scheduler(QUARTER_PAST_TWO - timedelta(seconds=1)).tick()
    assert days.claimed() == []
    hubs = [days.scheduler(QUARTER_PAST_TWO + timedelta(seconds=one)) for one in range(4)]
    threads = [threading.Thread(target=one.tick) for one in hubs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert days.claimed() == [("deletion_sweep", QUARTER_PAST_TWO)]
    assert days.jobs() == 1


def test_a_hub_that_was_down_for_days_makes_the_last_run_it_missed_and_no_other(days: Days) -> None:
    back = THREE + timedelta(days=5, hours=9)
    days.scheduler(back).tick()
    days.scheduler(back + timedelta(minutes=1)).tick()
    assert days.claimed() == [
        ("deletion_sweep", QUARTER_PAST_TWO + timedelta(days=5)),
        ("data_quality", THREE + timedelta(days=5)),
    ]


async def test_a_hub_makes_what_is_due_and_keeps_what_came_of_it(days: Days) -> None:
    scheduler = days.scheduler(THREE + timedelta(hours=1))
    async with running(scheduler.job_settings(())):
        await eventually(lambda: [one.outcome for one in days.last().values()] == ["done", "attention"], 30)
    assert sorted(days.made) == [("data_quality", THREE), ("deletion_sweep", QUARTER_PAST_TWO)]
    last = days.last()
    assert (last["deletion_sweep"].outcome, last["deletion_sweep"].detail) == (
        "attention",
        "one system could not be reached",
    )
    assert last["data_quality"].ended_at == THREE + timedelta(hours=1)


def test_a_run_that_fails_is_made_again_some_minutes_later_and_given_up_after_the_third_time(
    days: Days, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_: DailyContext) -> Done:
        await asyncio.sleep(0)
        raise TransientError(code="TIE-STORE-001", message="The database was lost.")

    monkeypatch.setattr(scheduling, "DAILY", {"deletion_sweep": fail})
    days.scheduler(QUARTER_PAST_TWO).tick()
    now = QUARTER_PAST_TWO
    for failures in range(1, 4):
        with pytest.raises(TransientError):
            days.scheduler(now).run("deletion_sweep", days.first_run())
        days.conn.execute("delete from jobs.procrastinate_jobs")
        days.scheduler(now + timedelta(minutes=1)).tick()
        assert days.jobs() == 0
        now += timedelta(minutes=6)
        days.scheduler(now).tick()
        assert days.jobs() == (1 if failures < 3 else 0)
    assert days.last()["deletion_sweep"].outcome == "failed"
    assert days.last()["deletion_sweep"].detail == "The database was lost."


def test_a_hub_that_stops_ends_the_run_at_once_and_the_next_hub_makes_it_whole(
    days: Days, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = threading.Event()

    async def hang(_: DailyContext) -> Done:
        begun.set()
        await asyncio.sleep(600)
        raise AssertionError

    monkeypatch.setattr(scheduling, "DAILY", {"deletion_sweep": hang})
    scheduler = days.scheduler(QUARTER_PAST_TWO)
    scheduler.tick()
    stopped: list[str] = []

    def run() -> None:
        try:
            scheduler.run("deletion_sweep", days.first_run())
        except TransientError as error:
            stopped.append(error.code)

    thread = threading.Thread(target=run)
    thread.start()
    assert begun.wait(10)
    scheduler.stopping.set()
    thread.join(10)
    assert stopped == ["TIE-SCHEDULE-001"]
    assert days.last()["deletion_sweep"].outcome is None
    days.conn.execute("delete from jobs.procrastinate_jobs")
    days.scheduler(QUARTER_PAST_TWO + timedelta(seconds=10)).tick()
    assert days.jobs() == 1


def test_a_run_that_a_later_one_has_overtaken_is_not_made(days: Days) -> None:
    days.scheduler(QUARTER_PAST_TWO).tick()
    days.scheduler(QUARTER_PAST_TWO + timedelta(days=2)).tick()
    days.scheduler(QUARTER_PAST_TWO + timedelta(days=2)).run("deletion_sweep", days.first_run())
    assert days.made == []
    rows = days.conn.execute("select outcome from daily_run where name = 'deletion_sweep' order by due_at").fetchall()
    assert rows == [("skipped",), (None,)]


def test_what_is_switched_off_is_never_due_and_is_shown_so() -> None:
    firm = world.firm()
    off = Schedule(deletion_sweep=DeletionSweep(at="off"))
    quiet = msgspec.structs.replace(firm, oversight=Oversight(schedule=off))
    assert [one.name for one in due_runs(quiet, THREE)] == [
        "data_quality",
        "drift_sweep",
        "period_seal",
        "audit_anchor",
    ]
    assert [one.next_at for one in scheduled(quiet, [], THREE) if one.name == "deletion_sweep"] == [None]
    assert [one.name for one in due_runs(firm, THREE)] == [
        "deletion_sweep",
        "data_quality",
        "drift_sweep",
        "period_seal",
        "audit_anchor",
    ]
    shown = {one.name: one for one in scheduled(firm, [], THREE)}
    assert shown["deletion_sweep"].next_at == QUARTER_PAST_TWO + timedelta(days=1)
    assert shown["data_quality"].next_at == THREE + timedelta(days=1)
    assert shown["data_quality"].last is None


def test_a_missed_score_waits_until_a_hub_that_started_has_read_again(days: Days) -> None:
    started_at = THREE + timedelta(days=5, hours=9)
    missed = ("data_quality", THREE + timedelta(days=5))

    def tick_after(minutes: int) -> None:
        clock = FixedClock(started_at + timedelta(minutes=minutes))
        Scheduler(url=days.url, home=days.home, clock=clock, started_at=started_at).tick()

    tick_after(0)
    assert [name for name, _ in days.claimed()] == ["deletion_sweep"]
    tick_after(4)
    assert missed not in days.claimed()
    tick_after(5)
    assert missed in days.claimed()


async def test_a_hub_that_starts_makes_once_what_was_due_while_it_was_down(database_url: str, tmp_path: Path) -> None:
    two_days_ago = SystemClock().now() - timedelta(days=2)
    place = AnchorPlace(kind="file", place=str(tmp_path / "anchors.jsonl"))
    systems = tuple(one for one in world.firm().systems if one.connector == "api")
    firm = msgspec.structs.replace(
        world.firm(), systems=systems, audit=AuditPolicy(anchors=(place,)), content_hash="only time by the API"
    )
    with connect(database_url, autocommit=True) as conn:
        in_transaction(conn, lambda cur: firm_version.store(cur, firm, applied_by="ines", now=two_days_ago))
        entry = AuditEntry(principal="ines", action="firm.applied", object_kind="firm_version", object_id="1")
        in_transaction(conn, lambda cur: audit.append(cur, entry, now=two_days_ago))
        stopping = asyncio.Event()
        options = HubOptions(url=database_url, home=tmp_path, workers=0, poll=False, deliver=False)
        serving = asyncio.create_task(serve(options, stopping))

        def last() -> dict[str, str | None]:
            return {one.name: one.outcome for one in in_transaction(conn, daily_runs.last_runs)}

        at_once = DAILY.keys() - AFTER_READING
        await eventually(lambda: last().keys() == at_once and None not in last().values(), 30)
        stopping.set()
        await asyncio.wait_for(serving, 20)
        assert last() == dict.fromkeys(at_once, "done")
        assert conn.execute("select count(*) from daily_run").fetchone() == (len(at_once),)
    assert len((tmp_path / "anchors.jsonl").read_text().splitlines()) == 1
