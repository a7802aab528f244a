from collections.abc import Iterator

import pytest
from tests.worlds.records_database import Records

from tieout.storage.pool import connect


@pytest.fixture
def records(database_url: str) -> Iterator[Records]:
    with connect(database_url, autocommit=True) as conn:
        world = Records(conn)
        world.apply()
        yield world
