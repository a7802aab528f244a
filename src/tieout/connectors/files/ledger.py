"""Reading the ledger of a system of files for reconciliation: its export, by another way than the sink writes."""

from collections.abc import AsyncIterator
from datetime import date

from tieout.connect.sink import LedgerLine, LedgerPosting
from tieout.connectors.files.controls import check, number_of
from tieout.connectors.files.definition import LedgerExport
from tieout.connectors.files.rows import Row, cut
from tieout.connectors.files.transport import Exchange
from tieout.errors import ContractError
from tieout.model.money import UnknownCurrencyError, to_minor

_MAX_BYTES = 256 * 1024 * 1024
_MAX_ROWS = 5_000_000


class FilesLedgerReader:
    """Reads the export of each legal entity."""

    def __init__(self, exchange: Exchange, export: LedgerExport) -> None:
        self._exchange = exchange
        self._export = export

    async def postings(self, *, entity: str, starts: date, ends: date) -> AsyncIterator[LedgerPosting]:
        """See ``LedgerReader``; a legal entity without an export has no postings."""
        export = self._export
        content = await self._exchange.read(export.folder, export.name.format(entity=entity), max_bytes=_MAX_BYTES)
        if content is None:
            return
        found = cut(content, export.layout, max_rows=_MAX_ROWS)
        check(found, export.layout)
        by_reference: dict[str, list[Row]] = {}
        for row in found.rows:
            by_reference.setdefault(row[export.reference], []).append(row)
        for rows in by_reference.values():
            day = _day(rows[0][export.accounting_date])
            if starts <= day < ends:
                yield self._posting(rows, day, entity)

    async def aclose(self) -> None:
        """Release the connection."""
        await self._exchange.aclose()

    def _posting(self, rows: list[Row], day: date, entity: str) -> LedgerPosting:
        export, head = self._export, rows[0]
        return LedgerPosting(
            reference=head[export.reference],
            ref=head[export.ref],
            entity=entity,
            accounting_date=day,
            period=head[export.period],
            posted=True,
            lines=tuple(self._line(row) for row in rows),
        )

    def _line(self, row: Row) -> LedgerLine:
        export = self._export
        return LedgerLine(
            account=row[export.account],
            functional_minor=self._minor(row[export.functional], row[export.functional_currency]),
            functional_currency=row[export.functional_currency],
            amount_minor=self._minor(row[export.amount], row[export.currency]),
            currency=row[export.currency],
        )

    def _minor(self, text: str, currency: str) -> int:
        try:
            return to_minor(number_of(text, self._export.layout), currency)
        except UnknownCurrencyError as error:
            raise ContractError(code="TIE-FILES-002", message=f"The export names no currency: {error}.") from error


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ContractError(code="TIE-FILES-002", message=f"The export has {text!r} as a date.") from error
