"""A hub with something on its desk, over a database of its own."""

from collections.abc import Iterator
from decimal import Decimal

import pytest
from tests.integration.reconciliation.books import Books
from tests.integration.reconciliation.conftest import books
from tests.worlds import inbound_firm as world
from tests.worlds.inbound_database import Hub

from tieout.storage.pool import connect

__all__ = ["Books", "books"]


@pytest.fixture
def hub(database_url: str) -> Iterator[Hub]:
    """Three entries of a project nobody knows, one of no hours in each legal entity."""
    with connect(database_url, autocommit=True) as conn:
        opened = Hub(conn)
        opened.open_firm()
        opened.take(
            *(world.said(source_id=f"u{at}", project="P999") for at in range(3)),
            world.said(source_id="none-us", hours=Decimal(0)),
            world.said(source_id="none-de", hours=Decimal(0), project="p200", task=None),
        )
        yield opened
