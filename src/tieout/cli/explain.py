"""``tieout explain``: how a figure came about."""

from typing import Annotated

import typer

from tieout.cli.options import HOME, AsJson, Home
from tieout.cli.output import Words, print_json
from tieout.ledger.explain import explain_actual
from tieout.runtime.installation import open_installation
from tieout.storage.pool import connect

app = typer.Typer(help="How a figure came about.", no_args_is_help=True, add_completion=False)


@app.callback()
def group() -> None:
    """How a figure came about."""


@app.command("actual")
def actual(
    actual_id: Annotated[int, typer.Argument(help="Number of the actual.")], home: Home = HOME, as_json: AsJson = False
) -> None:
    """The rate line, the candidates and why each lost, the exchange rate, and the versions that made an amount."""
    with open_installation(home) as installation, connect(installation.url, autocommit=True) as conn:
        trace = explain_actual(conn, actual_id)
    if as_json:
        print_json(trace)
        return
    words = Words(whole=True)
    for line in trace.lines():
        words.print(line)
