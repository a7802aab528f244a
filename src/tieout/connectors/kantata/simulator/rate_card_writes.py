"""Writes of the simulated account's rate cards: sets, their dated versions, one card for each currency, and rates.

Pages "Rate Card Sets", "Rate Card Set Version", "Rate Cards", "Rate Card Table Rows". A version that is published and
whose day has come cannot be changed; none is published for a day that another one has. A POST that is repeated makes a
second row. Neighbours: ``masters`` writes what is no rate card, ``kantata_ox`` routes here.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Final

import msgspec

from tieout.connectors.kantata.simulator.answers import bad_request, invalid, not_found
from tieout.connectors.kantata.simulator.seeding import FIRST_ID
from tieout.connectors.kantata.simulator.tables import Document, Documents, Json

_MEMBERS: Final = {
    "rate_card_sets": "rate_card_set",
    "rate_card_set_versions": "rate_card_set_version",
    "rate_cards": "rate_card",
}
_ATTRIBUTES: Final = {
    "rate_card_sets": frozenset({"title"}),
    "rate_card_set_versions": frozenset({"rate_card_set_id", "effective_date"}),
    "rate_cards": frozenset({"rate_card_set_id", "rate_card_set_version_id", "currency", "external_reference"}),
}
_Body = dict[str, object]
_Refer = Callable[[str, Document, Mapping[str, object]], None]


class _Rate(msgspec.Struct, frozen=True):
    currency: str
    rate: int


class _Rates(msgspec.Struct, frozen=True):
    rates: list[_Rate]


class _RowBody(msgspec.Struct, frozen=True):
    rate_card_table_row: _Rates


class RateCardWrites:
    """Handles writes of rate cards; ``now`` is the account's clock in whole seconds since 1970."""

    def __init__(self, documents: Documents, now: Callable[[], int], refer: _Refer) -> None:
        """``refer`` keeps the external reference that a row is told."""
        self._documents = documents
        self._now = now
        self._refer = refer

    def create(self, collection: str, payload: bytes, query: Mapping[str, str]) -> int:
        """POST: a new row, whatever there is already; returns its id."""
        body = _body(collection, payload)
        match collection:
            case "rate_card_sets":
                fields: dict[str, Json] = {"title": _text(body, "title"), "account_default": False}
                return self._put("rate_card_sets", fields).id
            case "rate_card_set_versions":
                return self._new_set_version(body, query.get("clone_id"))
        return self._new_card(body)

    def update(self, collection: str, row_id: int, payload: bytes) -> None:
        """PUT: change what the body names; a set that is retitled retitles its cards."""
        held = self._row(collection, row_id)
        body = _body(collection, payload)
        if collection == "rate_card_sets":
            held.fields["title"] = _text(body, "title")
            for card in self._cards_of(row_id):
                card.fields["rate_card_set_title"] = held.fields["title"]
                self._touch("rate_cards", card)
        if collection == "rate_card_set_versions":
            self._refuse_past(held)
            held.fields["effective_date"] = _day(body)
        if "currency" in body and body["currency"] != held.fields["currency"]:
            raise invalid("Currency cannot be changed", "currency")
        self._touch(collection, held)
        reference = body.get("external_reference")
        if isinstance(reference, dict):
            self._refer(collection, held, reference)

    def publish(self, set_version_id: int) -> None:
        """PUT .../publish: from its day on the version counts; there is no way back."""
        held = self._row("rate_card_set_versions", set_version_id)
        same = [
            one
            for one in self._set_versions(int(str(held.fields["rate_card_set_id"])))
            if one.id != held.id and one.fields["active"]
        ]
        if any(one.fields["effective_date"] == held.fields["effective_date"] for one in same):
            raise invalid("Effective date has already been taken", "effective_date")
        held.fields["active"] = True
        self._touch("rate_card_set_versions", held)

    def put_rates(self, set_version_id: int, role_id: int, payload: bytes) -> list[Json]:
        """PUT .../rate_card_table_rows/ROLE: what an hour of a role costs, by currency; returns it as it is held."""
        set_version = self._row("rate_card_set_versions", set_version_id)
        self._row("roles", role_id)
        self._refuse_past(set_version)
        try:
            rates = msgspec.json.decode(payload, type=_RowBody).rate_card_table_row.rates
        except msgspec.MsgspecError as error:
            raise bad_request("The body is not JSON of the documented form") from error
        for one in rates:
            version = self._version(set_version, one.currency)
            held = self._rate_of(version, role_id)
            if held is not None:
                held.fields["rate"] = one.rate
                self._touch("rate_card_roles", held)
                continue
            self._add_rate(version, role_id, one.rate)
        return [{"currency": one.currency, "rate": one.rate} for one in rates]

    def remove_rate(self, row_id: int) -> None:
        """DELETE /rate_card_roles/ID."""
        held = self._row("rate_card_roles", row_id)
        version = self._row("rate_card_versions", int(str(held.fields["rate_card_version_id"])))
        self._refuse_past(self._row("rate_card_set_versions", int(str(version.fields["rate_card_set_version_id"]))))
        version.links["rate_card_roles"].remove(row_id)
        self._touch("rate_card_versions", version)
        self._documents.remove("rate_card_roles", row_id)

    def _new_set_version(self, body: _Body, copied: str | None) -> int:
        set_id = self._row("rate_card_sets", _id(body, "rate_card_set_id")).id
        fields: dict[str, Json] = {"effective_date": _day(body), "active": False, "rate_card_set_id": str(set_id)}
        made = self._put("rate_card_set_versions", fields)
        before = None if copied is None else self._row("rate_card_set_versions", int(copied))
        for card in self._cards_of(set_id):
            version = self._new_version(card, made)
            for row in [] if before is None else self._rates_of(self._version(before, str(card.fields["currency"]))):
                self._add_rate(version, int(str(row.fields["role_id"])), int(str(row.fields["rate"])))
        return made.id

    def _new_card(self, body: _Body) -> int:
        card_set = self._row("rate_card_sets", _id(body, "rate_card_set_id"))
        self._row("rate_card_set_versions", _id(body, "rate_card_set_version_id"))
        currency = _text(body, "currency")
        if any(one.fields["currency"] == currency for one in self._cards_of(card_set.id)):
            raise invalid("Currency has already been taken", "currency")
        fields: dict[str, Json] = {
            "currency": currency,
            "rate_card_set_id": str(card_set.id),
            "rate_card_set_title": card_set.fields["title"],
        }
        card = self._put("rate_cards", fields)
        for one in self._set_versions(card_set.id):
            self._new_version(card, one)
        return card.id

    def _new_version(self, card: Document, set_version: Document) -> Document:
        fields: dict[str, Json] = {
            "default_rate": None,
            "rate_card_id": str(card.id),
            "rate_card_set_version_id": str(set_version.id),
        }
        return self._put("rate_card_versions", fields)

    def _add_rate(self, version: Document, role_id: int, rate: int) -> None:
        fields: dict[str, Json] = {"rate": rate, "role_id": str(role_id), "rate_card_version_id": str(version.id)}
        row = self._put("rate_card_roles", fields)
        version.links.setdefault("rate_card_roles", []).append(row.id)
        self._touch("rate_card_versions", version)

    def _version(self, set_version: Document, currency: str) -> Document:
        cards = {str(one.id) for one in self._cards_of(int(str(set_version.fields["rate_card_set_id"])))}
        for one in self._documents.of("rate_card_versions").values():
            card = str(one.fields["rate_card_id"])
            if one.fields["rate_card_set_version_id"] == str(set_version.id) and card in cards:
                held = self._row("rate_cards", int(card))
                if held.fields["currency"] == currency:
                    return one
        raise invalid(f"{currency} is not a currency of the rate card set", "currency")

    def _rate_of(self, version: Document, role_id: int) -> Document | None:
        return next((one for one in self._rates_of(version) if one.fields["role_id"] == str(role_id)), None)

    def _rates_of(self, version: Document) -> list[Document]:
        return [self._row("rate_card_roles", one) for one in version.links.get("rate_card_roles", [])]

    def _cards_of(self, set_id: int) -> list[Document]:
        cards = self._documents.of("rate_cards").values()
        return [one for one in cards if one.fields["rate_card_set_id"] == str(set_id)]

    def _set_versions(self, set_id: int) -> list[Document]:
        versions = self._documents.of("rate_card_set_versions").values()
        return [one for one in versions if one.fields["rate_card_set_id"] == str(set_id)]

    def _refuse_past(self, set_version: Document) -> None:
        today = datetime.fromtimestamp(self._now(), UTC).date()
        starts = date.fromisoformat(str(set_version.fields["effective_date"]))
        if set_version.fields["active"] and starts <= today:
            raise invalid("A published Rate Card Set Version that is in effect cannot be changed", "base")

    def _row(self, collection: str, row_id: int) -> Document:
        found = self._documents.get(collection, row_id)
        if found is None:
            raise not_found()
        return found

    def _put(self, collection: str, fields: dict[str, Json]) -> Document:
        row_id = self._documents.next_id(collection, FIRST_ID[collection])
        document = Document(id=row_id, updated_at=self._now(), fields=fields)
        self._documents.put(collection, document)
        return document

    def _touch(self, collection: str, document: Document) -> None:
        document.updated_at = max(self._now(), document.updated_at + 1)
        self._documents.put(collection, document)


def _body(collection: str, payload: bytes) -> _Body:
    try:
        wrapped = msgspec.json.decode(payload, type=dict[str, dict[str, object]])
    except msgspec.DecodeError as error:
        raise bad_request("The body is not JSON of the documented form") from error
    body = wrapped.get(_MEMBERS[collection])
    if body is None:
        raise bad_request(f"{_MEMBERS[collection]} is missing")
    unknown = sorted(body.keys() - _ATTRIBUTES[collection])
    if unknown:
        raise invalid(f"{unknown[0]} is not a known attribute", unknown[0])
    return body


def _text(body: _Body, name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value.strip():
        raise invalid(f"{name} can't be blank", name)
    return value


def _id(body: _Body, name: str) -> int:
    value = str(body.get(name) or "")
    if not value.isdecimal():
        raise invalid(f"{name} can't be blank", name)
    return int(value)


def _day(body: _Body) -> str:
    try:
        return date.fromisoformat(_text(body, "effective_date")).isoformat()
    except ValueError as error:
        raise invalid("effective_date is not a date", "effective_date") from error
