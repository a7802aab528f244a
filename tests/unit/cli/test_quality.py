"""The quality of what systems say, as the command tells it of a real hub."""

from datetime import UTC, timedelta
from decimal import Decimal

import msgspec
from tests.unit.cli.conftest import CommandLine
from tests.worlds.inbound_database import Hub, master

from tieout.cli.quality import Shown, ShownDay
from tieout.governance import firm_version
from tieout.model.reported import RecordType
from tieout.runtime.clock import SystemClock
from tieout.runtime.quality import score_day
from tieout.storage.pool import connect


class _Told(msgspec.Struct):
    quality: list[Shown]


class _Days(msgspec.Struct):
    days: list[ShownDay]


def told(tieout: CommandLine) -> dict[tuple[str, str, str], tuple[int, int]]:
    shown = msgspec.json.decode(tieout("quality", "--json").json(), type=_Told).quality
    return {(one.score.system, one.score.type, one.score.dimension): (one.score.good, one.score.total) for one in shown}


def test_a_system_is_asked_for_what_it_owns_or_speaks_of_and_for_nothing_else(tieout: CommandLine, hub: Hub) -> None:
    scores = told(tieout)
    assert scores["psa", "resource", "completeness"] == (15, 15)
    assert scores["psa", "project", "completeness"] == (9, 14)
    assert scores["erp", "legal_entity", "completeness"] == (6, 6)
    hub.report(master(RecordType.CLIENT, "900", {"name": "Acme"}), system="erp")
    assert told(tieout)["erp", "client", "completeness"] == (1, 2)


def test_values_that_cannot_be_and_codes_that_two_records_have_lower_the_scores(tieout: CommandLine, hub: Hub) -> None:
    hub.report(
        master(RecordType.CLIENT, "c2", {"code": "BETA", "name": "Beta", "currency": "Taler"}),
        master(RecordType.CLIENT, "c3", {"code": "BETA", "name": "Beta again", "currency": "EUR"}),
    )
    scores = told(tieout)
    assert scores["psa", "client", "validity"] == (2, 3)
    assert scores["psa", "client", "uniqueness"] == (1, 3)
    assert "66.6" in tieout("quality").out


def test_what_was_deleted_is_not_asked_about(tieout: CommandLine, hub: Hub) -> None:
    before = told(tieout)
    gone = master(RecordType.CLIENT, "c2", {"currency": "Taler"})
    hub.report(gone)
    assert told(tieout) != before
    hub.report(msgspec.structs.replace(gone, version=2, deleted=True))
    assert told(tieout) == before


def test_the_days_before_are_shown_beside_what_is_now(tieout: CommandLine, hub: Hub, database_url: str) -> None:
    hub.report(master(RecordType.CLIENT, "c2", {"code": "BETA", "name": "Beta", "currency": "Taler"}))
    now = SystemClock().now()
    with connect(database_url, autocommit=True) as conn:
        firm = firm_version.current(conn)
    score_day(database_url, firm, now=now - timedelta(days=1))
    score_day(database_url, firm, now=now)
    score_day(database_url, firm, now=now - timedelta(days=9))
    days = msgspec.json.decode(tieout("quality", "--days", "2", "--json").json(), type=_Days).days
    clients = [
        (one.day, one.percent) for one in days if (one.score.type, one.score.dimension) == ("client", "validity")
    ]
    today = now.astimezone(UTC).date()
    assert clients == [(today - timedelta(days=1), Decimal("50.0")), (today, Decimal("50.0"))]
    words = tieout("quality", "--days", "2").out
    assert "Scored daily, the last 2 day(s)" in words
    assert f"{today:%m-%d} 50.0" in words
    assert "DATA_QUALITY" in tieout("exceptions", "list").out


def test_a_score_below_its_threshold_is_marked(tieout: CommandLine, hub: Hub) -> None:
    hub.report(master(RecordType.CLIENT, "c2", {"code": "BETA", "name": "Beta", "currency": "Taler"}))
    shown = msgspec.json.decode(tieout("quality", "--json").json(), type=_Told).quality
    below = {(one.score.type, one.score.dimension) for one in shown if one.is_below}
    assert ("client", "validity") in below
    assert ("client", "uniqueness") not in below
    assert all(one.threshold == Decimal(98) for one in shown if one.score.dimension == "validity")
    assert "below" in tieout("quality").out


def test_what_was_never_scored_has_no_days(tieout: CommandLine, hub: Hub) -> None:
    assert hub.rows("select count(*) from quality_score") == [(0,)]
    assert "Nothing was scored in the last 7 day(s)." in tieout("quality", "--days", "7").out
