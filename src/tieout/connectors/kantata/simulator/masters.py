"""Writes of the simulated account beside time: projects, clients, tasks, custom fields, external references.

Pages "Workspaces", "Workspace Groups", "Stories", "Custom Field Values", "External References". A POST that is repeated
makes a second record: the vendor has no idempotency key. Neighbours: ``writes`` keeps time, ``kantata_ox`` routes here,
``held_masters`` tells what came of it.
"""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Final

import msgspec

from tieout.connectors.kantata.simulator.answers import bad_request, invalid, not_found
from tieout.connectors.kantata.simulator.tables import Document, Documents, Json, Plain
from tieout.connectors.kantata.simulator.timekeeping import base_unit

FIRST_IDS: Final = {"external_references": 9_000_000, "custom_field_values": 66_000_000}
_MEMBERS: Final = {
    "workspaces": "workspace",
    "workspace_groups": "workspace_group",
    "stories": "story",
    "custom_field_values": "custom_field_value",
}
_SUBJECTS: Final = {"Workspace": "workspaces", "WorkspaceGroup": "workspace_groups", "Story": "stories"}
_ATTRIBUTES: Final = {
    "workspaces": "title creator_role currency start_date due_date budgeted price rate_card_id status_key archived"
    " workspace_group_ids primary_workspace_group_id external_reference",
    "workspace_groups": "name company notes external_reference",
    "stories": "title story_type workspace_id parent_id billable time_trackable start_date due_date"
    " time_estimate_in_minutes archived external_reference",
    "custom_field_values": "custom_field_id subject_type subject_id value",
}
_REQUIRED: Final = {
    "workspaces": ("title", "creator_role"),
    "workspace_groups": ("name",),
    "stories": ("title", "story_type", "workspace_id"),
    "custom_field_values": ("custom_field_id", "subject_type", "subject_id"),
}
_ELSEWHERE: Final = frozenset(
    {"external_reference", "workspace_group_ids", "primary_workspace_group_id", "creator_role", "status_key"}
)
STATUSES: Final[dict[int, tuple[str, str]]] = {
    100: ("gray", "Estimate"),
    105: ("gray", "Not Started"),
    200: ("light green", "In Setup"),
    300: ("green", "Active"),
    400: ("yellow", "On Hold"),
    600: ("blue", "Completed"),
    605: ("blue", "Closed"),
}
_Body = dict[str, object]
_Note = Callable[[str, str, int, int], None]


class MasterWrites:
    """Handles writes of masters; ``now`` is the account's clock in whole seconds since 1970."""

    def __init__(self, documents: Documents, now: Callable[[], int], note: _Note) -> None:
        """``note`` records an event: its type, the subject's type, its id, and when it changed."""
        self._documents = documents
        self._now = now
        self._note = note

    def create(self, collection: str, payload: bytes) -> int:
        """POST: a new row, whatever there is already; returns its id."""
        body = _body(collection, payload)
        missing = [name for name in _REQUIRED[collection] if body.get(name) in {None, ""}]
        if missing:
            raise invalid(f"{missing[0]} can't be blank", missing[0])
        now = self._now()
        row_id = self._documents.next_id(collection, FIRST_IDS.get(collection, 0))
        document = Document(id=row_id, updated_at=now, fields=_blank(collection))
        self._store(collection, document, body)
        self._tell(collection, "created", document)
        return document.id

    def update(self, collection: str, row_id: int, payload: bytes) -> None:
        """PUT: change what the body names."""
        held = self._documents.get(collection, row_id)
        if held is None:
            raise not_found()
        body = _body(collection, payload)
        held.updated_at = max(self._now(), held.updated_at + 1)
        self._store(collection, held, body)
        self._tell(collection, "updated", held)

    def _store(self, collection: str, document: Document, body: _Body) -> None:
        fields = document.fields
        for name in body.keys() - _ELSEWHERE:
            fields[name] = _plain(body[name], name)
        if collection == "workspaces":
            self._fill_workspace(document, body)
        if collection == "stories":
            self._check_story(document)
        self._documents.put(collection, document)
        reference = body.get("external_reference")
        if isinstance(reference, dict):
            self.refer(collection, document, reference)
        if collection == "custom_field_values":
            self._belong(document)

    def _fill_workspace(self, document: Document, body: _Body) -> None:
        fields = document.fields
        if "status_key" in body:
            fields["status"] = _status(body["status_key"])
        currency = str(fields.get("currency") or "USD")
        fields |= {"currency": currency, "currency_symbol": currency, "currency_base_unit": base_unit(currency)}
        groups = body.get("workspace_group_ids")
        if isinstance(groups, list):
            document.links["workspace_groups"] = [self._known("workspace_groups", one) for one in groups]
        primary = body.get("primary_workspace_group_id")
        if primary is not None:
            document.links["primary_workspace_group"] = [self._known("workspace_groups", primary)]

    def _check_story(self, document: Document) -> None:
        self._known("workspaces", document.fields["workspace_id"])
        if document.fields.get("parent_id") is not None:
            self._known("stories", document.fields["parent_id"])

    def _known(self, collection: str, row_id: object) -> int:
        text = str(row_id)
        if not text.isdecimal() or self._documents.get(collection, int(text)) is None:
            raise invalid(f"{collection} {text} does not exist", collection)
        return int(text)

    def refer(self, collection: str, document: Document, told: Mapping[str, object]) -> None:
        """One reference of each service and model for a row; a new one takes the old one's place."""
        of_row: dict[str, Json] = {
            "subject_type": collection,
            "subject_id": document.id,
            "service_name": str(told.get("service_name")),
            "service_model": str(told.get("service_model")),
        }
        held = self._documents.of("external_references").values()
        known = next((one for one in held if of_row.items() <= one.fields.items()), None)
        row_id = self._documents.next_id("external_references", FIRST_IDS["external_references"])
        row_id = row_id if known is None else known.id
        linked = document.links.setdefault("external_references", [])
        if row_id not in linked:
            linked.append(row_id)
            self._documents.put(collection, document)
        self._documents.put(
            "external_references",
            Document(
                id=row_id,
                updated_at=self._now(),
                fields={**of_row, "service_model_ref": str(told.get("service_model_ref"))},
            ),
        )

    def _belong(self, value: Document) -> None:
        definition = self._documents.get("custom_fields", int(str(value.fields.get("custom_field_id", 0))))
        subject = _SUBJECTS.get(str(value.fields["subject_type"]))
        if subject is None or (definition is None and "custom_field_name" not in value.fields):
            raise invalid("custom_field does not exist", "custom_field_id")
        owner = self._documents.get(subject, int(str(value.fields["subject_id"])))
        if owner is None:
            raise invalid("subject does not exist", "subject_id")
        if definition is not None:
            value.fields["custom_field_name"] = definition.fields["name"]
        value.fields |= {"display_value": value.fields["value"], "type": "string"}
        self._documents.put("custom_field_values", value)
        linked = owner.links.setdefault("custom_field_values", [])
        if value.id not in linked:
            linked.append(value.id)
        owner.updated_at = max(self._now(), owner.updated_at + 1)
        self._documents.put(subject, owner)

    def _tell(self, collection: str, what: str, document: Document) -> None:
        subject = next((name for name, one in _SUBJECTS.items() if one == collection), None)
        if subject is not None:
            self._note(f"{_MEMBERS[collection]}:{what}", subject, document.id, document.updated_at)


def _body(collection: str, payload: bytes) -> _Body:
    try:
        wrapped = msgspec.json.decode(payload, type=dict[str, dict[str, object]])
    except msgspec.DecodeError as error:
        raise bad_request("The body is not JSON of the documented form") from error
    body = wrapped.get(_MEMBERS[collection])
    if body is None:
        raise bad_request(f"{_MEMBERS[collection]} is missing")
    unknown = sorted(body.keys() - set(_ATTRIBUTES[collection].split()))
    if unknown:
        raise invalid(f"{unknown[0]} is not a known attribute", unknown[0])
    return body


def _blank(collection: str) -> dict[str, Json]:
    """What a new row shows where nothing is told."""
    blanks: dict[str, dict[str, Json]] = {
        "workspaces": {
            "title": "",
            "archived": False,
            "currency": None,
            "start_date": None,
            "due_date": None,
            "status": _status(105),
            "rate_card_id": None,
            "price": None,
            "budgeted": False,
            "require_time_approvals": True,
            "time_trackable": True,
        },
        "workspace_groups": {"name": "", "company": False, "notes": None},
        "stories": {
            "title": "",
            "story_type": "task",
            "parent_id": None,
            "billable": True,
            "archived": False,
            "deleted_at": None,
            "time_trackable": True,
            "state": "not started",
        },
    }
    return blanks.get(collection, {})


def _status(key: object) -> dict[str, Plain]:
    text = str(key)
    if not text.isdecimal() or int(text) not in STATUSES:
        raise invalid(f"status_key {text} is not included in the list", "status_key")
    color, message = STATUSES[int(text)]
    return {"color": color, "key": text, "message": message}


def _plain(value: object, name: str) -> Json:
    if name in {"start_date", "due_date"} and value is not None:
        try:
            return date.fromisoformat(str(value)).isoformat()
        except ValueError as error:
            raise invalid(f"{name} is not a date", name) from error
    if name in {"workspace_id", "parent_id"} and value is not None:
        return str(value)
    if value is None or isinstance(value, str | int | bool):
        return value
    raise invalid(f"{name} is not a plain value", name)
