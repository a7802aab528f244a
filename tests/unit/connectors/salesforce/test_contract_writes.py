"""Contracts in a small org: made once under our code, changed in place, and refused in words where they cannot be."""

from datetime import date
from typing import Any

import msgspec
import pytest
from tests.unit.connectors.salesforce.account import Account

from tieout.connect.outcome import Accepted, NoAccess, Rejected, RejectionCode, RetryLater
from tieout.connectors.salesforce.fields import UnmappableError
from tieout.connectors.salesforce.manifest import MANIFEST
from tieout.connectors.salesforce.mapping import to_contract
from tieout.connectors.salesforce.options import options_of
from tieout.model.command import UpsertContract

DEFAULTS = {one.name: one.default for one in MANIFEST.settings if one.default is not None}
CONTRACT = UpsertContract(
    reference="TIE-C1",
    entity="US01",
    code="K-77",
    name="Frame contract",
    customer_code="ACME",
    currency="USD",
    signed_value_minor=1_000_001,
    starts=date(2026, 9, 1),
    ends=date(2026, 12, 31),
    po_number="PO-9",
    tax_treatment="standard",
    rate_card_code="RC-USD",
)


def contract(**changes: Any) -> UpsertContract:
    return msgspec.structs.replace(CONTRACT, **changes)


async def test_a_contract_is_held_as_it_was_told(account: Account) -> None:
    (outcome,) = await account.write(CONTRACT)
    assert isinstance(outcome, Accepted)
    (held,) = account.held("TIE-C1")
    assert (held.kind, held.code, held.id, held.entity) == ("upsert_contract", "K-77", outcome.ref, "US01")
    assert held.facts == {
        "name": "Frame contract",
        "customer_code": "ACME",
        "currency": "USD",
        "signed_value_minor": "1000001",
        "starts": "2026-09-01",
        "ends": "2026-12-31",
        "po_number": "PO-9",
        "tax_treatment": "standard",
        "rate_card_code": "RC-USD",
    }


async def test_a_contract_is_read_back_as_a_draft_with_the_code_that_it_was_written_by(account: Account) -> None:
    (outcome,) = await account.write(CONTRACT)
    assert isinstance(outcome, Accepted)
    read = (await account.records("Contract"))[outcome.ref]
    assert {name: read.fields[name] for name in ("code", "name", "status", "signed_value", "ends")} == {
        "code": "K-77",
        "name": "Frame contract",
        "status": "draft",
        "signed_value": "10000.01",
        "ends": "2026-12-31",
    }


async def test_an_amendment_changes_the_contract_of_the_code_and_leaves_its_status(account: Account) -> None:
    (first,) = await account.write(CONTRACT)
    assert isinstance(first, Accepted)
    key = await account.key("Contract", "Contract_Code__c", "K-77")
    account.simulator.writer.update("Contract", key, {"Status": "Activated"})
    (second,) = await account.write(contract(reference="TIE-C2", signed_value_minor=2_000_000, po_number=None))
    assert second == first
    (held,) = account.held("TIE-C2")
    assert (held.facts["signed_value_minor"], held.facts["po_number"]) == ("2000000", "PO-9")
    assert (await account.records("Contract"))[key].fields["status"] == "active"


async def test_several_contracts_go_in_one_request_each_with_a_result_of_its_own(account: Account) -> None:
    outcomes = await account.write(
        CONTRACT,
        contract(reference="TIE-C2", code="K-78", customer_code="NOBODY"),
        contract(reference="TIE-C3", name="Other"),
    )
    assert isinstance(outcomes[0], Accepted)
    assert isinstance(outcomes[1], Rejected)
    assert outcomes[1].code is RejectionCode.CUSTOMER_UNKNOWN
    assert isinstance(outcomes[2], RetryLater)
    assert account.held("TIE-C2") == []


async def test_an_org_without_a_unique_field_for_the_code_is_not_written_to(open_account: Any) -> None:
    account: Account = await open_account(contract_fields="code=ContractNumber")
    (outcome,) = await account.write(CONTRACT)
    assert isinstance(outcome, NoAccess)
    assert "the field ContractNumber of Contract is no unique external id" in outcome.words
    assert account.held("TIE-C1") == []


@pytest.mark.parametrize(
    ("settings", "changes", "words"),
    [
        ({"currency": "EUR"}, {}, "the org keeps amounts in EUR, not in USD"),
        ({"client_fields": "code=none"}, {}, "no field for a code"),
        ({}, {"fields": {"Name": "X"}}, "fill Name"),
        ({}, {"fields": {"AccountId": "X"}}, "fill AccountId"),
    ],
)
def test_what_a_contract_cannot_say_in_the_org_is_told(
    settings: dict[str, str], changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(UnmappableError, match=words):
        to_contract(contract(**changes), options_of({**DEFAULTS, **settings}))


def test_a_contract_without_end_or_value_leaves_them_as_they_are() -> None:
    body = to_contract(contract(ends=None, signed_value_minor=None), options_of(DEFAULTS))
    assert body.keys() & {"EndDate", "Signed_Value__c", "Status"} == set()
    assert body["Account"] == {"Client_Code__c": "ACME"}
