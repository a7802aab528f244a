"""Every amount of the ledger explains itself, and the ledger agrees with what its batches stated."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import msgspec
import pytest
from tests.worlds import inbound_firm as world
from tests.worlds.inbound_database import Hub

from tieout.errors import ConfigurationError
from tieout.ledger.actuals import Slot, actual_id
from tieout.ledger.control_totals import verify
from tieout.ledger.explain import explain_actual
from tieout.model.reported import ReportedTime
from tieout.storage.pool import connect

CROOKED = """
    insert into actual
    select actual_id + 4, entity_id, project_id, document_date, -hours, price, -amount_minor - 1, currency,
           -functional_minor, functional_currency, rate_line_id, fx_rate_id, fx_cross_rate_id, price_fx_rate_id,
           price_fx_cross_rate_id, firm_version, billing_type
      from actual
"""


@pytest.fixture
def hub(database_url: str) -> Iterator[Hub]:
    with connect(database_url, autocommit=True) as conn:
        opened = Hub(conn)
        opened.open_firm()
        yield opened


def entry(source_id: str, hours: str = "8", **fields: object) -> ReportedTime:
    return msgspec.structs.replace(world.said(), source_id=source_id, hours=Decimal(hours), **fields)


def entry_id(hub: Hub, source_id: str) -> int:
    return hub.entry_ids(source_id)[-1]


def test_a_sale_tells_its_line_its_rivals_its_versions_and_its_message(hub: Hub) -> None:
    message = hub.send_time(entry("e1", hours="7.5"))
    hub.work()
    told = explain_actual(hub.conn, actual_id(entry_id(hub, "e1"), Slot.SALES))
    assert (told.kind, str(told.amount), told.currency) == ("unbilled sales", "1500.00", "USD")
    assert told.rate_origin.startswith("bill_rates.csv line 1")
    assert told.agrees
    assert told.candidates[0].startswith(f"* line {told.rate_line_id} 200")
    assert (told.message_id, told.item_no, told.source) == (message.message_id, 0, "psa entry e1")
    assert (told.firm_version, told.fx, told.project, told.person) == (1, None, "P100", "ada@example.com")
    assert "half up" in told.policy
    assert any("won" in one for one in told.lines())


def test_the_explanation_stays_as_it_was_when_rates_change_later(hub: Hub) -> None:
    hub.take(entry("e1"))
    number = actual_id(entry_id(hub, "e1"), Slot.SALES)
    before = explain_actual(hub.conn, number)
    config = world.firm()
    dearer = msgspec.structs.replace(config.rates[0], price=config.rates[0].price * 2)
    hub.apply(msgspec.structs.replace(config, rates=(dearer, *config.rates[1:])))
    assert explain_actual(hub.conn, number) == before
    hub.take(entry("e2", work_date=date(2026, 7, 2)))
    after = explain_actual(hub.conn, actual_id(entry_id(hub, "e2"), Slot.SALES))
    assert after.agrees
    assert after.rate_line_id != before.rate_line_id
    assert after.firm_version == 2


def test_a_reversal_explains_what_it_takes_back(hub: Hub) -> None:
    hub.take(entry("e1", hours="8"))
    first = entry_id(hub, "e1")
    hub.take(entry("e1", version=2, hours="6"))
    told = explain_actual(hub.conn, actual_id(first, Slot.SALES_REVERSAL))
    assert (told.kind, str(told.amount), str(told.hours)) == ("reversal of unbilled sales", "-1600.00", "-8.0000")
    assert told.agrees


@pytest.mark.parametrize("number", [0, 8_000_000_001, 10, -3])
def test_a_number_that_is_no_actual_is_told_so(hub: Hub, number: int) -> None:
    with pytest.raises(ConfigurationError, match="TIE-LEDGER-001"):
        explain_actual(hub.conn, number)


def test_a_cost_in_another_currency_tells_the_exchange_rate(hub: Hub) -> None:
    config = world.firm()
    euro = msgspec.structs.replace(config.rates[2], currency="EUR")
    hub.apply(msgspec.structs.replace(config, rates=(*config.rates[:2], euro, config.rates[3])))
    hub.take(entry("e1", hours="1"))
    told = explain_actual(hub.conn, actual_id(entry_id(hub, "e1"), Slot.COST))
    assert (str(told.amount), told.currency, str(told.functional_amount), told.functional_currency) == (
        "80.00",
        "EUR",
        "88.00",
        "USD",
    )
    assert told.fx == "1 EUR = 1.1000 USD of 2026-07-01 (spot, firm)"


def test_the_batches_state_what_the_actuals_add_up_to(hub: Hub) -> None:
    hub.take(entry("e1", hours="8"), entry("e2", hours="2", project="p200", task=None))
    hub.take(entry("e1", version=2, hours="6"))
    hub.take(entry("e3", hours="1", billable=False))
    assert verify(hub.conn) == []


@pytest.mark.parametrize(
    "damage",
    [
        "update actual set amount_minor = amount_minor + 1 where actual_id % 8 = 1",
        "update actual set functional_minor = functional_minor - 1 where actual_id % 8 = 0",
        "delete from actual where actual_id % 8 = 0",
        "delete from batch_total",
        CROOKED,
    ],
)
def test_an_actual_that_was_touched_breaks_the_control_totals(hub: Hub, damage: str) -> None:
    hub.take(entry("e1", hours="8"))
    hub.conn.execute(damage)
    assert verify(hub.conn) != []


def test_a_reversal_that_is_no_mirror_is_named(hub: Hub) -> None:
    hub.take(entry("e1", hours="8"))
    hub.conn.execute(CROOKED)
    numbers = [actual_id(entry_id(hub, "e1"), slot) for slot in (Slot.COST_REVERSAL, Slot.SALES_REVERSAL)]
    assert [f"Actual {number} is no mirror." in {one.message for one in verify(hub.conn)} for number in numbers] == [
        True,
        True,
    ]
