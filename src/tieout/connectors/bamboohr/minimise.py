"""Cuts an answer of BambooHR down to what the canonical fields are made of, before anything of it is stored. Pure.

An allow-list, key by key: what is not named here is not kept, whatever the vendor adds or a webhook posts. Pay,
private life and free text (the notes of a time-off request) are not named. An answer that lost something says so:
``LEFT_OUT`` beside its content lists the keys that were there, without their values. Neighbours: ``read`` and
``webhook`` cut before they hand on a page; ``records`` has the vendor's types that the lists follow.
"""

from collections.abc import Mapping
from typing import Final, TypeAlias

import msgspec

from tieout.connect.json_codec import JsonValue, decode_strict
from tieout.connectors.bamboohr.options import Options
from tieout.connectors.bamboohr.records import EMPLOYEE_FIELDS, WEBHOOK_FIELDS
from tieout.errors import ContractError

LEFT_OUT: Final = "tieoutLeftOut"
"""The key under which a cut answer lists what was left out; one that is a list of rows has it in its first row."""

_Kept: TypeAlias = "Mapping[str, _Kept] | None"
"""Keys and what is kept of their values; None: the value as it is. A list is cut row by row; ``*`` is any key."""

_CHANGED: Final[_Kept] = {"id": None, "action": None, "lastChanged": None}
_PAY_ROW: Final[_Kept] = {"startDate": None, "rate": {"currency": None, "value": None}, "paidPer": None}
_TIME_OFF: Final[_Kept] = {
    "id": None,
    "employeeId": None,
    "status": {"status": None, "lastChanged": None},
    "start": None,
    "end": None,
    "type": {"id": None, "name": None},
    "amount": {"unit": None, "amount": None},
    "dates": None,
}
_HOLIDAY: Final[_Kept] = {
    "id": None,
    "name": None,
    "startDate": None,
    "endDate": None,
    "countryCodes": None,
    "updatedAt": None,
    "audience": {
        "mode": None,
        "filterListValueIds": None,
        "specificEmployeeIds": None,
        "additionalEmployeeIds": None,
        "exemptEmployeeIds": None,
    },
}
_FRAME: Final[Mapping[str, _Kept]] = {"meta": None, "links": None, "_links": None}
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


class Minimiser:
    """The allow-lists of one system; settings may add two fields of a person."""

    def __init__(self, options: Options) -> None:
        added = [one for one in (options.legal_entity_field, options.fte_field) if one is not None]
        asked: dict[str, _Kept] = dict.fromkeys([*EMPLOYEE_FIELDS, *added, "_restrictedFields"])
        posted: dict[str, _Kept] = {name: {"value": None} for name in [*WEBHOOK_FIELDS.values(), *added]}
        self._kept: Mapping[str, _Kept] = {
            "employees": {**_FRAME, "data": {"fields": asked, "_restrictedFields": None}},
            "departments": {"jobInformationDepartment": {"id": None, "value": None}},
            "changed_employees": {"latest": None, "employees": {"*": _CHANGED}},
            "compensation": {"table": None, "employees": {"*": {"lastChanged": None, "rows": _PAY_ROW}}},
            "time_off": _TIME_OFF,
            "holidays": {**_FRAME, "data": _HOLIDAY},
            "webhook": {
                "employees": {"id": None, "action": None, "timestamp": None, "changedFields": None, "fields": posted},
                "type": None,
                "timestamp": None,
                "data": {"employeeId": None},
            },
        }

    def cut(self, object_name: str, payload: bytes) -> bytes:
        """``payload`` without what is not on the list: byte for byte as it came where there is no such thing.

        What is no JSON stays as it came: nobody can say what of it is private, and it stands on the desk.
        """
        try:
            answer = decode_strict(payload)
        except ContractError:
            return payload
        left_out: set[str] = set()
        cut = _cut(answer, self._kept[object_name], "", left_out)
        if not left_out:
            return payload
        said = cut[0] if isinstance(cut, list) else cut
        if isinstance(said, dict):
            said[LEFT_OUT] = list[JsonValue](sorted(left_out))
        return _ENCODER.encode(cut)


def _cut(value: JsonValue, kept: _Kept, path: str, left_out: set[str]) -> JsonValue:
    if kept is None:
        return value
    if isinstance(value, list):
        return [_cut(one, kept, path, left_out) for one in value]
    if not isinstance(value, dict):
        return value
    found: dict[str, JsonValue] = {}
    for name, inner in value.items():
        if name in kept:
            found[name] = _cut(inner, kept[name], f"{path}.{name}".lstrip("."), left_out)
        elif "*" in kept:
            found[name] = _cut(inner, kept["*"], f"{path}.*".lstrip("."), left_out)
        else:
            left_out.add(f"{path}.{name}".lstrip("."))
    return found
