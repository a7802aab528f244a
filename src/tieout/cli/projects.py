"""``tieout projects``: what became of won deals, step by step, and the approval of those that wait for one."""

from typing import Annotated

import typer
from rich.console import Console

from tieout.cli.options import HOME, AsJson, Home, actor
from tieout.cli.output import Words, print_json
from tieout.runtime.clock import SystemClock
from tieout.runtime.installation import open_installation
from tieout.storage.pool import connect, in_transaction
from tieout.streams.lead_to_project.approval import approve as approve_deal
from tieout.streams.lead_to_project.overview import (
    ProjectSummary,
    ProjectView,
    SetupMeasures,
    StepView,
    list_projects,
    measure,
    show_project,
)

_MINUTE_S, _HOUR_S, _DAY_S = 60, 3_600, 86_400
_WHEN = "%Y-%m-%d %H:%M"

app = typer.Typer(
    help="Projects that were made of won deals, and deals on their way.", no_args_is_help=True, add_completion=False
)

Word = Annotated[str, typer.Argument(help="A project's code, or a deal's number.")]
Entity = Annotated[str | None, typer.Option(help="Only of this legal entity.")]


@app.callback()
def _projects() -> None:
    """Keep the commands in one group."""


@app.command("list")
def list_(
    state: Annotated[str | None, typer.Option(help="Only those in this state.")] = None,
    entity: Entity = None,
    home: Home = HOME,
    as_json: AsJson = False,
) -> None:
    """Projects and deals on their way, those that wait for something first, and how long set-up took."""
    with open_installation(home) as installation, connect(installation.url, autocommit=True) as conn:
        projects = list_projects(conn, state=state, entity=entity)
    if as_json:
        print_json({"projects": projects, "measures": measure(projects)})
        return
    _print_list(Words(whole=True), projects)


@app.command("show")
def show(word: Word, entity: Entity = None, home: Home = HOME, as_json: AsJson = False) -> None:
    """One project with its deals and every step in every system: state, time, attempts that failed, manual touches."""
    with open_installation(home) as installation, connect(installation.url, autocommit=True) as conn:
        view = show_project(conn, word, entity=entity)
    if as_json:
        print_json(view)
        return
    _print_project(Words(whole=True), view)


@app.command("approve")
def approve(
    deal: Annotated[str, typer.Argument(help="The number of the deal.")],
    reason: Annotated[str, typer.Option(help="Why it is right, for the history.")],
    home: Home = HOME,
) -> None:
    """Approve a deal that waits for a second person."""
    with open_installation(home) as installation, connect(installation.url, autocommit=True) as conn:
        done = in_transaction(
            conn, lambda cur: approve_deal(cur, deal, actor=actor(), reason=reason, now=SystemClock().now())
        )
    Words(whole=True).print(f"Deal {done.number} ({done.name}) of {done.system} is approved as it stands.")


def _print_list(words: Words, projects: list[ProjectSummary]) -> None:
    if not projects:
        words.print("No deal has been won yet.")
        return
    words.print(
        f"{'Project':<16}{'Entity':<8}{'State':<19}{'Steps':>8}{'Set-up':>9}{'In hub':>9}{'Errors':>8}{'Touches':>9}"
        "  Deals",
        style="bold",
    )
    for one in projects:
        steps = f"{one.steps_done}/{one.steps}" if one.steps else ""
        words.print(
            f"{one.code or '-':<16}{one.entity or '-':<8}{one.state.replace('_', ' '):<19}{steps:>8}"
            f"{_span(one.setup_s):>9}{_span(one.hub_s):>9}{one.errors:>8}{one.touches:>9}  {', '.join(one.deals)}"
        )
        if one.waits_for is not None:
            words.print(f"  {one.waits_for}")
    print_measures(words, measure(projects))


def print_measures(words: Console, figures: SetupMeasures) -> None:
    """How many projects there are and what their set-up took."""
    words.print(
        f"{figures.projects} projects, {figures.active} of them active; {figures.deals_held} deals are held. "
        f"Set-up took {_span(figures.setup_p50_s)} for half and {_span(figures.setup_p90_s)} for nine in ten "
        f"({_span(figures.hub_p50_s)} and {_span(figures.hub_p90_s)} of it in the hub), with {figures.errors} failed "
        f"attempts and {figures.touches} manual touches."
    )


def _print_project(words: Words, view: ProjectView) -> None:
    one = view.summary
    words.print(f"{one.code or 'No project yet'} ({one.name}) of {one.entity or 'no legal entity'}: {one.state}")
    if one.waits_for is not None:
        words.print(f"Waits: {one.waits_for}")
    for deal in view.deals:
        amount = "" if deal.amount is None else f", {deal.amount:,} {deal.currency}"
        approved = "" if deal.approved_by is None else f", approved by {deal.approved_by}"
        words.print(
            f"Deal {deal.number} ({deal.name}) of {deal.system}{amount}: {deal.state.replace('_', ' ')}, "
            f"{deal.completeness} % complete, won {deal.won_at:{_WHEN}}{approved}"
        )
        for found in deal.findings:
            words.print(f"  {found['code']}: {found['message']} Next: {found['next_step']}")
    words.print(
        f"{'System':<12}{'Step':<20}{'Object':<32}{'State':<13}{'Took':>8}{'Sent':>6}{'Errors':>8}{'Touches':>9}",
        style="bold",
    )
    for step in view.steps:
        words.print(_step_line(step))
    words.print(f"Set-up took {_span(one.setup_s)} since the deal was won, {_span(one.hub_s)} of it in the hub.")


def _step_line(step: StepView) -> str:
    name = step.step.removeprefix("upsert_").replace("_", " ")
    return (
        f"{step.system:<12}{name:<20}{step.object.replace('|', ' '):<32}{step.state:<13}{_span(step.took_s):>8}"
        f"{step.sent:>6}{step.errors:>8}{step.touches:>9}"
    )


def _span(seconds: int | None) -> str:
    """A length of time as people say it."""
    if seconds is None:
        return "-"
    for unit_s, name in ((_DAY_S, "d"), (_HOUR_S, "h"), (_MINUTE_S, "min")):
        if seconds >= unit_s:
            return f"{seconds // unit_s} {name}"
    return f"{seconds} s"
