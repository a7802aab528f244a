"""What users of Kantata do over its API: keep time, submit it, approve, reject and cancel submissions.

Pages "Time Entries", "Timesheet Submissions", "Timesheet Approvals", "Timesheet Rejections", "Timesheet
Cancellations". Every write leaves events behind, late, unordered and sometimes twice (page "Events").
"""

import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from typing import Final, TypeVar

import msgspec

from tieout.connect.simulator.state import SqlValue, State
from tieout.connectors.kantata.simulator.answers import Refusal, bad_request, invalid, not_found
from tieout.connectors.kantata.simulator.reads import entry_document
from tieout.connectors.kantata.simulator.tables import (
    ENTRY_COLUMNS,
    INSERT_ENTRY,
    INSERT_SUBMISSION,
    Document,
    Documents,
    Json,
)
from tieout.connectors.kantata.simulator.timekeeping import (
    FIRST_ENTRY_ID,
    FIRST_SUBMISSION_ID,
    Names,
    Timekeeping,
)

MAX_BULK: Final = 100
_EVENT_LAG_S: Final = 5

Body = TypeVar("Body")


class _TimeEntryWrite(msgspec.Struct, kw_only=True):
    workspace_id: int | str | msgspec.UnsetType = msgspec.UNSET
    date_performed: date | msgspec.UnsetType = msgspec.UNSET
    time_in_minutes: int | msgspec.UnsetType = msgspec.UNSET
    billable: bool | msgspec.UnsetType = msgspec.UNSET
    notes: str | msgspec.UnsetType | None = msgspec.UNSET
    rate_in_cents: int | msgspec.UnsetType | None = msgspec.UNSET
    cost_rate_in_cents: int | msgspec.UnsetType | None = msgspec.UNSET
    role_id: int | str | msgspec.UnsetType | None = msgspec.UNSET
    story_id: int | str | msgspec.UnsetType | None = msgspec.UNSET
    user_id: int | str | msgspec.UnsetType = msgspec.UNSET


class _TimeEntryBody(msgspec.Struct, kw_only=True):
    time_entry: _TimeEntryWrite | None = None
    time_entries: list[_TimeEntryWrite] | None = None


class _SubmissionWrite(msgspec.Struct, kw_only=True):
    line_item_ids: list[int | str]
    title: str
    workspace_id: int | str
    comment: str | None = None
    user_id: int | str | None = None


class _SubmissionBody(msgspec.Struct, kw_only=True):
    timesheet_submission: _SubmissionWrite


class _Resolution(msgspec.Struct, kw_only=True):
    description: str | None = None
    submission_ids: list[int | str] = []


class _ResolutionBody(msgspec.Struct, kw_only=True):
    resolution: _Resolution = msgspec.field(default_factory=_Resolution)


class Verb(msgspec.Struct, frozen=True):
    """One resolution of a submission: the status it gives and the statuses it may start from."""

    status: str
    allowed_from: frozenset[str]


VERBS: Final = {
    "approve": Verb("approved", frozenset({"pending"})),
    "reject": Verb("rejected", frozenset({"pending", "approved"})),
    "cancel": Verb("cancelled", frozenset({"pending"})),
}


def body_of(payload: bytes, body_type: type[Body]) -> Body:
    """The body of a write; raises Refusal (400 where it is no JSON, 422 where a field is of the wrong type)."""
    try:
        return msgspec.json.decode(payload or b"{}", type=body_type, strict=False)
    except msgspec.ValidationError as error:
        raise invalid(str(error)) from error
    except msgspec.DecodeError as error:
        raise bad_request("The body is not JSON") from error


class Writes:
    """Handles writes; ``now`` is the account's clock in whole seconds since 1970. Each write is one transaction."""

    def __init__(self, state: State, documents: Documents, names: Names, now: Callable[[], int]) -> None:
        self._state = state
        self._documents = documents
        self._names = names
        self._now = now

    def create_entries(self, payload: bytes) -> list[int]:
        """POST /time_entries: one, or up to 100 of them, all or none."""
        body = body_of(payload, _TimeEntryBody)
        entries = body.time_entries if body.time_entries is not None else [body.time_entry or _TimeEntryWrite()]
        if len(entries) > MAX_BULK:
            raise bad_request(f"At most {MAX_BULK} objects can be created at once")
        with self._state.transaction():
            return [self._create(one) for one in entries]

    def _create(self, wanted: _TimeEntryWrite) -> int:
        missing = [name for name in ("workspace_id", "date_performed", "time_in_minutes") if _unset(wanted, name)]
        if missing:
            raise Refusal(422, *(("validation", f"{name} can't be blank", name) for name in missing))
        now = self._now()
        row_id = self._next_id("time_entry", FIRST_ENTRY_ID)
        defaults: dict[str, SqlValue] = dict.fromkeys(ENTRY_COLUMNS)
        defaults |= {
            "id": row_id,
            "user_id": self._current_user(),
            "approved": False,
            "is_invoiced": False,
            "created_at": now,
        }
        columns = self._columns(defaults, wanted, now)
        self._state.run(INSERT_ENTRY, [columns[name] for name in ENTRY_COLUMNS])
        self._event("time_entry:created", "TimeEntry", row_id, now, {"current_payload": self._payload(row_id)})
        return row_id

    def update_entry(self, row_id: int, payload: bytes) -> None:
        """PUT /time_entries/ID: refused where the time is submitted, approved, invoiced or locked."""
        wanted = body_of(payload, _TimeEntryBody).time_entry or _TimeEntryWrite()
        with self._state.transaction():
            held = self._entry(row_id)
            if held["active_submission_id"] is not None:
                raise invalid("This time entry is on a submitted timesheet and cannot be edited", "base")
            self._refuse_locked(held)
            before = self._payload(row_id)
            changed_at = max(self._now(), held["updated_at"] + 1)
            columns = self._columns({name: held[name] for name in ENTRY_COLUMNS}, wanted, changed_at)
            columns["spoiled"] = None
            self._store(columns)
            payloads = {"previous_payload": before, "current_payload": self._payload(row_id)}
            self._event("time_entry:updated", "TimeEntry", row_id, changed_at, payloads)

    def delete_entries(self, ids: Iterable[int]) -> None:
        """DELETE /time_entries/ID or ?ids=: refused as a whole where one is locked or invoiced."""
        with self._state.transaction():
            for row_id in ids:
                held = self._entry(row_id)
                self._refuse_locked(held)
                self.remove_entry(held)

    def remove_entry(self, held: sqlite3.Row) -> None:
        """Delete a row and leave its event."""
        before = self._payload(held["id"])
        self._state.run("delete from time_entry where id = ?", (held["id"],))
        changed_at = max(self._now(), held["updated_at"])
        self._event("time_entry:deleted", "TimeEntry", held["id"], changed_at, {"previous_payload": before})

    def create_submission(self, payload: bytes) -> int:
        """POST /timesheet_submissions: time of one person in one project, not yet submitted."""
        wanted = body_of(payload, _SubmissionBody).timesheet_submission
        workspace_id = int(wanted.workspace_id)
        with self._state.transaction():
            entries = [self._entry(int(one)) for one in wanted.line_item_ids]
            if not entries:
                raise invalid("line_item_ids can't be blank", "line_item_ids")
            for entry in entries:
                if entry["workspace_id"] != workspace_id:
                    raise invalid("All time entries must belong to the workspace", "line_item_ids")
                if entry["active_submission_id"] is not None:
                    raise invalid(f"Time entry {entry['id']} is already submitted", "line_item_ids")
            now = self._now()
            row_id = self._next_id("timesheet_submission", FIRST_SUBMISSION_ID)
            monday = min(date.fromisoformat(entry["date_performed"]) for entry in entries)
            monday -= timedelta(days=monday.weekday())
            user_id = int(wanted.user_id) if wanted.user_id is not None else entries[0]["user_id"]
            dates = (monday.isoformat(), (monday + timedelta(days=6)).isoformat())
            self._state.run(
                INSERT_SUBMISSION,
                (
                    row_id,
                    workspace_id,
                    user_id,
                    wanted.title,
                    wanted.comment,
                    *dates,
                    "pending",
                    None,
                    None,
                    None,
                    now,
                    now,
                ),
            )
            self._event("timesheet:created", "TimesheetSubmission", row_id, now, {})
            for entry in entries:
                self._touch(entry, {"active_submission_id": row_id, "recent_submission_id": row_id})
            return row_id

    def resolve(self, verb: str, ids: Iterable[int], payload: bytes) -> None:
        """Approve, reject or cancel submissions; raises Refusal where one is not in a state for it."""
        resolution = body_of(payload, _ResolutionBody).resolution
        with self._state.transaction():
            for row_id in ids:
                self._resolve(VERBS[verb], verb, row_id, resolution.description)

    def resolve_many(self, verb: str, payload: bytes) -> list[int]:
        """POST /timesheet_approvals, _rejections, _cancellations."""
        ids = [int(one) for one in body_of(payload, _ResolutionBody).resolution.submission_ids]
        if not ids:
            raise invalid("submission_ids can't be blank", "submission_ids")
        self.resolve(verb, ids, payload)
        return ids

    def _resolve(self, verb: Verb, name: str, row_id: int, description: str | None) -> None:
        held = self._state.row("select * from timesheet_submission where id = ?", (row_id,))
        if held is None:
            raise not_found()
        if held["status"] not in verb.allowed_from:
            raise invalid(f"You cannot {name} a submission that is {held['status']}", "base")
        changed_at = max(self._now(), held["updated_at"] + 1)
        resolver = self._current_user(other_than=held["user_id"])
        self._state.run(
            "update timesheet_submission set status = ?, resolution_creator_id = ?, resolution_created_at = ?, "
            "resolution_description = ?, updated_at = ? where id = ?",
            (verb.status, resolver, changed_at, description, changed_at, row_id),
        )
        self._event("timesheet:updated", "TimesheetSubmission", row_id, changed_at, {})
        approved = verb.status == "approved"
        for entry in self._state.rows("select * from time_entry where active_submission_id = ?", (row_id,)):
            self._touch(entry, {"approved": approved, "active_submission_id": row_id if approved else None})

    def note_subject(self, event_type: str, subject_type: str, subject_id: int, changed_at: int) -> None:
        """Record an event of a row that is no time entry."""
        self._event(event_type, subject_type, subject_id, changed_at, {})

    def _current_user(self, other_than: int | None = None) -> int:
        """Whose token is used: the account's first user, or the next one where nobody may act for oneself."""
        return next(one for one in sorted(self._documents.of("users")) if one != other_than)

    def locked(self, day: str) -> bool:
        """Whether a day lies in a closed financial period."""
        return any(
            one.fields["status"] == "closed" and str(one.fields["start_date"]) <= day <= str(one.fields["end_date"])
            for one in self._documents.of("financial_periods").values()
        )

    def _entry(self, row_id: int) -> sqlite3.Row:
        found = self._state.row("select * from time_entry where id = ?", (row_id,))
        if found is None:
            raise not_found()
        return found

    def _refuse_locked(self, held: sqlite3.Row) -> None:
        if self.locked(held["date_performed"]):
            raise invalid("The time is locked because its financial period is closed", "date_performed")
        if held["is_invoiced"]:
            raise invalid("The time has been invoiced", "base")

    def _columns(self, held: dict[str, SqlValue], wanted: _TimeEntryWrite, changed_at: int) -> dict[str, SqlValue]:
        """The row after a write; raises Refusal where the new values do not fit together."""
        columns = dict(held)
        for name, value in _given(wanted).items():
            is_key = name.endswith("_id") and value is not None
            columns[name] = int(str(value)) if is_key else _sql(value)
        columns["updated_at"] = changed_at
        workspace = self._workspace(columns["workspace_id"])
        if self.locked(str(columns["date_performed"])):
            raise invalid("The time is locked because its financial period is closed", "date_performed")
        story = self._story(columns["story_id"], workspace)
        if columns["billable"] is None:
            columns["billable"] = True if story is None else bool(story.fields["billable"])
        currency = str(workspace.fields["currency"])
        columns["currency"] = currency
        columns["currency_base_unit"] = int(str(workspace.fields["currency_base_unit"]))
        self._role_and_rate(columns, workspace)
        return columns

    def _workspace(self, row_id: SqlValue) -> Document:
        workspace = self._documents.get("workspaces", row_id if isinstance(row_id, int) else None)
        if workspace is None:
            raise invalid("workspace_id is invalid", "workspace_id")
        if workspace.fields["archived"]:
            raise invalid("Time cannot be added to an archived project", "workspace_id")
        return workspace

    def _story(self, row_id: SqlValue, workspace: Document) -> Document | None:
        if row_id is None:
            return None
        story = self._documents.get("stories", row_id if isinstance(row_id, int) else None)
        if story is None or story.fields["workspace_id"] != str(workspace.id):
            raise invalid("story_id is invalid", "story_id")
        if not story.fields["time_trackable"]:
            raise invalid("Time cannot be tracked against this task", "story_id")
        return story

    def _role_and_rate(self, columns: dict[str, SqlValue], workspace: Document) -> None:
        user = self._documents.get("users", columns["user_id"] if isinstance(columns["user_id"], int) else None)
        if user is None:
            raise invalid("user_id is invalid", "user_id")
        if columns["role_id"] is None:
            columns["role_id"] = next(iter(user.links.get("role", [])), None)
        card_id, role_id = workspace.fields["rate_card_id"], columns["role_id"]
        if columns["rate_in_cents"] is None and isinstance(card_id, int) and isinstance(role_id, int):
            timekeeping = Timekeeping(self._state, self._documents, self._names)
            columns["rate_in_cents"] = timekeeping.rate_of(card_id, role_id, str(columns["date_performed"]))

    def _store(self, columns: Mapping[str, SqlValue]) -> None:
        assignments = ", ".join(f"{name} = ?" for name in ENTRY_COLUMNS)
        statement = f"update time_entry set {assignments} where id = ?"  # noqa: S608 - names of our own columns
        self._state.run(statement, [*(columns[name] for name in ENTRY_COLUMNS), columns["id"]])

    def _touch(self, held: sqlite3.Row, changes: dict[str, SqlValue]) -> None:
        """Change an entry because its submission changed; that is a change of the entry (page "Events")."""
        before = self._payload(held["id"])
        columns: dict[str, SqlValue] = {name: held[name] for name in ENTRY_COLUMNS}
        columns |= changes
        changed_at = max(self._now(), held["updated_at"] + 1)
        self._store({**columns, "updated_at": changed_at})
        payloads = {"previous_payload": before, "current_payload": self._payload(held["id"])}
        self._event("time_entry:updated", "TimeEntry", held["id"], changed_at, payloads)

    def _payload(self, row_id: int) -> str:
        return msgspec.json.encode(entry_document(self._entry(row_id), ())).decode()

    def next_entry_id(self, first: int) -> int:
        """An id for a time entry made past the API."""
        return self._next_id("time_entry", first)

    def note(self, event_type: str, row_id: int, changed_at: int) -> None:
        """Leave the event of a time entry changed past the API."""
        self._event(event_type, "TimeEntry", row_id, changed_at, {"current_payload": self._payload(row_id)})

    def _next_id(self, table: str, first: int) -> int:
        """An id that was never given before, deleted rows included."""
        counter = f"last_{table}_id"
        if counter not in self._state.counters():
            found = self._state.row(f"select max(id) as last from {table}")  # noqa: S608 - our own table
            last = first if found is None or found["last"] is None else int(found["last"])
            self._state.bump(counter, max(last, first))
        return self._state.bump(counter)

    def _event(
        self, event_type: str, subject_type: str, subject_id: int, changed_at: int, payloads: Mapping[str, str]
    ) -> None:
        """Record an event; one in four is recorded a second time, some seconds later."""
        digest = hashlib.blake2b(f"{event_type}:{subject_id}:{changed_at}".encode(), digest_size=2).digest()
        previous, current = payloads.get("previous_payload"), payloads.get("current_payload")
        for copy in range(2 if digest[0] % 4 == 0 else 1):
            created_at = self._now() + copy * (1 + digest[1] % _EVENT_LAG_S)
            self._state.run(
                "insert into subscribed_event (event_type, subject_type, subject_id, subject_changed_at, created_at, "
                "previous_payload, current_payload) values (?, ?, ?, ?, ?, ?, ?)",
                (event_type, subject_type, subject_id, changed_at, created_at, previous, current),
            )


def _unset(wanted: msgspec.Struct, name: str) -> bool:
    return getattr(wanted, name) is msgspec.UNSET


def _given(wanted: msgspec.Struct) -> dict[str, Json]:
    """What a body really names, with dates as text."""
    built: dict[str, Json] = msgspec.to_builtins(wanted)
    return built


def _sql(value: Json) -> SqlValue:
    if isinstance(value, dict | list):
        raise invalid("A plain value was expected")
    return value
