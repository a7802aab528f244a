"""Reads the ledger of a REST system for reconciliation, by another way than journals are written and looked up."""

from collections.abc import AsyncIterator
from datetime import date, timedelta

from tieout.connect.by_rule.values import Absent, UnfitError, at, canonical, minor, text
from tieout.connect.json_codec import JsonValue, decode_strict
from tieout.connect.sink import LedgerLine, LedgerPosting
from tieout.connectors.http.client import RestClient
from tieout.connectors.http.definition import Definition, LedgerPart
from tieout.connectors.http.mapping import listed
from tieout.connectors.http.paging import first_place, folded, next_place, place_params
from tieout.errors import ConfigurationError, ContractError


class RestLedgerReader:
    """Reads one ledger."""

    def __init__(self, client: RestClient, definition: Definition) -> None:
        self._client = client
        self._definition = definition

    async def postings(self, *, entity: str, starts: date, ends: date) -> AsyncIterator[LedgerPosting]:
        """See ``LedgerReader``; postings without a reference of ours are none of ours."""
        part = self._definition.ledger
        if part is None:
            raise ConfigurationError(code="TIE-REST-003", message=f"{self._definition.title} describes no ledger.")
        last = (ends - timedelta(days=1)).isoformat()
        asked = folded(part.params, entity=entity, starts=starts.isoformat(), last=last, ends=ends.isoformat())
        place = first_place(part.paging)
        while True:
            if part.paging.kind == "link" and place.token:
                answer = await self._client.follow(place.token, after=part.path)
            else:
                answer = await self._client.get(part.path, {**asked, **place_params(part.paging, place)})
            document = decode_strict(answer.body)
            rows = listed(document, part.items, "the ledger")
            for row in rows:
                posting = _posting(row, part, entity)
                if posting is not None and starts <= posting.accounting_date < ends:
                    yield posting
            moved = next_place(part.paging, place, answer, document, len(rows))
            if moved is None:
                return
            place = moved

    async def aclose(self) -> None:
        """Close the client."""
        await self._client.aclose()


def _posting(row: JsonValue, part: LedgerPart, entity: str) -> LedgerPosting | None:
    try:
        reference = canonical("reference", part.reference, row, row)
        if isinstance(reference, Absent) or reference in {None, ""}:
            return None
        return LedgerPosting(
            reference=text("reference", part.reference, row, row),
            ref=text("ref", part.ref, row, row),
            entity=entity,
            accounting_date=date.fromisoformat(text("accounting_date", part.accounting_date, row, row)),
            period=text("period", part.period, row, row),
            posted=_is_posted(row, part),
            lines=tuple(_line(one, row, part) for one in _lines(row, part)),
        )
    except (UnfitError, ValueError) as error:
        raise ContractError(code="TIE-REST-001", message=f"A posting of the ledger cannot be read: {error}.") from error


def _is_posted(row: JsonValue, part: LedgerPart) -> bool:
    posted = canonical("posted", part.posted, row, row)
    if not isinstance(posted, bool):
        raise UnfitError("posted is neither true nor false")
    return posted


def _lines(row: JsonValue, part: LedgerPart) -> list[object]:
    lines = at(part.lines.path, row, row)
    if not isinstance(lines, list):
        raise UnfitError(f"there is no list of lines at {part.lines.path}")
    return lines


def _line(line: object, row: JsonValue, part: LedgerPart) -> LedgerLine:
    functional_currency = text("functional_currency", part.lines.functional_currency, line, row)
    currency = text("currency", part.lines.currency, line, row)
    return LedgerLine(
        account=text("account", part.lines.account, line, row),
        functional_minor=minor("functional", part.lines.functional, functional_currency, line, row),
        functional_currency=functional_currency,
        amount_minor=minor("amount", part.lines.amount, currency, line, row),
        currency=currency,
    )
