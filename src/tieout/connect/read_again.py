"""A read within a write is asked again: giving up a whole write for it would cost minutes, asking again costs nothing.

For sinks, whose writes take several requests; sources leave it to whoever polls them.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from tieout.errors import AccessError, TransientError

PAUSES_S: Final = (0.1, 0.4)
"""Before the second and the third time; what fails then fails the write."""

_T = TypeVar("_T")


async def read_again(read: Callable[[], Awaitable[_T]]) -> _T:
    """What ``read`` tells, at most at the third time.

    A refusal of the credentials is asked again too: one may be a slip, and it would pause the whole system. Not so
    where the other side asked for a wait. Raises what the last reading raises.
    """
    for pause_s in PAUSES_S:
        try:
            return await read()
        except (TransientError, AccessError) as error:
            if isinstance(error, TransientError) and error.retry_after_s is not None:
                raise
        await asyncio.sleep(pause_s)
    return await read()
