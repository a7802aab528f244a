"""All commands of ``tieout``, and the one place where an error becomes words and an exit code.

A command's module is imported when the command is asked for: what one command needs does not slow down the others.
Exit codes: 0 done, 1 the answer is no (books do not tie out, a check failed), 2 it could not be done.
"""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Final

import typer
from rich.text import Text
from typer import TyperException
from typer._click.core import Command, Context
from typer.core import TyperGroup

from tieout.cli.output import Words
from tieout.errors import CATALOGUE, ConfigurationError, TieoutError
from tieout.runtime.firm.problems import FirmInvalidError
from tieout.runtime.logs import configure_logs
from tieout.storage.pool import losing_database

_COMMANDS: Final = {
    "up": ("hub", "up"),
    "demo": ("demo", "demo"),
    "status": ("status", "show_status"),
    "init": ("firm", "init"),
    "check": ("firm", "check"),
    "connect": ("connect", "connect"),
    "adopt": ("adopt", "adopt"),
    "plan": ("firm", "plan"),
    "apply": ("firm", "apply"),
    "history": ("firm", "history"),
    "diff": ("firm", "diff"),
    "tie-out": ("tie_out", "tie_out"),
    "sweep": ("sweep", "sweep"),
    "drift": ("drift", "drift"),
    "quality": ("quality", "quality"),
    "schedule": ("schedule", "schedule"),
    "systems": ("systems", "app"),
    "exceptions": ("exceptions", "app"),
    "replay": ("replay", "app"),
    "projects": ("projects", "app"),
    "forecast": ("allocation", "forecast"),
    "capacity": ("allocation", "capacity"),
    "budget": ("allocation", "budget"),
    "rates": ("rates", "rates"),
    "payroll": ("payroll", "payroll"),
    "explain": ("explain", "app"),
    "audit": ("audit", "app"),
    "contract": ("contract", "app"),
    "connector": ("connector", "app"),
    "key": ("key", "app"),
    "access": ("access", "app"),
    "secret": ("secret", "app"),
    "backup": ("backup", "backup"),
    "restore": ("backup", "restore"),
    "restored": ("backup", "app"),
}


class _Commands(TyperGroup):
    """The commands by name, each made when it is asked for."""

    def list_commands(self, ctx: Context) -> list[str]:
        """All names, in the order of the help."""
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: Context, cmd_name: str) -> Command | None:
        """The command ``cmd_name``, or None."""
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        module, name = _COMMANDS[cmd_name]
        found = getattr(import_module(f"tieout.cli.{module}"), name)
        if isinstance(found, typer.Typer):
            group = typer.main.get_command(found)
            group.name = cmd_name
            return group
        single = typer.Typer(add_completion=False)
        single.command(cmd_name)(found)
        return typer.main.get_command(single)


app = typer.Typer(
    name="tieout",
    cls=_Commands,
    help="Keeps the systems of a professional-services firm in agreement, and proves it to the cent.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def _commands() -> None:
    """Keep the commands in one group."""


CANNOT: Final = 2
STOPPED: Final = 130
MISUSED: Final = "TIE-CLI-001"
_REFUSED: Final = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT})
"""What the operating system says no with where nothing is wrong with the program."""


def main() -> None:
    """Run the command line; the process ends with its exit code."""
    try:
        with losing_database(), _naming_refusals():
            configure_logs(os.environ)
            code = app(standalone_mode=False)
    except (typer.Abort, KeyboardInterrupt):
        code = STOPPED
    except (TieoutError, TyperException) as error:
        _explain(error)
        sys.exit(CANNOT)
    except BaseExceptionGroup as group:
        known, others = group.split(TieoutError)
        if known is None or others is not None:
            raise
        for one in _leaves(known):
            _explain(one)
        sys.exit(CANNOT)
    if code == STOPPED:
        Words(stderr=True).print("Stopped. What is stored is kept; the same command goes on from there.")
    sys.exit(code if isinstance(code, int) else 0)


@contextmanager
def _naming_refusals() -> Iterator[None]:
    """Turns a file that the operating system refuses into ConfigurationError (TIE-CLI-002)."""
    try:
        yield
    except OSError as error:
        if error.errno not in _REFUSED:
            raise
        where = "" if error.filename is None else f"{error.filename}: "
        raise ConfigurationError(code="TIE-CLI-002", message=f"{where}{error.strerror}.") from error


def _explain(error: TieoutError | TyperException) -> None:
    """Say what happened, with its code, and what to do next."""
    words = Words(whole=True, stderr=True)
    if isinstance(error, FirmInvalidError):
        for problem in error.problems:
            words.print(Text.assemble(("x", "red"), f" {problem.describe()}"))
        code, said = error.code, f"{len(error.problems)} mistake(s); nothing was changed."
    elif isinstance(error, TieoutError):
        code, said = error.code, error.message
    else:
        code, said = MISUSED, error.format_message()
    next_step = error.next_step if isinstance(error, TieoutError) else CATALOGUE[MISUSED].next_step
    words.print(Text.assemble((code, "red"), f" {said}"))
    words.print(f"Next: {next_step}")


def _leaves(group: BaseExceptionGroup[TieoutError]) -> list[TieoutError]:
    return [
        leaf for one in group.exceptions for leaf in (_leaves(one) if isinstance(one, BaseExceptionGroup) else [one])
    ]
