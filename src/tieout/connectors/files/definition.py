"""The definition of a system that exchanges files: what a TOML file of the firm directory says, as values.

Neighbours: ``parsing`` reads and checks it, ``rows`` and ``workbook`` cut files by their ``Layout``, ``controls`` holds
them against their trailers, ``mapping`` understands rows by ``connect.by_rule``. Every row has, beside its columns,
``#file`` (its name), ``#row`` (its number, from 1), ``#key`` (the ``key`` columns with bars between) and ``#NAME`` for
every named group of the file name's pattern (``#sequence``, ``#period``).
"""

import re
from typing import Final, Literal, TypeAlias

import msgspec

from tieout.connect.by_rule.rule import Fields, ItemRules
from tieout.connect.manifest import Role
from tieout.connect.outcome import RejectionCode

SEQUENCE: Final = "sequence"
KEY: Final = "#key"
Encoding: TypeAlias = Literal["utf-8", "utf-8-sig", "utf-16", "cp1252", "iso-8859-1"]
Position: TypeAlias = tuple[int, int]
"""Where a column of a fixed-width line begins (from 1) and how many characters it has."""


class Trailer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The last line of a file, which says what the lines before come to.

    It begins with ``mark`` (its first cell, or its first characters). ``columns`` name its cells in order, in a
    fixed-width file ``positions`` do. ``rows`` names the cell with the number of rows, ``sums`` of columns of the file
    the cells with their totals, ``digest`` the cell with the SHA-256 of all bytes before the trailer's line.
    ``hashes`` are hash totals: sums that mean nothing, of the digits of a column (``P-017`` counts as 17).
    """

    mark: str
    columns: tuple[str, ...] = ()
    positions: dict[str, Position] = {}
    rows: str | None = None
    sums: dict[str, str] = {}
    hashes: dict[str, str] = {}
    digest: str | None = None


class Layout(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a file is cut into rows of named columns.

    ``header``: the first line names the columns; without it ``columns`` do, in order. A fixed-width file has
    ``positions``. ``decimal`` and ``group`` are the marks in numbers that are added up for the trailer. ``skip`` are
    lines before everything.
    """

    format: Literal["csv", "fixed", "xlsx"]
    columns: tuple[str, ...] = ()
    positions: dict[str, Position] = {}
    header: bool = True
    encoding: Encoding = "utf-8"
    delimiter: str = ","
    quote: str = '"'
    line_end: Literal["\n", "\r\n"] = "\n"
    decimal: str = "."
    group: str | None = None
    skip: int = 0
    sheet: str | None = None
    trailer: Trailer | None = None


class Inbox(ItemRules, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Files that are read. ``pattern`` is a regular expression of the whole name; ``folder`` lies below the root.

    ``ready`` says how a file is known to be whole: ``stable`` (size and time did not change for ``stable_s``, and it
    ends with its trailer where its layout has one), ``marker`` (a file of the same name with ``marker`` behind it lies
    beside it) or ``renamed`` (it is given its name when it is whole). One that is not whole ``whole_within_s`` seconds
    after it was seen first is told. A group ``sequence`` of the pattern numbers files without gaps, from 1, apart for
    each value of the other groups named in ``sequence_by``.
    """

    folder: str
    pattern: str
    layout: Layout
    key: tuple[str, ...]
    ready: Literal["stable", "marker", "renamed"] = "stable"
    stable_s: float = 10.0
    whole_within_s: float = 3600.0
    marker: str = ".done"
    sequence_by: tuple[str, ...] = ()
    max_bytes: int = 32 * 1024 * 1024
    max_rows: int = 100_000

    @property
    def regex(self) -> re.Pattern[str]:
        """The pattern, compiled; it must fit the whole name."""
        return re.compile(self.pattern)

    @property
    def is_numbered(self) -> bool:
        """Whether files have a sequence number."""
        return SEQUENCE in self.regex.groupindex


class Acknowledgement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the other side says what became of a file: one file of its own beside or below ``folder``.

    Its name is that of our file with ``accepted`` or ``rejected`` behind it. A rejection holds rows of ``layout``;
    ``code`` and ``text`` name its columns, ``rejections`` translates codes. ``ref``, ``amount``, ``currency``,
    ``date`` and ``hours`` name columns of an acceptance: what was recorded, under which number.
    """

    folder: str
    layout: Layout
    accepted: str = ".ok"
    rejected: str = ".err"
    code: str = "code"
    text: str = "text"
    ref: str = "ref"
    amount: str | None = None
    currency: str | None = None
    date: str | None = None
    hours: str | None = None
    rejections: dict[str, RejectionCode] = {}


class Outbox(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A command that is written: one file each, under a name that follows from its reference.

    ``name`` may say ``{reference}`` and ``{entity}`` and must say the reference. ``rows`` is the path of the list that
    becomes rows (``lines``), ``cells`` are the columns of each by name, in the order of the file; in them ``line`` is
    the row's own item, a line of a journal with ``functional_minor`` (debit less credit) beside its own fields.
    """

    command: str
    folder: str
    name: str
    layout: Layout
    rows: str
    cells: Fields
    acknowledgement: Acknowledgement


class LedgerExport(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the ledger tells what it holds: one file for each legal entity, rewritten whenever it changes.

    ``name`` may say ``{entity}``; columns are by what they mean.
    """

    folder: str
    name: str
    layout: Layout
    reference: str = "reference"
    ref: str = "ref"
    accounting_date: str = "date"
    period: str = "period"
    account: str = "account"
    functional: str = "functional"
    functional_currency: str = "functional_currency"
    amount: str = "amount"
    currency: str = "currency"


class Definition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One system that exchanges files. ``documentation`` names what its layouts were written by.

    ``answer_within_s`` is how long a write waits for its acknowledgement; ``max_in_flight_s`` the longest time after
    which a file may still be taken up.
    """

    title: str
    role: Role
    documentation: tuple[str, ...]
    inbox: tuple[Inbox, ...] = ()
    outbox: tuple[Outbox, ...] = ()
    ledger: LedgerExport | None = None
    answer_within_s: float = 30.0
    max_in_flight_s: float = 3600.0

    def inbox_of(self, object_name: str) -> Inbox | None:
        """How ``object_name`` is read, or None."""
        return next((one for one in self.inbox if one.object == object_name), None)

    def outbox_of(self, command: str) -> Outbox | None:
        """How ``command`` is written, or None."""
        return next((one for one in self.outbox if one.command == command), None)
