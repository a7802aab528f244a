"""Handing in journals a hundred at a time, to be posted by NetSuite in the background.

Neighbours: ``write`` chooses it by the setting ``journal_writes``. For an account with little concurrency: one request
and a few polls for a hundred journals, at the price of waiting for the whole batch. A batch carries an idempotency
key made of its references, so handing it in again finds the first job instead of making a second; and each journal
carries its external id, so no job can post one that is there. What came of each is told by a look-up, not by the job.
"""

import asyncio
import time
from collections.abc import Sequence
from enum import StrEnum
from typing import Final
from uuid import UUID, uuid5

import msgspec

from tieout.connect.http import HttpAnswer
from tieout.connect.outcome import Outcome, RetryLater, Unknown
from tieout.connectors.netsuite.client import NetSuiteClient
from tieout.connectors.netsuite.lookup import Lookup
from tieout.connectors.netsuite.outcome_codes import error_of, outcome_of
from tieout.connectors.netsuite.settling import held, not_sent
from tieout.errors import AccessError, ContractError, TransientError, UnknownOutcomeError

_NAMESPACE: Final = UUID("6a3e5e0e-6f4a-5d0c-9a64-0c1f7f6f2b11")
_ACCEPTED: Final = 202
_NO_CONTENT: Final = 204
_FIRST_PAUSE_S: Final = 0.05
_LONGEST_PAUSE_S: Final = 2.0
_MAX_JOBS: Final = 50
"""Former jobs of the same journals that are followed before giving up for now."""


class Item(msgspec.Struct, frozen=True):
    """One journal of a batch."""

    reference: str
    body: msgspec.Raw


class _JobState(StrEnum):
    RUNNING = "running"
    OVER = "over"
    LOST = "lost"


class _Job(msgspec.Struct, frozen=True):
    """A job's address; ``is_old`` when the batch had been handed in before."""

    location: str
    is_old: bool


def idempotency_key(references: Sequence[str], *, after_job: str) -> str:
    """The key of a batch: of what it holds, and of the former job that left it out."""
    return str(uuid5(_NAMESPACE, "\n".join([after_job, *references])))


class BatchWriter:
    """Posts journals by asynchronous batches. ``deadline_s`` is how long a job is waited for."""

    def __init__(self, client: NetSuiteClient, lookup: Lookup, *, deadline_s: float) -> None:
        self._client = client
        self._lookup = lookup
        self._deadline_s = deadline_s

    async def create(self, items: Sequence[Item]) -> list[Outcome]:
        """One outcome per journal, in order."""
        outcomes: dict[str, Outcome] = {}
        remaining, after_job = list(items), ""
        for _ in range(_MAX_JOBS):
            if not remaining:
                break
            job = await self._hand_in(remaining, after_job)
            if not isinstance(job, _Job):
                outcomes |= {one.reference: job for one in remaining}
                remaining = []
                break
            told, absent = await self._results(job, remaining)
            outcomes |= told
            # A job that was over before may have refused for a reason that is gone: what it left out is handed in anew.
            remaining, after_job = absent, job.location
        too_often = RetryLater(reason="These journals were left out by many former jobs.")
        return [outcomes.get(one.reference, too_often) for one in items]

    async def _hand_in(self, items: Sequence[Item], after_job: str) -> _Job | Outcome:
        """The job of a batch, or the outcome of all its journals where there is none.

        After a lost answer nothing is handed in again here: when the engine does so, the key finds the first job.
        """
        try:
            answer = await self._client.submit_batch(
                "journalEntry",
                [one.body for one in items],
                idempotency_key=idempotency_key([one.reference for one in items], after_job=after_job),
            )
        except UnknownOutcomeError as error:
            return Unknown(reason=error.message)
        except (TransientError, AccessError, ContractError) as error:
            return not_sent(error)
        return _job_of(answer) or outcome_of(answer)

    async def _results(self, job: _Job, items: Sequence[Item]) -> tuple[dict[str, Outcome], list[Item]]:
        """Outcomes of a job, and the journals that an old job left out."""
        state = await self._wait(job.location)
        try:
            found = await self._lookup.journals([one.reference for one in items])
        except (TransientError, AccessError, ContractError) as error:
            return {one.reference: Unknown(reason=error.message) for one in items}, []
        told = {reference: held(one, repeated=job.is_old) for reference, one in found.items()}
        places = [place for place, one in enumerate(items) if one.reference not in found]
        if job.is_old and state is not _JobState.RUNNING:
            return told, [items[place] for place in places]
        left_out: list[Outcome] = [Unknown(reason=f"Job {job.location} is {state}; the journal is not there.")] * len(
            places
        )
        if places and state is _JobState.OVER:
            left_out = await self._left_out(job.location, places)
        return told | {items[place].reference: left_out[nth] for nth, place in enumerate(places)}, []

    async def _left_out(self, location: str, places: Sequence[int]) -> list[Outcome]:
        """Why a finished job posted nothing for the records at ``places``."""
        try:
            answers = await self._client.task_answers(location, places)
        except (TransientError, AccessError, ContractError) as error:
            return [Unknown(reason=error.message)] * len(places)
        return [_refusal(answer) for answer in answers]

    async def _wait(self, location: str) -> _JobState:
        """Wait for a job until the deadline; what cannot be asked counts as running."""
        until = time.monotonic() + self._deadline_s
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                over = await self._client.job_is_over(location)
            except TransientError:
                over = False
            except (AccessError, ContractError):
                return _JobState.RUNNING
            if over is None:
                return _JobState.LOST
            if over:
                return _JobState.OVER
            if time.monotonic() + pause_s >= until:
                return _JobState.RUNNING
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)


def _job_of(answer: HttpAnswer) -> _Job | None:
    """The job that an answer names: a new one (202), or the first one of a key that was used before (400)."""
    location = answer.headers.get("location")
    if location is None:
        return None
    if answer.status == _ACCEPTED:
        return _Job(location, is_old=False)
    error = error_of(answer.body)
    return _Job(location, is_old=True) if error is not None and error.code == "IDEMPOTENCY_ERROR" else None


def _refusal(answer: HttpAnswer) -> Outcome:
    if answer.status == _NO_CONTENT:
        return Unknown(reason="The job says that it created the journal, and the journal is not there.")
    return outcome_of(answer)
