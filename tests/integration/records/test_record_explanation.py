"""Why a record says what it says, in words that a steward can act on."""

from datetime import timedelta

import pytest
from tests.worlds.records_database import ENTITIES, Records, said

from tieout.errors import ConfigurationError
from tieout.model.reported import RecordType
from tieout.records.record_explanation import explain_record, explain_record_at


def disputed(records: Records) -> None:
    records.report(*ENTITIES, system="erp")
    records.report(said(RecordType.CLIENT, "c1", code="ACME", name="Acme"))
    records.report(said(RecordType.CLIENT, "77", code="ACME", name="Acme Inc."), system="erp")
    records.report(
        said(RecordType.PROJECT, "p1", code="P1", name="Alpha", status="active", refs={"client": "c1"}),
    )
    records.report(said(RecordType.PROJECT, "900", code="P1", name="Beta", refs={"client": "77"}), system="erp")


def test_a_field_names_its_winner_its_rule_and_what_the_others_say(records: Records) -> None:
    disputed(records)
    (name,) = explain_record(records.conn, RecordType.PROJECT, "p1", "name").fields
    assert name.value == "Alpha"
    assert name.provenance is not None
    assert (name.provenance.system, name.provenance.source_id) == ("psa", "p1")
    assert "psa owns project" in name.provenance.rule
    assert name.others == {"erp:900": "Beta"}


def test_references_are_told_by_the_code_that_they_mean(records: Records) -> None:
    disputed(records)
    lines = explain_record(records.conn, RecordType.PROJECT, "P1").lines()
    assert lines[0].startswith("project P1, version ")
    assert lines[0].endswith("known as erp 900, psa p1")
    assert "  client: ACME (c1)" in lines
    assert "      erp:900 says ACME (77)" in lines
    assert "      erp:900 says Beta" in lines


@pytest.mark.parametrize(("kind", "number"), [(RecordType.DEAL, "NW-7"), (RecordType.CONTRACT, "K-7")])
def test_deals_and_contracts_are_known_by_their_numbers(records: Records, kind: RecordType, number: str) -> None:
    records.report(said(kind, "k7", code=number, name="Roll-out"), system="crm")
    found = explain_record(records.conn, kind, number.lower(), "name")
    assert [one.value for one in found.fields] == ["Roll-out"]


def test_a_day_before_a_change_shows_what_was_said_then(records: Records) -> None:
    records.report(said(RecordType.PROJECT, "p1", code="P1", name="Alpha"))
    before = records.clock.now()
    records.report(said(RecordType.PROJECT, "p1", 2, code="P1", name="Gamma"))
    now = records.clock.now()
    then = explain_record_at(records.conn, RecordType.PROJECT, "P1", effective_at=before, known_at=now)
    assert {one.field: one.value for one in then.fields}["name"] == "Alpha"
    long_ago = before - timedelta(days=9)
    with pytest.raises(ConfigurationError, match=r"No project P1 is known at"):
        explain_record_at(records.conn, RecordType.PROJECT, "P1", effective_at=long_ago, known_at=now)


@pytest.mark.parametrize(("code", "field", "error"), [("P9", None, "TIE-RECORD-003"), ("P1", "nmae", "TIE-RECORD-004")])
def test_what_is_not_there_is_refused_by_name(records: Records, code: str, field: str | None, error: str) -> None:
    records.report(said(RecordType.PROJECT, "p1", code="P1", name="Alpha"))
    with pytest.raises(ConfigurationError) as refused:
        explain_record(records.conn, RecordType.PROJECT, code, field)
    assert refused.value.code == error
