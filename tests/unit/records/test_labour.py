"""Which labour policy is a person's, by the firm's table, the employing legal entity and the day."""

from datetime import date
from decimal import Decimal

import msgspec
import pytest

from tieout.model.firm import MappingLine
from tieout.model.labour_policy import LabourPolicy
from tieout.records.facts import EntityFacts, ResourceFacts
from tieout.records.labour import labour_policy
from tieout.records.mapping import MappingTables

DAY = date(2026, 3, 10)
POLICIES = {
    "full_time": LabourPolicy(weekly_hours=Decimal(40), max_day_hours=Decimal(10)),
    "director": LabourPolicy(weekly_hours=Decimal(45)),
    "french": LabourPolicy(weekly_hours=Decimal(35), max_day_hours=Decimal(10)),
    "intern": LabourPolicy(weekly_hours=Decimal(20), max_day_hours=Decimal(6)),
}
ADA = ResourceFacts(
    record_id=1,
    name="Ada",
    entity=EntityFacts(record_id=9, code="FR01", name="Acme FR", functional_currency="EUR", functional_number=978),
    kind="employee",
)


def line(source: str, target: str, **changes: object) -> MappingLine:
    plain = MappingLine(
        table="labour_policies",
        line=2,
        system="*",
        entity="*",
        source=source,
        target=target,
        valid_from=date(2020, 1, 1),
    )
    return msgspec.structs.replace(plain, **changes)


TABLE = (
    line("*", "full_time"),
    line("*", "french", entity="FR01", valid_from=date(2026, 1, 1)),
    line("G9", "director"),
    line("intern", "intern"),
    line("contractor", "full_time"),
)


@pytest.mark.parametrize(
    ("changes", "on", "name"),
    [
        ({}, DAY, "french"),
        ({}, date(2025, 12, 31), "full_time"),
        ({"entity": None}, DAY, "full_time"),
        ({"grade": "G9"}, DAY, "director"),
        ({"grade": "G9", "employment_type": "intern"}, DAY, "director"),
        ({"grade": "G1", "employment_type": "intern"}, DAY, "intern"),
        ({"kind": "contractor"}, DAY, "full_time"),
    ],
)
def test_the_first_of_grade_employment_type_and_kind_that_is_mapped_counts(
    changes: dict[str, object], on: date, name: str
) -> None:
    person = msgspec.structs.replace(ADA, **changes)
    assert labour_policy(MappingTables(TABLE), POLICIES, person, on) == POLICIES[name]


def test_who_is_not_in_the_table_has_no_policy() -> None:
    assert labour_policy(MappingTables([line("G9", "director")]), POLICIES, ADA, DAY) is None
    assert labour_policy(MappingTables(TABLE), {}, ADA, DAY) is None
