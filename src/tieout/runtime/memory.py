"""How much memory the hub's own processes hold: this one and its workers, PostgreSQL and other systems apart."""

import os
from pathlib import Path


def hub_memory_mb() -> int:
    """Resident memory of this process and its worker processes in MiB."""
    own = os.getpid()
    total_kb = _resident_kb(own)
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and _is_worker_of(entry, own):
            total_kb += _resident_kb(int(entry.name))
    return total_kb // 1024


def _is_worker_of(process: Path, parent: int) -> bool:
    try:
        fields = (process / "stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
        command = (process / "cmdline").read_bytes()
    except OSError:
        return False  # it ended meanwhile
    return int(fields[1]) == parent and b"tieout.runtime.worker" in command


def _resident_kb(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0  # it ended meanwhile
    return next((int(line.split()[1]) for line in lines if line.startswith("VmRSS:")), 0)
