"""What the REST server holds: items of collections, journals, and how the seed firm becomes them.

An item has an id, a time of change in microseconds, and a body as the API shows it; a deleted one stays as such.
Neighbours: ``rest_server`` shows items, ``records`` writes them.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final, TypeAlias

import msgspec

from tieout.connect.simulator.base import UnsupportedChangeError
from tieout.connect.simulator.seed import (
    SeedAssignment,
    SeedClient,
    SeedDeal,
    SeedEntity,
    SeedFirm,
    SeedPerson,
    SeedProject,
    SeedRateCard,
    SeedTimeEntry,
    SeedTimeOff,
    read_firm,
    read_time_entries,
)
from tieout.connect.simulator.state import State

Json: TypeAlias = dict[str, "Json"] | list["Json"] | str | int | float | bool | None
Body: TypeAlias = dict[str, Json]

SCHEMA: Final = """
create table if not exists item (
    id integer primary key,
    collection text not null,
    key text not null,
    changed integer not null,
    deleted integer not null,
    body blob not null,
    unique (collection, key)
);
create index if not exists item_changed on item (collection, changed, id);
create table if not exists journal (
    id integer primary key,
    reference text not null,
    entity text not null,
    day text not null,
    currency text not null,
    total text not null,
    body blob not null
);
create table if not exists token (value text primary key);
"""
EXPONENTS: Final = {"JPY": 0, "KRW": 0, "KWD": 3, "BHD": 3}
PROJECT_STATES: Final = {
    "proposed": "draft",
    "approved": "accepted",
    "provisioning": "in_setup",
    "active": "open",
    "on_hold": "paused",
    "delivery_complete": "done",
    "financially_closed": "closed",
    "archived": "archived",
}
_OUTCOMES: Final = {"Closed Won": "won", "Closed Lost": "lost"}
_CONTRACT_STATES: Final = {"Draft": "draft", "In Approval Process": "draft", "Activated": "running"}
_BOOKED: Final = {"hard": "firm", "soft": "tentative"}
_MINUTES: Final = Decimal(60)


class Rows:
    """Reads and writes the items."""

    def __init__(self, state: State) -> None:
        self._state = state

    def fill(self, firm_dir: Path, *, at: int) -> None:
        """Replace everything by the firm in ``firm_dir``; masters were made at ``at`` (microseconds since 1970)."""
        firm = read_firm(firm_dir)
        with self._state.transaction():
            for table in ("item", "journal", "token"):
                self._state.run(f"delete from {table}")  # noqa: S608 - names of our own tables
            self._fill_settings(firm)
            self._fill_masters(firm, at)
            for entry in read_time_entries(firm_dir):
                self.put_time_entry(entry, at=micros(entry.updated_at))
            for assignment in firm.assignments:
                self.put_assignment(assignment, at=micros(assignment.updated_at))
            for time_off in firm.time_off:
                self.put_time_off(time_off, at=micros(time_off.updated_at))

    def _fill_settings(self, firm: SeedFirm) -> None:
        self._state.put("accounts", sorted(firm.accounts.values()))
        self._state.put("entities", sorted(one.code for one in firm.entities))
        self._state.put("home_currencies", {one.code: one.currency for one in firm.entities})

    def _fill_masters(self, firm: SeedFirm, at: int) -> None:
        for entity in firm.entities:
            self._put_entity(entity, at)
        for client in firm.clients:
            self.put_client(client, at=at)
        for person in firm.people:
            self.put_person(person, at=at)
        for card in firm.rate_cards:
            self._put_rate_card(card, at)
        for project in firm.projects:
            self.put_project(project, at=at)
        for deal in firm.deals:
            self.put_deal(deal, at=micros(deal.updated_at))
        self._fill_tables(firm, at)

    def _fill_tables(self, firm: SeedFirm, at: int) -> None:
        for rate in firm.fx_rates:
            told: Body = {
                "base": rate.base,
                "quote": rate.quote,
                "rate": _comma(Decimal(rate.rate)),
                "on": _dotted(rate.day),
            }
            self.put("fx_rates", f"{rate.base}/{rate.quote}/{rate.day}", told, at=at)
        for holiday in firm.holidays:
            day: Body = {"country": holiday.country, "on": _dotted(holiday.day), "name": holiday.name}
            self.put("holidays", f"{holiday.country}/{holiday.day}", day, at=at)

    def put(self, collection: str, key: str, body: Body, *, at: int) -> int:
        """Add an item or change the one with the same key; its time of change always moves on. Returns its id."""
        held = self._state.row("select id, changed from item where collection = ? and key = ?", (collection, key))
        changed = at if held is None else max(at, held["changed"] + 1)
        found = self._state.row(
            "insert into item (collection, key, changed, deleted, body) values (?, ?, ?, 0, ?) "
            "on conflict (collection, key) do update set changed = excluded.changed, deleted = 0, body = excluded.body "
            "returning id",
            (collection, key, changed, msgspec.json.encode(body)),
        )
        return 0 if found is None else int(found["id"])

    def held(self, collection: str, key: str) -> Body | None:
        """The body of an item that is not deleted, or None."""
        row = self._state.row(
            "select body from item where collection = ? and key = ? and deleted = 0", (collection, key)
        )
        body: Body | None = None if row is None else msgspec.json.decode(row["body"])
        return body

    def delete(self, collection: str, key: str, *, at: int) -> None:
        """Delete an item; it stays readable as deleted."""
        changed = self._state.run(
            "update item set deleted = 1, changed = max(?, changed + 1) where collection = ? and key = ?",
            (at, collection, key),
        )
        if not changed:
            raise UnsupportedChangeError(f"there is nothing like {key!r} in {collection}")

    def put_client(self, client: SeedClient, *, at: int) -> None:
        """A client under its number."""
        known = self.held("clients", client.code) or {"external_ref": None}
        body: Body = {
            "number": client.code,
            "name": client.name,
            "currency": client.currency,
            "vat": client.tax_id,
            "country": client.country,
            "entity": client.entity,
        }
        self.put("clients", client.code, known | body, at=at)

    def put_project(self, project: SeedProject, *, at: int) -> None:
        """A project with its tasks."""
        known = self.held("projects", project.code) or {"external_ref": None, "state_ref": None}
        body: Body = {
            "number": project.code,
            "title": project.name,
            "client": self.id_of("clients", project.client),
            "entity": project.entity,
            "currency": project.currency,
            "service_line": project.service_line,
            "rate_card": project.rate_card,
            "state": PROJECT_STATES.get(project.status, "closed"),
            "from": project.starts,
            "until": project.ends,
        }
        self.put("projects", project.code, known | body, at=at)
        for task in project.tasks:
            told: Body = {
                "project": self.id_of("projects", project.code),
                "wbs": task.key,
                "title": task.name,
                "billable": task.billable,
                "open": task.open,
                "parent": None,
                "external_ref": None,
            }
            self.put("tasks", f"{project.code}/{task.key}", told, at=at)

    def put_person(self, person: SeedPerson, *, at: int) -> None:
        """A person with what an hour of theirs costs."""
        known = self.held("people", person.key) or {"external_ref": None}
        given, _, family = person.name.partition(" ")
        body: Body = {
            "number": person.key,
            "first": given,
            "last": family,
            "mail": person.email,
            "entity": person.entity,
            "role": person.role,
            "hired": _dotted(person.employed_from),
            "left": None if person.employed_to is None else _dotted(_day_before(person.employed_to)),
            "hours_per_week": _comma(Decimal(person.weekly_minutes) / _MINUTES),
            "fte": _comma(Decimal(person.fte)),
            "place": person.location,
            "unit": person.department,
        }
        row_id = self.put("people", person.key, known | body, at=at)
        for rate in person.cost_rates:
            cost: Body = {
                "person": row_id,
                "minor": rate.amount_minor,
                "currency": rate.currency,
                "from": rate.starts,
                "until": None if rate.ends is None else _day_before(rate.ends),
            }
            self.put("cost_rates", f"{person.key}/{rate.starts}", cost, at=at)

    def put_deal(self, deal: SeedDeal, *, at: int) -> None:
        """A deal with its lines and contract; what the seed leaves out is empty, and a line that it lacks is gone."""
        known = self.held("deals", deal.key) or {"link_ref": None, "project": None, "project_state": None, "link": None}
        body: Body = {
            "number": deal.key,
            "name": deal.name,
            "client": self.id_of("clients", deal.client),
            "stage": deal.stage,
            "outcome": _OUTCOMES.get(deal.stage, "pending"),
            "percent": deal.probability,
            "amount": _major(deal.amount_minor, deal.currency),
            "currency": deal.currency,
            "closes": deal.close_date,
            "entity": deal.entity,
            "service_line": deal.service_line,
            "from": deal.starts,
            "until": deal.ends,
            "rate_card": deal.rate_card,
            "contract": deal.contract,
            "order_number": deal.po_number,
            "tax": deal.tax_treatment,
            "owner": deal.owner_email,
        }
        row_id = self.put("deals", deal.key, known | body, at=at)
        if deal.contract is not None:
            self._put_contract(deal, deal.contract, row_id, at)
        self._put_deal_lines(deal, row_id, at)

    def _put_contract(self, deal: SeedDeal, number: str, row_id: int, at: int) -> None:
        body: Body = {
            "number": number,
            "title": deal.name,
            "deal": row_id,
            "client": self.id_of("clients", deal.client),
            "entity": deal.entity,
            "state": _CONTRACT_STATES.get(deal.contract_status or "", "signed"),
            "currency": deal.currency,
            "amount": _major(deal.amount_minor, deal.currency),
            "from": deal.starts,
            "until": deal.ends,
            "order_number": deal.po_number,
            "tax": deal.tax_treatment,
        }
        self.put("contracts", number, body, at=at)

    def _put_deal_lines(self, deal: SeedDeal, row_id: int, at: int) -> None:
        kept = {f"{deal.key}/{line.key}" for line in deal.lines}
        own = f"{deal.key}/"
        rows = self._state.rows(
            "select key from item where collection = 'deal_lines' and deleted = 0 and substr(key, 1, ?) = ?",
            (len(own), own),
        )
        for row in rows:
            if row["key"] not in kept:
                self.delete("deal_lines", row["key"], at=at)
        for line in deal.lines:
            body: Body = {
                "deal": row_id,
                "role": line.role,
                "text": f"{line.role} {line.key}",
                "minutes": line.minutes,
                "price": _major(line.price_minor, deal.currency),
                "currency": deal.currency,
                "from": line.starts,
                "until": line.ends,
                "place": line.location,
                "skills": ", ".join(line.skills),
            }
            self.put("deal_lines", f"{deal.key}/{line.key}", body, at=at)

    def put_time_entry(self, entry: SeedTimeEntry, *, at: int) -> None:
        """A time entry, with the fields that the seed spoils."""
        task = None if entry.task is None else f"{entry.project}/{entry.task}"
        body: Body = {
            "worker": {"id": self.id_of("people", entry.person)},
            "project": {"id": self.id_of("projects", entry.project)},
            "task": None if task is None else {"id": self.id_of("tasks", task)},
            "day": _dotted(entry.work_date),
            "minutes": entry.minutes,
            "billable": entry.billable,
            "text": entry.notes,
            "state": "approved" if entry.approved else "open",
            "approver": None if entry.approver is None else {"id": self.id_of("people", entry.approver)},
        }
        self.put("time_entries", entry.key, body | dict(entry.raw), at=at)

    def put_assignment(self, assignment: SeedAssignment, *, at: int) -> None:
        """A booking."""
        if assignment.status not in _BOOKED:
            raise UnsupportedChangeError(f"a booking has no state {assignment.status!r}")
        body: Body = {
            "worker": None if assignment.person is None else self.id_of("people", assignment.person),
            "project": self.id_of("projects", assignment.project),
            "role": assignment.role,
            "from": assignment.starts,
            "until": assignment.ends,
            "minutes_a_day": assignment.minutes_per_day,
            "state": _BOOKED[assignment.status],
            "text": assignment.notes,
        }
        self.put("assignments", assignment.key, body, at=at)

    def put_time_off(self, time_off: SeedTimeOff, *, at: int) -> None:
        """An absence."""
        body: Body = {
            "worker": self.id_of("people", time_off.person),
            "from": _dotted(time_off.starts),
            "until": _dotted(time_off.ends),
            "reason": time_off.kind,
            "state": time_off.status,
            "minutes_a_day": time_off.minutes_per_day,
        }
        self.put("time_off", time_off.key, body, at=at)

    def _put_entity(self, entity: SeedEntity, at: int) -> None:
        company: Body = {
            "number": entity.code,
            "name": entity.name,
            "country": entity.country,
            "currency": entity.currency,
        }
        self.put("companies", entity.code, company, at=at)
        for month in entity.periods:
            first = date.fromisoformat(f"{month}-01")
            last = (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)
            body: Body = {
                "entity": entity.code,
                "month": month,
                "from": first.isoformat(),
                "until": last.isoformat(),
                "locked": month in entity.closed_periods,
            }
            self.put("periods", f"{entity.code}/{month}", body, at=at)

    def _put_rate_card(self, card: SeedRateCard, at: int) -> None:
        body: Body = {
            "number": card.code,
            "name": card.name,
            "currency": card.currency,
            "external_ref": None,
            "prices": [],
        }
        row_id = self.put("rate_cards", card.code, body, at=at)
        for line in card.lines:
            told: Body = {
                "rate_card": row_id,
                "role": line.role,
                "minor": line.amount_minor,
                "currency": card.currency,
                "from": line.starts,
                "until": None if line.ends is None else _day_before(line.ends),
            }
            self.put("rate_lines", f"{card.code}/{line.role}/{line.starts}", told, at=at)

    def id_of(self, collection: str, key: str) -> int:
        """The id of the item with a key; raises UnsupportedChangeError where there is none."""
        row = self._state.row("select id from item where collection = ? and key = ?", (collection, key))
        if row is None:
            raise UnsupportedChangeError(f"there is nothing like {key!r} in {collection}")
        return int(row["id"])

    def key_of(self, collection: str, row_id: int) -> str | None:
        """The key of the item with an id, or None."""
        row = self._state.row("select key from item where collection = ? and id = ?", (collection, row_id))
        return None if row is None else str(row["key"])

    def counts(self) -> dict[str, int]:
        """Items by collection, deleted ones included, and journals."""
        rows = self._state.rows("select collection, count(*) as n from item group by collection")
        found = {row["collection"]: int(row["n"]) for row in rows}
        journals = self._state.row("select count(*) as n from journal")
        return found | {"journals": 0 if journals is None else int(journals["n"])}

    def set_period(self, entity: str, month: str, *, is_locked: bool, at: int) -> None:
        """Lock or unlock a month of an entity."""
        body = self.held("periods", f"{entity}/{month}")
        if body is None:
            raise UnsupportedChangeError(f"{entity} has no period {month}")
        self.put("periods", f"{entity}/{month}", body | {"locked": is_locked}, at=at)


def micros(instant: str) -> int:
    """An ISO instant in microseconds since 1970."""
    return int(Decimal(str(datetime.fromisoformat(instant).timestamp())) * 1_000_000)


def shown(rows: Iterable[tuple[int, int, int, Body]]) -> list[Body]:
    """Items as the API shows them, from id, time of change, whether deleted, and body."""
    return [
        {"id": row_id, "updated_at": instant(changed), "deleted": bool(deleted), **body}
        for row_id, changed, deleted, body in rows
    ]


def instant(changed: int) -> str:
    """Microseconds since 1970 as the API tells them."""
    moment = datetime.fromisoformat("1970-01-01T00:00:00+00:00") + timedelta(microseconds=changed)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _major(amount_minor: int, currency: str) -> str:
    return f"{Decimal(amount_minor).scaleb(-EXPONENTS.get(currency, 2)):f}"


def _comma(number: Decimal) -> str:
    return f"{number:f}".replace(".", ",")


def _dotted(day: str) -> str:
    return date.fromisoformat(day).strftime("%d.%m.%Y")


def _day_before(day: str) -> str:
    return (date.fromisoformat(day) - timedelta(days=1)).isoformat()
