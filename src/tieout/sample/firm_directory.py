"""Writes the firm directory that a hub needs for the sample firm: systems, ownership, mappings, policies, rates.

The same files a user would write by hand; the mess lies in them too: one service line has no department, and one legal
entity sends time of closed periods to the desk.
"""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from tieout.connect.connector import connector_for
from tieout.connect.manifest import Manifest, Role
from tieout.connect.simulator.seed import SeedFirm
from tieout.sample.deals import Quarter
from tieout.sample.masters import ACCOUNTS, UNMAPPED_SERVICE_LINE

PROJECT_TASKS: Final = (("D", "Delivery", True), ("M", "Project management", False))
"""What every project of the sample gets besides what was sold: code, name, whether it is billed."""

_PLANNED_FIELDS: Final = ("location", "weekly_hours", "fte")
"""What the sample's resource tool tells of people and no other of its systems does."""
_POLL_S: Final = 5
_PLANNING_POLL_S: Final = 2
"""A changed booking shows in forecast and capacity within seconds."""


class SystemSheet(msgspec.Struct, frozen=True, kw_only=True):
    """One system to write into the directory: how to reach it, and for which legal entities it posts.

    ``reads`` are the objects to poll (None: all that its connector can read), ``takes`` the commands for masters that
    it is sent, ``role`` the part it plays where that is not its connector's. ``longest_in_flight_s`` is after how many
    seconds the system acts on no request any more, where that is known.
    """

    name: str
    connector: str
    settings: dict[str, str]
    secrets: dict[str, str]
    posts_for: tuple[str, ...] = ()
    reads: tuple[str, ...] | None = None
    takes: tuple[str, ...] = ()
    role: str | None = None
    longest_in_flight_s: int | None = None


def write_firm_directory(
    directory: Path, firm: SeedFirm, systems: Sequence[SystemSheet], quarter: Quarter | None = None
) -> None:
    """Write the configuration of ``firm`` with ``systems`` into ``directory``; secrets go to files beside it.

    With a ``quarter`` of deals, also how they become projects, and what the firm knows about them; with a resource
    tool, that it tells where and how long people work, and that their bookings are planned.
    """
    for folder in ("mappings", "policies"):
        (directory / folder).mkdir(parents=True, exist_ok=True)
    write_systems(directory, systems)
    psa = next(one.name for one in systems if not one.posts_for)
    planner = next((one.name for one in systems if _role_of(one) == Role.RESOURCE.value), None)
    owned = [("time_entry", "*", psa), ("project", "*", psa)]
    owned += [] if planner is None else [("resource", name, planner) for name in _PLANNED_FIELDS]
    _write(directory / "ownership.toml", [line for one in owned for line in _owned(*one)])
    _write_mappings(directory / "mappings", firm)
    _write_policies(directory / "policies", firm)
    streams = [] if quarter is None else _lead_to_project()
    if quarter is not None:
        _write_sold(directory, firm, quarter)
    if planner is not None:
        streams += ["", "[plan_to_allocate]"]
    if streams:
        _write(directory / "streams.toml", streams)
    # Last: what has a tieout.toml is whole.
    _write(directory / "tieout.toml", [f"name = {_quoted(firm.name)}"])


def write_systems(directory: Path, systems: Sequence[SystemSheet]) -> None:
    """Write how to reach ``systems`` into ``directory``, and nothing else; secrets go to files beside it."""
    (directory / "systems").mkdir(parents=True, exist_ok=True)
    for system in systems:
        _write_system(directory, system)


def _write_system(directory: Path, system: SystemSheet) -> None:
    manifest = connector_for(system.connector, system.settings).manifest
    settings = _with_files(directory, system, manifest)
    vault = directory.parent / "secrets"
    vault.mkdir(mode=0o700, exist_ok=True)
    reads = [one.object for one in manifest.reads] if system.reads is None else system.reads
    lines = [
        f"connector = {_quoted(system.connector)}",
        f"account = {_quoted(system.name)}",
        'environment = "sandbox"',
        *([] if system.role is None else [f"role = {_quoted(system.role)}"]),
        f"reads = [{', '.join(map(_quoted, reads))}]",
        f"poll_interval_s = {_PLANNING_POLL_S if _role_of(system) == Role.RESOURCE.value else _POLL_S}",
        f"posts_for = [{', '.join(map(_quoted, system.posts_for))}]",
        f"takes = [{', '.join(map(_quoted, system.takes))}]",
        "",
        "[settings]",
        *(f"{name} = {_quoted(value)}" for name, value in sorted(settings.items())),
        "",
        "[secrets]",
    ]
    for name, value in sorted(system.secrets.items()):
        path = vault / f"{system.name}-{name}"
        path.touch(mode=0o600)
        path.write_text(value, encoding="utf-8")
        lines.append(f"{name} = {_quoted(f'file:{path.resolve()}')}")
    if system.longest_in_flight_s is not None:
        lines += ["", "[delivery]", f"longest_in_flight_s = {system.longest_in_flight_s}"]
    _write(directory / "systems" / f"{system.name}.toml", lines)


def _with_files(directory: Path, system: SystemSheet, manifest: Manifest) -> dict[str, str]:
    """The settings as they stand in the file: what a connection is given as content lies in a file that they name."""
    settings = dict(system.settings)
    for name in sorted({one.name for one in manifest.settings if one.file} & settings.keys()):
        path = directory / "apis" / f"{system.name}-{name}.toml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(settings[name], encoding="utf-8")
        settings[name] = str(path.relative_to(directory))
    return settings


def _write_mappings(directory: Path, firm: SeedFirm) -> None:
    header = ("system", "entity", "source", "target", "valid_from", "valid_to")
    words = [(word, one.code) for one in firm.entities for word in (one.name, one.code)]
    _write_csv(
        directory / "legal_entities.csv", header, (("*", "*", word, code, "2020-01-01", "") for word, code in words)
    )
    _write_csv(
        directory / "department.csv",
        header,
        (
            ("*", "*", line, department, "2020-01-01", "")
            for line, department in firm.departments.items()
            if line != UNMAPPED_SERVICE_LINE
        ),
    )


def _owned(of: str, field: str, system: str) -> list[str]:
    return ["[[rule]]", f"object = {_quoted(of)}", f"fields = [{_quoted(field)}]", f"system = {_quoted(system)}", ""]


def _role_of(system: SystemSheet) -> str:
    return system.role or connector_for(system.connector, system.settings).manifest.role.value


def _lead_to_project() -> list[str]:
    """The policy of lead-to-project."""
    lines = [
        "[lead_to_project]",
        'code_format = "{deal}"',
        'project_link = "https://psa.northwind.example/projects/{code}"',
        "minimum_completeness = 60",
        f"lines_below = {_quoted(PROJECT_TASKS[0][0])}",
    ]
    for code, name, billable in PROJECT_TASKS:
        lines += ["", "[[lead_to_project.tasks]]", f"code = {_quoted(code)}", f"name = {_quoted(name)}"]
        lines.append(f"billable = {'true' if billable else 'false'}")
    return lines


def _write_sold(directory: Path, firm: SeedFirm, quarter: Quarter) -> None:
    """Which deals go on another one's project, and what the CRM calls rate cards."""
    header = ("system", "entity", "source", "target", "valid_from", "valid_to")
    rows = [("*", "*", deal, project, "2020-01-01", "") for deal, project in sorted(quarter.merged.items())]
    _write_csv(directory / "mappings" / "projects.csv", header, rows)
    cards = [("*", "*", card.code, card.name, "2020-01-01", "") for card in firm.rate_cards]
    _write_csv(directory / "mappings" / "rate_cards.csv", header, cards)


def _write_policies(directory: Path, firm: SeedFirm) -> None:
    _write(
        directory / "default.toml",
        [
            "increment_minutes = 15",
            "max_day_hours = 16",
            "late_after_days = 14",
            "fx_convert_bill_rates = false",
            'required_dimensions = ["department"]',
            'closed_period = "next_open"',
            "",
            "[accounts]",
            *(f"{role} = {_quoted(number)}" for role, number in (firm.accounts or ACCOUNTS).items()),
        ],
    )
    for entity in firm.entities:
        lines = [f"functional_currency = {_quoted(entity.currency)}"]
        if entity.code == "JP01":
            lines.append('closed_period = "desk"')
        _write(directory / f"{entity.code}.toml", lines)


def _write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


def _write(path: Path, lines: Sequence[str]) -> None:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
