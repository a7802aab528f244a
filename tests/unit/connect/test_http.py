import asyncio
import logging
import socket
import ssl
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TypeAlias

import pytest

from tieout.connect.addresses import Reach
from tieout.connect.http import Exchange, HttpClient, HttpSettings, parse_retry_after
from tieout.connect.manifest import Limits
from tieout.connect.redaction import Redactor
from tieout.connect.throttle import NoThrottle
from tieout.errors import ConfigurationError, ContractError, TransientError, UnknownOutcomeError
from tieout.model.clock import FixedClock

NOON = datetime(2026, 8, 3, 12, tzinfo=UTC)
SECRET = "s3cr3t-of-the-firm"
Answer: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def target(answer: Answer, **settings: object) -> AsyncIterator[HttpClient]:
    """A server whose every connection is given to ``answer`` after one request was read."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await answer(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = client_of(f"http://127.0.0.1:{port}", **settings)
    try:
        yield client
    finally:
        await client.aclose()
        server.close()


def client_of(base_url: str, **settings: object) -> HttpClient:
    return HttpClient(
        HttpSettings(**settings),  # type: ignore[arg-type]
        base_url=base_url,
        account="erp-1",
        limits=Limits(),
        throttle=NoThrottle(),
        clock=FixedClock(NOON),
        redactor=Redactor([SECRET]),
    )


def says(text: str) -> Answer:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(text.replace("\n", "\r\n").encode())
        await writer.drain()

    return answer


async def test_a_connection_that_leads_where_it_must_not_sends_nothing() -> None:
    received = asyncio.Queue[bytes]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.put_nowait(await reader.read())
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    # The name, as a subscriber would give it: what it leads to shows only when the connection stands.
    client = client_of(f"http://localhost:{port}", reach=Reach.PUBLIC)
    with pytest.raises(ConfigurationError, match=r"TIE-HTTP-005.*is no address of the internet"):
        await client.request("POST", "/hooks", content=b"{}")
    await client.aclose()
    assert await received.get() == b""
    server.close()


async def reset(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    raw: socket.socket = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    writer.transport.abort()


async def silence(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
    await asyncio.sleep(5)


async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _byte in range(100):
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.05)


CUT = "HTTP/1.1 200 OK\nContent-Length: 100\n\n{"
LOST = [reset, silence, drip, says(CUT), says(""), says("nonsense\n\n")]


@pytest.mark.parametrize("answer", LOST, ids=["reset", "silence", "drip", "cut", "closed", "nonsense"])
async def test_a_write_that_may_have_been_sent_is_unknown(answer: Answer) -> None:
    async with target(answer, timeout_s=0.3) as client:
        with pytest.raises(UnknownOutcomeError):
            await client.request("POST", "/journals", content=b"{}")


@pytest.mark.parametrize("answer", LOST, ids=["reset", "silence", "drip", "cut", "closed", "nonsense"])
async def test_a_read_without_an_answer_may_be_repeated(answer: Answer) -> None:
    async with target(answer, timeout_s=0.3) as client:
        with pytest.raises(TransientError):
            await client.request("GET", "/journals")
        with pytest.raises(TransientError):
            await client.request("POST", "/query", read_only=True)


async def test_a_write_that_found_nobody_certainly_did_nothing() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        client = client_of(f"http://127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(TransientError) as failed:
            await client.request("POST", "/journals", content=b"{}")
        assert failed.value.code == "TIE-HTTP-001"
        await client.aclose()


async def test_a_wrong_certificate_or_name_sends_nothing() -> None:
    received: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append(await reader.read(100_000))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    for base_url in (f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}", "https://no-such-host.invalid"):
        client = client_of(base_url, timeout_s=2)
        with pytest.raises(TransientError) as failed:
            await client.request("POST", "/journals", content=b"the payload")
        assert failed.value.code == "TIE-HTTP-001"
        await client.aclose()
    server.close()
    assert b"the payload" not in b"".join(received)


async def test_a_full_pool_sends_nothing() -> None:
    async with target(silence, timeout_s=0.3, max_connections=1) as client:
        first = asyncio.create_task(client.request("POST", "/a", timeout_s=1))
        await asyncio.sleep(0.05)
        with pytest.raises(TransientError):
            await client.request("POST", "/b")
        with pytest.raises(UnknownOutcomeError):
            await first


async def test_an_answer_beyond_the_cap_is_not_read() -> None:
    big = says("HTTP/1.1 200 OK\nContent-Length: 5000\n\n" + "x" * 5000)
    async with target(big, max_response_bytes=1000) as client:
        with pytest.raises(ContractError):
            await client.request("GET", "/journals")
        with pytest.raises(UnknownOutcomeError):
            await client.request("POST", "/journals")


async def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    moved = says("HTTP/1.1 302 Found\nLocation: http://127.0.0.1:1/\nContent-Length: 0\n\n")
    async with target(moved) as client:
        assert (await client.request("POST", "/journals")).status == 302


async def test_an_address_or_header_that_cannot_be_used_is_a_setting_to_correct() -> None:
    client = client_of("ftp://127.0.0.1")
    with pytest.raises(ConfigurationError):
        await client.request("GET", "/")
    await client.aclose()
    client = client_of("http://127.0.0.1:1")
    with pytest.raises(ConfigurationError):
        await client.request("POST", "/", headers={"Authorization": "Bearer a\nb"})
    await client.aclose()


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7),
        (" 1.5 ", 1.5),
        ("-20", 0),
        ("1000000000", 600),
        ("1e999", 600),
        ("nan", None),
        ("soon", None),
        ("", None),
        (None, None),
        (format_datetime(NOON + timedelta(seconds=90), usegmt=True), 90),
        (format_datetime(NOON - timedelta(days=1), usegmt=True), 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 600),
    ],
)
def test_retry_after_is_read_in_every_form_and_capped(value: str | None, seconds: float | None) -> None:
    assert parse_retry_after(value, now=NOON, cap_s=600) == seconds


class Penalties(NoThrottle):
    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def penalise(self, account: str, retry_after_s: float) -> None:
        assert account == "erp-1"
        self.seconds.append(retry_after_s)


async def test_a_429_slows_the_account_down() -> None:
    async with target(says("HTTP/1.1 429 Slow down\nRetry-After: 17\nContent-Length: 0\n\n")) as client:
        throttle = Penalties()
        client._throttle = throttle
        answer = await client.request("POST", "/journals")
        assert answer.retry_after_s == 17
        assert throttle.seconds == [17]


@pytest.mark.parametrize(
    "answer", [says(f"HTTP/1.1 401 No\nSet-Cookie: {SECRET}\nContent-Length: 18\n\n{SECRET}"), reset]
)
async def test_secrets_are_in_no_log_tap_or_exception(answer: Answer, caplog: pytest.LogCaptureFixture) -> None:
    tapped: list[Exchange] = []
    caplog.set_level(logging.DEBUG)
    async with target(answer, wire_tap=tapped.append) as client:
        sent = client.request(
            "POST",
            f"/token/{SECRET}",
            headers={"Authorization": f"Bearer {SECRET}"},
            params={"key": SECRET},
            content=f'{{"password": "{SECRET}"}}'.encode(),
        )
        (told,) = await asyncio.gather(sent, return_exceptions=True)
    if isinstance(told, UnknownOutcomeError):
        assert SECRET not in "".join(traceback.format_exception(told))
        assert told.__cause__ is None
    assert len(tapped) == 1
    assert SECRET not in repr(tapped)
    assert SECRET not in caplog.text


async def test_a_failing_tap_does_not_change_what_came_of_the_request() -> None:
    def broken(_: Exchange) -> None:
        raise ValueError("disk full")

    async with target(says("HTTP/1.1 201 Created\nContent-Length: 0\n\n"), wire_tap=broken) as client:
        assert (await client.request("POST", "/journals")).status == 201


async def test_cancelling_a_request_is_not_swallowed() -> None:
    async with target(silence) as client:
        running = asyncio.create_task(client.request("POST", "/journals"))
        await asyncio.sleep(0.05)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running


def test_an_own_authority_must_exist() -> None:
    with pytest.raises((FileNotFoundError, ssl.SSLError)):
        client_of("https://127.0.0.1", ca_file="/nowhere.pem")
