"""A legal entity is posted by another ERP from now on: nothing is posted twice, nothing is left behind."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal

import msgspec
import pytest
from tests.integration.reconciliation.books import Books, world
from tests.worlds.inbound_database import Hub, PlainTranslator, masters

from tieout.model.firm import Environment, FirmConfig, SystemConfig
from tieout.outbound.recut import recut_moved
from tieout.outbound.store import systems_owed
from tieout.storage.pool import connect, in_transaction, sync_pool


@pytest.fixture
def books(database_url: str) -> Iterator[Books]:
    pool = sync_pool(database_url, application="test", size=4)
    with connect(database_url, autocommit=True) as conn:
        hub = Hub(conn)
        hub.open_firm()
        opened = Books(database_url, hub, pool)
        yield opened
        opened.close()
    pool.close()


def moved() -> FirmConfig:
    """US01 is posted by ``cloud`` now; ``erp`` keeps DE01."""
    firm = world.firm()
    cloud = SystemConfig(
        name="cloud", connector="plain", account="d", environment=Environment.SANDBOX, posts_for=("US01",)
    )
    systems = tuple(
        msgspec.structs.replace(one, posts_for=("DE01",)) if one.name == "erp" else one for one in firm.systems
    )
    return msgspec.structs.replace(firm, systems=(*systems, cloud))


def move(books: Books) -> int:
    """Apply the move; the new system then tells the entity and its periods, as it would when it is first read."""
    hub = books.hub
    hub.context = replace(hub.context, translators={**hub.context.translators, "cloud": PlainTranslator()})
    hub.apply(moved())
    hub.report(*masters()["erp"], system="cloud")
    return in_transaction(books.hub.conn, lambda cur: recut_moved(cur, moved()))


def moving_on(day: date) -> FirmConfig:
    """US01 is posted by ``cloud`` for accounting dates from ``day`` on, by ``erp`` before."""
    systems = []
    for one in moved().systems:
        if one.name == "erp":
            systems.append(msgspec.structs.replace(one, posts_for=("US01", "DE01"), posts_until={"US01": day}))
        elif one.name == "cloud":
            systems.append(msgspec.structs.replace(one, posts_from={"US01": day}))
        else:
            systems.append(one)
    return msgspec.structs.replace(moved(), systems=tuple(systems))


def move_on(books: Books, day: date) -> int:
    """Apply the move of a day to come; both ledgers tell their periods."""
    hub = books.hub
    hub.context = replace(hub.context, translators={**hub.context.translators, "cloud": PlainTranslator()})
    hub.apply(moving_on(day))
    hub.report(*masters()["erp"], system="cloud")
    return in_transaction(hub.conn, lambda cur: recut_moved(cur, moving_on(day)))


def deliveries(books: Books) -> list[tuple[object, ...]]:
    return books.hub.rows(
        """
        select d.system, d.state, count(l.entry_id), coalesce(sum(d.hours) filter (where l.entry_id is not null), 0)
          from delivery d left join posting_link l using (delivery_id)
         group by d.delivery_id order by d.delivery_id
        """
    )


def test_what_was_never_sent_is_posted_by_the_new_system_alone(books: Books) -> None:
    books.take(world.said())
    books.bill()
    assert move(books) == 1
    books.bill()
    assert deliveries(books) == [("erp", "recut", 0, Decimal(0)), ("cloud", "ready", 1, Decimal("7.5"))]
    references = [str(row[0]) for row in books.hub.rows("select reference from delivery order by delivery_id")]
    assert references[0].startswith(references[1]), "the very same journal, in another ledger"
    books.deliver()
    assert books.ledger.posted == {}, "the old ledger is sent nothing"


def test_what_is_posted_stays_where_it_is(books: Books) -> None:
    books.take(world.said())
    books.deliver()
    assert move(books) == 0
    books.bill()
    assert deliveries(books) == [("erp", "posted", 1, Decimal("7.5"))]
    books.proven()


def test_what_is_in_doubt_is_looked_up_where_it_was_sent(books: Books) -> None:
    books.take(world.said())
    books.ledger.swallow = True
    books.deliver()
    assert move(books) == 0
    with connect(books.url) as conn:
        assert systems_owed(conn) == {"erp"}
    books.hub.clock.advance(3600)
    books.deliver()
    assert deliveries(books) == [("erp", "posted", 1, Decimal("7.5"))]
    assert len(books.ledger.posted) == 1
    books.proven()


def test_an_entity_that_stays_is_left_alone(books: Books) -> None:
    books.take(world.said(project="p200", task=None))
    books.bill()
    assert move(books) == 0
    assert [row[:2] for row in deliveries(books)] == [("erp", "ready")]


def test_new_work_goes_to_the_new_system(books: Books) -> None:
    move(books)
    books.take(world.said())
    books.bill()
    assert [row[:2] for row in deliveries(books)] == [("cloud", "ready")]


def test_an_entity_moves_on_a_day_and_its_work_goes_where_its_accounting_date_lies(books: Books) -> None:
    move_on(books, date(2026, 7, 1))
    books.take(
        world.said(source_id="june", work_date=date(2026, 6, 30)),
        world.said(source_id="july", work_date=date(2026, 7, 1)),
    )
    books.bill()
    assert [row[:2] for row in deliveries(books)] == [("erp", "ready"), ("cloud", "ready")]


def test_only_what_lies_after_the_day_is_taken_from_the_old_ledger(books: Books) -> None:
    books.take(
        world.said(source_id="june", work_date=date(2026, 6, 30)),
        world.said(source_id="july", work_date=date(2026, 7, 1)),
    )
    books.bill()
    assert move_on(books, date(2026, 7, 1)) == 1
    books.bill()
    assert [row[:2] for row in deliveries(books)] == [("erp", "ready"), ("erp", "recut"), ("cloud", "ready")]


def test_what_the_old_ledger_refuses_as_closed_is_posted_by_the_new_one_once(books: Books) -> None:
    move_on(books, date(2026, 7, 1))
    books.take(world.said(work_date=date(2026, 6, 30)))
    books.ledger.closed = True
    books.deliver()
    assert [(row[0], row[1], row[2]) for row in deliveries(books)] == [("erp", "recut", 0), ("cloud", "ready", 1)]
    (day,) = books.hub.rows("select accounting_date::text from delivery where system = 'cloud'")
    assert day == ("2026-07-01",)
    assert books.ledger.posted == {}


def test_periods_belong_to_the_ledger_that_keeps_the_books_in_them(books: Books) -> None:
    move_on(books, date(2026, 7, 1))
    rows = books.hub.rows(
        """
        select fields ->> 'code', refs -> 'legal_entity' ->> 0 from golden_record
         where type = 'period' and refs -> 'legal_entity' ->> 1 = 'Acme US' order by 1
        """
    )
    owners = [row for row in rows if row[0] in {"2026-06", "2026-07"}]
    assert owners == [("2026-06", "erp"), ("2026-07", "cloud")]
