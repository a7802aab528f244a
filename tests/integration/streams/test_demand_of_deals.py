"""What was sold in a deal is demand of the project that it became: bookings and rates are held against it."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from tests.worlds import project_hub as world
from tests.worlds.inbound_database import master
from tests.worlds.project_hub import ProjectHub, contract, deal, line

from tieout.model.reported import FieldValue, RecordType
from tieout.model.stream_policy import PlanToAllocate, StreamPolicies
from tieout.storage.pool import connect, sync_pool
from tieout.streams.plan_to_allocate.reader import PlanBookCache
from tieout.streams.plan_to_allocate.step import PlanContext, advance_plan


class SellingHub(ProjectHub):
    """The hub that turns deals into projects, and plans these."""

    def open(self, config: object = None) -> None:
        """Apply the configuration with both streams."""
        del config
        streams = StreamPolicies(lead_to_project=world.POLICY, plan_to_allocate=PlanToAllocate(horizon_weeks=2))
        super().open(msgspec.structs.replace(world.firm(), streams=streams))
        self.plan = PlanContext(
            clock=self.clock, plans=PlanBookCache(self.inbound.context.books, self.inbound.context.rates)
        )

    def run(self) -> None:
        """Plan too."""
        super().run()
        while hasattr(self, "plan") and advance_plan(self.conn, self.plan):
            pass


@pytest.fixture
def hub(database_url: str) -> Iterator[SellingHub]:
    pool = sync_pool(database_url, application="test", size=6)
    with connect(database_url, autocommit=True) as conn:
        opened = SellingHub(database_url, conn, pool)
        opened.open()
        yield opened
        opened.worker.close()
    pool.close()


def win(hub: SellingHub, **line_fields: str) -> None:
    """A deal is won, and the project system tells its project."""
    said: dict[str, Any] = {
        "price": "210",
        "currency": "USD",
        "starts": "2026-09-01",
        "ends": "2026-12-01",
        **line_fields,
    }
    hub.report(contract("D1"), line("D1", **said), deal("D1"))
    project: dict[str, FieldValue] = {"code": "P-D1", "name": "Rollout", "status": "active", "currency": "USD"}
    hub.report(
        master(RecordType.PROJECT, "p1", project, legal_entity="Acme US", client="c1", rate_card="USD"), system="psa"
    )


def test_a_deal_that_is_won_again_after_the_plan_was_computed_is_demand_all_the_same(
    hub: SellingHub, database_url: str
) -> None:
    """Another worker is at the deals, or died there a moment ago, when the plan is computed by the newest records."""
    win(hub)
    hub.report(deal("D1", version=2, stage="Negotiation", is_won=False, is_closed=False))
    assert hub.codes() == ["DEAL_MOVED_BACK"]
    with connect(database_url) as other:
        other.execute("select from tieout.stream_position where stream = 'lead_to_project' for update")
        hub.report(deal("D1", version=3))
        assert hub.codes() == ["DEAL_MOVED_BACK"]
    hub.run()
    assert hub.codes() == ["RATE_DIFFERS"]


def book(hub: SellingHub, **values: object) -> None:
    hub.report(
        master(
            RecordType.RESOURCE,
            "ada",
            {"name": "Ada", "email": "ada@example.com", "employment_from": "2020-01-01", "location": "Berlin"},
            legal_entity="Acme US",
            role="r1",
        ),
        system="psa",
    )
    hub.conn.execute(
        """
        insert into booking (booking_id, reading_id, system_id, source_id, state, resource_id, project_id, starts, ends,
                             hours_per_day, location)
        select 1, 1, 1, 'b1', 'hard', r.record_id, p.record_id, %(starts)s, %(starts)s + 5, 8, %(location)s
          from golden_record r, golden_record p where r.type = 'resource' and p.code = 'P-D1'
        """,
        {"starts": date(2026, 9, 7), "location": None, **values},
    )
    hub.conn.execute("insert into plan_pending (kind, first_id, last_id) values ('booking', 1, 1)")
    hub.run()


def test_a_rate_that_was_sold_otherwise_than_the_card_says_is_told_with_the_hours_sold(hub: SellingHub) -> None:
    win(hub)
    assert hub.codes() == ["RATE_DIFFERS"]
    assert hub.rows("select subject_kind, hours, amount_minor, currency from desk_item where state = 'open'") == [
        ("rate_of_deal", Decimal(100), 100_000, 840)
    ]
    hub.report(line("D1", version=2, price="200", currency="USD"))
    assert hub.codes() == []


def test_a_booking_is_held_against_the_place_that_was_sold(hub: SellingHub) -> None:
    win(hub, price="200", location="Paris")
    book(hub)
    assert hub.codes() == ["LOCATION_MISMATCH"]


def test_a_booking_at_the_place_that_was_sold_is_right(hub: SellingHub) -> None:
    win(hub, price="200", location="Paris")
    book(hub, location="paris")
    assert hub.codes() == []
