"""Reads deals with their lines and contracts from the golden records; a handful of statements per batch of deals.

``deal`` has the values, ``validation`` judges them. Deals are not part of the reference book: they are many and change
often, and only what is asked for is read here.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Final

import msgspec
from psycopg import Cursor

from tieout.model.reported import FieldValue, RecordType
from tieout.records.field_filling import told as told_fields
from tieout.records.field_filling import wanted_fields
from tieout.records.mapping import ANY, ROLES
from tieout.records.merge import Golden
from tieout.records.reference_book import ReferenceBook
from tieout.records.store import Key, golden_by_id, keys_of_records, reports_by_key
from tieout.streams.lead_to_project.deal import Deal, DealContract, DealLine

RATE_CARDS: Final = "rate_cards"
_Ref = tuple[str, str]


class _Found(msgspec.Struct, frozen=True, kw_only=True):
    """A golden record with the key by which its system knows it."""

    record_id: int
    system: str
    key: str
    golden: Golden


def read_deals(cur: Cursor[tuple[object, ...]], deal_ids: Sequence[int], book: ReferenceBook) -> list[Deal]:
    """The deals of ``deal_ids``, in their order; ids that are no deals are left out."""
    deals = _records(cur, deal_ids)
    lines = _lines_of(cur, {(one.system, one.key) for one in deals.values()})
    contracts = _contracts_of(cur, deals.values())
    accounts = _accounts_of(cur, deals.values())
    found = []
    for deal_id in deal_ids:
        one = deals.get(deal_id)
        if one is not None:
            own_lines = [_line(line, book) for line in lines.get((one.system, one.key), ())]
            contract = contracts.get(deal_id)
            account = accounts.get((one.system, _ref_key(one.golden, "client") or ""), {})
            read = _deal(one, own_lines, None if contract is None else _contract(contract, book), book)
            tax_id, country = _words(account.get("tax_id")), _words(account.get("country"))
            found.append(msgspec.structs.replace(read, client_tax_id=tax_id, client_country=country))
    return found


def affected_deals(cur: Cursor[tuple[object, ...]], record_ids: Sequence[int]) -> list[int]:
    """The deals that a change of ``record_ids`` may touch.

    Themselves; by line, contract, customer or rate card, told before or after the deal; and those that are held, where
    what they may be waiting for is among the records.
    """
    ids = list(record_ids)
    cur.execute(
        """
        select g.record_id from golden_record g where g.record_id = any(%(ids)s) and g.type = 'deal'
         union
        select x.record_id
          from golden_record g
          join cross_reference x on x.type = 'deal' and x.system = g.refs -> 'deal' ->> 0
                                and x.source_id = g.refs -> 'deal' ->> 1
         where g.record_id = any(%(ids)s) and g.type in ('deal_line', 'contract')
         union
        select d.record_id
          from golden_record g
          join cross_reference x on x.record_id = g.record_id
          join golden_record d on d.type = 'deal' and d.refs -> 'client' ->> 0 = x.system
                              and d.refs -> 'client' ->> 1 = x.source_id
         where g.record_id = any(%(ids)s) and g.type = 'client'
         union
        select d.record_id
          from golden_record g
          join cross_reference x on x.record_id = g.record_id
          join golden_record d on d.type = 'deal' and d.refs -> 'contract' ->> 0 = x.system
                              and d.refs -> 'contract' ->> 1 = x.source_id
         where g.record_id = any(%(ids)s) and g.type = 'contract'
         union
        select w.deal_id from won_deal w
         where w.state = 'held'
           and exists (select from golden_record g
                        where g.record_id = any(%(ids)s)
                          and g.type in ('contract', 'rate_card', 'role', 'legal_entity'))
         union
        select w.deal_id from won_deal w where w.client_id = any(%(ids)s)
         union
        select w.deal_id from won_deal w where w.contract_id = any(%(ids)s)
         union
        select w.deal_id from won_deal w where w.rate_card_id = any(%(ids)s)
         union
        select w.deal_id
          from golden_record g
          join cross_reference x on x.type = 'rate_card' and x.system = g.refs -> 'rate_card' ->> 0
                                and x.source_id = g.refs -> 'rate_card' ->> 1
          join won_deal w on w.rate_card_id = x.record_id
         where g.record_id = any(%(ids)s) and g.type = 'rate_line'
         order by 1
        """,
        {"ids": ids},
    )
    return [int(str(row[0])) for row in cur.fetchall()]


def deals_after(cur: Cursor[tuple[object, ...]], record_id: int, *, limit: int) -> list[int]:
    """The next ``limit`` deals in the order of their ids."""
    cur.execute(
        "select record_id from golden_record where type = 'deal' and record_id > %s order by record_id limit %s",
        (record_id, limit),
    )
    return [int(str(row[0])) for row in cur.fetchall()]


def _records(cur: Cursor[tuple[object, ...]], record_ids: Iterable[int]) -> dict[int, _Found]:
    rows = golden_by_id(cur, record_ids)
    keys = keys_of_records(cur, rows)
    return {
        record_id: _Found(record_id=record_id, system=key[1], key=key[2], golden=row.golden)
        for record_id, row in rows.items()
        if (key := _first(keys.get(record_id, ()))) is not None
    }


def _first(keys: Iterable[Key]) -> Key | None:
    return min(keys, default=None)


def _lines_of(cur: Cursor[tuple[object, ...]], deals: set[_Ref]) -> dict[_Ref, list[_Found]]:
    cur.execute(
        """
        select g.record_id, g.refs -> 'deal' ->> 0, g.refs -> 'deal' ->> 1
          from golden_record g
          join unnest(%s::text[], %s::text[]) as given (system, key)
            on g.refs -> 'deal' ->> 0 = given.system and g.refs -> 'deal' ->> 1 = given.key
         where g.type = 'deal_line'
        """,
        ([one[0] for one in deals], [one[1] for one in deals]),
    )
    owners = {int(str(row[0])): (str(row[1]), str(row[2])) for row in cur.fetchall()}
    found: dict[_Ref, list[_Found]] = {}
    for record_id, line in _records(cur, owners).items():
        found.setdefault(owners[record_id], []).append(line)
    for lines in found.values():
        lines.sort(key=lambda one: (len(one.key), one.key))
    return found


def _contracts_of(cur: Cursor[tuple[object, ...]], deals: Iterable[_Found]) -> dict[int, _Found]:
    """By deal: the contract that it names by key, else the one that names it, else the one with its contract number."""
    wanted = list(deals)
    cur.execute(
        """
        select distinct on (d.deal_id) d.deal_id, g.record_id
          from unnest(%s::int[], %s::text[], %s::text[], %s::text[], %s::text[])
               as d (deal_id, system, key, contract_key, number)
          join cross_reference x on x.type = 'contract' and x.system = d.system
          join golden_record g on g.record_id = x.record_id and not g.tombstone
         where x.source_id = d.contract_key or g.refs -> 'deal' ->> 1 = d.key or g.fields ->> 'code' = d.number
         order by d.deal_id, (x.source_id = d.contract_key) desc nulls last,
                  (g.refs -> 'deal' ->> 1 = d.key) desc nulls last, g.record_id
        """,
        (
            [one.record_id for one in wanted],
            [one.system for one in wanted],
            [one.key for one in wanted],
            [_ref_key(one.golden, "contract") for one in wanted],
            [_text(one.golden, "contract_number") for one in wanted],
        ),
    )
    ids = {int(str(row[0])): int(str(row[1])) for row in cur.fetchall()}
    records = _records(cur, ids.values())
    return {deal_id: records[contract_id] for deal_id, contract_id in ids.items() if contract_id in records}


def _accounts_of(cur: Cursor[tuple[object, ...]], deals: Iterable[_Found]) -> dict[_Ref, dict[str, FieldValue]]:
    """What the CRM itself says of the customers of the deals."""
    refs = {(one.system, key) for one in deals if (key := _ref_key(one.golden, "client")) is not None}
    reports = reports_by_key(cur, [(str(RecordType.CLIENT), *ref) for ref in refs])
    return {(one.system, one.source_id): one.fields for one in reports.values() if not one.deleted}


def _deal(one: _Found, lines: Sequence[DealLine], contract: DealContract | None, book: ReferenceBook) -> Deal:
    golden = one.golden
    told = [golden.provenance[name].since for name in ("stage", "is_won") if name in golden.provenance]
    card = _text(golden, "rate_card_code")
    return Deal(
        record_id=one.record_id,
        system=one.system,
        key=one.key,
        version=golden.version,
        code=_text(golden, "code"),
        name=_text(golden, "name") or one.key,
        stage=_text(golden, "stage"),
        stage_since=told[0] if told else min(why.since for why in golden.provenance.values()),
        is_won=_flag(golden, "is_won"),
        is_closed=_flag(golden, "is_closed"),
        deleted=golden.tombstone,
        amount=_decimal(golden, "amount"),
        currency=_text(golden, "currency"),
        close_date=_date(golden, "close_date"),
        starts=_date(golden, "starts"),
        ends=_date(golden, "ends"),
        service_line=_text(golden, "service_line"),
        rate_card_said=card,
        rate_card_ids=() if card is None else _cards(one.system, card, book),
        contract_number=_text(golden, "contract_number"),
        contract=contract,
        po_number=_text(golden, "po_number"),
        tax_treatment=_text(golden, "tax_treatment"),
        project_code=_text(golden, "project_code"),
        project_status=_text(golden, "project_status"),
        owner_email=_text(golden, "owner_email"),
        client_id=_client(one, book),
        client_said=_ref_key(golden, "client"),
        entity_id=_entity(one, book),
        entity_said=_ref_key(golden, "legal_entity"),
        told=told_fields(golden.fields, golden.code, wanted_fields(book.firm).get(RecordType.DEAL, ())),
        lines=tuple(lines),
    )


def _line(one: _Found, book: ReferenceBook) -> DealLine:
    golden = one.golden
    said = _text(golden, "role_name")
    role_id = book.resolver.record(RecordType.ROLE, golden.refs.get("role"))
    if role_id is None and said is not None:
        role_id = book.by_code(RecordType.ROLE, book.map_value(ROLES, one.system, ANY, said, book.on) or said)
    facts = None if role_id is None else book.role_by_id.get(role_id)
    known = facts is not None and not facts.deleted
    return DealLine(
        key=one.key,
        role_said=said or _ref_key(golden, "role"),
        role_id=role_id if known else None,
        role=None if facts is None else facts.code or facts.name,
        description=_text(golden, "description"),
        hours=_decimal(golden, "hours"),
        starts=_date(golden, "starts"),
        ends=_date(golden, "ends"),
        deleted=golden.tombstone,
    )


def _contract(one: _Found, book: ReferenceBook) -> DealContract:
    golden = one.golden
    return DealContract(
        record_id=one.record_id,
        number=_text(golden, "code"),
        name=_text(golden, "name"),
        status=_text(golden, "status"),
        currency=_text(golden, "currency"),
        signed_value=_decimal(golden, "signed_value"),
        starts=_date(golden, "starts"),
        ends=_date(golden, "ends"),
        po_number=_text(golden, "po_number"),
        tax_treatment=_text(golden, "tax_treatment"),
        client_id=_client(one, book),
        entity_id=_entity(one, book),
        rate_card_id=book.resolver.record(RecordType.RATE_CARD, golden.refs.get("rate_card")),
        told=told_fields(golden.fields, golden.code, wanted_fields(book.firm).get(RecordType.CONTRACT, ())),
    )


def _client(one: _Found, book: ReferenceBook) -> int | None:
    """The customer: what ``mappings/clients.csv`` makes of its key or code; so two accounts can be one customer."""
    return book.resolver.record(RecordType.CLIENT, one.golden.refs.get("client"))


def _entity(one: _Found, book: ReferenceBook) -> int | None:
    ref = one.golden.refs.get("legal_entity")
    return None if ref is None else book.resolver.entity(ref)


def _cards(system: str, said: str, book: ReferenceBook) -> tuple[int, ...]:
    """The rate cards that ``said`` fits: by ``mappings/rate_cards.csv`` or as it is, by code before name."""
    word = book.map_value(RATE_CARDS, system, ANY, said, book.on) or said
    live = [card for card in book.rate_card_by_id.values() if not card.deleted]
    by_code = tuple(card.record_id for card in live if card.code == word)
    return by_code or tuple(card.record_id for card in live if card.name == word)


def _text(golden: Golden, name: str) -> str | None:
    return _words(golden.fields.get(name))


def _words(value: FieldValue) -> str | None:
    return value.strip() or None if isinstance(value, str) else None


def _flag(golden: Golden, name: str) -> bool | None:
    value = golden.fields.get(name)
    return value if isinstance(value, bool) else None


def _decimal(golden: Golden, name: str) -> Decimal | None:
    text = _text(golden, name)
    return None if text is None else Decimal(text)


def _date(golden: Golden, name: str) -> date | None:
    text = _text(golden, name)
    return None if text is None else date.fromisoformat(text)


def _ref_key(golden: Golden, name: str) -> str | None:
    ref = golden.refs.get(name)
    return None if ref is None else ref[1]
