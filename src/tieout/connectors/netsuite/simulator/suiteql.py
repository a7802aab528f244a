"""The SuiteQL endpoint: ``POST /services/rest/query/v1/suiteql`` ("Executing SuiteQL Queries Through REST").

``Prefer: transient`` is mandatory, ``limit`` at most 1,000, ``offset`` a multiple of it, 100,000 rows at most. Values
come as strings, null columns are left out, names in lower case, bare dates in the account's format (M/D/YYYY).
"""

import sqlite3
from collections.abc import Mapping
from typing import Final

import msgspec

from tieout.connectors.netsuite.simulator.errors import RefusedError
from tieout.connectors.netsuite.simulator.schema import ColumnType
from tieout.connectors.netsuite.simulator.suiteql_grammar import SuiteQLError, parse
from tieout.connectors.netsuite.simulator.suiteql_plan import Plan, plan

MAX_LIMIT: Final = 1000
MAX_ROWS: Final = 100_000
MAX_IN_LIST: Final = 1000


class _Query(msgspec.Struct):
    q: str


def _refused(detail: str) -> RefusedError:
    return RefusedError(
        "INVALID_PARAMETER", f"Invalid search query. Detailed unprocessed description follows. {detail}", path="q"
    )


def _whole_number(parameters: Mapping[str, str], name: str, default: int) -> int:
    text = parameters.get(name, str(default))
    if not text.isdecimal():
        raise RefusedError("INVALID_PARAMETER", f"Provide a whole number for {name}.")
    return int(text)


def _page(parameters: Mapping[str, str]) -> tuple[int, int]:
    limit = _whole_number(parameters, "limit", MAX_LIMIT)
    offset = _whole_number(parameters, "offset", 0)
    if not 1 <= limit <= MAX_LIMIT:
        raise RefusedError("INVALID_PARAMETER", f"Provide a limit between 1 and {MAX_LIMIT}.")
    if offset % limit:
        raise RefusedError("INVALID_PARAMETER", "The offset must be divisible by the limit.")
    if offset + limit > MAX_ROWS:
        raise RefusedError("INVALID_PARAMETER", f"A query returns at most {MAX_ROWS} rows.")
    return limit, offset


def _shown(value: str | int, kind: ColumnType) -> str:
    text = str(value)
    if kind in {ColumnType.DATE, ColumnType.DATETIME} and len(text) >= len("2026-01-31"):
        return f"{int(text[5:7])}/{int(text[8:10])}/{text[:4]}"
    return text


def _total(reader: sqlite3.Connection, planned: Plan, *, limit: int, offset: int, found: int) -> int:
    if found and found < limit:
        return offset + found
    total = int(reader.execute(planned.count_sql, planned.count_parameters).fetchone()[0])
    return min(total, planned.first) if planned.first is not None else total


def answer(
    reader: sqlite3.Connection,
    *,
    body: bytes,
    headers: Mapping[str, str],
    parameters: Mapping[str, str],
    visible_before: float,
    url: str,
) -> bytes:
    """The JSON text of one page; raises RefusedError."""
    if headers.get("Prefer", "").replace(" ", "").lower() != "transient":
        raise RefusedError("INVALID_HEADER", "The Prefer header must have the value transient.")
    limit, offset = _page(parameters)
    try:
        query = msgspec.json.decode(body, type=_Query)
        planned = plan(parse(query.q), visible_before=visible_before)
    except msgspec.MsgspecError as error:
        raise RefusedError("INVALID_CONTENT", "The body is not a JSON object with a query in q.") from error
    except SuiteQLError as error:
        raise _refused(str(error)) from error
    wanted = limit if planned.first is None else max(0, min(limit, planned.first - offset))
    try:
        rows = reader.execute(f"{planned.sql} limit {wanted} offset {offset}", planned.parameters).fetchall()
        total = _total(reader, planned, limit=wanted, offset=offset, found=len(rows))
    except sqlite3.OperationalError as error:
        raise _refused(str(error)) from error
    items = [
        {
            "links": [],
            **{
                name: _shown(value, kind)
                for (name, kind), value in zip(planned.outputs, row, strict=True)
                if value is not None
            },
        }
        for row in rows
    ]
    return msgspec.json.encode(
        {
            "links": [{"rel": "self", "href": f"{url}?limit={limit}&offset={offset}"}],
            "count": len(items),
            "hasMore": offset + len(items) < total,
            "items": items,
            "offset": offset,
            "totalResults": total,
        }
    )
