"""``tieout connect``: tries a configured system before it is relied on."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from tieout.cli.options import HOME, AsJson, Home, firm_directory
from tieout.cli.output import Words, print_json
from tieout.errors import ConfigurationError
from tieout.model.firm import FirmConfig
from tieout.runtime.clock import SystemClock
from tieout.runtime.connection_check import Probe, check_connection
from tieout.runtime.firm.directory import API_CONNECTOR, read_firm
from tieout.runtime.installation import open_installation
from tieout.storage.throttle import SharedThrottle

NO: int = 1


def connect(
    system: Annotated[str, typer.Argument(help="A system of the firm directory (systems/NAME.toml).")],
    home: Home = HOME,
    firm: Annotated[Path | None, typer.Option("--firm", help="The firm directory; by default HOME/firm.")] = None,
    as_json: AsJson = False,
) -> None:
    """Try credentials, rights, limits and clock of a system; writes nothing there. Exit code 1 when a probe fails."""
    config = read_firm(firm_directory(home, firm))
    with open_installation(home, make=True) as installation:
        probes = asyncio.run(_check(installation.url, config, system))
    if as_json:
        print_json(probes)
    else:
        _print(Words(whole=True), probes)
    if not all(one.ok for one in probes):
        raise typer.Exit(NO)


async def _check(url: str, config: FirmConfig, name: str) -> list[Probe]:
    system = config.system(name)
    if system is None or system.connector == API_CONNECTOR:
        known = ", ".join(one.name for one in config.systems if one.connector != API_CONNECTOR) or "none"
        raise ConfigurationError(
            code="TIE-FIRM-007", message=f"The firm directory has no system {name} to connect to, only {known}."
        )
    throttle = SharedThrottle(url)
    try:
        entities = [one.entity for one in config.policies]
        return await check_connection(system, throttle=throttle, clock=SystemClock(), entities=entities)
    finally:
        await throttle.aclose()


def _print(words: Words, probes: list[Probe]) -> None:
    for one in probes:
        words.print(f"{'ok  ' if one.ok else 'FAIL'} {one.name}: {one.words}")
        if one.next_step is not None:
            words.print(f"     {one.code or ''} Next: {one.next_step}".replace("  Next", " Next"))
