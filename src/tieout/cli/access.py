"""``tieout access``: who may do what, given and taken back by whoever runs the hub.

Every change stands in the audit chain under the user of the operating system. What lets somebody in is shown once.
"""

import csv
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final, TypeVar
from uuid import UUID

import msgspec
import typer
from psycopg import Connection, Cursor

from tieout.cli.options import HOME, AsJson, Home, actor
from tieout.cli.output import Words, print_json
from tieout.connect.spreadsheet import harmless
from tieout.errors import ConfigurationError
from tieout.governance import access, api_clients, sign_in
from tieout.governance.access import Act, Known, Right
from tieout.governance.access_review import ReviewLine, review
from tieout.model.access import PrincipalKind, Role, Scope
from tieout.runtime.clock import SystemClock
from tieout.runtime.ids import SystemIds
from tieout.runtime.installation import open_installation
from tieout.storage.pool import connect, in_transaction
from tieout.web.tokens import TokenKeys

LOCAL: Final = "http://127.0.0.1:8470"
FIRST_PERSON: Final = ("Administrator", "administrator@localhost")
_T = TypeVar("_T")
_Row = tuple[object, ...]

app = typer.Typer(help="Who may do what.", no_args_is_help=True, add_completion=False)
person = typer.Typer(help="People who sign in.", no_args_is_help=True, add_completion=False)
client = typer.Typer(help="Programs with credentials.", no_args_is_help=True, add_completion=False)
app.add_typer(person, name="person")
app.add_typer(client, name="client")

Who = Annotated[
    str, typer.Argument(metavar="WHO", help="E-mail address of a person, or client id or name of a program.")
]
Reason = Annotated[str, typer.Option(help="Why; it stays in the audit log.")]
Entity = Annotated[str | None, typer.Option(help="Code of a legal entity; without it for all of them.")]
Until = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The first day on which it holds no more (UTC).")
]


@person.command("add")
def add_person(
    email: Annotated[str, typer.Argument(help="As the identity provider knows it.")],
    name: Annotated[str, typer.Option(help="How pages and the audit log call the person.")],
    home: Home = HOME,
) -> None:
    """Enter a person, who may do nothing yet."""
    person_id = SystemIds().new_id()
    _change(home, lambda cur: access.add_person(cur, name=name, email=email, person_id=person_id, act=_act("")))
    Words().print(f"{name} is known as {email}. Next: tieout access grant, then tieout access link.")


@client.command("add")
def add_client(
    name: Annotated[str, typer.Argument(help="Which program it is.")],
    scope: Annotated[list[Scope] | None, typer.Option(help="What it may do; may be given several times.")] = None,
    entity: Entity = None,
    reason: Reason = "",
    home: Home = HOME,
) -> None:
    """Enter a program with an id and a secret, which is shown once."""
    ids, act = SystemIds(), _act(reason)
    program_id = ids.new_id()

    def work(cur: Cursor[_Row]) -> tuple[str, str]:
        made = api_clients.add_client(cur, name=name, program_id=program_id, act=act)
        for one in scope or []:
            right = Right(what=one, entity=entity)
            access.grant(cur, principal_id=program_id, right=right, grant_id=ids.new_id(), act=act)
        return made

    client_id, secret = _change(home, work)
    _print_credentials(client_id, secret)


@client.command("rotate")
def rotate(client_id: Annotated[str, typer.Argument(help="The client's id.")], home: Home = HOME) -> None:
    """Make a second secret, which works beside the first until `client finish`; it is shown once."""
    secret = _change(home, lambda cur: api_clients.next_secret(cur, client_id=client_id, act=_act("")))
    _print_credentials(client_id, secret)


@client.command("finish")
def finish(client_id: Annotated[str, typer.Argument(help="The client's id.")], home: Home = HOME) -> None:
    """End the old secret: only the one that `client rotate` made works from now on."""
    _change(home, lambda cur: api_clients.finish_rotation(cur, client_id=client_id, act=_act("")))
    Words().print(f"Only the new secret of {client_id} works now.")


@app.command("grant")
def grant(
    who: Who,
    right: Annotated[str, typer.Argument(help="A role for a person, a scope for a program.")],
    entity: Entity = None,
    until: Until = None,
    reason: Reason = "",
    home: Home = HOME,
) -> None:
    """Give a person a role or a program a scope, for one legal entity or for all."""
    given = Right(what=_what(right), entity=entity, until=None if until is None else until.replace(tzinfo=UTC))
    grant_id = SystemIds().new_id()

    def work(cur: Cursor[_Row]) -> str:
        known = _find(cur.connection, who)
        access.grant(cur, principal_id=known.principal_id, right=given, grant_id=grant_id, act=_act(reason))
        return known.name

    name = _change(home, work)
    Words(whole=True).print(f"{name}: {given.what.value} for {entity or 'all legal entities'} (grant {grant_id}).")


@app.command("revoke")
def revoke(
    grant_id: Annotated[UUID, typer.Argument(help="The grant, as `access review` names it.")],
    reason: Reason = "",
    home: Home = HOME,
) -> None:
    """Take a grant back, from now on."""
    _change(home, lambda cur: access.revoke(cur, grant_id=grant_id, act=_act(reason)))
    Words(whole=True).print(f"Grant {grant_id} holds no more.")


@app.command("disable")
def disable(who: Who, reason: Reason = "", home: Home = HOME) -> None:
    """Let somebody in no more: sessions, links, secrets and keys end at once."""

    def work(cur: Cursor[_Row]) -> str:
        known = _find(cur.connection, who)
        access.disable(cur, principal_id=known.principal_id, act=_act(reason))
        return known.name

    Words().print(f"{_change(home, work)} is let in no more.")


@app.command("link")
def link(
    email: Annotated[str, typer.Argument(help="The person's e-mail address.")],
    url: Annotated[str, typer.Option(help="Where people reach the hub.", envvar="TIEOUT_PUBLIC_URL")] = LOCAL,
    home: Home = HOME,
) -> None:
    """Make a link that signs a person in once, within a day; it is shown once and ends earlier ones."""

    def work(cur: Cursor[_Row]) -> str:
        known = _find(cur.connection, email)
        return sign_in.new_link(cur, principal_id=known.principal_id, act=_act(""))

    Words(whole=True).print(link_to(url, _change(home, work)))


@app.command("rotate-keys")
def rotate_keys(home: Home = HOME) -> None:
    """Sign access tokens with a new key from now on; those of the key before hold until they end."""
    with open_installation(home):
        kid = TokenKeys(home).rotate(SystemClock().now())
    Words(whole=True).print(f"Access tokens are signed by key {kid}.")


@app.command("list")
def list_(home: Home = HOME, as_json: AsJson = False) -> None:
    """Everybody that was ever entered."""
    with _reading(home) as conn:
        known = access.principals(conn)
        ids = {one.principal_id: api_clients.client_of(conn, one.principal_id) for one in known}
    if as_json:
        print_json(known)
        return
    words = Words(whole=True)
    for one in known:
        found = ids[one.principal_id]
        place = one.email or (found[0] if found else "")
        words.print(f"{one.kind.value:<9}{one.name:<24}{place}{'  (disabled)' if one.disabled_at else ''}")


@app.command("review")
def review_(
    home: Home = HOME,
    as_json: AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV instead of a table.")] = False,
) -> None:
    """Who may do what, where, since when, and when it was last used."""
    with _reading(home) as conn:
        lines = review(conn, now=SystemClock().now())
    if as_json:
        print_json(lines)
    elif as_csv:
        print_csv(lines)
    else:
        words = Words(whole=True)
        words.print(f"{'Who':<24}{'May':<22}{'Where':<10}{'By role':<22}{'Since':<12}Last used", style="bold")
        for one in lines:
            used = one.last_used[:10] or "never"
            words.print(f"{one.principal:<24}{one.scope:<22}{one.entity:<10}{one.role:<22}{one.since[:10]:<12}{used}")


def print_csv(lines: list[ReviewLine]) -> None:
    """The review as CSV; a value that a spreadsheet would take for a formula is made text."""
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(ReviewLine.__struct_fields__)
    for line in lines:
        out.writerow([harmless(str(value)) for value in msgspec.structs.astuple(line)])


def first_administrator(url: str, base: str) -> str | None:
    """On a hub that nobody can enter: an administrator and the link that signs him in once; None on every other hub.

    ``url`` is the database, ``base`` where people reach the hub.
    """
    act = Act(by="tieout up", now=SystemClock().now(), reason="the first start")
    ids = SystemIds()

    def work(cur: Cursor[_Row]) -> str | None:
        if access.has_person(cur.connection):
            return None
        name, email = FIRST_PERSON
        person_id = ids.new_id()
        access.add_person(cur, name=name, email=email, person_id=person_id, act=act)
        right = Right(what=Role.ADMINISTRATOR)
        access.grant(cur, principal_id=person_id, right=right, grant_id=ids.new_id(), act=act)
        return sign_in.new_link(cur, principal_id=person_id, act=act)

    with connect(url, autocommit=True) as conn:
        secret = in_transaction(conn, work)
    return None if secret is None else link_to(base, secret)


def link_to(base: str, secret: str) -> str:
    """The address that signs in once."""
    return f"{base.rstrip('/')}/sign-in/{secret}"


def _change(home: Path, work: Callable[[Cursor[_Row]], _T]) -> _T:
    with open_installation(home) as installation, connect(installation.url, autocommit=True) as conn:
        return in_transaction(conn, work)


@contextmanager
def _reading(home: Path) -> Iterator[Connection[_Row]]:
    with open_installation(home) as installation, connect(installation.url, autocommit=True) as conn:
        yield conn


def _act(reason: str) -> Act:
    return Act(by=actor(), now=SystemClock().now(), reason=reason)


def _what(word: str) -> Role | Scope:
    for kind in (Role, Scope):
        if word in set(kind):
            return kind(word)
    known = ", ".join([*Role, *Scope])
    raise typer.BadParameter(f"{word!r} is none of {known}.")


def _find(conn: Connection[_Row], who: str) -> Known:
    """The one principal that goes by ``who`` and was not disabled."""
    fitting = [
        one
        for one in access.principals(conn)
        if one.disabled_at is None
        and (
            who.lower() == (one.email or "").lower()
            or (one.kind is PrincipalKind.PROGRAM and who in {one.name, f"client-{one.principal_id}"})
        )
    ]
    if len(fitting) != 1:
        what = "Nobody goes" if not fitting else f"{len(fitting)} programs go"
        raise ConfigurationError(code="TIE-ACCESS-002", message=f"{what} by {who!r}.")
    return fitting[0]


def _print_credentials(client_id: str, secret: str) -> None:
    words = Words(whole=True)
    words.print(f"client_id:     {client_id}")
    words.print(f"client_secret: {secret}")
