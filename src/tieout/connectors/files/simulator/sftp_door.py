"""The SFTP server of the simulated office: a folder tree, with faults between a request and its answer.

Neighbours: ``office`` says what a new file does and which fault is played; asyncssh speaks the protocol.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Final, Protocol

import asyncssh

from tieout.connect.simulator.faults import Fault, FaultKind, RequestClass

USER: Final = "tieout"
_LOOPBACK: Final = "127.0.0.1"


class Office(Protocol):
    """What the door asks of the office behind it."""

    root: Path

    def fault_of(self, path: str, request: RequestClass) -> Fault | None:
        """The fault to play with this request, or None."""
        ...

    async def file_arrived(self, path: str, fault: Fault | None) -> None:
        """A file got its name: ``path`` below the root."""
        ...

    def passes(self, password: str) -> bool:
        """Whether the password is the right one."""
        ...


class SftpDoor:
    """The listener; it comes back on its port after it was dark."""

    def __init__(self, office: Office, host_key: str, *, port: int) -> None:
        self._office = office
        self._host_key = asyncssh.import_private_key(host_key)
        self.port = port
        self._acceptor: asyncssh.SSHAcceptor | None = None
        self._connections: set[asyncssh.SSHServerConnection] = set()

    async def open(self) -> None:
        """Listen, unless it does."""
        if self._acceptor is None:
            self._acceptor = await asyncssh.listen(
                _LOOPBACK,
                self.port,
                server_factory=lambda: _Guard(self._office, self._connections),
                server_host_keys=[self._host_key],
                sftp_factory=lambda channel: _Tree(channel, self._office),
                reuse_address=True,
            )
            self.port = self._acceptor.get_port()

    async def close(self) -> None:
        """Refuse new connections and reset those that there are."""
        acceptor, self._acceptor = self._acceptor, None
        if acceptor is not None:
            acceptor.close()
        for connection in list(self._connections):
            connection.abort()


class _Guard(asyncssh.SSHServer):
    def __init__(self, office: Office, connections: "set[asyncssh.SSHServerConnection]") -> None:
        self._office = office
        self._connections = connections
        self._connection: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """Remember the connection, to reset it when the door closes."""
        self._connection = conn
        self._connections.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        del exc
        if self._connection is not None:
            self._connections.discard(self._connection)

    def password_auth_supported(self) -> bool:
        """Passwords are taken."""
        return True

    def validate_password(self, username: str, password: str) -> bool:
        """One user with one password."""
        return username == USER and self._office.passes(password)


class _Tree(asyncssh.SFTPServer):
    def __init__(self, channel: "asyncssh.SSHServerChannel[bytes]", office: Office) -> None:
        office.root.mkdir(parents=True, exist_ok=True)
        super().__init__(channel, chroot=str(office.root).encode())
        self._channel = channel
        self._office = office

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        """List a folder."""
        await self._play(self._office.fault_of(path.decode(), "read"))
        async for one in super().scandir(path):
            yield one

    async def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        """Open a file; only opening for reading is a request that goes wrong."""
        if not pflags & asyncssh.FXF_WRITE:
            await self._play(self._office.fault_of(path.decode(), "read"))
        return super().open(path, pflags, attrs)

    async def rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Give a file its name, unless that is taken; then the office looks at it."""
        fault = self._office.fault_of(newpath.decode(), "write")
        await self._play(fault)
        moved = super().rename(oldpath, newpath)
        if isinstance(moved, Awaitable):
            await moved
        await self._office.file_arrived(newpath.decode().lstrip("/"), fault)
        if fault is not None and fault.kind is FaultKind.COMMIT_THEN_DELAY:
            await asyncio.sleep(fault.seconds)
        if fault is not None and fault.kind is FaultKind.COMMIT_THEN_DROP:
            self._abort()

    async def _play(self, fault: Fault | None) -> None:
        if fault is None:
            return
        played = _PLAYED.get(fault.kind)
        if played is not None:
            played()
        if fault.kind in {FaultKind.DROP, FaultKind.CUT_BODY}:
            self._abort()
            raise asyncssh.SFTPConnectionLost("The connection was cut before anything was done.")
        if fault.kind is FaultKind.DELAY:
            await asyncio.sleep(fault.seconds)

    def _abort(self) -> None:
        self._channel.get_connection().abort()


def _fail() -> None:
    raise asyncssh.SFTPFailure("The server could not do that.")


def _forbid() -> None:
    raise asyncssh.SFTPPermissionDenied("Permission denied.")


_PLAYED: Final[dict[FaultKind, Callable[[], None]]] = {
    FaultKind.HTTP_500: _fail,
    FaultKind.HTTP_503: _fail,
    FaultKind.FORBIDDEN: _forbid,
}
