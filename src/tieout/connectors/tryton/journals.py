"""Posting journals: a draft, a second look, then the posting; in batches, with one outcome per journal.

What keeps a journal single although Tryton has no key to enforce it:

* a reference is looked up before a draft is made: what is posted is already done, a draft of ours is used again;
* after drafts were made they are looked up once more, the oldest of each reference is posted, others are removed;
* posting the same draft twice is refused by Tryton, so that a late request changes nothing.

A refused batch recorded nothing, so it is halved until the refused journal stands alone; nothing is sent again after an
answer that does not say what became of it. A refused journal leaves no draft behind. Neighbours: ``lookup``,
``directory``, ``mapping``, ``outcome_codes``.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from tieout.connect.fault_point import fault_point
from tieout.connect.outcome import (
    Accepted,
    AlreadyDone,
    NoAccess,
    Outcome,
    Rejected,
    RejectionCode,
    RetryLater,
    Unknown,
    Warned,
)
from tieout.connectors.tryton.client import TrytonClient
from tieout.connectors.tryton.directory import Directory
from tieout.connectors.tryton.lookup import Held, Lookup
from tieout.connectors.tryton.mapping import Company, echo_of, same_move, to_move
from tieout.connectors.tryton.outcome_codes import Answered
from tieout.connectors.tryton.records import Values
from tieout.errors import AccessError, ContractError, TransientError
from tieout.model.journal import PostJournal

_NO: Final = (Rejected, Warned)
_Step: TypeAlias = "Callable[[Company, list[_Work]], Awaitable[None]]"


@dataclass(kw_only=True)
class _Work:
    """One journal on its way; ``move`` is what would be made, ``draft`` the id of what is there to be posted."""

    command: PostJournal
    move: Values = field(default_factory=dict)
    draft: int | None = None
    outcome: Outcome | None = None


def _open(works: Sequence[_Work]) -> list[_Work]:
    return [one for one in works if one.outcome is None]


def _settle(works: Sequence[_Work], outcome: Outcome) -> None:
    for one in _open(works):
        one.outcome = outcome


class JournalWriter:
    """Posts journals into one account of Tryton."""

    def __init__(self, client: TrytonClient, directory: Directory, lookup: Lookup) -> None:
        self._client = client
        self._directory = directory
        self._lookup = lookup

    async def write(self, commands: Sequence[PostJournal]) -> list[Outcome]:
        """One outcome per command, in order. Of equal references in one call, all get the outcome of one posting."""
        works: dict[tuple[str, str], _Work] = {}
        for one in commands:
            works.setdefault((one.entity, one.reference), _Work(command=one))
        groups: dict[str, list[_Work]] = {}
        for work in works.values():
            groups.setdefault(work.command.entity, []).append(work)
        await asyncio.gather(*(self._write_entity(entity, group) for entity, group in groups.items()))
        outcomes = [works[one.entity, one.reference].outcome for one in commands]
        if any(isinstance(one, Rejected) for one in outcomes):
            self._directory.forget()
        return [one or Unknown(reason="Nothing became of this journal.") for one in outcomes]

    async def _write_entity(self, entity: str, works: list[_Work]) -> None:
        try:
            company = await self._directory.company_of(entity)
            if company is None:
                words = f"Tryton has no company whose party has the code {entity}."
                _settle(works, Rejected(code=RejectionCode.INVALID, words=words))
                return
            await self._prepare(company, works)
            absent = [one for one in _open(works) if one.draft is None]
            await self._create(company, absent)
            fault_point("sink.draft.created")
            await self._look_again(company, [one for one in absent if one.outcome is None])
            ready = _open(works)
            await self._post(company, ready)
            fault_point("sink.draft.posted")
            await self._confirm(company, [one for one in ready if isinstance(one.outcome, Accepted)])
        except TransientError as error:
            _settle(works, RetryLater(reason=error.message, after_s=error.retry_after_s))
        except AccessError as error:
            _settle(works, NoAccess(words=error.message))
        except ContractError as error:
            _settle(works, RetryLater(reason=f"Tryton's answer to a look-up cannot be read: {error.message}"))

    async def _prepare(self, company: Company, works: list[_Work]) -> None:
        """Settle what is posted already or cannot be, and find drafts of ours to go on with."""
        held = await self._lookup.moves(company, [one.command.reference for one in works])
        for one in works:
            self._settle_if_posted(company, one, held.get(one.command.reference))
        left = _open(works)
        if not left:
            return
        known = await self._directory.known(
            company,
            accounts=[line.account for one in left for line in one.command.lines],
            customers=[line.customer_code for one in left for line in one.command.lines if line.customer_code],
            days=[one.command.accounting_date for one in left],
        )
        refused: dict[int, Rejected] = {}
        for one in left:
            made = to_move(one.command, known)
            if isinstance(made, Rejected):
                refused[id(one)] = made
            else:
                one.move = made
        await self._resume(company, left, held)
        for one in left:
            if id(one) in refused:
                one.outcome = refused[id(one)]

    @staticmethod
    def _settle_if_posted(company: Company, work: _Work, held: Held | None) -> None:
        if held is not None and held.posted:
            first = held.posted[0]
            work.outcome = AlreadyDone(ref=str(first.id), echo=echo_of(first, company.currency))

    async def _resume(self, company: Company, works: list[_Work], held: dict[str, Held]) -> None:
        """Use a draft that is what would be made; remove all others of these references."""
        references = [one.command.reference for one in works if one.command.reference in held]
        drafts = {reference: held[reference].drafts for reference in references}
        full = await self._lookup.drafts(company, [row.id for rows in drafts.values() for row in rows])
        superfluous: list[int] = []
        for one in works:
            for row in drafts.get(one.command.reference, ()):
                if one.draft is None and one.move and row.id in full and same_move(one.move, full[row.id]):
                    one.draft = row.id
                else:
                    superfluous.append(row.id)
        await self._remove(company, superfluous)

    async def _create(self, company: Company, works: list[_Work]) -> None:
        if not works:
            return
        told = await self._client.tell("model.account.move.create", [one.move for one in works], company=company.id)
        if isinstance(told, Answered):
            self._number(works, told)
        elif isinstance(told, _NO) and len(works) > 1:
            await self._halves(company, works, self._create)
        else:
            _settle(works, told)

    @staticmethod
    def _number(works: list[_Work], told: Answered) -> None:
        match told.value:
            case [*ids] if len(ids) == len(works) and all(isinstance(one, int) for one in ids):
                for one, key in zip(works, ids, strict=True):
                    one.draft = key if isinstance(key, int) else None
            case _:
                _settle(works, Unknown(reason="Tryton made moves and did not tell which."))

    async def _halves(self, company: Company, works: list[_Work], step: _Step) -> None:
        """Do each half apart; stop where an answer leaves it open whether more should be sent."""
        middle = len(works) // 2
        await step(company, works[:middle])
        stopped = next((one.outcome for one in works if isinstance(one.outcome, Unknown | RetryLater | NoAccess)), None)
        if stopped is None:
            await step(company, works[middle:])
        else:
            _settle(works[middle:], RetryLater(reason="Not sent, because of what came of the one before it."))

    async def _look_again(self, company: Company, works: list[_Work]) -> None:
        """Choose the oldest draft of each reference; another sender may have made one at the same time."""
        if not works:
            return
        held = await self._lookup.moves(company, [one.command.reference for one in works])
        superfluous: list[int] = []
        for one in works:
            mine = held.get(one.command.reference)
            drafts = [] if mine is None else [row.id for row in mine.drafts]
            self._settle_if_posted(company, one, mine)
            if one.outcome is None and one.draft not in drafts:
                one.outcome = Unknown(reason="The draft just made is not there; somebody else works on this journal.")
            elif one.outcome is None:
                one.draft = drafts.pop(0)
            superfluous += drafts
        await self._remove(company, superfluous)

    async def _post(self, company: Company, works: list[_Work]) -> None:
        if not works:
            return
        ids = [one.draft for one in works]
        told = await self._client.tell("model.account.move.post", ids, company=company.id)
        if isinstance(told, Answered):
            for one in works:
                one.outcome = Accepted(ref=str(one.draft))
        elif isinstance(told, _NO) and len(works) > 1:
            await self._halves(company, works, self._post)
        elif isinstance(told, _NO):
            await self._withdraw(company, works[0], told)
        else:
            _settle(works, told)

    async def _withdraw(self, company: Company, work: _Work, refusal: Outcome) -> None:
        """A refused posting: either somebody was faster and it is posted, or its draft goes."""
        held = (await self._lookup.moves(company, [work.command.reference])).get(work.command.reference)
        self._settle_if_posted(company, work, held)
        if work.outcome is None:
            await self._remove(company, [] if held is None else [row.id for row in held.drafts])
            work.outcome = refusal

    async def _confirm(self, company: Company, works: list[_Work]) -> None:
        """Read back what was posted; that it is posted has been answered already."""
        try:
            held = await self._lookup.moves(company, [one.command.reference for one in works]) if works else {}
        except (TransientError, AccessError, ContractError):
            held = {}
        for one in works:
            mine = held.get(one.command.reference)
            row = next((row for row in mine.posted if row.id == one.draft), None) if mine is not None else None
            if row is not None:
                one.outcome = Accepted(ref=str(row.id), echo=echo_of(row, company.currency))

    async def _remove(self, company: Company, drafts: list[int]) -> None:
        """Delete drafts; raises TransientError where that is not certain, so that the journal is tried again."""
        if not drafts:
            return
        told = await self._client.tell("model.account.move.delete", drafts, company=company.id)
        if isinstance(told, NoAccess):
            raise AccessError(code="TIE-TRYTON-003", message=f"Drafts {drafts} cannot be removed: {told.words}")
        if not isinstance(told, Answered):
            raise TransientError(code="TIE-TRYTON-004", message=f"Drafts {drafts} could not be removed: {told}")
