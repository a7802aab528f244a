"""One message to one mail server: connect, TLS, sign in, hand it in. Says how far it came, not what that means.

The library's calls block, so each session runs in a thread of its own. Until the last line of the message is sent the
server cannot have taken it; from then on only its answer tells. Neighbours: ``outcome_codes`` judges what is raised.
"""

import asyncio
import smtplib
import socket
import ssl
from enum import StrEnum
from typing import Final

import msgspec

from tieout.connect.addresses import Reach, refusal
from tieout.connect.connector import Connection
from tieout.connectors.email.manifest import LIMITS
from tieout.connectors.email.options import Options

_OK: Final = 250
_WILL_FORWARD: Final = 251
_READY: Final = 220
_NOT_SUPPORTED: Final = 504


class Stage(StrEnum):
    """How far a session came."""

    CONNECT = "connect"
    SIGN_IN = "sign_in"
    SENDER = "sender"
    RECIPIENT = "recipient"
    CONTENT = "content"


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What the server said last, at which stage. ``code`` is None where it said nothing any more; ``words`` say why."""

    stage: Stage
    code: int | None
    words: str


class SmtpClient:
    """One mailbox."""

    def __init__(self, connection: Connection, options: Options) -> None:
        self._options = options
        self._password = connection.secrets["password"]
        self._timeout_s = connection.http.timeout_s
        self._reach = connection.http.reach
        self._throttle, self._account = connection.throttle, connection.account

    async def send(self, recipient: str, content: bytes) -> Told:
        """Hand in ``content`` (a whole message, lines ended by CRLF) for ``recipient``."""
        async with self._throttle.acquire(self._account, LIMITS):
            return await asyncio.to_thread(self._session, recipient, content)

    async def sign_in(self) -> Told:
        """Sign in and send nothing."""
        async with self._throttle.acquire(self._account, LIMITS):
            return await asyncio.to_thread(self._session, None, b"")

    def _session(self, recipient: str | None, content: bytes) -> Told:
        session = _Session()
        try:
            session.server = self._connected()
            session.stage = Stage.SIGN_IN
            session.server.login(self._options.username, self._password)
            if recipient is None:
                return Told(stage=session.stage, code=_OK, words="signed in")
            code, words = session.hand_in(self._options.sender, recipient, content)
            return Told(stage=session.stage, code=code, words=_text(words))
        except smtplib.SMTPDataError as error:
            # Raised for the answer to DATA itself: not a line of the message has been sent.
            return Told(stage=Stage.RECIPIENT, code=error.smtp_code, words=_text(error.smtp_error))
        except smtplib.SMTPResponseException as error:
            return Told(stage=session.stage, code=error.smtp_code, words=_text(error.smtp_error))
        except smtplib.SMTPNotSupportedError as error:
            return Told(stage=Stage.SIGN_IN, code=_NOT_SUPPORTED, words=str(error))
        except (smtplib.SMTPException, OSError) as error:
            return Told(stage=session.stage, code=None, words=f"{type(error).__name__}: {error}")
        finally:
            if session.server is not None:
                session.server.close()

    def _connected(self) -> smtplib.SMTP:
        options, context = self._options, _trust(self._options.ca_file)
        if options.tls == "implicit":
            return _GuardedTls(self._reach, options, timeout=self._timeout_s, context=context)
        server = _Guarded(self._reach, options, timeout=self._timeout_s)
        try:
            _begin_tls(server, context)
        except BaseException:
            server.close()
            raise
        return server


class _Session:
    """One connection and how far it came."""

    def __init__(self) -> None:
        self.stage = Stage.CONNECT
        self.server: smtplib.SMTP | None = None

    def hand_in(self, sender: str, recipient: str, content: bytes) -> tuple[int, bytes]:
        """Sender, recipient and content, as far as the server goes along; returns what it said last."""
        server = self.server
        if server is None:
            raise OSError("there is no connection")
        self.stage = Stage.SENDER
        code, words = server.mail(sender)
        if code != _OK:
            return code, words
        self.stage = Stage.RECIPIENT
        code, words = server.rcpt(recipient)
        if code not in {_OK, _WILL_FORWARD}:
            return code, words
        self.stage = Stage.CONTENT
        return server.data(content)


def _begin_tls(server: smtplib.SMTP, context: ssl.SSLContext) -> None:
    server.ehlo_or_helo_if_needed()
    code, words = server.starttls(context=context)
    if code != _READY:
        raise smtplib.SMTPResponseException(code, words)


class _Guarded(smtplib.SMTP):
    """Speaks to no address that the hub must not speak to, before a word is said."""

    def __init__(self, reach: Reach, options: Options, *, timeout: float) -> None:
        self._reach = reach
        super().__init__(options.host, options.port, timeout=timeout)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return _checked(socket.create_connection((host, port), timeout), self._reach)


class _GuardedTls(smtplib.SMTP_SSL):
    """The same where TLS begins at once."""

    def __init__(self, reach: Reach, options: Options, *, timeout: float, context: ssl.SSLContext) -> None:
        self._reach = reach
        self._trusted = context
        super().__init__(options.host, options.port, timeout=timeout, context=context)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        plain = _checked(socket.create_connection((host, port), timeout), self._reach)
        return self._trusted.wrap_socket(plain, server_hostname=host)


def _checked(opened: socket.socket, reach: Reach) -> socket.socket:
    why = refusal(str(opened.getpeername()[0]), reach)
    if why is not None:
        opened.close()
        raise OSError(why)
    return opened


def _trust(ca_file: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    return context


def _text(words: bytes | str) -> str:
    return words.decode("utf-8", errors="replace") if isinstance(words, bytes) else words
