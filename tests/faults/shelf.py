"""A target of masters in a process of its own: it keeps what it is told on disk and spoils a share of its answers.

It has no key and no unique field: whoever creates an object twice has two. A write that was read takes effect whether
or not its sender lives to hear so, some of them late. ``ShelfSink`` talks to it as a connector does: it looks for the
business code, then creates or changes.
"""

import asyncio
import random
import sqlite3
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from tieout.connect.outcome import Accepted, Found, FoundState, Outcome, Rejected, RejectionCode, RetryLater, Unknown
from tieout.errors import TransientError
from tieout.model.command import (
    Command,
    LinkDeal,
    SetProjectStatus,
    UpsertContract,
    UpsertCustomer,
    UpsertProject,
    UpsertTask,
)

_ANSWER_WITHIN_S = 2.0


class Ask(msgspec.Struct):
    """One request: ``what`` is find_code, find_references, create or change."""

    what: str
    kind: str = ""
    code: str = ""
    needs: tuple[tuple[str, str], ...] = ()
    reference: str = ""
    references: tuple[str, ...] = ()
    body: dict[str, object] = {}


class Answer(msgspec.Struct):
    """``busy``: certainly nothing was done. ``missing``: what the request refers to is not there."""

    ref: str | None = None
    found: dict[str, int] = {}
    busy: bool = False
    missing: str | None = None


class Fates(msgspec.Struct):
    """Which share of the writes is spoilt, and how late a write may take effect."""

    rate: float
    in_flight_s: float
    seed: int


class ShelfServer:
    """Serves one shelf on a unix socket."""

    def __init__(self, directory: Path, fates: Fates) -> None:
        self._db = sqlite3.connect(directory / "shelf.sqlite", isolation_level=None)
        self._db.executescript(
            """
            create table if not exists object (id integer primary key, kind text, code text, body text);
            create table if not exists told (reference text, object_id integer);
            """
        )
        self._fates = fates
        self._random = random.Random(fates.seed)
        self._late: set[asyncio.Task[None]] = set()

    async def serve(self, path: Path) -> None:
        """Serve until the process is told to end."""
        server = await asyncio.start_unix_server(self._talk, path)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        async with server:
            await server.serve_forever()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = await reader.readline()
        if line:
            answer = await self._do(msgspec.json.decode(line, type=Ask))
            if answer is not None:
                writer.write(msgspec.json.encode(answer) + b"\n")
        writer.close()

    async def _do(self, ask: Ask) -> Answer | None:
        """The answer, or None where the connection just ends."""
        if ask.what == "find_code":
            row = self._db.execute(
                "select id from object where kind = ? and code = ? order by id", (ask.kind, ask.code)
            ).fetchone()
            return Answer(ref=None if row is None else str(row[0]))
        if ask.what == "find_references":
            return Answer(found={one: count for one in ask.references if (count := self._count(one))})
        return await self._write(ask)

    async def _write(self, ask: Ask) -> Answer | None:
        fate = self._random.random() / self._fates.rate if self._fates.rate else 9.0
        if fate < 1 / 3:
            return Answer(busy=True)
        if fate < 2 / 3:
            self._late.add(asyncio.create_task(self._do_late(ask)))
            return None
        await asyncio.sleep(self._random.uniform(0, 0.02))
        answer = self._keep(ask)
        return None if fate < 1 else answer

    async def _do_late(self, ask: Ask) -> None:
        await asyncio.sleep(self._random.uniform(0, self._fates.in_flight_s))
        self._keep(ask)

    def _keep(self, ask: Ask) -> Answer:
        for kind, code in ask.needs:
            if not self._ids(kind, code):
                return Answer(missing=f"{kind} {code}")
        if ask.what == "create":
            cursor = self._db.execute(
                "insert into object (kind, code, body) values (?, ?, ?)",
                (ask.kind, ask.code, msgspec.json.encode(ask.body).decode()),
            )
            object_id = int(cursor.lastrowid or 0)
        else:
            object_id = self._ids(ask.kind, ask.code)[0]
            row = self._db.execute("select body from object where id = ?", (object_id,)).fetchone()
            body = {**msgspec.json.decode(row[0]), **ask.body}
            self._db.execute("update object set body = ? where id = ?", (msgspec.json.encode(body).decode(), object_id))
        self._db.execute("insert into told (reference, object_id) values (?, ?)", (ask.reference, object_id))
        return Answer(ref=str(object_id))

    def _ids(self, kind: str, code: str) -> list[int]:
        rows = self._db.execute("select id from object where kind = ? and code = ? order by id", (kind, code))
        return [int(row[0]) for row in rows]

    def _count(self, reference: str) -> int:
        row = self._db.execute(
            "select count(distinct object_id) from told where reference = ?", (reference,)
        ).fetchone()
        return int(row[0])


class Shelf:
    """The shelf's process, and its table read past it."""

    def __init__(self, directory: Path, fates: Fates) -> None:
        self.path = directory / "shelf.sock"
        self._database = directory / "shelf.sqlite"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.shelf", str(directory), msgspec.json.encode(fates).decode()],
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
        )
        assert self._process.stdout is not None
        self._process.stdout.readline()

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def objects(self) -> dict[tuple[str, str], list[dict[str, object]]]:
        """Everything that it holds, by kind and code."""
        with sqlite3.connect(self._database) as db:
            rows = db.execute("select kind, code, body from object order by id").fetchall()
        db.close()
        found: dict[tuple[str, str], list[dict[str, object]]] = {}
        for kind, code, body in rows:
            found.setdefault((kind, code), []).append(msgspec.json.decode(body))
        return found

    def make_by_hand(self, command: Command) -> None:
        """A person makes what a command asks for, or sees that it is there."""
        ask = _ask(command)
        with sqlite3.connect(self._database, timeout=10) as db:
            row = db.execute("select id, body from object where kind = ? and code = ?", (ask.kind, ask.code)).fetchone()
            if row is None:
                db.execute(
                    "insert into object (kind, code, body) values (?, ?, ?)",
                    (ask.kind, ask.code, msgspec.json.encode(ask.body).decode()),
                )
            else:
                body = {**msgspec.json.decode(row[1]), **ask.body}
                db.execute("update object set body = ? where id = ?", (msgspec.json.encode(body).decode(), row[0]))
        db.close()


class ShelfSink:
    """Writes masters to a shelf; see ``tieout.connect.sink.Sink``."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def write(self, commands: Sequence[Command]) -> Sequence[Outcome]:
        return [await self._one(command) for command in commands]

    async def _one(self, command: Command) -> Outcome:
        ask = _ask(command)
        try:
            known = await self._say(Ask(what="find_code", kind=ask.kind, code=ask.code))
        except TransientError as error:
            return RetryLater(reason=error.message)
        ask.what = "create" if known.ref is None else "change"
        try:
            answer = await self._say(ask)
        except TransientError as error:
            return Unknown(reason=error.message)
        if answer.busy:
            return RetryLater(reason="busy")
        if answer.missing is not None:
            return Rejected(code=RejectionCode.INVALID, words=f"there is no {answer.missing}")
        return Accepted(ref=answer.ref or "")

    async def find(self, command_kind: str, references: Sequence[str], *, entity: str) -> Mapping[str, Found]:
        del command_kind, entity
        answer = await self._say(Ask(what="find_references", references=tuple(references)))
        return {
            one: Found(reference=one, ref="1", state=FoundState.POSTED, count=count)
            for one, count in answer.found.items()
        }

    async def _say(self, ask: Ask) -> Answer:
        try:
            reader, writer = await asyncio.open_unix_connection(self._path)
            writer.write(msgspec.json.encode(ask) + b"\n")
            line = await asyncio.wait_for(reader.readline(), _ANSWER_WITHIN_S)
            writer.close()
        except (OSError, TimeoutError) as error:
            raise TransientError(code="TIE-HTTP-001", message=f"The shelf did not answer: {error!r}") from error
        if not line:
            raise TransientError(code="TIE-HTTP-001", message="The shelf hung up.")
        return msgspec.json.decode(line, type=Answer)

    async def aclose(self) -> None:
        """Nothing to close."""


def _ask(command: Command) -> Ask:
    """What a command comes to on a shelf: the object, what it needs, what it says."""
    said = {name: value for name, value in msgspec.to_builtins(command).items() if value is not None}
    said.pop("reference")
    needs: tuple[tuple[str, str], ...] = ()
    match command:
        case UpsertCustomer():
            kind, code = "customer", command.code
        case UpsertContract():
            kind, code, needs = "contract", command.code, (("customer", command.customer_code),)
        case UpsertProject():
            kind, code, needs = "project", command.code, (("customer", command.customer_code),)
        case UpsertTask():
            kind, code = "task", f"{command.project_code}/{command.wbs_code}"
            parent = command.parent_wbs_code
            needs = (("project", command.project_code),)
            needs += () if parent is None else (("task", f"{command.project_code}/{parent}"),)
        case SetProjectStatus():
            kind, code, needs = "project", command.project_code, (("project", command.project_code),)
            said = {"status": command.status}
        case LinkDeal():
            kind, code = "deal", command.deal
        case _:
            raise AssertionError(f"a shelf takes no {command}")
    return Ask(what="", kind=kind, code=code, needs=needs, reference=command.reference, body=said)


if __name__ == "__main__":
    place = Path(sys.argv[1])
    asyncio.run(ShelfServer(place, msgspec.json.decode(sys.argv[2], type=Fates)).serve(place / "shelf.sock"))
