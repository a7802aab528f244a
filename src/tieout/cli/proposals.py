"""``tieout exceptions proposals|proposal|approve|reject``: what one person proposed and another decides."""

from typing import Annotated, Final

import msgspec
import typer
from psycopg import Connection

from tieout.cli.options import HOME, AsJson, Home, acting
from tieout.cli.output import Words, command_on, print_json
from tieout.desk import proposal_store, proposals
from tieout.desk.proposal_content import ProposalKind, content_of
from tieout.desk.proposal_store import Proposal
from tieout.desk.proposals import Decided, Proposed
from tieout.errors import ConfigurationError
from tieout.runtime.clock import SystemClock
from tieout.runtime.installation import open_installation
from tieout.runtime.proposals import carry_out
from tieout.storage.pool import connect, in_transaction

SHORT_HASH: Final = 12
"""As many digits of a content's hash are enough to name it at the command line."""
_SHOWN_ITEMS: Final = 20
_STATES: Final = ("open", "approved", "done", "rejected", "withdrawn", "expired", "failed")

Number = Annotated[int, typer.Argument(help="Number of a proposal.")]


def _known_state(state: str | None) -> str | None:
    if state is not None and state not in _STATES:
        raise typer.BadParameter(f"{state!r} is none of {', '.join(_STATES)}.")
    return state


def list_(
    home: Home = HOME,
    state: Annotated[str | None, typer.Option(callback=_known_state, help="Only those in this state.")] = None,
    kind: Annotated[ProposalKind | None, typer.Option(help="Only those of this kind.")] = None,
    as_json: AsJson = False,
) -> None:
    """What was proposed, the newest first."""
    with open_installation(home) as installation, connect(installation.url, autocommit=True) as conn:
        found = proposal_store.proposals(conn, state=state, kind=None if kind is None else str(kind), limit=200)
    if as_json:
        print_json([_plain(one) for one in found])
        return
    words = Words()
    if not found:
        words.print("Nothing is proposed.")
    for one in found:
        words.print(
            f"{one.proposal_id:>5}  {one.kind:<10}{one.state:<10}{one.item_count:>7,} items  {one.maker}: {one.reason}"
        )


def show(number: Number, home: Home = HOME, as_json: AsJson = False) -> None:
    """What exactly is proposed, and the hash that its approval names."""
    with open_installation(home) as installation, connect(installation.url, autocommit=True) as conn:
        found, is_current = proposal_store.show(conn, number)
    if as_json:
        print_json({"proposal": _plain(found), "is_current": is_current})
        return
    _print(Words(whole=True), found, is_current=is_current)


def approve(
    number: Number,
    content_hash: Annotated[
        str, typer.Option("--hash", help="Of what you saw; its first 12 digits are enough.", metavar="HASH")
    ],
    reason: Annotated[str, typer.Option(help="Why; it stays in the history.")] = "",
    home: Home = HOME,
) -> None:
    """Let a proposal of somebody else take effect, exactly as you saw it."""
    with open_installation(home) as installation, connect(installation.url, autocommit=True) as conn:
        whole = _whole_hash(conn, number, content_hash)
        decided = in_transaction(
            conn,
            lambda cur: proposals.approve(cur, number, acting(), whole, now=SystemClock().now(), reason=reason),
        )
        if decided.kind is ProposalKind.MAPPING:
            while carry_out(conn, SystemClock()):
                pass
        found, _ = proposal_store.show(conn, number)
    print_decided(decided, found)


def reject(
    number: Number,
    reason: Annotated[str, typer.Option(help="Why; it stays in the history.")],
    home: Home = HOME,
) -> None:
    """Refuse a proposal, or take back one of your own."""
    with open_installation(home) as installation, connect(installation.url, autocommit=True) as conn:
        in_transaction(
            conn, lambda cur: proposals.reject(cur, number, acting(), reason=reason, now=SystemClock().now())
        )
        found, _ = proposal_store.show(conn, number)
    Words().print(f"Proposal {number} is {found.state}.")


def print_proposed(home: Home, made: Proposed | Decided, what: str) -> None:
    """What was proposed, and the command for the second person."""
    words = Words(whole=True)
    if isinstance(made, Decided):
        words.print(f"Done: {what}.")
        return
    words.print(f"Proposal {made.proposal_id}: {what}, {made.item_count} item(s). Another person looks and approves:")
    words.print(f"  {command_on(home, 'exceptions', 'proposal', str(made.proposal_id))}")
    approval = ("exceptions", "approve", str(made.proposal_id), "--hash", made.content_hash[:SHORT_HASH])
    words.print(f"  {command_on(home, *approval)}")


def print_decided(decided: Decided, found: Proposal) -> None:
    """What an approval led to."""
    outcome = "; ".join(f"{name.replace('_', ' ')} {value}" for name, value in sorted(found.outcome.items()))
    Words(whole=True).print(
        f"Proposal {decided.proposal_id} ({found.kind}) is {found.state}{f': {outcome}' if outcome else ''}."
    )


def _whole_hash(conn: Connection[tuple[object, ...]], number: int, given: str) -> str:
    """The hash that ``given`` begins; one that begins none is passed on, to be refused."""
    if len(given) < SHORT_HASH:
        raise ConfigurationError(
            code="TIE-DESK-005", message=f"{given!r} is too short: give {SHORT_HASH} digits of the hash at least."
        )
    found, _ = proposal_store.show(conn, number)
    return found.content_hash if found.content_hash.startswith(given.lower()) else given


def _print(words: Words, one: Proposal, *, is_current: bool) -> None:
    content = content_of(one.content)
    words.print(f"Proposal {one.proposal_id}: {one.kind} ({one.state}), by {one.maker} at {one.made_at:%Y-%m-%d %H:%M}")
    words.print(f"Reason: {one.reason}")
    money = ", ".join(f"{amount} {code}" for code, amount in sorted(one.money.items()))
    words.print(f"At stake: {one.item_count:,} item(s), {one.hours:,.2f} h{f', {money}' if money else ''}")
    for name, value in content.details.items():
        words.print(f"  {name}: {value}")
    for item in content.items[:_SHOWN_ITEMS]:
        words.print(f"  item {item.item_id}: {item.code}, {item.entity or 'no legal entity'}, {item.hours or '-'} h")
    if len(content.items) > _SHOWN_ITEMS:
        words.print(f"  and {len(content.items) - _SHOWN_ITEMS:,} more")
    if one.checker is not None:
        words.print(
            f"{one.state} by {one.checker} at {one.decided_at:%Y-%m-%d %H:%M}: {one.decision or 'no reason given'}"
        )
    elif one.state == "open":
        words.print(f"Open until {one.expires_at:%Y-%m-%d %H:%M}.")
        if not is_current and one.kind != ProposalKind.MAPPING:
            words.print("What it is about has changed since: it cannot be approved any more.")
    for name, value in sorted(one.outcome.items()):
        words.print(f"  {name.replace('_', ' ')}: {value}")
    words.print(f"Hash: {one.content_hash}")


def _plain(one: Proposal) -> dict[str, object]:
    """A proposal with its content as JSON in it, not as text of JSON."""
    fields: dict[str, object] = msgspec.to_builtins(one)
    return {**fields, "content": msgspec.Raw(one.content.encode())}


def register(app: typer.Typer) -> None:
    """Add these commands to ``tieout exceptions``."""
    app.command("proposals")(list_)
    app.command("proposal")(show)
    app.command("approve")(approve)
    app.command("reject")(reject)
