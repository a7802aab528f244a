"""``tieout sweep``: looks for what was deleted in systems that tell nobody."""

import asyncio
from collections.abc import Sequence
from typing import Annotated

import typer

from tieout.cli.options import HOME, AsJson, Home
from tieout.cli.output import Words, print_json
from tieout.errors import ConfigurationError
from tieout.governance import firm_version
from tieout.model.firm import FirmConfig, SystemConfig
from tieout.runtime.clock import SystemClock
from tieout.runtime.installation import open_installation
from tieout.runtime.sweep import IS_SWEPT, SKIPPED, Sweeper, SweptKind
from tieout.storage.pool import connect
from tieout.storage.throttle import SharedThrottle

NO: int = 1


def sweep(
    system: Annotated[str | None, typer.Argument(help="A system of the firm; by default all of them.")] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit", min=0, max=100, help="How many percent of one kind may be gone at once; by default the firm's."
        ),
    ] = None,
    home: Home = HOME,
    as_json: AsJson = False,
) -> None:
    """Take for deleted what a system holds no more. Exit code 1 when a walk was interrupted or is not believed."""
    with open_installation(home) as installation:
        with connect(installation.url, autocommit=True) as conn:
            firm = firm_version.current(conn)
        percent = firm.oversight.schedule.deletion_sweep.limit_percent if limit is None else limit
        done = asyncio.run(_sweep(installation.url, firm, chosen(firm, system), percent))
    if as_json:
        print_json({"swept": done})
    else:
        _print(Words(whole=True), done)
    if any(one.outcome not in {IS_SWEPT, SKIPPED} for one in done):
        raise typer.Exit(NO)


def chosen(firm: FirmConfig, name: str | None) -> Sequence[SystemConfig]:
    """The system ``name``, or all of the firm; raises ConfigurationError (TIE-FIRM-007) where there is no such one."""
    if name is None:
        return firm.systems
    system = firm.system(name)
    if system is None:
        known = ", ".join(one.name for one in firm.systems) or "none"
        raise ConfigurationError(code="TIE-FIRM-007", message=f"The firm has no system {name}, only {known}.")
    return (system,)


async def _sweep(url: str, firm: FirmConfig, systems: Sequence[SystemConfig], limit: int) -> list[SweptKind]:
    throttle = SharedThrottle(url)
    try:
        sweeper = Sweeper(url=url, firm=firm, throttle=throttle, clock=SystemClock(), limit_percent=limit)
        return [one for system in systems for one in await sweeper.sweep(system)]
    finally:
        await throttle.aclose()


def _print(words: Words, done: Sequence[SweptKind]) -> None:
    if not done:
        words.print("No system that is read leaves its deletions untold.")
        return
    words.print(f"{'System':<16}{'Kind':<16}{'Known':>9}{'Gone':>9}{'Back':>9}  Outcome", style="bold")
    for one in done:
        outcome = one.outcome if one.problem is None else f"{one.outcome}: {one.problem}"
        words.print(
            f"{one.system:<16}{one.kind:<16}{one.known_count:>9}{one.gone_count:>9}{one.returned_count:>9}  {outcome}"
        )
