"""Reads the definition of a system that exchanges files and says everything that is wrong with it. Pure."""

import re
import tomllib
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

import msgspec

from tieout.connect.by_rule.problems import item_problems, outline_problems, rule_problems
from tieout.connectors.files.definition import Definition, Inbox, Layout, Outbox
from tieout.errors import ConfigurationError
from tieout.model.journal import PostJournal
from tieout.model.payroll import PostPayrollHours

COMMANDS: Final = {str(kind.__struct_config__.tag): kind for kind in (PostJournal, PostPayrollHours)}
"""The commands that can be written as files."""


@lru_cache(maxsize=64)
def parse_definition(text: str) -> Definition:
    """The definition in a TOML text; raises ConfigurationError (TIE-FILES-005) with all that is wrong with it."""
    try:
        definition = msgspec.convert(tomllib.loads(text), Definition, strict=False)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise _unusable([str(error)]) from error
    problems = list(_general_problems(definition))
    for inbox in definition.inbox:
        problems += [f"inbox {inbox.object}: {words}" for words in _inbox_problems(inbox)]
    for outbox in definition.outbox:
        problems += [f"outbox {outbox.command}: {words}" for words in _outbox_problems(outbox)]
    if definition.ledger is not None:
        problems += [f"ledger: {words}" for words in _layout_problems(definition.ledger.layout)]
    if problems:
        raise _unusable(problems)
    return definition


def _unusable(problems: list[str]) -> ConfigurationError:
    return ConfigurationError(
        code="TIE-FILES-005", message=f"The definition of a system of files cannot be used: {'; '.join(problems)}."
    )


def _general_problems(definition: Definition) -> Iterator[str]:
    yield from outline_problems(
        {
            "inbox": [one.object for one in definition.inbox],
            "outbox": [one.command for one in definition.outbox],
        },
        documentation=definition.documentation,
        posts=definition.outbox_of("post_journal") is not None,
        has_ledger=definition.ledger is not None,
    )
    folders = [*(one.folder for one in definition.inbox), *(one.folder for one in definition.outbox)]
    yield from (
        f"the folder {folder!r} does not lie below the root"
        for folder in folders
        if folder.startswith("/") or ".." in folder.split("/")
    )


def _inbox_problems(inbox: Inbox) -> Iterable[str]:
    yield from item_problems(inbox)
    yield from _layout_problems(inbox.layout)
    try:
        groups = set(re.compile(inbox.pattern).groupindex)
    except re.error as error:
        yield f"the pattern cannot be read: {error}"
        return
    yield from (f"the pattern has no group {name!r}" for name in inbox.sequence_by if name not in groups)
    if not inbox.key:
        yield "key names no column, so that no row could be known again"
    if inbox.stable_s < 0 or inbox.whole_within_s < inbox.stable_s or inbox.max_rows < 1 or inbox.max_bytes < 1:
        yield "stable_s, max_rows and max_bytes must be above zero, whole_within_s not below stable_s"


def _outbox_problems(outbox: Outbox) -> Iterable[str]:
    kind = COMMANDS.get(outbox.command)
    if kind is None:
        yield f"it is no command that can be a file; known are {', '.join(COMMANDS)}"
        return
    if "{reference}" not in outbox.name:
        yield "name does not say {reference}, so that one reference were not one file"
    if outbox.layout.format == "xlsx":
        yield "workbooks are read and not written"
    yield from _layout_problems(outbox.layout)
    yield from _layout_problems(outbox.acknowledgement.layout)
    yield from rule_problems(outbox.cells, allows_lists=False)
    if outbox.rows not in kind.__struct_fields__:
        yield f"rows come from {outbox.rows!r}, which {outbox.command} does not have"
    trailer = outbox.layout.trailer
    missing = set() if trailer is None else {*trailer.sums, *trailer.hashes} - outbox.cells.keys()
    yield from (f"the trailer adds up {name!r}, which is no cell" for name in sorted(missing))


def _layout_problems(layout: Layout) -> Iterable[str]:
    if layout.format == "fixed" and not layout.positions:
        yield "a fixed-width layout needs positions"
    if layout.format != "fixed" and not layout.columns and not layout.header:
        yield "a layout without header names its columns"
    if len(layout.delimiter) != 1 or len(layout.quote) != 1:
        yield "delimiter and quote are one character each"
    trailer = layout.trailer
    if trailer is None:
        return
    names = set(trailer.positions if layout.format == "fixed" else trailer.columns)
    totals = {**trailer.sums, **trailer.hashes}
    asked = {name for name in (trailer.rows, trailer.digest, *totals.values()) if name is not None}
    yield from (f"the trailer has no cell {name!r}" for name in sorted(asked - names))
    known = set(layout.positions) | set(layout.columns)
    yield from (f"the trailer adds up {name!r}, which is no column" for name in sorted(totals.keys() - known))
