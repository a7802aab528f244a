"""All commands of ``tieout``, and the one place where an error becomes words and an exit code.

Exit codes: 0 done, 1 the answer is no (books do not tie out, a check failed), 2 it could not be done.
"""

import sys

import click
import typer
from rich.console import Console

from tieout.cli import connector, demo, exceptions, explain, firm, hub, key, tie_out
from tieout.errors import TieoutError
from tieout.runtime.firm.problems import FirmInvalidError

app = typer.Typer(
    name="tieout",
    help="Keeps the systems of a professional-services firm in agreement, and proves it to the cent.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("up")(hub.up)
app.command("demo")(demo.demo)
app.command("check")(firm.check)
app.command("apply")(firm.apply)
app.command("tie-out")(tie_out.tie_out)
app.add_typer(exceptions.app, name="exceptions")
app.add_typer(explain.app, name="explain")
app.add_typer(connector.app, name="connector")
app.add_typer(key.app, name="key")

CANNOT = 2


def main() -> None:
    """Run the command line; the process ends with its exit code."""
    words = Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        code = app(standalone_mode=False)
    except FirmInvalidError as error:
        for problem in error.problems:
            words.print(f"[red]x[/red] {problem.describe()}", markup=True)
        words.print(f"{error.code}: {len(error.problems)} mistake(s); nothing was changed.")
        sys.exit(CANNOT)
    except TieoutError as error:
        words.print(f"[red]{error.code}[/red] {error.message}")
        words.print(f"Next: {error.next_step}")
        sys.exit(CANNOT)
    except click.ClickException as error:
        error.show()
        sys.exit(CANNOT)
    except (click.Abort, KeyboardInterrupt):
        words.print("Stopped.")
        sys.exit(130)
    sys.exit(code if isinstance(code, int) else 0)
