"""``tieout exceptions``: what is held, why, what it is worth; what one person does, or proposes to a second one.

``proposals`` has the commands of the second person.
"""

from datetime import date, datetime
from typing import Annotated

import typer
from psycopg import Connection
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from tieout.cli import late
from tieout.cli.options import HOME, AsJson, Home, acting
from tieout.cli.output import Words, print_json
from tieout.cli.proposals import print_proposed, register
from tieout.desk import acts, item_view, proposals, queue
from tieout.desk.corrections import FIELDS
from tieout.desk.queue import CauseSummary, ItemView
from tieout.errors import ConfigurationError
from tieout.governance.mapping_additions import ANY, MappingAddition
from tieout.model.finding_codes import CATALOGUE, Owner
from tieout.model.money import alpha_code, from_minor
from tieout.runtime.clock import SystemClock
from tieout.runtime.installation import open_installation
from tieout.runtime.proposals import propose_mapping
from tieout.storage.pool import connect, in_transaction

_INDENT = 7
_PRICED = frozenset({"time_entry", "delivery"})
"""Kinds of items that are worth something, which may not be known yet."""

app = typer.Typer(help="What is held, why, and what to do about it.", no_args_is_help=True, add_completion=False)

Items = Annotated[list[int] | None, typer.Argument(help="Item numbers.")]
Cause = Annotated[int | None, typer.Option("--cause", help="All items of a root cause.")]


def _known_code(code: str | None) -> str | None:
    if code is not None and code not in CATALOGUE:
        raise typer.BadParameter(f"{code!r} is not a code of the catalogue of findings.")
    return code


Code = Annotated[str | None, typer.Option("--code", callback=_known_code, help="All items of a code.")]


@app.command("list")
def list_(
    home: Home = HOME,
    owner: Annotated[Owner | None, typer.Option(help="Only what this queue owns.")] = None,
    code: Code = None,
    cause: Cause = None,
    as_json: AsJson = False,
) -> None:
    """Root causes by what is at stake; with --cause the items of one."""
    with open_installation(home) as installation, connect(installation.url, autocommit=True) as conn:
        if cause is not None:
            items = queue.list_items(conn, cause_id=cause, code=code)
            if as_json:
                print_json(items)
                return
            print_items(Words(), items)
            return
        causes = queue.list_causes(conn, owner=owner, code=code)
    if as_json:
        print_json(causes)
        return
    print_causes(Words(), causes, now=SystemClock().now())


@app.command("show")
def show(item: Annotated[int, typer.Argument(help="Item number.")], home: Home = HOME, as_json: AsJson = False) -> None:
    """One item: what happened, why, what to do, and its history."""
    with open_installation(home) as installation, connect(installation.url, autocommit=True) as conn:
        view, history = item_view.show(conn, item)
    if as_json:
        print_json({"item": view, "history": history})
        return
    words = Words(whole=True)
    words.print(f"Item {view.item_id}: {view.code} ({view.state}), owner {view.owner}")
    words.print(view.message)
    words.print(f"  {_facts(view)}")
    for name, value in sorted(view.context.items()):
        words.print(f"  {name}: {value}")
    words.print(f"Next: {CATALOGUE[view.code].next_step}")
    for action in history:
        words.print(f"{action.taken_at:%Y-%m-%d %H:%M} {action.actor} {action.action}: {action.reason}")


@app.command("retry")
def retry(
    items: Items = None,
    cause: Cause = None,
    code: Code = None,
    accept: Annotated[
        bool, typer.Option("--accept", help="Propose that the finding is wrong: another person approves.")
    ] = False,
    reason: Annotated[str, typer.Option(help="Why.")] = "Tried again.",
    home: Home = HOME,
) -> None:
    """Let items be judged, or deliveries be tried, again. A running hub takes them up at once."""
    now = SystemClock().now()
    with open_installation(home) as installation, connect(installation.url, autocommit=True) as conn:
        chosen = _chosen(conn, items, cause, code)
        if accept:
            made = in_transaction(
                conn, lambda cur: proposals.propose_overruling(cur, chosen, maker=acting(), reason=reason, now=now)
            )
            print_proposed(home, made, "overrule the finding")
            return
        released = in_transaction(conn, lambda cur: acts.retry(cur, chosen, acting(), reason=reason, now=now))
    Words().print(f"{released} item(s) released.")


@app.command("exclude")
def exclude(
    reason: Annotated[str, typer.Option(help="Why; it stays in the history.")],
    items: Items = None,
    cause: Cause = None,
    code: Code = None,
    home: Home = HOME,
) -> None:
    """Propose to take items out for good; once another person approved, they stand as excluded in the tie-out."""
    with open_installation(home) as installation, connect(installation.url, autocommit=True) as conn:
        chosen = _chosen(conn, items, cause, code)
        made = in_transaction(
            conn,
            lambda cur: proposals.propose_exclusion(
                cur, chosen, maker=acting(), reason=reason, now=SystemClock().now()
            ),
        )
    print_proposed(home, made, "exclude")


@app.command("assign")
def assign(
    to: Annotated[str, typer.Option("--to", help="Who sees to it; empty: nobody any more.")],
    items: Items = None,
    cause: Cause = None,
    code: Code = None,
    home: Home = HOME,
) -> None:
    """Say who sees to items."""
    with open_installation(home) as installation, connect(installation.url, autocommit=True) as conn:
        chosen = _chosen(conn, items, cause, code)
        count = in_transaction(
            conn, lambda cur: acts.assign(cur, chosen, acting(), to or None, now=SystemClock().now())
        )
    Words().print(f"{count} item(s) assigned to {to or 'nobody'}.")


@app.command("comment")
def comment(
    text: Annotated[str, typer.Option("--text", help="What to remember.")],
    items: Items = None,
    cause: Cause = None,
    code: Code = None,
    home: Home = HOME,
) -> None:
    """Add words to the history of items."""
    with open_installation(home) as installation, connect(installation.url, autocommit=True) as conn:
        chosen = list(items or ()) if not cause and not code else _chosen(conn, items, cause, code)
        count = in_transaction(conn, lambda cur: acts.comment(cur, chosen, acting(), text, now=SystemClock().now()))
    Words().print(f"{count} item(s) commented on.")


@app.command("edit")
def edit(
    item: Annotated[int, typer.Argument(help="Item number.")],
    changes: Annotated[
        list[str], typer.Option("--set", help="FIELD=VALUE, any number of times.", metavar="FIELD=VALUE")
    ],
    reason: Annotated[str, typer.Option(help="Why; it stays in the history.")],
    home: Home = HOME,
) -> None:
    """Put another value beside the record as received and let it be judged again; money needs a second person."""
    wanted = dict(map(_change, changes))
    with open_installation(home) as installation, connect(installation.url, autocommit=True) as conn:
        made = in_transaction(
            conn,
            lambda cur: proposals.propose_edit(
                cur, item, wanted, maker=acting(), reason=reason, now=SystemClock().now()
            ),
        )
    print_proposed(home, made, "set " + ", ".join(changes))


@app.command("map")
def map_(
    table: Annotated[str, typer.Argument(help="Mapping table, as in mappings/TABLE.csv.")],
    source: Annotated[str, typer.Argument(help="What the systems say.")],
    target: Annotated[str, typer.Argument(help="What it means.")],
    reason: Annotated[str, typer.Option(help="Why; it stays in the history.")],
    system: Annotated[str, typer.Option(help="Only as this system says it.")] = ANY,
    entity: Annotated[str, typer.Option(help="Only for this legal entity.")] = ANY,
    valid_from: Annotated[date | None, typer.Option("--from", parser=date.fromisoformat, metavar="DAY")] = None,
    valid_to: Annotated[date | None, typer.Option("--to", parser=date.fromisoformat, metavar="DAY")] = None,
    home: Home = HOME,
) -> None:
    """Propose a line of a mapping table; once another person approved, all that waits for it is judged again."""
    line = MappingAddition(
        table=table,
        source=source,
        target=target,
        system=system,
        entity=entity,
        valid_from=valid_from or date.min,
        valid_to=valid_to,
    )
    with open_installation(home) as installation, connect(installation.url, autocommit=True) as conn:
        made = in_transaction(
            conn, lambda cur: propose_mapping(cur, line, maker=acting(), reason=reason, now=SystemClock().now())
        )
    print_proposed(home, made, f"map {source!r} of {table} to {target!r}")


register(app)
late.register(app)


def print_causes(words: Console, causes: list[CauseSummary], *, now: datetime) -> None:
    """Root causes: a line of figures each, then what is at stake and an example below it, whole at any width."""
    if not causes:
        words.print("Nothing is held.")
        return
    words.print(f"{'Cause':>5}  {'Code':<22}{'Owner':<20}{'Items':>7}{'Hours':>12}  Oldest", style="bold")
    for cause in causes:
        days, held = (now - cause.oldest).days, cause.count or cause.items
        words.print(
            f"{cause.cause_id:>5}  {cause.code:<22}{cause.owner:<20}{held:>7,}{cause.hours:>12,.2f}  "
            f"{f'{days} d' if days else 'today'}"
        )
        worth = _worth(cause)
        for line in (*([f"At stake: {worth}"] if worth else []), cause.example):
            words.print(Padding(Text(line), (0, 0, 0, _INDENT), expand=False))


def print_items(words: Console, items: list[ItemView]) -> None:
    """Items of a cause: a line of facts each, and what happened below it."""
    if not items:
        words.print("Nothing is held.")
        return
    words.print(f"{'Item':>5}  {'Source':<24}{'Day':<12}{'Hours':>10}  State", style="bold")
    for item in items:
        hours = "" if item.hours is None else f"{item.hours:,.2f}"
        line = f"{item.item_id:>5}  {item.source_id or '':<24}{item.document_date or '':<12}{hours:>10}  {item.state}"
        words.print(line)
        words.print(Padding(Text(item.message), (0, 0, 0, _INDENT), expand=False))


def _facts(item: ItemView) -> str:
    """Kind, source, day, hours and money of an item, as far as they are known."""
    facts = [item.subject_kind.replace("_", " ")]
    facts += [] if item.source_id is None else [f"source {item.source_id}"]
    if item.document_date is not None:
        facts.append(item.document_date)
    if item.hours is not None:
        facts.append(f"{item.hours:,.2f} h")
    if item.amount_minor is None or item.currency is None:
        facts += ["unpriced"] if item.subject_kind in _PRICED else []
    else:
        facts.append(_money(item.amount_minor, item.currency))
    if item.new_amount_minor is not None and item.new_currency is not None:
        facts.append(_money(item.new_amount_minor, item.new_currency))
    return ", ".join(facts)


def _money(amount_minor: int, currency_number: int) -> str:
    currency = alpha_code(currency_number)
    return f"{from_minor(amount_minor, currency):,} {currency}"


def _worth(cause: CauseSummary) -> str:
    parts = [_money(amount_minor, int(number)) for number, amount_minor in sorted(cause.amount_minor.items())]
    if cause.unpriced_count:
        parts.append(f"{cause.unpriced_count:,} unpriced")
    return ", ".join(parts)


def _change(text: str) -> tuple[str, str]:
    field, mark, value = text.partition("=")
    if not mark or field not in FIELDS:
        raise typer.BadParameter(f"{text!r} is no FIELD=VALUE with a field of {', '.join(FIELDS)}.")
    return field, value


def _chosen(
    conn: Connection[tuple[object, ...]], items: list[int] | None, cause: int | None, code: str | None
) -> list[int]:
    found = queue.find_items(conn, item_ids=items or (), cause_id=cause, code=code)
    if not found:
        raise ConfigurationError(
            code="TIE-DESK-001", message="No open item fits: name item numbers, --cause or --code."
        )
    return found
