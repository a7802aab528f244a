"""Records as the REST record service shows them: references with ``refName``, sublists inline only when asked for.

"Getting a Record Instance" of the NetSuite help: without ``expandSubResources=true`` a sublist is only a link.
"""

import sqlite3
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Final, TypeAlias, get_type_hints

import msgspec

from tieout.connectors.netsuite.simulator.masters import OWN_FIELDS, SEGMENTS, Masters, Reference
from tieout.connectors.netsuite.simulator.schema import CATALOGUE, ColumnType

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
select line.id, line.subsidiary, line.entity, line.department, line.class, line.location,
       line.cseg_region, line.memo, line.custcol_workstream, line.custcol_tieout_currency,
       line.custcol_tieout_amount, line.custcol_tieout_hours,
       posted.account, posted.debit, posted.credit
from transactionline as line
join transactionaccountingline as posted
  on posted."transaction" = line."transaction" and posted.transactionline = line.id
where line."transaction" = ? order by line.id
"""


def _line(masters: Masters, row: tuple[int | str | None, ...]) -> Json:
    entity, account = row[2], row[12]
    account_name = masters.accounts.get(account, ("", ""))[1] if isinstance(account, int) else ""
    segments = {
        name: _reference(key, masters.segments[name].get(key, "")) if isinstance(key, int) else None
        for name, key in zip(SEGMENTS, row[3:7], strict=True)
    }
    return _present(
        {
            "line": row[0],
            "account": _reference(account, account_name) if isinstance(account, int) else None,
            "debit": _number(_text(row[13])),
            "credit": _number(_text(row[14])),
            "entity": _reference(entity, masters.entities.get(entity, "")) if isinstance(entity, int) else None,
            **segments,
            "memo": _text(row[7]),
            "custcol_workstream": _text(row[8]),
            "custcol_tieout_currency": _text(row[9]),
            "custcol_tieout_amount": _number(_text(row[10])),
            "custcol_tieout_hours": _number(_text(row[11])),
        }
    )


def _text(value: int | str | None) -> str | None:
    return None if value is None else str(value)


def customer(rows: sqlite3.Connection, masters: Masters, key: int, *, url: str) -> bytes:
    """One customer."""
    row = _row(rows, "customer", key)
    return encoded(
        _present(
            {
                "links": [{"rel": "self", "href": url}],
                "id": str(key),
                "externalId": _text(row["externalid"]),
                "entityId": _text(row["entityid"]),
                "companyName": _text(row["companyname"]),
                "subsidiary": _named(row["subsidiary"], masters.subsidiaries),
                "currency": _named(row["currency"], masters.currencies),
                "defaultTaxReg": _text(row["defaulttaxreg"]),
                "isInactive": row["isinactive"] == "T",
                "lastModifiedDate": _instant(_text(row["lastmodifieddate"])),
                **_own(row, "customer"),
            }
        )
    )


def job(rows: sqlite3.Connection, masters: Masters, key: int, *, url: str) -> bytes:
    """One project."""
    row = _row(rows, "job", key)
    statuses = dict(rows.execute("select id, name from jobstatus"))
    budget = row["estimatedtimeoverride"]
    return encoded(
        _present(
            {
                "links": [{"rel": "self", "href": url}],
                "id": str(key),
                "externalId": _text(row["externalid"]),
                "entityId": _text(row["entityid"]),
                "companyName": _text(row["companyname"]),
                "parent": _named(row["customer"], masters.entities),
                "subsidiary": _named(row["subsidiary"], masters.subsidiaries),
                "currency": _named(row["currency"], masters.currencies),
                "startDate": _text(row["startdate"]),
                "projectedEndDate": _text(row["projectedenddate"]),
                "entityStatus": _named(row["entitystatus"], statuses),
                "estimatedRevenue": _number(_text(row["estimatedrevenue"])),
                "estimatedTimeOverride": None if budget is None else _duration(Decimal(budget)),
                "isInactive": row["isinactive"] == "T",
                "lastModifiedDate": _instant(_text(row["lastmodifieddate"])),
                **_own(row, "job"),
            }
        )
    )


def task(rows: sqlite3.Connection, masters: Masters, key: int, *, url: str) -> bytes:
    """One task of a project."""
    row = _row(rows, "projecttask", key)
    titles = dict(rows.execute("select id, title from projecttask"))
    return encoded(
        _present(
            {
                "links": [{"rel": "self", "href": url}],
                "id": str(key),
                "externalId": _text(row["externalid"]),
                "company": _named(row["project"], masters.entities),
                "title": _text(row["title"]),
                "parent": _named(row["parent"], titles),
                "status": {"id": _text(row["status"]), "refName": _text(row["status"])},
                "nonBillableTask": row["nonbillabletask"] == "T",
                "estimatedWork": _number(_text(row["estimatedwork"])),
                "startDate": _text(row["startdate"]),
                "finishByDate": _text(row["finishbydate"]),
                "lastModifiedDate": _instant(_text(row["lastmodifieddate"])),
                **_own(row, "projecttask"),
            }
        )
    )


def schema(body_type: type[msgspec.Struct]) -> bytes:
    """What the metadata catalogue says of a record type: its members with their types.

    "Working with Resource Metadata": as JSON Schema, custom fields marked.
    """
    hints = get_type_hints(body_type)
    members: dict[str, Json] = {}
    for name, member in zip(body_type.__struct_fields__, body_type.__struct_encode_fields__, strict=True):
        kind = next((words for kind, words in _JSON_TYPES.items() if hints[name] in {kind, kind | None}), None)
        if kind is not None:
            own: dict[str, Json] = {"x-ns-custom-field": True} if member.startswith(OWN_FIELDS) else {}
            members[member] = {"title": member, **kind, "nullable": True, **own}
    return encoded({"type": "object", "properties": {"id": {"title": "Internal ID", "type": "string"}, **members}})


_JSON_TYPES: Final[dict[type, dict[str, Json]]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    Decimal: {"type": "number", "format": "double"},
    date: {"type": "string", "format": "date"},
    Reference: {"type": "object", "properties": {"id": {"type": "string"}, "refName": {"type": "string"}}},
}


def _row(rows: sqlite3.Connection, table: str, key: int) -> dict[str, int | str | None]:
    found = rows.execute(f"select * from {table} where id = ?", (key,))  # noqa: S608 - tables of this module
    names = [one[0] for one in found.description]
    return dict(zip(names, found.fetchone(), strict=True))


def _named(key: int | str | None, names: Mapping[int, str] | Mapping[int, tuple[str, int]]) -> Json:
    if not isinstance(key, int):
        return None
    name = names.get(key, "")
    return _reference(key, name if isinstance(name, str) else name[0])


def _own(row: Mapping[str, int | str | None], table: str) -> dict[str, Json]:
    """The account's own fields of a record, each as its type."""
    kinds = CATALOGUE[table]
    told: dict[str, Json] = {}
    for name, value in row.items():
        if not name.startswith(OWN_FIELDS) or name not in kinds or value is None:
            continue
        match kinds[name]:
            case ColumnType.BOOLEAN:
                told[name] = value == "T"
            case ColumnType.DECIMAL:
                told[name] = _number(str(value))
            case _:
                told[name] = str(value)
    return told


def _duration(hours: Decimal) -> str:
    minutes = int(hours * 60)
    return f"{minutes // 60}:{minutes % 60:02d}"
