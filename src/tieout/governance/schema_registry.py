"""The published schemas: of what the hub takes in and of the events that it tells, each with its version.

A published version is a file beside this module; ``check`` compares the code with it, so that a change that would break
somebody needs a new version. ``schema_rules`` says what breaks; the doors serve what is here.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

import msgspec

from tieout.errors import ConfigurationError
from tieout.governance.schema_rules import Direction, Incompatibility, Schema, incompatibilities
from tieout.model.event_catalogue import EVENTS
from tieout.model.reported import ReportedAssignment, ReportedRecord, ReportedTime, ReportedTimeOff

OBJECTS: Final[Mapping[str, tuple[int, type[msgspec.Struct]]]] = {
    "time_entry": (1, ReportedTime),
    "assignment": (1, ReportedAssignment),
    "time_off": (1, ReportedTimeOff),
    "record": (1, ReportedRecord),
}
"""What programs hand in, by the name that it is published under: its version and its type."""
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """One version of one schema. ``subject`` is such as ``event/time.posted`` or ``object/time_entry``."""

    subject: str
    version: int
    direction: Direction
    schema: dict[str, object]

    @property
    def name(self) -> str:
        """The name of its file: subject and version."""
        return f"{self.subject.replace('/', '.')}.v{self.version}.json"


def of_code() -> Iterator[Published]:
    """The schemas as the code has them now."""
    for name, (version, struct) in OBJECTS.items():
        yield _schema_of(f"object/{name}", version, Direction.TAKEN, struct)
    for name, event in EVENTS.items():
        yield _schema_of(f"event/{name}", event.version, Direction.TOLD, event.payload)


@cache
def published() -> tuple[Published, ...]:
    """Every published version, by subject and version."""
    found = [msgspec.json.decode(file.read_bytes(), type=Published) for file in _directory().iterdir() if _holds(file)]
    return tuple(sorted(found, key=lambda one: (one.subject, one.version)))


def find(subject: str, version: int | None = None) -> Published:
    """One published schema, the newest without a version; raises ConfigurationError (TIE-SCHEMA-001) for none."""
    fitting = [one for one in published() if one.subject == subject and version in {None, one.version}]
    if not fitting:
        which = "" if version is None else f" in version {version}"
        raise ConfigurationError(code="TIE-SCHEMA-001", message=f"No schema {subject} is published{which}.")
    return fitting[-1]


def check() -> dict[str, list[Incompatibility]]:
    """What of the code differs from what is published, by subject; empty where both agree.

    A subject that was never published, and a harmless difference, have one line that says so: publish it.
    """
    differing: dict[str, list[Incompatibility]] = {}
    known = {(one.subject, one.version): one for one in published()}
    for one in of_code():
        old = known.get((one.subject, one.version))
        if old is None:
            differing[one.subject] = [Incompatibility(path="/", words="it was never published in this version")]
        elif old.schema != one.schema:
            breaking = incompatibilities(old.schema, one.schema, one.direction)
            differing[one.subject] = breaking or [
                Incompatibility(path="/", words="it changed without harm: publish it")
            ]
    gone = {one.subject for one in published()} - {one.subject for one in of_code()}
    return differing | {one: [Incompatibility(path="/", words="the code does not have it any more")] for one in gone}


def _schema_of(subject: str, version: int, direction: Direction, struct: type[msgspec.Struct]) -> Published:
    schema: dict[str, object] = {"$schema": _DIALECT, **msgspec.json.schema(struct)}
    return Published(subject=subject, version=version, direction=direction, schema=schema)


def _directory() -> Traversable:
    return files("tieout.governance") / "published"


def _holds(file: Traversable) -> bool:
    return file.name.endswith(".json")


def described(schema: Schema) -> str:
    """The title and the words of a schema's root, for people."""
    definitions = schema.get("$defs")
    reference = schema.get("$ref")
    if isinstance(reference, str) and isinstance(definitions, Mapping):
        root = definitions[reference.rpartition("/")[2]]
        return str(root.get("description", root.get("title", "")))
    return str(schema.get("description", schema.get("title", "")))
