"""Turns the seed firm into Kantata's rows: what an account would hold after the firm had worked in it.

What Kantata has no field for (business codes, legal entity, service line, employment dates) lies in custom fields, as
firms do it. Approved time lies in approved weekly submissions, one per person, project and week.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import count
from pathlib import Path

from tieout.connect.simulator.seed import (
    SeedClient,
    SeedFirm,
    SeedPerson,
    SeedProject,
    SeedRateCard,
    read_firm,
    read_time_entries,
)
from tieout.connect.simulator.state import State
from tieout.connectors.kantata.simulator.tables import ALL_TABLES, Document, Documents, Json
from tieout.connectors.kantata.simulator.timekeeping import Names, Timekeeping, base_unit

FIRST_ID = {
    "roles": 300,
    "users": 11_000_000,
    "account_memberships": 4_000_000,
    "cost_rates": 800,
    "workspace_groups": 210_000,
    "workspaces": 31_000_000,
    "stories": 510_000_000,
    "rate_card_sets": 90,
    "rate_card_set_versions": 120,
    "rate_cards": 700,
    "rate_card_versions": 1_500,
    "rate_card_roles": 26_000,
    "custom_field_values": 66_000_000,
    "financial_periods": 40,
    "custom_fields": 5_000,
}
CUSTOM_FIELDS = {
    "Workspace": ("Project Code", "Legal Entity", "Service Line", "Contract Number", "Budget Hours", "Engagement Type"),
    "WorkspaceGroup": ("Client Code", "Client Currency", "Tax ID", "Segment"),
    "Story": ("WBS Code", "Activity"),
}
COLLECTIONS = {"client": "workspace_groups", "person": "users", "project": "workspaces"}
"""By kind of thing that somebody deletes by hand, where it is."""
_PARTS = frozenset({"custom_field_values", "cost_rates", "external_references"})
"""Associations whose rows belong to one row and go with it."""

_STATUS = {
    "proposed": ("gray", "100", "Estimate"),
    "approved": ("gray", "105", "Not Started"),
    "provisioning": ("light green", "200", "In Setup"),
    "active": ("green", "300", "Active"),
    "on_hold": ("yellow", "400", "On Hold"),
    "delivery_complete": ("blue", "600", "Completed"),
    "financially_closed": ("blue", "605", "Closed"),
    "archived": ("blue", "600", "Completed"),
}


class Seeding:
    """Fills an account; ``at`` is when its masters were made, in seconds since 1970."""

    def __init__(self, state: State, documents: Documents, names: Names, *, at: int) -> None:
        self._state = state
        self._documents = documents
        self._names = names
        self._at = at
        self._ids: dict[str, Iterator[int]] = {}

    def fill(self, firm_dir: Path) -> None:
        """Replace everything by the firm in ``firm_dir``, in one transaction."""
        firm = read_firm(firm_dir)
        with self._state.transaction():
            for table in ALL_TABLES:
                self._state.run(f"delete from {table}")  # noqa: S608 - names of our own tables
            self._documents.clear()
            self._names.clear()
            self._masters(firm)
            timekeeping = Timekeeping(self._state, self._documents, self._names)
            timekeeping.fill(read_time_entries(firm_dir))

    def _masters(self, firm: SeedFirm) -> None:
        self._state.put("entities", {one.code: one.name for one in firm.entities})
        for subject, names in CUSTOM_FIELDS.items():
            for name in names:
                self._put("custom_fields", None, {"name": name, "subject_type": subject, "value_type": "string"})
        for name in firm.roles:
            self._put("roles", name, {"name": name})
        for person in firm.people:
            self.person(person)
        for card in firm.rate_cards:
            self._rate_card(card)
        for client in firm.clients:
            self.client(client)
        for project in firm.projects:
            self.project(project)
        self._periods(firm)

    def _put(
        self,
        collection: str,
        key: str | None,
        fields: dict[str, Json],
        links: dict[str, list[int]] | None = None,
    ) -> Document:
        held = None if key is None else self._documents.get(collection, self._names.get(collection, key))
        if held is not None:
            return self._changed(collection, held, fields, links or {})
        row_id = self._next_id(collection)
        document = Document(id=row_id, updated_at=self._at, fields=fields, links=links or {})
        self._documents.put(collection, document)
        if key is not None:
            self._names.put(collection, key, row_id)
        return document

    def _changed(
        self, collection: str, held: Document, fields: dict[str, Json], links: dict[str, list[int]]
    ) -> Document:
        """The row of a thing that is there, as it is now; what belonged to it alone and is replaced goes away."""
        for name in _PARTS & links.keys():
            for one in set(held.links.get(name, [])) - set(links[name]):
                self._documents.remove(name, one)
        if held.fields | fields != held.fields or held.links | links != held.links:
            held.updated_at = max(self._at, held.updated_at + 1)
        held.fields |= fields
        held.links |= links
        self._documents.put(collection, held)
        return held

    def _next_id(self, collection: str) -> int:
        first = self._documents.next_id(collection, FIRST_ID[collection])
        return next(self._ids.setdefault(collection, count(first)))

    def _custom(self, subject_type: str, values: dict[str, str | None]) -> list[int]:
        ids = []
        for name, value in values.items():
            if value is not None:
                kind = "date" if name.endswith("Date") else "string"
                fields: dict[str, Json] = {
                    "custom_field_name": name,
                    "display_value": value,
                    "value": value,
                    "type": kind,
                    "subject_type": subject_type,
                    "subject_id": None,
                }
                ids.append(self._put("custom_field_values", None, fields).id)
        return ids

    def _own(self, ids: list[int], subject: Document) -> None:
        for one in ids:
            value = self._documents.of("custom_field_values")[one]
            value.fields["subject_id"] = subject.id
            self._documents.put("custom_field_values", value)

    def person(self, person: SeedPerson) -> None:
        """Add or change a person."""
        entity = self._entity(person.entity)
        custom = self._custom(
            "User",
            {
                "Legal Entity": entity,
                "Hire Date": person.employed_from,
                "Termination Date": _day_before(person.employed_to),
            },
        )
        role_id = self._names.get("roles", person.role)
        user = self._put(
            "users",
            person.key,
            {"full_name": person.name, "email_address": person.email, "headline": person.role},
            {"role": [] if role_id is None else [role_id], "custom_field_values": custom},
        )
        self._own(custom, user)
        current = [one for one in person.cost_rates if one.ends is None] or person.cost_rates[-1:]
        rates: list[int] = []
        membership = self._put(
            "account_memberships",
            person.key,
            {
                "user_id": str(user.id),
                "default_role_id": None if role_id is None else str(role_id),
                "permission": "collaborator",
                "disabled_at": None,
            },
            {"cost_rates": rates},
        )
        for rate in current:
            fields: dict[str, Json] = {
                "amount_in_subunits": rate.amount_minor,
                "currency": rate.currency,
                "in_use": True,
                "account_membership_id": membership.id,
            }
            rates.append(self._put("cost_rates", None, fields).id)
        self._documents.put("account_memberships", membership)
        user.links["account_membership"] = [membership.id]
        self._documents.put("users", user)

    def _rate_card(self, card: SeedRateCard) -> None:
        card_set = self._put("rate_card_sets", card.code, {"title": card.name, "account_default": False})
        made = self._put(
            "rate_cards",
            card.code,
            {"currency": card.currency, "rate_card_set_id": str(card_set.id), "rate_card_set_title": card.name},
        )
        for starts in sorted({one.starts for one in card.lines} | {one.ends for one in card.lines if one.ends}):
            lines = [one for one in card.lines if one.starts <= starts and (one.ends is None or starts < one.ends)]
            set_version = self._put(
                "rate_card_set_versions",
                None,
                {"effective_date": starts, "active": True, "rate_card_set_id": str(card_set.id)},
            )
            version = self._put(
                "rate_card_versions",
                None,
                {
                    "default_rate": None,
                    "rate_card_id": str(made.id),
                    "rate_card_set_version_id": str(set_version.id),
                },
            )
            roles = []
            for line in lines:
                role_id = self._names.get("roles", line.role)
                fields: dict[str, Json] = {
                    "rate": line.amount_minor,
                    "role_id": str(role_id),
                    "rate_card_version_id": str(version.id),
                }
                roles.append(self._put("rate_card_roles", None, fields).id)
            version.links["rate_card_roles"] = roles
            self._documents.put("rate_card_versions", version)

    def client(self, client: SeedClient) -> None:
        """Add or rename a client."""
        held = self._documents.get("workspace_groups", self._names.get("workspace_groups", client.code))
        if held is not None:
            held.fields["name"] = client.name
            held.updated_at = max(self._at, held.updated_at + 1)
            self._documents.put("workspace_groups", held)
            return
        custom = self._custom("WorkspaceGroup", {"Client Code": client.code})
        fields: dict[str, Json] = {"name": client.name, "company": True, "notes": None}
        group = self._put("workspace_groups", client.code, fields, {"custom_field_values": custom, "workspaces": []})
        self._own(custom, group)

    def project(self, project: SeedProject) -> None:
        """Add or change a project and its tasks; a task that is not named stays."""
        entity = self._entity(project.entity)
        custom = self._custom(
            "Workspace",
            {"Project Code": project.code, "Legal Entity": entity, "Service Line": project.service_line},
        )
        color, key, message = _STATUS.get(project.status, _STATUS["active"])
        group_id = self._names.get("workspace_groups", project.client)
        groups = [] if group_id is None else [group_id]
        workspace = self._put(
            "workspaces",
            project.code,
            {
                "title": project.name,
                "archived": project.status == "archived",
                "currency": project.currency,
                "currency_base_unit": base_unit(project.currency),
                "currency_symbol": project.currency,
                "start_date": project.starts,
                "due_date": project.ends,
                "status": {"color": color, "key": key, "message": message},
                "rate_card_id": self._names.get("rate_cards", project.rate_card),
                "require_time_approvals": True,
                "time_trackable": True,
            },
            {"custom_field_values": custom, "workspace_groups": groups, "primary_workspace_group": groups},
        )
        self._own(custom, workspace)
        for task in project.tasks:
            fields: dict[str, Json] = {
                "title": task.name,
                "story_type": "task",
                "workspace_id": str(workspace.id),
                "parent_id": None,
                "billable": task.billable,
                "archived": False,
                "deleted_at": None,
                "time_trackable": task.open,
                "state": "started" if task.open else "completed",
            }
            self._put("stories", f"{project.code}/{task.key}", fields)

    def remove(self, kind: str, key: str) -> int | None:
        """Delete a client, person or project with all that belongs to it; the id that it had, or None."""
        collection = COLLECTIONS[kind]
        held = self._documents.get(collection, self._names.get(collection, key))
        if held is None:
            return None
        if kind == "project":
            for story in list(self._documents.of("stories").values()):
                if story.fields["workspace_id"] == str(held.id):
                    self._drop("stories", story)
        for one in held.links.get("account_membership", []):
            self._drop("account_memberships", self._documents.of("account_memberships")[one])
        self._names.forget(collection, key)
        self._drop(collection, held)
        return held.id

    def _drop(self, collection: str, held: Document) -> None:
        for name in _PARTS & held.links.keys():
            for one in held.links[name]:
                self._documents.remove(name, one)
        self._documents.remove(collection, held.id)

    def _entity(self, code: str) -> str:
        return self._state.get("entities", dict[str, str]())[code]

    def _periods(self, firm: SeedFirm) -> None:
        for entity in firm.entities:
            for period in entity.periods:
                self._state.run(
                    "insert into closed_period (entity, period, closed) values (?, ?, ?)",
                    (entity.code, period, period in entity.closed_periods),
                )
        for period in sorted({one for entity in firm.entities for one in entity.periods}):
            starts = date.fromisoformat(f"{period}-01")
            ends = (starts + timedelta(days=31)).replace(day=1) - timedelta(days=1)
            fields: dict[str, Json] = {
                "start_date": starts.isoformat(),
                "end_date": ends.isoformat(),
                "status": "open",
                "period_type": "month",
            }
            document = self._put("financial_periods", period, fields)
            self.settle_period(document, period)

    def settle_period(self, document: Document, period: str) -> None:
        """The account's period is closed once all legal entities have closed theirs."""
        found = self._state.row("select min(closed) as closed from closed_period where period = ?", (period,))
        status = "closed" if found is not None and found["closed"] else "open"
        if document.fields["status"] != status:
            document.fields["status"] = status
            document.updated_at = max(self._at, document.updated_at + 1)
            self._documents.put("financial_periods", document)


def _day_before(day: str | None) -> str | None:
    """The last day of what ends before ``day``: a termination date is the last day of work."""
    return None if day is None else (date.fromisoformat(day) - timedelta(days=1)).isoformat()
