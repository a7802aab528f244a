"""Writing customers, contracts and deal links to Salesforce, and looking them up by our reference.

One command is one request to one record, several are one request with a result of its own for each. A customer or
contract is upserted by its code in a field that must be an external id and unique: the sink looks once whether the org
has declared it so, and writes nothing where it has not, since then a repeat could make a second one. A contract's own
number is given by Salesforce; the code that is written is kept beside it. Repeating is the engine's.
Neighbours: ``mapping`` makes the bodies, ``outcome_codes`` judges, ``client`` talks.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias, TypeVar

import msgspec

from tieout.connect.http import HttpAnswer
from tieout.connect.json_codec import decode_strict, decode_strict_as
from tieout.connect.outcome import (
    Accepted,
    Found,
    FoundState,
    NoAccess,
    Outcome,
    Rejected,
    RejectionCode,
    RetryLater,
    Unknown,
)
from tieout.connectors.salesforce import answers, soql
from tieout.connectors.salesforce.client import SalesforceClient
from tieout.connectors.salesforce.fields import ACCOUNT, CONTRACT, OPPORTUNITY, Row, UnmappableError, is_id
from tieout.connectors.salesforce.mapping import to_account, to_contract, to_link
from tieout.connectors.salesforce.options import Options
from tieout.connectors.salesforce.outcome_codes import (
    DUPLICATE_VALUE,
    code_of,
    errors_of,
    outcome_of,
    outcome_of_errors,
    words_of,
)
from tieout.connectors.salesforce.records import SalesforceError, SalesforceItemError, SalesforceSaved
from tieout.errors import (
    AccessError,
    ContractError,
    InvariantError,
    TieoutError,
    TransientError,
    UnknownOutcomeError,
)
from tieout.model.command import Command, LinkDeal, UpsertContract, UpsertCustomer, object_of

_OK: Final = 200
_CREATED: Final = 201
_NO_CONTENT: Final = 204
_SEVERAL: Final = 300
_ONE: Final = 1
_OBJECTS: Final = {"upsert_customer": ACCOUNT, "upsert_contract": CONTRACT, "link_deal": OPPORTUNITY}
_BY_CODE: Final = frozenset({ACCOUNT, CONTRACT})
_NO_SUCH_PARENT: Final = "Foreign key external ID"
"""How Salesforce begins to say that no record has the external id by which another one is named."""


class _Ready(msgspec.Struct, frozen=True):
    """A record that can be written: the code or the id that it is found by, and its fields."""

    key: str
    body: dict[str, object]


_Prepared: TypeAlias = _Ready | Outcome
_Coded = TypeVar("_Coded", UpsertCustomer, UpsertContract)


class SalesforceSink:
    """Writes into one org."""

    def __init__(self, client: SalesforceClient, options: Options) -> None:
        self._client = client
        self._options = options
        self._set_up: set[str] = set()

    async def aclose(self) -> None:
        """Close the connection."""
        await self._client.aclose()

    async def write(self, commands: Sequence[Command]) -> Sequence[Outcome]:
        """One outcome per command, in order; see ``Sink``."""
        customers = [one for one in commands if isinstance(one, UpsertCustomer)]
        if len(customers) == len(commands):
            return await self._write(ACCOUNT, self._accounts(customers))
        contracts = [one for one in commands if isinstance(one, UpsertContract)]
        if len(contracts) == len(commands):
            return await self._write(CONTRACT, self._contracts(contracts))
        links = [one for one in commands if isinstance(one, LinkDeal)]
        if len(links) == len(commands):
            return await self._write(OPPORTUNITY, [self._link(one) for one in links])
        raise InvariantError(
            code="TIE-SALESFORCE-010", message="One call writes commands of one kind, and of a kind the manifest names."
        )

    async def find(self, command_kind: str, references: Sequence[str], *, entity: str) -> Mapping[str, Found]:
        """What the org holds under our references; see ``Sink``. A record carries the reference written last."""
        del entity
        found: dict[str, Found] = {}
        wanted = list(dict.fromkeys(references))
        for start in range(0, len(wanted), soql.MAX_NAMES):
            for reference, key in await self._held(_OBJECTS[command_kind], wanted[start : start + soql.MAX_NAMES]):
                before = found.get(reference)
                count = 1 if before is None else before.count + 1
                found[reference] = Found(reference=reference, ref=key, state=FoundState.POSTED, count=count)
        return found

    async def _held(self, vendor_object: str, references: Sequence[str]) -> list[tuple[str, str]]:
        """Reference and id of every record that carries one of ``references``."""
        field = self._options.reference_field
        try:
            answer = await self._client.query_all(soql.by_reference(vendor_object, field, references))
            told = answers.rows_of(answer.body)
            held = list(told.rows)
            while told.next_url is not None:
                told = answers.rows_of((await self._client.query_more(told.next_url)).body)
                held += told.rows
            rows = [Row(one if isinstance(one, dict) else {}) for one in held]
            return [(row.name(field), row.key()) for row in rows]
        except (ContractError, UnmappableError) as error:
            raise TransientError(
                code="TIE-SALESFORCE-005", message=f"The look-up in Salesforce could not be made: {error}"
            ) from error

    def _accounts(self, commands: Sequence[UpsertCustomer]) -> list[_Prepared]:
        return [
            self._first(command, commands[:at], lambda one: to_account(one, self._options))
            for at, command in enumerate(commands)
        ]

    def _contracts(self, commands: Sequence[UpsertContract]) -> list[_Prepared]:
        return [
            self._first(command, commands[:at], lambda one: to_contract(one, self._options))
            for at, command in enumerate(commands)
        ]

    def _first(
        self, command: _Coded, before: Sequence[_Coded], made: Callable[[_Coded], dict[str, object]]
    ) -> _Prepared:
        if any(one.code == command.code for one in before):
            # Two of one external id in one request are both refused; the second one goes after the first.
            return RetryLater(reason=f"Another change of {object_of(command)} goes first.")
        try:
            return _Ready(command.code, made(command))
        except UnmappableError as error:
            words = object_of(command)
            return Rejected(code=RejectionCode.INVALID, words=f"{words[0].upper()}{words[1:]}: {error}.")

    def _link(self, command: LinkDeal) -> _Prepared:
        if not is_id(command.deal):
            words = f"{command.deal[:80]!r} is no id of Salesforce, so there is no deal to link to its project."
            return Rejected(code=RejectionCode.INVALID, words=words)
        return _Ready(command.deal, to_link(command, self._options))

    async def _write(self, vendor_object: str, prepared: Sequence[_Prepared]) -> list[Outcome]:
        refusal = await self._refusal(vendor_object)
        if refusal is not None:
            return [refusal] * len(prepared)
        sent = iter(await self._send(vendor_object, [one for one in prepared if isinstance(one, _Ready)]))
        return [next(sent) if isinstance(one, _Ready) else one for one in prepared]

    async def _refusal(self, vendor_object: str) -> Outcome | None:
        """Why nothing can be written to an object of this org, or None; asked of Salesforce once."""
        if vendor_object in self._set_up:
            return None
        try:
            described = await self._client.describe(vendor_object)
        except (TransientError, AccessError, ContractError) as error:
            return _not_sent(error)
        fields = {one.name: one for one in described.fields}
        problem = None
        reference = fields.get(self._options.reference_field)
        if reference is None or not reference.updateable:
            problem = f"{vendor_object} has no field {self._options.reference_field} that the connection may write"
        elif vendor_object in _BY_CODE:
            code = fields.get(self._code_field(vendor_object))
            if code is None or not (code.external_id and code.unique):
                name = self._code_field(vendor_object) or "for the code"
                problem = f"the field {name} of {vendor_object} is no unique external id"
        if problem is not None:
            return NoAccess(words=f"Salesforce is not set up to be written to: {problem}.")
        self._set_up.add(vendor_object)
        return None

    def _code_field(self, vendor_object: str) -> str:
        """The field that a record is upserted by; empty where the org has none."""
        return self._options.own_path(vendor_object, "code") or ""

    async def _send(self, vendor_object: str, ready: Sequence[_Ready]) -> list[Outcome]:
        if not ready:
            return []
        try:
            if len(ready) == _ONE:
                return [self._judged(vendor_object, ready[0], await self._send_one(vendor_object, ready[0]))]
            answer = await self._send_many(vendor_object, ready)
        except UnknownOutcomeError as error:
            return [Unknown(reason=error.message)] * len(ready)
        except (TransientError, AccessError, ContractError) as error:
            return [_not_sent(error)] * len(ready)
        return self._judged_many(vendor_object, ready, answer)

    async def _send_one(self, vendor_object: str, ready: _Ready) -> HttpAnswer:
        if vendor_object in _BY_CODE:
            return await self._client.upsert(vendor_object, self._code_field(vendor_object), ready.key, ready.body)
        return await self._client.update(OPPORTUNITY, ready.key, ready.body)

    async def _send_many(self, vendor_object: str, ready: Sequence[_Ready]) -> HttpAnswer:
        attributes = {"attributes": {"type": vendor_object}}
        if vendor_object in _BY_CODE:
            field = self._code_field(vendor_object)
            return await self._client.upsert_many(
                vendor_object, field, [{**attributes, field: one.key, **one.body} for one in ready]
            )
        return await self._client.update_many([{**attributes, "id": one.key, **one.body} for one in ready])

    def _judged(self, vendor_object: str, ready: _Ready, answer: HttpAnswer) -> Outcome:
        """What the answer about one record means; only the documented success is one."""
        if answer.status == _NO_CONTENT and not answer.body:
            field = self._code_field(vendor_object) if vendor_object in _BY_CODE else ""
            return Accepted(ref=f"{field}/{ready.key}" if field else ready.key)
        if answer.status in {_OK, _CREATED} and answer.is_json:
            try:
                return self._saved(vendor_object, decode_strict_as(answer.body, SalesforceSaved))
            except ContractError:
                return outcome_of(answer)
        if answer.status == _SEVERAL:
            return _several(vendor_object, ready, answer)
        return self._told_better(vendor_object, errors_of(answer.body), outcome_of(answer))

    def _judged_many(self, vendor_object: str, ready: Sequence[_Ready], answer: HttpAnswer) -> list[Outcome]:
        """What became of each record, in order; an answer that does not speak of each speaks of none."""
        if answer.status == _OK and answer.is_json:
            try:
                results = decode_strict_as(answer.body, list[SalesforceSaved])
            except ContractError:
                results = []
            if len(results) == len(ready):
                return [self._saved(vendor_object, one) for one in results]
        return [outcome_of(answer)] * len(ready)

    def _saved(self, vendor_object: str, result: SalesforceSaved) -> Outcome:
        if result.success and not result.errors and result.id is not None and is_id(result.id):
            return Accepted(ref=result.id)
        if result.success:
            return Unknown(reason="Salesforce answered a success with errors or without the id of the record.")
        return self._told_better(vendor_object, result.errors, outcome_of_errors(result.errors))

    def _told_better(
        self, vendor_object: str, errors: Sequence[SalesforceError | SalesforceItemError], outcome: Outcome
    ) -> Outcome:
        """What the words of an error say beyond its code.

        Of two upserts at once that find no record the second is told of a duplicate: next time it finds it. And the
        only record that a contract names by its external id is its customer's.
        """
        field = self._code_field(vendor_object) if vendor_object in _BY_CODE else ""
        if field and any(code_of(one) == DUPLICATE_VALUE and field in one.message for one in errors):
            return RetryLater(reason=words_of(errors))
        if isinstance(outcome, Rejected) and any(one.message.startswith(_NO_SUCH_PARENT) for one in errors):
            return msgspec.structs.replace(outcome, code=RejectionCode.CUSTOMER_UNKNOWN)
        return outcome


def _several(vendor_object: str, ready: _Ready, answer: HttpAnswer) -> Outcome:
    """300: several records have the external id, and none was changed."""
    try:
        found = decode_strict(answer.body)
    except ContractError:
        found = None
    if not isinstance(found, list):
        return outcome_of(answer)
    places = ", ".join(str(one).rpartition("/")[2] for one in found)
    words = f"{len(found)} records of {vendor_object} in Salesforce have the code {ready.key}: {places}."
    return Rejected(code=RejectionCode.CONFLICT, words=words, vendor_code="300")


def _not_sent(error: TieoutError) -> Outcome:
    """The outcome of a write that was certainly not made because ``error`` came before it."""
    if isinstance(error, AccessError):
        return NoAccess(words=error.message)
    after_s = error.retry_after_s if isinstance(error, TransientError) else None
    return RetryLater(reason=error.message, after_s=after_s)
