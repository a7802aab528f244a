"""A real Tryton 8.2 for the sample firm, the tests and the kill campaigns: installed, filled, started and stopped here.

Tryton is GPL software and stays a program of its own: its virtual environment, its processes, its database server all
lie below one directory, and everything else talks to it over HTTP. Nothing of it is imported. What is put into it is
described in ``tryton_firm``; the program that does so is ``tryton/set_up_firm.py``, run by Tryton's own interpreter.
"""

import base64
import fcntl
import hashlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote, urlencode

import httpx
import msgspec
import psycopg
from psycopg import sql

from tieout.errors import ConfigurationError, TransientError
from tieout.sample.tryton_firm import (
    CUSTOMER_CATEGORY,
    JOURNAL_CODE,
    RATE_DECIMALS,
    SERVICE_LOGIN,
    TrytonFacts,
    TrytonFirm,
)
from tieout.sample.tryton_projects import STATES_BY_STATUS
from tieout.storage import launcher
from tieout.storage.cluster import ADMIN_ROLE, ROLE
from tieout.storage.embedded import EmbeddedPostgres

DATABASE: Final = "erp"
_MODULES: Final = ("account", "project")
_PROGRAMS: Final = Path(__file__).parent / "tryton"
_REQUIREMENTS: Final = _PROGRAMS / "requirements.txt"
_LONGEST_TRANSACTION_MS: Final = 15_000
_PIP_INSTALL: Final = (
    *("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--prefer-binary"),
    *("--no-deps", "--requirement"),
)
_ADMIN_OPTIONS: Final = ("--activate-dependencies", "--email", "accounting@example.test")
_GUNICORN_OPTIONS: Final = (
    *("--worker-class", "gthread", "--workers", "2", "--threads", "4"),
    *("--keep-alive", "75", "--timeout", "120", "--preload", "--no-control-socket"),
)
_READY_WITHIN_S: Final = 60.0
_PORT_FREE_WITHIN_S: Final = 10.0
_RIGHTS: Final = (
    {"model": "account.move", "verbs": ["read", "create", "write", "delete"]},
    {"model": "account.move.line", "verbs": ["read", "create", "write", "delete"]},
    {"model": "party.party", "verbs": ["read", "create", "write"]},
    {"model": "party.identifier", "verbs": ["read", "create", "write"]},
    {"model": "party.contact_mechanism", "verbs": ["read", "create", "write"]},
    {"model": "project.work", "verbs": ["read", "create", "write"]},
    {"model": "company.employee", "verbs": ["read", "create", "write"]},
)


class TrytonServer:
    """One Tryton below ``home``. ``install``, ``set_up`` and ``start`` may be repeated; each does only what is missing.

    ``environment`` is where the virtual environment lies (below ``home`` when not given), so that several homes can
    share one. ``on_step`` is told in a few words what is being done, for whoever shows progress.
    """

    def __init__(
        self, home: Path, *, environment: Path | None = None, on_step: Callable[[str], None] | None = None
    ) -> None:
        self._root = home.resolve() / "tryton"
        self._environment = (environment or self._root / "environment").resolve()
        self._on_step = on_step or (lambda _step: None)
        self._postgres = EmbeddedPostgres(self._root)
        self._postgres_runs = False
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None
        self.base_url: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def service_password(self) -> str:
        """The password of the service user, made once per home."""
        return self._secret("service_password")

    @property
    def pid(self) -> int | None:
        """Process id of the server while it runs."""
        return None if self._process is None else self._process.pid

    @property
    def connection_settings(self) -> dict[str, str]:
        """The settings of a Tryton connection (all but the password); the server must have been started."""
        if self.base_url is None:
            raise ConfigurationError(code="TIE-SAMPLE-002", message="Tryton has not been started.")
        return {
            "base_url": self.base_url,
            "database": DATABASE,
            "user": SERVICE_LOGIN,
            "journal": JOURNAL_CODE,
        }

    @property
    def database_url(self) -> str:
        """The connection string of Tryton's own database, for proofs that go past Tryton."""
        return self._postgres.url_of(DATABASE)

    def install(self) -> None:
        """Make the virtual environment; raises TransientError (TIE-SAMPLE-003) when packages cannot be fetched."""
        done = self._environment / f"installed-{_fingerprint()}"
        if done.exists():
            return
        self._environment.parent.mkdir(parents=True, exist_ok=True)
        with _locked(self._environment.with_name(self._environment.name + ".lock")):
            if done.exists():
                return
            self._on_step("installing Tryton")
            shutil.rmtree(self._environment, ignore_errors=True)
            self._run(
                [sys.executable, "-m", "venv", str(self._environment)],
                "The virtual environment was not made",
                code="TIE-SAMPLE-003",
            )
            self._run(
                [self._program("python"), *_PIP_INSTALL, str(_REQUIREMENTS)],
                "Tryton was not installed",
                code="TIE-SAMPLE-003",
            )
            done.touch()

    def set_up(self, firm: TrytonFirm, *, fresh: bool = False) -> TrytonFacts:
        """Fill the database with ``firm``, making it where there is none; what is there already stays as it is.

        ``fresh`` begins with an empty ledger. Starts the database server if need be; ``install`` comes first.
        """
        self._start_postgres()
        base = f"erp_base_{_fingerprint()}"
        if not self._exists(base):
            self._make_base(base)
        if fresh:
            with self._admin() as conn:
                _drop(conn, DATABASE)
        if not self._exists(DATABASE):
            self._copy(base, DATABASE)
        self._on_step("setting up the firm in Tryton")
        document = msgspec.to_builtins(firm) | {
            "journal": {"code": JOURNAL_CODE, "name": "Time"},
            "customer_category": CUSTOMER_CATEGORY,
            "project_statuses": list(STATES_BY_STATUS),
            "service_group": "Journal service",
            "service_login": SERVICE_LOGIN,
            "service_password": self.service_password,
            "rights": _RIGHTS,
        }
        answer = self._run(
            [self._program("python"), "-I", str(_PROGRAMS / "set_up_firm.py"), DATABASE],
            "The firm was not set up in Tryton",
            text=msgspec.json.encode(document),
            environ=self._environ(bounded=False),
        )
        return msgspec.json.decode(answer, type=TrytonFacts)

    def start(self) -> str:
        """Serve over HTTP on a free port of this machine, the same at every start; returns the base URL once ready."""
        if self._process is not None and self._process.poll() is None and self.base_url is not None:
            return self.base_url
        self._start_postgres()
        self._on_step("starting Tryton")
        with _listen(self._port) as listener:
            self._port = listener.getsockname()[1]
            base_url = f"http://127.0.0.1:{self._port}"
            self._process = self._serve(listener)
        self.base_url = base_url
        self._wait_until_ready(base_url)
        return base_url

    def stop(self) -> None:
        """Stop the server and its database server."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        self._postgres.stop()
        self._postgres_runs = False

    def kill(self) -> None:
        """End the server as a crash would; ``start`` brings it back at the same address."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def snapshot(self, name: str = "erp_snapshot") -> None:
        """Keep the ledger as it is now under ``name``, over an earlier one of that name; ends Tryton's connections."""
        with self._admin() as conn:
            _drop(conn, name)
        self._copy(DATABASE, name)

    def restore(self, name: str = "erp_snapshot") -> None:
        """Put the ledger back to ``name``; a running server is started anew, at the same address, with empty caches."""
        running = self._process is not None
        self.kill()
        with self._admin() as conn:
            _drop(conn, DATABASE)
        self._copy(name, DATABASE)
        if running:
            self.start()

    def set_period_state(self, company: str, month: str, *, is_open: bool) -> None:
        """Close or reopen the period ``month`` (2026-08) of ``company`` as the accountant would, over HTTP."""
        with httpx.Client(base_url=f"{self.base_url}/{DATABASE}/", timeout=30) as client:
            user, token, *_rest = self._call(client, "common.db.login", "admin", {"password": self._secret("admin")})
            client.headers["Authorization"] = "Session " + _session("admin", user, token)
            domain = [["company.party.code", "=", company], ["name", "=", month]]
            found = self._call(client, "model.account.period.search", domain, 0, None, None, {})
            button = "reopen" if is_open else "close"
            self._call(client, f"model.account.period.{button}", found, {})
            if is_open:  # Tryton leaves the period's journals closed
                closed = [["period", "in", found], ["state", "=", "closed"]]
                journals = self._call(client, "model.account.journal.period.search", closed, 0, None, None, {})
                self._call(client, "model.account.journal.period.reopen", journals, {})

    @staticmethod
    def _call(client: httpx.Client, method: str, *parameters: object) -> list[object]:
        answer = client.post("rpc/", json={"id": 1, "method": method, "params": parameters})
        answer.raise_for_status()
        document: dict[str, list[object]] = answer.json()
        if "error" in document:
            raise ConfigurationError(code="TIE-SAMPLE-002", message=f"Tryton refused {method}: {document['error']}")
        return document["result"]

    def _start_postgres(self) -> None:
        if not self._postgres_runs:
            self._postgres.start()
            self._postgres_runs = True

    def _make_base(self, base: str) -> None:
        building = f"{base}_building"
        self._on_step("creating Tryton's database")
        with self._admin() as conn:
            _drop(conn, building)
            conn.execute(sql.SQL("create database {} owner {}").format(sql.Identifier(building), sql.Identifier(ROLE)))
        self._run(
            [self._program("trytond-admin"), "-d", building, "-u", *_MODULES, *_ADMIN_OPTIONS],
            "Tryton's database was not created",
            environ=self._environ(bounded=False) | {"TRYTONPASSFILE": str(self._secret_file("admin"))},
        )
        with self._admin() as conn:
            _rename(conn, building, base)

    def _copy(self, source: str, target: str) -> None:
        with self._admin() as conn:
            _end_connections(conn, source)
            conn.execute(
                sql.SQL("create database {} owner {} template {} strategy file_copy").format(
                    sql.Identifier(target), sql.Identifier(ROLE), sql.Identifier(source)
                )
            )

    def _exists(self, database: str) -> bool:
        with self._admin() as conn:
            return conn.execute("select 1 from pg_database where datname = %s", (database,)).fetchone() is not None

    def _admin(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(self._postgres.url_of("postgres", role=ADMIN_ROLE), autocommit=True)

    def _serve(self, listener: socket.socket) -> subprocess.Popen[bytes]:
        spec = launcher.Spec(parent_pid=os.getpid(), uid=None, gid=None, capability=None, death_signal=signal.SIGTERM)
        log = os.open(self._root / "server.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            return subprocess.Popen(
                [
                    *(sys.executable, "-I", "-S", launcher.__file__, spec.encode()),
                    *(self._program("gunicorn"), "--bind", f"fd://{listener.fileno()}", *_GUNICORN_OPTIONS),
                    "trytond.application:app",
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._root,
                env=self._environ(bounded=True) | {"TRYTOND_DATABASE_NAMES": DATABASE},
                pass_fds=(listener.fileno(),),
                start_new_session=True,
            )
        finally:
            os.close(log)

    def _wait_until_ready(self, base_url: str) -> None:
        deadline = time.monotonic() + _READY_WITHIN_S
        question = {"id": 0, "method": "common.server.version", "params": []}
        while True:
            try:
                httpx.post(f"{base_url}/rpc/", json=question, timeout=_READY_WITHIN_S).raise_for_status()
            except httpx.HTTPError as error:
                ended = self._process is None or self._process.poll() is not None
                if ended or time.monotonic() > deadline:
                    raise ConfigurationError(
                        code="TIE-SAMPLE-002",
                        message=f"Tryton did not start ({error}); its log is {self._root / 'server.log'}.",
                    ) from error
                time.sleep(0.05)
            else:
                return

    def _environ(self, *, bounded: bool) -> dict[str, str]:
        """Tryton's whole configuration. ``bounded``: no transaction outlives what the manifest says of requests."""
        files = self._root / "files"
        (files / "www").mkdir(parents=True, exist_ok=True)
        where = {"host": str(psycopg.conninfo.conninfo_to_dict(self.database_url)["host"])}
        if bounded:
            where["options"] = f"-c transaction_timeout={_LONGEST_TRANSACTION_MS}"
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self._root),
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "TRYTOND_DATABASE__URI": f"postgresql://{ROLE}@/?{urlencode(where, quote_via=quote)}",
            "TRYTOND_DATABASE__PATH": str(files),
            "TRYTOND_DATABASE__MAXCONN": "16",
            "TRYTOND_DATABASE__RETRY": "20",  # posting locks the number sequence without waiting; the default gives up
            "TRYTOND_CACHE__CLEAN_TIMEOUT": "0",  # the processes tell each other at once what they must forget
            "TRYTOND_CURRENCY__RATE_DECIMAL": str(RATE_DECIMALS),
            "TRYTOND_WEB__ROOT": str(files / "www"),
        }

    def _program(self, name: str) -> str:
        return str(self._environment / "bin" / name)

    def _run(
        self,
        command: list[str],
        failure: str,
        *,
        text: bytes | None = None,
        environ: dict[str, str] | None = None,
        code: str = "TIE-SAMPLE-002",
    ) -> bytes:
        done = subprocess.run(command, input=text, capture_output=True, check=False, env=environ)
        if done.returncode != 0:
            words = done.stderr.decode(errors="replace").strip().splitlines()[-4:]
            raise TransientError(code=code, message=f"{failure}: {' / '.join(words)}")
        return done.stdout

    def _secret_file(self, name: str) -> Path:
        file = self._root / "secrets" / name
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            fresh = file.with_suffix(f".{os.getpid()}")
            fresh.touch(mode=0o600)
            fresh.write_text(secrets.token_urlsafe(24), encoding="ascii")
            fresh.rename(file)
        return file

    def _secret(self, name: str) -> str:
        return self._secret_file(name).read_text(encoding="ascii")


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock over processes while two of them might make the same directory."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _listen(port: int) -> socket.socket:
    """A listening socket; waits a little for the last process of a killed server to let go of the port."""
    deadline = time.monotonic() + _PORT_FREE_WITHIN_S
    while True:
        try:
            return socket.create_server(("127.0.0.1", port), backlog=128)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _fingerprint() -> str:
    """What tells one set of pinned packages from another."""
    return hashlib.sha256(_REQUIREMENTS.read_bytes()).hexdigest()[:16]


def _session(login: str, user: object, token: object) -> str:
    return base64.b64encode(f"{login}:{user}:{token}".encode()).decode("ascii")


def _end_connections(conn: psycopg.Connection[tuple[object, ...]], database: str) -> None:
    conn.execute("select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = %s", (database,))


def _drop(conn: psycopg.Connection[tuple[object, ...]], database: str) -> None:
    conn.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(database)))


def _rename(conn: psycopg.Connection[tuple[object, ...]], database: str, name: str) -> None:
    conn.execute(sql.SQL("alter database {} rename to {}").format(sql.Identifier(database), sql.Identifier(name)))
