"""What a consumer relies on, as a file of its own, and whether the published schemas and a running hub keep to it.

Consumers keep such a file beside their code and run ``tieout contract test`` on it: an event that loses a field that
they read, or an object that they send and that would be refused, shows before it is released. Pure but for the file.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, cast

import msgspec
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from tieout.errors import ConfigurationError
from tieout.governance import schema_registry
from tieout.governance.schema_registry import Published


class EventNeed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An event that is read: ``reads`` are the members of its payload that the consumer uses."""

    name: str
    version: int = 1
    reads: tuple[str, ...]


class ObjectNeed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An object that is handed in: ``sends`` is one as the consumer writes it."""

    name: str
    version: int = 1
    sends: dict[str, object]


class RequestNeed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request that is made: the status and the JSON Schema of the answer that the consumer understands."""

    method: Literal["GET", "POST"] = "GET"
    path: str
    body: object = None
    status: int = 200
    answer: dict[str, object] = {}


class ConsumerContract(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that one consumer relies on."""

    consumer: str
    event: tuple[EventNeed, ...] = ()
    object: tuple[ObjectNeed, ...] = ()
    request: tuple[RequestNeed, ...] = ()


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """One need and what of it is not kept; nothing in ``problems``: all of it is. ``newer``: a later version exists."""

    consumer: str
    need: str
    problems: tuple[str, ...] = ()
    newer: int | None = None


def read_contract(path: Path) -> ConsumerContract:
    """The contract in a TOML file; raises ConfigurationError (TIE-SCHEMA-002) when it is none."""
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), ConsumerContract)
    except OSError as error:
        raise ConfigurationError(
            code="TIE-SCHEMA-002", message=f"The contract {path} cannot be read: {error.strerror}."
        ) from error
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise ConfigurationError(code="TIE-SCHEMA-002", message=f"The contract {path}: {error}.") from error


def check_schemas(contract: ConsumerContract) -> list[Kept]:
    """Whether the published schemas keep to the events and objects of ``contract``; needs no hub."""
    return [
        *(_event(contract.consumer, one) for one in contract.event),
        *(_object(contract.consumer, one) for one in contract.object),
    ]


def check_answer(contract: ConsumerContract, need: RequestNeed, *, status: int, body: object) -> Kept:
    """Whether an answer of a hub, decoded from JSON, is what ``need`` understands."""
    problems = [] if status == need.status else [f"it answers {status}, not {need.status}"]
    if not problems and need.answer:
        problems = _violations(need.answer, body)
    return Kept(consumer=contract.consumer, need=f"{need.method} {need.path}", problems=tuple(problems))


def _event(consumer: str, need: EventNeed) -> Kept:
    subject = f"event/{need.name}"
    found = _published(subject, need.version)
    if isinstance(found, str):
        return Kept(consumer=consumer, need=subject, problems=(found,))
    members = _members(found)
    gone = [f"{one} is not told in version {need.version}" for one in need.reads if one not in members]
    return Kept(consumer=consumer, need=subject, problems=tuple(gone), newer=_newer(found))


def _object(consumer: str, need: ObjectNeed) -> Kept:
    subject = f"object/{need.name}"
    found = _published(subject, need.version)
    if isinstance(found, str):
        return Kept(consumer=consumer, need=subject, problems=(found,))
    lost = [f"{one} is not taken" for one in need.sends if one not in _members(found)]
    return Kept(
        consumer=consumer,
        need=subject,
        problems=(*_violations(found.schema, need.sends), *lost),
        newer=_newer(found),
    )


def _published(subject: str, version: int) -> Published | str:
    try:
        return schema_registry.find(subject, version)
    except ConfigurationError as error:
        return error.message


def _newer(found: Published) -> int | None:
    newest = schema_registry.find(found.subject).version
    return newest if newest > found.version else None


def _members(found: Published) -> frozenset[str]:
    definitions = cast("Mapping[str, Mapping[str, object]]", found.schema.get("$defs", {}))
    reference = str(found.schema.get("$ref", "")).rpartition("/")[2]
    root = definitions.get(reference, found.schema)
    return frozenset(cast("Mapping[str, object]", root.get("properties", {})))


def _violations(schema: Mapping[str, object], document: object) -> list[str]:
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        return [f"the schema of the contract is none: {error.message}"]
    validator = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    return [
        f"{'/'.join(str(step) for step in one.absolute_path) or 'it'}: {one.message}"
        for one in validator.iter_errors(document)
    ]
