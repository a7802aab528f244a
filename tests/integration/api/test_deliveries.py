"""Programs read what is written to systems, of their legal entities; costs only where they may see costs."""

from decimal import Decimal

import pytest
from tests.integration.api.conftest import Api
from tests.worlds import inbound_firm as world

from tieout.model.access import Scope
from tieout.model.identity import reference_of
from tieout.model.journal import JournalLine, PostJournal
from tieout.outbound.outbox import NewDelivery, enqueue
from tieout.storage.pool import in_transaction

READ = (Scope.DELIVERIES_READ, None)
KEY = f"{7:064x}"[::-1]


@pytest.fixture
def posting(api: Api) -> Api:
    """A journal of US01 with one accepted entry, ready to be sent."""
    api.hub.take(world.said(source_id="e1"))
    [[entity_id]] = api.hub.rows("select record_id from golden_record where type = 'legal_entity' and code = 'US01'")
    journal = PostJournal(
        reference=reference_of(KEY),
        key=KEY,
        entity="US01",
        accounting_date=world.WORK_DATE,
        currency="USD",
        description="US01 P100",
        lines=(
            JournalLine(
                account="5000", debit_minor=64000, credit_minor=0, currency="USD", amount_minor=64000, memo="m"
            ),
            JournalLine(
                account="2100", debit_minor=0, credit_minor=64000, currency="USD", amount_minor=-64000, memo="m"
            ),
        ),
        entry_count=1,
        hours=Decimal(8),
    )
    new = NewDelivery(
        delivery_id=7,
        system="erp",
        command_kind="post_journal",
        command=journal,
        key=KEY,
        order_key="US01|P100",
        entity_id=int(str(entity_id)),
        accounting_date=world.WORK_DATE,
        currency=840,
        functional_currency=840,
        hours=Decimal(8),
        amount_minor=160000,
        cost_minor=64000,
        entry_ids=(api.hub.entry_ids("e1")[0],),
    )
    in_transaction(api.hub.conn, lambda cur: enqueue(cur, [new], now=api.hub.clock.now()))
    return api


def test_a_delivery_is_told_with_its_attempts_and_what_it_carries(posting: Api) -> None:
    header = posting.token_of(READ)
    [told] = posting.client.get("/v1/deliveries", params={"state": "open"}, headers=header).json()["deliveries"]
    assert (told["system"], told["entity"], told["state"], told["amount_minor"]) == ("erp", "US01", "ready", 160000)
    whole = posting.client.get("/v1/deliveries/7", headers=header).json()
    assert (whole["delivery"], whole["attempts"], whole["item_id"]) == (told, [], None)
    [entry] = posting.client.get("/v1/deliveries/7/entries", headers=header).json()["entries"]
    assert (entry["source_id"], entry["person"]) == ("e1", "Ada")
    [target] = posting.client.get("/v1/deliveries/targets", headers=header).json()
    assert (target["system"], target["waiting"], target["posted"]) == ("erp", 1, 0)


def test_costs_and_the_command_that_tells_them_are_for_who_may_see_costs(posting: Api) -> None:
    without = posting.client.get("/v1/deliveries/7", headers=posting.token_of(READ)).json()
    assert (without["delivery"]["cost_minor"], without["command"]) == (None, None)
    header = posting.token_of(READ, (Scope.COSTS_READ, "US01"))
    whole = posting.client.get("/v1/deliveries/7", headers=header).json()
    assert whole["delivery"]["cost_minor"] == 64000
    assert reference_of(KEY) in whole["command"]
    elsewhere = posting.token_of(READ, (Scope.COSTS_READ, "DE01"))
    assert posting.client.get("/v1/deliveries/7", headers=elsewhere).json() == without


def test_deliveries_of_another_legal_entity_are_not_there(posting: Api) -> None:
    german = posting.token_of((Scope.DELIVERIES_READ, "DE01"))
    assert posting.client.get("/v1/deliveries", headers=german).json() == {"deliveries": [], "next": None}
    for path in ("/v1/deliveries/7", "/v1/deliveries/7/entries"):
        assert posting.client.get(path, headers=german).status_code == 404
    assert posting.client.get("/v1/deliveries/targets", headers=german).json() == []


def test_deliveries_are_chosen_by_state_kind_and_instant(posting: Api) -> None:
    header = posting.token_of(READ)

    def ids(**params: str) -> list[int]:
        answer = posting.client.get("/v1/deliveries", params=params, headers=header)
        assert answer.status_code == 200, answer.text
        return [one["delivery_id"] for one in answer.json()["deliveries"]]

    now = posting.hub.clock.now().isoformat()
    assert ids(state="posted") == ids(kind="masters") == ids(entity="DE01") == ids(system="psa") == []
    assert ids(state="ready", kind="post_journal", text=reference_of(KEY), since=now) == [7]
    assert ids(since=now.replace("2026", "2027", 1)) == []
    refused = posting.client.get("/v1/deliveries", params={"since": "2026-08-10T12:00:00"}, headers=header)
    assert refused.status_code == 400, "an instant without its time zone is none"
