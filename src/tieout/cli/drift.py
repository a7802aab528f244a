"""``tieout drift``: reads back what targets hold of what the hub wrote there, and finds what is otherwise."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Final

import typer

from tieout.cli.options import HOME, AsJson, Home
from tieout.cli.output import Words, print_json
from tieout.cli.sweep import chosen
from tieout.governance import firm_version
from tieout.model.firm import FirmConfig, SystemConfig
from tieout.runtime.clock import SystemClock
from tieout.runtime.drift_sweep import DISBELIEVED, INTERRUPTED, ComparedKind, sweep_for_drift
from tieout.runtime.installation import open_installation
from tieout.runtime.sweep import LIMIT_PERCENT
from tieout.storage.pool import connect
from tieout.storage.throttle import SharedThrottle

NO: Final = 1


def drift(
    system: Annotated[str | None, typer.Argument(help="A system of the firm; by default all of them.")] = None,
    limit: Annotated[
        int, typer.Option("--limit", min=0, max=100, help="How many percent of one type may be missing at once.")
    ] = LIMIT_PERCENT,
    home: Home = HOME,
    as_json: AsJson = False,
) -> None:
    """Compare what targets hold with what they acknowledged. Exit code 1 when anything differs or was not seen."""
    with open_installation(home) as installation:
        with connect(installation.url, autocommit=True) as conn:
            firm = firm_version.current(conn)
        done = asyncio.run(_sweep(installation.url, firm, chosen(firm, system), limit))
    if as_json:
        print_json({"compared": done})
    else:
        _print(Words(whole=True), done)
    if any(one.drifted_count or one.missing_count or one.outcome in {INTERRUPTED, DISBELIEVED} for one in done):
        raise typer.Exit(NO)


async def _sweep(url: str, firm: FirmConfig, systems: Sequence[SystemConfig], limit: int) -> list[ComparedKind]:
    throttle = SharedThrottle(url)
    try:
        return await sweep_for_drift(
            systems, url=url, firm=firm, throttle=throttle, clock=SystemClock(), limit_percent=limit
        )
    finally:
        await throttle.aclose()


def _print(words: Words, done: Sequence[ComparedKind]) -> None:
    if not done:
        words.print("No target has acknowledged any master yet.")
        return
    heads = f"{'Compared':>9}{'Differ':>9}{'Missing':>9}{'Waiting':>9}"
    words.print(f"{'System':<16}{'Type':<16}{heads}  Outcome", style="bold")
    for one in done:
        outcome = one.outcome.replace("_", " ") if one.problem is None else f"{one.outcome}: {one.problem}"
        counts = f"{one.compared_count:>9}{one.drifted_count:>9}{one.missing_count:>9}{one.waiting_count:>9}"
        words.print(f"{one.system:<16}{one.kind:<16}{counts}  {outcome}")
