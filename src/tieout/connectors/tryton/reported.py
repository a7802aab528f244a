"""What Tryton's pages say in canonical words; pure.

A page is an answer of ``search_read``. Beside a page of rates ``read`` puts the base currency, which Tryton names
nowhere, and beside a page of periods the journal that is posted in: a period may be open and its journal closed.
Versions are the microseconds of the last change.
"""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final, TypeVar

import msgspec

from tieout.connect.json_codec import JsonValue, decode_strict, shape_strict
from tieout.connect.source import Translated, Unreadable
from tieout.connectors.tryton.manifest import COMPANY, EMPLOYEE, PARTY, PERIOD, PROJECT, RATE
from tieout.connectors.tryton.mapping import day_of, number_of
from tieout.connectors.tryton.records import (
    TrytonCompanyRow,
    TrytonEmployeeRow,
    TrytonPartyRow,
    TrytonPeriodRow,
    TrytonProjectRow,
    TrytonRateRow,
)
from tieout.errors import ContractError
from tieout.model.money import exponent
from tieout.model.reported import FieldValue, RecordType, ReportedRecord

_MICROSECONDS: Final = 6
Row = TypeVar("Row", bound=msgspec.Struct)
_Read = Callable[[JsonValue, str | None], ReportedRecord]


class TrytonTranslator:
    """Translates every object that the manifest reads; stateless."""

    def translate(self, object_name: str, payload: bytes) -> list[Translated]:
        """One result per record, in order; raises ContractError when the page cannot be read."""
        read = _READERS.get(object_name)
        if read is None:
            raise ContractError(code="TIE-TRYTON-002", message=f"Tryton's {object_name!r} cannot be translated.")
        given, rows = split(payload)
        return [_translated(read, row, given) for row in rows]


def split(payload: bytes) -> tuple[str | None, list[JsonValue]]:
    """What was put beside the page, where there is something, and its rows; raises ContractError where it is none."""
    document = decode_strict(payload)
    given = None
    match document:
        case {"given": str(text), "answer": dict(answer)}:
            given, document = text, answer
    match document:
        case {"result": list(rows)}:
            return given, rows
    raise ContractError(code="TIE-TRYTON-002", message=f"Tryton answered without a list: {payload[:200]!r}")


def _translated(read: _Read, row: JsonValue, given: str | None) -> Translated:
    try:
        return read(row, given)
    except ContractError as error:
        problem = error.message
    except (ValueError, InvalidOperation) as error:
        problem = str(error)
    key = row.get("id") if isinstance(row, dict) else None
    return Unreadable(problem=problem, source_id=str(key) if isinstance(key, int) else None)


def version_of(*stamps: str) -> int:
    """Microseconds since 1970 of the latest of Tryton's time stamps (seconds with a fraction, as text)."""
    return max(int(Decimal(stamp).scaleb(_MICROSECONDS)) for stamp in stamps)


def split_name(name: str) -> tuple[str, str]:
    """The business code that a project's name begins with, and the rest."""
    code, _, rest = name.strip().partition(" ")
    if not code:
        raise ValueError("the project has no name, and so no code")
    return code, rest.strip() or code


def _currency(code: str) -> str:
    exponent(code)
    return code


def _company(row: TrytonCompanyRow, _given: str | None) -> ReportedRecord:
    fields: dict[str, FieldValue] = {
        "code": row.party.code,
        "name": row.party.name,
        "functional_currency": _currency(row.currency.code),
    }
    if row.timezone is not None:
        fields["time_zone"] = row.timezone
    country = next((one.country.code for one in row.party.addresses if one.country is not None), None)
    if country is not None:
        fields["country"] = country
    return ReportedRecord(
        type=RecordType.LEGAL_ENTITY,
        source_id=str(row.id),
        version=version_of(row.stamp, row.party.stamp, *(one.stamp for one in row.party.addresses)),
        fields=fields,
    )


def _period(row: TrytonPeriodRow, given: str | None) -> ReportedRecord:
    if given is None:
        raise ValueError("the page does not say which journal is posted in")
    starts, ends = day_of(row.start_date), day_of(row.end_date) + timedelta(days=1)
    is_month = starts.day == 1 and ends == (starts + timedelta(days=31)).replace(day=1)
    return ReportedRecord(
        type=RecordType.PERIOD,
        source_id=str(row.id),
        version=version_of(row.stamp, *(one.stamp for one in row.journals)),
        fields={
            "code": f"{starts:%Y-%m}" if is_month else row.name,
            "starts": starts.isoformat(),
            "ends": ends.isoformat(),
            "state": "open" if row.is_open(given) else "closed",
        },
        references={"legal_entity": str(row.company)},
    )


def _rate(row: TrytonRateRow, given: str | None) -> ReportedRecord:
    if given is None:
        raise ValueError("the page does not say which currency the rate is against")
    rate = number_of(row.rate)
    if rate <= 0:
        raise ValueError(f"{row.rate.decimal} is not a rate")
    return ReportedRecord(
        type=RecordType.FX_RATE,
        source_id=str(row.id),
        version=version_of(row.stamp),
        fields={
            "base": _currency(given),
            "quote": _currency(row.currency.code),
            "rate": f"{rate:f}",
            "rate_date": day_of(row.date).isoformat(),
            "rate_type": "spot",
        },
    )


def _party(row: TrytonPartyRow, _given: str | None) -> ReportedRecord:
    return ReportedRecord(
        type=RecordType.CLIENT,
        source_id=str(row.id),
        version=version_of(row.stamp),
        fields={"code": row.code, "name": row.name or row.code},
        deleted=not row.active,
    )


def _project(row: TrytonProjectRow, _given: str | None) -> ReportedRecord:
    code, name = split_name(row.name)
    references = {"legal_entity": str(row.company)}
    if row.party is not None:
        references["client"] = str(row.party)
    return ReportedRecord(
        type=RecordType.PROJECT,
        source_id=str(row.id),
        version=version_of(row.stamp),
        fields={"code": code, "name": name},
        references=references,
    )


def _employee(row: TrytonEmployeeRow, _given: str | None) -> ReportedRecord:
    def told(day: date | None) -> str | None:
        return None if day is None else day.isoformat()

    return ReportedRecord(
        type=RecordType.RESOURCE,
        source_id=str(row.id),
        version=version_of(row.stamp, row.party.stamp),
        fields={
            "name": row.party.name,
            "email": row.party.email or None,
            "kind": "employee",
            "employment_from": told(day_of(row.start_date) if row.start_date else None),
            "employment_to": told(day_of(row.end_date) + timedelta(days=1) if row.end_date else None),
        },
        references={"legal_entity": str(row.company)},
    )


def _reader(row_type: type[Row], convert: Callable[[Row, str | None], ReportedRecord]) -> _Read:
    return lambda row, given: convert(shape_strict(row, row_type), given)


_READERS: Final[dict[str, _Read]] = {
    COMPANY: _reader(TrytonCompanyRow, _company),
    PERIOD: _reader(TrytonPeriodRow, _period),
    RATE: _reader(TrytonRateRow, _rate),
    PARTY: _reader(TrytonPartyRow, _party),
    PROJECT: _reader(TrytonProjectRow, _project),
    EMPLOYEE: _reader(TrytonEmployeeRow, _employee),
}
