"""Options that several commands share, and the person that acts."""

import getpass
import os
from pathlib import Path
from typing import Annotated, Final, TypeAlias
from uuid import UUID, uuid5

import typer

from tieout.model.access import Principal, PrincipalKind, Scope
from tieout.runtime.installation import DEFAULT_HOME

_OF_THE_SYSTEM: Final = UUID("8f6a3f1e-6a36-5d0e-9d53-7c1a2f0b4e11")
"""Under which users of the operating system have their numbers."""


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


def acting() -> Principal:
    """Who runs the command, as a person with every right: whoever may open the home may read and write all of it.

    The operating system is trusted with who it is; the same name is always the same principal.
    """
    name = actor()
    return Principal(
        principal_id=uuid5(_OF_THE_SYSTEM, name.casefold()),
        name=name,
        kind=PrincipalKind.PERSON,
        rights=dict.fromkeys(Scope),
    )
