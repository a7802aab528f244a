"""What a mail server says, at which stage, decides whether a message may be handed in again."""

import asyncio
import socket
import threading
from collections.abc import Iterator

import pytest

from tieout.connect.conformance.bench import SystemClock
from tieout.connect.connector import Connection
from tieout.connect.http import HttpSettings
from tieout.connect.outcome import Accepted, NoAccess, Outcome, Rejected, RetryLater, Unknown
from tieout.connect.throttle import NoThrottle
from tieout.connectors.email.client import Stage, Told
from tieout.connectors.email.options import is_address, options_of
from tieout.connectors.email.outcome_codes import outcome_of
from tieout.connectors.email.write import EmailSink
from tieout.errors import ConfigurationError
from tieout.model.command import SendNotice


@pytest.mark.parametrize(
    ("stage", "code", "words", "right"),
    [
        (Stage.CONTENT, 250, "2.0.0 queued", Accepted),
        (Stage.CONTENT, 451, "4.3.0 try again", RetryLater),
        (Stage.CONTENT, 554, "5.6.0 refused", Rejected),
        (Stage.CONTENT, None, "SMTPServerDisconnected", Unknown),
        (Stage.CONTENT, 25, "", Unknown),
        (Stage.CONTENT, 354, "go on", Unknown),
        (Stage.RECIPIENT, 550, "5.1.1 no such user", Rejected),
        (Stage.RECIPIENT, 450, "4.2.0 greylisted", RetryLater),
        (Stage.RECIPIENT, 550, "5.7.1 relaying denied", Rejected),
        (Stage.SENDER, 550, "5.7.60 may not send as", NoAccess),
        (Stage.SENDER, 552, "5.2.2 over quota", Rejected),
        (Stage.SENDER, None, "TimeoutError", RetryLater),
        (Stage.SIGN_IN, 535, "5.7.8 invalid", NoAccess),
        (Stage.SIGN_IN, 454, "4.7.0 temporary", RetryLater),
        (Stage.CONNECT, 421, "4.3.2 closing", RetryLater),
        (Stage.CONNECT, None, "ConnectionRefusedError", RetryLater),
    ],
)
def test_only_what_certainly_was_not_taken_may_be_handed_in_again(
    stage: Stage, code: int | None, words: str, right: type[Outcome]
) -> None:
    assert isinstance(outcome_of(Told(stage=stage, code=code, words=words), "<1@firm.example>"), right)


@pytest.mark.parametrize(
    "text",
    [
        "ada@firm.example\r\nRCPT TO:<eve@attacker.example>",
        "ada@firm.example>",
        "<ada@firm.example>",
        "ada@firm.example, eve@attacker.example",
        "ada",
        "ada@firm",
        f"{'a' * 250}@firm.example",
    ],
)
def test_nothing_but_one_plain_address_goes_to_a_mail_server(text: str) -> None:
    assert not is_address(text)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("server", "smtp.firm.example"),
        ("server", "smtp:0"),
        ("tls", "none"),
        ("sender", "Tieout <tieout@firm.example>"),
    ],
)
def test_a_setting_that_cannot_be_used_is_said(name: str, value: str) -> None:
    given = {"server": "smtp.firm.example:587", "sender": "tieout@firm.example", "username": "t", name: value}
    with pytest.raises(ConfigurationError, match=f"TIE-EMAIL-001.*{name}"):
        options_of(given)


class PlainServer:
    """A mail server that offers no TLS and notes what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        client, _ = self._socket.accept()
        with client, client.makefile("rb") as lines:
            client.sendall(b"220 plain ESMTP\r\n")
            for line in lines:
                self.told.append(line.decode().strip())
                client.sendall(b"250 plain\r\n")

    def close(self) -> None:
        self._thread.join(5)
        self._socket.close()


@pytest.fixture
def plain_server() -> Iterator[PlainServer]:
    server = PlainServer()
    yield server
    server.close()


def test_a_server_without_tls_is_told_neither_password_nor_notice(plain_server: PlainServer) -> None:
    connection = Connection(
        system="mail",
        account="mail",
        settings={"server": f"127.0.0.1:{plain_server.port}", "sender": "t@firm.example", "username": "t"},
        secrets={"password": "a password that must not travel"},
        throttle=NoThrottle(),
        clock=SystemClock(),
        http=HttpSettings(timeout_s=5),
    )
    notice = SendNotice(reference="TIE-1", entity="", address="ada@firm.example", subject="Late", body="Late.")
    [outcome] = asyncio.run(EmailSink(connection).write([notice]))
    assert isinstance(outcome, NoAccess)
    assert [line.split()[0].upper() for line in plain_server.told] == ["EHLO"]
