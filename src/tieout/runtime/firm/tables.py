"""The CSV tables of a firm directory: mappings, the firm's own rates, exchange rates.

Every table has a header; a column that is not known is a mistake, so that a misspelt one is never ignored.
"""

import csv
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TypeVar

from tieout.model.firm import FirmFxRate, FirmRateLine, MappingLine
from tieout.model.money import UnknownCurrencyError, exponent
from tieout.runtime.firm.problems import FirmProblem

ANY = "*"
SCOPES = ("assignment", "project", "contract", "client", "legal_entity", "global")
_MAPPING_COLUMNS = {"system", "entity", "source", "target", "valid_from", "valid_to"}
_RATE_COLUMNS = {
    "scope", "price", "currency", "valid_from", "valid_to", "entity", "client", "project", "role", "resource", "task",
    "work_type", "complimentary",
}  # fmt: skip
_FX_COLUMNS = {"day", "base", "quote", "rate", "rate_type"}
_RATE_FILES = {"bill_rates": "bill", "cost_rates": "cost"}
_Row = dict[str, str]
_T = TypeVar("_T")


def read_tables(
    directory: Path, problems: list[FirmProblem]
) -> tuple[list[MappingLine], list[FirmRateLine], list[FirmFxRate]]:
    """All tables below ``directory``; what is wrong is added to ``problems``."""
    mappings: list[MappingLine] = []
    rates: list[FirmRateLine] = []
    for path in sorted((directory / "mappings").glob("*.csv")):
        context = _RATE_FILES.get(path.stem)
        if context is None:
            mappings += _each(directory, path, _MAPPING_COLUMNS, problems, _mapping(path.stem))
        else:
            rates += _each(directory, path, _RATE_COLUMNS, problems, _rate(context))
    fx_path = directory / "fx.csv"
    fx = list(_each(directory, fx_path, _FX_COLUMNS, problems, _fx)) if fx_path.exists() else []
    problems += _ambiguous(mappings)
    return mappings, rates, fx


def _each(
    directory: Path,
    path: Path,
    columns: set[str],
    problems: list[FirmProblem],
    make: Callable[[int, _Row], _T],
) -> Iterator[_T]:
    name = str(path.relative_to(directory))
    with path.open(newline="", encoding="utf-8-sig") as lines:
        reader = csv.DictReader(lines, strict=True)
        try:
            yield from _rows(name, reader, columns, problems, make)
        except (csv.Error, UnicodeDecodeError) as error:
            problems.append(
                FirmProblem(
                    file=name,
                    line=reader.line_num + 1,
                    message=f"The table cannot be read from here on: {error}.",
                    next_step="Save it as CSV in UTF-8 and close every quote.",
                )
            )


def _rows(
    name: str,
    reader: "csv.DictReader[str]",
    columns: set[str],
    problems: list[FirmProblem],
    make: Callable[[int, _Row], _T],
) -> Iterator[_T]:
    unknown = sorted(set(reader.fieldnames or ()) - columns)
    if unknown or not reader.fieldnames:
        problems.append(
            FirmProblem(
                file=name,
                line=1,
                message=f"Unknown or missing columns: {', '.join(unknown) or 'no header'}.",
                next_step=f"Use the columns {', '.join(sorted(columns))}.",
            )
        )
        return
    for row in reader:
        line = reader.line_num
        if None in row or None in row.values():
            problems.append(
                FirmProblem(
                    file=name,
                    line=line,
                    message="The line has more or fewer cells than the header.",
                    next_step="Count the commas; quote a cell that holds one.",
                )
            )
            continue
        try:
            yield make(line, {key: value.strip() for key, value in row.items() if value is not None})
        except (ValueError, KeyError, InvalidOperation, UnknownCurrencyError) as error:
            problems.append(
                FirmProblem(
                    file=name,
                    line=line,
                    message=f"The line cannot be read: {str(error).rstrip('.')}.",
                    next_step="Correct it.",
                )
            )


def _mapping(table: str) -> Callable[[int, _Row], MappingLine]:
    def make(line: int, row: _Row) -> MappingLine:
        for column in ("source", "target"):
            if not row.get(column):
                raise ValueError(f"{column} is empty")
        return MappingLine(
            table=table,
            line=line,
            system=row.get("system") or ANY,
            entity=row.get("entity") or ANY,
            source=row["source"],
            target=row["target"],
            valid_from=_day(row, "valid_from") or date.min,
            valid_to=_span_end(row),
        )

    return make


def _rate(context: str) -> Callable[[int, _Row], FirmRateLine]:
    def make(line: int, row: _Row) -> FirmRateLine:
        scope = row.get("scope") or ("global" if context == "cost" else "")
        if scope not in SCOPES:
            raise ValueError(f"scope is {scope!r}, not one of {', '.join(SCOPES)}")
        starts = _day(row, "valid_from")
        if starts is None:
            raise ValueError("valid_from is empty")
        price = Decimal(row["price"])
        if not price.is_finite() or price < 0:
            raise ValueError(f"price {price} is not a number from 0 up")
        return FirmRateLine(
            context=context,
            line=line,
            scope=scope,
            price=price,
            currency=_currency(row, "currency"),
            valid_from=starts,
            valid_to=_span_end(row),
            entity=row.get("entity") or None,
            client=row.get("client") or None,
            project=row.get("project") or None,
            role=row.get("role") or None,
            resource=row.get("resource") or None,
            task=row.get("task") or None,
            work_type=row.get("work_type") or None,
            complimentary=_flag(row, "complimentary"),
        )

    return make


def _fx(_: int, row: _Row) -> FirmFxRate:
    rate = Decimal(row["rate"])
    if not rate.is_finite() or rate <= 0:
        raise ValueError(f"rate {rate} is not above 0")
    return FirmFxRate(
        day=date.fromisoformat(row["day"]),
        base=_currency(row, "base"),
        quote=_currency(row, "quote"),
        rate=rate,
        rate_type=row.get("rate_type") or "spot",
    )


def _currency(row: _Row, column: str) -> str:
    code = row[column]
    exponent(code)
    return code


def _flag(row: _Row, column: str) -> bool:
    text = row.get(column, "").lower()
    if text not in {"", "no", "yes"}:
        raise ValueError(f"{column} is {text!r}, not yes or no")
    return text == "yes"


def _day(row: _Row, column: str) -> date | None:
    text = row.get(column)
    return date.fromisoformat(text) if text else None


def _span_end(row: _Row) -> date | None:
    starts, ends = _day(row, "valid_from"), _day(row, "valid_to")
    if ends is not None and starts is not None and ends <= starts:
        raise ValueError(f"valid_to {ends} is not after valid_from {starts}")
    return ends


def _ambiguous(lines: list[MappingLine]) -> list[FirmProblem]:
    """Two lines of one table that say different things of one source at one time."""
    problems = []
    known: dict[tuple[str, str, str, str], list[MappingLine]] = {}
    for line in lines:
        others = known.setdefault((line.table, line.system, line.entity, line.source), [])
        problems += [
            FirmProblem(
                file=f"mappings/{line.table}.csv",
                line=line.line,
                message=f"{line.source} is mapped to {line.target} here and to {other.target} in line "
                f"{other.line} at the same time.",
                next_step="End one of them (valid_to) or remove it.",
            )
            for other in others
            if _overlap(line, other)
        ]
        others.append(line)
    return problems


def _overlap(one: MappingLine, other: MappingLine) -> bool:
    return one.valid_from < (other.valid_to or date.max) and other.valid_from < (one.valid_to or date.max)
