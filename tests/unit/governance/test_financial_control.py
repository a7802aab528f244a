"""Financial controls stay at home: nobody owns their fields elsewhere, and the hub tells their home nothing."""

from datetime import date

import msgspec
import pytest
from tests.worlds import inbound_firm

from tieout.errors import InvariantError
from tieout.governance.financial_control import contradictions, home_of, may_be_told, refuse_to_enact
from tieout.model.command import UpsertContract
from tieout.model.firm import ControlRule, FinancialControl, FirmConfig, OwnershipRule

TAX = FinancialControl.TAX


def firm(*controls: ControlRule, ownership: tuple[OwnershipRule, ...] = ()) -> FirmConfig:
    return msgspec.structs.replace(inbound_firm.firm(), controls=controls, ownership=ownership)


def contract(tax_treatment: str | None) -> UpsertContract:
    return UpsertContract(
        reference="r",
        entity="US01",
        code="K1",
        name="Frame",
        customer_code="ACME",
        currency="USD",
        starts=date(2026, 1, 1),
        tax_treatment=tax_treatment,
    )


def test_the_ledger_of_an_entity_decides_unless_the_firm_says_otherwise() -> None:
    assert home_of(firm(), TAX, "US01") == "erp"
    moved = firm(ControlRule(control=TAX, system="timeapp", entity="US01"))
    assert home_of(moved, TAX, "US01") == "timeapp"
    assert home_of(moved, TAX, "DE01") == "erp"
    assert not may_be_told(moved, TAX, "timeapp", "US01")
    assert may_be_told(moved, TAX, "erp", "US01")


def test_the_home_of_the_tax_control_is_never_told_how_a_contract_is_taxed() -> None:
    refuse_to_enact(firm(), [("psa", contract("S")), ("erp", contract(None))])
    with pytest.raises(InvariantError) as refused:
        refuse_to_enact(firm(), [("erp", contract("S"))])
    assert refused.value.code == "TIE-CONTROL-001"


def test_a_field_in_which_a_control_speaks_is_owned_by_its_home_alone() -> None:
    by_crm = OwnershipRule(object="client", fields=("credit_status",), system="psa")
    (words,) = contradictions(firm(ownership=(by_crm,)))
    assert words == "psa is to own client.credit_status, which erp decides (the home of the credit control)"
    by_erp = msgspec.structs.replace(by_crm, system="erp")
    assert list(contradictions(firm(ownership=(by_erp,)))) == []


def test_a_control_has_one_home_that_exists() -> None:
    words = list(contradictions(firm(*(ControlRule(control=TAX, system=name) for name in ("erp", "nobody")))))
    assert words == [
        "The tax control has its home in nobody, which is no system of the firm",
        "The tax control has 2 homes for all legal entities",
    ]
