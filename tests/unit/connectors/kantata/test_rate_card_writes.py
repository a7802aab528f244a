"""Rate cards are written with all their prices and dates, once, and what cannot be kept is refused in words."""

from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal
from itertools import count
from typing import Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.connectors.kantata.account import Account, OpenAccount, one_of

from tieout.connect.outcome import Accepted, Rejected, RejectionCode, Unknown
from tieout.connect.simulator.control import Holding
from tieout.connect.simulator.faults import Fault, FaultKind
from tieout.connectors.kantata.timeline import changes, rates_on, timeline
from tieout.connectors.kantata.write import KantataSink
from tieout.model.command import RatePrice, UpsertCustomer, UpsertProject, UpsertRateCard
from tieout.model.reported import ReportedRecord

ROLES: Final = {"Consultant": 1, "Manager": 2}


def price(role: str, amount: str, starts: date, ends: date | None = None) -> RatePrice:
    return RatePrice(role=role, price=Decimal(amount), starts=starts, ends=ends)


CARD = UpsertRateCard(
    reference="TIE-1",
    entity="US01",
    code="RC-PUB",
    name="Public sector",
    currency="USD",
    prices=(
        price("Consultant", "150.50", date(2026, 1, 1), date(2040, 7, 1)),
        price("Consultant", "160", date(2040, 7, 1)),
        price("Manager", "250", date(2026, 1, 1), date(2041, 1, 1)),
    ),
)
HELD = {
    "name": "Public sector",
    "currency": "USD",
    "price:Consultant@2026-01-01": "150.5",
    "price:Consultant@2040-07-01": "160",
    "price:Manager@2026-01-01": "250",
    "price:Manager@2041-01-01": "",
}


@pytest.fixture
async def account(open_account: OpenAccount) -> Account:
    return await open_account([])


@pytest.fixture
async def sink(account: Account) -> AsyncIterator[KantataSink]:
    opened = KantataSink(account.connection)
    yield opened
    await opened.aclose()


def held(account: Account, code: str) -> Holding:
    (found,) = [one for one in account.simulator.holdings() if one.kind == "upsert_rate_card" and one.code == code]
    return found


async def test_a_rate_card_is_held_with_every_price_and_the_day_it_ends(account: Account, sink: KantataSink) -> None:
    (outcome,) = await sink.write([CARD])
    assert isinstance(outcome, Accepted)
    card = held(account, "RC-PUB")
    assert (card.facts, card.id, card.reference) == (HELD, outcome.ref, "TIE-1")
    assert (await sink.find("upsert_rate_card", ["TIE-1"], entity="US01"))["TIE-1"].ref == outcome.ref


async def test_a_rate_card_is_read_back_as_it_was_written(account: Account, sink: KantataSink) -> None:
    (outcome,) = await sink.write([CARD])
    assert isinstance(outcome, Accepted)
    _, cards = await account.read("rate_cards")
    card = one_of(cards, code="RC-PUB")
    assert (card.fields["name"], card.fields["currency"], card.source_id) == ("Public sector", "USD", outcome.ref)
    _, lines = await account.read("rate_card_versions")
    mine = [
        (one.fields["price"], one.fields["valid_from"], one.fields.get("valid_to"))
        for one in lines
        if isinstance(one, ReportedRecord) and one.references["rate_card"] == outcome.ref
    ]
    assert sorted(mine, key=str) == [
        ("150.50", "2026-01-01", "2040-07-01"),
        ("160.00", "2040-07-01", "2041-01-01"),
        ("160.00", "2041-01-01", None),
        ("250.00", "2026-01-01", "2040-07-01"),
        ("250.00", "2040-07-01", "2041-01-01"),
    ]


async def test_a_price_that_has_not_begun_can_change(account: Account, sink: KantataSink) -> None:
    await sink.write([CARD])
    later = (CARD.prices[0], price("Consultant", "170", date(2040, 7, 1)), price("Manager", "250", date(2026, 1, 1)))
    (outcome,) = await sink.write([msgspec.structs.replace(CARD, reference="TIE-2", name="Public", prices=later)])
    assert isinstance(outcome, Accepted)
    facts = held(account, "RC-PUB").facts
    assert (facts["name"], facts["price:Consultant@2040-07-01"]) == ("Public", "170")
    assert "price:Manager@2041-01-01" not in facts


async def test_a_price_that_may_have_been_billed_is_refused_and_stays(account: Account, sink: KantataSink) -> None:
    await sink.write([CARD])
    corrected = (price("Consultant", "99", date(2026, 1, 1)), price("Manager", "250", date(2026, 1, 1)))
    (outcome,) = await sink.write([msgspec.structs.replace(CARD, reference="TIE-2", prices=corrected)])
    assert isinstance(outcome, Rejected)
    assert "The prices of rate card RC-PUB from 2026-01-01 cannot be changed" in outcome.words
    assert held(account, "RC-PUB").facts["price:Consultant@2026-01-01"] == "150.5"


async def test_a_write_that_is_cut_at_any_request_goes_on_with_the_card_that_it_began(
    account: Account, sink: KantataSink
) -> None:
    for step in count():
        wanted = msgspec.structs.replace(CARD, reference=f"TIE-{step}", code=f"RC-{step}", name=f"Card {step}")
        account.simulator.plan.force(Fault(kind=FaultKind.COMMIT_THEN_DROP, on="write", skip=step))
        (cut,) = await sink.write([wanted])
        account.simulator.plan.clear()
        (again,) = await sink.write([wanted])
        assert isinstance(again, Accepted), (step, cut, again)
        assert held(account, f"RC-{step}").facts == {**HELD, "name": f"Card {step}"}
        if isinstance(cut, Accepted):
            assert step > 10
            break
        assert isinstance(cut, Unknown)
    titles = [one["title"] for one in (await account.rows("rate_card_sets", per_page="200")).values()]
    assert len(titles) == len(set(titles)) == step + 3


async def test_a_card_that_is_begun_and_not_finished_is_no_card_yet(account: Account, sink: KantataSink) -> None:
    account.simulator.plan.force(Fault(kind=FaultKind.COMMIT_THEN_DROP, on="write", skip=3))
    await sink.write([CARD])
    account.simulator.plan.clear()
    _, cards = await account.read("rate_cards")
    assert [one.deleted for one in cards if isinstance(one, ReportedRecord)] == [False, False, True]


async def test_a_project_gets_the_rate_card_of_its_code(account: Account, sink: KantataSink) -> None:
    customer = UpsertCustomer(reference="R1", entity="US01", code="NEW", name="New Co", currency="USD")
    project = UpsertProject(
        reference="R2",
        entity="US01",
        code="P-NEW",
        name="Rollout",
        customer_code="NEW",
        currency="USD",
        rate_card_code="RC-PUB",
    )
    for one in (CARD, customer, project):
        assert isinstance((await sink.write([one]))[0], Accepted)
    (found,) = [one for one in account.simulator.holdings() if one.code == "P-NEW"]
    assert found.facts["rate_card_code"] == "RC-PUB"
    euros = msgspec.structs.replace(project, reference="R3", currency="EUR")
    (outcome,) = await sink.write([euros])
    assert isinstance(outcome, Rejected)
    assert "no rate card RC-PUB in EUR" in outcome.words


async def test_a_card_that_people_made_is_taken_over_by_its_title(account: Account, sink: KantataSink) -> None:
    prices = (
        price("Consultant", "150.50", date(2026, 1, 1), date(2026, 8, 10)),
        price("Consultant", "160", date(2026, 8, 10)),
        price("Manager", "250", date(2026, 1, 1)),
    )
    (outcome,) = await sink.write([msgspec.structs.replace(CARD, name="Standard US", prices=prices)])
    assert isinstance(outcome, Accepted)
    assert outcome.ref == held(account, "RC-PUB").id
    assert len(await account.rows("rate_cards")) == 2


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"prices": ()}, "has no prices"),
        ({"prices": (price("Partner", "1", date(2040, 1, 1)),)}, "no role Partner"),
        ({"prices": (price("Manager", "1.005", date(2040, 1, 1)),)}, "1.005 cannot be kept exactly"),
        (
            {"prices": (price("Manager", "1", date(2040, 1, 1)), price("Manager", "2", date(2041, 1, 1)))},
            "two prices for one role on 2041-01-01",
        ),
    ],
)
async def test_a_card_that_cannot_be_kept_is_refused_before_anything_is_written(
    account: Account, sink: KantataSink, changed: dict[str, object], words: str
) -> None:
    (outcome,) = await sink.write([msgspec.structs.replace(CARD, **changed)])
    assert isinstance(outcome, Rejected)
    assert (outcome.code, words in outcome.words) == (RejectionCode.INVALID, True), outcome
    assert len(await account.rows("rate_card_sets")) == 2


async def test_a_card_in_another_currency_is_refused(account: Account, sink: KantataSink) -> None:
    await sink.write([CARD])
    (outcome,) = await sink.write([msgspec.structs.replace(CARD, reference="TIE-2", currency="EUR")])
    assert isinstance(outcome, Rejected)
    assert "is in USD in Kantata, not in EUR" in outcome.words
    assert held(account, "RC-PUB").facts == HELD


@given(
    st.dictionaries(
        st.dates(date(2026, 1, 1), date(2027, 1, 1)), st.dictionaries(st.sampled_from([1, 2]), st.integers(1, 9))
    ),
    st.dictionaries(
        st.dates(date(2026, 1, 1), date(2027, 1, 1)), st.dictionaries(st.sampled_from([1, 2]), st.integers(1, 9))
    ),
)
def test_the_changes_make_of_what_is_held_what_is_wanted(
    wanted: dict[date, dict[int, int]], kept: dict[date, dict[int, int]]
) -> None:
    made = {day: dict(rates_on(kept, day)) for day in wanted.keys() | kept.keys()}
    for day, rates in made.items():
        for change in changes(rates_on(wanted, day), dict(rates)):
            rates.pop(change.role_id, None)
            if change.rate is not None:
                rates[change.role_id] = change.rate
    assert all(rates_on(made, day) == rates_on(wanted, day) for day in made)


def test_a_price_that_ends_leaves_a_version_without_it() -> None:
    made = timeline(CARD, ROLES)
    assert made == {
        date(2026, 1, 1): {1: 15050, 2: 25000},
        date(2040, 7, 1): {1: 16000, 2: 25000},
        date(2041, 1, 1): {1: 16000},
    }
