"""``tieout audit``: who did what, when and why; and the proof that nobody changed the record of it."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from tieout.cli.options import HOME, AsJson, Home
from tieout.cli.output import Words, print_json
from tieout.errors import ConfigurationError
from tieout.governance import audit, firm_version
from tieout.governance.audit_chain import ChainLink, Verdict, verify
from tieout.runtime.anchoring import anchor_head, read_anchors
from tieout.runtime.clock import SystemClock
from tieout.runtime.installation import open_installation
from tieout.runtime.period_seals import check_seals, seal_closed
from tieout.storage.pool import connect

app = typer.Typer(help="Who did what, and the proof of it.", no_args_is_help=True, add_completion=False)


@app.callback()
def group() -> None:
    """Who did what, and the proof of it."""


@app.command("list")
def list_(
    home: Home = HOME,
    principal: Annotated[str | None, typer.Option(help="Only what this person or program did.")] = None,
    kind: Annotated[str | None, typer.Option(help="Only what was done to this kind of object.")] = None,
    object_id: Annotated[str | None, typer.Option("--object", help="Only what was done to this object.")] = None,
    before: Annotated[int | None, typer.Option(min=1, help="Only entries before this number.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """What people and programs did, the newest first."""
    with open_installation(home) as installation, connect(installation.url, autocommit=True) as conn:
        found = audit.entries(
            conn, principal=principal, object_kind=kind, object_id=object_id, before_seq=before, limit=limit
        )
    if as_json:
        print_json(found)
        return
    words = Words(whole=True)
    for line in found:
        one = line.entry
        reason = f" ({one.reason})" if one.reason else ""
        words.print(
            f"{line.seq:>8}  {line.recorded_at:%Y-%m-%d %H:%M}  {one.principal:<20} {one.action:<28} "
            f"{one.object_kind} {one.object_id}{reason}"
        )
    if not found:
        words.print("Nobody did anything that fits.")


@app.command("export")
def export(
    file: Annotated[Path, typer.Argument(help="Where to write; it must not exist yet.")], home: Home = HOME
) -> None:
    """Write the whole chain to a file, one entry a line, which `verify --export` proves without a database."""
    count = 0
    with open_installation(home) as installation, connect(installation.url, autocommit=True) as conn:
        try:
            with file.open("xb") as out:
                for link in audit.links(conn):
                    out.write(msgspec.json.encode(link) + b"\n")
                    count += 1
        except OSError as error:
            raise ConfigurationError(
                code="TIE-AUDIT-003", message=f"The export {file} cannot be written: {error.strerror}."
            ) from error
    Words(whole=True).print(f"{count} entries were written to {file}.")


@app.command("anchor")
def anchor(home: Home = HOME, as_json: AsJson = False) -> None:
    """Write the head of the chain down at every place that the firm names. Exit code 1 when one of them failed."""
    with open_installation(home) as installation:
        with connect(installation.url, autocommit=True) as conn:
            firm = firm_version.current(conn)
        done = anchor_head(installation.url, firm, SystemClock())
    if as_json:
        print_json(done)
    else:
        words = Words(whole=True)
        for one in done:
            words.print(f"{one.place}: {one.problem or f'entry {one.seq} is anchored'}")
        if not done:
            words.print("Nothing to anchor: the chain is empty, or the firm names no place in [[audit.anchors]].")
    if any(one.problem for one in done):
        raise typer.Exit(code=1)


@app.command("verify")
def verify_(
    home: Home = HOME,
    export_file: Annotated[
        Path | None, typer.Option("--export", help="Verify this export; no database is opened.")
    ] = None,
    anchors: Annotated[
        list[Path] | None, typer.Option("--anchor", help="A file of anchors; may be given several times.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Prove that no entry was edited, deleted, swapped, cut off or hashed anew. Exit code 1 when one was."""
    held = read_anchors(anchors or [])
    if export_file is not None:
        verdict = verify(_read_export(export_file), held)
    else:
        with open_installation(home) as installation, connect(installation.url, autocommit=True) as conn:
            verdict = verify(audit.links(conn), held)
    if as_json:
        print_json(verdict)
    else:
        _print(Words(whole=True), verdict)
    if verdict.breaks:
        raise typer.Exit(code=1)


@app.command("seal")
def seal(home: Home = HOME, as_json: AsJson = False) -> None:
    """Sign what stands behind the books of every closed period that is not sealed as it is."""
    with open_installation(home) as installation, connect(installation.url, autocommit=True) as conn:
        made = seal_closed(conn, installation.home, SystemClock())
    if as_json:
        print_json(made)
        return
    words = Words(whole=True)
    for one in made:
        words.print(f"{one.entity} {one.period}: {one.digest.count} actuals are sealed.")
    if not made:
        words.print("Every closed period is sealed as it is.")


@app.command("seals")
def seals(home: Home = HOME, as_json: AsJson = False) -> None:
    """Compare the books of every sealed period with its seal. Exit code 1 when one differs."""
    with open_installation(home) as installation, connect(installation.url, autocommit=True) as conn:
        checks = check_seals(conn)
    if as_json:
        print_json(checks)
    else:
        words = Words(whole=True)
        for one in checks:
            state = f"differs in {', '.join(one.differing)}" if one.differing else "as it was sealed"
            words.print(f"{one.entity:<8}{one.period:<12}{one.count:>9} actuals, entry {one.seq}: {state}")
        if not checks:
            words.print("No period is sealed.")
    if any(one.differing for one in checks):
        raise typer.Exit(code=1)


def _read_export(path: Path) -> list[ChainLink]:
    try:
        return [msgspec.json.decode(line, type=ChainLink) for line in path.read_bytes().splitlines() if line.strip()]
    except OSError as error:
        raise ConfigurationError(
            code="TIE-AUDIT-002", message=f"The export {path} cannot be read: {error.strerror}."
        ) from error
    except msgspec.DecodeError as error:
        raise ConfigurationError(
            code="TIE-AUDIT-002", message=f"The export {path} holds a line that is no entry: {error}."
        ) from error


def _print(words: Words, verdict: Verdict) -> None:
    for one in verdict.breaks:
        words.print(one.words)
    state = "The chain holds" if not verdict.breaks else f"{len(verdict.breaks)} things do not hold"
    words.print(f"{state}: {verdict.entry_count} entries, head {verdict.head_seq} {verdict.head_hash}.")
    if verdict.anchored_seq:
        words.print(f"Anchored up to entry {verdict.anchored_seq}.")
    else:
        words.print("No anchor was given: a chain that somebody hashed anew would look the same.")
