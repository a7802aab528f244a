"""``tieout forecast``, ``capacity`` and ``budget``: what is booked, worth and free by week, and what it is made of."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Final, TypeAlias

import typer
from rich.console import Console

from tieout.cli.options import HOME, AsJson, Home
from tieout.cli.output import Words, print_json
from tieout.errors import ConfigurationError
from tieout.ledger.rate_book import RateBookCache
from tieout.model.money import figure
from tieout.records.reference_book import BookCache
from tieout.runtime.clock import SystemClock
from tieout.runtime.installation import open_installation
from tieout.storage.pool import connect
from tieout.streams.plan_to_allocate.budgets import BudgetView, list_budgets
from tieout.streams.plan_to_allocate.calendar import monday
from tieout.streams.plan_to_allocate.capacity import By, CapacityTrace, CapacityWeek, trace, utilization
from tieout.streams.plan_to_allocate.capacity import capacity as read_capacity
from tieout.streams.plan_to_allocate.forecast import (
    BookedPart,
    ForecastWeek,
    Grouping,
    Selection,
    Side,
    booked_parts,
    monday_of,
)
from tieout.streams.plan_to_allocate.forecast import forecast as read_forecast
from tieout.streams.plan_to_allocate.reader import PlanBookCache

_DAY: Final = ["%Y-%m-%d"]
_LONGEST: Final = 520

From: TypeAlias = Annotated[
    datetime | None,
    typer.Option("--from", formats=_DAY, help="A day of the first week; by default of the present one."),
]
Weeks: TypeAlias = Annotated[int, typer.Option(min=1, max=_LONGEST, help="How many weeks.")]
Explain: TypeAlias = Annotated[bool, typer.Option("--explain", help="What the figures are made of instead.")]
Project: TypeAlias = Annotated[str | None, typer.Option(help="Only this project, by code.")]
Client: TypeAlias = Annotated[str | None, typer.Option(help="Only this client, by code.")]
Entity: TypeAlias = Annotated[str | None, typer.Option(help="Only this legal entity, by code.")]


def forecast(
    project: Project = None,
    client: Client = None,
    entity: Entity = None,
    by: Annotated[Grouping, typer.Option(help="What is added up.")] = Grouping.PROJECT,
    from_day: From = None,
    weeks: Weeks = 13,
    explain: Explain = False,
    home: Home = HOME,
    as_json: AsJson = False,
) -> None:
    """Booked hours, revenue and cost by week, firm and soft, in the currency of their rates."""
    chosen = Selection(starts=_monday(from_day), weeks=weeks, project=project, client=client, entity=entity)
    with open_installation(home) as installation, connect(installation.url, autocommit=True) as conn:
        if explain:
            parts = booked_parts(conn, chosen)
            print_json({"bookings": parts}) if as_json else _print_parts(Words(whole=True), parts)
            return
        found = read_forecast(conn, chosen, by)
    if as_json:
        print_json({"by": by, "from": chosen.starts, "weeks": weeks, "forecast": found})
        return
    print_forecast(Words(whole=True), found)


def capacity(
    person: Annotated[str | None, typer.Option(help="Only this person, by name or e-mail address.")] = None,
    role: Annotated[str | None, typer.Option(help="Only people of this role.")] = None,
    entity: Entity = None,
    by: Annotated[By, typer.Option(help="What is added up.")] = By.PERSON,
    from_day: From = None,
    weeks: Weeks = 6,
    explain: Explain = False,
    home: Home = HOME,
    as_json: AsJson = False,
) -> None:
    """Hours that can be worked, and what is booked of them, by week: calendar less holidays and time off."""
    chosen = Selection(starts=_monday(from_day), weeks=weeks, entity=entity)
    with open_installation(home) as installation, connect(installation.url, autocommit=True) as conn:
        if explain:
            plan = PlanBookCache(BookCache(), RateBookCache()).get(conn)
            made_of = trace(conn, plan, chosen, person=person, role=role)
            print_json(made_of) if as_json else _print_trace(Words(whole=True), made_of)
            return
        found = read_capacity(conn, chosen, by, person=person, role=role)
    if as_json:
        print_json({"by": by, "from": chosen.starts, "weeks": weeks, "capacity": found})
        return
    print_capacity(Words(whole=True), found)


def budget(project: Project = None, home: Home = HOME, as_json: AsJson = False) -> None:
    """What of each project's budget of hours and money is used or booked."""
    today = SystemClock().now().date().toordinal()
    with open_installation(home) as installation, connect(installation.url, autocommit=True) as conn:
        plan = PlanBookCache(BookCache(), RateBookCache()).get(conn)
        found = list_budgets(conn, plan, today=today, this_week=monday(today), project=project)
    if project is not None and not found:
        raise ConfigurationError(code="TIE-PLAN-001", message=f"There is no project with the code {project}.")
    if as_json:
        print_json({"budgets": found})
        return
    _print_budgets(Words(whole=True), found)


def _monday(day: datetime | None) -> date:
    return monday_of((SystemClock().now() if day is None else day).date())


def print_forecast(words: Console, found: Sequence[ForecastWeek]) -> None:
    """The weeks of a forecast and their sums."""
    if not found:
        words.print("Nothing is booked in these weeks.")
        return
    words.print(_forecast_row("", "Week", ("Firm h", "Soft h"), ("Revenue firm", "Revenue soft", "Cost")), style="bold")
    for one in found:
        hours = (_hours(one.hard.hours), _hours(one.soft.hours))
        cost = _total((one.hard.cost, one.soft.cost))
        amounts = (_money(one.hard.revenue), _money(one.soft.revenue), _money(cost))
        words.print(_forecast_row(one.group, one.week, hours, amounts))
        for gap in _gaps(one):
            words.print(f"{'':<26}{gap}")
    _print_total(words, found)


def _print_total(words: Console, found: Sequence[ForecastWeek]) -> None:
    hard, soft = ([getattr(one, side) for one in found] for side in ("hard", "soft"))
    hours = (_hours(_sum(hard)), _hours(_sum(soft)))
    amounts = (
        _money(_total(one.revenue for one in hard)),
        _money(_total(one.revenue for one in soft)),
        _money(_total(one.cost for one in (*hard, *soft))),
    )
    words.print(_forecast_row("All", "", hours, amounts), style="bold")


def _forecast_row(group: str, week: str, hours: tuple[str, str], amounts: tuple[str, str, str]) -> str:
    """One line of a forecast; columns stay apart however long the amounts are."""
    firm, soft = hours
    revenue_firm, revenue_soft, cost = amounts
    return f"{group:<16}{week:<10}{firm:>10}{soft:>10}  {revenue_firm:<36}  {revenue_soft:<36}  {cost}"


def _sum(sides: Sequence[Side]) -> Decimal:
    return sum((one.hours for one in sides), Decimal(0))


def _gaps(one: ForecastWeek) -> list[str]:
    """What has no amount, in words: never shown as zero."""
    sides = (one.hard, one.soft)
    unpriced = sum((side.unpriced_hours for side in sides), Decimal(0))
    uncosted = sum((side.uncosted_hours for side in sides), Decimal(0))
    aside = sum((side.not_billable_hours for side in sides), Decimal(0))
    return [
        f"{_hours(hours)} hours {words}"
        for hours, words in ((unpriced, "have no price"), (uncosted, "have no cost rate"), (aside, "are not billable"))
        if hours
    ]


def _print_parts(words: Words, parts: Sequence[BookedPart]) -> None:
    if not parts:
        words.print("Nothing is booked in these weeks.")
        return
    words.print(
        f"{'Week':<10}{'Booking':<20}{'Project':<14}{'Who':<20}{'':<6}{'Hours':>8}  {'Revenue':<34}Cost", style="bold"
    )
    for one in parts:
        who = one.person or f"nobody ({one.role or 'no role'})"
        words.print(
            f"{one.week:<10}{f'{one.system} {one.booking}':<20}{one.project:<14}{who:<20}{one.commitment:<6}"
            f"{_hours(one.hours):>8}  {_revenue(one):<34}{_cost(one)}"
        )


def _revenue(one: BookedPart) -> str:
    return _amount(one.revenue, one.revenue_currency, one.price, one.price_line, one.revenue_gap)


def _cost(one: BookedPart) -> str:
    return _amount(one.cost, one.cost_currency, one.cost_rate, one.cost_line, one.cost_gap)


def _amount(
    amount: Decimal | None, currency: str | None, hourly: Decimal | None, line: int | None, gap: str | None
) -> str:
    if amount is None:
        return gap or "-"
    by = "" if hourly is None else f" at {figure(hourly, decimals=2)}"
    return f"{amount:,} {currency}{by} (line {line})"


def print_capacity(words: Console, found: Sequence[CapacityWeek]) -> None:
    """The weeks of people or teams, and how much of them is firmly booked."""
    if not found:
        words.print("The plan has nobody in these weeks.")
        return
    words.print(
        f"{'':<22}{'Week':<10}{'Calendar':>9}{'Holidays':>9}{'Time off':>9}{'Capacity':>9}{'Firm':>9}{'Soft':>9}"
        f"{'Free':>9}{'Bench':>9}{'Used':>8}",
        style="bold",
    )
    for one in found:
        over = f"  {_hours(one.over)} h too many" if one.over else ""
        words.print(
            f"{one.group + ('*' if one.is_assumed else ''):<22}{one.week:<10}{_hours(one.calendar):>9}"
            f"{_hours(one.holiday):>9}{_hours(one.time_off):>9}{_hours(one.capacity):>9}{_hours(one.hard):>9}"
            f"{_hours(one.soft):>9}{_hours(one.free):>9}{_hours(one.bench):>9}{_percent(one.utilization):>8}{over}"
        )
    can, hard = sum((one.capacity for one in found), Decimal(0)), sum((one.hard for one in found), Decimal(0))
    words.print(f"Firmly booked: {_hours(hard)} of {_hours(can)} hours ({_percent(utilization(hard, can))}).")
    if any(one.is_assumed for one in found):
        words.print("* No system tells the weekly hours: those of streams.toml are taken.")


def _print_trace(words: Words, made_of: CapacityTrace) -> None:
    _print_parts(words, made_of.bookings)
    for one in made_of.absences:
        hours = "whole days" if one.hours_per_day is None else f"{_hours(one.hours_per_day)} hours a day"
        words.print(
            f"{one.person} is away ({one.kind}, {one.state}) from {one.starts} until before {one.ends}, {hours}"
        )
    for free in made_of.holidays:
        part = "" if free.share == 1 else f", {free.share:.0%} of the day"
        words.print(f"{free.person} has {free.name or 'a holiday'} on {free.day}{part} ({free.told_by})")


def _print_budgets(words: Words, found: Sequence[BudgetView]) -> None:
    if not found:
        words.print("No project has a budget.")
        return
    words.print(
        f"{'Project':<16}{'Recorded':>10}{'This week':>11}{'Later':>10}{'Hours':>10}{'Budget':>10}{'':>6}  Money",
        style="bold",
    )
    for one in found:
        words.print(
            f"{one.project:<16}{_hours(one.recorded_hours):>10}{_hours(one.rest_hours):>11}"
            f"{_hours(one.later_hours):>10}{_hours(one.burned_hours):>10}"
            f"{'-' if one.budget_hours is None else _hours(one.budget_hours):>10}{_whole(one.hours_percent):>6}  "
            f"{_of_budget(one)}"
        )
        if one.unpriced_hours:
            words.print(f"{'':<16}{_hours(one.unpriced_hours)} booked hours have no price")
        if one.left_out:
            words.print(f"{'':<16}Bookings in {', '.join(one.left_out)} are left out: there is no exchange rate")


def _of_budget(one: BudgetView) -> str:
    if one.burned_amount is None:
        return "-"
    of = "" if one.budget_amount is None else f" of {one.budget_amount:,} ({one.amount_percent} %)"
    return f"{one.burned_amount:,} {one.currency}{of}"


def _total(sums: Iterable[Mapping[str, Decimal]]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for one in sums:
        for currency, amount in one.items():
            found[currency] = found.get(currency, Decimal(0)) + amount
    return found


def _money(amounts: Mapping[str, Decimal]) -> str:
    return " + ".join(f"{amount:,} {currency}" for currency, amount in sorted(amounts.items())) or "-"


def _hours(hours: Decimal) -> str:
    return figure(hours, decimals=0)


def _percent(share: Decimal | None) -> str:
    return "-" if share is None else f"{share} %"


def _whole(share: int | None) -> str:
    return "" if share is None else f"{share} %"
