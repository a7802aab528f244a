"""Writing commands as files and learning from acknowledgements what became of them: the Sink.

One reference is one file for ever: its name follows from the reference, it is created only where nothing has that name,
and what is there already is never written again. Whether the other side took it is told by its acknowledgement alone;
without one the outcome is unknown, and a look-up finds out. Neighbours: ``transport`` creates, ``rows`` and
``controls`` make the bytes.
"""

import asyncio
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

import msgspec

from tieout.connect.by_rule.values import UnfitError, vendor_body
from tieout.connect.json_codec import JsonValue
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
from tieout.connectors.files.controls import check, number_of, trailer_of
from tieout.connectors.files.definition import Acknowledgement, Definition, Outbox
from tieout.connectors.files.rows import Row, cut, written
from tieout.connectors.files.transport import Exchange
from tieout.errors import AccessError, ContractError, InvariantError, TransientError, UnknownOutcomeError
from tieout.model.command import Command, kind_of
from tieout.model.journal import JournalLine
from tieout.model.money import UnknownCurrencyError, to_minor

_LOOK_EVERY_S: Final = 0.1
_MAX_ACKNOWLEDGEMENT_BYTES: Final = 4 * 1024 * 1024


class FilesSink:
    """Writes into the outboxes of one system."""

    def __init__(self, exchange: Exchange, definition: Definition, *, answer_within_s: float) -> None:
        self._exchange = exchange
        self._definition = definition
        self._answer_within_s = answer_within_s

    async def write(self, commands: Sequence[Command]) -> Sequence[Outcome]:
        """One outcome per command, in order; see ``Sink``."""
        return [await self._one(command) for command in commands]

    async def find(self, command_kind: str, references: Sequence[str], *, entity: str) -> Mapping[str, Found]:
        """What was acknowledged as recorded; see ``Sink``."""
        outbox = self._outbox(command_kind)
        found = {}
        for reference in dict.fromkeys(references):
            try:
                told = await self._acknowledged(outbox, outbox.name.format(reference=reference, entity=entity))
            except ContractError as error:
                raise TransientError(code="TIE-FILES-006", message=f"The look-up failed: {error.message}") from error
            if isinstance(told, Accepted):
                found[reference] = Found(reference=reference, ref=told.ref, state=FoundState.POSTED, echo=told.echo)
        return found

    async def aclose(self) -> None:
        """Release the connection."""
        await self._exchange.aclose()

    def _outbox(self, kind: str) -> Outbox:
        outbox = self._definition.outbox_of(kind)
        if outbox is None:
            raise InvariantError(
                code="TIE-FILES-012",
                message=f"{self._definition.title} has no outbox for {kind}.",
            )
        return outbox

    async def _one(self, command: Command) -> Outcome:
        outbox = self._outbox(kind_of(command))
        try:
            content = content_of(outbox, command)
        except (UnfitError, ContractError) as error:
            words = error.message if isinstance(error, ContractError) else str(error)
            return Rejected(code=RejectionCode.INVALID, words=words)
        name = outbox.name.format(reference=command.reference, entity=command.entity)
        try:
            return await self._dropped(outbox, name, content)
        except (UnknownOutcomeError, ContractError) as error:
            return Unknown(reason=error.message)
        except TransientError as error:
            return RetryLater(reason=error.message)
        except AccessError as error:
            return NoAccess(words=error.message)

    async def _dropped(self, outbox: Outbox, name: str, content: bytes) -> Outcome:
        """Lay the file down unless it was before, and wait for what is said of it."""
        before = await self._acknowledged(outbox, name)
        if before is not None:
            return _again(before)
        is_new = await self._exchange.create(outbox.folder, name, content)
        outcome = await self._answer(outbox, name)
        return outcome if is_new else _again(outcome)

    async def _answer(self, outbox: Outbox, name: str) -> Outcome:
        """What the other side says of a file that lies there, as far as it says so in time."""
        try:
            async with asyncio.timeout(self._answer_within_s):
                while True:
                    told = await self._acknowledged(outbox, name)
                    if told is not None:
                        return told
                    await asyncio.sleep(_LOOK_EVERY_S)
        except TimeoutError:
            return Unknown(reason=f"{name} is not acknowledged yet.")
        except (TransientError, AccessError, ContractError) as error:
            return Unknown(reason=error.message)

    async def _acknowledged(self, outbox: Outbox, name: str) -> Accepted | Rejected | None:
        acknowledgement = outbox.acknowledgement
        for suffix, read in ((acknowledgement.accepted, _accepted), (acknowledgement.rejected, _rejected)):
            content = await self._exchange.read(
                acknowledgement.folder, name + suffix, max_bytes=_MAX_ACKNOWLEDGEMENT_BYTES
            )
            if content is not None:
                return read(acknowledgement, name, _rows(acknowledgement, content))
        return None


def content_of(outbox: Outbox, command: Command) -> bytes:
    """The bytes of the file that a command is; raises UnfitError or ContractError where it cannot be one."""
    told = {name: getattr(command, name) for name in command.__struct_fields__}
    lines = told[outbox.rows]
    rows = [_cells(vendor_body(outbox.cells, {**told, "line": _plain(line)})) for line in lines]
    columns = list(outbox.cells) if outbox.layout.format != "fixed" else list(outbox.layout.positions)
    before = written(rows, columns, outbox.layout, None)
    return written(rows, columns, outbox.layout, trailer_of(rows, outbox.layout, before))


def _plain(line: msgspec.Struct) -> dict[str, object]:
    told: dict[str, object] = {name: getattr(line, name) for name in line.__struct_fields__}
    if isinstance(line, JournalLine):
        told["functional_minor"] = line.debit_minor - line.credit_minor
    return told


def _cells(body: Mapping[str, JsonValue]) -> Row:
    return {name: "" if value is None else str(value) for name, value in body.items()}


def _rows(acknowledgement: Acknowledgement, content: bytes) -> list[Row]:
    found = cut(content, acknowledgement.layout, max_rows=10_000)
    check(found, acknowledgement.layout)
    return found.rows


def _accepted(acknowledgement: Acknowledgement, name: str, rows: Sequence[Row]) -> Accepted:
    first: Row = rows[0] if rows else {}
    return Accepted(ref=first.get(acknowledgement.ref) or name, echo=_echo(acknowledgement, rows))


def _echo(acknowledgement: Acknowledgement, rows: Sequence[Row]) -> Echo | None:
    """What was recorded: amounts and hours of several rows add up."""
    if acknowledgement.hours is not None and rows:
        return Echo(amount_minor=0, currency="", hours=_total(acknowledgement, acknowledgement.hours, rows))
    if acknowledgement.amount is None or acknowledgement.currency is None or not rows:
        return None
    currency = rows[0].get(acknowledgement.currency, "")
    total = _total(acknowledgement, acknowledgement.amount, rows)
    try:
        amount_minor = to_minor(total, currency)
    except UnknownCurrencyError as error:
        raise ContractError(code="TIE-FILES-002", message=f"An acknowledgement names no currency: {error}.") from error
    day = None if acknowledgement.date is None else rows[0].get(acknowledgement.date)
    return Echo(amount_minor=amount_minor, currency=currency, accounting_date=day)


def _total(acknowledgement: Acknowledgement, column: str, rows: Sequence[Row]) -> Decimal:
    return sum((number_of(row.get(column, ""), acknowledgement.layout) for row in rows), Decimal(0))


def _rejected(acknowledgement: Acknowledgement, name: str, rows: Sequence[Row]) -> Rejected:
    first: Row = rows[0] if rows else {}
    vendor_code = first.get(acknowledgement.code) or None
    words = "; ".join(row.get(acknowledgement.text, "") for row in rows if row.get(acknowledgement.text))
    return Rejected(
        code=acknowledgement.rejections.get(vendor_code or "", RejectionCode.INVALID),
        words=words or f"{name} was refused without a word",
        vendor_code=vendor_code,
    )


def _again(outcome: Outcome) -> Outcome:
    if isinstance(outcome, Accepted):
        return AlreadyDone(ref=outcome.ref, echo=outcome.echo)
    return outcome
