"""``tieout demo``: a sample firm's quarter of deals and month of time through the hub, proved at the end."""

import os
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tieout.cli.allocation import print_capacity, print_forecast
from tieout.cli.exceptions import print_causes
from tieout.cli.options import HOME, Home
from tieout.cli.output import Words, command_on
from tieout.cli.projects import print_measures
from tieout.cli.tie_out import print_statement
from tieout.desk.queue import CauseSummary
from tieout.model.money import alpha_code, from_minor
from tieout.reconciliation.tie_out import as_json
from tieout.runtime.clock import SystemClock
from tieout.runtime.installation import open_installation
from tieout.sample import demo as sample_demo
from tieout.sample.demo import DemoResult, Reporter
from tieout.sample.plan_act import PlanResult
from tieout.sample.project_act import ProjectsResult
from tieout.sample.surroundings import DemoPlan, Stream


class Size(StrEnum):
    """How large the sample firm is."""

    SMALL = "small"
    FIRM = "firm"


class Erp(StrEnum):
    """Where the journals go: a simulator of the public API, or a real ERP set up by the command."""

    NETSUITE = "netsuite"
    TRYTON = "tryton"


_SHOWING: Final = (
    ("projects", "list"),
    ("forecast",),
    ("capacity",),
    ("budget",),
    ("exceptions", "list"),
    ("tie-out",),
    ("up",),
)
_CAUSES_SHOWN: Final = 10
_DISAGREEMENTS_SHOWN: Final = 10
_USUAL: Final = DemoPlan(size=Size.SMALL.value, seed=1, faults=0.0, erp=Erp.NETSUITE.value, stream=Stream.ALL.value)


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
    stream: Annotated[Stream, typer.Option(help="What runs: all streams in their order, or one.")] = Stream.ALL,
    home: Home = HOME,
    json_path: Annotated[
        Path | None, typer.Option("--json", help="Write the result to this file.", callback=_writable)
    ] = None,
) -> None:
    """Fill the systems around the hub with a sample firm, run its streams to quiet, and prove what came of them."""
    words = Words()
    plan = DemoPlan(size=size.value, seed=seed, faults=faults, erp=erp.value, stream=stream.value)
    with open_installation(home, make=True) as installation, _bars(words) as bars:
        making = bars.add_task("Masters delivered", total=None, visible=plan.runs(Stream.LEAD_TO_PROJECT))
        billed = plan.runs(Stream.TIME_TO_BILL)
        reading = bars.add_task("Time entries read", total=None, visible=billed)
        posting = bars.add_task("Journals posted", total=None, visible=billed)

        def show(found: sample_demo.Progress, expected: int) -> None:
            bars.update(making, completed=found.delivered, total=max(found.masters, 1))
            bars.update(reading, completed=min(found.read, expected), total=expected)
            bars.update(posting, completed=found.posted, total=max(found.journals, 1))

        result = sample_demo.run_demo(
            installation, plan, Reporter(stage=lambda text: bars.console.print(f"{text} ..."), progress=show)
        )
    _print_result(words, result, home, plan)
    if json_path is not None:
        json_path.write_bytes(msgspec.json.format(msgspec.json.encode(_as_json(result)), indent=2))
    agreed = result.projects is None or result.projects.agreement.holds
    planned = result.planned is None or result.planned.holds
    if not (result.statement.holds and agreed and planned):
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


def _print_projects(words: Console, projects: ProjectsResult) -> None:
    words.rule("Projects")
    print_measures(words, projects.measures)
    agreement = projects.agreement
    held = ", ".join(agreement.systems)
    words.print(
        f"Read from the systems themselves ({held}): {agreement.projects} projects, {agreement.facts} facts compared, "
        f"{len(agreement.disagreements)} of them differ."
    )
    for one in agreement.disagreements[:_DISAGREEMENTS_SHOWN]:
        words.print(f"  {one.message}")
    for waiting in projects.waiting:
        words.print(f"  {', '.join(waiting.deals)}: {waiting.waits_for}")


def _print_bookings(words: Console, planned: PlanResult) -> None:
    words.print(
        f"Read from the resource tool itself: {planned.bookings} bookings, {planned.facts} facts compared, "
        f"{len(planned.disagreements)} of them differ."
    )
    for one in planned.disagreements[:_DISAGREEMENTS_SHOWN]:
        words.print(f"  {one}")


def _print_result(words: Console, result: DemoResult, home: Path, plan: DemoPlan) -> None:
    if result.projects is not None:
        _print_projects(words, result.projects)
    if result.planned is not None:
        words.rule("Plan")
        print_forecast(Words(whole=True), result.planned.forecast)
        print_capacity(Words(whole=True), result.planned.capacity)
        _print_bookings(words, result.planned)
    if plan.runs(Stream.TIME_TO_BILL):
        words.rule("Tie-out")
        print_statement(words, result.statement)
    words.rule("Exceptions by cause")
    print_causes(words, result.causes[:_CAUSES_SHOWN], now=SystemClock().now())
    if len(result.causes) > _CAUSES_SHOWN:
        smaller = result.causes[_CAUSES_SHOWN:]
        words.print(f"... and {len(smaller):,} smaller causes with {_held(smaller):,} items.")
    words.rule("What to do next")
    for code in dict.fromkeys(cause.code for cause in result.causes):
        causes = [one for one in result.causes if one.code == code]
        words.print(f"{code} ({_held(causes):,} items): {causes[0].next_step}")
    words.print(f"\nCorrect the firm directory {home / 'firm'} where the cause lies there. Then:")
    for line in (command_on(home, "check"), command_on(home, "apply"), command_on(home, "demo", *_options(plan))):
        words.print(f"    {line}", soft_wrap=True)
    words.print("The last one posts what the new version releases. At any time:")
    for command in _SHOWING:
        words.print(f"    {command_on(home, *command)}", soft_wrap=True)
    read = f"{result.received:,} time entries" if plan.runs(Stream.TIME_TO_BILL) else "All of it"
    words.print(f"{read} in {result.elapsed_s} s; the hub used {result.hub_rss_mb} MB.")


def _held(causes: Sequence[CauseSummary]) -> int:
    """How many time entries, or other items, are held."""
    return sum(one.count or one.items for one in causes)


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
        "projects": None if result.projects is None else _projects_as_json(result.projects),
        "plan": result.planned,
        "elapsed_s": str(result.elapsed_s),
        "hub_rss_mb": result.hub_rss_mb,
    }


def _projects_as_json(projects: ProjectsResult) -> dict[str, object]:
    agreement = projects.agreement
    return {
        "measures": projects.measures,
        "waiting": [
            {"deals": one.deals, "code": one.code, "state": one.state, "waits_for": one.waits_for}
            for one in projects.waiting
        ],
        "agreement": {
            "holds": agreement.holds,
            "projects": agreement.projects,
            "systems": agreement.systems,
            "facts": agreement.facts,
            "disagreements": agreement.disagreements,
        },
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
