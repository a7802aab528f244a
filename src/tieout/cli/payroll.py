"""``tieout payroll``: the files of hours that payrolls were told, and how accepted, told and waiting hours add up."""

from collections.abc import Sequence

from tieout.cli.options import HOME, AsJson, Home
from tieout.cli.output import Words, print_json
from tieout.reconciliation.payroll_book import FileOfHours, HoursTotals, files_of_hours, hours_totals
from tieout.runtime.installation import open_installation
from tieout.storage.pool import connect


def payroll(home: Home = HOME, as_json: AsJson = False) -> None:
    """The files of approved hours that payrolls were told, and the hours that wait to be."""
    with open_installation(home) as installation, connect(installation.url, autocommit=True) as conn:
        files, totals = files_of_hours(conn), hours_totals(conn)
    if as_json:
        print_json({"files": files, "totals": totals})
        return
    _print(Words(whole=True), files, totals)


def _print(words: Words, files: Sequence[FileOfHours], totals: HoursTotals | None) -> None:
    if totals is None:
        words.print("No payroll is told any hours: streams.toml has no [hours_to_payroll].")
        return
    if files:
        words.print(
            f"{'Payroll':<14}{'Entity':<8}{'No.':>5}  {'Pay period':<26}{'People':>7}{'Hours':>12}  State", style="bold"
        )
    for one in files:
        kind = ", correction" if one.correction else ""
        ref = "" if one.ref is None else f" as {one.ref}"
        words.print(
            f"{one.system:<14}{one.entity:<8}{one.sequence:>5}  {f'{one.starts} to {one.ends}':<26}{one.people:>7}"
            f"{one.hours:>12}  {one.state}{ref}{kind}"
        )
    words.print(
        f"Accepted {totals.accepted} h = told {totals.told} h (acknowledged {totals.acknowledged} h) "
        f"+ waiting {totals.waiting} h."
    )
    if totals.held_people:
        words.print(f"Of {totals.held_people} people no payroll can be told: tieout exceptions list.")
