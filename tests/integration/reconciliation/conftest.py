"""Books over a database of their own."""

from collections.abc import Iterator

import pytest
from tests.integration.reconciliation.books import Books
from tests.worlds import inbound_firm as world
from tests.worlds.inbound_database import Hub

from tieout.inbound.context import InboundContext
from tieout.outbound.recut import recut
from tieout.storage.pool import connect, sync_pool


@pytest.fixture
def books(database_url: str) -> Iterator[Books]:
    with connect(database_url, autocommit=True) as conn:
        hub = Hub(conn)
        given = hub.context
        hub.context = InboundContext(
            clock=given.clock, ids=given.ids, translators=given.translators, books=given.books, recut=recut
        )
        hub.open_firm(world.firm(line_grain="entry"))
        pool = sync_pool(database_url, application="test", size=4)
        opened = Books(database_url, hub, pool)
        yield opened
        opened.close()
        pool.close()
