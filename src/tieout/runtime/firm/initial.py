"""The first form of a firm directory: commented files for the systems and legal entities that a firm names.

What nobody but the firm can know stands as ``FILL IN``; ``tieout check`` lists every place that still says so, until
none is left. Neighbours: ``directory`` reads what is written here.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from tieout.connect.connector import load_connector
from tieout.connect.manifest import Manifest, Role
from tieout.errors import ConfigurationError
from tieout.model.money import exponent
from tieout.model.service_level import ServiceLevels
from tieout.runtime.firm.directory import ACCOUNT_ROLES, FILL_IN

_WRITTEN: Final = (Role.PSA, Role.ERP, Role.CRM, Role.RESOURCE)
"""Roles of systems that masters and plans are sent to; which of their commands, is the firm's to choose."""

_USUAL_POLL_INTERVAL_S: Final = 5
_POLL_INTERVAL_S: Final = {Role.RESOURCE: 2}
"""Where changes shall show within five seconds, in the plan that they change."""

_HEADER: Final = "system,entity,source,target,valid_from,valid_to"


class NewSystem(msgspec.Struct, frozen=True, kw_only=True):
    """A system by the firm's own name for it, and the connector that speaks to it."""

    name: str
    connector: str


class NewEntity(msgspec.Struct, frozen=True, kw_only=True):
    """A legal entity by its code, and the currency of its books."""

    code: str
    currency: str


def write_initial(
    directory: Path, *, name: str, systems: Sequence[NewSystem], entities: Sequence[NewEntity]
) -> list[Path]:
    """Write the files of a new firm directory; returns them in order.

    Raises ConfigurationError: TIE-FIRM-006 where ``directory`` has a file already, TIE-CONNECT-001 for an unknown
    connector; UnknownCurrencyError for what is no ISO 4217 code. Nothing is written then.
    """
    for entity in entities:
        exponent(entity.currency)
    files = dict(_files(name, systems, entities))
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise ConfigurationError(
            code="TIE-FIRM-006",
            message=f"{directory} is not empty.",
            next_step="Name a directory that does not exist yet, or an empty one.",
        )
    for path, lines in files.items():
        target = directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return [directory / path for path in files]


def _files(name: str, systems: Sequence[NewSystem], entities: Sequence[NewEntity]) -> Iterator[tuple[str, list[str]]]:
    yield "tieout.toml", ["# The firm, as statements and notices call it.", f"name = {_quoted(name)}"]
    for system in systems:
        yield f"systems/{system.name}.toml", _system(system, load_connector(system.connector).manifest, entities)
    yield "ownership.toml", _ownership(systems)
    yield "mappings/legal_entities.csv", [_HEADER, *(f"*,*,{one.code},{one.code},2020-01-01," for one in entities)]
    yield "mappings/roles.csv", [_HEADER]
    yield "policies/default.toml", _policy()
    yield "service_levels.toml", _service_levels()
    for entity in entities:
        yield (
            f"policies/{entity.code}.toml",
            [
                f"# What {entity.code} does otherwise than policies/default.toml.",
                f"functional_currency = {_quoted(entity.currency)}",
            ],
        )


def _service_levels() -> list[str]:
    """The shipped figures, to be changed where the firm promises itself others."""
    lines = ["# What the firm promises itself of its hub, and who is told when it is late. These figures are shipped."]
    table = msgspec.to_builtins(ServiceLevels())
    for section in ("time_posted", "plan_updated", "project_created", "proof", "exceptions"):
        lines += ["", f"[{section}]"]
        lines += [f"{name} = {value}" for name, value in table[section].items() if not isinstance(value, dict)]
    for step in table["escalation"]:
        told = ", ".join(map(_quoted, step["told"]))
        lines += ["", "[[escalation]]", f"told = [{told}]", f"after_h = {step['after_h']}"]
    return lines


def _system(system: NewSystem, manifest: Manifest, entities: Sequence[NewEntity]) -> list[str]:
    posts = manifest.write("post_journal") is not None
    lines = [
        f"# {manifest.title}, API {manifest.api_version}; {manifest.claim}.",
        f"connector = {_quoted(system.connector)}",
        "# The vendor's account: systems of one account share its limits.",
        f"account = {_quoted(system.name)}",
        "# sandbox or production; all systems of a firm directory are of one kind.",
        'environment = "sandbox"',
        "# The vendor's objects that are polled, and how often.",
        f"reads = [{', '.join(_quoted(one.object) for one in manifest.reads)}]",
        f"poll_interval_s = {_POLL_INTERVAL_S.get(manifest.role, _USUAL_POLL_INTERVAL_S)}",
    ]
    if posts:
        codes = ", ".join(_quoted(one.code) for one in entities)
        lines.append("# Legal entities whose journals go here; an entity is posted by one system.")
        lines.append(f"posts_for = [{codes}]")
    masters = [one.command for one in manifest.writes if one.command != "post_journal"]
    if masters and manifest.role in _WRITTEN:
        lines += [
            "# Masters and plans that are sent here. Take the comment away from what Tieout shall write:",
            f"# takes = [{', '.join(map(_quoted, masters))}]",
        ]
    return [*lines, "", *_settings(manifest)]


def _settings(manifest: Manifest) -> list[str]:
    lines = ["[settings]"]
    for one in manifest.settings:
        if one.secret:
            continue
        lines.append(f"# {one.description}")
        if one.required and one.default is None:
            lines.append(f"{one.name} = {_quoted(FILL_IN)}")
        else:
            lines.append(f"# {one.name} = {_quoted(one.default or '')}")
    lines += ["", "# References, never values: env:NAME, file:PATH or store:NAME.", "[secrets]"]
    for one in manifest.settings:
        if one.secret:
            lines.append(f"# {one.description}")
            reference = f"env:{manifest.name}_{one.name}".upper().replace("ENV:", "env:", 1)
            lines.append(f"{'' if one.required else '# '}{one.name} = {_quoted(reference)}")
    return lines


def _ownership(systems: Sequence[NewSystem]) -> list[str]:
    psa = [one.name for one in systems if load_connector(one.connector).manifest.role is Role.PSA]
    lines = [
        "# Which system owns which fields. What nobody is named for has a default: docs, reference, firm directory.",
        "# A rule may be for one legal entity (entity) and from a day on (valid_from).",
    ]
    for name in psa[:1]:
        for subject in ("time_entry", "project"):
            lines += ["", "[[rule]]", f'object = "{subject}"', 'fields = ["*"]', f"system = {_quoted(name)}"]
    return lines


def _policy() -> list[str]:
    return [
        "# Rules of all legal entities; policies/ENTITY.toml says what is otherwise in one.",
        "# Time is kept in steps of so many minutes.",
        "increment_minutes = 15",
        "# More hours than this on one day are held.",
        "max_day_hours = 16",
        "# Time approved so many days after the work is marked late.",
        "late_after_days = 10",
        "# Time of a closed period: next_open posts it in the first open one, desk asks a person.",
        'closed_period = "next_open"',
        "# Dimensions that every line must have; each is a mapping table: mappings/department.csv",
        '# required_dimensions = ["department"]',
        "",
        "# Account numbers of the ledger.",
        "[accounts]",
        *(f"{role} = {_quoted(FILL_IN)}" for role in ACCOUNT_ROLES),
    ]


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
