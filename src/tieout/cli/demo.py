"""``tieout demo``: a sample firm's month from the PSA into the ledger, tied out."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tieout.cli.exceptions import print_causes
from tieout.cli.options import HOME, Home
from tieout.cli.output import Words, command_on
from tieout.cli.tie_out import print_statement
from tieout.model.money import alpha_code, from_minor
from tieout.reconciliation.tie_out import as_json
from tieout.runtime.clock import SystemClock
from tieout.runtime.installation import open_installation
from tieout.sample import demo as sample_demo
from tieout.sample.demo import DemoResult, Reporter
from tieout.sample.surroundings import DemoPlan


class Size(StrEnum):
    """How large the sample firm is."""

    SMALL = "small"
    FIRM = "firm"


class Erp(StrEnum):
    """Where the journals go: a simulator of the public API, or a real ERP set up by the command."""

    NETSUITE = "netsuite"
    TRYTON = "tryton"


_CAUSES_SHOWN: Final = 10
_USUAL: Final = DemoPlan(size=Size.SMALL.value, seed=1, faults=0.0, erp=Erp.NETSUITE.value)


def _writable(path: Path | None) -> Path | None:
    """Say before the work, not after it, that its result cannot be written."""
    if path is not None and (path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK)):
        raise typer.BadParameter(f"{path} cannot be written.")
    return path


def demo(
    size: Annotated[Size, typer.Option(help="small: 60 people; firm: 5,000.")] = Size.SMALL,
    seed: Annotated[int, typer.Option(help="Equal seeds give equal firms.")] = _USUAL.seed,
    faults: Annotated[
        float, typer.Option(min=0, max=0.5, help="Share of requests that the systems spoil.")
    ] = _USUAL.faults,
    erp: Annotated[Erp, typer.Option(help="The ERP that is posted to.")] = Erp.NETSUITE,
    home: Home = HOME,
    json_path: Annotated[
        Path | None, typer.Option("--json", help="Write the result to this file.", callback=_writable)
    ] = None,
) -> None:
    """Fill the systems around the hub with a sample firm, run a month of time to quiet, and tie it out."""
    words = Words()
    plan = DemoPlan(size=size.value, seed=seed, faults=faults, erp=erp.value)
    with open_installation(home, make=True) as installation, _bars(words) as bars:
        reading = bars.add_task("Time entries read", total=None)
        posting = bars.add_task("Journals posted", total=None)

        def show(found: sample_demo.Progress, expected: int) -> None:
            bars.update(reading, completed=min(found.read, expected), total=expected)
            bars.update(posting, completed=found.posted, total=max(found.journals, 1))

        result = sample_demo.run_demo(
            installation, plan, Reporter(stage=lambda text: bars.console.print(f"{text} ..."), progress=show)
        )
    _print_result(words, result, home, plan)
    if json_path is not None:
        json_path.write_bytes(msgspec.json.format(msgspec.json.encode(_as_json(result)), indent=2))
    if not result.statement.holds:
        raise typer.Exit(1)


def _bars(words: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=words
    )


def _options(plan: DemoPlan) -> list[str]:
    """The options that make ``plan``, without the usual ones."""
    usual = msgspec.structs.asdict(_USUAL)
    given = msgspec.structs.asdict(plan)
    return [part for name, value in given.items() if value != usual[name] for part in (f"--{name}", str(value))]


def _print_result(words: Console, result: DemoResult, home: Path, plan: DemoPlan) -> None:
    words.rule("Tie-out")
    print_statement(words, result.statement)
    words.rule("Exceptions by cause")
    print_causes(words, result.causes[:_CAUSES_SHOWN], now=SystemClock().now())
    if len(result.causes) > _CAUSES_SHOWN:
        smaller = result.causes[_CAUSES_SHOWN:]
        words.print(f"... and {len(smaller):,} smaller causes with {sum(one.count for one in smaller):,} items.")
    words.rule("What to do next")
    for code in dict.fromkeys(cause.code for cause in result.causes):
        causes = [one for one in result.causes if one.code == code]
        words.print(f"{code} ({sum(one.count for one in causes):,} items): {causes[0].next_step}")
    words.print(f"\nCorrect the firm directory {home / 'firm'} where the cause lies there. Then:")
    for line in (command_on(home, "check"), command_on(home, "apply"), command_on(home, "demo", *_options(plan))):
        words.print(f"    {line}", soft_wrap=True)
    words.print("The last one posts what the new version releases. At any time:")
    for line in (command_on(home, "exceptions", "list"), command_on(home, "tie-out")):
        words.print(f"    {line}", soft_wrap=True)
    words.print(f"{result.received:,} time entries in {result.elapsed_s} s; the hub used {result.hub_rss_mb} MB.")


def _as_json(result: DemoResult) -> dict[str, object]:
    exceptions: dict[str, dict[str, object]] = {}
    for cause in result.causes:
        row = exceptions.setdefault(
            cause.code,
            {"code": cause.code, "count": 0, "hours": cause.hours * 0, "amount": {}, "owner": cause.owner},
        )
        _add(row, cause.count, cause.hours, cause.amount_minor)
    return {
        "tie_out": as_json(result.statement.rows, holds=result.statement.holds),
        "exceptions": [{**row, "hours": str(row["hours"])} for row in exceptions.values()],
        "breaks": list(result.statement.breaks),
        "elapsed_s": str(result.elapsed_s),
        "hub_rss_mb": result.hub_rss_mb,
    }


def _add(row: dict[str, object], count: int, hours: object, amounts: dict[str, int]) -> None:
    row["count"] = int(str(row["count"])) + count
    row["hours"] = row["hours"] + hours  # type: ignore[operator]  # both are decimals
    known = row["amount"]
    if isinstance(known, dict):
        for number, amount_minor in amounts.items():
            currency = alpha_code(int(number))
            before = known.get(currency)
            added = from_minor(amount_minor, currency)
            known[currency] = str(added if before is None else added + type(added)(before))
