"""``tieout adopt``: records that exist in several systems already are recognised, and a person says which are one."""

from pathlib import Path
from typing import Annotated

import typer

from tieout.cli.options import HOME, AsJson, Home, actor
from tieout.cli.output import Words, command_on, print_json
from tieout.errors import ConfigurationError
from tieout.records.adoption import ADOPTABLE, EXACT, Candidate, Proposal
from tieout.records.adoption_store import proposals
from tieout.runtime.adopt import adopt as carry_out
from tieout.runtime.adopt import read_decisions, write_proposals
from tieout.runtime.clock import SystemClock
from tieout.runtime.installation import open_installation
from tieout.storage.pool import connect


def adopt(
    record_type: Annotated[
        str | None, typer.Argument(metavar="[TYPE]", help=f"Only of this type: {', '.join(ADOPTABLE)}.")
    ] = None,
    write: Annotated[Path | None, typer.Option(help="Write the proposals as CSV, to be decided on.")] = None,
    confirm: Annotated[Path | None, typer.Option(help="Carry out the decisions (yes, no) of such a file.")] = None,
    home: Home = HOME,
    as_json: AsJson = False,
) -> None:
    """Propose which records of different systems are one and the same; with --confirm make them one.

    Codes that are equal are one without being asked about. Here is the rest: the same tax id, e-mail or code written
    another way, and names that resemble each other.
    """
    if record_type is not None and record_type not in ADOPTABLE:
        known = ", ".join(ADOPTABLE)
        raise ConfigurationError(code="TIE-RECORD-003", message=f"{record_type!r} is none of {known}.")
    words = Words(whole=True)
    with open_installation(home) as installation:
        if confirm is not None:
            decisions, undecided = read_decisions(confirm)
            done = carry_out(installation.url, decisions, undecided=undecided, actor=actor(), clock=SystemClock())
            if as_json:
                print_json(done)
                return
            words.print(
                f"{done.joined} records became one with another, {done.apart} pairs stay apart, {done.undecided} are "
                f"undecided; {done.released} items that waited are judged again."
            )
            return
        with connect(installation.url, autocommit=True) as conn:
            found = proposals(conn, record_type)
    if write is not None:
        with write.open("w", newline="", encoding="utf-8") as out:
            write_proposals(out, found)
    if as_json:
        print_json({"proposals": found})
        return
    _print(words, found)
    if write is not None:
        words.print(
            f"Fill the column decision of {write} with yes or no, then: "
            f"{command_on(home, 'adopt', '--confirm', str(write))}"
        )


def _print(words: Words, found: list[Proposal]) -> None:
    if not found:
        words.print("Nothing is left to decide: every record is known in each system by its code, or stands alone.")
        return
    sure = sum(one.score == EXACT for one in found)
    words.print(f"{len(found)} records may be one with another, {sure} of them by a number, the others by name.")
    words.print(f"{'Score':>5}  {'Type':<10}{'This':<44}{'Is':<44}Because", style="bold")
    for one in found:
        sides = f"{_side(one.gone):<44}{_side(one.kept):<44}"
        words.print(f"{one.score:>5}  {one.gone.type:<10}{sides}{one.evidence}")


def _side(candidate: Candidate) -> str:
    where = ", ".join(f"{system} {key}" for system, key in candidate.keys.items())
    return f"{candidate.code or candidate.name} ({where})"
