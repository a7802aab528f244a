"""``tieout tie-out``: the statement, its entries, and the ledger read afresh."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated

import typer
from psycopg import Connection
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tieout.cli.options import HOME, AsJson, Home
from tieout.cli.output import Words, print_json
from tieout.errors import TransientError
from tieout.model.money import from_minor
from tieout.reconciliation import tie_out as books
from tieout.reconciliation.tie_out import BucketEntry, TieOut, TieOutRow
from tieout.reconciliation.verify import LedgerBreak
from tieout.runtime.installation import open_installation
from tieout.runtime.reconcile import check_scope, current_translators, verify_entity
from tieout.storage.pool import connect

_TITLES = {
    "taken_in": "Taken in",
    "posted": "Posted",
    "in_exception": "In exception",
    "in_doubt": "In doubt",
    "excluded": "Excluded",
    "in_progress": "In progress",
}
_SHOWN = 30


def tie_out(
    home: Home = HOME,
    entity: Annotated[str | None, typer.Option(help="Legal entity; by default all.")] = None,
    period: Annotated[str | None, typer.Option(help="Accounting period (2026-10); by default all.")] = None,
    bucket: Annotated[
        str | None, typer.Option(help="List the entries behind a bucket (needs --entity, --period, --currency).")
    ] = None,
    currency: Annotated[str | None, typer.Option(help="Currency of the bucket.")] = None,
    verify: Annotated[bool, typer.Option("--verify", help="Read the ledger afresh and compare.")] = False,
    as_json: AsJson = False,
) -> None:
    """Taken in = posted + in exception + in doubt + excluded. Exit code 1 when that does not hold."""
    with open_installation(home) as installation, connect(installation.url, autocommit=True) as conn:
        check_scope(conn, entity=entity, period=period)
        translators = current_translators(conn)
        if bucket is not None:
            if entity is None or period is None or currency is None or bucket not in _TITLES:
                raise typer.BadParameter(
                    f"--bucket is one of {', '.join(_TITLES)} and needs --entity, --period and --currency."
                )
            entries = books.entries_behind(
                conn, translators=translators, entity=entity, period=period, currency=currency, side=bucket
            )
            if as_json:
                print_json(entries)
            else:
                print_entries(Words(whole=True), entries, currency=currency)
            return
        statement = books.tie_out(conn, translators=translators, entity=entity, period=period)
        breaks: Sequence[LedgerBreak] = ()
        if verify:
            breaks = _verify(installation.url, conn, entity=entity, period=period)
    if as_json:
        print_json(_as_json(statement, breaks))
    else:
        print_statement(Words(), statement)
        _print_ledger(Words(whole=True), breaks, verified=verify)
    if not statement.holds or breaks:
        raise typer.Exit(1)


def _verify(
    url: str, conn: Connection[tuple[object, ...]], *, entity: str | None, period: str | None
) -> Sequence[LedgerBreak]:
    try:
        return asyncio.run(verify_entity(url, conn, entity=entity, period=period))
    except TransientError as error:
        raise TransientError(
            code=error.code,
            message=f"The ledger cannot be read: {error.message}",
            next_step="Repeat it when the ledger can be reached; the systems of a demo run only while the demo does.",
        ) from error


def print_statement(words: Console, statement: TieOut) -> None:
    """The statement as a table with one line per bucket that is not empty."""
    table = Table(box=None, pad_edge=False)
    table.add_column("Books", no_wrap=True)
    table.add_column("", no_wrap=True)
    for title in ("Entries", "Hours", "Amount", "Unpriced h"):
        table.add_column(title, justify="right", no_wrap=True)
    for row in statement.rows:
        _add_row(table, row)
    words.print(table)
    apart = statement.apart
    words.print(
        f"Counted apart: {apart.exact_repeats:,} exact repeats, {apart.not_approved:,} not approved, "
        f"{apart.superseded:,} versions replaced by newer ones."
    )
    for one in statement.breaks[:_SHOWN]:
        words.print(Text.assemble((one.proof, "red"), f" {one.message}"))
    if len(statement.breaks) > _SHOWN:
        words.print(f"... and {len(statement.breaks) - _SHOWN} more breaks.")
    if statement.holds:
        words.print(Text.assemble(("Tied out.", "green"), " Every row adds up, and every proof holds."))
    else:
        words.print("Does not tie out.", style="red")


def print_entries(words: Console, entries: Sequence[BucketEntry], *, currency: str) -> None:
    """The entries behind a figure, one a line; an actual's number is what ``tieout explain actual`` takes."""
    words.print(
        f"{'Source':<20}{'Day':<12}{'Hours':>8}{'Amount':>14}  {'Message':<12}{'Actuals':<16}Reference", style="bold"
    )
    for one in entries:
        amount = "" if one.amount_minor is None else f"{_amount(one.amount_minor, currency):,}"
        message = "" if one.message_id is None else f"{one.message_id}/{one.item_no}"
        day = "" if one.day is None else one.day.isoformat()
        actuals = " ".join(map(str, one.actual_ids))
        words.print(
            f"{one.source_id or '':<20}{day:<12}{one.hours:>8,.2f}{amount:>14}  "
            f"{message:<12}{actuals:<16}{one.reference or ''}",
        )


def _amount(minor: int, currency: str) -> Decimal:
    return Decimal(minor) if currency == books.UNASSIGNED else from_minor(minor, currency)


def _add_row(table: Table, row: TieOutRow) -> None:
    for side, title in _TITLES.items():
        bucket = row.bucket(side)
        if side != "taken_in" and not bucket.count and not bucket.hours and not bucket.amount_minor:
            continue
        first = side == "taken_in"
        table.add_row(
            " ".join(dict.fromkeys((row.entity, row.period, row.currency))) if first else "",
            title,
            f"{bucket.count:,}",
            f"{bucket.hours:,.2f}",
            f"{row.amount(side):,}",
            f"{bucket.unpriced_hours:,.2f}" if bucket.unpriced_count else "",
        )
    if not row.identity_holds:
        table.add_row("", Text("does not add up", "red"))


def _print_ledger(words: Console, breaks: Sequence[LedgerBreak], *, verified: bool) -> None:
    for one in breaks:
        words.print(Text.assemble((one.kind, "red"), f" {one.message}"))
    if verified and not breaks:
        words.print(Text.assemble(("Verified.", "green"), " The ledger, read afresh, holds exactly what was posted."))


def _as_json(statement: TieOut, breaks: Sequence[LedgerBreak]) -> dict[str, object]:
    return {
        "tie_out": books.as_json(statement.rows, holds=statement.holds),
        "apart": statement.apart,
        "breaks": list(statement.breaks),
        "ledger_breaks": list(breaks),
        "holds": statement.holds and not breaks,
    }
