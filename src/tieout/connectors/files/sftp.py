"""The folder tree of a system behind SFTP.

The server's key is known beforehand (setting ``host_key``) or there is no connection. A new file is written under a
temporary name and renamed without overwriting, as the protocol's own rename does (draft-ietf-secsh-filexfer-02, 6.5:
"it is an error if there already exists a file with the name specified by newpath"). Neighbour: ``transport`` has the
contract and the local tree.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import asyncssh
import msgspec

from tieout.connectors.files.transport import PARTIAL, Entry, joined
from tieout.errors import AccessError, TransientError, UnknownOutcomeError

_Result = TypeVar("_Result")
_CONNECT_TIMEOUT_S: Final = 20.0


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """Where the server is and what proves it to be itself; exactly one of password and private_key proves us."""

    host: str
    port: int
    user: str
    root: str
    host_key: str
    password: str | None = None
    private_key: str | None = None
    timeout_s: float = 30.0


class SftpExchange:
    """One connection to a server, opened when it is first needed and again when it was lost."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._connection: asyncssh.SSHClientConnection | None = None
        self._client: asyncssh.SFTPClient | None = None
        self._opening = asyncio.Lock()

    async def entries(self, folder: str) -> list[Entry]:
        """See ``transport.Exchange``."""

        async def listed(client: asyncssh.SFTPClient) -> list[Entry]:
            try:
                names = await client.readdir(joined(self._address.root, folder))
            except asyncssh.SFTPNoSuchFile:
                return []
            return sorted(
                (
                    Entry(
                        name=str(one.filename),
                        size=one.attrs.size or 0,
                        changed_s=int(one.attrs.mtime or 0),
                    )
                    for one in names
                    if one.attrs.type == asyncssh.FILEXFER_TYPE_REGULAR
                ),
                key=lambda one: one.name,
            )

        return await self._ask(listed)

    async def read(self, folder: str, name: str, *, max_bytes: int) -> bytes | None:
        """See ``transport.Exchange``."""

        async def content(client: asyncssh.SFTPClient) -> bytes | None:
            try:
                async with client.open(joined(self._address.root, folder, name), "rb") as opened:
                    found = await opened.read(max_bytes + 1)
            except asyncssh.SFTPNoSuchFile:
                return None
            return found  # type: ignore[return-value]  # a file opened as binary gives bytes

        return await self._ask(content)

    async def create(self, folder: str, name: str, content: bytes) -> bool:
        """See ``transport.Exchange``."""
        final = joined(self._address.root, folder, name)
        partial = f"{final}.{os.getpid()}-{os.urandom(4).hex()}{PARTIAL}"

        async def put(client: asyncssh.SFTPClient) -> bool:
            if await client.exists(final):
                return False
            async with client.open(partial, "xb") as opened:
                await opened.write(content)
            return True

        if not await self._ask(put):
            return False
        client = await self._open()
        try:
            return await self._named(client, partial, final)
        except (asyncssh.Error, OSError, TimeoutError, TransientError) as error:
            await self._drop()
            raise UnknownOutcomeError(
                code="TIE-FILES-008", message=f"The connection was lost while {name} was given its name."
            ) from error

    async def _named(self, client: asyncssh.SFTPClient, partial: str, final: str) -> bool:
        """Give the file its name; False where the name is taken. A refusal without a reason settles nothing."""
        try:
            async with asyncio.timeout(self._address.timeout_s):
                await client.rename(partial, final)
        except asyncssh.SFTPPermissionDenied as error:
            raise _refused(error) from error
        except (asyncssh.SFTPFailure, asyncssh.SFTPFileAlreadyExists) as error:
            is_taken = await self._ask(lambda asked: asked.exists(final))
            await self._ask(lambda asked: asked.remove(partial))
            if is_taken:
                return False
            raise UnknownOutcomeError(
                code="TIE-FILES-008", message="The server says that it could not give the file its name, and not why."
            ) from error
        return True

    async def aclose(self) -> None:
        """Close the connection."""
        await self._drop()

    async def _ask(self, question: Callable[[asyncssh.SFTPClient], Awaitable[_Result]]) -> _Result:
        """Ask something that changes nothing under a final name; a lost connection makes it repeatable."""
        client = await self._open()
        try:
            async with asyncio.timeout(self._address.timeout_s):
                return await question(client)
        except (asyncssh.SFTPPermissionDenied, asyncssh.PermissionDenied) as error:
            raise _refused(error) from error
        except (OSError, asyncssh.Error, TimeoutError) as error:
            await self._drop()
            raise _unreachable(error) from error

    async def _open(self) -> asyncssh.SFTPClient:
        async with self._opening:
            if self._client is None:
                try:
                    self._client = await self._connect()
                except (asyncssh.PermissionDenied, asyncssh.HostKeyNotVerifiable, asyncssh.KeyImportError) as error:
                    raise _refused(error) from error
                except (OSError, asyncssh.Error, TimeoutError) as error:
                    raise _unreachable(error) from error
            return self._client

    async def _connect(self) -> asyncssh.SFTPClient:
        address = self._address
        name = address.host if address.port == asyncssh.DEFAULT_PORT else f"[{address.host}]:{address.port}"
        known = asyncssh.import_known_hosts(f"{name} {address.host_key}\n")
        keys = () if address.private_key is None else (asyncssh.import_private_key(address.private_key),)
        async with asyncio.timeout(_CONNECT_TIMEOUT_S):
            self._connection = await asyncssh.connect(
                address.host,
                address.port,
                username=address.user,
                password=address.password,
                client_keys=keys,
                known_hosts=known,
                agent_path=None,
                config=None,
            )
            return await self._connection.start_sftp_client()

    async def _drop(self) -> None:
        client, connection, self._client, self._connection = self._client, self._connection, None, None
        if client is not None:
            client.exit()
        if connection is not None:
            connection.abort()


def _refused(error: Exception) -> AccessError:
    return AccessError(code="TIE-FILES-007", message=f"The SFTP server refused: {type(error).__name__}.")


def _unreachable(error: Exception) -> TransientError:
    return TransientError(code="TIE-FILES-006", message=f"The SFTP server cannot be reached: {type(error).__name__}.")
