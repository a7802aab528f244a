"""``tieout backup``, ``tieout restore`` and ``tieout restored``: a hub in one file, and back without posting twice."""

import asyncio
import os
from pathlib import Path
from typing import Annotated

import typer

from tieout.cli.options import HOME, AsJson, Home, actor
from tieout.cli.output import Words, command_on, print_json
from tieout.runtime.backup import passphrase_of, write_backup
from tieout.runtime.clock import SystemClock
from tieout.runtime.installation import open_installation
from tieout.runtime.restore import restore_backup
from tieout.runtime.restored import Waiting, accept_release, propose_release, prove, waiting
from tieout.storage.pool import connect

app = typer.Typer(help="What waits since a restore.", no_args_is_help=True, add_completion=False)

Passphrase = Annotated[
    str | None, typer.Option("--passphrase", help="Encrypts the file: env:NAME names the variable that holds it.")
]
Entity = Annotated[str, typer.Argument(help="Code of the legal entity.")]


@app.callback()
def group() -> None:
    """What waits since a restore."""


def backup(
    file: Annotated[Path, typer.Argument(help="Where to write; it must not exist yet.")],
    passphrase: Passphrase = None,
    home: Home = HOME,
) -> None:
    """Write database, keys and firm directory of this hub to one file; the hub may run meanwhile."""
    secret = passphrase_of(passphrase, os.environ)
    with open_installation(home) as installation:
        done = write_backup(installation.url, installation.home, file, passphrase=secret, clock=SystemClock())
    words = Words(whole=True)
    words.print(f"{done.file}: {done.size_bytes:,} bytes, SHA-256 {done.sha256}.")
    if secret is None:
        words.print("It is not encrypted, and the keys of this hub are in it: keep it as safe as the home itself.")


def restore(
    file: Annotated[Path, typer.Argument(help="A file that `tieout backup` wrote.")],
    passphrase: Passphrase = None,
    home: Home = HOME,
) -> None:
    """Restore a backup into an empty home and database; nothing is sent before it is known what was sent since."""
    done = restore_backup(
        file, home, passphrase=passphrase_of(passphrase, os.environ), clock=SystemClock(), environ=os.environ
    )
    words = Words(whole=True)
    words.print(f"Restored as of {done.manifest.backed_up_at:%Y-%m-%d %H:%M:%S} UTC into {done.home}.")
    words.print("Billing waits until the ledgers are known to hold nothing that was posted after it.")
    words.print(f"Be sure that the old hub does not run any more. Then: {command_on(home, 'up')}")


@app.command("list")
def list_(home: Home = HOME, as_json: AsJson = False) -> None:
    """The legal entities of the last restore and what each waits for."""
    with open_installation(home) as installation, connect(installation.url, autocommit=True) as conn:
        _print(waiting(conn), as_json=as_json)


@app.command("check")
def check(home: Home = HOME, as_json: AsJson = False) -> None:
    """Read the ledgers of waiting entities now; what holds nothing unknown waits no more."""
    with open_installation(home) as installation:
        _print(asyncio.run(prove(installation.url, SystemClock())), as_json=as_json)


@app.command("release")
def release(
    entity: Entity,
    reason: Annotated[str, typer.Option(help="Why the unknown postings may stand; it stays in the audit log.")],
    home: Home = HOME,
) -> None:
    """Propose that a legal entity is billed although its ledger holds what the hub does not know."""
    with open_installation(home) as installation, connect(installation.url, autocommit=True) as conn:
        propose_release(conn, entity, by=actor(), reason=reason, now=SystemClock().now())
    Words().print(f"Proposed. Somebody else accepts it: {command_on(home, 'restored', 'accept', entity)}")


@app.command("accept")
def accept(entity: Entity, home: Home = HOME) -> None:
    """Accept, as the second person, what `release` proposed."""
    with open_installation(home) as installation, connect(installation.url, autocommit=True) as conn:
        accept_release(conn, entity, by=actor(), now=SystemClock().now())
    Words().print(f"{entity} is billed again.")


def _print(found: list[Waiting], *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    words = Words(whole=True)
    for one in found:
        said = one.problem or (f"{one.unknown_count} unknown postings" if one.unknown_count else "")
        words.print(f"{one.entity:<12} {one.state:<10} {said}")
    if not found:
        words.print("This hub was never restored.")
