"""What may be written into the REST server: masters under their numbers, journals under our reference.

A master is put under its number, so that the same request twice has one effect; a journal's ``external_ref`` is unique.
Neighbours: ``rest_server`` routes here, ``rows`` keeps what is written.
"""

from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from typing import Final

import msgspec

from tieout.connect.simulator.control import Holding
from tieout.connect.simulator.state import State
from tieout.connectors.http.simulator.held import facts_of
from tieout.connectors.http.simulator.rows import EXPONENTS, PROJECT_STATES, Body, Json, Rows

_BLANK: Final[dict[str, Body]] = {
    "clients": {"vat": None, "country": None},
    "projects": {
        "state": "in_setup",
        "state_ref": None,
        "from": None,
        "until": None,
        "service_line": None,
        "rate_card": None,
    },
    "people": {
        "mail": None,
        "role": None,
        "hired": None,
        "left": None,
        "hours_per_week": None,
        "fte": None,
        "place": None,
        "unit": None,
    },
}
"""What a new master shows where nothing is told."""


class RefusedRecordError(Exception):
    """The server's refusal: a status, a code of its own and words."""

    def __init__(self, status: int, code: str, words: str) -> None:
        super().__init__(words)
        self.status = status
        self.code = code


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a journal; amounts are decimals as text, in home currency and in that of the transaction."""

    account: str
    debit: str
    credit: str
    amount: str
    currency: str
    text: str = ""
    client: str | None = None
    project: str | None = None


class Journal(msgspec.Struct, frozen=True, kw_only=True):
    """A journal as it is handed in."""

    external_ref: str
    entity: str
    on: str
    currency: str
    text: str
    lines: list[Line]


class Records:
    """Takes what is written; ``seconds`` and ``micros`` tell the server's time."""

    def __init__(self, state: State, rows: Rows, micros: Callable[[], int]) -> None:
        self._state = state
        self._rows = rows
        self._micros = micros
        self._puts: Final[dict[str, Callable[[str, Body], Body]]] = {
            "clients": self._client,
            "projects": self._project,
            "rate-cards": self._rate_card,
            "people": self._person,
            "demands": self._demand,
        }

    def put(self, collection: str, number: str, body: Body) -> Json:
        """Write a master under its number; returns it with its id."""
        write = self._puts.get(collection)
        if write is None:
            raise RefusedRecordError(404, "not_found", f"there is no collection {collection}")
        kept = write(number, body)
        stored = collection.replace("-", "_")
        row_id = self._rows.put(stored, number, kept, at=self._micros())
        return {"id": row_id, **kept}

    def put_task(self, project: str, wbs: str, body: Body) -> Json:
        """Write a task of a project."""
        self._needs("projects", project, "unknown_project")
        parent = body.get("parent")
        if parent is not None:
            self._needs("tasks", f"{project}/{parent}", "unknown_parent")
        kept: Body = {**body, "wbs": wbs, "project": self._rows.id_of("projects", project)}
        row_id = self._rows.put("tasks", f"{project}/{wbs}", kept, at=self._micros())
        return {"id": row_id, **kept}

    def put_state(self, project: str, body: Body) -> Json:
        """Move a project to a state."""
        held = self._needs("projects", project, "unknown_project")
        _known_state(body.get("state"))
        kept = held | {"state": body["state"], "state_ref": body.get("external_ref")}
        row_id = self._rows.put("projects", project, kept, at=self._micros())
        return {"id": row_id, **kept}

    def put_link(self, deal: str, body: Body) -> Json:
        """Tell a deal, by its number or its id, which project it became."""
        by_id = self._rows.key_of("deals", int(deal)) if deal.isdecimal() else None
        deal = by_id or deal
        held = self._needs("deals", deal, "unknown_deal")
        told: Body = {
            "project": body.get("project"),
            "project_state": body.get("state"),
            "link": body.get("link"),
            "link_ref": body.get("external_ref"),
        }
        row_id = self._rows.put("deals", deal, held | told, at=self._micros())
        return {"id": row_id, **held, **told}

    def _needs(self, collection: str, key: str, code: str) -> Body:
        held = self._rows.held(collection, key)
        if held is None:
            raise RefusedRecordError(422, code, f"there is no {key} in {collection}")
        return held

    def _client(self, number: str, body: Body) -> Body:
        self._known_entity(body)
        return (self._rows.held("clients", number) or _BLANK["clients"]) | body | {"number": number}

    def _project(self, number: str, body: Body) -> Body:
        self._known_entity(body)
        client = str(body.pop("client_number", ""))
        self._needs("clients", client, "unknown_client")
        held = self._rows.held("projects", number) or _BLANK["projects"]
        if "state" in body:
            _known_state(body["state"])
        return held | body | {"number": number, "client": self._rows.id_of("clients", client)}

    def _rate_card(self, number: str, body: Body) -> Body:
        return (self._rows.held("rate_cards", number) or {}) | body | {"number": number}

    def _person(self, number: str, body: Body) -> Body:
        self._known_entity(body)
        return (self._rows.held("people", number) or _BLANK["people"]) | body | {"number": number}

    def _demand(self, number: str, body: Body) -> Body:
        self._needs("projects", number, "unknown_project")
        return body | {"project": number}

    def _known_entity(self, body: Body) -> None:
        entities: list[str] = self._state.get("entities", [])
        if body.get("entity") not in entities:
            raise RefusedRecordError(422, "unknown_entity", f"there is no legal entity {body.get('entity')}")

    def post_journal(self, payload: bytes, *, alter_amount: bool, alter_currency: bool, dedup: bool) -> Json:
        """Record a journal; a reference that is there already is refused with 409 unless ``dedup`` is switched off."""
        try:
            journal = msgspec.json.decode(payload, type=Journal)
        except msgspec.DecodeError as error:
            raise RefusedRecordError(400, "malformed", str(error)) from error
        if dedup and self._journal(journal.external_ref) is not None:
            raise RefusedRecordError(409, "duplicate_reference", f"{journal.external_ref} is there already")
        total = self._checked(journal)
        smallest = Decimal(1).scaleb(-EXPONENTS.get(journal.currency, 2))
        other = "CHF" if journal.currency != "CHF" else "EUR"
        recorded = msgspec.structs.replace(journal, currency=other if alter_currency else journal.currency)
        found = self._state.row(
            "insert into journal (reference, entity, day, currency, total, body) "
            "values (?, ?, ?, ?, ?, ?) returning id",
            (
                journal.external_ref,
                journal.entity,
                journal.on,
                recorded.currency,
                f"{total - smallest if alter_amount else total:f}",
                msgspec.json.encode(recorded),
            ),
        )
        shown = self._journal(journal.external_ref)
        if found is None or shown is None:
            raise RefusedRecordError(500, "lost", "the journal was not kept")
        return shown

    def _checked(self, journal: Journal) -> Decimal:
        accounts: list[str] = self._state.get("accounts", [])
        if self._rows.held("periods", f"{journal.entity}/{journal.on[:7]}") is None:
            raise RefusedRecordError(422, "unknown_period", f"{journal.entity} has no period for {journal.on}")
        if (self._rows.held("periods", f"{journal.entity}/{journal.on[:7]}") or {})["locked"]:
            raise RefusedRecordError(422, "period_locked", f"{journal.on[:7]} of {journal.entity} is locked")
        for line in journal.lines:
            if line.account not in accounts:
                raise RefusedRecordError(422, "unknown_account", f"there is no account {line.account}")
        try:
            debit = sum((Decimal(line.debit) for line in journal.lines), Decimal(0))
            credit = sum((Decimal(line.credit) for line in journal.lines), Decimal(0))
        except InvalidOperation as error:
            raise RefusedRecordError(400, "malformed", "an amount is no number") from error
        if debit != credit:
            raise RefusedRecordError(422, "unbalanced", f"debit is {debit}, credit {credit}")
        return debit

    def _journal(self, reference: str) -> Json:
        found = self.journals("reference = ?", (reference,))
        return found[0] if found else None

    def journals(self, condition: str, values: tuple[str, ...]) -> list[Body]:
        """Journals as the API shows them."""
        rows = self._state.rows(f"select * from journal where {condition} order by day, id", values)  # noqa: S608 - ours
        return [_shown(row["id"], row["total"], msgspec.json.decode(row["body"], type=Journal)) for row in rows]

    def remove_journal(self, reference: str) -> bool:
        """Somebody removes a journal by hand; False where there is none."""
        return self._state.run("delete from journal where reference = ?", (reference,)) > 0

    def holdings(self) -> Iterator[Holding]:
        """Journals and masters that carry a reference."""
        for row in self._state.rows("select * from journal"):
            exponent = EXPONENTS.get(row["currency"], 2)
            yield Holding(
                kind="post_journal",
                reference=row["reference"],
                id=str(row["id"]),
                debit_minor=int(Decimal(row["total"]).scaleb(exponent)),
                currency=row["currency"],
                accounting_date=row["day"],
                entity=row["entity"],
            )
        for collection, member, kind in _REFERENCES:
            rows = self._state.rows(
                "select id, key, body from item where collection = ? and deleted = 0", (collection,)
            )
            for row in rows:
                body: Body = msgspec.json.decode(row["body"])
                if body.get(member):
                    yield Holding(
                        kind=kind,
                        reference=str(body[member]),
                        id=str(row["id"]),
                        code=str(row["id"] if kind == "link_deal" else row["key"]),
                        facts=facts_of(kind, body, lambda one: self._rows.key_of("clients", one)),
                    )


_REFERENCES: Final = (
    ("clients", "external_ref", "upsert_customer"),
    ("projects", "external_ref", "upsert_project"),
    ("projects", "state_ref", "set_project_status"),
    ("tasks", "external_ref", "upsert_task"),
    ("rate_cards", "external_ref", "upsert_rate_card"),
    ("people", "external_ref", "upsert_employee"),
    ("deals", "link_ref", "link_deal"),
    ("demands", "external_ref", "publish_demand"),
)


def _known_state(state: Json) -> None:
    if state not in PROJECT_STATES.values():
        raise RefusedRecordError(422, "unknown_state", f"a project has no state {state}")


def _shown(row_id: int, total: str, journal: Journal) -> Body:
    home = journal.currency
    lines: list[Json] = [
        {
            "account": line.account,
            "value": f"{Decimal(line.debit) - Decimal(line.credit):f}",
            "amount": line.amount,
            "currency": line.currency,
            "text": line.text,
        }
        for line in journal.lines
    ]
    return {
        "id": row_id,
        "external_ref": journal.external_ref,
        "entity": journal.entity,
        "on": journal.on,
        "period": journal.on[:7],
        "state": "booked",
        "total": total,
        "currency": home,
        "lines": lines,
    }
