"""Holidays by law take capacity where the firm names the country, and a record of the same day counts alone."""

from collections.abc import Iterator
from decimal import Decimal

import pytest
from tests.worlds.plan_hub import PlanHub, firm

from tieout.model.reported import RecordType
from tieout.model.stream_policy import PlanToAllocate
from tieout.storage.pool import connect

MOUNTAIN_DAY, BANK_HOLIDAY = "2026-08-11", "2026-08-31"


@pytest.fixture
def hub(database_url: str) -> Iterator[PlanHub]:
    with connect(database_url, autocommit=True) as conn:
        yield PlanHub(conn)


def policy(*places: str, horizon_weeks: int = 6) -> PlanToAllocate:
    return PlanToAllocate(horizon_weeks=horizon_weeks, public_holidays=places)


def holidays(hub: PlanHub, person: str = "ada") -> dict[str, Decimal]:
    """The hours that holidays take, by Monday."""
    rows = hub.rows(
        "select week, holiday from person_week where person_id = %s and holiday > 0 order by week",
        hub.id_of("resource", person),
    )
    return {str(week): Decimal(str(hours)) for week, hours in rows}


def test_no_country_named_gives_no_holiday(hub: PlanHub) -> None:
    hub.open()
    hub.move_entity("JP")
    assert holidays(hub) == {}


def test_naming_a_country_takes_capacity_from_its_people_and_naming_it_no_more_gives_it_back(hub: PlanHub) -> None:
    hub.open()
    hub.move_entity("JP")
    hub.inbound.apply(firm(policy("JP", "GB")))
    hub.work()
    assert holidays(hub) == {"2026-08-10": Decimal(8)}
    hub.inbound.apply(firm(policy("GB")))
    hub.work()
    assert holidays(hub) == {}


def test_an_entity_in_another_country_has_the_holidays_of_that(hub: PlanHub) -> None:
    hub.open(firm(policy("JP", "US")))
    hub.move_entity("JP")
    assert holidays(hub) == {"2026-08-10": Decimal(8)}
    hub.move_entity("US", 3)
    assert holidays(hub) == {"2026-09-07": Decimal(8)}


def test_holidays_of_a_part_are_for_those_whose_place_is_that_part(hub: PlanHub) -> None:
    hub.open(firm(policy("GB", "GB-ENG"), ("locations", "London", "GB-ENG")))
    hub.move_entity("GB")
    assert holidays(hub) == {}
    fields = {"name": "Ada", "email": "ada@example.com", "employment_from": "2020-01-01", "location": "London"}
    hub.report(RecordType.RESOURCE, "ada", dict(fields), 2, legal_entity="Acme US", role="r1")
    assert (holidays(hub), holidays(hub, "bob")) == ({BANK_HOLIDAY: Decimal(8)}, {})
    hub.move_entity("JP", 3)
    assert holidays(hub) == {}


def test_a_record_of_the_same_day_counts_alone(hub: PlanHub) -> None:
    hub.open(firm(policy("JP")))
    hub.move_entity("JP")
    hub.report(RecordType.HOLIDAY, "h1", {"day": MOUNTAIN_DAY, "name": "Half", "fraction": "0.5", "country": "JP"})
    assert holidays(hub) == {"2026-08-10": Decimal(4)}
    hub.report(RecordType.HOLIDAY, "h1", {"day": MOUNTAIN_DAY, "name": "Whole", "fraction": "1", "country": "JP"}, 2)
    assert holidays(hub) == {"2026-08-10": Decimal(8)}


def test_the_horizon_takes_holidays_with_it_into_the_next_year(hub: PlanHub) -> None:
    hub.open(firm(policy("US", horizon_weeks=80)))
    hub.move_entity("US")
    assert {"2026-12-28", "2027-07-05", "2027-12-20"} <= holidays(hub).keys()
    before = hub.rows("select * from person_week order by 1, 2")
    hub.compute_anew()
    assert hub.rows("select * from person_week order by 1, 2") == before


def test_a_booking_gets_nothing_of_a_holiday_by_law(hub: PlanHub) -> None:
    hub.open(firm(policy("JP")))
    hub.move_entity("JP")
    hub.book(percent=Decimal(50), hours_per_day=None)
    assert hub.weeks("ada") == {"2026-08-10": (32, 16, 0)}
