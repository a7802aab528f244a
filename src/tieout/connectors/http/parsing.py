"""Reads the definition of a REST system and says everything that is wrong with it. Pure."""

import tomllib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

import msgspec

from tieout.connect.by_rule.problems import body_problems, item_problems, outline_problems
from tieout.connect.manifest import DeleteVisibility, IdempotencyClass
from tieout.connectors.http.definition import (
    COMMANDS,
    Auth,
    Definition,
    Paging,
    ReadPart,
    WritePart,
)
from tieout.errors import ConfigurationError


@lru_cache(maxsize=64)
def parse_definition(text: str) -> Definition:
    """The definition in a TOML text; raises ConfigurationError with everything that is wrong with it."""
    try:
        definition = msgspec.convert(tomllib.loads(text), Definition, strict=False)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise _unusable([str(error)]) from error
    problems = [*_auth_problems(definition.auth), *_general_problems(definition)]
    for read in definition.read:
        problems += [f"read {read.object}: {words}" for words in _read_problems(read)]
    for write in definition.write:
        problems += [f"write {write.command}: {words}" for words in _write_problems(write)]
    if definition.ledger is not None:
        problems += [f"ledger: {words}" for words in _paging_problems(definition.ledger.paging)]
    if problems:
        raise _unusable(problems)
    return definition


def _unusable(problems: list[str]) -> ConfigurationError:
    return ConfigurationError(
        code="TIE-REST-003", message=f"The definition of a REST system cannot be used: {'; '.join(problems)}."
    )


_NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "basic": ("user",),
    "header": ("header",),
    "oauth2": ("client_id", "token_path"),
}


def _auth_problems(auth: Auth) -> Iterable[str]:
    return (f"auth {auth.kind} needs {name}" for name in _NEEDED.get(auth.kind, ()) if getattr(auth, name) is None)


def _general_problems(definition: Definition) -> Iterable[str]:
    return outline_problems(
        {
            "read": [one.object for one in definition.read],
            "write": [one.command for one in definition.write],
        },
        documentation=definition.documentation,
        posts=definition.write_part("post_journal") is not None,
        has_ledger=definition.ledger is not None,
    )


def _read_problems(read: ReadPart) -> Iterable[str]:
    yield from item_problems(read)
    yield from _change_problems(read)
    yield from _paging_problems(read.paging)


def _change_problems(read: ReadPart) -> Iterable[str]:
    if read.changed is not None:
        if read.version is None:
            yield "changed needs version, to know how far it has read"
        elif (read.changed.format == "integer") != (read.version.format == "integer"):
            yield "changed and version must both be integers or both be times"
        if read.changed.format != "integer" and read.overlap_s <= 0:
            yield "overlap_s must be above zero, or late changes are lost"
    if read.deletes is not DeleteVisibility.ABSENCE and read.deleted is None:
        yield f"deletes = {read.deletes.value} needs deleted, to know which items are"
    if read.deleted is not None and read.deleted.path is None and not read.deleted.always:
        yield "deleted needs path or always"


def _paging_problems(paging: Paging) -> Iterable[str]:
    if paging.kind in {"page", "offset", "cursor"} and paging.param is None:
        yield f"paging by {paging.kind} needs param"
    if paging.kind == "cursor" and paging.next is None:
        yield "paging by cursor needs next"
    if paging.size <= 0 or paging.first < 0:
        yield "paging needs a size above zero and a first page from zero on"


def _write_problems(write: WritePart) -> Iterable[str]:
    kind = COMMANDS.get(write.command)
    if kind is None:
        yield f"it is no command; known are {', '.join(COMMANDS)}"
        return
    if write.idempotency is not IdempotencyClass.N and write.find is None:
        yield f"idempotency {write.idempotency.value} needs find; without a look-up it is N"
    if write.idempotency is IdempotencyClass.K and write.key_header is None and write.method != "PUT":
        yield "idempotency K needs key_header, or PUT to a path that the command names"
    yield from body_problems(write.command, kind, write.body)
