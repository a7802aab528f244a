"""Work before the go-live of a legal entity: taken in, counted as excluded, never posted."""

from datetime import date
from decimal import Decimal

import msgspec
from tests.worlds import inbound_firm as world
from tests.worlds.inbound_database import Hub

from tieout.inbound.reading import Disposition
from tieout.inbound.revaluation import process_revaluation, request
from tieout.model.firm import FirmConfig
from tieout.reconciliation.tie_out import tie_out
from tieout.storage.control_totals import verify_control_totals
from tieout.storage.pool import connect, in_transaction

ACCEPTED, HELD = int(Disposition.ACCEPTED), int(Disposition.HELD)
WORK_DATE = world.said().work_date


def live_from(day: date | None) -> FirmConfig:
    firm = world.firm()
    policies = tuple(msgspec.structs.replace(one, go_live=day) for one in firm.policies)
    return msgspec.structs.replace(firm, policies=policies)


def apply(hub: Hub, day: date | None) -> None:
    hub.apply(live_from(day))
    in_transaction(hub.conn, request)
    while process_revaluation(hub.conn, hub.context):
        pass
    hub.work()


def excluded(hub: Hub, database_url: str) -> tuple[int, Decimal, Decimal]:
    with connect(database_url, autocommit=True) as conn:
        statement = tie_out(conn, translators=hub.context.translators)
    assert statement.holds
    assert statement.breaks == ()
    buckets = [row.bucket("excluded") for row in statement.rows]
    return sum(one.count for one in buckets), sum((one.hours for one in buckets), Decimal(0)), hub.ledger()[1]  # type: ignore[return-value]  # untyped rows


def states(hub: Hub) -> list[tuple[object, ...]]:
    return hub.rows("select c.code, i.state from desk_item i join root_cause c using (cause_id) order by i.item_id")


def test_work_before_the_go_live_stands_as_excluded_and_is_not_posted(hub: Hub, database_url: str) -> None:
    apply(hub, date.fromordinal(WORK_DATE.toordinal() + 1))
    hub.take(world.said())
    assert hub.standing() == {"1": (1, HELD)}
    assert states(hub) == [("BEFORE_GO_LIVE", "excluded")]
    assert hub.rows("select count(*) from posting_pending p join time_entry e on e.disposition = 1") == [(0,)]
    assert excluded(hub, database_url) == (1, Decimal("7.5000"), Decimal(0))


def test_work_on_the_day_of_the_go_live_is_posted(hub: Hub, database_url: str) -> None:
    apply(hub, WORK_DATE)
    hub.take(world.said())
    assert hub.standing() == {"1": (1, ACCEPTED)}
    assert excluded(hub, database_url)[0] == 0


def test_an_earlier_go_live_lets_the_work_in_again(hub: Hub, database_url: str) -> None:
    apply(hub, date.fromordinal(WORK_DATE.toordinal() + 1))
    hub.take(world.said())
    apply(hub, WORK_DATE)
    assert hub.standing() == {"1": (1, ACCEPTED)}
    assert states(hub) == [("BEFORE_GO_LIVE", "resolved")]
    assert excluded(hub, database_url) == (0, Decimal(0), Decimal("7.5000"))


def test_a_later_go_live_takes_back_what_is_not_posted(hub: Hub, database_url: str) -> None:
    hub.take(world.said())
    apply(hub, date.fromordinal(WORK_DATE.toordinal() + 1))
    assert states(hub) == [("BEFORE_GO_LIVE", "excluded")]
    assert excluded(hub, database_url) == (1, Decimal("7.5000"), Decimal("0.0000"))
    assert verify_control_totals(hub.conn) == []


def test_a_later_go_live_leaves_what_is_posted_where_it_is(hub: Hub) -> None:
    hub.take(world.said())
    hub.link(hub.entry_ids("1"))
    apply(hub, date.fromordinal(WORK_DATE.toordinal() + 1))
    assert hub.standing() == {"1": (1, ACCEPTED)}
    assert states(hub) == []


def test_a_newer_version_of_barred_work_is_barred_too(hub: Hub, database_url: str) -> None:
    apply(hub, date.fromordinal(WORK_DATE.toordinal() + 1))
    hub.take(world.said())
    hub.take(world.said(version=2, hours=Decimal(4)))
    assert excluded(hub, database_url) == (1, Decimal("4.0000"), Decimal(0))
