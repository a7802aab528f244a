"""The SMTP server: greeting, STARTTLS, AUTH, MAIL, RCPT, DATA (RFC 5321, 3207, 4954), with faults in between.

Neighbours: ``post_office`` says who may sign in, which mailboxes there are, and keeps what was taken.
"""

import asyncio
import base64
import binascii
import re
import ssl
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from tieout.connect.simulator.faults import Fault, FaultKind

_LOOPBACK: Final = "127.0.0.1"
_LIMIT: Final = 1024 * 1024
_MOST_BYTES: Final = 10 * 1024 * 1024
_PATH: Final = re.compile(r"(?:FROM|TO):\s*<([^<>\s]*)>(?:\s.*)?", re.IGNORECASE)
_END: Final = b"."


class Office(Protocol):
    """What the door asks."""

    def fault(self) -> Fault | None:
        """The fault to play in this session, or None; every session counts."""
        ...

    def ended(self) -> None:
        """A session is over."""
        ...

    def passes(self, user: str, password: str) -> bool:
        """Whether they are right."""
        ...

    def refuses_sender(self, address: str) -> bool:
        """Whether the user may not send as ``address``."""
        ...

    def knows(self, address: str) -> bool:
        """Whether there is such a mailbox, or a way to it."""
        ...

    def take(self, sender: str, recipients: list[str], content: bytes) -> str:
        """Keep a message durably; returns the queue's id."""
        ...


class _GoneError(Exception):
    """The connection is cut."""


class SmtpDoor:
    """The listener; it comes back on its port after it was dark."""

    def __init__(self, office: Office, context: ssl.SSLContext, *, port: int) -> None:
        self._office = office
        self._context = context
        self.port = port
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def open(self) -> None:
        """Listen, unless it does."""
        if self._server is None:
            self._server = await asyncio.start_server(
                self._serve, _LOOPBACK, self.port, limit=_LIMIT, reuse_address=True
            )
            self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Refuse new connections and reset those that there are."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            await _Session(self._office, self._context, reader, writer).run()
        except (_GoneError, ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            writer.transport.abort()
        finally:
            self._office.ended()
            self._writers.discard(writer)
            writer.close()


class _Session:
    def __init__(
        self, office: Office, context: ssl.SSLContext, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._office, self._context = office, context
        self._reader, self._writer = reader, writer
        self._fault = office.fault()
        self._is_tls = False
        self._signed_in = False
        self._sender: str | None = None
        self._recipients: list[str] = []
        self._verbs: dict[str, Callable[[str], Awaitable[None]]] = {
            "EHLO": self._ehlo,
            "HELO": self._ehlo,
            "STARTTLS": self._starttls,
            "AUTH": self._auth,
            "MAIL": self._mail,
            "RCPT": self._rcpt,
            "DATA": self._data,
            "RSET": self._reset,
            "NOOP": self._noop,
        }

    async def run(self) -> None:
        """Serve one connection to its end."""
        if self._plays(FaultKind.HTTP_503):
            await self._say("421 4.3.2 Service not available, closing transmission channel")
            return
        await self._say("220 mail.simulated.example ESMTP")
        while line := await self._reader.readline():
            verb, _, rest = line.decode("utf-8", "replace").strip().partition(" ")
            if verb.upper() == "QUIT":
                await self._say("221 2.0.0 Bye")
                return
            handler = self._verbs.get(verb.upper())
            if handler is None:
                await self._say("500 5.5.2 Command not recognised")
            else:
                await handler(rest)

    def _plays(self, kind: FaultKind) -> bool:
        return self._fault is not None and self._fault.kind is kind

    async def _say(self, *lines: str) -> None:
        self._writer.write("".join(f"{line}\r\n" for line in lines).encode())
        await self._writer.drain()

    async def _ehlo(self, rest: str) -> None:
        del rest
        offered = "AUTH PLAIN LOGIN" if self._is_tls else "STARTTLS"
        await self._say("250-mail.simulated.example", "250-8BITMIME", f"250-SIZE {_MOST_BYTES}", f"250 {offered}")

    async def _starttls(self, rest: str) -> None:
        del rest
        await self._say("220 2.0.0 Ready to start TLS")
        await self._writer.start_tls(self._context)
        self._is_tls = True

    async def _auth(self, rest: str) -> None:
        if not self._is_tls:
            await self._say("530 5.7.0 Must issue a STARTTLS command first")
            return
        mechanism, _, initial = rest.partition(" ")
        user, password = "", ""
        if mechanism.upper() == "PLAIN":
            _, user, password = (*_decoded(initial or await self._asked("")).split("\0"), "", "")[:3]
        elif mechanism.upper() == "LOGIN":
            user = _decoded(initial or await self._asked("VXNlcm5hbWU6"))
            password = _decoded(await self._asked("UGFzc3dvcmQ6"))
        if self._plays(FaultKind.TOKEN_EXPIRED) or not self._office.passes(user, password):
            await self._say("535 5.7.8 Authentication credentials invalid")
            return
        self._signed_in = True
        await self._say("235 2.7.0 Authentication successful")

    async def _asked(self, challenge: str) -> str:
        await self._say(f"334 {challenge}")
        return (await self._reader.readline()).decode("ascii", "replace").strip()

    async def _mail(self, rest: str) -> None:
        sender = _PATH.fullmatch(rest)
        if not self._signed_in:
            await self._say("530 5.7.0 Authentication required")
        elif sender is None:
            await self._say("501 5.5.4 Syntax: MAIL FROM:<address>")
        elif self._plays(FaultKind.FORBIDDEN) or self._office.refuses_sender(sender[1]):
            await self._say("550 5.7.60 Client does not have permissions to send as this sender")
        elif self._plays(FaultKind.HTTP_429):
            await self._say("450 4.7.1 Too many messages, try again later")
        else:
            self._sender, self._recipients = sender[1], []
            await self._say("250 2.1.0 Sender ok")

    async def _rcpt(self, rest: str) -> None:
        recipient = _PATH.fullmatch(rest)
        if self._sender is None:
            await self._say("503 5.5.1 MAIL first")
        elif recipient is None:
            await self._say("501 5.5.4 Syntax: RCPT TO:<address>")
        elif self._plays(FaultKind.NOT_FOUND) or not self._office.knows(recipient[1]):
            await self._say("550 5.1.1 Mailbox does not exist")
        else:
            self._recipients.append(recipient[1])
            await self._say("250 2.1.5 Recipient ok")

    async def _data(self, rest: str) -> None:
        del rest
        sender, recipients = self._sender, self._recipients
        if sender is None or not recipients:
            await self._say("503 5.5.1 RCPT first")
            return
        await self._say("354 End data with <CR><LF>.<CR><LF>")
        content = await self._content()
        self._sender, self._recipients = None, []
        fault = self._fault
        if fault is not None and fault.kind is FaultKind.DROP:
            raise _GoneError
        if fault is not None and fault.kind is FaultKind.DELAY:
            await asyncio.sleep(fault.seconds)
        if self._plays(FaultKind.UNPROCESSABLE):
            await self._say("554 5.6.0 Message content is not acceptable")
            return
        if len(content) > _MOST_BYTES:
            await self._say("552 5.3.4 Message too big")
            return
        queued = self._office.take(sender, recipients, content)
        if fault is not None:
            await self._spoil(fault)
        await self._say(f"250 2.0.0 Ok: queued as {queued}")

    async def _spoil(self, fault: Fault) -> None:
        """What is taken is taken; only its answer goes wrong."""
        match fault.kind:
            case FaultKind.COMMIT_THEN_DROP:
                raise _GoneError
            case FaultKind.CUT_BODY:
                self._writer.write(b"25")
                await self._writer.drain()
                await asyncio.sleep(0.01)
                raise _GoneError
            case FaultKind.COMMIT_THEN_DELAY:
                await asyncio.sleep(fault.seconds)

    async def _content(self) -> bytes:
        lines: list[bytes] = []
        while (line := await self._reader.readline()).rstrip(b"\r\n") != _END:
            if not line:
                raise _GoneError
            lines.append(line[1:] if line.startswith(_END) else line)
        return b"".join(lines)

    async def _reset(self, rest: str) -> None:
        del rest
        self._sender, self._recipients = None, []
        await self._say("250 2.0.0 Ok")

    async def _noop(self, rest: str) -> None:
        del rest
        await self._say("250 2.0.0 Ok")


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return ""
