"""``tieout quality``: how good what each system says of its records is, and how it was on the days before."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, timedelta
from decimal import Decimal
from typing import Annotated

import msgspec
import typer

from tieout.cli.options import HOME, AsJson, Home
from tieout.cli.output import Words, print_json
from tieout.governance import firm_version
from tieout.reconciliation import quality_book
from tieout.reconciliation.quality_book import DayScore
from tieout.records.quality import Judged, Score
from tieout.runtime.clock import SystemClock
from tieout.runtime.installation import open_installation
from tieout.runtime.quality import judge
from tieout.storage.pool import connect

_LONGEST_DAYS = 3660


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A score as programs read it: its percent, and the least that is good enough."""

    score: Score
    percent: Decimal
    threshold: Decimal
    is_below: bool


class ShownDay(msgspec.Struct, frozen=True, kw_only=True):
    """A score that was kept on a day, with its percent."""

    day: date
    score: Score
    percent: Decimal


def quality(
    days: Annotated[
        int,
        typer.Option("--days", min=0, max=_LONGEST_DAYS, help="How many days to show what was scored daily; 0: none."),
    ] = 0,
    home: Home = HOME,
    as_json: AsJson = False,
) -> None:
    """How complete, valid, unique and timely what each system says of each type of record is now."""
    now = SystemClock().now()
    with (
        open_installation(home) as installation,
        connect(installation.url, autocommit=True) as conn,
        conn.cursor() as cur,
    ):
        judged = judge(cur, firm_version.current(conn), now=now)
        since = now.astimezone(UTC).date() - timedelta(days=days - 1)
        kept = quality_book.kept(cur, since=since) if days else []
    if as_json:
        print_json({"quality": [_shown(one) for one in judged], "days": [_shown_day(one) for one in kept]})
        return
    words = Words(whole=True)
    _print(words, judged)
    if days:
        _print_days(words, kept, days)


def _shown(one: Judged) -> Shown:
    return Shown(score=one.score, percent=one.score.percent, threshold=one.threshold, is_below=one.is_below)


def _shown_day(one: DayScore) -> ShownDay:
    return ShownDay(day=one.day, score=one.score, percent=one.percent)


def _print(words: Words, judged: Sequence[Judged]) -> None:
    if not judged:
        words.print("No system has told of a record yet.")
        return
    words.print(
        f"{'System':<16}{'Record':<16}{'Dimension':<14}{'Percent':>8}{'Wanted':>8}{'Good':>9}{'Of':>9}", style="bold"
    )
    for one in judged:
        score = one.score
        words.print(
            f"{score.system:<16}{score.type:<16}{score.dimension:<14}{score.percent:>8}{one.threshold:>8}"
            f"{score.good:>9}{score.total:>9}{'  below' if one.is_below else ''}"
        )


def _print_days(words: Words, kept: Sequence[DayScore], days: int) -> None:
    if not kept:
        words.print(f"Nothing was scored in the last {days} day(s).")
        return
    by_place: dict[tuple[str, str, str], list[DayScore]] = defaultdict(list)
    for one in kept:
        by_place[one.score.system, one.score.type, one.score.dimension].append(one)
    words.print(f"Scored daily, the last {days} day(s):", style="bold")
    for (system, record_type, dimension), scored in by_place.items():
        line = "  ".join(f"{one.day:%m-%d} {one.percent}" for one in scored)
        words.print(f"{system:<16}{record_type:<16}{dimension:<14}  {line}")
