"""Connections as every step uses them: UTC, schema ``tieout``, marked as the product's own writer, bounded retries."""

import time
from collections.abc import Callable
from typing import TypeVar

import psycopg
from psycopg import AsyncConnection, Connection, Cursor
from psycopg_pool import AsyncConnectionPool, ConnectionPool

from tieout.errors import TransientError

_SESSION = "-c search_path=tieout -c timezone=UTC -c tieout.writer=on -c jit=off"
_ATTEMPTS = 8
_T = TypeVar("_T")


def conninfo(url: str, *, application: str) -> str:
    """``url`` with the session settings of the product."""
    return psycopg.conninfo.make_conninfo(url, application_name=application, options=_SESSION, connect_timeout=10)


def connect(url: str, *, application: str = "tieout", autocommit: bool = False) -> Connection[tuple[object, ...]]:
    """One connection of the product; raises TransientError (TIE-STORE-001) when the database cannot be reached."""
    try:
        return psycopg.connect(conninfo(url, application=application), autocommit=autocommit)
    except psycopg.OperationalError as error:
        raise TransientError(code="TIE-STORE-001", message=f"The database cannot be reached: {error}") from error


async def connect_async(url: str, *, application: str = "tieout") -> AsyncConnection[tuple[object, ...]]:
    """As ``connect``, for the event loop; in autocommit."""
    try:
        return await AsyncConnection.connect(conninfo(url, application=application), autocommit=True)
    except psycopg.OperationalError as error:
        raise TransientError(code="TIE-STORE-001", message=f"The database cannot be reached: {error}") from error


def sync_pool(url: str, *, application: str, size: int) -> ConnectionPool:
    """An open pool of at most ``size`` connections."""
    return ConnectionPool(conninfo(url, application=application), min_size=1, max_size=size, open=True)


def async_pool(url: str, *, application: str, size: int) -> AsyncConnectionPool:
    """A pool of at most ``size`` connections, to be opened by the caller."""
    return AsyncConnectionPool(conninfo(url, application=application), min_size=1, max_size=size, open=False)


def in_transaction(
    conn: Connection[tuple[object, ...]], work: Callable[[Cursor[tuple[object, ...]]], _T]
) -> _T:
    """Run ``work`` in one transaction, again from the start after a deadlock, lost race or unique conflict.

    Raises TransientError (TIE-STORE-007) when it never got through.
    """
    for attempt in range(_ATTEMPTS):
        try:
            with conn.transaction(), conn.cursor() as cur:
                return work(cur)
        except (
            psycopg.errors.SerializationFailure,
            psycopg.errors.DeadlockDetected,
            psycopg.errors.UniqueViolation,
        ) as error:
            if attempt == _ATTEMPTS - 1:
                raise TransientError(
                    code="TIE-STORE-007", message=f"A transaction lost {_ATTEMPTS} races in a row: {error}"
                ) from error
            time.sleep(0.005 * 2**attempt)
    raise AssertionError
