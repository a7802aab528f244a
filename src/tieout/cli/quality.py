"""``tieout quality``: how good what each system says of its records is."""

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from tieout.cli.options import HOME, AsJson, Home
from tieout.cli.output import Words, print_json
from tieout.governance import firm_version
from tieout.records.quality import Score
from tieout.records.quality_reader import read_scores
from tieout.runtime.clock import SystemClock
from tieout.runtime.installation import open_installation
from tieout.storage.pool import connect


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A score as programs read it, with its percent."""

    score: Score
    percent: Decimal


def quality(home: Home = HOME, as_json: AsJson = False) -> None:
    """How complete, valid and unique what each system says of each type of record is now."""
    with (
        open_installation(home) as installation,
        connect(installation.url, autocommit=True) as conn,
        conn.cursor() as cur,
    ):
        scores = read_scores(cur, firm_version.current(conn), on=SystemClock().now().date())
    if as_json:
        print_json({"quality": [Shown(score=one, percent=one.percent) for one in scores]})
    else:
        _print(Words(whole=True), scores)


def _print(words: Words, scores: Sequence[Score]) -> None:
    if not scores:
        words.print("No system has told of a record yet.")
        return
    words.print(f"{'System':<16}{'Record':<16}{'Dimension':<14}{'Percent':>8}{'Good':>9}{'Of':>9}", style="bold")
    for one in scores:
        words.print(f"{one.system:<16}{one.type:<16}{one.dimension:<14}{one.percent:>8}{one.good:>9}{one.total:>9}")
