"""Asynchronous requests of a simulated account: submission, idempotency keys, background work, job and task results.

"Sending an Asynchronous Request", "... Using an Idempotency Key", "Batch Operations" and "Getting the Result of an
Executed Request" of the NetSuite help. A batch is one job with one task per record; each task and its effect are one
transaction, so a killed account goes on where it was. A repeated key is refused with the first job's address.
"""

import asyncio
import sqlite3
from typing import Final

import msgspec
from aiohttp import web

from tieout.connectors.netsuite.simulator.errors import ERROR_MEDIA_TYPE, RefusedError, error_body
from tieout.connectors.netsuite.simulator.records import Account, RecordRequest

JOB_PATH: Final = "/services/rest/async/v1/job"
RECORD_PATH: Final = "/services/rest/record/v1"
MAX_BATCH: Final = 100


class _Items(msgspec.Struct):
    items: list[msgspec.Raw]


class _ItemKeys(msgspec.Struct):
    id: str | None = None
    externalId: str | None = None  # noqa: N815 - the vendor's member name


def split_batch(request: RecordRequest) -> list[RecordRequest]:
    """The operations of a batch body ``{"items": [...]}``; raises RefusedError."""
    try:
        items = msgspec.json.decode(request.body, type=_Items).items
        keys = [msgspec.json.decode(item, type=_ItemKeys) for item in items]
    except msgspec.MsgspecError as error:
        raise RefusedError("INVALID_CONTENT", "The body of a batch is an object with items.") from error
    if not 1 <= len(items) <= MAX_BATCH:
        raise RefusedError("INVALID_CONTENT", f"A batch has between 1 and {MAX_BATCH} records.", path="items")
    upsert = request.method == "PUT"
    if upsert and any(key.externalId is None for key in keys):
        raise RefusedError("INVALID_CONTENT", "Every record of an upsert needs an external ID.", path="items")
    return [
        msgspec.structs.replace(
            request,
            body=item,
            external_id=key.externalId if upsert else None,
            key=key.id if request.method == "PATCH" else None,
        )
        for item, key in zip(items, keys, strict=True)
    ]


class AsyncJobs:
    """The jobs of one account and the worker that does them, in order of submission."""

    def __init__(self, account: Account, *, delay_s: float) -> None:
        self._account = account
        self._delay_s = delay_s
        self._worker: asyncio.Task[None] | None = None
        self._submitted = asyncio.Event()

    def start(self) -> None:
        """Go on with what a former process left."""
        self._worker = asyncio.create_task(self._work())

    async def stop(self) -> None:
        """Stop between two tasks."""
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.gather(self._worker, return_exceptions=True)

    async def submit(self, tasks: list[RecordRequest], *, idempotency_key: str | None) -> web.Response:
        """Record a job durably and answer 202; raises RefusedError for a key that was used before."""
        job = await self._account.store.write(lambda rows: self._insert(rows, tasks, idempotency_key))
        self._submitted.set()
        headers = {"Preference-Applied": "respond-async", "Location": f"{JOB_PATH}/{job}"}
        return web.Response(status=202, headers=headers)

    def _insert(self, rows: sqlite3.Connection, tasks: list[RecordRequest], idempotency_key: str | None) -> int:
        first = rows.execute("select id from async_job where idempotency_key = ?", (idempotency_key,)).fetchone()
        if first is not None:
            words = "A request with this idempotency key was accepted before."
            refused = RefusedError("IDEMPOTENCY_ERROR", words, title="Conflict")
            refused.headers["Location"] = f"{JOB_PATH}/{first[0]}"
            raise refused
        job = rows.execute(
            "insert into async_job (idempotency_key, request, submitted_at) values (?, ?, ?)",
            (idempotency_key, msgspec.json.encode(tasks), self._account.clock().timestamp()),
        ).lastrowid
        rows.executemany(
            "insert into async_task (job, id) values (?, ?)", [(job, number) for number in range(1, len(tasks) + 1)]
        )
        return int(job or 0)

    async def _work(self) -> None:
        while True:
            self._submitted.clear()
            job = self._account.store.reader.execute(
                "select id, request from async_job where ended_at is null order by id limit 1"
            ).fetchone()
            if job is None:
                await self._submitted.wait()
                continue
            await asyncio.sleep(self._delay_s)
            await self._run_job(int(job[0]), msgspec.json.decode(job[1], type=list[RecordRequest]))

    async def _run_job(self, job: int, tasks: list[RecordRequest]) -> None:
        waiting = self._account.store.reader.execute(
            "select id from async_task where job = ? and status is null order by id", (job,)
        ).fetchall()
        await asyncio.gather(*(self._run_task(job, number, tasks[number - 1]) for (number,) in waiting))
        ended_at = self._account.clock().timestamp()
        await self._account.store.write(
            lambda rows: rows.execute("update async_job set ended_at = ? where id = ?", (ended_at, job))
        )
        self._account.masters_changed()

    async def _run_task(self, job: int, number: int, request: RecordRequest) -> None:
        def effect_and_result(rows: sqlite3.Connection) -> None:
            key = self._account.apply(rows, request)
            _finish(rows, job, number, status=204, location=f"{RECORD_PATH}/{request.record}/{key}", body=b"")

        try:
            await self._account.store.write(effect_and_result)
        except RefusedError as refused:
            body, status = error_body(refused), refused.status
            await self._account.store.write(
                lambda rows: _finish(rows, job, number, status=status, location=None, body=body)
            )

    def job(self, number: str, *, base_url: str) -> dict[str, object]:
        """The state of a job; raises RefusedError (404) for one that is not there."""
        row = self._job_row(number)
        states = self._account.store.reader.execute(
            "select status from async_task where job = ? order by id", (row[0],)
        ).fetchall()
        done = row[1] is not None
        ran_well = all(status is not None and status < 400 for (status,) in states)  # noqa: PLR2004 - HTTP's first error status
        progress = ("succeeded" if ran_well else "failed") if done else "processing"
        href = f"{base_url}{JOB_PATH}/{number}"
        return {
            "links": [{"rel": "self", "href": href}],
            "completed": done,
            "id": number,
            "progress": progress,
            "task": {"links": [{"rel": "self", "href": f"{href}/task"}]},
        }

    def tasks(self, number: str, *, base_url: str) -> dict[str, object]:
        """The tasks of a job, in the order of the batch."""
        row = self._job_row(number)
        href = f"{base_url}{JOB_PATH}/{number}/task"
        found = self._account.store.reader.execute("select id from async_task where job = ? order by id", (row[0],))
        items = [{"id": str(key), "links": [{"rel": "self", "href": f"{href}/{key}"}]} for (key,) in found]
        return {"links": [{"rel": "self", "href": href}], "count": len(items), "hasMore": False, "items": items}

    def task(self, number: str, task: str, *, base_url: str) -> dict[str, object]:
        """The state of one task."""
        status = self._task_row(number, task)[0]
        href = f"{base_url}{JOB_PATH}/{number}/task/{task}"
        progress = "pending" if status is None else "succeeded" if status < 400 else "failed"  # noqa: PLR2004 - as above
        return {
            "links": [{"rel": "related", "href": f"{href}/result"}, {"rel": "self", "href": href}],
            "completed": status is not None,
            "id": task,
            "progress": progress,
        }

    def result(self, number: str, task: str, *, base_url: str) -> web.Response:
        """The answer that the record would have had synchronously."""
        status, location, body = self._task_row(number, task)
        if status is None:
            raise RefusedError("USER_ERROR", "The task is not completed.", status=404)
        headers = {} if location is None else {"Location": f"{base_url}{location}"}
        if body:
            headers["Content-Type"] = ERROR_MEDIA_TYPE
        return web.Response(status=status, body=body or None, headers=headers)

    def _job_row(self, number: str) -> tuple[int, float | None]:
        row: tuple[int, float | None] | None = None
        if number.isdecimal():
            row = self._account.store.reader.execute(
                "select id, ended_at from async_job where id = ?", (int(number),)
            ).fetchone()
        if row is None:
            raise RefusedError("NONEXISTENT_ID", f"The job {number} does not exist.", status=404)
        return row

    def _task_row(self, number: str, task: str) -> tuple[int | None, str | None, bytes | None]:
        job = self._job_row(number)[0]
        row: tuple[int | None, str | None, bytes | None] | None = None
        if task.isdecimal():
            row = self._account.store.reader.execute(
                "select status, location, body from async_task where job = ? and id = ?", (job, int(task))
            ).fetchone()
        if row is None:
            raise RefusedError("NONEXISTENT_ID", f"The task {task} does not exist.", status=404)
        return row


def _finish(rows: sqlite3.Connection, job: int, number: int, *, status: int, location: str | None, body: bytes) -> None:
    rows.execute(
        "update async_task set status = ?, location = ?, body = ? where job = ? and id = ?",
        (status, location, body, job, number),
    )
