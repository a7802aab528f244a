"""The two kinds of limiter a vendor account needs, as a protocol; ``storage`` shares them over all processes."""

from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Protocol

from tieout.connect.manifest import Limits


class Throttle(Protocol):
    """Keeps all flows on one account inside the vendor's rate window and concurrency."""

    def acquire(self, account: str, limits: Limits) -> AbstractAsyncContextManager[None]:
        """Hold one request's place; waits until there is one."""
        ...

    async def penalise(self, account: str, retry_after_s: float) -> None:
        """Let no request of ``account`` start for ``retry_after_s`` seconds."""
        ...


class NoThrottle:
    """For accounts without limits, and for tests of one connector alone."""

    def acquire(self, account: str, limits: Limits) -> AbstractAsyncContextManager[None]:
        """Grant at once."""
        del account, limits
        return nullcontext()

    async def penalise(self, account: str, retry_after_s: float) -> None:
        """Ignore: there is nothing to slow down."""
        del account, retry_after_s
