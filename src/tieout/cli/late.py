"""``tieout exceptions late``: which service levels are broken, since when, and how far each was escalated."""

from typing import Annotated

import typer

from tieout.cli.options import HOME, AsJson, Home
from tieout.cli.output import Words, print_json
from tieout.desk import service_levels
from tieout.runtime.installation import open_installation
from tieout.storage.pool import connect


def late(
    home: Home = HOME,
    every: Annotated[bool, typer.Option("--all", help="Those that ended, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Service levels that are broken now, as a running hub measured them."""
    with open_installation(home) as installation, connect(installation.url, autocommit=True) as conn:
        found = service_levels.breaches(conn, lasting=not every)
    if as_json:
        print_json(found)
        return
    words = Words(whole=True)
    if not found:
        words.print("Every service level holds.")
    for one in found:
        ended = "" if one.ended_at is None else f", until {one.ended_at:%Y-%m-%d %H:%M}"
        words.print(f"{one.title}: {one.entity or one.subject}")
        words.print(
            f"  late by {one.late_by:,} {one.unit} since {one.breached_at:%Y-%m-%d %H:%M}{ended}; owner {one.owner}, "
            f"escalated {one.escalation} time(s)"
        )


def register(app: typer.Typer) -> None:
    """Add the command to ``tieout exceptions``."""
    app.command("late")(late)
