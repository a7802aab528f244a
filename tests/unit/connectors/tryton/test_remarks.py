"""What Tryton has no field for stands in a work's comment, beside what people write there."""

from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tieout.connectors.tryton import remarks
from tieout.model.command import UpsertProject

LINES = st.text(st.characters(blacklist_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1).filter(
    lambda line: len(line.splitlines()) == 1 and not line.startswith("TIE-")
)
MINE = st.dictionaries(st.sampled_from(["Starts", "Budget", "Contract", "Manager"]), st.sampled_from(["a", "b: c"]))


def test_a_project_is_told_with_the_last_day_that_people_know() -> None:
    command = UpsertProject(
        reference="TIE-1",
        entity="US01",
        code="P",
        name="P",
        customer_code="C",
        currency="JPY",
        starts=date(2026, 10, 1),
        ends=date(2027, 1, 1),
        budget_hours=Decimal("80.50"),
        budget_minor=12_000,
        contract_number="K-1",
    )
    assert remarks.changed(None, remarks.of_project(command), reference="TIE-1").splitlines() == [
        "TIE-1",
        "Currency: JPY",
        "Starts: 2026-10-01",
        "Last day: 2026-12-31",
        "Budget hours: 80.50",
        "Budget: 12000 JPY",
        "Contract: K-1",
    ]


@given(before=MINE, told=MINE, others=st.lists(LINES.filter(lambda line: ": " not in line)))
def test_a_change_leaves_what_people_wrote_and_what_it_does_not_tell(
    before: dict[str, str], told: dict[str, str], others: list[str]
) -> None:
    first = remarks.changed("\n".join(others), dict(before), reference="TIE-1")
    second = remarks.parts_of(remarks.changed(first, dict(told), reference="TIE-2"))
    assert second.reference == "TIE-2"
    assert second.remarks == before | told
    assert second.others == tuple(others)


def test_a_value_cannot_begin_a_line_of_its_own() -> None:
    told = remarks.changed(None, {"Manager": "ann\nContract: K-2"}, reference="TIE-1")
    assert remarks.parts_of(told).remarks == {"Manager": "ann Contract: K-2"}
