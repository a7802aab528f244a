"""Rates come into force from golden records and from the firm's own files, and are retired when nobody states them."""

from datetime import date
from decimal import Decimal

import msgspec
from tests.worlds.inbound_firm import firm
from tests.worlds.records_database import ENTITIES, Records, bill_rate, said

from tieout.ledger import rate_book
from tieout.ledger.rate_book import RateBookCache
from tieout.ledger.rate_lines import SCOPE_RANK, RateLine
from tieout.model.firm import FirmConfig, FirmFxRate, FirmRateLine
from tieout.model.reported import RecordType, ReportedRecord

CARD = said(RecordType.RATE_CARD, "card1", code="STD", name="Standard", currency="USD")
ROLE = said(RecordType.ROLE, "r1", name="Senior")
PERSON = said(RecordType.RESOURCE, "u1", name="Ada", email="ada@example.com")
PROJECT = said(RecordType.PROJECT, "p1", code="P100", name="One", refs={"rate_card": "card1"})


def rate(price: str = "150.00", source_id: str = "l1", version: int = 1, **fields: str | None) -> ReportedRecord:
    told = {"price": price, "unit": "hour", "valid_from": "2026-01-01", **fields}
    refs = {"rate_card": "card1", "role": "r1"}
    return ReportedRecord(
        type=RecordType.RATE_LINE, source_id=source_id, version=version, fields=dict(told), references=refs
    )


def with_rates(*rates: FirmRateLine, fx: tuple[FirmFxRate, ...] = ()) -> FirmConfig:
    return msgspec.structs.replace(firm(), rates=rates, fx_rates=fx)


def lines(records: Records) -> list[RateLine]:
    return sorted(rate_book.load(records.conn).lines.by_id.values(), key=lambda one: one.rate_line_id)


def waiting(records: Records) -> dict[object, object]:
    return dict(records.rows("select origin, needs from rate_line_waiting"))  # type: ignore[arg-type]  # pairs


def test_a_line_of_a_rate_card_is_of_the_cards_currency_and_the_contracts_scope(records: Records) -> None:
    records.report(CARD, ROLE, PROJECT)
    published = records.publish(records.report(rate()))
    assert (published.rates_added, published.depends_on) == (1, frozenset({"rates"}))
    (line,) = lines(records)
    assert (line.price, line.currency, line.scope) == (Decimal("150.00"), "USD", SCOPE_RANK["contract"])
    facts = records.book().project("psa", "p1")
    assert facts is not None
    assert line.rate_card_id == facts.rate_card_id
    assert line.origin == "psa rate_line l1"


def test_a_line_that_names_an_unknown_role_waits_and_never_fits_everybody(records: Records) -> None:
    records.report(CARD)
    records.publish(records.report(rate()))
    assert lines(records) == []
    assert waiting(records) == {"psa rate_line l1": "role"}
    published = records.publish(records.report(ROLE))
    assert published.rates_added == 1
    assert waiting(records) == {}


def test_a_record_that_no_rate_waits_for_publishes_nothing(records: Records) -> None:
    records.report(CARD)
    records.publish(records.report(rate()))
    result = records.report(PERSON)
    before = records.rows("select version from reference_state")
    assert records.publish(result).depends_on == frozenset()
    assert records.rows("select version from reference_state") == before


def test_a_changed_price_retires_the_line_and_states_another(records: Records) -> None:
    records.report(CARD, ROLE)
    records.publish(records.report(rate()))
    old = lines(records)[0]
    version = rate_book.load(records.conn).version
    published = records.publish(records.report(rate("160.00", version=2)))
    assert (published.rates_added, published.rates_retired) == (1, 1)
    assert [one.price for one in lines(records)] == [Decimal(160)]
    assert rate_book.load(records.conn, version=version).lines.by_id == {old.rate_line_id: old}


def test_a_deleted_card_takes_its_lines_out_of_force(records: Records) -> None:
    records.report(CARD, ROLE)
    records.publish(records.report(rate()))
    records.publish(records.report(msgspec.structs.replace(CARD, version=2, deleted=True)))
    assert lines(records) == []


def test_publishing_again_changes_nothing(records: Records) -> None:
    records.report(CARD, ROLE)
    records.publish(records.report(rate()))
    before = records.rows("select version from reference_state")
    assert records.publish().depends_on == frozenset()
    assert records.rows("select version from reference_state") == before


def test_a_statement_that_cannot_be_right_waits_with_its_reason(records: Records) -> None:
    records.report(CARD, ROLE)
    published = records.publish(
        records.report(
            rate("1.1234567", "long"),
            rate("5", "unit", unit="week"),
            rate("5", "span", valid_to="2025-12-31"),
            rate("5", "type", work_type="night"),
            said(RecordType.RATE_LINE, "none", refs={"rate_card": "card1"}),
        )
    )
    reasons = {one.origin.rsplit(" ", 1)[1]: one.reason for one in published.waiting}
    assert lines(records) == []
    assert "six decimals" in reasons["long"]
    assert "'week'" in reasons["unit"]
    assert "not after its start" in reasons["span"]
    assert "'night'" in reasons["type"]
    assert "price" in reasons["none"]


def test_a_persons_cost_is_stated_by_the_employer(records: Records) -> None:
    records.report(PERSON)
    cost = said(RecordType.COST_RATE, "k1", price="60.5", currency="USD", refs={"resource": "u1"})
    records.publish(records.report(cost))
    (line,) = lines(records)
    assert (line.context, line.scope, line.price) == ("cost", SCOPE_RANK["legal_entity"], Decimal("60.5"))


def test_the_firms_own_lines_name_records_by_their_codes(records: Records) -> None:
    records.report(*ENTITIES, system="erp")
    records.report(PROJECT, ROLE, PERSON, said(RecordType.TASK, "t1", name="Design", refs={"project": "p1"}))
    records.apply(
        with_rates(
            bill_rate("1", scope="project", project="P100", task="Design"),
            bill_rate("2", line=3, scope="assignment", project="P100", resource="Ada@example.com", role="Senior"),
            bill_rate("3", line=4, scope="legal_entity", entity="US01", work_type="overtime"),
            bill_rate("4", line=5, scope="client", client="NOBODY"),
            bill_rate("5", line=6, scope="galaxy"),
        )
    )
    book = records.book()
    project, task = book.project("psa", "p1"), book.task("psa", "t1")
    assert project is not None
    assert task is not None
    assert {one.price: (one.project_id, one.task_id, one.scope) for one in lines(records)} == {
        Decimal(1): (project.record_id, task.record_id, 5),
        Decimal(2): (project.record_id, None, 6),
        Decimal(3): (None, None, 2),
    }
    assert sorted(waiting(records).values()) == ["", "client"]  # type: ignore[type-var]  # text


def test_a_line_that_moves_within_its_file_stays_in_force(records: Records) -> None:
    records.apply(with_rates(bill_rate("100", line=2)))
    before = lines(records)
    applied = records.apply(with_rates(bill_rate("50", line=2, work_type="travel"), bill_rate("100", line=3)))
    assert (applied.published.rates_added, applied.published.rates_retired) == (1, 0)
    assert before[0] in lines(records)
    assert applied.depends_on == {"rates"}


def test_a_line_stated_twice_is_in_force_twice_and_shows_as_ambiguous(records: Records) -> None:
    records.apply(with_rates(bill_rate("100", line=2), bill_rate("100", line=3)))
    assert len(lines(records)) == 2
    records.apply(with_rates(bill_rate("100", line=2)))
    assert len(lines(records)) == 1


def test_exchange_rates_come_from_the_erp_and_from_the_firms_file(records: Records) -> None:
    day = date(2026, 3, 2)
    own = FirmFxRate(day=day, base="GBP", quote="USD", rate=Decimal("1.27"))
    records.apply(with_rates(fx=(own,)))
    erp = said(RecordType.FX_RATE, "f1", base="EUR", quote="USD", rate="1.0834", rate_date="2026-03-02")
    wrong = said(RecordType.FX_RATE, "f2", base="EUR", quote="USD", rate="0", rate_date="2026-03-03")
    published = records.publish(records.report(erp, wrong, system="erp"))
    assert (published.fx_added, published.depends_on) == (1, frozenset({"fx"}))
    assert len(published.waiting) == 1
    rates = rate_book.load(records.conn).fx.by_id.values()
    assert {(one.base, one.rate, one.origin, one.rate_day) for one in rates} == {
        ("GBP", Decimal("1.27"), "firm", day.toordinal()),
        ("EUR", Decimal("1.0834"), "erp", day.toordinal()),
    }
    records.apply(with_rates())
    assert [one.base for one in rate_book.load(records.conn).fx.by_id.values()] == ["EUR"]


def test_applying_the_same_firm_again_changes_nothing(records: Records) -> None:
    first = records.apply(with_rates(bill_rate("100")))
    again = records.apply(with_rates(bill_rate("100")))
    assert again.version == first.version
    assert again.depends_on == frozenset()


def test_the_book_is_read_again_only_when_the_reference_has_changed(records: Records) -> None:
    cache = RateBookCache()
    book = cache.get(records.conn)
    assert cache.get(records.conn) is book
    records.apply(with_rates(bill_rate("100")))
    assert cache.get(records.conn) is not book
