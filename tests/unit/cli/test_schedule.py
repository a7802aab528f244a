"""What is done daily, as the command tells it."""

from datetime import UTC, datetime, timedelta

import msgspec
from tests.unit.cli.conftest import CommandLine
from tests.worlds.inbound_database import Hub

from tieout.governance import firm_version
from tieout.model.oversight import DeletionSweep, Oversight, Schedule
from tieout.runtime.schedule import Scheduled
from tieout.storage import daily_runs
from tieout.storage.daily_runs import Due
from tieout.storage.pool import in_transaction


class _Told(msgspec.Struct):
    schedule: list[Scheduled]


def told(tieout: CommandLine) -> dict[str, Scheduled]:
    shown = msgspec.json.decode(tieout("schedule", "--json").json(), type=_Told).schedule
    return {one.name: one for one in shown}


def test_every_daily_run_is_shown_with_its_time_and_what_came_of_the_last(tieout: CommandLine, hub: Hub) -> None:
    due_at = datetime(2026, 7, 2, 2, 15, tzinfo=UTC)
    in_transaction(hub.conn, lambda cur: daily_runs.claim(cur, [Due(name="deletion_sweep", due_at=due_at)], now=due_at))
    assert "under way" in tieout("schedule").out
    [(run_id,)] = hub.rows("select run_id from daily_run")
    in_transaction(
        hub.conn,
        lambda cur: daily_runs.end(
            cur,
            int(str(run_id)),
            outcome="attention",
            detail="3 kinds swept, 1 records gone; psa: it is away",
            now=due_at + timedelta(minutes=2),
        ),
    )
    runs = told(tieout)
    last = runs["deletion_sweep"].last
    assert last is not None
    assert (last.due_at, last.outcome) == (due_at, "attention")
    assert runs["deletion_sweep"].next_at is not None
    assert runs["data_quality"].last is None
    words = tieout("schedule").out
    assert "attention: 3 kinds swept, 1 records gone; psa: it is away" in words
    assert "never run" in words


def test_a_run_that_is_switched_off_has_no_next_time(tieout: CommandLine, hub: Hub) -> None:
    firm = firm_version.current(hub.conn)
    off = Schedule(deletion_sweep=DeletionSweep(at="off"))
    hub.apply(msgspec.structs.replace(firm, oversight=Oversight(schedule=off)))
    run = told(tieout)["deletion_sweep"]
    assert (run.at, run.next_at) == ("off", None)
