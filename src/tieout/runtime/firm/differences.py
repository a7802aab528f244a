"""What differs between two configurations of a firm, line by line in the words of its files. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from tieout.model.firm import FirmConfig


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One setting or line: ``before`` None where it is added, ``after`` None where it is removed."""

    file: str
    subject: str
    before: str | None
    after: str | None

    def words(self) -> str:
        """The difference as one line."""
        if self.before is None:
            return f"+ {self.file}: {self.subject} {self.after}".rstrip()
        if self.after is None:
            return f"- {self.file}: {self.subject} {self.before}".rstrip()
        return f"~ {self.file}: {self.subject} {self.before} -> {self.after}"


def differences(before: FirmConfig | None, after: FirmConfig) -> Iterator[Difference]:
    """Everything that ``after`` states otherwise than ``before``, in the order of files and subjects."""
    known = {} if before is None else _stated(before)
    wanted = _stated(after)
    for key in sorted(known.keys() | wanted.keys()):
        old, new = known.get(key), wanted.get(key)
        if old != new:
            yield Difference(file=key[0], subject=key[1], before=old, after=new)


def _stated(config: FirmConfig) -> dict[tuple[str, str], str]:
    """File and subject of everything that a configuration states, with its value in words.

    A line of a table is its own subject: lines have no key, so a changed one is a removed and an added one.
    """
    found: dict[tuple[str, str], str] = {("tieout.toml", "name"): config.name}
    found |= _settings("tieout.toml", msgspec.to_builtins(config.oversight))
    found |= _settings("service_levels.toml", msgspec.to_builtins(config.service_levels))
    for system in config.systems:
        found |= _settings(f"systems/{system.name}.toml", msgspec.to_builtins(system), leave=("name",))
    for name, delivery in config.deliveries.items():
        found |= _settings(f"systems/{name}.toml", {"delivery": msgspec.to_builtins(delivery)})
    for name, labour in config.labour.items():
        found |= _settings("labour_policies.toml", {name: msgspec.to_builtins(labour)})
    for policy in config.policies:
        found |= _settings(f"policies/{policy.entity}.toml", msgspec.to_builtins(policy), leave=("entity",))
    owned = (*config.ownership, *config.controls)
    found |= {("ownership.toml", _line(msgspec.to_builtins(rule))): "" for rule in owned}
    for mapping in config.mappings:
        found[f"mappings/{mapping.table}.csv", _line(msgspec.to_builtins(mapping), leave=("table", "line"))] = ""
    for rate in config.rates:
        line = _line(msgspec.to_builtins(rate), leave=("context", "line"))
        found[f"mappings/{rate.context}_rates.csv", line] = ""
    for fx_rate in config.fx_rates:
        found["fx.csv", _line(msgspec.to_builtins(fx_rate))] = ""
    return found | _settings("streams.toml", msgspec.to_builtins(config.streams))


def _settings(file: str, table: Mapping[str, Any], *, leave: tuple[str, ...] = ()) -> dict[tuple[str, str], str]:
    return {(file, name): words for name, words in _flat(table) if name.split(".")[0] not in leave}


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        elif isinstance(value, list | tuple) and value and all(isinstance(one, dict) for one in value):
            yield from ((f"{prefix}{name} {_line(one)}", "") for one in value)
        else:
            yield f"{prefix}{name}", _words(value)


def _line(fields: Mapping[str, Any], *, leave: tuple[str, ...] = ()) -> str:
    told = {name: value for name, value in fields.items() if name not in leave and value is not None}
    return ", ".join(f"{name} {_words(value)}" for name, value in told.items())


def _words(value: object) -> str:
    if isinstance(value, list | tuple):
        return "[" + ", ".join(str(one) for one in value) + "]"
    return str(value)
