"""A small firm for tests of the way in: two legal entities, two people, three projects, rates, as values in memory.

``psa`` is the system of record of time, ``erp`` posts, ``timeapp`` hands in by the API.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal

import msgspec

from tieout.inbound.normalizer import Arrival, normalize
from tieout.inbound.reading import Reading
from tieout.inbound.rule_context import RuleContext
from tieout.ledger.fx import FxBook
from tieout.ledger.rate_lines import RateContext, RateLine
from tieout.ledger.rating import RateBook
from tieout.model.firm import (
    EntityPolicy,
    Environment,
    FirmConfig,
    FirmFxRate,
    FirmRateLine,
    MappingLine,
    SystemConfig,
)
from tieout.model.reported import FieldValue, ReportedState, ReportedTime
from tieout.records.fact_building import StoredRecord
from tieout.records.reference_book import ReferenceBook

NOW = datetime(2026, 8, 10, 12, tzinfo=UTC)
WORK_DATE = date(2026, 7, 1)
ACCOUNTS = {
    "unbilled_receivable": "1200",
    "unbilled_revenue": "4000",
    "project_cost": "5000",
    "payroll_clearing": "2100",
}
US01, DE01, ACME, P100, P200, P300, DESIGN, BUILD, SENIOR, ADA, BOB, OTHER_TASK = range(1, 13)
SYSTEM_IDS = {"psa": 1, "erp": 2, "timeapp": 3}


def firm(**changes: object) -> FirmConfig:
    """The firm's configuration; ``changes`` replace fields of every entity's policy."""
    policies = tuple(
        msgspec.structs.replace(
            EntityPolicy(entity=code, functional_currency=currency, accounts=ACCOUNTS, increment_minutes=15), **changes
        )
        for code, currency in (("US01", "USD"), ("DE01", "EUR"))
    )
    return FirmConfig(
        name="Test firm",
        version=1,
        content_hash="test",
        systems=(
            SystemConfig(
                name="psa", connector="plain", account="a", environment=Environment.SANDBOX, reads=("time_entries",)
            ),
            SystemConfig(
                name="erp", connector="plain", account="b", environment=Environment.SANDBOX, posts_for=("US01", "DE01")
            ),
            SystemConfig(name="timeapp", connector="api", account="c", environment=Environment.SANDBOX),
        ),
        mappings=tuple(
            MappingLine(
                table="legal_entities",
                line=at,
                system="*",
                entity="*",
                source=word,
                target=code,
                valid_from=date(2020, 1, 1),
            )
            for at, (word, code) in enumerate((("Acme US", "US01"), ("Acme DE", "DE01")), start=1)
        ),
        rates=tuple(
            FirmRateLine(
                context=context,
                line=at,
                scope="global",
                price=Decimal(price),
                currency=currency,
                valid_from=date(2026, 1, 1),
                valid_to=date(2027, 1, 1),
                entity=entity,
            )
            for at, (context, price, currency, entity) in enumerate(
                (
                    ("bill", "200", "USD", "US01"),
                    ("bill", "180", "EUR", "DE01"),
                    ("cost", "80", "USD", "US01"),
                    ("cost", "70", "EUR", "DE01"),
                ),
                start=1,
            )
        ),
        fx_rates=(FirmFxRate(day=date(2026, 7, 1), base="EUR", quote="USD", rate=Decimal("1.1")),),
        policies=policies,
    )


def _record(
    record_id: int,
    kind: str,
    code: str | None,
    fields: dict[str, FieldValue],
    refs: Mapping[str, str] | None = None,
) -> StoredRecord:
    return StoredRecord(
        record_id, kind, code, fields, {name: ("psa", key) for name, key in (refs or {}).items()}, False
    )


def stored_records() -> list[StoredRecord]:
    """The golden records of the firm."""
    periods = [
        _record(
            100 + at * 20 + month,
            "period",
            None,
            {
                "code": f"2026-{month:02d}",
                "starts": f"2026-{month:02d}-01",
                "ends": f"2026-{month + 1:02d}-01",
                "state": "closed" if month == 5 else "open",
            },
            {"legal_entity": entity},
        )
        for at, entity in enumerate(("Acme US", "Acme DE"))
        for month in range(1, 12)
    ]
    return [
        _record(US01, "legal_entity", "US01", {"functional_currency": "USD", "time_zone": "America/New_York"}),
        _record(DE01, "legal_entity", "DE01", {"functional_currency": "EUR", "time_zone": "Europe/Berlin"}),
        _record(ACME, "client", "ACME", {"code": "ACME", "name": "Acme", "currency": "USD"}),
        _record(
            P100,
            "project",
            "P100",
            {"code": "P100", "name": "One", "status": "active", "currency": "USD", "service_line": "consulting"},
            {"legal_entity": "Acme US", "client": "c1"},
        ),
        _record(
            P200,
            "project",
            "P200",
            {"code": "P200", "name": "Two", "status": "active", "currency": "EUR"},
            {"legal_entity": "Acme DE"},
        ),
        _record(
            P300,
            "project",
            "P300",
            {"code": "P300", "name": "Three", "status": "active", "currency": "USD"},
            {"legal_entity": "Acme Mars"},
        ),
        _record(DESIGN, "task", None, {"name": "Design", "open_for_time": True}, {"project": "p100"}),
        _record(BUILD, "task", None, {"name": "Build", "open_for_time": False}, {"project": "p100"}),
        _record(OTHER_TASK, "task", None, {"name": "Other", "open_for_time": True}, {"project": "p200"}),
        _record(SENIOR, "role", "Senior", {"name": "Senior"}),
        _record(
            ADA,
            "resource",
            "ada@example.com",
            {"name": "Ada", "email": "ada@example.com", "employment_from": "2020-01-01"},
            {"legal_entity": "Acme US", "role": "r1"},
        ),
        _record(
            BOB,
            "resource",
            "bob@example.com",
            {"name": "Bob", "email": "bob@example.com", "employment_from": "2026-08-01"},
            {"legal_entity": "Acme US", "role": "r1"},
        ),
        *periods,
    ]


CROSS_REFERENCES = [
    ("client", "psa", "c1", ACME),
    ("project", "psa", "p100", P100),
    ("project", "psa", "p200", P200),
    ("project", "psa", "p300", P300),
    ("task", "psa", "design", DESIGN),
    ("task", "psa", "build", BUILD),
    ("task", "psa", "other", OTHER_TASK),
    ("role", "psa", "r1", SENIOR),
    ("resource", "psa", "ada", ADA),
    ("resource", "psa", "bob", BOB),
]


def book(config: FirmConfig | None = None, records: list[StoredRecord] | None = None) -> ReferenceBook:
    """The reference of the firm in memory."""
    return ReferenceBook(
        version=1,
        on=NOW.date(),
        firm=config or firm(),
        system_ids=SYSTEM_IDS,
        records=records if records is not None else stored_records(),
        cross_references=CROSS_REFERENCES,
    )


def rates() -> RateBook:
    """Bill 200 USD and cost 80 USD an hour in 2026 for US01."""
    lines = [
        RateLine(
            rate_line_id=at,
            context=context,
            origin=f"test {at}",
            scope=1,
            price=Decimal(price),
            currency="USD",
            valid_from=date(2026, 1, 1).toordinal(),
            valid_to=date(2027, 1, 1).toordinal(),
            entity_id=US01,
        )
        for at, (context, price) in enumerate(((RateContext.BILL, "200"), (RateContext.COST, "80")), start=1)
    ]
    return RateBook(version=1, lines=lines, fx=FxBook([]))


def context(config: FirmConfig | None = None, records: list[StoredRecord] | None = None) -> RuleContext:
    """What the rules judge by."""
    return RuleContext(book(config, records), NOW)


def said(**changes: object) -> ReportedTime:
    """A good time entry; ``changes`` make it another one."""
    good = ReportedTime(
        source_id="1",
        version=1,
        state=ReportedState.APPROVED,
        person="ada",
        project="p100",
        task="design",
        role="r1",
        work_date=WORK_DATE,
        hours=Decimal("7.5"),
        billable=True,
        narrative="Design of the interface",
        approved_by="carol",
        approved_at=datetime(2026, 7, 3, tzinfo=UTC),
    )
    return msgspec.structs.replace(good, **changes)


def read(
    one: ReportedTime, by: RuleContext | None = None, *, system: str = "psa", message_id: int = 1, item_no: int = 0
) -> Reading:
    """``one`` normalised."""
    readings, unreadable = normalize(
        [Arrival(message_id, item_no, system, "time_entries", one)], by if by is not None else context()
    )
    assert not unreadable, unreadable
    return readings[0]
