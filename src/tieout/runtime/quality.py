"""Scores what every system says against the firm's thresholds: on demand, and once a day to be kept.

Neighbours: ``records.quality_reader`` scores records, ``reconciliation.quality_book`` keeps scores and has the desk
item, ``intake`` says when each object was last read.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from psycopg import Cursor

from tieout.connect.connector import connector_for
from tieout.inbound import message_store
from tieout.model.firm import FirmConfig
from tieout.reconciliation import quality_book
from tieout.records.quality import Judged, ReadObject, timeliness
from tieout.records.quality_reader import read_scores
from tieout.runtime.firm.directory import API_CONNECTOR
from tieout.storage.pool import Row, connect, in_transaction


def judge(cur: Cursor[Row], firm: FirmConfig, *, now: datetime) -> list[Judged]:
    """Every score at ``now`` beside its threshold, by system, type and dimension."""
    scores = read_scores(cur, firm, on=now.astimezone(UTC).date())
    scores += timeliness(read_objects(firm, message_store.polls(cur)), now=now)
    policy = firm.oversight.quality
    order = sorted(scores, key=lambda one: (one.system, one.type))
    return [Judged(score=one, threshold=policy.threshold(one.system, one.type, one.dimension)) for one in order]


def score_day(url: str, firm: FirmConfig, *, now: datetime) -> list[Judged]:
    """Keep the scores of the day and put on the desk what is below its threshold."""

    def work(cur: Cursor[Row]) -> list[Judged]:
        judged = judge(cur, firm, now=now)
        quality_book.keep(cur, [one.score for one in judged], day=now.astimezone(UTC).date())
        quality_book.settle(cur, judged, now=now)
        return judged

    with connect(url, application="tieout-quality", autocommit=True) as conn:
        return in_transaction(conn, work)


def read_objects(firm: FirmConfig, polls: Mapping[tuple[str, str], datetime]) -> list[ReadObject]:
    """Every object that the firm reads. One whose connector does not say what it tells goes by its own name.

    It may be left alone as long as the firm says, and in any case for two of its own intervals.
    """
    found = []
    within = timedelta(minutes=firm.oversight.quality.polled_within_minutes)
    for system in firm.systems:
        if system.connector == API_CONNECTOR or not system.reads:
            continue
        manifest = connector_for(system.connector, system.settings).manifest
        for name in system.reads:
            capability = manifest.read(name)
            types = () if capability is None else capability.kinds
            least_s = 0.0 if capability is None else capability.least_interval_s
            interval = timedelta(seconds=max(float(system.poll_interval_s), least_s))
            found.append(
                ReadObject(
                    system=system.name,
                    types=types or (name,),
                    polled_at=polls.get((system.name, name)),
                    allowed=max(within, 2 * interval),
                )
            )
    return found
