"""``tieout status``: how the hub is, in one screen."""

from typing import Final

import typer

from tieout.cli.options import HOME, AsJson, Home
from tieout.cli.output import Words, print_json
from tieout.runtime.clock import SystemClock
from tieout.runtime.installation import open_installation
from tieout.runtime.status import Level, status
from tieout.storage.pool import connect

_STYLES: Final = {Level.WELL: "green", Level.SOON: "yellow", Level.WRONG: "bold red"}


def show_status(home: Home = HOME, as_json: AsJson = False) -> None:
    """How the hub is: what is well, what somebody should look at soon, what is wrong. Exit code 1 when something is."""
    with open_installation(home) as installation, connect(installation.url, autocommit=True) as conn:
        lines = status(conn, now=SystemClock().now())
    if as_json:
        print_json(lines)
    else:
        words = Words(whole=True)
        for one in lines:
            words.print(f"{one.level.value:<7}", style=_STYLES[one.level], end="")
            words.print(f"{one.topic:<16}{one.words}")
    if any(one.level is Level.WRONG for one in lines):
        raise typer.Exit(code=1)
