"""How good what a system says of its records is."""

from datetime import UTC, datetime
from decimal import Decimal

from tieout.model.reported import FieldValue, RecordType
from tieout.records.merge import REFERENCE_TYPE, Report
from tieout.records.quality import BUSINESS_KEYS, EXPECTED, score

FIELDS = ("code", "name", "currency")


def report(source_id: str, *, deleted: bool = False, **fields: FieldValue) -> Report:
    return Report(
        system="psa",
        type="client",
        source_id=source_id,
        version=1,
        fields=fields,
        refs={},
        deleted=deleted,
        message_id=1,
        recorded_at=datetime(2026, 3, 10, tzinfo=UTC),
    )


def percents(*reports: Report) -> dict[str, Decimal]:
    return {str(one.dimension): one.percent for one in score("psa", "client", reports, expected=FIELDS)}


GOOD = report("1", code="A", name="Acme", currency="USD")


def test_a_set_with_nothing_wrong_scores_a_hundred_in_everything() -> None:
    assert set(percents(GOOD).values()) == {Decimal("100.0")}


def test_an_expected_field_that_is_absent_or_empty_makes_a_record_incomplete() -> None:
    assert percents(GOOD, report("2", code="B", name="", currency=None))["completeness"] == Decimal("66.6")


def test_a_value_that_cannot_be_one_makes_its_record_invalid() -> None:
    assert percents(GOOD, report("2", code="B", name="B", currency="Taler"))["validity"] == Decimal("50.0")


def test_records_of_one_code_are_all_not_unique_and_those_without_a_code_are_not_asked() -> None:
    twins = [report(key, code=code, name=key) for key, code in (("2", "B"), ("3", "B"), ("4", None))]
    assert percents(GOOD, *twins)["uniqueness"] == Decimal("33.3")


def test_what_is_deleted_is_not_scored() -> None:
    assert percents(GOOD, report("2", deleted=True, code="A", currency="Taler")) == percents(GOOD)
    assert percents(report("2", deleted=True)) == {}


def test_one_fault_among_very_many_is_never_rounded_away() -> None:
    many = [report(str(number), code=str(number), name="N", currency="USD") for number in range(3000)]
    assert percents(*many, report("x", code="x", name="X"))["completeness"] == Decimal("99.9")


def test_every_type_of_record_has_its_expected_fields_and_names_are_those_of_reports() -> None:
    assert EXPECTED.keys() == set(RecordType)
    assert {"client", "legal_entity", "project", "rate_card", "resource"} <= REFERENCE_TYPE.keys()
    assert BUSINESS_KEYS.keys() <= EXPECTED.keys()
