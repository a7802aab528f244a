"""The demo at the size of a firm: memory of the hub's own processes, and whether time grows as the entries do.

Only measured when asked for (``python -m benchmarks --firm``): it takes as long as the demo takes. The smaller size is
measured in the same run, so that the time per entry of both can be compared.
"""

import subprocess
import sys
import tempfile
from decimal import Decimal
from pathlib import Path

import msgspec

_GOAL_MB = 700
_SIZES = ("small", "firm")


class _Count(msgspec.Struct):
    count: int


class _Row(msgspec.Struct):
    taken_in: _Count


class _Result(msgspec.Struct):
    tie_out: list[_Row]
    elapsed_s: Decimal
    hub_rss_mb: int

    @property
    def entries(self) -> int:
        return sum(row.taken_in.count for row in self.tie_out)


def report() -> None:
    """Run the demo in both sizes and print."""
    print(f"Demo, memory of hub and workers without PostgreSQL (goal: firm under {_GOAL_MB} MB)")
    print(f"{'size':8} {'entries':>9} {'seconds':>9} {'ms/entry':>9} {'hub MB':>7}")
    for size in _SIZES:
        found = _run(size)
        each_ms = found.elapsed_s / found.entries * 1000
        print(f"{size:8} {found.entries:9,} {found.elapsed_s:9.1f} {each_ms:9.3f} {found.hub_rss_mb:7,}", flush=True)


def _run(size: str) -> _Result:
    with tempfile.TemporaryDirectory(prefix="tieout-bench-") as directory:
        result = Path(directory) / "result.json"
        command = [str(Path(sys.executable).with_name("tieout")), "demo", "--stream", "time-to-bill", "--size", size]
        done = subprocess.run(
            [*command, "--home", str(Path(directory) / "home"), "--json", str(result)],
            stdout=subprocess.DEVNULL,
            check=False,
        )
        if not result.exists():
            raise SystemExit(f"The demo of size {size} ended with code {done.returncode} and without a result.")
        return msgspec.json.decode(result.read_bytes(), type=_Result)
