"""Connections as every step uses them: UTC, schema ``tieout``, marked as the product's own writer, bounded retries."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeAlias, TypeVar

import psycopg
from psycopg import AsyncConnection, Connection, Cursor
from psycopg_pool import AsyncConnectionPool, ConnectionPool, PoolTimeout

from tieout.errors import TransientError

Row: TypeAlias = tuple[object, ...]
Pool: TypeAlias = ConnectionPool[Connection[Row]]
AsyncPool: TypeAlias = AsyncConnectionPool[AsyncConnection[Row]]

# The keep-alives let the server find out within half a minute that a host with a claim has vanished.
_SESSION: Final = (
    "-c timezone=UTC -c tieout.writer=on -c jit=off "
    "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3"
)
_CONNECT_WITHIN_S: Final = 10
_ATTEMPTS: Final = 8
_FIRST_PAUSE_S: Final = 0.005
_RETURN_PAUSE_S: Final = 0.05
_T = TypeVar("_T")


def conninfo(url: str, *, application: str, schema: str = "tieout", entities: str = "") -> str:
    """``url`` with the session settings of the product; ``entities``: what row-level security shows it."""
    shown = f" -c tieout.entities={entities}" if entities else ""
    return psycopg.conninfo.make_conninfo(
        url,
        application_name=application,
        options=f"-c search_path={schema} {_SESSION}{shown}",
        connect_timeout=_CONNECT_WITHIN_S,
    )


def connect(url: str, *, application: str = "tieout", autocommit: bool = False) -> Connection[Row]:
    """One connection of the product; raises TransientError (TIE-STORE-001) when the database cannot be reached."""
    try:
        return psycopg.connect(conninfo(url, application=application), autocommit=autocommit)
    except psycopg.OperationalError as error:
        raise TransientError(code="TIE-STORE-001", message=f"The database cannot be reached: {error}") from error


async def connect_async(url: str, *, application: str = "tieout") -> AsyncConnection[Row]:
    """As ``connect``, for the event loop; in autocommit."""
    try:
        return await AsyncConnection.connect(conninfo(url, application=application), autocommit=True)
    except psycopg.OperationalError as error:
        raise TransientError(code="TIE-STORE-001", message=f"The database cannot be reached: {error}") from error


def sync_pool(url: str, *, application: str, size: int, entities: str = "") -> Pool:
    """An open pool of at most ``size`` connections; a connection that broke is replaced when it is handed out.

    ``entities``: what row-level security shows connections of doors where no principal is set; empty: nothing.
    """
    return ConnectionPool(
        conninfo(url, application=application, entities=entities),
        min_size=1,
        max_size=size,
        open=True,
        check=ConnectionPool.check_connection,
        name=application,
    )


def async_pool(url: str, *, application: str, size: int) -> AsyncPool:
    """As ``sync_pool`` for the event loop, to be opened by the caller (``async with``)."""
    return AsyncConnectionPool(
        conninfo(url, application=application),
        min_size=1,
        max_size=size,
        open=False,
        check=AsyncConnectionPool.check_connection,
        name=application,
    )


def bytes_of(value: object) -> bytes:
    """A value of a column of type bytea; raises TypeError for what is none."""
    if not isinstance(value, bytes):
        raise TypeError(value)
    return value


def in_transaction(conn: Connection[Row], work: Callable[[Cursor[Row]], _T]) -> _T:
    """Run ``work`` in one transaction, again from the start after a deadlock, a lost race or a unique conflict.

    ``work`` may run several times and has no effect outside the database. Raises TransientError: TIE-STORE-007 when it
    lost every race, TIE-STORE-001 when the connection broke (what was not committed is gone).
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
            time.sleep(_FIRST_PAUSE_S * 2**attempt)
        except psycopg.OperationalError as error:
            if not conn.broken:
                raise
            raise TransientError(
                code="TIE-STORE-001", message=f"The database went away in a transaction: {error}"
            ) from error
    raise AssertionError


def run_in_transaction(pool: Pool, work: Callable[[Cursor[Row]], _T]) -> _T:
    """``in_transaction`` on a connection of ``pool``."""
    with pool.connection() as conn:
        return in_transaction(conn, work)


@contextmanager
def losing_database() -> Iterator[None]:
    """Turns the driver's words for a database that went away into TransientError (TIE-STORE-001)."""
    try:
        yield
    except (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout) as error:
        raise TransientError(code="TIE-STORE-001", message=f"The database was lost: {error}") from error


def patiently(work: Callable[[], _T], *, within_s: float) -> _T:
    """Do ``work`` again while the database is away, for at most ``within_s`` seconds; it must be safe to repeat.

    Raises TransientError (TIE-STORE-001) when the database did not come back in time.
    """
    deadline = time.monotonic() + within_s
    while True:
        try:
            with losing_database():
                return work()
        except TransientError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(_RETURN_PAUSE_S)
