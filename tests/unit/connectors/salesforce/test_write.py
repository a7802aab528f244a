"""Customers and deal links in a small org: found by what they are, changed in place, refused in words."""

from tests.unit.connectors.salesforce.account import Account, customer, link

from tieout.connect.outcome import Accepted, NoAccess, Rejected, RetryLater, Unknown
from tieout.connect.simulator.faults import Fault, FaultKind


async def test_a_link_puts_code_status_and_address_of_the_project_on_the_deal(account: Account) -> None:
    key = await account.key("Opportunity", "Deal_Number__c", "D-1")
    assert await account.write(link(key)) == [Accepted(ref=key)]
    (held,) = account.held("TIE-L1")
    assert (held.kind, held.code) == ("link_deal", key)
    assert held.facts["project_code"] == "P-100"
    assert held.facts["project_status"] == "active"
    assert held.facts["link"] == "https://psa.example/projects/P-100"


async def test_what_was_linked_comes_back_in_a_read(account: Account) -> None:
    key = await account.key("Opportunity", "Deal_Number__c", "D-1")
    await account.write(link(key))
    assert (await account.records("Opportunity"))[key].fields["project_code"] == "P-100"


async def test_a_deal_that_is_none_is_refused_in_words(account: Account) -> None:
    outcomes = [
        *(await account.write(link("D-1"))),
        *(await account.write(link(await account.key("Account", "Client_Code__c", "ACME")))),
    ]
    assert all(isinstance(one, Rejected) and one.words for one in outcomes)
    assert account.held("TIE-L1") == []


async def test_a_link_is_found_by_the_reference_written_last(account: Account) -> None:
    key = await account.key("Opportunity", "Deal_Number__c", "D-1")
    await account.write(link(key))
    await account.write(link(key, reference="TIE-L2", project_status="on_hold"))
    found = await account.find("link_deal", "TIE-L1", "TIE-L2")
    assert {name: one.ref for name, one in found.items()} == {"TIE-L2": key}


async def test_a_customer_is_made_once_and_changed_by_its_code(account: Account) -> None:
    (first,) = await account.write(customer())
    (second,) = await account.write(customer(reference="TIE-2", name="New Company SE"))
    assert isinstance(first, Accepted)
    assert first == second
    (held,) = account.held("TIE-2")
    assert (held.code, held.facts["name"]) == ("NEWCO", "New Company SE")


async def test_several_customers_go_in_one_request_each_with_a_result_of_its_own(account: Account) -> None:
    outcomes = await account.write(customer("A1"), customer("A2", currency="XXX"), customer("A1", reference="TIE-B"))
    assert isinstance(outcomes[0], Accepted)
    assert isinstance(outcomes[1], Rejected)
    assert isinstance(outcomes[2], RetryLater)


async def test_a_field_that_the_org_does_not_have_is_refused_and_not_dropped(account: Account) -> None:
    (outcome,) = await account.write(customer(fields={"Nickname__c": "New"}))
    assert isinstance(outcome, Rejected)
    assert "Nickname__c" in outcome.words
    assert account.held("TIE-NEWCO") == []


async def test_a_locked_row_is_tried_later(account: Account) -> None:
    key = await account.key("Opportunity", "Deal_Number__c", "D-1")
    account.force(Fault(kind=FaultKind.CONFLICT, on="write"))
    (outcome,) = await account.write(link(key))
    assert isinstance(outcome, RetryLater)


async def test_a_used_up_allocation_is_tried_later_after_the_wait_that_is_set(account: Account) -> None:
    key = await account.key("Opportunity", "Deal_Number__c", "D-1")
    account.force(Fault(kind=FaultKind.HTTP_429, on="write"))
    (outcome,) = await account.write(link(key))
    assert isinstance(outcome, RetryLater)
    assert outcome.after_s == 1.0


async def test_a_write_whose_answer_was_lost_is_unknown_and_found_afterwards(account: Account) -> None:
    key = await account.key("Opportunity", "Deal_Number__c", "D-1")
    account.force(Fault(kind=FaultKind.COMMIT_THEN_DROP, on="write"))
    (outcome,) = await account.write(link(key))
    assert isinstance(outcome, Unknown)
    assert (await account.find("link_deal", "TIE-L1"))["TIE-L1"].ref == key


async def test_nothing_is_written_to_an_org_that_has_no_field_for_the_reference(account: Account) -> None:
    key = await account.key("Opportunity", "Deal_Number__c", "D-1")
    account.simulator.state.put("removed_fields", ["Opportunity.Tieout_Reference__c"])
    (outcome,) = await account.write(link(key))
    assert isinstance(outcome, NoAccess)
    assert "Tieout_Reference__c" in outcome.words
