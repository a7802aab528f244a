"""``tieout forecast``, ``capacity`` and ``budget`` as their users call them, and every figure down to its bookings."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

import msgspec
import pytest
from tests.unit.cli.conftest import CommandLine, with_real_connectors
from tests.worlds.inbound_database import master
from tests.worlds.plan_hub import MONDAY, PlanHub, firm

from tieout.model.reported import FieldValue, RecordType
from tieout.model.stream_policy import PlanToAllocate
from tieout.storage.pool import connect
from tieout.streams.plan_to_allocate.budgets import BudgetView
from tieout.streams.plan_to_allocate.capacity import CapacityTrace, CapacityWeek
from tieout.streams.plan_to_allocate.forecast import BookedPart, ForecastWeek
from tieout.streams.plan_to_allocate.rate_comparison import Difference

FROM = ("--from", str(MONDAY), "--weeks", "4")


class Forecast(msgspec.Struct, forbid_unknown_fields=True, rename={"starts": "from"}):
    by: str
    starts: date
    weeks: int
    forecast: list[ForecastWeek]


class Capacity(msgspec.Struct, forbid_unknown_fields=True, rename={"starts": "from"}):
    by: str
    starts: date
    weeks: int
    capacity: list[CapacityWeek]


class Parts(msgspec.Struct, forbid_unknown_fields=True):
    bookings: list[BookedPart]


class Budgets(msgspec.Struct, forbid_unknown_fields=True):
    budgets: list[BudgetView]


@pytest.fixture
def hub(database_url: str) -> Iterator[PlanHub]:
    with connect(database_url, autocommit=True) as conn:
        opened = PlanHub(conn)
        opened.open(with_real_connectors(firm()))
        yield opened


def told(*values: object) -> tuple[object, ...]:
    return values


def forecast(tieout: CommandLine, *words: str) -> list[ForecastWeek]:
    return msgspec.json.decode(tieout("forecast", *FROM, "--json", *words).json(), type=Forecast).forecast


def parts(tieout: CommandLine, *words: str) -> list[BookedPart]:
    said = tieout("forecast", *FROM, "--explain", "--json", *words).json()
    return msgspec.json.decode(said, type=Parts).bookings


def test_the_forecast_shows_firm_and_soft_hours_and_money_by_week_and_currency(
    tieout: CommandLine, hub: PlanHub
) -> None:
    hub.book(ends=MONDAY + timedelta(days=12))
    hub.book("bob", state="soft", hours_per_day=Decimal("7.5"))
    hub.book("cyd", project="p200")
    first, second, other = forecast(tieout)
    assert told(first.group, first.week, first.hard.hours, first.soft.hours) == (
        "P100",
        "2026-W33",
        40,
        Decimal("37.5"),
    )
    assert (first.hard.revenue, first.soft.revenue) == ({"USD": Decimal(8000)}, {"USD": Decimal(7500)})
    assert (second.week, second.hard.cost) == ("2026-W34", {"USD": Decimal(3200)})
    assert (other.group, other.hard.revenue, other.hard.cost) == (
        "P200",
        {"EUR": Decimal(7200)},
        {"EUR": Decimal(2800)},
    )
    (one,) = forecast(tieout, "--by", "client", "--client", "ACME", "--weeks", "1")
    assert told(one.group, one.name, one.hard.hours) == ("ACME", "Acme", 40)
    assert [told(one.group, one.hard.hours) for one in forecast(tieout, "--by", "entity", "--entity", "DE01")] == [
        ("DE01", 40)
    ]
    shown = tieout("forecast", *FROM).out
    for words in ("P100            2026-W33          40      37.5  8,000.00 USD", "7,200.00 EUR + 16,000.00 USD"):
        assert words in shown


def test_every_figure_of_the_forecast_is_the_sum_of_the_bookings_behind_it(tieout: CommandLine, hub: PlanHub) -> None:
    hub.book(ends=MONDAY + timedelta(days=12))
    hub.book("bob", state="soft", hours_per_day=Decimal("7.5"))
    hub.book(None, role="r1", project="p200")
    behind = parts(tieout)
    for one in forecast(tieout):
        for name, side in (("hard", one.hard), ("soft", one.soft)):
            own = [p for p in behind if (p.project, p.week, p.commitment) == (one.group, one.week, name)]
            assert sum(p.hours for p in own) == side.hours
            assert sum(p.revenue or 0 for p in own) == sum(side.revenue.values())
            assert sum(p.cost or 0 for p in own) == sum(side.cost.values())
    named = parts(tieout, "--project", "P200")
    assert [(p.person, p.role, p.price, p.revenue_currency) for p in named] == [
        (None, "Senior", Decimal("180.000000"), "EUR")
    ]
    shown = tieout("forecast", *FROM, "--explain").out
    for words in ("psa b1", "Ada", "nobody (Senior)", "8,000.00 USD at 200.00 (line"):
        assert words in shown


def test_hours_without_a_price_are_told_and_not_worth_nothing(tieout: CommandLine, hub: PlanHub) -> None:
    hub.inbound.apply(with_real_connectors(msgspec.structs.replace(firm(), rates=firm().rates[2:])))
    hub.work()
    hub.book()
    (one,) = forecast(tieout)
    assert told(one.hard.hours, one.hard.revenue, one.hard.unpriced_hours) == (40, {}, 40)
    assert "40 hours have no price" in tieout("forecast", *FROM).out
    assert "RATE_NOT_FOUND" in tieout("forecast", *FROM, "--explain").out


def test_capacity_is_calendar_less_holidays_and_time_off_and_opens_down_to_its_bookings(
    tieout: CommandLine, hub: PlanHub
) -> None:
    hub.report(RecordType.HOLIDAY, "h1", {"day": "2026-08-12", "name": "Day", "fraction": "1"})
    hub.away("ada", MONDAY, MONDAY + timedelta(days=1), hours=Decimal(4))
    hub.book(hours_per_day=Decimal(6))
    hub.book(state="soft", hours_per_day=Decimal(1))
    said = tieout("capacity", *FROM, "--weeks", "1", "--person", "ada@example.com", "--json").json()
    (one,) = msgspec.json.decode(said, type=Capacity).capacity
    assert told(one.calendar, one.holiday, one.time_off, one.capacity) == (40, 8, 4, 28)
    assert told(one.hard, one.soft, one.bench, one.free, one.over) == (24, 4, 4, 0, 2)
    assert (one.utilization, one.people, one.is_assumed) == (Decimal("85.7"), 1, True)
    said = tieout("capacity", *FROM, "--person", "Ada", "--explain", "--json").json()
    made_of = msgspec.json.decode(said, type=CapacityTrace)
    assert sum(p.hours for p in made_of.bookings) == one.hard + one.soft
    assert [told(a.person, a.hours_per_day) for a in made_of.absences] == [("Ada", 4)]
    shown = tieout("capacity", *FROM, "--person", "Ada", "--explain").out
    assert "Ada is away (leave, approved) from 2026-08-10 until before 2026-08-11, 4 hours a day" in shown
    assert "Ada has Day on 2026-08-12 (record of psa)" in shown


def test_every_holiday_is_told_with_what_tells_it(tieout: CommandLine, hub: PlanHub) -> None:
    policy = PlanToAllocate(horizon_weeks=6, public_holidays=("JP",))
    hub.inbound.apply(with_real_connectors(firm(policy)))
    hub.move_entity("JP")
    hub.report(RecordType.HOLIDAY, "h1", {"day": "2026-08-12", "name": "Obon", "fraction": "0.5"})
    hub.report(RecordType.HOLIDAY, "h2", {"day": "2026-08-16", "name": "Sunday", "fraction": "1"})
    said = tieout("capacity", *FROM, "--person", "Ada", "--explain", "--json").json()
    found = msgspec.json.decode(said, type=CapacityTrace).holidays
    assert [(str(one.day), one.share, one.told_by) for one in found] == [
        ("2026-08-11", Decimal(1), "public holidays of JP"),
        ("2026-08-12", Decimal("0.5"), "record of psa"),
    ]
    shown = tieout("capacity", *FROM, "--person", "Ada", "--explain").out
    assert "Ada has Obon on 2026-08-12, 50% of the day (record of psa)" in shown


def test_a_team_is_the_ratio_of_sums_and_not_the_mean_of_ratios(tieout: CommandLine, hub: PlanHub) -> None:
    hub.report(
        RecordType.RESOURCE,
        "bob",
        {"name": "Bob", "email": "bob@example.com", "employment_from": "2020-01-01", "weekly_hours": "10"},
        2,
        legal_entity="Acme US",
        role="r1",
    )
    hub.book("bob", hours_per_day=Decimal(2))
    said = tieout("capacity", *FROM, "--weeks", "1", "--by", "role", "--json").json()
    (team,) = msgspec.json.decode(said, type=Capacity).capacity
    assert told(team.group, team.people, team.capacity, team.hard, team.utilization) == (
        "Senior",
        3,
        90,
        10,
        Decimal("11.1"),
    )
    shown = tieout("capacity", *FROM, "--weeks", "1", "--by", "entity", "--entity", "US01").out
    assert "Firmly booked: 10 of 90 hours (11.1 %)." in shown


def test_a_budget_shows_what_is_recorded_booked_and_left(tieout: CommandLine, hub: PlanHub) -> None:
    hub.report(
        RecordType.PROJECT,
        "p100",
        {
            "code": "P100",
            "name": "One",
            "status": "active",
            "currency": "USD",
            "budget_hours": "100",
            "budget_amount": "10000.00",
        },
        2,
        legal_entity="Acme US",
        client="c1",
    )
    later = date.today() + timedelta(days=14)  # noqa: DTZ011 - the command reads the machine's clock
    hub.book(starts=later - timedelta(days=later.weekday()))
    (one,) = msgspec.json.decode(tieout("budget", "--json").json(), type=Budgets).budgets
    assert told(one.project, one.later_hours, one.burned_hours, one.hours_percent) == ("P100", 40, 40, 40)
    shown = tieout("budget", "--project", "P100").out
    assert "40" in shown
    assert "P200" not in shown


@pytest.mark.parametrize(
    "words",
    [
        ("forecast", "--project", "P999"),
        ("forecast", "--client", "NOBODY", "--explain"),
        ("capacity", "--person", "Zoe"),
        ("capacity", "--entity", "XX"),
        ("budget", "--project", "P999"),
    ],
)
def test_a_word_that_is_nobodys_is_refused(tieout: CommandLine, hub: PlanHub, words: tuple[str, ...]) -> None:
    del hub
    assert "TIE-PLAN-001" in tieout.refuses(*words)


def test_an_empty_plan_says_so(tieout: CommandLine, hub: PlanHub) -> None:
    del hub
    assert tieout("forecast", *FROM).out == "Nothing is booked in these weeks.\n"
    assert tieout("forecast", *FROM, "--explain").out == "Nothing is booked in these weeks.\n"
    assert tieout("budget").out == "No project has a budget.\n"


class Shown(msgspec.Struct, forbid_unknown_fields=True):
    difference: Difference
    effect: Decimal | None
    currency: str


class Rates(msgspec.Struct, forbid_unknown_fields=True):
    differences: list[Shown]


def test_rates_that_differ_are_listed_with_what_they_mean_for_the_hours_to_come(
    tieout: CommandLine, hub: PlanHub
) -> None:
    assert tieout("rates").out == "No two systems state a rate differently.\n"
    later = date.today() + timedelta(days=14)  # noqa: DTZ011 - the command reads the machine's clock
    hub.book(starts=later - timedelta(days=later.weekday()), bill_rate=Decimal(210))
    (one,) = msgspec.json.decode(tieout("rates", "--json").json(), type=Rates).differences
    assert told(one.effect, one.currency, one.difference.hours) == (Decimal(400), "USD", 40)
    assert "210.00 USD (psa)" in tieout("rates").out


def test_rates_that_one_system_lacks_are_listed_when_asked_for(tieout: CommandLine, hub: PlanHub) -> None:
    head: dict[str, FieldValue] = {"code": "STD", "name": "Standard", "currency": "USD"}
    said: dict[str, FieldValue] = {"price": "150", "currency": "USD", "valid_from": "2026-01-01"}
    hub.inbound.report(
        master(RecordType.RATE_CARD, "c1", head), master(RecordType.RATE_LINE, "l1", said, rate_card="c1", role="r1")
    )
    hub.inbound.report(master(RecordType.RATE_CARD, "c1", head), system="erp")
    hub.work()
    assert tieout("rates").out == "No two systems state a rate differently.\n"
    assert "150.00 USD (psa)" in tieout("rates", "--missing").out
