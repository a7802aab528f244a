"""``tieout key``: keys for programs that hand in time."""

from typing import Annotated

import typer

from tieout.api.keys import create_key
from tieout.cli.options import HOME, Home
from tieout.cli.output import Words
from tieout.runtime.clock import SystemClock
from tieout.runtime.ids import SystemIds
from tieout.runtime.installation import open_installation
from tieout.storage.pool import connect

app = typer.Typer(help="Keys for programs that hand in time.", no_args_is_help=True, add_completion=False)


@app.callback()
def group() -> None:
    """Keys for programs that hand in time."""


@app.command("create")
def create(
    system: Annotated[str, typer.Option(help="The system (connector api) that the key speaks for.")],
    name: Annotated[str, typer.Option(help="Who will use it.")] = "unnamed",
    home: Home = HOME,
) -> None:
    """Make a key; it is shown once."""
    with open_installation(home) as installation, connect(installation.url, autocommit=True) as conn:
        made = create_key(conn, name=name, system=system, key_id=SystemIds().new_id(), now=SystemClock().now())
    Words(whole=True).print(made)
