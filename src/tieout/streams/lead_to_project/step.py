"""The step: deals that changed are judged, projects are made of those that are accepted, and what targets said counts.

One transaction of one worker at a time (the stream's position is its lock): it reads what records changed, what the
desk released and what became of deliveries, decides by the pure modules, and stores deals, desk items and the next
deliveries. A wake-up carries nothing: killed anywhere, the next run finds the same state. Neighbours: ``verdict`` and
``saga`` decide, ``joining`` finds a deal's project, ``provision`` sends, ``store`` has the SQL.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec
from psycopg import Connection, Cursor

from tieout.connect.fault_point import fault_point
from tieout.desk import intake
from tieout.desk.intake import NewItem, OpenItem
from tieout.errors import ContractError
from tieout.governance import firm_version
from tieout.ledger.rate_book import RateBookCache
from tieout.model.clock import Clock
from tieout.model.finding import Finding
from tieout.model.money import numeric_code, to_minor
from tieout.records import event_log
from tieout.records.reference_book import BookCache
from tieout.storage.pool import in_transaction
from tieout.streams.lead_to_project import store
from tieout.streams.lead_to_project.deal import Deal
from tieout.streams.lead_to_project.joining import Joiner
from tieout.streams.lead_to_project.provision import Provisioner, described
from tieout.streams.lead_to_project.reader import affected_deals, deals_after, read_deals
from tieout.streams.lead_to_project.store import Position, WonDeal
from tieout.streams.lead_to_project.surroundings import Surroundings
from tieout.streams.lead_to_project.verdict import HELD, OVERRULABLE, Before, Verdict, verdict_on

DEAL: Final = "deal"
OVERRIDE: Final = "override"
_EVENTS: Final = 2000
_DEALS: Final = 200
_SETTLED: Final = 500


@dataclass(frozen=True, kw_only=True)
class ProjectContext:
    """What the step needs beside the database."""

    clock: Clock
    books: BookCache
    rates: RateBookCache


@dataclass(frozen=True, kw_only=True)
class _News:
    """What one run looks at, and the position that it leaves behind."""

    deal_ids: tuple[int, ...]
    released: tuple[OpenItem, ...]
    settled: tuple[int, ...]
    position: Position | None

    @property
    def count(self) -> int:
        return len(self.deal_ids) + len(self.settled) + (self.position is not None)


def advance_projects(conn: Connection[tuple[object, ...]], context: ProjectContext) -> int:
    """Judge what changed and send what may be sent; returns how much there was to look at (0: nothing)."""
    if firm_version.current(conn).streams.lead_to_project is None:
        return 0
    done = in_transaction(conn, lambda cur: _advance(cur, context))
    if done:
        fault_point("streams.provisioning.after_commit")
    return done


def _advance(cur: Cursor[tuple[object, ...]], context: ProjectContext) -> int:
    position = store.take_position(cur)
    if position is None:
        return 0
    # What changed is read before the reference: a change is never judged by what was known before it.
    news = _news(cur, position)
    book = context.books.get(cur.connection)
    policy = book.firm.streams.lead_to_project
    if policy is None or not news.count:
        return 0
    now = context.clock.now()
    around = Surroundings(policy=policy, book=book, rates=context.rates.get(cur.connection))
    touched = _judge(cur, around, news, now=now)
    Provisioner(cur, around, now=now).advance(sorted(touched | set(news.settled)))
    if news.position is not None:
        store.move_position(cur, news.position)
    fault_point("streams.provisioning.before_commit")
    return news.count


def _news(cur: Cursor[tuple[object, ...]], position: Position) -> _News:
    changes = event_log.record_changes(cur, after=position.event_id, limit=_EVENTS)
    after = position if not changes else msgspec.structs.replace(position, event_id=changes[-1].event_id)
    deal_ids = set(affected_deals(cur, [one.record_id for one in changes])) if changes else set()
    firm = firm_version.current(cur.connection).version
    if firm != position.firm_version:
        after = msgspec.structs.replace(after, firm_version=firm, read_on_from=0)
    if after.read_on_from is not None:
        page = deals_after(cur, after.read_on_from, limit=_DEALS)
        deal_ids |= set(page)
        after = msgspec.structs.replace(after, read_on_from=page[-1] if len(page) == _DEALS else None)
    released = intake.claim_released(cur, [DEAL], limit=_DEALS)
    return _News(
        deal_ids=tuple(sorted(deal_ids | {one.subject_id for one in released})),
        released=tuple(released),
        settled=tuple(store.take_up_settled(cur, limit=_SETTLED)),
        position=after if after != position else None,
    )


def _judge(cur: Cursor[tuple[object, ...]], around: Surroundings, news: _News, *, now: datetime) -> set[int]:
    """Judge the deals, store what they are now and settle the desk; returns the provisionings that this touches."""
    if not news.deal_ids:
        return set()
    deals = read_deals(cur, news.deal_ids, around.book)
    known = store.won_deals(cur, news.deal_ids)
    before = _before(cur, around, known, news.released)
    joiner = Joiner(cur, around, [one.provisioning_id for one in known.values() if one.provisioning_id], now=now)
    rows: dict[int, WonDeal] = {}
    items: dict[int, tuple[Deal, Finding | None]] = {}
    for deal in sorted(deals, key=lambda one: (one.stage_since, one.number, one.record_id)):
        verdict = verdict_on(deal, before.get(deal.record_id), around)
        if verdict is None:
            continue
        row = known.get(deal.record_id)
        placed = None if row is None else row.provisioning_id
        if verdict.accepted is not None:
            verdict, placed = joiner.join(deal, verdict, placed)
        row = row or _first_row(deal, now=now)
        rows[deal.record_id] = _row(deal, verdict, row, around, now=now, provisioning_id=placed)
        items[deal.record_id] = (deal, verdict.blocking)
    store.save_deals(cur, rows.values(), now=now)
    _settle_desk(cur, around, items, rows, now=now)
    return {one.provisioning_id for one in rows.values() if one.provisioning_id is not None}


def _before(
    cur: Cursor[tuple[object, ...]],
    around: Surroundings,
    known: dict[int, WonDeal],
    released: Iterable[OpenItem],
) -> dict[int, Before]:
    """What is known of each deal that was judged before, with what a person just overruled."""
    projects = store.provisionings(cur, {one.provisioning_id for one in known.values() if one.provisioning_id})
    where = store.where_they_are(cur, projects)
    approved: dict[int, set[bytes]] = {}
    for deal_id, terms in store.approved_terms(cur, known):
        approved.setdefault(deal_id, set()).add(terms)
    overruled = {one.subject_id: one.context[OVERRIDE] for one in released if OVERRIDE in one.context}
    found = {}
    for deal_id, row in known.items():
        project = None if row.provisioning_id is None else projects[row.provisioning_id]
        codes = {*row.overruled, *([overruled[deal_id]] if deal_id in overruled else [])}
        found[deal_id] = Before(
            state=row.state,
            accepted=row.decoded(around.book.surviving_client),
            project_code=None if project is None else project.code,
            exists="" if project is None else described(where.get(project.provisioning_id, {})),
            overruled=frozenset(codes) & OVERRULABLE,
            approved=frozenset(approved.get(deal_id, ())),
        )
    return found


def _first_row(deal: Deal, *, now: datetime) -> WonDeal:
    return WonDeal(
        deal_id=deal.record_id,
        system=deal.system,
        source_id=deal.key,
        number=deal.number,
        name=deal.name,
        state=HELD,
        version=deal.version,
        completeness=0,
        won_at=deal.stage_since,
        learned_at=now,
    )


def _row(
    deal: Deal, verdict: Verdict, before: WonDeal, around: Surroundings, *, now: datetime, provisioning_id: int | None
) -> WonDeal:
    """The deal as it is stored now."""
    card = around.card_of(deal)
    accepted = verdict.accepted
    valid = verdict.terms is not None
    return msgspec.structs.replace(
        before,
        number=deal.number,
        name=deal.name,
        state=verdict.state,
        version=deal.version,
        completeness=before.completeness if verdict.percent is None else verdict.percent,
        provisioning_id=provisioning_id,
        client_id=deal.client_id,
        contract_id=None if deal.contract is None else deal.contract.record_id,
        rate_card_id=None if card is None else card.record_id,
        entity_id=deal.entity_id,
        amount_minor=_amount_minor(deal),
        currency=_currency_number(deal),
        owner_email=deal.owner_email,
        accepted=before.accepted if accepted is None else msgspec.json.encode(accepted).decode(),
        terms=verdict.terms,
        findings=_told(verdict.findings),
        overruled=tuple(sorted(verdict.overruled)),
        valid_at=before.valid_at or (now if valid else None),
        accepted_at=before.accepted_at or (now if accepted is not None else None),
    )


def _told(findings: Sequence[Finding]) -> str:
    """Findings as the row keeps them, for people to read."""
    return msgspec.json.encode(
        [
            {
                "code": one.code,
                "message": one.message,
                "owner": one.owner,
                "next_step": one.next_step,
                "held": one.blocks,
            }
            for one in findings
        ]
    ).decode()


def _settle_desk(
    cur: Cursor[tuple[object, ...]],
    around: Surroundings,
    items: dict[int, tuple[Deal, Finding | None]],
    rows: dict[int, WonDeal],
    *,
    now: datetime,
) -> None:
    """One open item at most for every deal, saying what holds it now; none for what a person excluded."""
    known = intake.open_items_of(cur, DEAL, list(items))
    excluded = store.excluded_causes(cur, items)
    healed = [known[deal_id].item_id for deal_id, (_, found) in items.items() if found is None and deal_id in known]
    intake.resolve_items(cur, healed, now=now, reason="Nothing holds the deal any more.")
    fresh: list[NewItem] = []
    for deal_id, (deal, found) in items.items():
        if found is None:
            continue
        item = _item(deal, rows[deal_id], found, around)
        if deal_id in known:
            intake.update(cur, [(known[deal_id].item_id, item)], now=now)
        elif (deal_id, found.code, found.cause_key) not in excluded:
            fresh.append(item)
    intake.open_items(cur, fresh, now=now)


def _item(deal: Deal, row: WonDeal, found: Finding, around: Surroundings) -> NewItem:
    """What the desk shows of a deal: its worth, and what else is wrong. No time entry stands behind it."""
    others = sorted({one["code"] for one in msgspec.json.decode(row.findings)} - {found.code})
    return NewItem(
        subject_kind=DEAL,
        subject_id=deal.record_id,
        finding=found,
        system_id=around.book.system_ids.get(deal.system),
        source_id=deal.number,
        entity_id=deal.entity_id,
        document_date=deal.close_date,
        currency=row.currency,
        entry_count=0,
        amount_minor=row.amount_minor,
        context={"deal": deal.number, "system": deal.system} | ({"also": ", ".join(others)} if others else {}),
    )


def _amount_minor(deal: Deal) -> int | None:
    if deal.amount is None or deal.currency is None:
        return None
    try:
        return to_minor(deal.amount, deal.currency)
    except ContractError:
        return None


def _currency_number(deal: Deal) -> int | None:
    try:
        return None if deal.currency is None else numeric_code(deal.currency)
    except ContractError:
        return None
