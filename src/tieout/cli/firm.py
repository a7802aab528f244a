"""``tieout init``, ``check``, ``plan``, ``apply``, ``history`` and ``diff``: the firm directory as configuration."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Final

import typer

from tieout.cli.options import HOME, AsJson, Home, actor, firm_directory
from tieout.cli.output import Words, print_json
from tieout.governance import firm_version
from tieout.runtime.apply import apply_firm
from tieout.runtime.clock import SystemClock
from tieout.runtime.firm.differences import Difference, differences
from tieout.runtime.firm.directory import read_firm
from tieout.runtime.firm.initial import NewEntity, NewSystem, write_initial
from tieout.runtime.installation import open_installation
from tieout.runtime.plan import Effect, Plan, plan_firm
from tieout.storage.pool import connect

_FATES: Final = {
    "open": "would be rated anew",
    "barred": "would be excluded, since they lie before the go-live",
    "posted": "are posted and need a correction",
}
Directory = Annotated[Path | None, typer.Option("--firm", help="The firm directory; by default HOME/firm.")]


def init(
    directory: Annotated[Path, typer.Argument(help="Where to write it; must not have files yet.")],
    name: Annotated[str, typer.Option(help="The firm's name.")] = "My firm",
    system: Annotated[
        list[str] | None, typer.Option(help="A system as NAME=CONNECTOR, for example psa=kantata; may be repeated.")
    ] = None,
    entity: Annotated[
        list[str] | None, typer.Option(help="A legal entity as CODE=CURRENCY, for example US01=USD; may be repeated.")
    ] = None,
) -> None:
    """Write a commented firm directory to begin with."""
    systems = [NewSystem(name=one, connector=other) for one, other in map(_pair, system or ())]
    entities = [NewEntity(code=one, currency=other) for one, other in map(_pair, entity or ())]
    words = Words(whole=True)
    for path in write_initial(directory, name=name, systems=systems, entities=entities):
        words.print(f"  {path}")
    words.print(f"What still says FILL IN is yours to write; `tieout check --firm {directory}` lists it.")


def _pair(given: str) -> tuple[str, str]:
    one, equals, other = given.partition("=")
    if not (one and equals and other):
        raise typer.BadParameter(f"{given} is not NAME=VALUE.")
    return one, other


def check(home: Home = HOME, firm: Directory = None) -> None:
    """Say everything that is wrong with the firm directory; changes nothing."""
    config = read_firm(firm_directory(home, firm))
    Words(whole=True).print(
        f"{config.name}: {len(config.systems)} systems, {len(config.policies)} legal entities, "
        f"{len(config.mappings)} mapping lines, {len(config.rates)} rates of its own.\n"
        f"No mistakes. Content {config.content_hash[:12]}."
    )


def apply(home: Home = HOME, firm: Directory = None) -> None:
    """Make the firm directory the version that holds, and judge again what it may have cured."""
    with open_installation(home, make=True) as installation:
        applied = apply_firm(installation.url, firm_directory(home, firm), applied_by=actor(), clock=SystemClock())
    words = Words()
    if not applied.is_new:
        words.print(f"Version {applied.version} holds already: nothing has changed.")
        return
    again = f"{applied.released} exception(s) are judged again as soon as a hub runs." if applied.released else ""
    words.print(f"Version {applied.version} holds now. {again or 'No exception depends on it.'}")


def plan(home: Home = HOME, firm: Directory = None, as_json: AsJson = False) -> None:
    """Say what applying the firm directory would change, and what that does to money; changes nothing."""
    with open_installation(home) as installation:
        found = plan_firm(installation.url, firm_directory(home, firm), clock=SystemClock())
    if as_json:
        print_json(found)
        return
    words = Words(whole=True)
    if not found.is_new:
        words.print(f"Version {found.from_version} holds already: nothing would change.")
        return
    _print_differences(words, found.differences)
    words.print()
    _print_effects(words, found)
    words.print(f"{found.released} exception(s) would be judged again. Nothing was changed.")


def history(home: Home = HOME, as_json: AsJson = False) -> None:
    """List the applied versions of the firm directory, the newest first."""
    with open_installation(home) as installation, connect(installation.url, autocommit=True) as conn:
        versions = firm_version.history(conn)
    if as_json:
        print_json(versions)
        return
    words = Words(whole=True)
    for one in versions:
        words.print(
            f"{one.version:>4}  {one.applied_at:%Y-%m-%d %H:%M} UTC  {one.applied_by}  content {one.content_hash[:12]}"
        )
    if not versions:
        words.print("No version was applied yet.")


def diff(
    before: Annotated[int, typer.Argument(help="An applied version.")],
    after: Annotated[int, typer.Argument(help="Another applied version.")],
    home: Home = HOME,
    as_json: AsJson = False,
) -> None:
    """Say what two applied versions of the firm directory state differently."""
    with open_installation(home) as installation, connect(installation.url, autocommit=True) as conn:
        found = list(differences(firm_version.at_version(conn, before), firm_version.at_version(conn, after)))
    if as_json:
        print_json(found)
        return
    _print_differences(Words(whole=True), found)


def _print_differences(words: Words, found: Iterable[Difference]) -> None:
    lines = [one.words() for one in found]
    for line in lines or ["They state the same."]:
        words.print(line)


def _print_effects(words: Words, found: Plan) -> None:
    if not found.effects:
        words.print("No entry would change hands or be worth anything else.")
        return
    words.print("Entries that would be worth something else:")
    for one in found.effects:
        words.print(f"  {effect_in_words(one)}")


def effect_in_words(one: Effect) -> str:
    """One line of a plan: how many entries, what becomes of them, and their worth and cost before and after."""
    fate = _FATES[one.where]
    line = (
        f"{one.entity}: {one.count:,} entries ({one.hours:,.2f} h) {fate}: "
        f"{one.before:,} -> {one.after:,} {one.currency} ({one.delta:+,}), "
        f"cost {one.cost_before:,} -> {one.cost_after:,} {one.functional_currency}"
    )
    if not one.unpriced_count:
        return line
    unpriced = one.before - one.after + one.delta
    return (
        f"{line}; {one.unpriced_count:,} of them would have no price any more: they count in neither figure after the "
        f"arrow nor in the difference, and are worth {unpriced:,} {one.currency} now"
    )
