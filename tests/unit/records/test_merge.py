"""One golden record out of what all systems say of it."""

from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest

from tieout.model.firm import OwnershipRule
from tieout.records.merge import (
    Golden,
    MergeRules,
    Objection,
    Report,
    bad_value,
    changed_fields,
    effective_instant,
    merge,
)

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
SAME_RECORD = {("client", "psa", "c1"): 7, ("client", "erp", "900"): 7, ("client", "erp", "901"): 8}
RULES = MergeRules(
    rules=(
        OwnershipRule(object="project", fields=("*",), system="psa"),
        OwnershipRule(object="project", fields=("cost_center",), system="erp"),
    ),
    on=date(2026, 3, 10),
    entity=None,
    identity=lambda name, system, key: SAME_RECORD.get((name, system, key)),
)


def report(system: str = "psa", source_id: str = "1", message_id: int = 1, **fields: str | None) -> Report:
    return Report(
        system=system,
        type="project",
        source_id=source_id,
        version=1,
        fields=dict(fields),
        refs={},
        deleted=False,
        message_id=message_id,
        recorded_at=NOW,
    )


def merged(*reports: Report, before: Golden | None = None) -> tuple[Golden, list[Objection]]:
    return merge(before, "project", reports, by=RULES)


def test_every_field_comes_from_its_owner_and_says_so() -> None:
    golden, objections = merged(report(name="Alpha"), report("erp", cost_center="100"))
    assert golden.fields == {"name": "Alpha", "cost_center": "100"}
    assert golden.provenance["name"].system == "psa"
    assert golden.provenance["cost_center"].system == "erp"
    assert objections == []


def test_a_system_that_does_not_own_a_field_is_not_written_but_reported() -> None:
    golden, objections = merged(report(name="Alpha"), report("erp", name="Beta"))
    assert golden.fields == {"name": "Alpha"}
    assert [(one.system, one.finding.code) for one in objections] == [("erp", "NOT_OWNER")]
    assert objections[0].finding.context["owner_says"] == "Alpha"


def test_an_echo_of_the_owners_value_is_no_objection() -> None:
    assert merged(report(name="Alpha"), report("erp", name="Alpha"))[1] == []


def test_a_field_of_a_silent_owner_has_no_value() -> None:
    golden, objections = merged(report("erp", name="Beta"))
    assert golden.fields == {}
    assert objections == []


def test_a_field_told_to_be_empty_is_empty_and_one_not_told_is_absent() -> None:
    assert merged(report(name=None))[0].fields == {"name": None}
    assert merged(report())[0].fields == {}


def test_references_agree_when_they_mean_the_same_record() -> None:
    ours = msgspec.structs.replace(report(), refs={"client": "c1"})
    same = msgspec.structs.replace(report("erp"), refs={"client": "900"})
    other = msgspec.structs.replace(report("erp"), refs={"client": "901"})
    unknown = msgspec.structs.replace(report("erp"), refs={"client": "555"})
    assert merged(ours, same)[0].refs == {"client": ("psa", "c1")}
    assert merged(ours, same)[1] == []
    assert merged(ours, unknown)[1] == []
    assert [one.finding.code for one in merged(ours, other)[1]] == ["NOT_OWNER"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("starts", "2026-02-30"),
        ("starts", 20260101),
        ("price", "NaN"),
        ("price", "-1"),
        ("price", "12,50"),
        ("currency", "EURO"),
        ("currency", "XXX"),
        ("open_for_time", "yes"),
    ],
)
def test_a_value_that_cannot_be_one_is_reported_and_not_taken(name: str, value: str | int) -> None:
    assert bad_value(name, value) is not None
    golden, objections = merged(msgspec.structs.replace(report(), fields={name: value}))
    assert name not in golden.fields
    assert [one.finding.code for one in objections] == ["SCHEMA_INVALID"]


def test_the_owner_deletes_the_record_and_its_facts_stay_readable() -> None:
    before, _ = merged(report(name="Alpha"))
    gone, _ = merged(msgspec.structs.replace(report(name="Alpha"), deleted=True), before=before)
    assert gone.tombstone
    assert gone.fields == {"name": "Alpha"}


def test_a_deletion_by_another_system_is_an_objection() -> None:
    golden, objections = merged(report(name="Alpha"), msgspec.structs.replace(report("erp"), deleted=True))
    assert not golden.tombstone
    assert [one.finding.context["field"] for one in objections] == ["deleted"]


def test_the_owner_that_deleted_first_meets_no_objection() -> None:
    golden, objections = merged(msgspec.structs.replace(report(), deleted=True), report("erp", cost_center="1"))
    assert golden.tombstone
    assert objections == []


def test_a_value_told_again_keeps_the_message_that_first_told_it() -> None:
    before, _ = merged(report(name="Alpha", status="active", message_id=1))
    after, _ = merged(report(name="Alpha", status="on_hold", message_id=2), before=before)
    assert (after.provenance["name"].message_id, after.provenance["status"].message_id) == (1, 2)
    assert changed_fields(before, after) == ("status",)


def test_equal_content_has_an_equal_hash_whoever_said_it() -> None:
    before, _ = merged(report(name="Alpha", message_id=1))
    after, _ = merged(report(name="Alpha", message_id=2))
    assert before.hash() == after.hash()
    assert merged(report(name="Beta"))[0].hash() != before.hash()


def test_a_version_that_is_an_update_time_says_since_when() -> None:
    yesterday = NOW - timedelta(days=1)
    assert effective_instant(int(yesterday.timestamp()) * 1_000_000, NOW) == yesterday
    assert effective_instant(17, NOW) == NOW
    assert effective_instant(int(NOW.timestamp() + 60) * 1_000_000, NOW) == NOW
