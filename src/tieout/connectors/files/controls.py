"""Holds a file against what its trailer says, and makes the trailer of a file that is written. Pure.

A file that does not come to its own control totals is refused as a whole, with both figures. Neighbours: ``rows`` cuts
and writes, ``definition`` says which cell means what.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Final

from tieout.connectors.files.definition import Layout, Trailer
from tieout.connectors.files.rows import Cut, Row
from tieout.errors import ContractError

_DIGITS: Final = frozenset("0123456789")


def check(found: Cut, layout: Layout) -> None:
    """Refuse a file whose rows do not come to its trailer; raises ContractError (TIE-FILES-004) with the figures."""
    if layout.trailer is None or found.trailer is None:
        return
    wrong = list(_differences(found, found.trailer, layout))
    if wrong:
        raise ContractError(
            code="TIE-FILES-004",
            message=f"The file does not come to what its trailer says: {'; '.join(wrong)}. Nothing of it was taken.",
        )


def trailer_of(rows: Sequence[Mapping[str, str]], layout: Layout, before: bytes) -> Row | None:
    """The cells of the trailer of a file with ``rows``, whose bytes so far are ``before``; None where it has none."""
    trailer = layout.trailer
    if trailer is None:
        return None
    names = trailer.columns or tuple(trailer.positions)
    cells: Row = {names[0]: trailer.mark} if names else {}
    if trailer.rows is not None:
        cells[trailer.rows] = str(len(rows))
    for column, cell in trailer.sums.items():
        total = sum((number_of(row.get(column, ""), layout) for row in rows), Decimal(0))
        cells[cell] = f"{total:f}".replace(".", layout.decimal)
    for column, cell in trailer.hashes.items():
        cells[cell] = str(hash_total(row.get(column, "") for row in rows))
    if trailer.digest is not None:
        cells[trailer.digest] = hashlib.sha256(before).hexdigest()
    return cells


def number_of(text: str, layout: Layout) -> Decimal:
    """A number as the file writes it; empty is zero. Raises ContractError (TIE-FILES-004)."""
    plain = text.strip()
    if not plain:
        return Decimal(0)
    if layout.group:
        plain = plain.replace(layout.group, "")
    try:
        number = Decimal(plain.replace(layout.decimal, "."))
    except InvalidOperation as error:
        raise ContractError(code="TIE-FILES-004", message=f"{text!r} is no number that can be added up.") from error
    if not number.is_finite():
        raise ContractError(code="TIE-FILES-004", message=f"{text!r} is no number that can be added up.")
    return number


def hash_total(values: Iterable[str]) -> int:
    """The sum of the digits of each value, read as one number; a value without digits is zero."""
    return sum(int("".join(one for one in value if one in _DIGITS) or 0) for value in values)


def _differences(found: Cut, told: Row, layout: Layout) -> Iterator[str]:
    trailer = layout.trailer
    if trailer is None:
        return
    if trailer.rows is not None and number_of(told.get(trailer.rows, ""), layout) != len(found.rows):
        yield f"it has {len(found.rows)} rows, the trailer says {told.get(trailer.rows, '')}"
    for words, total, cell in _totals(found, trailer, layout):
        if total != number_of(told.get(cell, ""), layout):
            yield f"{words} {total:f}, the trailer says {told.get(cell, '')}"
    if trailer.digest is not None:
        digest = hashlib.sha256(found.before_trailer).hexdigest()
        if digest != told.get(trailer.digest, "").casefold():
            yield f"its SHA-256 is {digest[:12]}…, the trailer says {told.get(trailer.digest, '')[:12]}…"


def _totals(found: Cut, trailer: Trailer, layout: Layout) -> Iterator[tuple[str, Decimal, str]]:
    """What the rows come to, in words and as a number, and the cell that says it."""
    for column, cell in trailer.sums.items():
        added = sum((number_of(row.get(column, ""), layout) for row in found.rows), Decimal(0))
        yield f"{column} adds up to", added, cell
    for column, cell in trailer.hashes.items():
        yield f"the hash total of {column} is", Decimal(hash_total(row.get(column, "") for row in found.rows)), cell
