"""A hub that turns won deals into projects, over a database of its own."""

from collections.abc import Iterator

import pytest
from tests.worlds.project_hub import ProjectHub

from tieout.storage.pool import connect, sync_pool


@pytest.fixture
def hub(database_url: str) -> Iterator[ProjectHub]:
    pool = sync_pool(database_url, application="test", size=6)
    with connect(database_url, autocommit=True) as conn:
        opened = ProjectHub(database_url, conn, pool)
        opened.open()
        yield opened
        opened.worker.close()
    pool.close()
