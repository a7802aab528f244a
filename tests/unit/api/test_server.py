"""The application behind its real server: addresses, streams without a length, callers that hang up."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import msgspec
import pytest
from tests.unit.api.conftest import ADDRESS, Door, entry, refusal_of

from tieout.api import server
from tieout.api.time_entries import MAX_BODY_BYTES
from tieout.errors import ConfigurationError
from tieout.runtime.clock import SystemClock
from tieout.storage.pool import Pool, sync_pool
from tieout.web.site import Site

ONE = msgspec.json.encode(entry())


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def pool(database_url: str) -> Iterator[Pool]:
    opened = sync_pool(database_url, application="test-server", size=8)
    yield opened
    opened.close()


@pytest.fixture
async def caller(door: Door, pool: Pool, door_url: str, tmp_path: Path, port: int) -> AsyncIterator[httpx.AsyncClient]:
    stopping = asyncio.Event()
    served = server.Door(address="127.0.0.1", port=port, clock=SystemClock())
    served.open(door_url, home=tmp_path, site=Site())
    serving = asyncio.create_task(served(pool, stopping), name="serving")
    headers = {"authorization": f"Bearer {door.key}"}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=30) as client:
        await _until_it_answers(client, serving)
        yield client
    stopping.set()
    await asyncio.wait_for(serving, 30)


async def _until_it_answers(client: httpx.AsyncClient, serving: "asyncio.Task[None]") -> None:
    for _ in range(200):
        assert not serving.done()
        try:
            assert (await client.get("/ready")).status_code == 200
        except httpx.TransportError:
            await asyncio.sleep(0.05)
        else:
            return
    pytest.fail("the server does not answer")


async def _in_parts(part: bytes, times: int) -> AsyncIterator[bytes]:
    for _ in range(times):
        yield part
        await asyncio.sleep(0)


async def test_a_stream_without_a_length_is_taken_and_cut_off_where_it_is_too_long(
    door: Door, caller: httpx.AsyncClient
) -> None:
    answer = await caller.post(ADDRESS, content=_in_parts(ONE, 1))
    assert answer.status_code == 202
    part = b" " * 1024 * 1024
    answer = await caller.post(ADDRESS, content=_in_parts(part, MAX_BODY_BYTES // len(part) + 1))
    assert refusal_of(answer) == (413, "TIE-API-003")
    assert door.stored() == [ONE]


async def test_a_caller_that_hangs_up_in_the_middle_leaves_nothing_and_others_are_served(
    door: Door, caller: httpx.AsyncClient, port: int
) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"POST {ADDRESS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {door.key}\r\nContent-Length: 1000\r\n\r\n"
    writer.write(head.encode() + ONE[:100])
    await writer.drain()
    await asyncio.sleep(0.2)
    writer.close()
    assert (await caller.post(ADDRESS, content=ONE)).status_code == 202
    assert door.stored() == [ONE]


async def test_sixteen_at_once_get_each_an_answer_of_their_own(door: Door, caller: httpx.AsyncClient) -> None:
    bodies = [msgspec.json.encode(entry(number % 8)) for number in range(16)]
    answers = await asyncio.gather(*(caller.post(ADDRESS, content=body) for body in bodies))
    assert [one.status_code for one in answers] == [202] * 16
    assert sorted(one.json()["items"][0]["outcome"] for one in answers) == ["repeat"] * 8 + ["stored"] * 8
    assert sorted(door.stored()) == sorted(set(bodies))


async def test_what_is_refused_by_the_framework_has_the_same_form(caller: httpx.AsyncClient) -> None:
    assert refusal_of(await caller.get("/nowhere")) == (404, "TIE-API-007")
    assert refusal_of(await caller.get(ADDRESS)) == (405, "TIE-API-007")
    assert refusal_of(await caller.post(ADDRESS, content=ONE, headers={"authorization": "Bearer x"}))[0] == 401


@pytest.mark.parametrize("address", ["127.0.0.1", "203.0.113.9", "no-such-host.invalid"])
def test_an_address_that_cannot_be_listened_on_is_said_before_the_start(address: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(1)
        door = server.Door(address=address, port=taken.getsockname()[1], clock=SystemClock())
        with pytest.raises(ConfigurationError) as caught:
            door.check()
    assert caught.value.code == "TIE-API-005"
    assert address in caught.value.message


def test_a_free_address_passes(port: int) -> None:
    server.Door(address="127.0.0.1", port=port, clock=SystemClock()).check()
