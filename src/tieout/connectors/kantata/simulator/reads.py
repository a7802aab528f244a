"""Index and show requests: which rows are visible, in which order, and what is side-loaded."""

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import msgspec

from tieout.connect.simulator.state import SqlValue, State
from tieout.connectors.kantata.simulator.answers import (
    Listing,
    Row,
    bad_request,
    instant,
    not_found,
    optional_id,
    optional_instant,
)
from tieout.connectors.kantata.simulator.queries import Query
from tieout.connectors.kantata.simulator.tables import COUNT_CHANGED_AFTER, Document, Documents

EVENT_RETENTION_S: Final = 9 * 24 * 3600


class _Association(msgspec.Struct, frozen=True):
    """An association of a collection: where it leads and how the row names it; ``column``: a foreign key of the row."""

    target: str
    many: bool = False
    column: bool = False


_ASSOCIATIONS: Final[dict[str, dict[str, _Association]]] = {
    "workspaces": {
        "primary_workspace_group": _Association("workspace_groups"),
        "workspace_groups": _Association("workspace_groups", many=True),
        "custom_field_values": _Association("custom_field_values", many=True),
        "external_references": _Association("external_references", many=True),
    },
    "workspace_groups": {"custom_field_values": _Association("custom_field_values", many=True)},
    "stories": {
        "workspace": _Association("workspaces", column=True),
        "parent": _Association("stories", column=True),
        "custom_field_values": _Association("custom_field_values", many=True),
    },
    "users": {
        "role": _Association("roles"),
        "account_membership": _Association("account_memberships"),
        "custom_field_values": _Association("custom_field_values", many=True),
    },
    "account_memberships": {
        "user": _Association("users", column=True),
        "default_role": _Association("roles", column=True),
        "cost_rates": _Association("cost_rates", many=True),
    },
    "cost_rates": {"account_membership": _Association("account_memberships", column=True)},
    "rate_card_sets": {},
    "rate_card_set_versions": {"rate_card_set": _Association("rate_card_sets", column=True)},
    "rate_cards": {
        "rate_card_set": _Association("rate_card_sets", column=True),
        "external_references": _Association("external_references", many=True),
    },
    "rate_card_versions": {
        "rate_card": _Association("rate_cards", column=True),
        "rate_card_set_version": _Association("rate_card_set_versions", column=True),
        "rate_card_roles": _Association("rate_card_roles", many=True),
    },
    "rate_card_roles": {
        "role": _Association("roles", column=True),
        "rate_card_version": _Association("rate_card_versions", column=True),
    },
    "roles": {},
    "custom_field_values": {},
    "custom_fields": {},
    "external_references": {},
    "financial_periods": {},
}
_FILTERS: Final[dict[str, frozenset[str]]] = {
    "workspaces": frozenset({"include_archived", "archived", "on_my_account"}),
    "stories": frozenset({"show_archived", "show_deleted", "show_from_archived_workspaces", "workspace_id"}),
    "users": frozenset({"on_my_account"}),
    "account_memberships": frozenset({"only_active", "only_inactive"}),
    "rate_card_versions": frozenset({"rate_card_id", "effective_on_date"}),
    "custom_field_values": frozenset({"subject_type"}),
    "custom_fields": frozenset({"subject_type"}),
    "external_references": frozenset({"service_name", "service_model", "service_model_ref", "subject_type"}),
    "time_entries": frozenset(
        {
            "from_archived_workspaces",
            "on_my_account",
            "workspace_id",
            "billable",
            "approved",
            "invoiced",
            "uninvoiced",
            "date_performed_between",
            "with_user_ids",
        }
    ),
    "timesheet_submissions": frozenset({"statuses", "user_ids", "workspace_id", "not_cancelled"}),
    "subscribed_events": frozenset({"event_types", "subject_type", "subject_id"}),
}
_SINGULAR: Final = {
    "workspace_groups": "workspace_group",
    "custom_field_values": "custom_field_value",
    "cost_rates": "cost_rate",
    "rate_card_roles": "rate_card_role",
    "external_references": "external_reference",
}
_TIMES: Final = {"created_at": "created_at", "updated_at": "updated_at"}
COLLECTIONS: Final = frozenset(_ASSOCIATIONS) | {"time_entries", "timesheet_submissions", "subscribed_events"}

Parts = tuple[list[str], list[SqlValue]]


class Reads:
    """Answers GET requests; ``visible_until`` is how far searches see where they lag, in seconds since 1970."""

    def __init__(
        self,
        state: State,
        documents: Documents,
        now: Callable[[], int],
        visible_until: Callable[[], float | None],
    ) -> None:
        self._state = state
        self._documents = documents
        self._now = now
        self._visible_until = visible_until

    def index(self, collection: str, values: Mapping[str, str]) -> Listing:
        """An index request; raises Refusal."""
        query = Query.of(values, allowed=_FILTERS.get(collection, frozenset()))
        match collection:
            case "time_entries":
                return self._time_entries(query)
            case "timesheet_submissions":
                return self._submissions(query)
            case "subscribed_events":
                return self._events(query)
            case _ if collection in _ASSOCIATIONS:
                return self._documents_of(collection, query)
        raise not_found()

    def show(self, collection: str, row_id: str, values: Mapping[str, str]) -> Listing:
        """A request of one row: 404 where it is missing or a default filter hides it."""
        listing = self.index(collection, {**values, "only": row_id})
        if not listing.ids:
            raise not_found()
        return listing

    def _documents_of(self, collection: str, query: Query) -> Listing:
        rows = [one for one in self._documents.of(collection).values() if self._shown(collection, one, query)]
        column, ascending = query.order(_TIMES, "created_at:asc")
        by_change = column == "updated_at"
        rows.sort(key=lambda one: (one.updated_at, one.id) if by_change else (one.id,), reverse=not ascending)
        skip, size = query.window
        page = rows[skip : skip + size]
        listing = _listing(collection, query, [one.id for one in page], len(rows))
        listing.side_load(collection, ((str(one.id), self._document(collection, one, query.include)) for one in page))
        for name in query.include:
            association = _ASSOCIATIONS[collection].get(name)
            if association is not None:
                linked = {one for row in page for one in self._linked(row, name, association)}
                listing.side_load(association.target, self._side_rows(association.target, linked))
        return listing

    def _side_rows(self, collection: str, ids: Iterable[int]) -> Iterable[tuple[str, Row]]:
        for one in sorted(ids):
            found = self._documents.get(collection, one)
            if found is not None:
                yield str(one), self._document(collection, found, ())

    def _linked(self, row: Document, name: str, association: _Association) -> list[int]:
        if not association.column:
            return row.links.get(name, [])
        held = row.fields.get(f"{name}_id")
        return [] if held is None else [int(str(held))]

    def _document(self, collection: str, row: Document, include: Sequence[str]) -> Row:
        shown: Row = {
            **row.fields,
            "id": str(row.id),
            "created_at": instant(row.updated_at),
            "updated_at": instant(row.updated_at),
        }
        if collection == "users":
            del shown["created_at"], shown["updated_at"]
        for name in include:
            association = _ASSOCIATIONS[collection].get(name)
            if association is None or association.column:
                continue
            linked = row.links.get(name, [])
            if association.many:
                shown[f"{_SINGULAR[name]}_ids"] = [str(one) for one in linked]
            else:
                shown[f"{name}_id"] = str(linked[0]) if linked else None
        return shown

    def _shown(self, collection: str, row: Document, query: Query) -> bool:
        if query.only is not None and row.id not in query.only:
            return False
        after, before = query.instant("updated_after"), query.instant("updated_before")
        if (after is not None and row.updated_at <= after) or (before is not None and row.updated_at >= before):
            return False
        if collection == "custom_field_values" and "subject_type" not in query.values:
            raise bad_request("subject_type is required")
        special = _SHOWN.get(collection)
        return special is None or special(self, row, query)

    def workspace_shown(self, row: Document, query: Query) -> bool:
        """Archived projects are hidden unless asked for."""
        with_archived = query.flag("include_archived") or query.values.get("archived") == "include"
        return with_archived or not row.fields["archived"]

    def story_shown(self, row: Document, query: Query) -> bool:
        """Archived and deleted tasks, and tasks of archived projects, are hidden unless asked for."""
        workspace = self._documents.get("workspaces", int(str(row.fields["workspace_id"])))
        from_archived = query.flag("show_from_archived_workspaces")
        if workspace is not None and workspace.fields["archived"] and not from_archived:
            return False
        if query.values.get("workspace_id") not in {None, row.fields["workspace_id"]}:
            return False
        shows_deleted = query.flag("show_deleted") or row.fields["deleted_at"] is None
        return shows_deleted and bool(query.flag("show_archived") or not row.fields["archived"])

    def _time_entries(self, query: Query) -> Listing:
        conditions, values = _times(query)
        visible_until = self._visible_until()
        if visible_until is not None:
            conditions.append("updated_at <= ?")
            values.append(visible_until)
        hidden = [one.id for one in self._documents.of("workspaces").values() if one.fields["archived"]]
        if hidden and not query.flag("from_archived_workspaces"):
            conditions.append(f"workspace_id not in ({', '.join('?' * len(hidden))})")
            values.extend(hidden)
        _entry_filters(query, conditions, values)
        column, ascending = query.order({**_TIMES, "date_performed": "date_performed"}, "date_performed:desc")
        found, count = self._page("time_entry", (conditions, values), (column, ascending), query)
        listing = _listing("time_entries", query, [row["id"] for row in found], count)
        with_submissions = {"active_submission", "recent_submission"} & set(query.include)
        listing.side_load("time_entries", ((str(row["id"]), entry_document(row, with_submissions)) for row in found))
        if with_submissions:
            ids = {row["recent_submission_id"] for row in found} - {None}
            listing.side_load("timesheet_submissions", self._submission_rows(ids))
        for name, target in (("workspace", "workspaces"), ("user", "users"), ("story", "stories"), ("role", "roles")):
            if name in query.include:
                ids = {row[f"{name}_id"] for row in found} - {None}
                listing.side_load(target, self._side_rows(target, ids))
        return listing

    def _submission_rows(self, ids: Iterable[int]) -> Iterable[tuple[str, Row]]:
        wanted = list(ids)
        marks = ", ".join("?" * len(wanted))
        statement = f"select * from timesheet_submission where id in ({marks})"  # noqa: S608 - only question marks
        for row in self._state.rows(statement, wanted):
            yield str(row["id"]), submission_document(row)

    def _submissions(self, query: Query) -> Listing:
        conditions, values = _times(query)
        for name, column in (("statuses", "status"), ("user_ids", "user_id"), ("workspace_id", "workspace_id")):
            words = ["pending" if one == "new" else one for one in query.words(name)]
            if words:
                conditions.append(f"{column} in ({', '.join('?' * len(words))})")
                values.extend(words if column == "status" else [int(one) for one in words if one.isdigit()])
        if query.flag("not_cancelled"):
            conditions.append("status <> 'cancelled'")
        order = query.order({"date": "start_date"}, "date:desc")
        found, count = self._page("timesheet_submission", (conditions, values), order, query)
        listing = _listing("timesheet_submissions", query, [row["id"] for row in found], count)
        listing.side_load("timesheet_submissions", ((str(row["id"]), submission_document(row)) for row in found))
        if "time_entries" in query.include:
            for row in found:
                entries = self._state.rows("select * from time_entry where recent_submission_id = ?", (row["id"],))
                listing.side_load("time_entries", ((str(one["id"]), entry_document(one, ())) for one in entries))
                shown = listing.rows["timesheet_submissions"][str(row["id"])]
                shown["time_entry_ids"] = [str(one["id"]) for one in entries]
        return listing

    def _events(self, query: Query) -> Listing:
        conditions, values = _times(query)
        now = self._now()
        conditions += ["created_at <= ?", "created_at > ?"]
        values += [now, now - EVENT_RETENTION_S]
        kinds = query.words("event_types")
        if kinds:
            conditions.append(f"event_type in ({', '.join('?' * len(kinds))})")
            values.extend(kinds)
        order = query.order({"created_at": "created_at"}, "created_at:desc")
        found, count = self._page("subscribed_event", (conditions, values), order, query)
        optional = query.words("optional_fields")
        listing = _listing("subscribed_events", query, [row["id"] for row in found], count)
        listing.side_load("subscribed_events", ((str(row["id"]), _event_document(row, optional)) for row in found))
        return listing

    def _page(self, table: str, where: Parts, order: tuple[str, bool], query: Query) -> tuple[list[sqlite3.Row], int]:
        conditions, values = where
        clause = " and ".join(conditions) or "true"
        if table == "time_entry" and conditions == ["updated_at > ?"]:
            counted = self._state.row(COUNT_CHANGED_AFTER, values * 3)
        else:
            counted = self._state.row(f"select count(*) as n from {table} where {clause}", values)  # noqa: S608 - ours
        direction = "asc" if order[1] else "desc"
        # Events of one second come in no order; all else is ordered by id among equals.
        among_equals = "id * 7919 % 104729" if table == "subscribed_event" else "id"
        statement = (
            f"select * from {table} where {clause} "  # noqa: S608 - every name is from a table of ours
            f"order by {order[0]} {direction}, {among_equals} {direction} limit ? offset ?"
        )
        skip, size = query.window
        return self._state.rows(statement, [*values, size, skip]), 0 if counted is None else int(counted["n"])


_Shown = Callable[[Reads, Document, Query], bool]
_SHOWN: Final[dict[str, _Shown]] = {
    "workspaces": Reads.workspace_shown,
    "stories": Reads.story_shown,
    "account_memberships": lambda _, row, query: not (query.flag("only_active") and row.fields["disabled_at"]),
    "rate_card_versions": lambda _, row, query: query.values.get("rate_card_id") in {None, row.fields["rate_card_id"]},
    "custom_field_values": lambda _, row, query: row.fields["subject_type"] == query.values["subject_type"],
    "custom_fields": lambda _, row, query: query.values.get("subject_type") in {None, row.fields["subject_type"]},
    "external_references": lambda _, row, query: all(
        query.values.get(name) in {None, str(row.fields[name])}
        for name in ("service_name", "service_model", "service_model_ref", "subject_type")
    ),
}
"""Default and special filters of the small collections."""


def _listing(collection: str, query: Query, ids: Sequence[int], count: int) -> Listing:
    return Listing(
        collection=collection,
        ids=[str(one) for one in ids],
        count=count,
        page_number=query.page_number,
        page_size=query.window[1],
        rows={},
    )


def _times(query: Query) -> Parts:
    conditions: list[str] = []
    values: list[SqlValue] = []
    for name, condition in (
        ("created_after", "created_at > ?"),
        ("created_before", "created_at < ?"),
        ("updated_after", "updated_at > ?"),
        ("updated_before", "updated_at < ?"),
    ):
        moment = query.instant(name)
        if moment is not None:
            conditions.append(condition)
            values.append(moment)
    if query.only is not None:
        conditions.append(f"id in ({', '.join('?' * len(query.only))})")
        values.extend(query.only)
    return conditions, values


def _entry_filters(query: Query, conditions: list[str], values: list[SqlValue]) -> None:
    billable = query.flag("billable")
    if billable is not None:
        conditions.append("billable = ?")
        values.append(billable)
    for name, condition in (
        ("approved", "approved = 1"),
        ("invoiced", "is_invoiced = 1"),
        ("uninvoiced", "is_invoiced = 0"),
    ):
        if name in query.values:
            conditions.append(condition)
    for name, column in (("workspace_id", "workspace_id"), ("with_user_ids", "user_id")):
        ids = [int(one) for one in query.words(name) if one.isdigit()]
        if name in query.values:
            conditions.append(f"{column} in ({', '.join('?' * len(ids))})")
            values.extend(ids)
    if "date_performed_between" in query.values:
        first, _, last = query.values["date_performed_between"].partition(":")
        conditions.append("date_performed between ? and ?")
        values.extend([first, last])


def entry_document(row: sqlite3.Row, with_submissions: Iterable[str]) -> Row:
    """A time entry as the API shows it; seeded garbage replaces what it names."""
    currency = row["currency"]
    shown: Row = {
        "id": str(row["id"]),
        "created_at": instant(row["created_at"]),
        "updated_at": instant(row["updated_at"]),
        "date_performed": row["date_performed"],
        "time_in_minutes": row["time_in_minutes"],
        "billable": bool(row["billable"]),
        "notes": row["notes"],
        "rate_in_cents": row["rate_in_cents"],
        "cost_rate_in_cents": row["cost_rate_in_cents"],
        "currency": currency,
        "currency_symbol": currency,
        "currency_base_unit": row["currency_base_unit"],
        "taxable": False,
        "is_invoiced": bool(row["is_invoiced"]),
        "approved": bool(row["approved"]),
        "workspace_id": str(row["workspace_id"]),
        "user_id": str(row["user_id"]),
        "story_id": optional_id(row["story_id"]),
        "role_id": optional_id(row["role_id"]),
    }
    for name in with_submissions:
        shown[f"{name}_id"] = optional_id(row[f"{name}_id"])
    if row["spoiled"] is not None:
        shown |= msgspec.json.decode(row["spoiled"], type=dict[str, str | int | bool | None])
    return shown


def submission_document(row: sqlite3.Row) -> Row:
    """A timesheet submission as the API shows it."""
    return {
        "id": str(row["id"]),
        "created_at": instant(row["created_at"]),
        "updated_at": instant(row["updated_at"]),
        "start_date": row["start_date"],
        "end_date": row["end_date"],
        "status": row["status"],
        "title": row["title"],
        "comment": row["comment"],
        "type": "TimesheetSubmission",
        "current_resolution_creator_id": row["resolution_creator_id"],
        "current_resolution_created_at_date": optional_instant(row["resolution_created_at"]),
        "current_resolution_description": row["resolution_description"],
        "user_id": str(row["user_id"]),
        "workspace_id": str(row["workspace_id"]),
    }


def _event_document(row: sqlite3.Row, optional: Sequence[str]) -> Row:
    shown: Row = {
        "id": str(row["id"]),
        "event_type": row["event_type"],
        "subject_type": row["subject_type"],
        "subject_id": row["subject_id"],
        "subject_changed_at": instant(row["subject_changed_at"]),
        "created_at": instant(row["created_at"]),
    }
    for name in ("previous_payload", "current_payload"):
        if name in optional:
            shown[name] = row[name]
    return shown
