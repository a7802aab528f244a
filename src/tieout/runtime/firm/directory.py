"""Reads a firm directory into one FirmConfig, or says everything that is wrong with it.

Layout: ``tieout.toml`` (name), ``systems/NAME.toml``, ``ownership.toml``, ``mappings/*.csv``, ``policies/default.toml``
and ``policies/ENTITY.toml``, ``labour_policies.toml``, ``fx.csv``, ``streams.toml``, ``service_levels.toml``,
``notices.toml``.
The version is the hash of the content of all these files.
"""

import hashlib
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

import msgspec

from tieout.connect.connector import connector_for, installed_connectors, load_connector
from tieout.connect.manifest import Manifest
from tieout.errors import ConfigurationError
from tieout.model.firm import ControlRule, DeliveryPolicy, EntityPolicy, FirmConfig, OwnershipRule, SystemConfig
from tieout.model.labour_policy import LabourPolicy
from tieout.model.money import UnknownCurrencyError, exponent
from tieout.model.notice_policy import NoticePolicy
from tieout.model.service_level import ServiceLevels
from tieout.model.stream_policy import StreamPolicies
from tieout.runtime.firm.audit import audit_contradictions, read_audit
from tieout.runtime.firm.deliveries import delivery_problems
from tieout.runtime.firm.fields import field_problems
from tieout.runtime.firm.labour import FILE as LABOUR_FILE
from tieout.runtime.firm.labour import labour_contradictions, read_labour
from tieout.runtime.firm.notices import FILE as NOTICES_FILE
from tieout.runtime.firm.notices import notice_contradictions, read_notices
from tieout.runtime.firm.oversight import oversight_contradictions, read_oversight
from tieout.runtime.firm.posters import poster_problems
from tieout.runtime.firm.problems import FirmInvalidError, FirmProblem
from tieout.runtime.firm.service_levels import FILE as SERVICE_LEVELS_FILE
from tieout.runtime.firm.service_levels import read_service_levels
from tieout.runtime.firm.streams import FILE as STREAMS_FILE
from tieout.runtime.firm.streams import read_streams, stream_contradictions
from tieout.runtime.firm.tables import read_tables

_T = TypeVar("_T")
API_CONNECTOR = "api"
"""Systems that hand in time over the hub's own API need no connector."""
FILL_IN = "FILL IN"
"""What a new firm directory says where only the firm knows."""
ACCOUNT_ROLES = ("unbilled_receivable", "unbilled_revenue", "project_cost", "payroll_clearing")


def content_hash(directory: Path) -> str:
    """SHA-256 over names and content of all files of the directory that count."""
    digest = hashlib.sha256()
    for path in sorted(directory.rglob("*")):
        if path.is_file() and path.suffix in {".toml", ".csv"}:
            name = str(path.relative_to(directory)).encode()
            content = path.read_bytes()
            digest.update(len(name).to_bytes(4, "big") + name + len(content).to_bytes(8, "big") + content)
    return digest.hexdigest()


def read_firm(directory: Path) -> FirmConfig:
    """The configuration in ``directory``, version 0 until it is applied.

    Raises ConfigurationError (TIE-FIRM-003) when there is no such directory, FirmInvalidError with all mistakes.
    """
    if not (directory / "tieout.toml").is_file():
        raise ConfigurationError(code="TIE-FIRM-003", message=f"{directory} holds no tieout.toml.")
    problems: list[FirmProblem] = []
    head = _toml(directory, directory / "tieout.toml", problems)
    systems, deliveries = _systems(directory, problems)
    mappings, rates, fx_rates = read_tables(directory, problems)
    ownership, controls = _ownership(directory, problems)
    config = FirmConfig(
        name=str(head.get("name", directory.name)),
        version=0,
        content_hash=content_hash(directory),
        systems=tuple(systems),
        ownership=tuple(ownership),
        controls=tuple(controls),
        mappings=tuple(mappings),
        rates=tuple(rates),
        fx_rates=tuple(fx_rates),
        policies=tuple(_policies(directory, problems)),
        labour=_labour(directory, problems),
        deliveries=deliveries,
        streams=_streams(directory, problems),
        audit=read_audit(head.get("audit", {}), problems),
        oversight=read_oversight(head, problems),
        service_levels=_service_levels(directory, problems),
        notices=_notices(directory, problems),
    )
    problems += _contradictions(config)
    problems += stream_contradictions(config)
    problems += field_problems(config)
    problems += oversight_contradictions(config)
    problems += labour_contradictions(config)
    problems += notice_contradictions(config)
    problems += audit_contradictions(config)
    if problems:
        raise FirmInvalidError(problems)
    return config


def _toml(directory: Path, path: Path, problems: list[FirmProblem]) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        problems.append(
            FirmProblem(
                file=str(path.relative_to(directory)),
                message=f"Not readable as TOML: {error}.",
                next_step="Correct it.",
            )
        )
        return {}


def _systems(directory: Path, problems: list[FirmProblem]) -> tuple[list[SystemConfig], dict[str, DeliveryPolicy]]:
    systems, deliveries = [], {}
    for path in sorted((directory / "systems").glob("*.toml")):
        table = _toml(directory, path, problems)
        delivery = table.pop("delivery", None)
        file = f"systems/{path.name}"
        found = _convert({"name": path.stem, **table}, SystemConfig, file, problems)
        if found is not None:
            found = _with_role(_with_files(directory, found, file, problems))
            systems.append(found)
            problems += _connector_problems(found, file)
        if delivery is not None:
            policy = _convert(delivery, DeliveryPolicy, file, problems)
            if policy is not None:
                deliveries[path.stem] = policy
    return systems, deliveries


def _with_files(directory: Path, system: SystemConfig, file: str, problems: list[FirmProblem]) -> SystemConfig:
    """The system with the content of the files that its settings name: an applied version needs no directory."""
    if system.connector not in installed_connectors():
        return system
    settings = dict(system.settings)
    for setting in load_connector(system.connector).manifest.settings:
        if not setting.file or setting.name not in settings:
            continue
        path = (directory / settings[setting.name]).resolve()
        if path.suffix != ".toml" or not path.is_relative_to(directory.resolve()) or not path.is_file():
            problems.append(
                FirmProblem(
                    file=file,
                    message=f"{setting.name} names {settings[setting.name]!r}, which is no TOML file of the firm "
                    "directory.",
                    next_step="Name a file below the firm directory that ends with .toml.",
                )
            )
            del settings[setting.name]
            continue
        settings[setting.name] = path.read_text(encoding="utf-8")
    return msgspec.structs.replace(system, settings=settings)


def _with_role(system: SystemConfig) -> SystemConfig:
    """The system with the role of its connector, where the file names no other."""
    if system.role is not None or system.connector not in installed_connectors():
        return system
    return msgspec.structs.replace(system, role=str(load_connector(system.connector).manifest.role))


def _connector_problems(system: SystemConfig, file: str) -> list[FirmProblem]:
    if system.connector == API_CONNECTOR:
        return []
    if system.connector not in installed_connectors():
        return [
            FirmProblem(
                file=file,
                message=f"There is no connector {system.connector!r}.",
                next_step=f"Use one of {', '.join(installed_connectors())}.",
            )
        ]
    manifest = load_connector(system.connector).manifest
    problems = _setting_problems(system, manifest, file)
    if problems:
        return problems
    try:
        manifest = connector_for(system.connector, system.settings).manifest
    except ConfigurationError as error:
        return [FirmProblem(file=file, message=error.message, next_step=error.next_step)]
    return [
        *_setting_problems(system, manifest, file),
        *(
            FirmProblem(file=file, message=f"{manifest.title} cannot read {name}.", next_step="Remove it from reads.")
            for name in system.reads
            if manifest.read(name) is None
        ),
        *(
            FirmProblem(file=file, message=f"{manifest.title} cannot take {name}.", next_step="Remove it from takes.")
            for name in system.takes
            if manifest.write(name) is None
        ),
    ]


def _setting_problems(system: SystemConfig, manifest: Manifest, file: str) -> list[FirmProblem]:
    problems = []
    given = {**system.settings, **system.secrets}
    for setting in manifest.settings:
        if setting.required and setting.default is None and setting.name not in given:
            kind = "secrets" if setting.secret else "settings"
            problems.append(
                FirmProblem(
                    file=file,
                    message=f"The {kind} lack {setting.name} ({setting.description}).",
                    next_step=f"Add it below [{kind}].",
                )
            )
        if setting.secret and setting.name in system.settings:
            problems.append(
                FirmProblem(
                    file=file,
                    message=f"{setting.name} is a secret and stands in plain text.",
                    next_step="Move it to [secrets] as env:NAME, file:PATH or store:NAME.",
                )
            )
    known = {one.name for one in manifest.settings}
    problems += [
        FirmProblem(file=file, message=f"{manifest.title} knows no setting {name}.", next_step="Remove or correct it.")
        for name in sorted(set(given) - known)
    ]
    return problems


def _ownership(directory: Path, problems: list[FirmProblem]) -> tuple[list[OwnershipRule], list[ControlRule]]:
    file = "ownership.toml"
    path = directory / file
    if not path.exists():
        return [], []
    table = _toml(directory, path, problems)
    rules = _convert(table.pop("rule", []), list[OwnershipRule], file, problems)
    controls = _convert(table.pop("control", []), list[ControlRule], file, problems)
    problems += [
        FirmProblem(file=file, message=f"There is no table {name!r}.", next_step="Use [[rule]] and [[control]].")
        for name in table
    ]
    return rules or [], controls or []


def _streams(directory: Path, problems: list[FirmProblem]) -> StreamPolicies:
    path = directory / STREAMS_FILE
    return read_streams(_toml(directory, path, problems), problems) if path.exists() else StreamPolicies()


def _labour(directory: Path, problems: list[FirmProblem]) -> dict[str, LabourPolicy]:
    path = directory / LABOUR_FILE
    return read_labour(_toml(directory, path, problems), problems) if path.exists() else {}


def _service_levels(directory: Path, problems: list[FirmProblem]) -> ServiceLevels:
    path = directory / SERVICE_LEVELS_FILE
    return read_service_levels(_toml(directory, path, problems), problems) if path.exists() else ServiceLevels()


def _notices(directory: Path, problems: list[FirmProblem]) -> NoticePolicy:
    path = directory / NOTICES_FILE
    return read_notices(_toml(directory, path, problems), problems) if path.exists() else NoticePolicy()


def _policies(directory: Path, problems: list[FirmProblem]) -> list[EntityPolicy]:
    folder = directory / "policies"
    default_path = folder / "default.toml"
    default = _toml(directory, default_path, problems) if default_path.exists() else {}
    policies = []
    for path in sorted(folder.glob("*.toml")):
        if path.stem == "default":
            continue
        table = {"entity": path.stem, **default, **_toml(directory, path, problems)}
        found = _convert(table, EntityPolicy, f"policies/{path.name}", problems)
        if found is not None:
            policies.append(found)
    return policies


def _left_open(config: FirmConfig) -> list[FirmProblem]:
    """What still says ``FILL_IN``."""
    places = [
        (f"systems/{system.name}.toml", name)
        for system in config.systems
        for name, value in (*system.settings.items(), *system.secrets.items())
        if value == FILL_IN
    ]
    if config.policies and all(FILL_IN in one.accounts.values() for one in config.policies):
        stated = {role for one in config.policies for role, number in one.accounts.items() if number == FILL_IN}
        places += [("policies/default.toml", f"accounts.{role}") for role in sorted(stated)]
    else:
        places += [
            (f"policies/{policy.entity}.toml", f"accounts.{role}")
            for policy in config.policies
            for role, number in policy.accounts.items()
            if number == FILL_IN
        ]
    return [
        FirmProblem(file=file, message=f"{name} still says {FILL_IN}.", next_step="Write what only you know there.")
        for file, name in places
    ]


def _contradictions(config: FirmConfig) -> list[FirmProblem]:
    problems = _left_open(config)
    for policy in config.policies:
        file = f"policies/{policy.entity}.toml"
        problems += [
            FirmProblem(file=file, message=f"accounts lacks {role}.", next_step="Add the account number.")
            for role in ACCOUNT_ROLES
            if role not in policy.accounts
        ]
        try:
            exponent(policy.functional_currency)
        except UnknownCurrencyError as error:
            problems.append(FirmProblem(file=file, message=str(error), next_step="Use an ISO 4217 code."))
        unknown = sorted(set(policy.journal_grain) - {"accounting_date", "project"})
        if unknown or policy.line_grain not in {"journal", "entry"}:
            problems.append(
                FirmProblem(
                    file=file,
                    message=f"Unknown grain: {', '.join(unknown) or policy.line_grain}.",
                    next_step="journal_grain knows accounting_date and project; line_grain journal and entry.",
                )
            )
    problems += poster_problems(config)
    problems += delivery_problems(config)
    problems += _mixed_environments(config)
    return problems


def _mixed_environments(config: FirmConfig) -> list[FirmProblem]:
    kinds = {str(system.environment) for system in config.systems if system.connector != API_CONNECTOR}
    if len(kinds) < 2:  # noqa: PLR2004 - one kind is no mixture
        return []
    return [
        FirmProblem(
            file="systems",
            message="A sandbox system is paired with a production system.",
            next_step="Use systems of one environment in one firm directory.",
        )
    ]


def _convert(table: object, type_: type[_T], file: str, problems: list[FirmProblem]) -> _T | None:
    try:
        return msgspec.convert(table, type_, strict=False)
    except msgspec.ValidationError as error:
        problems.append(FirmProblem(file=file, message=f"{error}.", next_step="Correct the named setting."))
        return None
