"""The lists of Float that objects are read from, and one answer of a list as a walk sees it. Pure.

An object is one list of Float's or several: people are listed without the placeholders of unassigned roles, phases are
tasks of a project as project tasks are, holidays are public or the team's own. Neighbours: ``read`` walks objects,
``directory`` single lists for the sink.
"""

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from tieout.connect.json_codec import JsonValue, decode_strict
from tieout.connectors.float.paging import Answer, Row, check_order, digest_of
from tieout.errors import ContractError

_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


class VendorList(msgspec.Struct, frozen=True, kw_only=True):
    """One list of Float's: its path, the member that is a row's id, and what it is always asked with.

    ``scheduled`` lists want the days asked for; ``ordered`` ones come in the order of their ids.
    """

    path: str
    id: str
    parameters: Mapping[str, str] = {}
    scheduled: bool = False
    ordered: bool = True


LISTS: Final[dict[str, tuple[VendorList, ...]]] = {
    "roles": (VendorList(path="/roles", id="id"),),
    "departments": (VendorList(path="/departments", id="department_id"),),
    "clients": (VendorList(path="/clients", id="client_id"),),
    "people": (
        VendorList(path="/people", id="people_id"),
        VendorList(path="/people", id="people_id", parameters={"people_type_id": "4"}),
    ),
    "projects": (VendorList(path="/projects", id="project_id"),),
    "project-tasks": (
        VendorList(path="/phases", id="phase_id"),
        VendorList(path="/project-tasks", id="task_meta_id"),
    ),
    "tasks": (VendorList(path="/tasks", id="task_id", parameters={"expand": "task_days"}, scheduled=True),),
    "timeoffs": (VendorList(path="/timeoffs", id="timeoff_id", scheduled=True),),
    "holidays": (
        VendorList(path="/public-holidays", id="id", scheduled=True, ordered=False),
        VendorList(path="/holidays", id="holiday_id"),
    ),
}


def answer_of(body: bytes, page_count: int | None, vendor_list: VendorList) -> Answer | None:
    """An answer as the walk sees it, or None where it is no list at all.

    Raises ContractError (TIE-FLOAT-003) for one page of several that does not come in the order of ids.
    """
    try:
        value = decode_strict(body)
    except ContractError:
        return None
    if not isinstance(value, list):
        return None
    rows = [_row(one, vendor_list.id) for one in value]
    if vendor_list.ordered and (page_count or 0) > 1:
        check_order(rows, vendor_list.path)
    return Answer(rows=rows, digest=digest_of(body), page_count=page_count)


def _row(value: JsonValue, id_member: str) -> Row:
    if not isinstance(value, dict):
        return Row(None, None)
    key = value.get(id_member)
    changed_at = value.get("modified") or value.get("created")
    return Row(
        key if isinstance(key, int) and not isinstance(key, bool) else None,
        changed_at if isinstance(changed_at, str) and _INSTANT.fullmatch(changed_at) else None,
    )
