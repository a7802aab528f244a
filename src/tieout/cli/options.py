"""Options that several commands share, and the person that acts."""

import getpass
import os
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from tieout.runtime.installation import DEFAULT_HOME


def _home(name: str) -> Path:
    if not name:
        raise typer.BadParameter("It names no directory.")
    return Path(name)


Home: TypeAlias = Annotated[
    Path,
    typer.Option(
        "--home", help="Where this hub stores everything.", envvar="TIEOUT_HOME", parser=_home, metavar="<path>"
    ),
]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
HOME = DEFAULT_HOME


def firm_directory(home: Path, given: Path | None) -> Path:
    """The firm directory: as given, or ``firm`` below the home."""
    return given if given is not None else home / "firm"


def actor() -> str:
    """Who runs the command, for the history."""
    return os.environ.get("TIEOUT_ACTOR") or getpass.getuser()
