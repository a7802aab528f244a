"""The small program that becomes a PostgreSQL process: gives up root, ties its life to the hub's, then executes.

``embedded`` runs this file as a program of its own (``python -I -S launcher.py SPEC PROGRAM ARGUMENT...``) and imports
nothing from it: between fork and exec of a threaded process almost nothing is safe, in a fresh process everything is.
Only the standard library may be imported here.

SPEC is ``parent_pid:uid:gid:capability:death_signal``: the process that must be alive, the user to become (empty: stay
who we are), the capability to keep although no longer root (empty: none) and the signal to get when the parent dies.
"""

import ctypes
import os
import sys
from typing import Final, NamedTuple

PR_SET_PDEATHSIG: Final = 1
PR_SET_KEEPCAPS: Final = 8
PR_SET_SECUREBITS: Final = 28
SECBIT_NO_SETUID_FIXUP: Final = 4
PR_CAP_AMBIENT: Final = 47
PR_CAP_AMBIENT_RAISE: Final = 2
CAPABILITY_VERSION_3: Final = 0x20080522

PARENT_IS_GONE: Final = 75
"""Exit code: the parent died before we could ask to die with it."""
CANNOT_BECOME_USER: Final = 77
"""Exit code: the kernel refused the user or the capability; the reason is on standard error."""


class Spec(NamedTuple):
    """What to become before executing; see the module docstring."""

    parent_pid: int
    uid: int | None
    gid: int | None
    capability: int | None
    death_signal: int

    def encode(self) -> str:
        """The form in which the spec travels on the command line."""
        return ":".join("" if part is None else str(part) for part in self)

    @classmethod
    def decode(cls, text: str) -> "Spec":
        """Read the form written by ``encode``."""
        parent, uid, gid, capability, death_signal = (int(part) if part else None for part in text.split(":"))
        return cls(parent or 0, uid, gid, capability, death_signal or 0)


class _CapabilityHeader(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _CapabilitySets(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


def _checked(result: int, what: str) -> None:
    if result != 0:
        reason = os.strerror(ctypes.get_errno())
        message = f"{what}: {reason}"
        raise OSError(message)


def become_user(libc: ctypes.CDLL, *, uid: int, gid: int, capability: int | None) -> None:
    """Give up root for good, keeping at most one capability (an ambient one, so that it survives ``exec``)."""
    if capability is not None:
        # access(2), by which initdb looks for its own program files, leaves capabilities out unless this bit is set.
        # Where we may not set it, they must be reachable without; keeping the capability is enough for the rest.
        libc.prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0)
        _checked(libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0), "keep capabilities")
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    if capability is None:
        return
    bit = 1 << capability
    header = _CapabilityHeader(CAPABILITY_VERSION_3, 0)
    sets = (_CapabilitySets * 2)(_CapabilitySets(bit, bit, bit), _CapabilitySets(0, 0, 0))
    _checked(libc.capset(ctypes.byref(header), sets), "set capabilities")
    _checked(libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0), "raise ambient capability")


def main(arguments: list[str]) -> int | None:
    """Become what the spec says and execute the program; returns only when that failed."""
    spec = Spec.decode(arguments[0])
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        if spec.uid is not None and spec.gid is not None:
            become_user(libc, uid=spec.uid, gid=spec.gid, capability=spec.capability)
        if spec.death_signal:
            # After the change of user: the kernel forgets the setting when credentials change.
            _checked(libc.prctl(PR_SET_PDEATHSIG, spec.death_signal, 0, 0, 0), "tie to the parent")
    except OSError as error:
        sys.stderr.write(f"launcher: {error}\n")
        return CANNOT_BECOME_USER
    if spec.death_signal and os.getppid() != spec.parent_pid:
        return PARENT_IS_GONE
    os.umask(0o077)
    program, *rest = arguments[1:]
    return os.execv(program, [program, *rest])  # noqa: S606 - replacing this process is the purpose of the program


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
