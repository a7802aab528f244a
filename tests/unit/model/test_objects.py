"""The canonical objects refuse what cannot be (domain model 1.3), each naming the record and the rule."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import msgspec
import pytest

from tieout.errors import ContractError
from tieout.model.actual import (
    Actual,
    ActualKind,
    ActualLink,
    AdjustmentStatus,
    BillingType,
    FxUsed,
    LinkKind,
    reversal,
)
from tieout.model.billing import (
    BillingEvent,
    BillingLine,
    BillingTime,
    Milestone,
    MilestoneState,
    Proration,
    SubscriptionCharge,
)
from tieout.model.client import Client
from tieout.model.contract import RevenueMethod
from tieout.model.expense import Expense, ExpenseBilling, ExpenseState
from tieout.model.invoice import InvoiceEvent, InvoiceEventType, InvoiceLine, InvoiceState
from tieout.model.legal_entity import FiscalCalendar, IntercompanyAccounts, LegalEntity, RoundingPolicy
from tieout.model.metric import UtilizationMetric, combined
from tieout.model.money import Money, RoundingMode
from tieout.model.rate import CostRate, FxRate, RateCard, RateContext, RateLine, RateScope
from tieout.model.resource import (
    Calendar,
    Holiday,
    Resource,
    ResourceKind,
    ResourceSkill,
    RoleRequirement,
    TimeOff,
    TimeOffState,
    WorkInterval,
    capacity_hours,
)
from tieout.model.revenue import RevenueEvent, broken_chain
from tieout.model.span import DateSpan
from tieout.model.time import TimeEntry, TimeEntryState, WorkType, overlaps

DAY = date(2026, 3, 2)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def _eur(amount: str) -> Money:
    return Money(Decimal(amount), "EUR")


ENTITY = LegalEntity(
    code="EU01", name="Example GmbH", country="DE", functional_currency="EUR", reporting_currency="USD",
    time_zone="Europe/Berlin", fiscal_calendar=FiscalCalendar.MONTHS,
    rounding=RoundingPolicy(default=RoundingMode.HALF_UP, by_currency={"CHF": RoundingMode.HALF_EVEN}),
)  # fmt: skip
CLIENT = Client(code="C1", name="Client", tax_id="DE123456789", default_currency="EUR", payment_days=30)
PERSON = Resource(
    code="R1", name="Ann", kind=ResourceKind.EMPLOYEE, legal_entity="EU01", worker_id="W1", fte=Decimal("0.8"),
    employment=DateSpan(starts=date(2026, 1, 1), ends=date(2026, 4, 1)),
)  # fmt: skip
OFFICE_HOURS = Calendar(
    code="DE", time_zone="Europe/Berlin",
    pattern=tuple(WorkInterval(weekday=day, starts=begins, ends=ends) for day in range(1, 6)
                  for begins, ends in ((time(9), time(12)), (time(13), time(18)))),
)  # fmt: skip
ENTRY = TimeEntry(
    resource="R1", project="P1", task="1.1", work_date=DAY, hours=Decimal("7.5"), billable_hours=Decimal(8),
    state=TimeEntryState.APPROVED, approver="boss", approved_at=NOON, started_at=NOON,
    ended_at=NOON + timedelta(hours=7, minutes=30), time_zone="Europe/Berlin",
)  # fmt: skip
COST_RATE = CostRate(resource="R1", price=Decimal("71.123456"), currency="EUR", effective=DateSpan(starts=DAY))
RATE_LINE = RateLine(card="EU", effective=DateSpan(starts=DAY), role="Consultant", price=Decimal(150))
RATE_CARD = RateCard(code="EU", context=RateContext.BILL, currency="EUR", scope=RateScope.GLOBAL)
FX_RATE = FxRate(day=DAY, base="EUR", quote="USD", rate=Decimal("1.08"), source="ECB")
EXPENSE = Expense(
    resource="R1", project="P1", category="hotel", day=DAY, amount=_eur("119"), tax=_eur("19"),
    state=ExpenseState.APPROVED, billing=ExpenseBilling.AT_COST,
)  # fmt: skip
SUBSCRIPTION = SubscriptionCharge(
    contract="K1", contract_line="1", service="support", quantity=Decimal(1), unit_price=Decimal(100), currency="EUR",
    recurrence="FREQ=MONTHLY", time=BillingTime.IN_ADVANCE, billing_day=31, proration=Proration.ACTUAL_DAYS,
)  # fmt: skip
MILESTONE = Milestone(
    contract="K1", contract_line="1", name="Go live", amount=_eur("5000"), planned=DAY, state=MilestoneState.READY
)
PROPOSAL = BillingEvent(
    reference="B1", legal_entity="EU01", client="C1", contract="K1", currency="EUR", cut_off=DAY,
    lines=(BillingLine(contract_line="1", description="Work", net=_eur("10.01"), actual_ids=(1, 2)),
           BillingLine(contract_line="1", description="More", net=_eur("0.02"), actual_ids=(3,))),
)  # fmt: skip
INVOICE = InvoiceEvent(
    number="2026-1", type=InvoiceEventType.INVOICE, legal_entity="EU01", client="C1", currency="EUR",
    state=InvoiceState.ISSUED, net=_eur("100"), tax=_eur("19"), gross=_eur("119"), issued=DAY, due=date(2026, 4, 1),
    lines=(InvoiceLine(number="1", net=_eur("60")), InvoiceLine(number="2", net=_eur("40"))),
)  # fmt: skip
SALE = Actual(
    actual_id=17, kind=ActualKind.UNBILLED_SALES, legal_entity="EU01", project="P1", quantity=Decimal(8), unit="hour",
    price=Decimal(100), amount=Money(Decimal(800), "USD"), functional_amount=_eur("740.74"), document_date=DAY,
    accounting_date=DAY, billing_type=BillingType.CHARGEABLE, source_object="time_entry", source_id="4711",
    source_version=1, fx=FxUsed(rate=Decimal("1.08"), rate_date=DAY, source="ECB"),
)  # fmt: skip
REVENUE = RevenueEvent(
    obligation="O1", period="2026-03", method=RevenueMethod.COST_TO_COST, cumulative=_eur("500"), delta=_eur("200"),
    billed=_eur("650"), progress=Decimal("0.5"),
)  # fmt: skip
METRIC = UtilizationMetric(
    definition_id="billable", definition_version=1, scope="R1", days=DateSpan(starts=DAY), numerator_hours=Decimal(30),
    denominator_hours=Decimal(40), inputs_hash=b"h" * 32, computed_at=NOON,
)  # fmt: skip

REFUSED: list[tuple[msgspec.Struct, dict[str, object], str]] = [
    (ENTITY, {"code": ""}, "no code"),
    (ENTITY, {"country": "de"}, "ISO 3166"),
    (ENTITY, {"functional_currency": "DEM"}, "ISO 4217"),
    (ENTITY, {"time_zone": "Berlin"}, "time zone"),
    (ENTITY, {"intercompany": {"EU01": IntercompanyAccounts(due_from="1", due_to="2")}}, "itself"),
    (CLIENT, {"code": ""}, "no code"),
    (CLIENT, {"payment_days": -1}, "before the invoice"),
    (PERSON, {"code": ""}, "no code"),
    (PERSON, {"worker_id": None}, "worker id"),
    (PERSON, {"employment": DateSpan()}, "first day"),
    (PERSON, {"kind": ResourceKind.CONTRACTOR}, "vendor"),
    (PERSON, {"fte": Decimal("1.2")}, "full time"),
    (PERSON, {"fte": Decimal(0)}, "full time"),
    (PERSON, {"target_utilization": Decimal(75)}, "between 0 and 1"),
    (OFFICE_HOURS, {"time_zone": "Mars"}, "time zone"),
    (ENTRY, {"hours": Decimal(0)}, "between 0 and 24"),
    (ENTRY, {"hours": Decimal(-1)}, "between 0 and 24"),
    (ENTRY, {"hours": Decimal("24.0001")}, "between 0 and 24"),
    (ENTRY, {"hours": Decimal("1.00001")}, "four decimals"),
    (ENTRY, {"hours": Decimal("NaN")}, "between 0 and 24"),
    (ENTRY, {"billable_hours": Decimal(-1)}, "below zero"),
    (ENTRY, {"ended_at": None}, "not both"),
    (ENTRY, {"ended_at": NOON - timedelta(hours=1)}, "before it starts"),
    (ENTRY, {"ended_at": NOON.replace(tzinfo=None)}, "no zone"),
    (ENTRY, {"time_zone": None}, "no time zone"),
    (ENTRY, {"approver": None}, "who approved"),
    (ENTRY, {"approved_at": NOON.replace(tzinfo=None)}, "no zone"),
    (COST_RATE, {"price": Decimal(0)}, "costs nothing"),
    (COST_RATE, {"price": Decimal("1.1234567")}, "six decimals"),
    (RATE_LINE, {"price": None}, "neither or both"),
    (RATE_LINE, {"markup_percent": Decimal(5)}, "neither or both"),
    (RATE_LINE, {"price": Decimal(0)}, "complimentary"),
    (RATE_LINE, {"complimentary": True}, "complimentary"),
    (RATE_LINE, {"price": Decimal(-1)}, "impossible"),
    (RATE_CARD, {"scope": RateScope.CLIENT}, "does not go with"),
    (RATE_CARD, {"scope_key": "C1"}, "does not go with"),
    (FX_RATE, {"rate": Decimal(0)}, "above zero"),
    (FX_RATE, {"quote": "EUR"}, "against itself"),
    (EXPENSE, {"amount": _eur("0"), "tax": None}, "zero"),
    (EXPENSE, {"tax": Money(Decimal(1), "USD")}, "its tax is in USD"),
    (EXPENSE, {"tax": _eur("120")}, "no part"),
    (EXPENSE, {"tax": _eur("-1")}, "no part"),
    (EXPENSE, {"billing": ExpenseBilling.MARKUP}, "markup"),
    (EXPENSE, {"unit_price": Decimal(1)}, "unit price"),
    (SUBSCRIPTION, {"billing_day": 32}, "between 1 and 31"),
    (SUBSCRIPTION, {"quantity": Decimal(0)}, "above zero"),
    (SUBSCRIPTION, {"unit_price": Decimal(-1)}, "impossible"),
    (SUBSCRIPTION, {"recurrence": "every month"}, "frequency"),
    (MILESTONE, {"amount": _eur("0")}, "above zero"),
    (PROPOSAL, {"lines": ()}, "no lines"),
    (PROPOSAL, {"currency": "USD"}, "not all of its lines"),
    (PROPOSAL, {"lines": (*PROPOSAL.lines, PROPOSAL.lines[1])}, "one actual twice"),
    (INVOICE, {"gross": _eur("119.01")}, "not gross"),
    (INVOICE, {"net": _eur("99"), "gross": _eur("118")}, "do not add up"),
    (INVOICE, {"lines": ()}, "no lines"),
    (INVOICE, {"currency": "USD"}, "not all of its amounts"),
    (INVOICE, {"type": InvoiceEventType.CREDIT_NOTE}, "original invoice"),
    (INVOICE, {"due": date(2026, 3, 1)}, "before it was issued"),
    (SALE, {"price": Decimal(-1)}, "impossible"),
    (SALE, {"quantity": Decimal(-8)}, "one sign"),
    (SALE, {"functional_amount": _eur("-740.74")}, "one sign"),
    (SALE, {"fx": None}, "by which rate"),
    (SALE, {"functional_amount": Money(Decimal(800), "USD")}, "were converted"),
    (SALE, {"functional_amount": Money(Decimal(801), "USD"), "fx": None}, "differ"),
    (SALE, {"adjustment": AdjustmentStatus.UNADJUSTABLE}, "what it reverses"),
    (SALE, {"links": (ActualLink(kind=LinkKind.REVERSES, actual_id=1),)}, "what it reverses"),
    (REVENUE, {"billed": Money(Decimal(1), "USD")}, "different currencies"),
    (REVENUE, {"progress": Decimal("1.01")}, "between 0 and 1"),
    (METRIC, {"numerator_hours": Decimal(-1)}, "impossible"),
    (METRIC, {"inputs_hash": b"short"}, "32 bytes"),
    (METRIC, {"definition_version": 0}, "1 or above"),
    (METRIC, {"computed_at": NOON.replace(tzinfo=None)}, "no zone"),
]


@pytest.mark.parametrize(("good", "change", "words"), REFUSED, ids=lambda one: str(one)[:40])
def test_an_impossible_value_is_refused_in_words(good: msgspec.Struct, change: dict[str, object], words: str) -> None:
    with pytest.raises(ContractError, match=words):
        msgspec.structs.replace(good, **change)


@pytest.mark.parametrize(
    "make",
    [
        lambda: ResourceSkill(resource="R1", skill="S", level=6, source="HCM"),
        lambda: RoleRequirement(role="X", skill="S", min_level=0),
        lambda: RoleRequirement(role="X", skill="S", min_level=1, weight=Decimal(0)),
        lambda: WorkInterval(weekday=8, starts=time(9), ends=time(10)),
        lambda: WorkInterval(weekday=1, starts=time(9, tzinfo=UTC), ends=time(10)),
        lambda: Holiday(calendar="DE", day=DAY, fraction=Decimal(2)),
        lambda: TimeOff(resource="R1", days=DateSpan(starts=DAY), kind="leave", state=TimeOffState.APPROVED),
        lambda: DateSpan(starts=DAY, ends=DAY),
        lambda: RoundingPolicy(default=RoundingMode.HALF_UP, by_currency={"XAU": RoundingMode.HALF_UP}),
        lambda: FxUsed(rate=Decimal(0), rate_date=DAY, source="ECB"),
    ],
)
def test_small_values_have_their_rules_too(make: Callable[[], object]) -> None:
    with pytest.raises(ContractError):
        make()


@pytest.mark.parametrize("good", [ENTITY, CLIENT, PERSON, OFFICE_HOURS, ENTRY, RATE_LINE, SUBSCRIPTION, INVOICE, SALE,
                                  METRIC], ids=lambda one: type(one).__name__)  # fmt: skip
def test_objects_survive_json_and_refuse_fields_they_do_not_know(good: msgspec.Struct) -> None:
    text = msgspec.json.encode(good)
    assert msgspec.json.decode(text, type=type(good)) == good
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"surprise":1,' + text[1:], type=type(good))


def test_an_entity_rounds_by_its_policy_for_each_currency() -> None:
    assert ENTITY.rounding.mode("EUR") is RoundingMode.HALF_UP
    assert ENTITY.rounding.mode("CHF") is RoundingMode.HALF_EVEN


def test_billing_needs_a_tax_id_or_the_reason_why_there_is_none() -> None:
    assert CLIENT.can_be_billed
    assert not msgspec.structs.replace(CLIENT, tax_id=None).can_be_billed
    assert msgspec.structs.replace(CLIENT, tax_id=None, tax_exemption_reason="public body").can_be_billed


def test_a_draft_needs_no_approver_and_overtime_is_a_kind_of_work() -> None:
    draft = msgspec.structs.replace(
        ENTRY, state=TimeEntryState.DRAFT, approver=None, approved_at=None, work_type=WorkType.OVERTIME
    )
    assert draft.state.is_open_to_its_worker
    assert not ENTRY.state.is_open_to_its_worker


def test_entries_that_only_touch_do_not_overlap() -> None:
    def between(first_hour: int, last_hour: int) -> TimeEntry:
        return msgspec.structs.replace(
            ENTRY, started_at=NOON.replace(hour=first_hour), ended_at=NOON.replace(hour=last_hour)
        )

    assert overlaps(between(9, 12), between(11, 13))
    assert not overlaps(between(9, 12), between(12, 13))
    assert not overlaps(between(9, 12), msgspec.structs.replace(ENTRY, started_at=None, ended_at=None))


def test_capacity_is_the_pattern_less_holidays_and_approved_leave_times_full_time_share() -> None:
    monday = date(2026, 3, 2)
    half_day = Holiday(calendar="DE", day=monday, fraction=Decimal("0.5"))
    leave = TimeOff(
        resource="R1", days=DateSpan(starts=monday, ends=date(2026, 3, 4)), kind="leave", state=TimeOffState.APPROVED
    )
    asked = msgspec.structs.replace(leave, state=TimeOffState.REQUESTED)
    assert capacity_hours(PERSON, OFFICE_HOURS, monday) == Decimal("6.4")
    assert capacity_hours(PERSON, OFFICE_HOURS, monday, holidays=[half_day]) == Decimal("3.2")
    assert capacity_hours(PERSON, OFFICE_HOURS, monday, time_off=[asked]) == Decimal("6.4")
    assert capacity_hours(PERSON, OFFICE_HOURS, monday, holidays=[half_day], time_off=[leave]) == 0
    assert capacity_hours(PERSON, OFFICE_HOURS, date(2026, 3, 4), time_off=[leave]) == Decimal("6.4")
    assert capacity_hours(PERSON, OFFICE_HOURS, date(2026, 3, 7)) == 0
    assert capacity_hours(PERSON, OFFICE_HOURS, date(2026, 4, 1)) == 0


def test_a_night_shift_has_the_hours_of_its_night() -> None:
    nights = Calendar(
        code="N", time_zone="Europe/Berlin", pattern=(WorkInterval(weekday=6, starts=time(22), ends=time(6)),)
    )
    assert nights.hours_on(date(2025, 10, 25)) == 9
    assert nights.hours_on(date(2025, 3, 29)) == 7
    assert nights.hours_on(date(2025, 3, 30)) == 0


def test_working_intervals_may_touch_but_not_overlap_even_over_the_week_end() -> None:
    def calendar(*pattern: WorkInterval) -> Calendar:
        return Calendar(code="X", time_zone="UTC", pattern=pattern)

    sunday_night = WorkInterval(weekday=7, starts=time(22), ends=time(6))
    touching = calendar(sunday_night, WorkInterval(weekday=1, starts=time(6), ends=time(9)))
    assert touching.hours_on(DAY) == 3
    with pytest.raises(ContractError, match="overlap"):
        calendar(sunday_night, WorkInterval(weekday=1, starts=time(5), ends=time(9)))
    with pytest.raises(ContractError, match="overlap"):
        calendar(
            WorkInterval(weekday=1, starts=time(9), ends=time(12)),
            WorkInterval(weekday=1, starts=time(11), ends=time(13)),
        )
    assert calendar().hours_on(DAY) == 0


def test_a_reversal_takes_back_the_same_amounts_at_the_same_rates() -> None:
    taken_back = reversal(SALE, actual_id=18, accounting_date=date(2026, 4, 1))
    assert taken_back.quantity == -SALE.quantity
    assert taken_back.amount == -SALE.amount
    assert taken_back.functional_amount == -SALE.functional_amount
    assert (taken_back.price, taken_back.fx, taken_back.document_date) == (SALE.price, SALE.fx, SALE.document_date)
    assert taken_back.accounting_date == date(2026, 4, 1)
    assert taken_back.links == (ActualLink(kind=LinkKind.REVERSES, actual_id=17),)


def test_what_was_reversed_or_is_a_reversal_cannot_be_reversed() -> None:
    taken_back = reversal(SALE, actual_id=18, accounting_date=DAY)
    adjusted = msgspec.structs.replace(SALE, adjustment=AdjustmentStatus.ADJUSTED)
    for one in (taken_back, adjusted):
        with pytest.raises(ContractError, match="cannot be reversed"):
            reversal(one, actual_id=19, accounting_date=DAY)


def test_a_proposal_is_worth_the_sum_of_its_rounded_lines() -> None:
    assert PROPOSAL.net == _eur("10.03")


def test_what_is_billed_and_not_earned_is_a_liability_and_the_other_way_an_asset() -> None:
    assert (REVENUE.contract_asset, REVENUE.contract_liability) == (_eur("0"), _eur("150"))
    earned = msgspec.structs.replace(REVENUE, billed=_eur("100"))
    assert (earned.contract_asset, earned.contract_liability) == (_eur("400"), _eur("0"))


def test_revenue_that_does_not_follow_from_the_period_before_is_found() -> None:
    april = msgspec.structs.replace(REVENUE, period="2026-04", cumulative=_eur("700"))
    assert broken_chain([REVENUE, april]) == []
    found = broken_chain([REVENUE, msgspec.structs.replace(april, delta=_eur("199.99"))])
    assert [one.code for one in found] == ["REVENUE_CHAIN"]
    assert found[0].subject == "obligation:O1"


def test_nothing_to_work_is_not_zero_percent_and_teams_sum_before_they_divide() -> None:
    idle = msgspec.structs.replace(METRIC, numerator_hours=Decimal(0), denominator_hours=Decimal(0))
    half = msgspec.structs.replace(METRIC, numerator_hours=Decimal(5), denominator_hours=Decimal(10))
    assert METRIC.value == Decimal("0.75")
    assert idle.value is None
    assert combined([METRIC, idle, half]) == Decimal("0.7")
    assert combined([idle]) is None
