"""What the simulated account really holds of its masters, read past its API: the oracle of tests.

In the words of the hub's commands; an end is told as the first day after, as those do. Neighbour: ``masters`` writes.
"""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from tieout.connect.simulator.control import Holding
from tieout.connectors.kantata.simulator.tables import Document, Documents
from tieout.connectors.kantata.simulator.timekeeping import base_unit

STATE_OF_STATUS: Final = {
    "100": "proposed",
    "105": "approved",
    "200": "provisioning",
    "300": "active",
    "400": "on_hold",
    "600": "delivery_complete",
    "605": "financially_closed",
}
_NAMED: Final = frozenset(
    {
        "Client Code",
        "Client Currency",
        "Tax ID",
        "Project Code",
        "Legal Entity",
        "Service Line",
        "Contract Number",
        "Budget Hours",
        "WBS Code",
    }
)
_COLLECTIONS: Final = {
    "upsert_customer": "workspace_groups",
    "upsert_project": "workspaces",
    "upsert_task": "stories",
    "upsert_rate_card": "rate_cards",
}
_References = Mapping[tuple[str, str, int], str]


def held_masters(documents: Documents) -> Iterator[Holding]:
    """Every client, rate card, project and task, whoever made it, and every status that the hub set."""
    references = _references(documents)
    for group in documents.of("workspace_groups").values():
        custom = _custom(documents, group)
        facts = {"name": str(group.fields["name"]), **_own(custom)}
        named = {"Client Currency": "currency", "Tax ID": "tax_id"}
        facts |= {fact: custom[name] for name, fact in named.items() if name in custom}
        yield _holding("upsert_customer", references, group, custom.get("Client Code"), facts)
    for card in documents.of("rate_cards").values():
        card_code = _card(documents, references, card.id)
        yield _holding("upsert_rate_card", references, card, card_code, _card_facts(documents, card))
    for workspace in documents.of("workspaces").values():
        custom = _custom(documents, workspace)
        code = custom.get("Project Code")
        facts = _project_facts(documents, references, workspace)
        yield _holding("upsert_project", references, workspace, code, facts)
        status = references.get(("set_project_status", "workspaces", workspace.id))
        if status is not None:
            told = {"status": facts["status"]} if "status" in facts else {}
            yield Holding(kind="set_project_status", reference=status, id=str(workspace.id), code=code, facts=told)
    for story in documents.of("stories").values():
        yield _task(documents, references, story)


def _card_facts(documents: Documents, card: Document) -> dict[str, str]:
    """Title, currency, and by role and day what an hour costs from then on; what is not published is not told."""
    fields = card.fields
    unit = base_unit(str(fields["currency"]))
    facts = {"name": str(fields["rate_card_set_title"]), "currency": str(fields["currency"])}
    before: dict[str, int] = {}
    for day, rates in sorted(_published(documents, card)):
        for role, rate in rates.items():
            if before.get(role) != rate:
                facts[f"price:{role}@{day}"] = f"{(Decimal(rate) / unit).normalize():f}"
        for role in before.keys() - rates.keys():
            facts[f"price:{role}@{day}"] = ""
        before = rates
    return facts


def _published(documents: Documents, card: Document) -> Iterator[tuple[str, dict[str, int]]]:
    for version in documents.of("rate_card_versions").values():
        if version.fields["rate_card_id"] != str(card.id):
            continue
        dated = documents.of("rate_card_set_versions")[int(str(version.fields["rate_card_set_version_id"]))]
        if not dated.fields["active"]:
            continue
        rows = (documents.of("rate_card_roles")[one] for one in version.links.get("rate_card_roles", []))
        roles = documents.of("roles")
        rates = {
            str(roles[int(str(row.fields["role_id"]))].fields["name"]): int(str(row.fields["rate"])) for row in rows
        }
        yield str(dated.fields["effective_date"]), rates


def _references(documents: Documents) -> _References:
    found = {}
    for one in documents.of("external_references").values():
        key = (str(one.fields["service_model"]), str(one.fields["subject_type"]), int(str(one.fields["subject_id"])))
        found[key] = str(one.fields["service_model_ref"])
    return found


def _holding(kind: str, references: _References, row: Document, code: str | None, facts: dict[str, str]) -> Holding:
    reference = references.get((kind, _COLLECTIONS[kind], row.id), "")
    return Holding(kind=kind, reference=reference, id=str(row.id), code=code, facts=facts)


def _task(documents: Documents, references: _References, story: Document) -> Holding:
    fields, custom = story.fields, _custom(documents, story)
    workspace = documents.get("workspaces", int(str(fields["workspace_id"])))
    project = None if workspace is None else _custom(documents, workspace).get("Project Code")
    minutes = fields.get("time_estimate_in_minutes")
    parent = documents.get("stories", int(str(fields["parent_id"]))) if fields.get("parent_id") else None
    told = {
        "name": str(fields["title"]),
        "billable": str(bool(fields.get("billable"))).lower(),
        "open_for_time": str(fields.get("time_trackable") is not False).lower(),
        "starts": fields.get("start_date"),
        "ends": _after(fields.get("due_date")),
        "planned_hours": None if minutes is None else f"{(Decimal(str(minutes)) / 60).normalize():f}",
        "parent_wbs_code": None if parent is None else _custom(documents, parent).get("WBS Code"),
    }
    facts = {name: str(value) for name, value in told.items() if value is not None} | _own(custom)
    code = f"{project}/{custom.get('WBS Code', story.id)}"
    return _holding("upsert_task", references, story, code, facts)


def _project_facts(documents: Documents, references: _References, row: Document) -> dict[str, str]:
    fields, status = row.fields, row.fields.get("status")
    custom = _custom(documents, row)
    group = documents.get("workspace_groups", next(iter(row.links.get("primary_workspace_group", [])), None))
    unit = int(str(fields.get("currency_base_unit") or 100))
    price = fields.get("price")
    told = {
        "name": fields["title"],
        "customer_code": None if group is None else _custom(documents, group).get("Client Code"),
        "currency": fields.get("currency"),
        "starts": fields.get("start_date"),
        "ends": _after(fields.get("due_date")),
        "status": STATE_OF_STATUS.get(str(status.get("key"))) if isinstance(status, dict) else None,
        "service_line": custom.get("Service Line"),
        "contract_number": custom.get("Contract Number"),
        "budget_hours": custom.get("Budget Hours"),
        "budget_minor": None if price is None else str(int(Decimal(str(price)) * unit)),
        "rate_card_code": _card(documents, references, fields.get("rate_card_id")),
    }
    return {name: str(value) for name, value in told.items() if value is not None} | _own(custom)


def _card(documents: Documents, references: _References, row_id: object) -> str | None:
    card = None if row_id is None else documents.get("rate_cards", int(str(row_id)))
    if card is None:
        return None
    return references.get(("rate_card_code", "rate_cards", card.id), str(card.fields["rate_card_set_title"]))


def _custom(documents: Documents, row: Document) -> dict[str, str]:
    values = (documents.get("custom_field_values", one) for one in row.links.get("custom_field_values", []))
    return {
        str(one.fields["custom_field_name"]): str(one.fields["display_value"])
        for one in values
        if one is not None and one.fields.get("display_value") is not None
    }


def _own(custom: Mapping[str, str]) -> dict[str, str]:
    return {f"field:{name}": value for name, value in custom.items() if name not in _NAMED}


def _after(day: object) -> str | None:
    return None if day is None else (date.fromisoformat(str(day)) + timedelta(days=1)).isoformat()
