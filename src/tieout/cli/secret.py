"""``tieout secret``: secrets that the hub keeps itself, encrypted, for ``store:NAME`` in the firm directory.

A secret is read from stdin, never from the command line, which others on the machine can see, and it is never printed.
"""

import getpass
import os
import sys
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Final

import msgspec
import typer
from psycopg import Connection, Cursor

from tieout.cli.options import HOME, AsJson, Home, actor
from tieout.cli.output import Words, print_json
from tieout.governance import firm_version, secret_store, subscriptions
from tieout.governance.access import Act
from tieout.governance.master_key import MASTER_KEY, MasterKeys
from tieout.runtime.clock import SystemClock
from tieout.runtime.installation import open_installation
from tieout.runtime.secrets import stored_name
from tieout.storage.pool import connect, in_transaction
from tieout.web.site import CLIENT_SECRET
from tieout.web.tokens import TokenKeys

_Row = tuple[object, ...]
_CHARS_MAX: Final = 100_000

app = typer.Typer(help="Secrets kept by the hub, encrypted.", no_args_is_help=True, add_completion=False)

Name = Annotated[str, typer.Argument(help="The secret, as store:NAME refers to it.")]
Reason = Annotated[str, typer.Option(help="Why; it stays in the audit log.")]


class SecretUse(msgspec.Struct, frozen=True, kw_only=True):
    """A stored version and who refers to its name; ``current``: store:NAME without a version means it."""

    name: str
    version: int
    current: bool
    made_at: datetime
    made_by: str
    age_days: int
    used_by: tuple[str, ...]


@app.command("set")
def set_(name: Name, reason: Reason = "", home: Home = HOME) -> None:
    """Store a secret that is read from stdin; the version before it stays readable until the next."""
    value = getpass.getpass("Secret: ") if sys.stdin.isatty() else sys.stdin.read(_CHARS_MAX).rstrip("\r\n")
    act = _act(reason)

    def work(cur: Cursor[_Row]) -> int:
        return secret_store.put(cur, MasterKeys(home, os.environ), name, value, act)

    with open_installation(home) as installation, connect(installation.url, autocommit=True) as conn:
        version = in_transaction(conn, work)
    Words(whole=True).print(f"store:{name} is version {version} from now on.")


@app.command("list")
def list_(home: Home = HOME, as_json: AsJson = False) -> None:
    """Which secrets are stored, how old they are, and who uses them; never what they are."""
    with open_installation(home) as installation, connect(installation.url, autocommit=True) as conn:
        uses = list(_uses(conn, SystemClock().now()))
    if as_json:
        print_json(uses)
        return
    words = Words(whole=True)
    words.print(f"{'Name':<32}{'Version':<11}{'Age':<12}{'By':<16}Used by", style="bold")
    for one in uses:
        version = f"{one.version}{'' if one.current else ' (old)'}"
        used = ", ".join(one.used_by) or "nobody"
        words.print(f"{one.name:<32}{version:<11}{f'{one.age_days} days':<12}{one.made_by:<16}{used}")


@app.command("remove")
def remove(
    name: Name,
    version: Annotated[int | None, typer.Option(min=1, help="One version; without it all of them.")] = None,
    reason: Reason = "",
    home: Home = HOME,
) -> None:
    """Destroy a secret, or one version of it."""
    act = _act(reason)
    with open_installation(home) as installation, connect(installation.url, autocommit=True) as conn:
        count = in_transaction(conn, lambda cur: secret_store.remove(cur, name, version, act))
    Words(whole=True).print(f"{count} version{'' if count == 1 else 's'} of {name} destroyed.")


@app.command("rotate-key")
def rotate_key(reason: Reason = "", home: Home = HOME) -> None:
    """Encrypt everything under a new master key and destroy the old one; interrupted, it is run again."""
    keys, act = MasterKeys(home, os.environ), _act(reason)
    with open_installation(home) as installation, connect(installation.url, autocommit=True) as conn:
        if keys.own:
            keys.add()
        count = in_transaction(
            conn, lambda cur: secret_store.rewrap(cur, keys, act) + subscriptions.seal_again(cur, keys)
        )
        also_used = frozenset({TokenKeys(home).seal_again()})
        if keys.own:
            in_transaction(conn, lambda cur: secret_store.drop_unused_keys(cur, keys, also_used=also_used))
        newest = keys.current_id()
    words = Words(whole=True)
    words.print(f"Everything stored is under master key {newest} now; {count} versions of secrets were not.")
    if not keys.own:
        words.print(f"Keys after the first at the place that {MASTER_KEY} names open nothing here any more.")


def _uses(conn: Connection[_Row], now: datetime) -> Iterator[SecretUse]:
    used = _used_by(conn)
    before = None
    for one in secret_store.listed(conn):
        yield SecretUse(
            name=one.name,
            version=one.version,
            current=one.name != before,
            made_at=one.made_at,
            made_by=one.made_by,
            age_days=(now - one.made_at).days,
            used_by=tuple(used.get(one.name, ())),
        )
        before = one.name


def _used_by(conn: Connection[_Row]) -> dict[str, list[str]]:
    """Who refers to each name: systems of the firm version that holds, the audit log's anchors, the sign-on."""
    references = [("sign-on", os.environ.get(CLIENT_SECRET) or "")]
    firm = firm_version.newest(conn)
    if firm is not None:
        references += [(system.name, one) for system in firm.systems for one in system.secrets.values()]
        references += [("audit", place.secret) for place in firm.audit.anchors if place.secret is not None]
    found: dict[str, list[str]] = {}
    for who, reference in references:
        name = stored_name(reference)
        if name is not None and who not in found.setdefault(name, []):
            found[name].append(who)
    return found


def _act(reason: str) -> Act:
    return Act(by=actor(), now=SystemClock().now(), reason=reason)
