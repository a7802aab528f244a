"""What the hub leaves in Float to find its own work again: marks in notes and in names. Pure.

Projects and allocations have notes: a line ``Tieout project REFERENCE`` says which version of the hub's project it is,
``Tieout status REFERENCE`` and ``Tieout demand REFERENCE`` which status and which demand were published of it, and
``Tieout line NUMBER/PART`` of which line of a demand an allocation is. People's own notes stay as they are. A tag would
be found by a filter, but every reference that ever was would stay in the team's list of tags.

A client has a name and nothing else, so its name ends with its business code and, where the hub wrote it, with a digest
of the reference: ``Acme Corporation [C-100 7f3a9c21d4]``. Neighbours: ``write``, ``demand`` and ``lookup`` set and find
marks, ``masters`` and ``mapping`` read past them.
"""

import hashlib
import re
from typing import Final, Literal, TypeAlias

import msgspec

Kind: TypeAlias = Literal["project", "status", "demand", "line"]

PROJECT: Final = "project"
STATUS: Final = "status"
DEMAND: Final = "demand"
LINE: Final = "line"

_DIGEST_CHARS: Final = 10
_NAME: Final = re.compile(r"(?P<name>.*\S) \[(?P<code>[^\s\[\]]+)(?: (?P<digest>[0-9a-f]{10}))?\]", re.DOTALL)
_MARK: Final = re.compile(r"^Tieout (?:project|status|demand|line) \S+$", re.MULTILINE)
_LINE_KEY: Final = re.compile(r"(?P<number>\S+)/(?P<part>\d+)")


class CustomerName(msgspec.Struct, frozen=True):
    """The parts of a client's name; ``code`` and ``digest`` where it ends with them."""

    name: str
    code: str | None = None
    digest: str | None = None


class LineKey(msgspec.Struct, frozen=True, order=True):
    """Which part of which line of a demand an allocation is."""

    number: str
    part: int

    @property
    def value(self) -> str:
        """As its mark says it."""
        return f"{self.number}/{self.part}"


def digest_of(reference: str) -> str:
    """The digest of a reference that a client's name carries: 40 bits of it."""
    return hashlib.sha256(reference.encode()).hexdigest()[:_DIGEST_CHARS]


def customer_name(name: str, code: str, reference: str) -> str:
    """The name under which a client is written."""
    return f"{name} [{code} {digest_of(reference)}]"


def split_customer_name(text: str) -> CustomerName:
    """The parts of a client's name."""
    found = _NAME.fullmatch(text)
    return CustomerName(text) if found is None else CustomerName(found["name"], found["code"], found["digest"])


def mark_of(notes: str | None, kind: Kind) -> str | None:
    """The value of the mark of this kind in ``notes``; the last one where people copied it."""
    found = re.findall(rf"^Tieout {kind} (\S+)$", notes or "", re.MULTILINE)
    return str(found[-1]) if found else None


def line_key_of(notes: str | None) -> LineKey | None:
    """Which part of a demand an allocation is, or None where it is none of the hub's."""
    found = _LINE_KEY.fullmatch(mark_of(notes, "line") or "")
    return None if found is None else LineKey(found["number"], int(found["part"]))


def with_mark(notes: str | None, kind: Kind, value: str) -> str:
    """``notes`` with the mark of this kind; other marks and what people wrote stay."""
    mark = f"Tieout {kind} {value}"
    kept = [line for line in (notes or "").splitlines() if not re.fullmatch(rf"Tieout {kind} \S+", line)]
    return "\n".join([*kept, mark])


def without_marks(notes: str | None) -> str:
    """What people wrote in ``notes``."""
    return _MARK.sub("", notes or "").strip()
