"""``tieout connector``: what is installed, the proof of what each can do, and a new one to begin with."""

from pathlib import Path

import typer
from rich.table import Table

from tieout.cli.output import Words
from tieout.connect.conformance import harness_for, run_suite
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
    table = Table("Connector", "System", "Role", "Reads", "Writes (idempotency)", "Claim", box=None)
    for name in installed_connectors():
        manifest = load_connector(name).manifest
        table.add_row(
            name,
            manifest.title,
            manifest.role.value,
            ", ".join(one.object for one in manifest.reads),
            ", ".join(f"{one.command} ({one.idempotency.value})" for one in manifest.writes),
            manifest.claim,
        )
    Words().print(table)


@app.command("test")
def test(name: str) -> None:
    """Run the conformance suite on a connector and print its score; exit code 1 when a check fails."""
    score = run_suite(name, harness_for(name))
    words = Words(whole=True)
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
