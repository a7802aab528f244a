"""A deal, its surroundings and the firm that judges it, as values in memory."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import msgspec
from tests.worlds.project_hub import POLICY, firm

from tieout.ledger.fx import FxBook
from tieout.ledger.rate_lines import SCOPE_RANK, RateContext, RateLine
from tieout.ledger.rating import RateBook
from tieout.model.firm import FirmConfig
from tieout.model.stream_policy import LeadToProject
from tieout.records.fact_building import StoredRecord
from tieout.records.reference_book import ReferenceBook
from tieout.streams.lead_to_project.deal import Deal, DealContract, DealLine
from tieout.streams.lead_to_project.surroundings import Surroundings

US01, DE01, ACME, SENIOR, JUNIOR, CARD = 1, 2, 3, 4, 5, 6
TODAY = date(2026, 8, 10)


def surroundings(
    policy: LeadToProject = POLICY, *, config: FirmConfig | None = None, priced_until: date | None = None
) -> Surroundings:
    """The firm of ``project_hub`` with a rate card that prices a senior, until a day."""
    records = [
        StoredRecord(US01, "legal_entity", "US01", {"functional_currency": "USD", "country": "US"}, {}, False),
        StoredRecord(DE01, "legal_entity", "DE01", {"functional_currency": "EUR", "country": "DE"}, {}, False),
        StoredRecord(ACME, "client", "ACME", {"name": "Acme", "country": "US", "tax_id": "1"}, {}, False),
        StoredRecord(SENIOR, "role", "Senior", {"name": "Senior"}, {}, False),
        StoredRecord(JUNIOR, "role", "Junior", {"name": "Junior"}, {}, False),
        StoredRecord(CARD, "rate_card", None, {"code": "RC-USD", "name": "USD", "currency": "USD"}, {}, False),
    ]
    config = config or firm(policy)
    book = ReferenceBook(
        version=1,
        on=TODAY,
        firm=config,
        system_ids={"crm": 1},
        records=records,
        cross_references=[("client", "crm", "a1", ACME)],
    )
    line = RateLine(
        rate_line_id=1,
        context=RateContext.BILL,
        origin="card",
        scope=SCOPE_RANK["contract"],
        price=Decimal(200),
        currency="USD",
        valid_from=date(2026, 1, 1).toordinal(),
        rate_card_id=CARD,
        role_id=SENIOR,
    )
    if priced_until is not None:
        line = msgspec.structs.replace(line, valid_to=priced_until.toordinal())
    return Surroundings(policy=policy, book=book, rates=RateBook(version=1, lines=[line], fx=FxBook([])))


def deal_line(at: int = 1, **changes: Any) -> DealLine:
    """A hundred hours of a senior."""
    good = DealLine(key=f"l{at}", role_said="Senior", role_id=SENIOR, role="Senior", hours=Decimal(100))
    return msgspec.structs.replace(good, **changes)


def good_deal(**changes: Any) -> Deal:
    """A deal that becomes a project; ``changes`` make it another one."""
    good = Deal(
        record_id=100,
        system="crm",
        key="o1",
        version=1,
        name="Rollout",
        stage_since=datetime(2026, 8, 1, tzinfo=UTC),
        code="D1",
        stage="Closed Won",
        is_won=True,
        is_closed=True,
        amount=Decimal("20000.00"),
        currency="USD",
        close_date=date(2026, 8, 1),
        starts=date(2026, 9, 1),
        ends=date(2026, 12, 1),
        service_line="Strategy",
        rate_card_said="RC-USD",
        rate_card_ids=(CARD,),
        contract=DealContract(
            record_id=200, number="K1", name="Frame", status="signed", currency="USD", client_id=ACME
        ),
        po_number="PO-7",
        owner_email="seller@example.com",
        client_id=ACME,
        client_said="a1",
        entity_id=US01,
        entity_said="Acme US",
        lines=(deal_line(),),
    )
    return msgspec.structs.replace(good, **changes)
