"""The whole application as in the integration tests, with something behind every endpoint."""

from decimal import Decimal

import pytest
from tests.integration.api.conftest import Api, api
from tests.integration.api.test_deliveries import posting
from tests.worlds import inbound_firm as world
from tests.worlds.inbound_plan import assignment

from tieout.reconciliation import tie_out_runs
from tieout.storage.pool import connect

__all__ = ["api", "posting"]


@pytest.fixture
def filled(posting: Api) -> Api:
    """A firm with time that is held, posted and planned, and a tie-out."""
    posting.hub.take(world.said(source_id="held", hours=Decimal(25)))
    posting.hub.plan(assignment())
    with connect(posting.url, autocommit=True) as conn:
        tie_out_runs.run(
            conn, translators=posting.hub.context.translators, requested_by="test", clock=posting.hub.clock
        )
    return posting
