"""Looks up by our reference what the account holds: many at once by SuiteQL, by record what SuiteQL may not see yet.

Neighbours: ``write`` and ``batches`` ask before they believe a refusal and after they posted; the engine asks through
``Sink.find``. SuiteQL can lag behind; the record service answers from the record itself, so together they miss nothing
that was answered. SuiteQL alone shows when a reference is held several times.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Final, TypeVar

import msgspec

from tieout.connect.outcome import Found, FoundState
from tieout.connectors.netsuite import queries
from tieout.connectors.netsuite.client import NetSuiteClient
from tieout.connectors.netsuite.directory import Directory
from tieout.connectors.netsuite.mapping import echo_of_journal, echo_of_row
from tieout.connectors.netsuite.records import NetSuiteJournal, NetSuiteJournalRow
from tieout.errors import ContractError

_ONE: Final = 1
_Result = TypeVar("_Result")


class _Named(msgspec.Struct, frozen=True):
    id: str
    name: str


class Lookup:
    """Look-ups in one account. All raise TransientError, AccessError or ContractError when they cannot be made."""

    def __init__(self, client: NetSuiteClient, directory: Directory, *, concurrency: int) -> None:
        self._client = client
        self._directory = directory
        self._concurrency = concurrency

    async def journals(self, references: Sequence[str]) -> dict[str, Found]:
        """The journals under ``references``; one that the account does not hold is absent."""
        found: dict[str, Found] = {}
        for chunk in _chunks(references):
            for row in await self._client.rows(queries.journals_by_reference(chunk), NetSuiteJournalRow):
                found[row.externalid] = _with(found.get(row.externalid), row)
        absent = [one for one in dict.fromkeys(references) if one not in found]
        records = await self._all(absent, self.journal)
        return found | {reference: one for reference, one in records.items() if one is not None}

    async def journal(self, reference: str) -> Found | None:
        """One journal, from the record itself; None when there is none."""
        journal = await self._client.journal_by_reference(reference)
        if journal is None:
            return None
        currency = await self._directory.currency_symbol(journal.currency.id)
        if currency is None or journal.id is None:
            raise ContractError(
                code="TIE-NETSUITE-002", message=f"The journal {reference} has no id or a currency that is not listed."
            )
        return _found(reference, journal, currency)

    async def posted(self, references: Sequence[str]) -> Mapping[str, Found]:
        """As ``journals``; a single one from the record itself, which is one request."""
        if len(references) != _ONE:
            return await self.journals(references)
        found = await self.journal(references[0])
        return {} if found is None else {references[0]: found}

    async def records(self, record: str, references: Sequence[str]) -> dict[str, Found]:
        """The records of a type under ``references``; SuiteQL's table is its name in lower case."""
        held: dict[str, list[str]] = {}
        for chunk in _chunks(references):
            for row in await self._client.rows(queries.records_by_reference(record.lower(), chunk), _Named):
                held.setdefault(row.name, []).append(row.id)
        absent = [one for one in dict.fromkeys(references) if one not in held]
        keys = await self._all(absent, lambda reference: self._client.record_by_reference(record, reference))
        held |= {reference: [key] for reference, key in keys.items() if key is not None}
        return {
            reference: Found(reference=reference, ref=ids[0], state=FoundState.POSTED, count=len(ids))
            for reference, ids in held.items()
        }

    async def statuses(self, references: Sequence[str]) -> dict[str, Found]:
        """The projects whose status was set under ``references`` and not again since."""
        held: dict[str, list[str]] = {}
        for chunk in _chunks(references):
            for row in await self._client.rows(queries.statuses_by_reference(chunk), _Named):
                held.setdefault(row.name, []).append(row.id)
        return {
            reference: Found(reference=reference, ref=ids[0], state=FoundState.POSTED, count=len(ids))
            for reference, ids in held.items()
        }

    async def _all(self, references: Sequence[str], look_up: Callable[[str], Awaitable[_Result]]) -> dict[str, _Result]:
        places = asyncio.Semaphore(self._concurrency)

        async def one(reference: str) -> _Result:
            async with places:
                return await look_up(reference)

        results = await asyncio.gather(*(one(reference) for reference in references))
        return dict(zip(references, results, strict=True))


def _chunks(references: Iterable[str]) -> list[list[str]]:
    wanted = list(dict.fromkeys(references))
    return [wanted[start : start + queries.MAX_NAMES] for start in range(0, len(wanted), queries.MAX_NAMES)]


def _with(before: Found | None, row: NetSuiteJournalRow) -> Found:
    """One more journal under a reference: the first one stays the answer, the count tells of the others."""
    if before is not None:
        return msgspec.structs.replace(before, count=before.count + 1)
    state = FoundState.POSTED if row.posting == "T" else FoundState.DRAFT
    return Found(
        reference=row.externalid,
        ref=row.id,
        state=FoundState.CANCELLED if row.voided == "T" else state,
        echo=echo_of_row(row),
    )


def _found(reference: str, journal: NetSuiteJournal, currency: str) -> Found:
    return Found(
        reference=reference,
        ref=journal.id or "",
        state=FoundState.POSTED if journal.approved else FoundState.DRAFT,
        echo=echo_of_journal(journal, currency=currency),
    )
