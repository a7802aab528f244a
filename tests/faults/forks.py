"""Workers that are forked from a process with everything imported, and that a killer may kill at a fault point."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec

from tieout.connect.fault_point import SOCKET_VARIABLE


class Forks:
    """The nursery ``module``: a line on its standard input forks a worker; its id and its exit status come back."""

    def __init__(self, module: str, *, killer: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, SOCKET_VARIABLE: str(killer)},
            cwd=Path(__file__).parents[2],
        )

    def work(self, order: msgspec.Struct) -> int:
        """Let one worker carry out ``order`` or die of it; its exit status."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(msgspec.json.encode(order) + b"\n")
        self._process.stdin.flush()
        self._process.stdout.readline()
        return int(self._process.stdout.readline() or b"0")

    def close(self) -> None:
        """End the nursery."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait(timeout=30)
        if self._process.stdout is not None:
            self._process.stdout.close()
