"""``tieout systems``: what is read of each system, what is paused, and how a paused object goes on."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import typer

from tieout.cli.options import HOME, AsJson, Home, actor
from tieout.cli.output import Words, print_json
from tieout.errors import ConfigurationError
from tieout.inbound import drift_store
from tieout.inbound.drift_store import ObjectState
from tieout.runtime.clock import SystemClock
from tieout.runtime.installation import open_installation
from tieout.storage.pool import connect, in_transaction

app = typer.Typer(help="What is read of each system.", no_args_is_help=True, add_completion=False)


@app.callback()
def group() -> None:
    """What is read of each system."""


@app.command("list")
def list_(home: Home = HOME, as_json: AsJson = False) -> None:
    """The objects that are polled: when each was last read and last told anything new, and why it is paused."""
    with open_installation(home) as installation, connect(installation.url, autocommit=True) as conn:
        states = in_transaction(conn, drift_store.states)
    if as_json:
        print_json(states)
        return
    _print(Words(whole=True), states)


@app.command("resume")
def resume(
    system: Annotated[str, typer.Argument(help="The system, as the firm names it.")],
    object_name: Annotated[str, typer.Argument(metavar="OBJECT", help="The object, as `systems list` names it.")],
    home: Home = HOME,
) -> None:
    """Poll a paused object again, and judge again what could not be read of it."""
    with open_installation(home) as installation, connect(installation.url, autocommit=True) as conn:
        released = in_transaction(
            conn,
            lambda cur: drift_store.resume(
                cur, system=system, object_name=object_name, actor=actor(), now=SystemClock().now()
            ),
        )
    if released is None:
        raise ConfigurationError(code="TIE-DRIFT-001", message=f"{object_name} of {system} is not paused.")
    Words().print(f"{object_name} of {system} is polled again; {released} item(s) are judged again.")


def _print(words: Words, states: Sequence[ObjectState]) -> None:
    if not states:
        words.print("Nothing has been polled yet.")
        return
    words.print(f"{'System':<16}{'Object':<24}{'Last read':<18}{'Last news':<18}{'Paused since':<18}Why", style="bold")
    for one in states:
        times = f"{_when(one.polled_at):<18}{_when(one.last_news_at):<18}{_when(one.paused_at):<18}"
        words.print(f"{one.system:<16}{one.object:<24}{times}{one.problem or ''}")


def _when(instant: datetime | None) -> str:
    return "" if instant is None else f"{instant:%Y-%m-%d %H:%M}"
