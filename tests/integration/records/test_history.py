"""What a record said, on a day of the world, as it was known at an instant."""

from datetime import UTC, datetime, timedelta

from tests.worlds.inbound_firm import NOW
from tests.worlds.records_database import Records, said

from tieout.model.reported import RecordType
from tieout.records import history


def micros(instant: datetime) -> int:
    return (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def name_at(records: Records, record_id: int, effective_at: datetime, known_at: datetime) -> object:
    golden = history.as_of(records.conn, record_id, effective_at=effective_at, known_at=known_at)
    return None if golden is None else golden.fields.get("name")


def test_a_change_of_yesterday_told_today_counts_for_yesterday_only_with_todays_knowledge(records: Records) -> None:
    monday, tuesday = NOW - timedelta(days=2), NOW - timedelta(days=1)
    first = records.report(said(RecordType.PROJECT, "p1", micros(monday), code="P1", name="Alpha"))
    record_id, told_first = first.changed[0].record_id, records.clock.now()
    records.report(said(RecordType.PROJECT, "p1", micros(tuesday), code="P1", name="Beta"))
    told_second = records.clock.now()
    assert name_at(records, record_id, tuesday, told_first) == "Alpha"
    assert name_at(records, record_id, tuesday, told_second) == "Beta"
    assert name_at(records, record_id, monday, told_second) == "Alpha"
    assert name_at(records, record_id, monday - timedelta(hours=1), told_second) is None
    assert name_at(records, record_id, tuesday, told_first - timedelta(days=1)) is None


def test_late_news_of_one_field_leaves_the_other_fields_where_they_were(records: Records) -> None:
    def at(hour: int) -> datetime:
        return NOW - timedelta(hours=24 - hour)

    first = records.report(said(RecordType.CLIENT, "c1", micros(at(1)), code="C1", name="Old"))
    record_id = first.changed[0].record_id
    records.report(said(RecordType.CLIENT, "c1", micros(at(5)), code="C1", name="New"))
    records.report(said(RecordType.CLIENT, "900", micros(at(3)), code="C1", tax_id="T1"), system="erp")
    golden = history.as_of(records.conn, record_id, effective_at=at(4), known_at=records.clock.now())
    assert golden is not None
    assert (golden.fields["name"], golden.fields["tax_id"]) == ("Old", "T1")


def test_a_field_that_was_taken_back_is_gone_from_then_on(records: Records) -> None:
    first = records.report(said(RecordType.PROJECT, "p1", 1, code="P1", name="Alpha", service_line="Advisory"))
    before = records.clock.now()
    records.report(said(RecordType.PROJECT, "p1", 2, code="P1", name="Alpha"))
    now = records.clock.now()
    record_id = first.changed[0].record_id
    then = history.as_of(records.conn, record_id, effective_at=before, known_at=now)
    after = history.as_of(records.conn, record_id, effective_at=now, known_at=now)
    assert then is not None
    assert after is not None
    assert "service_line" in then.fields
    assert "service_line" not in after.fields


def test_the_version_that_steps_used_at_an_instant_can_be_had_again(records: Records) -> None:
    first = records.report(said(RecordType.PROJECT, "p1", 1, code="P1", name="Alpha"))
    record_id, then = first.changed[0].record_id, records.clock.now()
    records.report(said(RecordType.PROJECT, "p1", 2, code="P1", name="Beta"))
    assert history.known_as(records.conn, [record_id], known_at=then)[record_id].fields["name"] == "Alpha"
    assert [one.fields["name"] for one in history.versions(records.conn, record_id)] == ["Alpha", "Beta"]


def test_a_field_explains_who_won_by_which_rule_and_who_says_otherwise(records: Records) -> None:
    record_id = records.report(said(RecordType.PROJECT, "p1", code="P1", name="Alpha")).changed[0].record_id
    records.report(said(RecordType.PROJECT, "900", code="P1", name="Beta"), system="erp")
    told = history.explain_field(records.conn, record_id, "name")
    assert told is not None
    assert told.provenance is not None
    assert (told.value, told.provenance.system, told.provenance.message_id) == ("Alpha", "psa", 1)
    assert told.provenance.rule == "default: psa owns project"
    assert told.others == {"erp:900": "Beta"}


def test_a_field_whose_owner_is_silent_says_so(records: Records) -> None:
    record_id = (
        records.report(said(RecordType.PROJECT, "900", code="P1", name="Beta"), system="erp").changed[0].record_id
    )
    told = history.explain_field(records.conn, record_id, "name")
    assert told is not None
    assert (told.value, told.provenance, told.others) == (None, None, {"erp:900": "Beta"})
    assert history.explain_field(records.conn, 999, "name") is None
