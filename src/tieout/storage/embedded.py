"""The embedded PostgreSQL: lives below the home directory, starts and dies with the hub, survives ``kill -9``.

Several commands may use one home at the same time. Each holds an ``EmbeddedPostgres`` whose supervising thread wants
the lock of the home: who has it runs the server, the others attach to it, and when the owner ends (or is killed) the
next one takes over; clients see a short loss of connection, as after a crash. A server that dies is started again
at once. The kernel ends a server whose supervising thread is gone. ``cluster`` knows how a server is made and launched.
"""

import fcntl
import logging
import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import psycopg

from tieout.errors import ConfigurationError, InvariantError, TieoutError, TransientError
from tieout.storage.cluster import ADMIN_ROLE, DATABASE, DOOR_ROLE, ROLE, Cluster
from tieout.storage.leftovers import processes_on

URL_VARIABLE: Final = "TIEOUT_DATABASE_URL"
_READY_WITHIN_S: Final = 60.0
_STOP_WITHIN_S: Final = 30.0
_LOCK_POLL_S: Final = 0.05
_UPKEEP_S: Final = 30.0
_STARTS_IN_A_ROW: Final = 5
_PAUSE_S: Final = 1.0

_log = logging.getLogger(__name__)


class EmbeddedPostgres:
    """One PostgreSQL below ``home``. Use as a context manager, or ``start`` and ``stop``."""

    def __init__(self, home: Path) -> None:
        self._cluster = Cluster(home)
        self._process: subprocess.Popen[bytes] | None = None
        self._supervisor: threading.Thread | None = None
        self._answered = threading.Event()
        self._failure: TieoutError | None = None
        self._stop_signal: int | None = None
        self._is_new = True

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    @property
    def owned(self) -> bool:
        """Whether this object runs the server (and not another command of the same home)."""
        return self._process is not None

    @property
    def pid(self) -> int | None:
        """Process id of the server when this object runs it."""
        process = self._process
        return None if process is None else process.pid

    def url_of(self, database: str, *, role: str = ROLE) -> str:
        """A connection string for ``database`` as ``role``."""
        return psycopg.conninfo.make_conninfo(
            "", host=str(self._cluster.socket_directory()), dbname=database, user=role
        )

    @property
    def url(self) -> str:
        """The connection string of the product's database."""
        return self.url_of(DATABASE)

    def start(self, *, wait_for_lock_s: float = 0.0) -> str:
        """Start the server, or attach to the one another command runs; returns the connection string.

        With ``wait_for_lock_s`` the caller insists on running it and waits so long for other commands to end.
        Raises ConfigurationError (TIE-STORE-002, 003, 004) or TransientError (TIE-STORE-001).
        """
        if self._supervisor is not None:
            raise InvariantError(code="TIE-STORE-010", message="The embedded PostgreSQL was started twice.")
        try:
            self._cluster.root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(
                code="TIE-STORE-004", message=f"{self._cluster.root} cannot be made: {error.strerror}"
            ) from error
        self._failure = None
        self._answered.clear()
        self._stop_signal = os.eventfd(0, os.EFD_CLOEXEC)
        self._supervisor = threading.Thread(target=self._supervise, name="postgres-supervisor", daemon=True)
        self._supervisor.start()
        self._answered.wait()
        self._raise_failure()
        if wait_for_lock_s > 0:
            self._insist(wait_for_lock_s)
        return self.url

    def stop(self) -> None:
        """Stop the server if this object runs it: open transactions are rolled back, nothing committed is lost."""
        if self._supervisor is None or self._stop_signal is None:
            return
        os.eventfd_write(self._stop_signal, 1)
        self._supervisor.join()
        self._supervisor = None
        os.close(self._stop_signal)
        self._stop_signal = None

    def is_running(self) -> bool:
        """Whether a server runs on this home, ours or another command's."""
        process = self._process
        if process is not None:
            return process.poll() is None
        return self._cluster.data.is_dir() and bool(processes_on(self._cluster.data))

    def _raise_failure(self) -> None:
        if self._failure is not None:
            self.stop()
            raise self._failure

    def _insist(self, wait_s: float) -> None:
        deadline = time.monotonic() + wait_s
        while not self.owned:
            if time.monotonic() > deadline:
                self.stop()
                raise ConfigurationError(
                    code="TIE-STORE-004",
                    message=f"Another command keeps the database below {self._cluster.root} running.",
                    next_step="Stop the other command, or use it.",
                )
            time.sleep(_LOCK_POLL_S)

    def _supervise(self) -> None:
        lock = os.open(self._cluster.root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            while not _try_lock(lock):
                if not self._answered.is_set() and self._answers():
                    self._answered.set()
                if self._stop_asked_within(_LOCK_POLL_S):
                    return
            self._run_server()
        except TieoutError as error:
            self._failure = error
        except OSError as error:
            self._failure = ConfigurationError(
                code="TIE-STORE-004", message=f"{self._cluster.root} cannot be used: {error}"
            )
        finally:
            os.close(lock)
            self._answered.set()

    def _run_server(self) -> None:
        """Keep a server running until asked to stop; the lock of the home is ours."""
        starts_in_a_row = 0
        while True:
            started_at = time.monotonic()
            try:
                if self._run_once():
                    return
                _log.warning("PostgreSQL on %s died and is started again", self._cluster.data)
            except TieoutError as error:
                if not self._answered.is_set():
                    raise
                _log.exception("PostgreSQL on %s does not start again: %s", self._cluster.data, error.message)
                starts_in_a_row = _STARTS_IN_A_ROW
            finally:
                self._end_server()
            starts_in_a_row = starts_in_a_row + 1 if time.monotonic() - started_at < _UPKEEP_S else 0
            if starts_in_a_row > _STARTS_IN_A_ROW and self._stop_asked_within(_PAUSE_S):
                return

    def _run_once(self) -> bool:
        """Run one server until asked to stop (True) or until it died (False)."""
        user, capability = self._cluster.prepare()
        self._process = self._cluster.launch(user, capability)
        self._wait_until_ready(self._process)
        self._create_database()
        self._answered.set()
        return self._stopped_or_dead(self._process)

    def _stopped_or_dead(self, process: "subprocess.Popen[bytes]") -> bool:
        """Wait until asked to stop (True) or until the server ends by itself (False)."""
        ending = os.pidfd_open(process.pid)
        try:
            poll = select.poll()
            poll.register(ending, select.POLLIN)
            poll.register(self._stop_fd, select.POLLIN)
            while True:
                ready = {descriptor for descriptor, _ in poll.poll(_UPKEEP_S * 1000)}
                if self._stop_fd in ready:
                    return True
                if ready:
                    return False
                self._cluster.socket_directory()  # a cleaner of temporary files may have taken the link away
        finally:
            os.close(ending)

    def _end_server(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=_STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    @property
    def _stop_fd(self) -> int:
        if self._stop_signal is None:
            raise InvariantError(code="TIE-STORE-010", message="The embedded PostgreSQL is not started.")
        return self._stop_signal

    def _stop_asked_within(self, seconds: float) -> bool:
        return bool(select.select([self._stop_fd], [], [], seconds)[0])

    def _wait_until_ready(self, process: "subprocess.Popen[bytes]") -> None:
        deadline = time.monotonic() + _READY_WITHIN_S
        while not self._cluster.is_ready(process.pid):
            if process.poll() is not None:
                raise ConfigurationError(
                    code="TIE-STORE-003",
                    message=f"PostgreSQL on {self._cluster.data} ended with code {process.returncode}: "
                    f"{self._cluster.end_of_log()}",
                )
            if time.monotonic() > deadline:
                raise TransientError(
                    code="TIE-STORE-001",
                    message=f"PostgreSQL on {self._cluster.data} is not ready after {_READY_WITHIN_S:.0f} s: "
                    f"{self._cluster.end_of_log()}",
                )
            time.sleep(0.005)

    def _answers(self) -> bool:
        try:
            with psycopg.connect(self.url, connect_timeout=5):
                return True
        except psycopg.OperationalError:
            return False

    def _create_database(self) -> None:
        if not self._is_new:
            return
        with psycopg.connect(self.url_of("postgres", role=ADMIN_ROLE), autocommit=True) as conn:
            for role, rights in ((ROLE, "createdb bypassrls"), (DOOR_ROLE, "")):
                if conn.execute("select 1 from pg_roles where rolname = %s", (role,)).fetchone() is None:
                    conn.execute(f"create role {role} login {rights}".encode())
            if conn.execute("select 1 from pg_database where datname = %s", (DATABASE,)).fetchone() is None:
                conn.execute(f"create database {DATABASE} owner {ROLE}")
        self._is_new = False


def _try_lock(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def external_url(environ: Mapping[str, str]) -> str | None:
    """The connection string of a PostgreSQL of the user's own (``TIEOUT_DATABASE_URL``), or None.

    Raises ConfigurationError (TIE-STORE-001) where it is none; it may hold a password and is not shown.
    """
    given = environ.get(URL_VARIABLE)
    if not given:
        return None
    try:
        psycopg.conninfo.conninfo_to_dict(given)
    except psycopg.ProgrammingError:
        raise ConfigurationError(
            code="TIE-STORE-001", message=f"{URL_VARIABLE} holds no connection string of PostgreSQL."
        ) from None
    return given
