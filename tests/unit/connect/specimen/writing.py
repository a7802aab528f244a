"""Sink and ledger reader of the specimen."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date, timedelta

import msgspec
from tests.unit.connect.specimen.client import Client
from tests.unit.connect.specimen.manifest import Flaw

from tieout.connect.connector import Connection
from tieout.connect.http import HttpAnswer
from tieout.connect.json_codec import decode_strict_as
from tieout.connect.outcome import (
    Accepted,
    AlreadyDone,
    Echo,
    Found,
    FoundState,
    NoAccess,
    Outcome,
    Rejected,
    RejectionCode,
    RetryLater,
    Unknown,
)
from tieout.connect.sink import LedgerLine, LedgerPosting
from tieout.errors import AccessError, ContractError, TransientError, UnknownOutcomeError
from tieout.model.command import Command, UpsertCustomer
from tieout.model.journal import PostJournal


class Result(msgspec.Struct):
    result: str
    id: int = 0
    minor: int = 0
    currency: str = ""
    code: str = ""
    words: str = ""


class Results(msgspec.Struct, forbid_unknown_fields=True):
    results: list[Result]


class HeldJournal(msgspec.Struct):
    id: int
    reference: str
    debit_minor: int
    currency: str


class HeldJournals(msgspec.Struct):
    items: list[HeldJournal]


class HeldCustomer(msgspec.Struct):
    id: int
    reference: str


class HeldCustomers(msgspec.Struct):
    items: list[HeldCustomer]


class LedgerJournal(msgspec.Struct):
    id: int
    reference: str
    entity: str
    day: date
    currency: str
    lines: list[dict[str, str | int]]


class LedgerJournals(msgspec.Struct):
    items: list[LedgerJournal]


class SpecimenSink:
    def __init__(self, connection: Connection, flaw: Flaw | None) -> None:
        self._client = Client(connection, flaw)
        self._flaw = flaw
        self._written: dict[str, Found] = {}

    async def aclose(self) -> None:
        await self._client.aclose()

    async def write(self, commands: Sequence[Command]) -> Sequence[Outcome]:
        customers = [one for one in commands if isinstance(one, UpsertCustomer)]
        if customers:
            return [await self._write_customer(one) for one in customers]
        journals = [one for one in commands if isinstance(one, PostJournal)]
        answer = await self._send("/journals", [_as_vendor(one) for one in journals], [one.key for one in journals])
        outcomes = self._outcomes(answer, journals) if isinstance(answer, HttpAnswer) else [answer] * len(journals)
        if self._flaw is Flaw.BATCH_STOPS and any(isinstance(one, Rejected) for one in outcomes):
            return [Rejected(code=RejectionCode.BATCH_REJECTED, words="one was bad")] * len(journals)
        for journal, outcome in zip(journals, outcomes, strict=True):
            if isinstance(outcome, Accepted):
                self._written[journal.reference] = Found(
                    reference=journal.reference, ref=outcome.ref, state=FoundState.POSTED, echo=outcome.echo
                )
        return outcomes

    async def _write_customer(self, command: UpsertCustomer) -> Outcome:
        body = [{"reference": command.reference, "code": command.code, "name": command.name}]
        answer = await self._send("/customers", body, [command.reference])
        if not isinstance(answer, HttpAnswer):
            return answer
        refused = self._refused(answer)
        if refused is not None:
            return refused
        try:
            [result] = decode_strict_as(answer.body, Results).results
        except (ContractError, ValueError) as error:
            return Unknown(reason=str(error))
        self._written[command.reference] = Found(
            reference=command.reference, ref=str(result.id), state=FoundState.POSTED
        )
        return Accepted(ref=str(result.id))

    async def _send(
        self, path: str, items: Sequence[Mapping[str, object]], keys: Sequence[str]
    ) -> HttpAnswer | Outcome:
        body = msgspec.json.encode(items)
        key = "" if self._flaw is Flaw.NO_KEY else ",".join(keys)
        try:
            return await self._client.call("POST", path, body=body, key=key)
        except UnknownOutcomeError as error:
            if self._flaw is Flaw.RAISES:
                raise
            if self._flaw is Flaw.RETRIES_BLINDLY:
                return await self._client.call("POST", path, body=body)
            if self._flaw is Flaw.TIMEOUT_IS_NOT_SENT:
                return RetryLater(reason=str(error))
            return Unknown(reason=str(error))
        except TransientError as error:
            return RetryLater(reason=str(error), after_s=error.retry_after_s)
        except AccessError as error:
            return NoAccess(words=str(error))

    def _outcomes(self, answer: HttpAnswer, journals: Sequence[PostJournal]) -> list[Outcome]:
        refused = self._refused(answer)
        if refused is not None:
            return [refused] * len(journals)
        try:
            results = decode_strict_as(answer.body, Results).results
        except ContractError as error:
            if self._flaw is Flaw.BELIEVES_200:
                return [Accepted(ref="?")] * len(journals)
            return [Unknown(reason=str(error))] * len(journals)
        told = [self._outcome(one, journal) for one, journal in zip(results, journals, strict=False)]
        return told + [Unknown(reason="no result for this item")] * (len(journals) - len(told))

    def _refused(self, answer: HttpAnswer) -> Outcome | None:
        words = answer.body.decode()[:200]
        wait_s = None if self._flaw is Flaw.IGNORES_RETRY_AFTER else answer.retry_after_s
        known: dict[int, Outcome | None] = {
            200: None,
            401: NoAccess(words=words),
            403: NoAccess(words=words),
            404: Rejected(code=RejectionCode.INVALID, words=words),
            409: Rejected(code=RejectionCode.CONFLICT, words=words),
            422: Rejected(code=RejectionCode.INVALID, words=words),
            429: RetryLater(reason=words, after_s=wait_s),
        }
        if self._flaw is Flaw.FORBIDDEN_IS_REJECTED:
            known[403] = Rejected(code=RejectionCode.INVALID, words=words)
        if self._flaw is Flaw.RETRIES_500:
            known[500] = RetryLater(reason=words)
        return known.get(answer.status, Unknown(reason=f"{answer.status}: {words}"))

    def _outcome(self, result: Result, journal: PostJournal) -> Outcome:
        echo = Echo(amount_minor=result.minor, currency=result.currency)
        if self._flaw is Flaw.ECHOES_ITSELF:
            echo = Echo(amount_minor=sum(line.debit_minor for line in journal.lines), currency=journal.currency)
        match result.result:
            case "recorded":
                return Accepted(ref=str(result.id), echo=echo)
            case "repeated":
                return AlreadyDone(ref=str(result.id), echo=echo)
            case "refused":
                codes = {"period_closed": RejectionCode.PERIOD_CLOSED, "no_account": RejectionCode.ACCOUNT_UNKNOWN}
                code = codes.get(result.code, RejectionCode.INVALID)
                if self._flaw is Flaw.CLOSED_IS_INVALID:
                    code = RejectionCode.INVALID
                return Rejected(code=code, words=result.words, vendor_code=result.code)
            case _:
                return Unknown(reason=result.result)

    async def find(self, command_kind: str, references: Sequence[str], *, entity: str) -> Mapping[str, Found]:
        del entity
        if self._flaw is Flaw.REMEMBERS:
            return {one: self._written[one] for one in references if one in self._written}
        if command_kind == "upsert_customer":
            return await self._find_customers(references)
        try:
            body = await self._client.read("/journals", references=",".join(references))
            held = decode_strict_as(body, HeldJournals).items
        except (TransientError, AccessError, ContractError):
            if self._flaw is Flaw.ABSENT_WHEN_FAILED:
                return {}
            raise
        counts = {one: sum(row.reference == one for row in held) for one in references}
        found = {}
        for row in held:
            echo = Echo(amount_minor=row.debit_minor, currency=row.currency)
            found[row.reference] = Found(
                reference=row.reference,
                ref=str(row.id),
                state=FoundState.POSTED,
                echo=None if self._flaw is Flaw.ECHOES_ITSELF else echo,
                count=counts[row.reference],
            )
        return found

    async def _find_customers(self, references: Sequence[str]) -> Mapping[str, Found]:
        body = await self._client.read("/customers", references=",".join(references))
        held = decode_strict_as(body, HeldCustomers).items
        counts = {one: sum(row.reference == one for row in held) for one in references}
        return {
            row.reference: Found(
                reference=row.reference, ref=str(row.id), state=FoundState.POSTED, count=counts[row.reference]
            )
            for row in held
        }


def _as_vendor(journal: PostJournal) -> dict[str, object]:
    return {
        "reference": journal.reference,
        "entity": journal.entity,
        "date": journal.accounting_date.isoformat(),
        "currency": journal.currency,
        "lines": [
            {
                "account": line.account,
                "debit": line.debit_minor,
                "credit": line.credit_minor,
                "amount": line.amount_minor,
                "currency": line.currency,
            }
            for line in journal.lines
        ],
    }


class SpecimenLedger:
    def __init__(self, connection: Connection, flaw: Flaw | None) -> None:
        self._client = Client(connection, flaw)
        self._flaw = flaw

    async def aclose(self) -> None:
        await self._client.aclose()

    async def postings(self, *, entity: str, starts: date, ends: date) -> AsyncIterator[LedgerPosting]:
        if self._flaw is Flaw.LEDGER_INCLUSIVE:
            ends += timedelta(days=1)
        body = await self._client.read("/ledger", entity=entity, starts=starts.isoformat(), ends=ends.isoformat())
        for one in decode_strict_as(body, LedgerJournals).items:
            yield LedgerPosting(
                reference=one.reference,
                ref=str(one.id),
                entity=one.entity,
                accounting_date=one.day,
                period=one.day.strftime("%Y-%m"),
                posted=True,
                lines=tuple(
                    LedgerLine(
                        account=str(line["account"]),
                        functional_minor=int(line["debit"]) - int(line["credit"]),
                        functional_currency=one.currency,
                        amount_minor=int(line["amount"]),
                        currency=str(line["currency"]),
                    )
                    for line in one.lines
                ),
            )
