"""Starts a simulator as a process of its own, and steers it: for the sample firm, the suite and tests.

The child holds a pipe to its parent and stops when that closes, so it does not outlive a parent that is killed.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
import msgspec

from tieout.connect.simulator.control import (
    Change,
    ConnectionSheet,
    DownOrder,
    Holding,
    ReadyLine,
    SeedOrder,
    SentWebhook,
    SimulatorStatus,
    Switches,
)
from tieout.connect.simulator.faults import Fault, FaultKind
from tieout.errors import ConfigurationError, TransientError

_ADMIN_TIMEOUT_S = 120.0


class SimulatorAdmin:
    """The admin API of a running simulator, one method per order; raises ConfigurationError when it refuses one."""

    def __init__(self, admin_url: str) -> None:
        self._client = httpx.Client(base_url=admin_url, timeout=_ADMIN_TIMEOUT_S, trust_env=False)

    def status(self, *, window_s: float = 1.0) -> SimulatorStatus:
        """What happened so far."""
        return msgspec.json.decode(self._call("GET", f"/status?window_s={window_s}"), type=SimulatorStatus)

    def connection(self) -> ConnectionSheet:
        """Settings and secrets for a connector."""
        return msgspec.json.decode(self._call("GET", "/connection"), type=ConnectionSheet)

    def holdings(self, reference: str | None = None) -> list[Holding]:
        """What is really held under references of ours, or under this one."""
        everything = msgspec.json.decode(self._call("GET", "/holdings"), type=list[Holding])
        return everything if reference is None else [one for one in everything if one.reference == reference]

    def webhooks(self) -> list[SentWebhook]:
        """Every webhook that it signed, oldest first."""
        return msgspec.json.decode(self._call("GET", "/webhooks"), type=list[SentWebhook])

    def seed(self, directory: Path) -> dict[str, int]:
        """Fill it from a seed firm; returns its row counts."""
        body = self._call("POST", "/seed", SeedOrder(directory=str(directory.resolve())))
        return msgspec.json.decode(body, type=dict[str, int])

    def change(self, *changes: Change) -> None:
        """Let somebody work in the system by hand."""
        self._call("POST", "/changes", list(changes))

    def force(self, *faults: Fault) -> None:
        """Force faults on the next matching requests."""
        self._call("PUT", "/faults", list(faults))

    def clear_faults(self) -> None:
        """Forget forced faults that were not played."""
        self._call("DELETE", "/faults")

    def switch(self, switches: Switches) -> None:
        """Change behaviour while it runs."""
        self._call("PUT", "/switches", switches)

    def down(self, seconds: float, *, how: str = "refuse") -> None:
        """Be down for ``seconds``, refusing connections or answering 503 (``how="answer_503"``); 0 ends it."""
        self._call("POST", "/down", DownOrder(seconds=seconds, how=how))

    def expire_tokens(self) -> bool:
        """Make every issued token invalid; False where tokens of this vendor never expire."""
        return msgspec.json.decode(self._call("POST", "/tokens/expire"), type=dict[str, bool])["expired"]

    def reset_traffic(self) -> None:
        """Count requests afresh."""
        self._call("POST", "/traffic/reset")

    def supports(self, kind: FaultKind) -> bool:
        """Whether this vendor can show a kind of fault."""
        return kind in self.status().faults_supported

    def close(self) -> None:
        """Close the connection to the admin API."""
        self._client.close()

    def _call(self, method: str, path: str, body: object = None) -> bytes:
        content = None if body is None else msgspec.json.encode(body)
        try:
            answer = self._client.request(method, path, content=content)
        except httpx.TransportError as error:
            raise TransientError(
                code="TIE-CONNECT-004", message=f"The simulator's admin API does not answer: {type(error).__name__}."
            ) from error
        if answer.is_error:
            raise ConfigurationError(
                code="TIE-CONNECT-005", message=f"The simulator refused {method} {path}: {answer.text[:500]}"
            )
        return answer.content


class SimulatorProcess:
    """One simulator in a child process; a context manager. ``kill`` and ``start`` again lose nothing answered."""

    def __init__(  # noqa: PLR0913 - one argument per option of the command line it runs
        self,
        name: str,
        state_dir: Path,
        *,
        port: int = 0,
        seed: int = 0,
        fault_rate: float = 0.0,
        seed_dir: Path | None = None,
        dedup: bool = True,
        upstream: str = "",
        longest_in_flight_s: float | None = None,
    ) -> None:
        self.name = name
        self._port = port
        self._arguments = ["--state", str(state_dir), "--seed", str(seed), "--faults", str(fault_rate)]
        if not dedup:
            self._arguments.append("--no-dedup")
        if upstream:
            self._arguments += ["--upstream", upstream]
        if longest_in_flight_s is not None:
            self._arguments += ["--longest-in-flight-s", str(longest_in_flight_s)]
        self._seed_dir = seed_dir
        self._process: subprocess.Popen[bytes] | None = None
        self._admin: SimulatorAdmin | None = None
        self.base_url = ""
        self.admin_url = ""
        self.pid = 0

    def start(self) -> Self:
        """Start it and wait until it listens; a second start keeps the port and the state, and does not seed again."""
        command = [sys.executable, "-m", "tieout.connect.simulator", self.name, *self._arguments]
        command += ["--with-parent", "--port", str(self._port)]
        if self._seed_dir is not None:
            command += ["--seed-dir", str(self._seed_dir)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._process = process
        line = process.stdout.readline() if process.stdout is not None else b""
        if not line:
            self.kill()
            raise ConfigurationError(
                code="TIE-CONNECT-006",
                message=f"Simulator {self.name!r} ended with exit code {process.returncode} before it listened.",
            )
        ready = msgspec.json.decode(line, type=ReadyLine)
        self.base_url, self.admin_url, self.pid = ready.base_url, ready.admin_url, ready.pid
        self._port = int(ready.base_url.rsplit(":", 1)[1])
        self._seed_dir = None
        self._admin = SimulatorAdmin(ready.admin_url)
        return self

    @property
    def admin(self) -> SimulatorAdmin:
        """The admin API; raises ConfigurationError when it is not running."""
        if self._admin is None:
            raise ConfigurationError(code="TIE-CONNECT-006", message=f"Simulator {self.name!r} is not running.")
        return self._admin

    def stop(self) -> None:
        """End it in order and wait."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a crash would (SIGKILL) and wait."""
        self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> None:
        if self._admin is not None:
            self._admin.close()
            self._admin = None
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            os.kill(process.pid, number)
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
