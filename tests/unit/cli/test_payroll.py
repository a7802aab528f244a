"""What payrolls were told, as the command tells it of a real hub."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from tests.unit.cli.conftest import CommandLine
from tests.worlds import inbound_firm as world
from tests.worlds.inbound_database import Hub
from tests.worlds.payroll_hub import PayrollHub

from tieout.reconciliation.payroll_book import FileOfHours, HoursTotals
from tieout.storage.pool import connect, sync_pool


class Told(msgspec.Struct):
    """What the command prints for programs."""

    files: list[FileOfHours]
    totals: HoursTotals | None


@pytest.fixture
def payroll(database_url: str, tmp_path: Path) -> Iterator[PayrollHub]:
    pool = sync_pool(database_url, application="test", size=4)
    with connect(database_url, autocommit=True) as conn:
        opened = PayrollHub(database_url, Hub(conn), pool, tmp_path)
        opened.open()
        yield opened
        opened.close()
    pool.close()


def told(tieout: CommandLine) -> Told:
    return msgspec.json.decode(tieout("payroll", "--json").json(), type=Told)


def test_accepted_hours_are_told_hours_and_waiting_ones(tieout: CommandLine, payroll: PayrollHub) -> None:
    payroll.take(
        world.said(source_id="1", hours=Decimal(8)),
        world.said(source_id="2", person="bob", hours=Decimal(4), narrative="Workshop with the committee"),
        world.said(source_id="3", person="cyd", hours=Decimal("2.5"), narrative="Migration of invoices"),
    )
    payroll.deliver()
    shown = told(tieout)
    (file,) = shown.files
    assert (file.sequence, file.entity, file.people, file.hours, file.state) == (1, "US01", 2, Decimal(12), "posted")
    assert shown.totals == HoursTotals(
        accepted=Decimal("14.5"), told=Decimal(12), acknowledged=Decimal(12), waiting=Decimal("2.5"), held_people=1
    )
    words = tieout("payroll").out
    assert "2026-07-01 to 2026-08-01" in words
    assert "Of 1 people no payroll can be told" in words


def test_what_was_refused_and_given_up_is_shown_and_not_counted(tieout: CommandLine, payroll: PayrollHub) -> None:
    payroll.office.refuses = True
    payroll.take(world.said(hours=Decimal(8)))
    payroll.deliver()
    payroll.exclude("DELIVERY_REJECTED")
    payroll.office.refuses = False
    payroll.deliver()
    shown = told(tieout)
    assert [(one.sequence, one.state) for one in shown.files] == [(1, "taken_back"), (2, "posted")]
    assert shown.totals is not None
    assert (shown.totals.accepted, shown.totals.told, shown.totals.waiting) == (Decimal(8), Decimal(8), Decimal(0))


def test_a_firm_that_tells_no_payroll_is_told_so(tieout: CommandLine, payroll: PayrollHub) -> None:
    payroll.hub.conn.execute("update payroll_position set first_day = null")
    assert "No payroll is told any hours" in tieout("payroll").out
