"""What a small org tells: accounts, deals with lines, contracts, and what becomes of them by hand."""

from datetime import timedelta

import pytest
from tests.unit.connectors.salesforce.account import DATA_PATH, Account, OpenAccount, deal

from tieout.connect.simulator.control import DeleteRecord, PutClient, PutDeal
from tieout.connect.simulator.faults import Fault, FaultKind
from tieout.connect.simulator.seed import SeedClient
from tieout.connect.source import Unreadable
from tieout.errors import AccessError, ContractError, TransientError


async def test_a_won_deal_is_told_with_what_its_stage_means(account: Account) -> None:
    deals = await account.records("Opportunity")
    found = deals[await account.key("Opportunity", "Deal_Number__c", "D-1")]
    assert found.fields == {
        "code": "D-1",
        "name": "Ledger roll-out",
        "stage": "Closed Won",
        "is_won": True,
        "is_closed": True,
        "probability": "100",
        "amount": "10000.00",
        "currency": "USD",
        "close_date": "2026-06-30",
        "starts": "2026-07-01",
        "ends": "2026-10-01",
        "service_line": "Advisory",
        "rate_card_code": "US-2026",
        "contract_number": "C-100",
        "po_number": None,
        "tax_treatment": None,
        "project_code": None,
        "project_status": None,
        "owner_email": "ana@northwind.example",
    }
    assert found.references == {
        "client": await account.key("Account", "Client_Code__c", "ACME"),
        "contract": await account.key("Contract", "ContractNumber", "C-100"),
        "legal_entity": "US01",
    }


async def test_an_amount_has_as_many_decimals_as_its_currency(account: Account) -> None:
    deals = await account.records("Opportunity")
    found = deals[await account.key("Opportunity", "Deal_Number__c", "D-2")]
    assert (found.fields["currency"], found.fields["amount"]) == ("JPY", "1000000")
    assert found.fields["is_won"] is False


async def test_a_line_says_role_hours_price_days_and_skills(account: Account) -> None:
    (line,) = (await account.records("OpportunityLineItem")).values()
    told = {name: line.fields[name] for name in ("role_name", "hours", "price", "starts", "ends", "location", "skills")}
    assert told == {
        "role_name": "Consultant",
        "hours": "100.5",
        "price": "150.5",
        "starts": "2026-07-01",
        "ends": "2026-08-01",
        "location": "US",
        "skills": "SQL,Tax",
    }


async def test_a_contract_has_the_state_that_its_status_code_means(account: Account) -> None:
    (contract,) = (await account.records("Contract")).values()
    assert (contract.fields["code"], contract.fields["status"]) == ("C-100", "active")


async def test_a_change_is_read_from_the_cursor_on(account: Account) -> None:
    cursor = (await account.read("Account"))[-1].next_cursor
    account.change(PutClient(client=SeedClient(code="ACME", name="Acme SE", entity="US01", currency="USD")))
    changed = await account.records("Account", cursor)
    assert changed[await account.key("Account", "Client_Code__c", "ACME")].fields["name"] == "Acme SE"


async def test_a_poll_that_finds_nothing_new_stores_nothing(account: Account) -> None:
    for name in ("Account", "Opportunity", "Contract"):
        cursor = (await account.read(name))[-1].next_cursor
        assert await account.read(name, cursor) == []


async def test_a_deleted_deal_takes_its_lines_with_it(account: Account) -> None:
    key = await account.key("Opportunity", "Deal_Number__c", "D-1")
    account.change(DeleteRecord(kind="deal", key="D-1"))
    assert (await account.records("Opportunity"))[key].deleted
    assert [one.deleted for one in (await account.records("OpportunityLineItem")).values()] == [True]


async def test_a_deletion_is_told_after_the_recycle_bin_was_emptied(account: Account) -> None:
    key = await account.key("Opportunity", "Deal_Number__c", "D-2")
    account.change(DeleteRecord(kind="deal", key="D-2"))
    account.simulator.store.purge(key)
    assert key not in await account.records("Opportunity")
    account.pass_time(timedelta(minutes=5))
    gone = (await account.records("Opportunity.deleted"))[key]
    assert gone.deleted


async def test_the_two_ways_of_a_deletion_tell_one_version(account: Account) -> None:
    key = await account.key("Opportunity", "Deal_Number__c", "D-2")
    account.change(DeleteRecord(kind="deal", key="D-2"))
    account.pass_time(timedelta(minutes=5))
    by_row, by_window = await account.records("Opportunity"), await account.records("Opportunity.deleted")
    assert by_row[key].version == by_window[key].version


async def test_a_position_older_than_the_log_of_deletions_is_an_error_and_no_silence(account: Account) -> None:
    cursor = (await account.read("Account.deleted"))[-1].next_cursor
    account.clock.ahead = timedelta(days=20)
    with pytest.raises(ContractError, match="not told any more"):
        await account.read("Account.deleted", cursor)


async def test_a_change_event_brings_the_record_as_it_is_now(account: Account) -> None:
    account.change(PutDeal(deal=deal("D-2", name="Audit, larger", contract=None, lines=[])))
    told = await account.records("ChangeEvents")
    found = told[await account.key("Opportunity", "Deal_Number__c", "D-2")]
    assert (found.fields["name"], found.fields["stage"]) == ("Audit, larger", "Closed Won")


async def test_events_that_were_read_are_not_told_again(account: Account) -> None:
    account.change(PutDeal(deal=deal("D-2", contract=None, lines=[])))
    cursor = (await account.read("ChangeEvents"))[-1].next_cursor
    assert await account.read("ChangeEvents", cursor) == []


async def test_a_gap_event_names_a_record_that_is_read_again(account: Account) -> None:
    key = await account.key("Account", "Client_Code__c", "ACME")
    account.simulator.store.gap("Account", key)
    assert set(await account.records("ChangeEvents")) == {key}


async def test_after_an_overflow_everything_of_the_object_is_read_again(account: Account) -> None:
    account.change(PutClient(client=SeedClient(code="ACME", name="Acme SE", entity="US01", currency="USD")))
    cursor = (await account.read("ChangeEvents"))[-1].next_cursor
    account.simulator.store.overflow("Account")
    told = await account.records("ChangeEvents", cursor)
    assert await account.key("Account", "Client_Code__c", "ACME") in told


async def test_a_replay_id_that_is_not_kept_begins_with_the_oldest_event(account: Account) -> None:
    account.change(PutDeal(deal=deal("D-2", contract=None, lines=[])))
    assert await account.read("ChangeEvents", '{"replay_id":999999}') != []


async def test_the_same_org_is_read_by_a_signed_assertion(open_account: OpenAccount) -> None:
    account = await open_account(by_assertion=True)
    assert len(await account.records("Account")) == 2


async def test_a_session_that_ends_is_renewed_without_a_word(account: Account) -> None:
    await account.read("Account")
    account.simulator.expire_tokens()
    assert len(await account.records("Account")) == 2


async def test_a_used_up_allocation_is_waited_for_and_no_missing_right(account: Account) -> None:
    await account.read("Account")
    account.simulator.state.put("daily_requests", 1)
    with pytest.raises(TransientError) as failure:
        await account.read("Account")
    assert (failure.value.code, failure.value.retry_after_s) == ("TIE-SALESFORCE-007", 1.0)


async def test_a_missing_right_is_an_access_error(account: Account) -> None:
    account.force(Fault(kind=FaultKind.FORBIDDEN, on="read"))
    with pytest.raises(AccessError):
        await account.read("Account")


async def test_a_field_that_was_removed_keeps_the_refusal_and_stops_that_object_alone(account: Account) -> None:
    account.simulator.state.put("removed_fields", ["Opportunity.Service_Line__c"])
    (page,) = await account.read("Opportunity")
    with pytest.raises(ContractError):
        account.translate([page])
    with pytest.raises(ContractError):
        await account.read("Opportunity", page.next_cursor)
    assert len(await account.records("Account")) == 2


async def test_an_org_of_several_currencies_is_not_read_as_if_it_had_one(open_account: OpenAccount) -> None:
    account = await open_account(currency="USD")
    with pytest.raises(ContractError) as failure:
        await account.read("Account")
    assert failure.value.code == "TIE-SALESFORCE-009"


async def test_an_org_of_one_currency_is_read_in_it(open_account: OpenAccount) -> None:
    account = await open_account(currency="EUR")
    account.simulator.state.put("multi_currency", value=False)
    assert {one.fields["currency"] for one in (await account.records("Opportunity")).values()} == {"EUR"}


async def test_a_stage_that_the_org_does_not_list_makes_its_deal_unreadable(account: Account) -> None:
    key = await account.key("Opportunity", "Deal_Number__c", "D-1")
    answer = await account.api.patch(f"{DATA_PATH}/sobjects/Opportunity/{key}", json={"StageName": "Dreaming"})
    assert answer.status_code == 204
    unreadable = [one for one in account.translate(await account.read("Opportunity")) if isinstance(one, Unreadable)]
    assert [one.source_id for one in unreadable] == [key]
    assert "'Dreaming'" in unreadable[0].problem
