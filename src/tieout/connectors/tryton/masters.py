"""Customers and employees: created under their business code, or changed to what they should be.

A party's code is unique in Tryton; an employee is a party that a company employs. Each carries our reference as an
identifier. A party has no field of the firm's own: a customer with further fields is refused in words. Neighbours:
``write`` hands commands in, ``directory`` finds parties and companies, ``works`` writes projects.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from tieout.connect.json_codec import JsonValue
from tieout.connect.outcome import Accepted, AlreadyDone, Found, FoundState, Outcome, Rejected, RejectionCode, Unknown
from tieout.connectors.tryton.client import TrytonClient, rows_of
from tieout.connectors.tryton.directory import Directory
from tieout.connectors.tryton.mapping import Company, fit_text
from tieout.connectors.tryton.outcome_codes import Answered, Told
from tieout.connectors.tryton.records import TrytonPartyRow, Values
from tieout.model.command import UpsertCustomer, UpsertEmployee

_ALL: Final = (0, None, [["id", "ASC"]])


class _Identifier(msgspec.Struct, frozen=True):
    id: int
    code: str
    party: int


class _Employed(msgspec.Struct, frozen=True):
    id: int
    party: int


class _Party(msgspec.Struct, frozen=True):
    id: int
    categories: tuple[int, ...]


class MasterWriter:
    """Writes masters into one account of Tryton."""

    def __init__(self, client: TrytonClient, directory: Directory) -> None:
        self._client = client
        self._directory = directory

    async def customer(self, command: UpsertCustomer) -> Outcome:
        """A party of the customers' category."""
        if command.fields:
            names = ", ".join(sorted(command.fields))
            words = f"A party of Tryton has no fields of the firm's own to fill: {names}. Nothing was written."
            return Rejected(code=RejectionCode.INVALID, words=words)
        category = await self._directory.category()
        if category is None:
            words = "Tryton has no party category for customers; an administrator creates it once."
            return Rejected(code=RejectionCode.INVALID, words=words)
        name = fit_text(command.name)
        values: Values = {"code": command.code, "name": name, "categories": [["add", [category]]]}
        identifiers: list[Values] = [{"type": None, "code": command.reference}]
        if command.tax_id is not None:
            identifiers.append({"type": None, "code": fit_text(command.tax_id)})
        party = (await self._directory.parties([command.code])).get(command.code)
        if party is None:
            told = await self._client.tell(
                "model.party.party.create", [{**values, "identifiers": [["create", identifiers]]}]
            )
            return await self._created_party(told, command.code)
        change: Values = {} if party.name == name else {"name": name}
        if category not in await self._categories(party.id):
            change["categories"] = [["add", [category]]]
        held = await self._identifiers([party.id])
        missing = [one for one in identifiers if one["code"] not in {row.code for row in held}]
        if missing:
            change["identifiers"] = [["create", missing]]
        return await self._changed("party.party", party.id, change)

    async def employee(self, command: UpsertEmployee, company: Company) -> Outcome:
        """An employee of the company, whose party has the employee's code."""
        name = fit_text(command.name)
        party = (await self._directory.parties([command.code])).get(command.code)
        if party is None:
            values: Values = {
                "code": command.code,
                "name": name,
                "identifiers": [["create", [{"type": None, "code": command.reference}]]],
            }
            if command.email is not None:
                values["contact_mechanisms"] = [["create", [{"type": "email", "value": command.email}]]]
            outcome = await self._created_party(
                await self._client.tell("model.party.party.create", [values]), command.code
            )
            if not isinstance(outcome, Accepted | AlreadyDone):
                return outcome
            person = int(outcome.ref)
        else:
            person = party.id
            outcome = await self._mark_person(party, name, command.reference)
            if not isinstance(outcome, Accepted | AlreadyDone):
                return outcome
        domain = [["party", "=", person], ["company", "=", company.id]]
        found = rows_of(
            await self._client.ask(
                "model.company.employee.search_read", domain, *_ALL, ["party"], company=company.id, inactive=True
            ),
            _Employed,
        )
        if found:
            return (
                Accepted(ref=str(found[0].id)) if isinstance(outcome, Accepted) else AlreadyDone(ref=str(found[0].id))
            )
        values = {"party": person, "company": company.id}
        return created(await self._client.tell("model.company.employee.create", [values], company=company.id))

    async def find(self, kind: str, references: Sequence[str], company: Company) -> dict[str, Found]:
        """The masters that carry our references."""
        domain: list[object] = [["code", "in", list(references)]]
        answer = await self._client.ask("model.party.identifier.search_read", domain, *_ALL, ["code", "party"])
        marks = {row.party: row.code for row in rows_of(answer, _Identifier)}
        if kind == "upsert_customer":
            return found_by((code, party) for party, code in marks.items())
        domain = [["party", "in", sorted(marks)], ["company", "=", company.id]]
        answer = await self._client.ask("model.company.employee.search_read", domain, *_ALL, ["party"], inactive=True)
        return found_by((marks[row.party], row.id) for row in rows_of(answer, _Employed))

    async def _mark_person(self, party: TrytonPartyRow, name: str, reference: str) -> Outcome:
        change: Values = {} if party.name == name else {"name": name}
        if reference not in {row.code for row in await self._identifiers([party.id])}:
            change["identifiers"] = [["create", [{"type": None, "code": reference}]]]
        return await self._changed("party.party", party.id, change)

    async def _identifiers(self, parties: Sequence[int]) -> list[_Identifier]:
        domain = [["party", "in", list(parties)]]
        answer = await self._client.ask("model.party.identifier.search_read", domain, *_ALL, ["code", "party"])
        return rows_of(answer, _Identifier)

    async def _categories(self, party: int) -> tuple[int, ...]:
        answer = await self._client.ask("model.party.party.read", [party], ["categories"])
        return rows_of(answer, _Party)[0].categories

    async def _created_party(self, told: Told, code: str) -> Outcome:
        """A party just created; where somebody was faster with this code, that one."""
        if isinstance(told, Rejected) and told.code is RejectionCode.CONFLICT:
            party = (await self._directory.parties([code])).get(code)
            if party is not None:
                return AlreadyDone(ref=str(party.id))
        return created(told)

    async def _changed(self, model: str, key: int, change: Values, *, company: int | None = None) -> Outcome:
        if not change:
            return AlreadyDone(ref=str(key))
        told = await self._client.tell(f"model.{model}.write", [key], change, company=company)
        return Accepted(ref=str(key)) if isinstance(told, Answered) else told


def created(told: Told) -> Outcome:
    """What came of making one record."""
    if not isinstance(told, Answered):
        return told
    value: JsonValue = told.value
    match value:
        case [int(key)]:
            return Accepted(ref=str(key))
    return Unknown(reason="Tryton made a record and did not tell which.")


def found_by(pairs: Iterable[tuple[str, int]]) -> dict[str, Found]:
    """What a look-up found, from pairs of our reference and Tryton's id."""
    found: dict[str, Found] = {}
    for reference, key in pairs:
        known = found.get(reference)
        if known is None:
            found[reference] = Found(reference=reference, ref=str(key), state=FoundState.POSTED)
        else:
            found[reference] = msgspec.structs.replace(known, count=known.count + 1)
    return found
