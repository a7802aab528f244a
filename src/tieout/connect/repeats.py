"""Holds back answers that say what the last walk said, byte for byte, so that idle polling stores nothing.

Neighbours: a connector's source asks before it hands on a page, and keeps the digests in its cursor. From the first
news on all answers of a walk go out, and so do those of a walk that is resumed: its end has to be stored, or it would
be resumed for ever.
"""

import hashlib
from collections.abc import Iterable
from typing import Final

MOST_REMEMBERED: Final = 64


def digest(payload: bytes) -> str:
    """What a cursor remembers of an answer: 16 hexadecimal digits."""
    return hashlib.sha256(payload).hexdigest()[:16]


class Repeats:
    """Knows the answers of the last walk (``seen``); ``resumed`` where this walk was begun by another reader."""

    def __init__(self, seen: Iterable[str], *, resumed: bool) -> None:
        self._seen = frozenset(seen)
        self._has_told = resumed

    def is_news(self, payload: bytes, item_count: int | None) -> bool:
        """Whether an answer is to go out; one without items, or one known from the last walk, waits for news."""
        if not self._has_told and (item_count == 0 or digest(payload) in self._seen):
            return False
        self._has_told = True
        return True
