"""``tieout schedule``: what the hub does daily by itself, when next, and what came of the last time."""

from collections.abc import Sequence
from datetime import datetime

from tieout.cli.options import HOME, AsJson, Home
from tieout.cli.output import Words, print_json
from tieout.governance import firm_version
from tieout.runtime.clock import SystemClock
from tieout.runtime.installation import open_installation
from tieout.runtime.schedule import Scheduled, scheduled
from tieout.storage import daily_runs
from tieout.storage.pool import connect, in_transaction


def schedule(home: Home = HOME, as_json: AsJson = False) -> None:
    """What is done daily: at which time in UTC, when next, and what came of the last run."""
    with open_installation(home) as installation, connect(installation.url, autocommit=True) as conn:
        firm = firm_version.current(conn)
        last = in_transaction(conn, daily_runs.last_runs)
    runs = scheduled(firm, last, SystemClock().now())
    if as_json:
        print_json({"schedule": runs})
        return
    _print(Words(whole=True), runs)


def _print(words: Words, runs: Sequence[Scheduled]) -> None:
    words.print(f"{'Run':<18}{'At':<7}{'Next (UTC)':<18}{'Last due':<18}{'Ended':<18}Outcome", style="bold")
    for one in runs:
        last = one.last
        outcome = "never run" if last is None else last.outcome or "under way"
        detail = "" if last is None or not last.detail else f": {last.detail}"
        due_at, ended_at = (None, None) if last is None else (last.due_at, last.ended_at)
        times = f"{_when(one.next_at):<18}{_when(due_at):<18}{_when(ended_at):<18}"
        words.print(f"{one.name:<18}{one.at:<7}{times}{outcome}{detail}")


def _when(instant: datetime | None) -> str:
    return "" if instant is None else f"{instant:%Y-%m-%d %H:%M}"
