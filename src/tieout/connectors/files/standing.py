"""How far an object of files was read, and what keeps it from being read on: the cursor and the notices. Pure.

Everything that must be known at the next read is in the cursor, which the hub keeps. Neighbours: ``read`` moves it.
"""

from collections.abc import Collection, Iterable, Iterator
from typing import Final

import msgspec

from tieout.connect.source import Notice
from tieout.connectors.files.definition import Inbox
from tieout.errors import ContractError

_REMEMBERED: Final = 200
"""Of how many numbers it is known what came under them, so that the same file once more is told from another one."""


class Gap(msgspec.Struct, kw_only=True):
    """Where a series stands still: the number that is missing (None: that of an unfinished file), and what waits."""

    number: int | None
    series: str
    waiting: list[str] = []


class Position(msgspec.Struct, kw_only=True):
    """How far an object was read.

    ``last`` is by series its last number, ``numbers`` what came under the newest ones (by series and number, the
    digest), ``known`` by name the digest of what lies there, ``unfinished`` by name since when (seconds since 1970) it
    is seen and not whole. ``is_told``: notices stand.
    """

    last: dict[str, int] = {}
    numbers: dict[str, str] = {}
    known: dict[str, str] = {}
    unfinished: dict[str, int] = {}
    is_told: bool = False

    def encoded(self) -> str:
        """The cursor."""
        return msgspec.json.encode(self).decode()

    def forget_all_but(self, present: Collection[str]) -> None:
        """Of files that do not lie there any more nothing is known by name."""
        self.known = {name: digest for name, digest in self.known.items() if name in present}
        self.unfinished = {name: since for name, since in self.unfinished.items() if name in present}

    def take(self, series: str, number: int, digest: str) -> None:
        """A number of a series has come."""
        self.last[series] = number
        self.numbers[f"{series}#{number}"] = digest
        while len(self.numbers) > _REMEMBERED:
            del self.numbers[next(iter(self.numbers))]

    def has_taken(self, series: str, digest: str) -> bool:
        """Whether the content came under another number of the series, as long as that is remembered."""
        return any(known == digest and key.startswith(f"{series}#") for key, known in self.numbers.items())

    def taken_as(self, series: str, number: int) -> str | None:
        """The digest of what came under a number, as long as it is remembered."""
        return self.numbers.get(f"{series}#{number}")


def position_of(cursor: str | None) -> Position:
    """The position that a cursor is; raises ContractError (TIE-FILES-001) for one of somebody else."""
    if cursor is None:
        return Position()
    try:
        return msgspec.json.decode(cursor, type=Position)
    except msgspec.DecodeError as error:
        raise ContractError(
            code="TIE-FILES-001", message="The stored position is not one of the connector for files."
        ) from error


def notices_of(inbox: Inbox, position: Position, gaps: Iterable[Gap], *, now_s: int) -> tuple[Notice, ...]:
    """What is to be told of an object as it stands: numbers that are missing, files that stay unfinished too long."""
    return (*_missing(gaps), *_unfinished(inbox, position, now_s))


def _missing(gaps: Iterable[Gap]) -> Iterator[Notice]:
    for gap in gaps:
        if gap.number is None:
            continue
        of_series = f" of {gap.series.replace('|', ', ')}" if gap.series else ""
        more = len(gap.waiting) - 1
        others = f" and {more} more wait" if more else " waits"
        yield Notice(
            code="FILE_MISSING",
            subject=f"{gap.series}#{gap.number}",
            message=f"File number {gap.number}{of_series} is missing; {gap.waiting[0]}{others} for it.",
        )


def _unfinished(inbox: Inbox, position: Position, now_s: int) -> Iterator[Notice]:
    for name, since_s in sorted(position.unfinished.items()):
        waited_s = now_s - since_s
        if waited_s >= inbox.whole_within_s:
            yield Notice(
                code="FILE_UNFINISHED",
                subject=name,
                message=f"{name} is not whole after {waited_s // 60} minutes; nothing of it was taken.",
            )
