"""Sums that were just made, kept for some seconds: many who look, and pages that refresh themselves, cost one reading.

What is kept is known by the legal entities that the reader sees, so that nobody is shown what another may see. Whoever
changes something through the console drops all of it (``View.go``): nobody waits for his own act to show.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from datetime import datetime, timedelta
from typing import Final, TypeVar

_KEPT: Final = 512
_T = TypeVar("_T")


class Recent:
    """Values by key, each for ``lasts``; the eldest go first when there are too many."""

    def __init__(self, lasts: timedelta) -> None:
        self._lasts = lasts
        self._lock = threading.Lock()
        self._values: OrderedDict[Hashable, tuple[datetime, object]] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], _T], *, now: datetime) -> _T:
        """The value of ``key``, made by ``make`` where there is none or it is too old."""
        with self._lock:
            made_at, value = self._values.get(key, (None, None))
        if made_at is not None and now - made_at < self._lasts:
            return value  # type: ignore[return-value]  # a key is of one kind of value
        made = make()
        with self._lock:
            self._values[key] = (now, made)
            self._values.move_to_end(key)
            while len(self._values) > _KEPT:
                self._values.popitem(last=False)
        return made

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._values.clear()
