"""NetSuite's types and canonical words, both ways; pure.

Neighbours: ``records`` holds NetSuite's types, ``masters`` maps masters that are written, ``directory`` finds the ids
that a command needs, ``read`` and ``write`` do the talking. A journal is in the subsidiary's functional currency; what
a line is worth in the currency of the transaction, and the hours behind it, travel in the custom line columns
``custcol_tieout_currency``, ``custcol_tieout_amount`` and ``custcol_tieout_hours``: an administrator creates them once.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final, TypeVar

import msgspec

from tieout.connect.json_codec import decode_strict, shape_strict
from tieout.connect.outcome import Echo, Rejected, RejectionCode
from tieout.connect.sink import LedgerLine, LedgerPosting
from tieout.connect.source import Translated, Unreadable
from tieout.connectors.netsuite.records import (
    NetSuiteCustomerRow,
    NetSuiteJobRow,
    NetSuiteJournal,
    NetSuiteJournalLine,
    NetSuiteJournalLines,
    NetSuiteJournalRow,
    NetSuiteLedgerRow,
    NetSuitePeriodRow,
    NetSuiteQueryPage,
    NetSuiteRateRow,
    NetSuiteReference,
    NetSuiteSubsidiaryRow,
)
from tieout.errors import ContractError
from tieout.model.journal import JournalLine, PostJournal
from tieout.model.money import Money, exponent, from_minor, to_minor
from tieout.model.reported import FieldValue, RecordType, ReportedRecord

SEGMENT_FIELDS: Final = ("department", "class", "location")
MAX_MEMO: Final = 999
"""The memo of a transaction holds 999 characters; a longer text is cut, our reference stays in the external id."""

_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")

_Row = TypeVar("_Row", bound=msgspec.Struct)


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """The account's ids of what one command names, by our names; ``segments`` by line field and value."""

    subsidiary: str
    currencies: Mapping[str, str]
    accounts: Mapping[str, str]
    customers: Mapping[str, str]
    projects: Mapping[str, str]
    segments: Mapping[tuple[str, str], str]


def _rejected(code: RejectionCode, words: str) -> Rejected:
    return Rejected(code=code, words=words)


def to_journal(command: PostJournal, known: Known, dimension_fields: Mapping[str, str]) -> NetSuiteJournal | Rejected:
    """The journal entry for a command, or why the account cannot take it: what it names is not there."""
    currency = known.currencies.get(command.currency)
    if currency is None:
        return _rejected(RejectionCode.CURRENCY_UNKNOWN, f"NetSuite has no currency {command.currency}.")
    lines = []
    for line in command.lines:
        made = _to_line(line, command.currency, known, dimension_fields)
        if isinstance(made, Rejected):
            return made
        lines.append(made)
    return NetSuiteJournal(
        external_id=command.reference,
        subsidiary=NetSuiteReference(known.subsidiary),
        tran_date=command.accounting_date.isoformat(),
        currency=NetSuiteReference(currency),
        approved=True,
        memo=command.description[:MAX_MEMO],
        line=NetSuiteJournalLines(tuple(lines)),
    )


def _to_line(
    line: JournalLine, functional: str, known: Known, dimension_fields: Mapping[str, str]
) -> NetSuiteJournalLine | Rejected:
    account = known.accounts.get(line.account)
    if account is None:
        return _rejected(RejectionCode.ACCOUNT_UNKNOWN, f"NetSuite has no active account {line.account}.")
    entity = _entity(line, known)
    if isinstance(entity, Rejected):
        return entity
    segments = _segments(line.dimensions, known, dimension_fields)
    if isinstance(segments, Rejected):
        return segments
    return NetSuiteJournalLine(
        account=NetSuiteReference(account),
        debit=from_minor(line.debit_minor, functional) if line.debit_minor or not line.credit_minor else None,
        credit=from_minor(line.credit_minor, functional) if line.credit_minor else None,
        memo=line.memo[:MAX_MEMO] or None,
        entity=entity,
        department=_native(segments, "department"),
        class_=_native(segments, "class"),
        location=_native(segments, "location"),
        custcol_tieout_currency=line.currency,
        custcol_tieout_amount=from_minor(line.amount_minor, line.currency),
        custcol_tieout_hours=line.hours,
        custom={field: value for field, value in segments.items() if field not in SEGMENT_FIELDS},
    )


def _native(segments: Mapping[str, NetSuiteReference | str], field: str) -> NetSuiteReference | None:
    value = segments.get(field)
    return value if isinstance(value, NetSuiteReference) else None


def _entity(line: JournalLine, known: Known) -> NetSuiteReference | Rejected | None:
    """The name of a line: its project where it has one, else its customer."""
    if line.project_code is not None:
        project = known.projects.get(line.project_code)
        if project is None:
            return _rejected(RejectionCode.PROJECT_UNKNOWN, f"NetSuite has no active project {line.project_code}.")
        return NetSuiteReference(project)
    if line.customer_code is None:
        return None
    customer = known.customers.get(line.customer_code)
    if customer is None:
        return _rejected(RejectionCode.CUSTOMER_UNKNOWN, f"NetSuite has no active customer {line.customer_code}.")
    return NetSuiteReference(customer)


def _segments(
    dimensions: Mapping[str, str], known: Known, dimension_fields: Mapping[str, str]
) -> dict[str, NetSuiteReference | str] | Rejected:
    """What stands in which line field: a value of the field's list, or the text itself in a column of free text."""
    found: dict[str, NetSuiteReference | str] = {}
    for dimension, value in dimensions.items():
        field = dimension_fields.get(dimension)
        if field is None:
            words = f"No line field is set up for the dimension {dimension} (setting dimension_fields)."
            return _rejected(RejectionCode.DIMENSION_UNKNOWN, words)
        if not has_values(field):
            found[field] = value
            continue
        key = known.segments.get((field, value))
        if key is None:
            return _rejected(RejectionCode.DIMENSION_UNKNOWN, f"NetSuite has no active {field} {value}.")
        found[field] = NetSuiteReference(key)
    return found


def has_values(field: str) -> bool:
    """Whether a line field takes values of a list, as department, class, location and custom segments do."""
    return not field.startswith("custcol")


def encoded_journal(journal: NetSuiteJournal) -> bytes:
    """The JSON text of a journal, with the account's own members beside the others."""
    plain = _ENCODER.encode(journal)
    if not any(line.custom for line in journal.line.items):
        return plain
    members: dict[str, object] = dict(msgspec.json.decode(plain, type=dict[str, msgspec.Raw]))
    lines = [flattened(_ENCODER.encode(line)) for line in journal.line.items]
    return _ENCODER.encode({**members, "line": {"items": lines}})


def flattened(text: bytes) -> dict[str, msgspec.Raw]:
    """The members of a JSON object with those of its member ``custom`` among them, each as it was written."""
    members = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    custom = members.pop("custom", None)
    return members if custom is None else members | msgspec.json.decode(custom, type=dict[str, msgspec.Raw])


def _minor(text: str, currency: str) -> int:
    try:
        return Money(Decimal(text), currency).minor
    except InvalidOperation as error:
        raise ContractError(code="TIE-NETSUITE-002", message=f"NetSuite gave {text!r} as an amount.") from error


def echo_of_row(row: NetSuiteJournalRow) -> Echo:
    """What the ledger holds of a journal, by SuiteQL. Raises ContractError for an amount that is none."""
    return Echo(amount_minor=_minor(row.debits, row.currency), currency=row.currency, accounting_date=row.trandate)


def echo_of_journal(journal: NetSuiteJournal, *, currency: str) -> Echo:
    """What the record service holds of a journal; ``currency`` is the ISO code of its currency."""
    debits = sum((line.debit for line in journal.line.items if line.debit is not None), Decimal(0))
    return Echo(amount_minor=to_minor(debits, currency), currency=currency, accounting_date=journal.tran_date)


def postings_of(rows: Iterable[NetSuiteLedgerRow], *, entity: str) -> list[LedgerPosting]:
    """Ledger postings from accounting lines that are ordered by journal. Raises ContractError for a bad amount."""
    found: dict[str, list[NetSuiteLedgerRow]] = {}
    for row in rows:
        found.setdefault(row.id, []).append(row)
    return [_posting(key, lines, entity) for key, lines in found.items()]


def _posting(key: str, rows: Sequence[NetSuiteLedgerRow], entity: str) -> LedgerPosting:
    head = rows[0]
    return LedgerPosting(
        reference=head.externalid,
        ref=key,
        entity=entity,
        accounting_date=_day(head.trandate),
        period=head.periodname,
        posted=head.posting == "T",
        lines=tuple(_ledger_line(row) for row in rows),
    )


def _ledger_line(row: NetSuiteLedgerRow) -> LedgerLine:
    functional_minor = _minor(row.debit, row.functional) - _minor(row.credit, row.functional)
    told = row.currency is not None and row.amount is not None
    return LedgerLine(
        account=row.acctnumber,
        functional_minor=functional_minor,
        functional_currency=row.functional,
        amount_minor=_minor(row.amount or "0", row.currency or row.functional) if told else functional_minor,
        currency=(row.currency if told else None) or row.functional,
    )


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ContractError(code="TIE-NETSUITE-002", message=f"NetSuite gave {text!r} as a date.") from error


def _version(*changed: str | None) -> int:
    """Seconds of the latest change time; the account's zone is not known here and need not be: times only grow.

    In the hour that repeats when summer time ends, two changes of one record may count as one.
    """
    instants = [datetime.fromisoformat(one).replace(tzinfo=UTC) for one in changed if one]
    return max((int(instant.timestamp()) for instant in instants), default=0)


def _after(last_day: str) -> str:
    """The first day after the last one, which is what NetSuite names as an end."""
    return (date.fromisoformat(last_day) + timedelta(days=1)).isoformat()


def _flag(text: str) -> bool:
    if text not in {"T", "F"}:
        raise ValueError(f"{text!r} is neither T nor F")
    return text == "T"


def _told(fields: dict[str, FieldValue]) -> dict[str, FieldValue]:
    return {name: value for name, value in fields.items() if value is not None}


def _currency(code: str) -> str:
    exponent(code)
    return code


def _subsidiary(row: NetSuiteSubsidiaryRow) -> ReportedRecord:
    return ReportedRecord(
        type=RecordType.LEGAL_ENTITY,
        source_id=row.id,
        version=_version(row.changed),
        fields=_told(
            {
                "code": row.externalid,
                "name": row.name,
                "functional_currency": _currency(row.currency) if row.currency else None,
                "country": row.country,
            }
        ),
        deleted=_flag(row.isinactive),
    )


def _period(row: NetSuitePeriodRow) -> ReportedRecord:
    starts, last = date.fromisoformat(row.starts), date.fromisoformat(row.ends)
    ends = last + timedelta(days=1)
    closed = _flag(row.closed) or _flag(row.alllocked) or _flag(row.locked or "F")
    is_month = starts.day == 1 and ends == (starts + timedelta(days=31)).replace(day=1)
    return ReportedRecord(
        type=RecordType.PERIOD,
        source_id=f"{row.id}:{row.subsidiary}",
        version=_version(row.changed, row.lock_changed),
        fields={
            "code": f"{starts:%Y-%m}" if is_month else row.periodname,
            "starts": starts.isoformat(),
            "ends": ends.isoformat(),
            "state": "closed" if closed else "open",
        },
        references={"legal_entity": row.subsidiary},
    )


def _customer(row: NetSuiteCustomerRow) -> ReportedRecord:
    return ReportedRecord(
        type=RecordType.CLIENT,
        source_id=row.id,
        version=_version(row.changed),
        fields=_told(
            {
                "code": row.entityid,
                "name": row.companyname,
                "currency": _currency(row.currency) if row.currency else None,
            }
        ),
        deleted=_flag(row.isinactive),
    )


def _project(row: NetSuiteJobRow) -> ReportedRecord:
    references = {"client": row.customer, "legal_entity": row.subsidiary}
    return ReportedRecord(
        type=RecordType.PROJECT,
        source_id=row.id,
        version=_version(row.changed),
        fields=_told(
            {
                "code": row.entityid,
                "name": row.companyname,
                "currency": _currency(row.currency) if row.currency else None,
                "starts": date.fromisoformat(row.starts).isoformat() if row.starts else None,
                "ends": _after(row.ends) if row.ends else None,
            }
        ),
        references={name: key for name, key in references.items() if key is not None},
        deleted=_flag(row.isinactive),
    )


def _rate(row: NetSuiteRateRow) -> ReportedRecord:
    rate = Decimal(row.exchangerate)
    if not rate.is_finite() or rate <= 0:
        raise ValueError(f"{row.exchangerate!r} is not a rate")
    return ReportedRecord(
        type=RecordType.FX_RATE,
        source_id=row.id,
        version=_version(row.changed),
        fields={
            "base": _currency(row.transactioncurrency),
            "quote": _currency(row.basecurrency),
            "rate": row.exchangerate,
            "rate_date": date.fromisoformat(row.effectivedate).isoformat(),
            "rate_type": "spot",
        },
    )


def _reader(row_type: type[_Row], convert: Callable[[_Row], ReportedRecord]) -> Callable[[object], ReportedRecord]:
    return lambda item: convert(msgspec.convert(item, row_type))


_READERS: Final[dict[str, Callable[[object], ReportedRecord]]] = {
    "subsidiary": _reader(NetSuiteSubsidiaryRow, _subsidiary),
    "accountingperiod": _reader(NetSuitePeriodRow, _period),
    "customer": _reader(NetSuiteCustomerRow, _customer),
    "job": _reader(NetSuiteJobRow, _project),
    "currencyrate": _reader(NetSuiteRateRow, _rate),
}


class NetSuiteTranslator:
    """Pages of SuiteQL in canonical words; pure."""

    def translate(self, object_name: str, payload: bytes) -> list[Translated]:
        """One result per row, in order; raises ContractError when the page cannot be read or the object is unknown."""
        read = _READERS.get(object_name)
        if read is None:
            raise ContractError(
                code="TIE-NETSUITE-001", message=f"NetSuite's object {object_name!r} cannot be translated."
            )
        page = shape_strict(decode_strict(payload), NetSuiteQueryPage)
        return [_translated(read, item) for item in page.items]


def _translated(read: Callable[[object], ReportedRecord], item: object) -> Translated:
    try:
        return read(item)
    except (msgspec.ValidationError, ValueError, InvalidOperation, ContractError) as error:
        key = item.get("id") if isinstance(item, dict) else None
        return Unreadable(problem=str(error), source_id=key if isinstance(key, str) else None)
