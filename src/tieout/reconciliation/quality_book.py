"""The scores of every day, and the desk item of a score that is below its threshold.

Neighbours: ``records.quality`` scores, ``runtime.quality`` calls once a day, ``tieout quality`` shows the trend.
"""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Final

import msgspec
from psycopg import Cursor

from tieout.desk import intake
from tieout.model.finding import finding
from tieout.records.quality import Dimension, Judged, Score

DATA_QUALITY: Final = "data_quality"
_GOOD_AGAIN: Final = "It is good enough again, or not scored any more."

_Place = tuple[str, str, str]


class DayScore(msgspec.Struct, frozen=True, kw_only=True):
    """The score of one day."""

    day: date
    score: Score

    @property
    def percent(self) -> Decimal:
        """As of its score."""
        return self.score.percent


def keep(cur: Cursor[tuple[object, ...]], scores: Sequence[Score], *, day: date) -> None:
    """Keep the scores of ``day`` in place of what was scored before on it."""
    cur.execute("delete from quality_score where day = %s", (day,))
    cur.executemany(
        "insert into quality_score (day, system, type, dimension, good, total) values (%s, %s, %s, %s, %s, %s)",
        [(day, one.system, one.type, one.dimension.value, one.good, one.total) for one in scores],
    )


def kept(cur: Cursor[tuple[object, ...]], *, since: date) -> list[DayScore]:
    """The scores of all days from ``since`` on, by system, type, dimension and day."""
    cur.execute(
        """
        select day, system, type, dimension, good, total from quality_score
         where day >= %s order by system, type, dimension, day
        """,
        (since,),
    )
    return [
        DayScore(
            day=day if isinstance(day, date) else since,
            score=Score(
                system=str(system),
                type=str(word),
                dimension=Dimension(str(dimension)),
                good=int(str(good)),
                total=int(str(total)),
            ),
        )
        for day, system, word, dimension, good, total in cur
    ]


def settle(cur: Cursor[tuple[object, ...]], judged: Sequence[Judged], *, now: datetime) -> None:
    """One desk item per score below its threshold, updated while it is; the items of all others are resolved."""
    below = {_place(one.score): one for one in judged if one.is_below}
    subjects = _subjects(cur, sorted(below))
    wanted = {subjects[place]: _facts(cur, subjects[place], one) for place, one in below.items()}
    known = intake.open_items_of(cur, DATA_QUALITY, _all_subjects(cur))
    good_again = [item.item_id for at, item in known.items() if at not in wanted]
    intake.resolve_items(cur, good_again, now=now, reason=_GOOD_AGAIN)
    intake.update(cur, [(item.item_id, wanted[at]) for at, item in known.items() if at in wanted], now=now)
    intake.open_items(cur, [facts for at, facts in wanted.items() if at not in known], now=now)


def _place(score: Score) -> _Place:
    return score.system, score.type, score.dimension.value


def _subjects(cur: Cursor[tuple[object, ...]], places: Sequence[_Place]) -> dict[_Place, int]:
    """The number of each place; one that has none gets one."""
    columns = [list(column) for column in zip(*places, strict=True)] or [[], [], []]
    cur.execute(
        """
        insert into quality_subject (system, type, dimension)
        select * from unnest(%s::text[], %s::text[], %s::text[])
        on conflict (system, type, dimension) do nothing
        """,
        columns,
    )
    cur.execute("select system, type, dimension, subject_id from quality_subject")
    return {(str(row[0]), str(row[1]), str(row[2])): int(str(row[3])) for row in cur}


def _all_subjects(cur: Cursor[tuple[object, ...]]) -> list[int]:
    cur.execute("select subject_id from quality_subject")
    return [int(str(row[0])) for row in cur]


def _facts(cur: Cursor[tuple[object, ...]], subject_id: int, judged: Judged) -> intake.ItemFacts:
    score = judged.score
    cur.execute("select system_id from system_name where name = %s", (score.system,))
    row = cur.fetchone()
    return intake.ItemFacts(
        subject_kind=DATA_QUALITY,
        subject_id=subject_id,
        system_id=None if row is None else int(str(row[0])),
        entry_count=0,
        finding=finding(
            "DATA_QUALITY",
            f"The {score.dimension} of what {score.system} says of {score.type} is {score.percent} % "
            f"({score.good} of {score.total}); {judged.threshold} % are wanted.",
            cause=f"{score.system}:{score.type}:{score.dimension}",
            context={"object": score.type, "dimension": score.dimension.value},
        ),
    )
