"""``tieout rates``: what rate cards, bookings and won deals of several systems state differently."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated

import msgspec
import typer

from tieout.cli.options import HOME, AsJson, Home
from tieout.cli.output import Words, print_json
from tieout.ledger.rate_book import RateBookCache
from tieout.model.money import figure, from_minor
from tieout.records.reference_book import BookCache
from tieout.runtime.clock import SystemClock
from tieout.runtime.installation import open_installation
from tieout.storage.pool import connect
from tieout.streams.plan_to_allocate.rate_comparison import Difference, Rate
from tieout.streams.plan_to_allocate.rate_reader import (
    differences_of_bookings,
    differences_of_cards,
    differences_of_deals,
)
from tieout.streams.plan_to_allocate.reader import PlanBookCache


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A difference as programs read it: ``effect`` is what the hours would be worth more by ``theirs``."""

    difference: Difference
    effect: Decimal | None
    currency: str


def rates(
    missing: Annotated[
        bool, typer.Option("--missing", help="Also rates that a system does not have, though it has the card.")
    ] = False,
    home: Home = HOME,
    as_json: AsJson = False,
) -> None:
    """Rates that several systems state differently, and what that means for the hours that are booked or sold."""
    today = SystemClock().now().date().toordinal()
    with open_installation(home) as installation, connect(installation.url, autocommit=True) as conn:
        plan = PlanBookCache(BookCache(), RateBookCache()).get(conn)
        found = [
            *differences_of_cards(conn, plan, today=today),
            *differences_of_bookings(conn, plan, None, today=today),
            *differences_of_deals(conn, plan),
        ]
    shown = [_shown(one) for one in found if missing or one.theirs is not None]
    if as_json:
        print_json({"differences": shown})
        return
    _print(Words(whole=True), shown)


def _shown(one: Difference) -> Shown:
    effect = None if one.effect_minor is None else from_minor(one.effect_minor, one.currency)
    return Shown(difference=one, effect=effect, currency=one.currency)


def _print(words: Words, shown: Sequence[Shown]) -> None:
    if not shown:
        words.print("No two systems state a rate differently.")
        return
    words.print(f"{'Role':<18}{'Ours':<28}{'Theirs':<28}{'Since':<12}{'Hours':>9}{'Effect':>20}  What", style="bold")
    for one in shown:
        found = one.difference
        effect = "-" if one.effect is None else f"{one.effect:,} {one.currency}"
        words.print(
            f"{found.role:<18}{_rate(found.ours):<28}{_rate(found.theirs):<28}{found.since!s:<12}"
            f"{figure(found.hours, decimals=0):>9}{effect:>20}  {found.what}"
        )


def _rate(rate: Rate | None) -> str:
    return "-" if rate is None else f"{figure(rate.price, decimals=2)} {rate.currency} ({rate.system})"
