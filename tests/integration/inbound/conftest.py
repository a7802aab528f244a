"""A hub's way in over a database of its own."""

from collections.abc import Iterator

import pytest
from tests.worlds.inbound_database import Hub

from tieout.storage.pool import connect


@pytest.fixture
def hub(database_url: str) -> Iterator[Hub]:
    with connect(database_url, autocommit=True) as conn:
        opened = Hub(conn)
        opened.open_firm()
        yield opened
