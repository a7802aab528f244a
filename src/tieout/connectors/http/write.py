"""Writes commands into a REST system, one request each, and looks them up by our reference.

A refusal is believed only after a look-up found nothing under the reference: an earlier attempt whose answer was lost
may have been recorded. Neighbours: ``rules`` makes the body, ``outcome_codes`` judges the answer.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Final
from urllib.parse import quote

import msgspec

from tieout.connect.by_rule.values import Absent, UnfitError, at, canonical, minor, put, text, vendor_body
from tieout.connect.http import HttpAnswer
from tieout.connect.json_codec import JsonValue, decode_strict
from tieout.connect.outcome import (
    Accepted,
    AlreadyDone,
    Found,
    FoundState,
    NoAccess,
    Outcome,
    Rejected,
    RejectionCode,
    RetryLater,
    Unknown,
)
from tieout.connect.outcome import Echo as Recorded
from tieout.connectors.http.client import RestClient
from tieout.connectors.http.definition import Definition, Echo, FindPart, WritePart
from tieout.connectors.http.outcome_codes import write_refusal
from tieout.connectors.http.paging import folded
from tieout.errors import (
    AccessError,
    ConfigurationError,
    ContractError,
    InvariantError,
    TransientError,
    UnknownOutcomeError,
)
from tieout.model.command import Command

_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


class RestSink:
    """Writes into one account."""

    def __init__(self, client: RestClient, definition: Definition) -> None:
        self._client = client
        self._definition = definition

    async def write(self, commands: Sequence[Command]) -> Sequence[Outcome]:
        """One outcome per command, in order; see ``Sink``."""
        return [await self._write(one) for one in commands]

    async def find(self, command_kind: str, references: Sequence[str], *, entity: str) -> Mapping[str, Found]:
        """What the system holds under our references; see ``Sink``."""
        part = self._definition.write_part(command_kind)
        if part is None or part.find is None:
            raise ConfigurationError(
                code="TIE-REST-003", message=f"{self._definition.title} describes no look-up for {command_kind}."
            )
        found = {}
        for reference in references:
            try:
                one = await self._find(part.find, reference, entity)
            except (ContractError, UnfitError) as error:
                raise TransientError(code="TIE-REST-005", message=f"The look-up failed: {error}") from error
            if one is not None:
                found[reference] = one
        return found

    async def aclose(self) -> None:
        """Close the client."""
        await self._client.aclose()

    async def _write(self, command: Command) -> Outcome:
        kind = str(command.__struct_config__.tag)
        part = self._definition.write_part(kind)
        if part is None:
            raise InvariantError(code="TIE-REST-007", message=f"{self._definition.title} takes no {kind}.")
        told: dict[str, object] = msgspec.to_builtins(command, builtin_types=(Decimal, date))
        try:
            path, content = _request(part, told)
        except UnfitError as error:
            return Rejected(code=RejectionCode.INVALID, words=f"It cannot be said in the system's form: {error}.")
        headers = {} if part.key_header is None else {part.key_header: str(told.get("key", command.reference))}
        try:
            answer = await self._client.send(
                part.method,
                path,
                params=folded(part.params, reference=command.reference, entity=command.entity),
                content=content,
                headers=headers,
            )
        except UnknownOutcomeError as error:
            return Unknown(reason=error.message)
        except (TransientError, ContractError) as error:
            return RetryLater(reason=error.message, after_s=getattr(error, "retry_after_s", None))
        except AccessError as error:
            return NoAccess(words=error.message)
        return await self._judged(part, command, answer)

    async def _judged(self, part: WritePart, command: Command, answer: HttpAnswer) -> Outcome:
        refusal = write_refusal(answer, self._definition)
        if refusal is None:
            return _accepted(part, command.reference, answer)
        if not isinstance(refusal, Rejected) or part.find is None:
            return refusal
        try:
            found = await self._find(part.find, command.reference, command.entity)
        except (TransientError, AccessError, ContractError, UnfitError) as error:
            return Unknown(reason=f"It was refused ({refusal.words}), and a look-up failed: {error}")
        if found is None or found.state is not FoundState.POSTED:
            return refusal
        return AlreadyDone(ref=found.ref, echo=found.echo)

    async def _find(self, part: FindPart, reference: str, entity: str) -> Found | None:
        path = _filled(part.path, {"reference": reference, "entity": entity})
        params = folded(part.params, reference=reference, entity=entity)
        answer = await self._client.get(path, params, absent=part.absent)
        if answer.status in part.absent:
            return None
        document = decode_strict(answer.body)
        rows = _rows(part, document)
        mine = [row for row in rows if at(part.reference, row, row) == reference]
        if not mine:
            return None
        state = "posted" if part.state is None else canonical("state", part.state, mine[0], mine[0])
        return Found(
            reference=reference,
            ref=text("ref", part.ref, mine[0], mine[0]),
            state=FoundState(str(state)),
            echo=_echo(part.echo, mine[0]),
            count=len(mine),
        )


def _request(part: WritePart, told: Mapping[str, object]) -> tuple[str, bytes]:
    body = vendor_body(part.body, told)
    extra = told.get("fields")
    for name, value in (extra if isinstance(extra, dict) else {}).items():
        put(body, f"{part.extra_fields}.{name}" if part.extra_fields else name, str(value))
    words = {name: str(value) for name, value in told.items() if isinstance(value, str | int)}
    return _filled(part.path, words), _ENCODER.encode(body)


def _filled(path: str, words: Mapping[str, str]) -> str:
    """A path with ``{name}`` filled in, whatever is in the word; raises UnfitError for a name without a word."""
    filled = path
    for name, word in words.items():
        filled = filled.replace(f"{{{name}}}", quote(word, safe=""))
    if "{" in filled:
        raise UnfitError(f"{filled} needs a value that the command does not have")
    return filled


def _rows(part: FindPart, document: JsonValue) -> list[object]:
    listed = at(part.items, document, document)
    if isinstance(listed, Absent):
        raise UnfitError(f"the answer has nothing at {part.items}")
    return listed if isinstance(listed, list) else [listed]


def _accepted(part: WritePart, reference: str, answer: HttpAnswer) -> Outcome:
    if not part.ref and not answer.body.strip():
        return Accepted(ref=reference)
    try:
        recorded = _recorded(part, decode_strict(answer.body))
        ref = text("ref", part.ref, recorded, recorded) if part.ref else reference
        return Accepted(ref=ref, echo=_echo(part.echo, recorded))
    except (ContractError, UnfitError) as error:
        return Unknown(reason=f"The answer does not tell what was recorded: {error}")


def _recorded(part: WritePart, document: JsonValue) -> object:
    recorded = at(part.answer, document, document)
    if isinstance(recorded, Absent):
        raise UnfitError(f"the answer has nothing at {part.answer}")
    return recorded


def _echo(part: Echo | None, recorded: object) -> Recorded | None:
    if part is None:
        return None
    currency = text("currency", part.currency, recorded, recorded)
    day = None if part.accounting_date is None else text("date", part.accounting_date, recorded, recorded)
    return Recorded(
        amount_minor=minor("amount", part.amount, currency, recorded, recorded), currency=currency, accounting_date=day
    )
