"""The status of a hub says what is well, what is soon to be looked at, and what is wrong."""

from datetime import UTC, date, datetime

import msgspec
import pytest
from tests.worlds import inbound_firm as world
from tests.worlds.inbound_database import Hub

from tieout.model.firm import AnchorPlace, AuditPolicy, Environment, FirmConfig, SystemConfig
from tieout.runtime.status import Level, StatusLine, status
from tieout.storage.pool import connect

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)


def lines(url: str, firm: FirmConfig | None = None, now: datetime = NOW) -> dict[str, StatusLine]:
    with connect(url, autocommit=True) as conn:
        if firm is not None:
            Hub(conn).apply(firm)
        return {one.topic: one for one in status(conn, now=now)}


def with_system(api_retires_on: date | None = None) -> FirmConfig:
    system = SystemConfig(
        name="legacy",
        connector="kantata",
        account="a",
        environment=Environment.SANDBOX,
        api_retires_on=api_retires_on,
    )
    return msgspec.structs.replace(world.firm(), systems=(system,))


def test_without_a_firm_nothing_is_read_and_that_is_wrong(database_url: str) -> None:
    assert [(one.topic, one.level) for one in lines(database_url).values()] == [("firm", Level.WRONG)]


def test_a_hub_with_nothing_to_do_is_well_but_for_what_nobody_set_up(database_url: str) -> None:
    found = lines(database_url, with_system())
    assert {topic for topic, one in found.items() if one.level is not Level.WELL} == {"hub", "audit"}


@pytest.mark.parametrize(
    ("ends", "level", "words"),
    [
        (date(2027, 2, 23), Level.SOON, "ends on 2027-02-23 (90 days)"),
        (date(2026, 11, 25), Level.WRONG, "ended on 2026-11-25"),
    ],
)
def test_the_end_of_an_api_version_is_told_ninety_days_ahead(
    database_url: str, ends: date, level: Level, words: str
) -> None:
    line = lines(database_url, with_system(api_retires_on=ends))["api version"]
    assert line.level is level
    assert words in line.words
    assert "of legacy" in line.words


def test_an_end_further_ahead_is_not_told_yet(database_url: str) -> None:
    assert "api version" not in lines(database_url, with_system(api_retires_on=date(2027, 2, 24)))


def test_a_message_that_no_step_reads_for_a_quarter_of_an_hour_is_wrong(database_url: str) -> None:
    with connect(database_url, autocommit=True) as conn:
        hub = Hub(conn)
        hub.apply(with_system())
        hub.send_time(world.said(source_id="e1"))
        sent = hub.clock.now()
    assert lines(database_url, now=sent)["steps"].level is Level.WELL
    assert lines(database_url, now=sent.replace(year=sent.year + 1))["steps"].level is Level.WRONG


def test_a_chain_that_is_to_be_anchored_and_is_not_shows(database_url: str) -> None:
    place = AnchorPlace(kind="file", place="/var/audit/anchors")
    firm = msgspec.structs.replace(with_system(), audit=AuditPolicy(anchors=(place,)))
    assert "has no anchor yet" in lines(database_url, firm)["audit"].words


def test_a_legal_entity_that_waits_since_a_restore_is_wrong_until_its_ledgers_are_proven(database_url: str) -> None:
    lines(database_url, with_system())
    with connect(database_url, autocommit=True) as conn:
        hub = Hub(conn)
        hub.open_firm(with_system())
        conn.execute(
            "insert into restoration (archive_sha256, backed_up_at, restored_at) values ('x', %s, %s)", (NOW, NOW)
        )
        conn.execute(
            """
            insert into restored_entity (restoration_id, entity_id, state)
            select restoration_id, record_id, 'waiting' from restoration, golden_record where code = 'US01'
            """
        )
    line = lines(database_url)["restore"]
    assert (line.level, line.words.startswith("US01 bills nothing")) == (Level.WRONG, True)
    with connect(database_url, autocommit=True) as conn:
        conn.execute("update restored_entity set state = 'proven'")
    assert "restore" not in lines(database_url)
