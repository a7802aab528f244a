"""``tieout connector``: what is installed, the proof of what each can do, and a new one to begin with."""

from pathlib import Path
from typing import Annotated

import typer
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from tieout.cli.output import Words
from tieout.connect.conformance import ALL_CHECKS, Result, harness_for, run_suite
from tieout.connect.connector import installed_connectors, load_connector
from tieout.connect.skeleton import write_skeleton

app = typer.Typer(
    help="Connectors: what is installed, the proof of what each can do, a new one.",
    no_args_is_help=True,
    add_completion=False,
)


@app.command("list")
def list_() -> None:
    """The installed connectors and what they declare."""
    words = Words()
    for name in installed_connectors():
        manifest = load_connector(name).manifest
        words.print(f"{name}: {manifest.title} ({manifest.role.value}), {manifest.claim}", style="bold")
        facts = {
            "reads": ", ".join(one.object for one in manifest.reads),
            "writes": ", ".join(f"{one.command} ({one.idempotency.value})" for one in manifest.writes),
        }
        lines = [f"{title} {listed or 'nothing'}" for title, listed in facts.items()]
        if not any(facts.values()):
            lines = ["reads and writes what its definition in the firm directory names"]
        for line in lines:
            words.print(Padding(Text(line), (0, 0, 0, 2), expand=False))
    words.print("The letter is the declared idempotency class; `tieout connector test NAME` proves it.")


@app.command("test")
def test(name: Annotated[str, typer.Argument(help="The connector, as `tieout connector list` names it.")]) -> None:
    """Run the conformance suite on a connector and print its score; exit code 1 when a check fails."""
    words = Words(whole=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=words, transient=True, disable=not words.is_terminal) as bars:
        checks = bars.add_task("setting up the system", total=len(ALL_CHECKS))

        def show(made: Result) -> None:
            bars.update(checks, advance=1, description=made.check.replace("_", " "))

        score = run_suite(name, harness_for(name), on_result=show)
    for line in score.lines():
        words.print(line)
    if score.failed:
        raise typer.Exit(1)


@app.command("new")
def new(name: str) -> None:
    """Write a connector of your own into a new folder here: it installs and passes the suite as it is."""
    folder = write_skeleton(name, Path.cwd())
    words = Words(whole=True)
    words.print(f"Written to {folder.name}. Next:")
    words.print(f"  pip install -e {folder.name}")
    words.print(f"  tieout connector test {name}")
    words.print("Then put the real system in the place of the made-up one, file by file.")
