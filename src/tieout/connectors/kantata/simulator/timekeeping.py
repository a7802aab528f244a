"""Time entries as people keep them: rates from the project's rate card, approved time in approved weekly submissions.

Neighbours: ``seeding`` fills an account with them, ``writes`` and the admin API's changes add single ones.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import count

import msgspec
from iso4217 import Currency

from tieout.connect.simulator.seed import SeedTimeEntry
from tieout.connect.simulator.state import SqlValue, State
from tieout.connectors.kantata.simulator.tables import (
    DROP_COUNT_TRIGGERS,
    INSERT_ENTRY,
    INSERT_SUBMISSION,
    RECOUNT,
    Documents,
)

FIRST_ENTRY_ID = 1_200_000_000
FIRST_SUBMISSION_ID = 8_000_000


@cache
def base_unit(currency: str) -> int:
    """Subunits of one unit of ``currency``."""
    return int(10 ** int(Currency(currency).exponent or 0))


def seconds(instant: str) -> int:
    """ISO text as whole seconds since 1970; without a zone it is UTC."""
    moment = datetime.fromisoformat(instant)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


class Names:
    """The seed firm's names of things, and the ids that Kantata gave them; durable."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._ids = {(row["kind"], row["key"]): int(row["id"]) for row in state.rows("select kind, key, id from name")}

    def put(self, kind: str, key: str, row_id: int) -> None:
        """Remember an id."""
        self._ids[kind, key] = row_id
        self._state.run(
            "insert into name (kind, key, id) values (?, ?, ?) on conflict (kind, key) do update set id = excluded.id",
            (kind, key, row_id),
        )

    def get(self, kind: str, key: str | None) -> int | None:
        """The id of a thing, or None."""
        return None if key is None else self._ids.get((kind, key))

    def forget(self, kind: str, key: str) -> None:
        """Forget the id of a thing that is gone."""
        self._ids.pop((kind, key), None)
        self._state.run("delete from name where kind = ? and key = ?", (kind, key))

    def clear(self) -> None:
        """Forget what is in memory; the table is emptied by the caller."""
        self._ids.clear()


class Timekeeping:
    """Makes time entries of seed entries: rates from the project's rate card, weekly submissions for approved time."""

    def __init__(self, state: State, documents: Documents, names: Names) -> None:
        self._state = state
        self._documents = documents
        self._names = names
        self._roles: dict[int, int | None] = {}
        self._projects: dict[str, tuple[int, str, int, int | None]] = {}
        self._rates: dict[int, list[tuple[str, dict[int, int]]]] = {}
        self._rate_at: dict[tuple[int, int, str], int | None] = {}
        self._weeks: dict[str, tuple[str, str]] = {}
        self._submissions: dict[tuple[int, int, str], int] = {}
        self._submission_rows: dict[int, tuple[SqlValue, ...]] = {}
        self._resolved_at: dict[int, int] = {}
        self._submission_ids = iter(range(FIRST_SUBMISSION_ID + 1, 2**62))

    def fill(self, entries: Iterator[SeedTimeEntry]) -> None:
        """Insert all entries of a firm."""
        ids = count(FIRST_ENTRY_ID + 1)
        for statement in DROP_COUNT_TRIGGERS:
            self._state.run(statement)
        self._state.run_many(INSERT_ENTRY, (self.entry_row(next(ids), entry) for entry in entries))
        self._state.run(RECOUNT)
        self.store_submissions()

    def continue_submissions(self) -> None:
        """Number submissions after those that exist."""
        found = self._state.row("select max(id) as last from timesheet_submission")
        last = FIRST_SUBMISSION_ID if found is None or found["last"] is None else int(found["last"])
        self._submission_ids = iter(range(last + 1, 2**62))

    def store_submissions(self) -> None:
        """Insert the submissions that entries were put into."""
        resolved_at = self._resolved_at
        self._state.run_many(
            INSERT_SUBMISSION,
            (
                (*row, resolved_at[row_id], None, resolved_at[row_id], resolved_at[row_id])
                for row_id, row in self._submission_rows.items()
            ),
        )
        self._submission_rows = {}

    def entry_row(self, row_id: int, entry: SeedTimeEntry) -> tuple[SqlValue, ...]:
        """The columns of one entry; raises KeyError where the seed names an unknown person or project."""
        workspace_id, currency, unit, card_id = self._project(entry.project)
        user_id = self._known("users", entry.person)
        role_id = self._role(user_id)
        changed_at = seconds(entry.updated_at)
        submission_id = self._submission(workspace_id, user_id, entry, changed_at) if entry.approved else None
        rate = None
        if card_id is not None and role_id is not None:
            rate = self._rate(card_id, role_id, entry.work_date)
        return (
            row_id,
            entry.key,
            workspace_id,
            self._names.get("stories", f"{entry.project}/{entry.task}") if entry.task else None,
            user_id,
            role_id,
            entry.work_date,
            entry.minutes,
            entry.billable,
            entry.notes,
            rate,
            None,
            currency,
            unit,
            entry.approved,
            False,
            submission_id,
            submission_id,
            changed_at,
            changed_at,
            msgspec.json.encode(entry.raw).decode() if entry.raw else None,
        )

    def _known(self, kind: str, key: str) -> int:
        found = self._names.get(kind, key)
        if found is None:
            raise KeyError(f"the seed names {key!r}, which is not among its {kind}")
        return found

    def _project(self, code: str) -> tuple[int, str, int, int | None]:
        found = self._projects.get(code)
        if found is None:
            workspace = self._documents.of("workspaces")[self._known("workspaces", code)]
            currency = str(workspace.fields["currency"])
            card_id = workspace.fields["rate_card_id"]
            found = (workspace.id, currency, base_unit(currency), card_id if isinstance(card_id, int) else None)
            self._projects[code] = found
        return found

    def _role(self, user_id: int) -> int | None:
        if user_id not in self._roles:
            linked = self._documents.of("users")[user_id].links.get("role", [])
            self._roles[user_id] = linked[0] if linked else None
        return self._roles[user_id]

    def _rate(self, card_id: int, role_id: int, work_date: str) -> int | None:
        key = (card_id, role_id, work_date)
        if key not in self._rate_at:
            effective = [roles for starts, roles in self._versions(card_id) if starts <= work_date]
            self._rate_at[key] = effective[-1].get(role_id) if effective else None
        return self._rate_at[key]

    def rate_of(self, card_id: int, role_id: int, work_date: str) -> int | None:
        """What an hour of a role is billed at on a day, in subunits; None where the card does not say."""
        return self._rate(card_id, role_id, work_date)

    def _versions(self, card_id: int) -> list[tuple[str, dict[int, int]]]:
        if card_id not in self._rates:
            versions = []
            for version in self._documents.of("rate_card_versions").values():
                if version.fields["rate_card_id"] == str(card_id):
                    set_version_id = int(str(version.fields["rate_card_set_version_id"]))
                    starts = self._documents.of("rate_card_set_versions")[set_version_id].fields["effective_date"]
                    lines = (self._documents.of("rate_card_roles")[one] for one in version.links["rate_card_roles"])
                    roles = {int(str(one.fields["role_id"])): int(str(one.fields["rate"])) for one in lines}
                    versions.append((str(starts), roles))
            self._rates[card_id] = sorted(versions, key=lambda one: one[0])
        return self._rates[card_id]

    def _submission(self, workspace_id: int, user_id: int, entry: SeedTimeEntry, changed_at: int) -> int:
        week = self._weeks.get(entry.work_date)
        if week is None:
            day = date.fromisoformat(entry.work_date)
            monday = day - timedelta(days=day.weekday())
            week = (monday.isoformat(), (monday + timedelta(days=6)).isoformat())
            self._weeks[entry.work_date] = week
        key = (workspace_id, user_id, f"{week[0]}/{entry.approver}")
        found = self._submissions.get(key)
        if found is None:
            found = next(self._submission_ids)
            self._submissions[key] = found
            approver = self._names.get("users", entry.approver)
            title = f"Timesheet of the week of {week[0]}"
            self._submission_rows[found] = (found, workspace_id, user_id, title, None, *week, "approved", approver)
        self._resolved_at[found] = max(changed_at, self._resolved_at.get(found, 0))
        return found
