"""Positions in a source: where a walk stands, where the next one starts, and what was seen already. Pure.

A walk asks for all records written from ``since`` on, oldest change first. A record can become visible after its time,
because its transaction took long: so the next walk starts ``CHANGE_OVERLAP_S`` before the server's own time at the
first answer of this one. That time, not the newest record read, is what settles: a record may change while the rest of
an answer is fetched, and its new time says nothing about records that changed before it.
Neighbours: ``read`` asks, with ``soql``.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from tieout.connect.json_codec import JsonValue
from tieout.connectors.salesforce.fields import Row, UnmappableError, instant_of
from tieout.connectors.salesforce.manifest import CHANGE_OVERLAP_S
from tieout.connectors.salesforce.soql import Place
from tieout.errors import ContractError

SEEN_ANSWERS: Final = 64


class Cursor(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where reading goes on. ``started`` is there while a walk is under way: the server's time at its first answer.

    ``more`` leads to the rest of the last answer, ``changed`` and ``key`` name the record after which a fresh question
    goes on. ``seen`` and ``walked`` are digests of the answers of the last and of this walk, to hold back exact
    repeats; ``refused`` is the digest of an answer that could not be read and was given out.
    """

    since: datetime | None = None
    started: datetime | None = None
    more: str | None = None
    changed: datetime | None = None
    key: str | None = None
    seen: tuple[str, ...] = ()
    walked: tuple[str, ...] = ()
    refused: str | None = None

    @property
    def place(self) -> Place | None:
        """The record after which a fresh question goes on."""
        return None if self.changed is None or self.key is None else Place(self.changed, self.key)

    def text(self) -> str:
        """The cursor as the opaque text that is stored."""
        return msgspec.json.encode(self).decode()

    def knows(self, payload: bytes) -> bool:
        """Whether the last walk gave this very answer."""
        return digest(payload) in self.seen

    def walked_on(self, payload: bytes, *, at: datetime, more: str | None, place: Place | None) -> "Cursor":
        """The cursor after an answer that is not the last of its walk."""
        return msgspec.structs.replace(
            self,
            started=self.started or at,
            more=more,
            changed=None if place is None else place.changed,
            key=None if place is None else place.key,
            walked=(*self.walked, digest(payload))[-SEEN_ANSWERS:],
            refused=None,
        )

    def finished(self, payload: bytes, *, at: datetime) -> "Cursor":
        """The cursor after the last answer of a walk."""
        settled = (self.started or at) - timedelta(seconds=CHANGE_OVERLAP_S)
        return Cursor(
            since=settled if self.since is None else max(settled, self.since),
            seen=(*self.walked, digest(payload))[-SEEN_ANSWERS:],
        )


def read_cursor(text: str | None) -> Cursor:
    """The cursor in a stored text; None is the beginning. Raises ContractError where it is not ours."""
    if text is None:
        return Cursor()
    try:
        return msgspec.json.decode(text, type=Cursor)
    except msgspec.MsgspecError as error:
        raise not_ours(text) from error


def not_ours(text: str) -> ContractError:
    """The error for a stored position that this connector has not made."""
    return ContractError(
        code="TIE-SALESFORCE-001", message=f"The stored position {text[:80]!r} is not one of the Salesforce connector."
    )


def digest(payload: bytes) -> str:
    """Tells answers apart."""
    return hashlib.sha256(payload).hexdigest()[:16]


def place_of(rows: Sequence[JsonValue]) -> Place:
    """The last of ``rows``; raises ContractError where it does not say which record it is and when it was written."""
    last = rows[-1] if rows else None
    try:
        row = Row(last if isinstance(last, dict) else {})
        return Place(instant_of(row.value("SystemModstamp"), "SystemModstamp"), row.key())
    except UnmappableError as error:
        raise ContractError(
            code="TIE-SALESFORCE-002", message=f"After a record of Salesforce nothing can be asked: {error}."
        ) from error
