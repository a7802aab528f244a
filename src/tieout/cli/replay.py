"""``tieout replay``: judge stored entries again under a chosen version; first what it changes, then for real by two."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Annotated

import typer

from tieout.cli.options import HOME, AsJson, Home, acting
from tieout.cli.output import Words, command_on, print_json
from tieout.cli.proposals import SHORT_HASH, approve
from tieout.errors import ConfigurationError
from tieout.governance import firm_version
from tieout.replay import running
from tieout.replay.dry_run import DryRun, dry_run
from tieout.replay.running import PER_MINUTE, ReplayRequest, ReplayView
from tieout.replay.selection import Selection
from tieout.runtime import worker
from tieout.runtime.installation import open_installation
from tieout.storage.pool import connect

app = typer.Typer(help="Judge stored entries again.", no_args_is_help=True, add_completion=False)


def _instant(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


Items = Annotated[list[int] | None, typer.Argument(help="Items of the desk.")]
System = Annotated[str | None, typer.Option(help="Only what this system told.")]
Entity = Annotated[str | None, typer.Option(help="Only of this legal entity.")]
Code = Annotated[str | None, typer.Option(help="Only what is held with this code.")]
ReceivedFrom = Annotated[
    datetime | None, typer.Option("--received-from", parser=_instant, metavar="INSTANT", help="UTC without a zone.")
]
ReceivedUntil = Annotated[datetime | None, typer.Option("--received-until", parser=_instant, metavar="INSTANT")]
WorkedFrom = Annotated[date | None, typer.Option("--worked-from", parser=date.fromisoformat, metavar="DAY")]
WorkedUntil = Annotated[date | None, typer.Option("--worked-until", parser=date.fromisoformat, metavar="DAY")]
Version = Annotated[
    int | None, typer.Option("--firm-version", help="Whose mappings and policies judge; without it those that hold.")
]


@app.command("plan")
def plan(
    items: Items = None,
    system: System = None,
    entity: Entity = None,
    code: Code = None,
    received_from: ReceivedFrom = None,
    received_until: ReceivedUntil = None,
    worked_from: WorkedFrom = None,
    worked_until: WorkedUntil = None,
    version: Version = None,
    home: Home = HOME,
    as_json: AsJson = False,
) -> None:
    """What a replay would change in the ledger and on the desk; changes nothing."""
    chosen = Selection(
        system=system,
        entity=entity,
        code=code,
        received_from=received_from,
        received_until=received_until,
        worked_from=worked_from,
        worked_until=worked_until,
        item_ids=tuple(items or ()),
    )
    with open_installation(home) as installation, connect(installation.url, autocommit=True) as conn:
        number = version or firm_version.current(conn).version
        found = dry_run(conn, worker.contexts(conn).inbound, chosen, version=number)
    if as_json:
        print_json(found)
        return
    _print(Words(whole=True), found)


@app.command("propose")
def propose(
    reason: Annotated[str, typer.Option(help="Why; it stays in the history.")],
    items: Items = None,
    system: System = None,
    entity: Entity = None,
    code: Code = None,
    received_from: ReceivedFrom = None,
    received_until: ReceivedUntil = None,
    worked_from: WorkedFrom = None,
    worked_until: WorkedUntil = None,
    version: Version = None,
    per_minute: Annotated[int, typer.Option(help="Entries a minute at most.")] = PER_MINUTE,
    home: Home = HOME,
) -> None:
    """Run it dry and propose exactly that; another person approves."""
    chosen = Selection(
        system=system,
        entity=entity,
        code=code,
        received_from=received_from,
        received_until=received_until,
        worked_from=worked_from,
        worked_until=worked_until,
        item_ids=tuple(items or ()),
    )
    with open_installation(home) as installation, connect(installation.url, autocommit=True) as conn:
        request = ReplayRequest(
            selection=chosen, version=version or firm_version.current(conn).version, per_minute=per_minute
        )
        made, found = running.propose(conn, worker.contexts(conn).inbound, request, maker=acting(), reason=reason)
    words = Words(whole=True)
    _print(words, found)
    words.print(f"Proposal {made.proposal_id}: replay {found.entry_count} entries. Another person looks and approves:")
    words.print(f"  {command_on(home, 'exceptions', 'proposal', str(made.proposal_id))}")
    approval = ("replay", "approve", str(made.proposal_id), "--hash", made.content_hash[:SHORT_HASH])
    words.print(f"  {command_on(home, *approval)}")


app.command("approve")(approve)


@app.command("status")
def status(
    number: Annotated[int | None, typer.Argument(help="Number of a proposal; without it the newest replays.")] = None,
    home: Home = HOME,
    as_json: AsJson = False,
) -> None:
    """How far replays are."""
    with open_installation(home) as installation, connect(installation.url, autocommit=True) as conn:
        found = running.replays(conn, proposal_id=number)
    if number is not None and not found:
        raise ConfigurationError(code="TIE-DESK-009", message=f"Proposal {number} is no replay.")
    if as_json:
        print_json(found)
        return
    words = Words()
    if not found:
        words.print("Nothing was ever replayed.")
    for one in found:
        words.print(_line(one))


def _line(one: ReplayView) -> str:
    state = one.proposal_state if one.state == "proposed" else one.state
    return (
        f"{one.proposal_id:>5}  {state:<10}{one.done_count:>9,} of {one.total_count:,} entries, version "
        f"{one.firm_version}, by {one.maker}: {one.reason}"
    )


def _print(words: Words, found: DryRun) -> None:
    words.print(
        f"{found.entry_count:,} entries under version {found.firm_version}: {found.changed_count:,} become something "
        f"else; {found.posted_count:,} more are posted and stay as they are."
    )
    for one in found.ledger:
        words.print(
            f"  {one.entity}: {one.entries:+,} entries, {one.hours:+,.2f} h, {one.amount:+,} {one.currency}, "
            f"cost {one.cost:+,} {one.functional_currency}"
        )
    for line in _desk(found):
        words.print(f"  {line}")
    if not found.ledger:
        words.print("  Nothing changes in the ledger.")


def _desk(found: DryRun) -> Iterable[str]:
    for code in sorted({*found.held_before, *found.held_after}):
        before, after = found.held_before.get(code, 0), found.held_after.get(code, 0)
        if before != after:
            yield f"{code}: {before:,} held now, {after:,} then"
