"""The quality of what systems say is scored daily: kept, told on the desk while it is low, and gone once it is not."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from tests.unit.cli.conftest import with_real_connectors
from tests.worlds import inbound_firm as world
from tests.worlds.inbound_database import Hub, master

from tieout.connect.source import Page
from tieout.errors import TransientError
from tieout.inbound import message_store
from tieout.model.clock import FixedClock
from tieout.model.firm import FirmConfig
from tieout.model.oversight import Oversight, QualityOverride, QualityPolicy
from tieout.model.reported import RecordType
from tieout.reconciliation import quality_book
from tieout.records.quality import Dimension
from tieout.runtime.daily import DailyContext, Done, score_quality
from tieout.runtime.intake import Poller
from tieout.runtime.quality import read_objects
from tieout.storage.control_totals import verify_control_totals
from tieout.storage.pool import connect, in_transaction, sync_pool

INSTALLED = datetime(2026, 7, 1, 12, tzinfo=UTC)
MORNING = datetime(2026, 7, 3, 3, tzinfo=UTC)
ONLY_VALIDITY = QualityPolicy(
    completeness=Decimal(0), validity=Decimal(100), uniqueness=Decimal(0), timeliness=Decimal(0)
)


class Quality:
    """A hub whose data is scored on the mornings that a test names."""

    def __init__(self, hub: Hub, url: str) -> None:
        self.hub = hub
        self.url = url
        self.firm = judged_by(ONLY_VALIDITY)

    def score(self, day: int = 0, *, due_at: datetime | None = None) -> Done:
        """The daily run, ``day`` days after the first that counts."""
        now = MORNING + timedelta(days=day)
        context = DailyContext(
            url=self.url,
            home=Path(),
            firm=self.firm,
            clock=FixedClock(now),
            due_at=due_at or now,
            installed_at=INSTALLED,
        )
        done = asyncio.run(score_quality(context))
        verify_control_totals(self.hub.conn)
        return done

    def says(self, currency: str, version: int) -> None:
        """The psa tells a client with ``currency``."""
        self.hub.report(master(RecordType.CLIENT, "q1", {"code": "Q1", "name": "Quiet", "currency": currency}, version))

    def items(self) -> list[tuple[object, ...]]:
        """State and words of the desk's items about quality, the oldest first."""
        return self.hub.rows(
            "select state, message from desk_item where subject_kind = 'data_quality' order by item_id"
        )

    def kept(self) -> list[tuple[date, int, int]]:
        """Day, good and total of the validity of the psa's clients."""
        scores = in_transaction(self.hub.conn, lambda cur: quality_book.kept(cur, since=date(2026, 7, 1)))
        return [
            (one.day, one.score.good, one.score.total)
            for one in scores
            if (one.score.system, one.score.type, one.score.dimension) == ("psa", "client", Dimension.VALIDITY)
        ]


def judged_by(policy: QualityPolicy) -> FirmConfig:
    """The small firm with the thresholds of ``policy``."""
    return msgspec.structs.replace(with_real_connectors(world.firm()), oversight=Oversight(quality=policy))


@pytest.fixture
def quality(database_url: str) -> Iterator[Quality]:
    with connect(database_url, autocommit=True) as conn:
        hub = Hub(conn)
        hub.open_firm()
        yield Quality(hub, database_url)


def test_the_first_day_of_an_installation_is_not_scored(quality: Quality) -> None:
    quality.says("Taler", 1)
    assert quality.score(due_at=INSTALLED + timedelta(hours=15)).outcome == "skipped"
    assert quality.kept() == []
    assert quality.items() == []


def test_a_low_score_stands_on_the_desk_changes_with_the_score_and_goes_when_it_is_good_again(quality: Quality) -> None:
    assert quality.score(0).outcome == "done"
    quality.says("Taler", 1)
    assert quality.score(1).outcome == "attention"
    [(state, words)] = quality.items()
    assert state == "open"
    assert "validity of what psa says of client is 50.0 % (1 of 2); 100 % are wanted" in str(words)
    quality.hub.report(master(RecordType.CLIENT, "q2", {"code": "Q2", "name": "Fine", "currency": "EUR"}, 1))
    quality.score(2)
    [(state, words)] = quality.items()
    assert state == "open"
    assert "66.6 % (2 of 3)" in str(words)
    quality.says("EUR", 2)
    assert quality.score(3).outcome == "done"
    assert [state for state, _ in quality.items()] == ["resolved"]
    assert quality.kept() == [
        (date(2026, 7, 3), 1, 1),
        (date(2026, 7, 4), 1, 2),
        (date(2026, 7, 5), 2, 3),
        (date(2026, 7, 6), 3, 3),
    ]


def test_a_day_that_is_scored_twice_keeps_the_last_score(quality: Quality) -> None:
    quality.score(0)
    quality.says("Taler", 1)
    quality.score(0)
    assert quality.kept() == [(date(2026, 7, 3), 1, 2)]


def test_a_threshold_of_one_system_and_type_alone_lets_a_score_pass(quality: Quality) -> None:
    quality.says("Taler", 1)
    override = QualityOverride(system="psa", object="client", validity=Decimal(50))
    quality.firm = judged_by(msgspec.structs.replace(ONLY_VALIDITY, overrides=(override,)))
    assert quality.score().outcome == "done"
    assert quality.items() == []


class Silent:
    """A source that has nothing new, or cannot be reached."""

    def __init__(self) -> None:
        self.is_away = False

    async def read(self, object_name: str, cursor: str | None) -> AsyncIterator[Page]:
        if self.is_away:
            raise TransientError(code="TIE-HTTP-001", message="gone away")
        yield Page(object=object_name, payload=b"{}", item_count=0, next_cursor=cursor or "1")

    async def aclose(self) -> None:
        """Nothing is open."""


def test_what_is_read_without_news_is_timely_and_what_cannot_be_read_any_more_is_not(
    quality: Quality, database_url: str
) -> None:
    psa = next(one for one in with_real_connectors(world.firm()).systems if one.name == "psa")
    psa = msgspec.structs.replace(psa, reads=("workspaces", "users"))
    quality.firm = msgspec.structs.replace(judged_by(QualityPolicy(validity=Decimal(0))), systems=(psa,))
    pool = sync_pool(database_url, application="test-quality", size=1)
    source = Silent()

    def poll(object_name: str, at: datetime) -> None:
        poller = Poller(system=psa, object_name=object_name, source=source, pool=pool, clock=FixedClock(at))
        asyncio.run(poller.poll_once())

    for name in psa.reads:
        poll(name, MORNING - timedelta(minutes=5))
    assert _timely(quality) == {"project": (1, 1), "resource": (1, 1)}
    source.is_away = True
    with pytest.raises(TransientError):
        poll("users", MORNING + timedelta(hours=1))
    source.is_away = False
    poll("workspaces", MORNING + timedelta(hours=1))
    assert _timely(quality, MORNING + timedelta(hours=1)) == {"project": (1, 1), "resource": (0, 1)}
    pool.close()


def _timely(quality: Quality, now: datetime = MORNING) -> dict[str, tuple[int, int]]:
    polls = in_transaction(quality.hub.conn, message_store.polls)
    return {one.types[0]: (int(one.is_timely(now)), 1) for one in read_objects(quality.firm, polls)}
