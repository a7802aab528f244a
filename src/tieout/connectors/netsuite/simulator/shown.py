"""Records as the REST record service shows them: references with ``refName``, sublists inline only when asked for.

"Getting a Record Instance" of the NetSuite help: without ``expandSubResources=true`` a sublist is only a link.
"""

import sqlite3
from typing import Final, TypeAlias

import msgspec

from tieout.connectors.netsuite.simulator.masters import SEGMENTS, Masters

Json: TypeAlias = dict[str, "Json"] | list["Json"] | str | int | bool | msgspec.Raw | None

_ENCODER: Final = msgspec.json.Encoder()


def _reference(key: int | None, name: str) -> Json:
    return None if key is None else {"id": str(key), "refName": name, "links": []}


def _number(text: str | None) -> Json:
    """Decimal text as a JSON number, digit for digit."""
    return None if text is None else msgspec.Raw(text.encode())


def _present(members: dict[str, Json]) -> Json:
    return {name: value for name, value in members.items() if value is not None}


def _instant(local_time: str | None) -> Json:
    return None if local_time is None else local_time.replace(" ", "T")


def encoded(value: Json) -> bytes:
    """The JSON text of an answer."""
    return _ENCODER.encode(value)


def journal(rows: sqlite3.Connection, masters: Masters, key: int, *, url: str, expand: bool) -> bytes:
    """One journal entry with or without its lines."""
    row = rows.execute(
        "select externalid, tranid, trandate, currency, exchangerate, postingperiod, memo, approvalstatus, createddate,"
        ' lastmodifieddate from "transaction" where id = ?',
        (key,),
    ).fetchone()
    lines = rows.execute(_LINES, (key,)).fetchall()
    subsidiary = lines[0][1] if lines else None
    period = next((one.name for one in masters.periods if one.id == row[5]), "")
    sublist: Json = {"links": [{"rel": "self", "href": f"{url}/line"}]}
    if expand:
        items: list[Json] = [_line(masters, line) for line in lines]
        sublist = {"items": items, "count": len(items), "hasMore": False, "offset": 0, "totalResults": len(items)}
    return encoded(
        _present(
            {
                "links": [{"rel": "self", "href": url}],
                "id": str(key),
                "externalId": row[0],
                "tranId": row[1],
                "tranDate": row[2],
                "subsidiary": _reference(subsidiary, masters.subsidiaries.get(subsidiary or 0, ("", 0))[0]),
                "currency": _reference(row[3], masters.currencies[row[3]][0]),
                "exchangeRate": _number(row[4]),
                "postingPeriod": _reference(row[5], period),
                "memo": row[6],
                "approved": row[7] == "2",
                "createdDate": _instant(row[8]),
                "lastModifiedDate": _instant(row[9]),
                "line": sublist,
            }
        )
    )


_LINES: Final = """
select line.id, line.subsidiary, line.entity, line.department, line.class, line.location, line.memo,
       line.custcol_tieout_currency, line.custcol_tieout_amount, line.custcol_tieout_hours,
       posted.account, posted.debit, posted.credit
from transactionline as line
join transactionaccountingline as posted
  on posted."transaction" = line."transaction" and posted.transactionline = line.id
where line."transaction" = ? order by line.id
"""


def _line(masters: Masters, row: tuple[int | str | None, ...]) -> Json:
    entity, account = row[2], row[10]
    account_name = masters.accounts.get(account, ("", ""))[1] if isinstance(account, int) else ""
    segments = {
        name: _reference(key, masters.segments[name].get(key, "")) if isinstance(key, int) else None
        for name, key in zip(SEGMENTS, row[3:6], strict=True)
    }
    return _present(
        {
            "line": row[0],
            "account": _reference(account, account_name) if isinstance(account, int) else None,
            "debit": _number(_text(row[11])),
            "credit": _number(_text(row[12])),
            "entity": _reference(entity, masters.entities.get(entity, "")) if isinstance(entity, int) else None,
            **segments,
            "memo": _text(row[6]),
            "custcol_tieout_currency": _text(row[7]),
            "custcol_tieout_amount": _number(_text(row[8])),
            "custcol_tieout_hours": _number(_text(row[9])),
        }
    )


def _text(value: int | str | None) -> str | None:
    return None if value is None else str(value)


def customer(rows: sqlite3.Connection, masters: Masters, key: int, *, url: str) -> bytes:
    """One customer."""
    row = rows.execute(
        "select externalid, entityid, companyname, subsidiary, currency, defaulttaxreg, isinactive, lastmodifieddate"
        " from customer where id = ?",
        (key,),
    ).fetchone()
    return encoded(
        _present(
            {
                "links": [{"rel": "self", "href": url}],
                "id": str(key),
                "externalId": row[0],
                "entityId": row[1],
                "companyName": row[2],
                "subsidiary": _reference(row[3], masters.subsidiaries.get(row[3], ("", 0))[0]),
                "currency": _reference(row[4], masters.currencies.get(row[4], ("", 0))[0]),
                "defaultTaxReg": row[5],
                "isInactive": row[6] == "T",
                "lastModifiedDate": _instant(row[7]),
            }
        )
    )


def job(rows: sqlite3.Connection, masters: Masters, key: int, *, url: str) -> bytes:
    """One project."""
    row = rows.execute(
        "select externalid, entityid, companyname, customer, subsidiary, currency, startdate, projectedenddate,"
        " isinactive, lastmodifieddate from job where id = ?",
        (key,),
    ).fetchone()
    return encoded(
        _present(
            {
                "links": [{"rel": "self", "href": url}],
                "id": str(key),
                "externalId": row[0],
                "entityId": row[1],
                "companyName": row[2],
                "parent": _reference(row[3], masters.entities.get(row[3], "")),
                "subsidiary": _reference(row[4], masters.subsidiaries.get(row[4], ("", 0))[0]),
                "currency": _reference(row[5], masters.currencies.get(row[5], ("", 0))[0]),
                "startDate": row[6],
                "projectedEndDate": row[7],
                "isInactive": row[8] == "T",
                "lastModifiedDate": _instant(row[9]),
            }
        )
    )
