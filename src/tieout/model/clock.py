"""Time as an argument: rules and engines take a Clock, so that tests and simulations own the time."""

from datetime import UTC, datetime, timedelta
from typing import Protocol

from tieout.errors import ContractError


class Clock(Protocol):
    """Tells the present instant in UTC."""

    def now(self) -> datetime:
        """The present instant, with zone UTC."""
        ...


class FixedClock:
    """A clock that stands until it is advanced: for tests and simulated hours."""

    def __init__(self, instant: datetime) -> None:
        if instant.tzinfo is None:
            raise ContractError(code="TIE-MODEL-001", message=f"{instant} names no zone, so it is no instant.")
        self._instant = instant.astimezone(UTC)

    def now(self) -> datetime:
        """The instant it stands at."""
        return self._instant

    def advance(self, seconds: float) -> None:
        """Move on by ``seconds``."""
        self._instant += timedelta(seconds=seconds)
