"""The ERP of the benchmarks, a process of its own: takes batches of journals, 5 ms a request, remembers references.

``POST /journals`` takes ``[[reference, entry count, [source id, ...]], ...]`` beside whatever else a journal says, at
most ``MAX_ENTRIES`` entries a request unless one journal alone has more. ``GET /held`` says what is held once the
number of entries asked for has arrived, ``GET /references`` which references are known.
"""

import asyncio
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
from aiohttp import web

MAX_ENTRIES = 500
ANSWER_S = 0.005
_MAX_BODY = 64 * 1024 * 1024


class SentJournal(msgspec.Struct):
    """The part of a journal that the stub keeps; the lines are read and counted as well."""

    reference: str
    entry_count: int
    lines: list[dict[str, str | int | dict[str, str] | None]]
    accounting_date: str


class Holding(msgspec.Struct):
    """What the stub holds. ``received_s`` and ``answered_s``: the last request, on the machine's monotonic clock."""

    entries: int
    journals: int
    repeats: int
    requests: int
    first_s: float
    received_s: float
    answered_s: float
    doubled_sources: list[str]


class Stub:
    """References and entries in memory."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}
        self._sources: Counter[str] = Counter()
        self._entries = self._repeats = self._requests = 0
        self._first = self._received = self._answered = 0.0
        self._changed = asyncio.Condition()
        self._decoder = msgspec.json.Decoder(list[SentJournal])

    async def journals(self, request: web.Request) -> web.Response:
        """Take a batch: one target reference per journal, after ``ANSWER_S``."""
        received = time.monotonic()
        try:
            body = await request.read()
        except ConnectionResetError:
            return web.Response(status=400)  # the hub was killed while it sent; nobody reads this
        batch = self._decoder.decode(body)
        if sum(one.entry_count for one in batch) > MAX_ENTRIES and len(batch) > 1:
            return web.json_response({"problem": f"more than {MAX_ENTRIES} entries"}, status=413)
        await asyncio.sleep(ANSWER_S - (time.monotonic() - received))
        answers = [self._take(one) for one in batch]
        self._requests += 1
        self._received, self._answered = received, time.monotonic()
        self._first = self._first or self._answered
        async with self._changed:
            self._changed.notify_all()
        return web.Response(body=msgspec.json.encode(answers), content_type="application/json")

    def _take(self, one: SentJournal) -> dict[str, str | bool]:
        ref = self._known.get(one.reference)
        if ref is not None:
            self._repeats += 1
            return {"ref": ref, "known": True}
        ref = self._known[one.reference] = f"J{len(self._known) + 1}"
        self._entries += one.entry_count
        for source in {str(line["memo"]) for line in one.lines}:
            self._sources[source] += 1
        return {"ref": ref, "known": False}

    async def held(self, request: web.Request) -> web.Response:
        """Wait until ``entries`` are held (at most ``timeout_s``), then say what is held."""
        wanted, timeout_s = int(request.query.get("entries", "0")), float(request.query.get("timeout_s", "0"))
        try:
            async with asyncio.timeout(timeout_s), self._changed:
                await self._changed.wait_for(lambda: self._entries >= wanted)
        except TimeoutError:
            pass  # the answer says how many there are
        found = Holding(
            entries=self._entries,
            journals=len(self._known),
            repeats=self._repeats,
            requests=self._requests,
            first_s=self._first,
            received_s=self._received,
            answered_s=self._answered,
            doubled_sources=[name for name, count in self._sources.items() if count > 1 and name.startswith("ts-")],
        )
        return web.Response(body=msgspec.json.encode(found), content_type="application/json")

    async def mark(self, _: web.Request) -> web.Response:
        """Forget when the first posting came: the next one is the first again."""
        self._first = 0.0
        return web.Response()

    async def find(self, request: web.Request) -> web.Response:
        """Which of the references in the body are held, and under which target reference."""
        wanted = msgspec.json.decode(await request.read(), type=list[str])
        known = {one: self._known[one] for one in wanted if one in self._known}
        return web.Response(body=msgspec.json.encode(known), content_type="application/json")


async def _serve() -> None:
    stub = Stub()
    app = web.Application(client_max_size=_MAX_BODY)
    app.router.add_post("/journals", stub.journals)
    app.router.add_post("/find", stub.find)
    app.router.add_post("/mark", stub.mark)
    app.router.add_get("/held", stub.held)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    sys.stdout.write(f"{runner.addresses[0][1]}\n")
    sys.stdout.flush()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await runner.cleanup()


@contextmanager
def running_stub() -> Iterator[int]:
    """A fresh stub in a process of its own; yields its port. It ends with the block, or with this process."""
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.erp_stub"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        if process.stdout is None or process.stdin is None:
            raise SystemExit("The stub has no pipes.")
        try:
            yield int(process.stdout.readline())
        finally:
            process.stdin.close()


if __name__ == "__main__":
    asyncio.run(_serve())
