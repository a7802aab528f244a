"""``tieout connector``: what is installed, and the proof of what each can do."""

import typer
from rich.table import Table

from tieout.cli.output import Words
from tieout.connect.conformance import harness_for, run_suite
from tieout.connect.connector import installed_connectors, load_connector

app = typer.Typer(
    help="Connectors: what is installed, and the proof of what each can do.", no_args_is_help=True, add_completion=False
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
