from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tieout.model.firm import EntityPolicy
from tieout.streams.time_to_bill.journals import ProjectLabels, RatedEntry, build, group, key_of

ACCOUNTS = {
    "unbilled_receivable": "1250",
    "unbilled_revenue": "4050",
    "project_cost": "5100",
    "payroll_clearing": "2150",
}
LABELS = {
    number: ProjectLabels(code=f"P{number}", customer_code="C1", dimensions={"department": "100"}) for number in (1, 2)
}

entries = st.lists(
    st.builds(
        RatedEntry,
        entry_id=st.integers(1, 10**6),
        source=st.text(min_size=1, max_size=8),
        version=st.integers(1, 9),
        entity_id=st.just(1),
        project_id=st.sampled_from([1, 2]),
        work_date=st.integers(0, 20).map(lambda days: date(2026, 10, 1) + timedelta(days=days)),
        hours=st.integers(1, 96).map(lambda quarters: Decimal(quarters) / 4),
        currency=st.sampled_from(["EUR", "USD", "JPY"]),
        sales_minor=st.none() | st.integers(0, 10**7),
        sales_functional_minor=st.integers(0, 10**7),
        cost_minor=st.integers(0, 10**7),
        functional_currency=st.just("EUR"),
    ),
    min_size=1,
    max_size=40,
    unique_by=lambda one: one.entry_id,
)
policies = st.builds(
    EntityPolicy,
    entity=st.just("DE01"),
    functional_currency=st.just("EUR"),
    accounts=st.just(ACCOUNTS),
    journal_grain=st.sampled_from([("accounting_date", "project"), ("accounting_date",), ()]),
    line_grain=st.sampled_from(["journal", "entry"]),
    max_entries_per_journal=st.integers(1, 7),
)


@given(entries=entries, policy=policies)
def test_every_entry_is_in_exactly_one_journal_and_the_sums_are_those_of_the_actuals(
    entries: list[RatedEntry], policy: EntityPolicy
) -> None:
    groups = group([(one, one.work_date, False) for one in entries], policy)
    assert sorted(one.entry_id for part in groups for one in part.entries) == sorted(one.entry_id for one in entries)
    for part in groups:
        journal = build(part, entity="DE01", policy=policy, labels=LABELS)
        assert len(part.entries) <= policy.max_entries_per_journal
        assert journal.entry_count == len(part.entries)
        assert journal.hours == sum(one.hours for one in part.entries)
        billed = [one for one in part.entries if one.sales_minor is not None]
        receivable = [line for line in journal.lines if line.account == "1250"]
        assert sum(line.amount_minor for line in receivable) == sum(one.sales_minor or 0 for one in billed)
        assert sum(line.debit_minor for line in receivable) == sum(one.sales_functional_minor for one in billed)
        cost = [line for line in journal.lines if line.account == "5100"]
        assert sum(line.debit_minor for line in cost) == sum(one.cost_minor for one in part.entries)


@given(entries=entries)
def test_the_key_of_a_journal_does_not_depend_on_the_order_of_its_entries(entries: list[RatedEntry]) -> None:
    assert key_of("DE01", entries) == key_of("DE01", list(reversed(entries)))


@given(entries=entries)
def test_another_version_of_one_entry_is_another_posting(entries: list[RatedEntry]) -> None:
    first, *rest = entries
    changed = RatedEntry(
        **{name: getattr(first, name) for name in first.__struct_fields__ if name != "version"}, version=99
    )
    assert key_of("DE01", [changed, *rest]) != key_of("DE01", entries)
