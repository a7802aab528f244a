"""``tieout check`` and ``tieout apply``: the firm directory as configuration."""

from pathlib import Path
from typing import Annotated

import typer

from tieout.cli.options import HOME, Home, actor, firm_directory
from tieout.cli.output import Words
from tieout.runtime.apply import apply_firm
from tieout.runtime.clock import SystemClock
from tieout.runtime.firm.directory import read_firm
from tieout.runtime.installation import open_installation

Directory = Annotated[Path | None, typer.Option("--firm", help="The firm directory; by default HOME/firm.")]


def check(home: Home = HOME, firm: Directory = None) -> None:
    """Say everything that is wrong with the firm directory; changes nothing."""
    config = read_firm(firm_directory(home, firm))
    Words().print(
        f"{config.name}: {len(config.systems)} systems, {len(config.policies)} legal entities, "
        f"{len(config.mappings)} mapping lines, {len(config.rates)} rates. No mistakes. "
        f"Content {config.content_hash[:12]}."
    )


def apply(home: Home = HOME, firm: Directory = None) -> None:
    """Make the firm directory the version that holds, and judge again what it may have cured."""
    with open_installation(home, make=True) as installation:
        applied = apply_firm(installation.url, firm_directory(home, firm), applied_by=actor(), clock=SystemClock())
    words = Words()
    if not applied.is_new:
        words.print(f"Version {applied.version} holds already: nothing has changed.")
        return
    words.print(f"Version {applied.version} holds now. {applied.released} exception(s) are judged again.")
