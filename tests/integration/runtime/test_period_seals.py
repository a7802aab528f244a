"""A closed period is sealed once, and whatever changes behind its books afterwards shows."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from tests.integration.reconciliation.books import Books
from tests.integration.reconciliation.conftest import books
from tests.integration.reconciliation.test_tie_out import entry
from tests.worlds.inbound_database import master

from tieout.governance import audit, firm_version
from tieout.model.reported import FieldValue, RecordType
from tieout.runtime.daily import DailyContext, seal_periods
from tieout.runtime.period_seals import check_seals, seal_closed

__all__ = ["books"]


def july(books: Books, state: str, version: int) -> None:
    fields: dict[str, FieldValue] = {"code": "2026-07", "starts": "2026-07-01", "ends": "2026-08-01", "state": state}
    record = master(RecordType.PERIOD, "Acme US-7", fields, version=version, legal_entity="Acme US")
    books.hub.report(record, system="erp")


@pytest.fixture
def closed(books: Books) -> Books:
    books.take(entry(1), entry(2))
    books.deliver()
    july(books, "closed", 10)
    return books


def sealed(books: Books, home: Path) -> list[tuple[str, str, int]]:
    return [(one.entity, one.period, one.digest.count) for one in seal_closed(books.hub.conn, home, books.hub.clock)]


def differing(books: Books) -> list[tuple[str, ...]]:
    return [one.differing for one in check_seals(books.hub.conn)]


def test_a_closed_period_is_sealed_once_and_stays_as_it_was_sealed(closed: Books, tmp_path: Path) -> None:
    assert sealed(closed, tmp_path) == [("US01", "2026-07", 4)]
    assert sealed(closed, tmp_path) == []
    assert differing(closed) == [()]
    assert (tmp_path / "keys" / "period_seal.pem").stat().st_mode & 0o777 == 0o600


def test_an_open_period_and_one_without_postings_are_not_sealed(books: Books, tmp_path: Path) -> None:
    books.take(entry(1))
    books.deliver()
    assert sealed(books, tmp_path) == []


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        (
            "update actual set amount_minor = amount_minor + 1 where actual_id = (select min(actual_id) from actual)",
            "postings",
        ),
        ("update rate_line set price = price + 1", "rates"),
        ("update firm_version set content_hash = 'other'", "configuration"),
    ],
)
def test_what_is_changed_behind_a_sealed_period_shows(closed: Books, tmp_path: Path, statement: str, name: str) -> None:
    sealed(closed, tmp_path)
    closed.hub.conn.execute(statement)
    assert differing(closed) == [(name,)]


def test_a_seal_of_another_key_than_it_names_shows(closed: Books, tmp_path: Path) -> None:
    sealed(closed, tmp_path)
    conn = closed.hub.conn
    conn.execute("alter table audit_entry disable trigger append_only")
    conn.execute('update audit_entry set content = replace(content, \'"public_key":"\', \'"public_key":"00\')')
    assert differing(closed) == [("signature",)]


def test_a_period_opened_and_closed_again_with_more_in_it_gets_another_seal(closed: Books, tmp_path: Path) -> None:
    sealed(closed, tmp_path)
    july(closed, "open", 11)
    closed.take(entry(3, work_date=date(2026, 7, 1) + timedelta(days=8)))
    closed.deliver()
    july(closed, "closed", 12)
    assert sealed(closed, tmp_path) == [("US01", "2026-07", 6)]
    assert differing(closed) == [()]
    assert len(audit.entries(closed.hub.conn, object_kind="period")) == 2


async def test_the_daily_run_seals_what_is_closed_and_says_which_periods(closed: Books, tmp_path: Path) -> None:
    hub = closed.hub
    context = DailyContext(
        url=closed.url,
        home=tmp_path,
        firm=firm_version.current(hub.conn),
        clock=hub.clock,
        due_at=hub.clock.now(),
        installed_at=hub.clock.now(),
    )
    assert (await seal_periods(context)).detail == "1 periods sealed; US01 2026-07"
    assert (await seal_periods(context)).detail == "0 periods sealed"
    assert differing(closed) == [()]
