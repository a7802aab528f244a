"""What an account has no field for is refused in words, unless the firm has said that the account does without it."""

from decimal import Decimal

import pytest
from tests.unit.connectors.kantata.account import Account, OpenAccount

from tieout.connect.outcome import Accepted, Outcome, Rejected, RejectionCode
from tieout.connectors.kantata.simulator import seeding
from tieout.connectors.kantata.write import KantataSink
from tieout.errors import ConfigurationError
from tieout.model.command import Command, UpsertCustomer, UpsertProject

CUSTOMER = UpsertCustomer(reference="R1", entity="US01", code="NEW", name="New Co", currency="USD", tax_id="US-77")
PLAIN = UpsertCustomer(reference="R1", entity="US01", code="NEW", name="New Co", currency="USD")
BARE = {"Workspace": ("Project Code", "Legal Entity"), "WorkspaceGroup": ("Client Code",), "Story": ("WBS Code",)}


def project(**told: object) -> UpsertProject:
    return UpsertProject(
        reference="R2",
        entity="US01",
        code="P-NEW",
        name="Rollout",
        customer_code="NEW",
        currency="USD",
        **told,  # type: ignore[arg-type]
    )


@pytest.fixture
async def bare(open_account: OpenAccount, monkeypatch: pytest.MonkeyPatch) -> Account:
    """An account with custom fields for codes and nothing else."""
    monkeypatch.setattr(seeding, "CUSTOM_FIELDS", BARE)
    return await open_account([])


async def write(account: Account, *commands: Command, left_out: str | None = None) -> list[Outcome]:
    settings = dict(account.connection.settings)
    if left_out is not None:
        settings["left_out"] = left_out
    sink = KantataSink(type(account.connection)(**{**vars(account.connection), "settings": settings}))
    try:
        return [(await sink.write([one]))[0] for one in commands]
    finally:
        await sink.aclose()


async def test_a_clients_currency_and_tax_id_are_held_where_there_are_fields(open_account: OpenAccount) -> None:
    account = await open_account([])
    assert isinstance((await write(account, CUSTOMER))[0], Accepted)
    (client,) = [one for one in account.simulator.holdings() if one.code == "NEW"]
    assert client.facts == {"name": "New Co", "currency": "USD", "tax_id": "US-77"}


async def test_a_tax_id_that_cannot_be_held_is_refused_and_no_client_is_made(bare: Account) -> None:
    (outcome,) = await write(bare, CUSTOMER)
    assert isinstance(outcome, Rejected)
    assert outcome.code is RejectionCode.INVALID
    assert "no custom field Tax ID for workspace_groups, and the setting left_out" in outcome.words
    assert not [one for one in bare.simulator.holdings() if one.code == "NEW"]
    assert isinstance((await write(bare, CUSTOMER, left_out="currency;tax_id"))[0], Accepted)


async def test_a_clients_currency_is_left_out_unless_the_firm_says_otherwise(bare: Account) -> None:
    (strict,) = await write(bare, PLAIN, left_out="")
    assert isinstance(strict, Rejected)
    assert "no custom field Client Currency" in strict.words
    assert isinstance((await write(bare, PLAIN))[0], Accepted)


@pytest.mark.parametrize(
    ("told", "field", "name"),
    [
        ({"service_line": "Audit"}, "Service Line", "service_line"),
        ({"contract_number": "K-1"}, "Contract Number", "contract_number"),
        ({"budget_hours": Decimal(80)}, "Budget Hours", "budget_hours"),
    ],
)
async def test_what_is_told_of_a_project_and_cannot_be_held_is_refused(
    bare: Account, told: dict[str, object], field: str, name: str
) -> None:
    _, outcome = await write(bare, PLAIN, project(**told))
    assert isinstance(outcome, Rejected)
    assert f"no custom field {field} for workspaces" in outcome.words
    (allowed,) = await write(bare, project(**told), left_out=f"currency; {name}")
    assert isinstance(allowed, Accepted)


async def test_a_field_of_the_firms_own_is_never_left_out(bare: Account) -> None:
    _, outcome = await write(bare, PLAIN, project(fields={"Service Line": "Audit"}), left_out="currency;service_line")
    assert isinstance(outcome, Rejected)
    assert "no custom field Service Line" in outcome.words


async def test_a_setting_that_names_something_else_is_told(bare: Account) -> None:
    with pytest.raises(ConfigurationError, match="left_out of Kantata names 'name'"):
        await write(bare, PLAIN, left_out="name")
