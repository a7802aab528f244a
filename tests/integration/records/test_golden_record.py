"""What systems report becomes golden records: matched, merged by ownership, versioned, told as events."""

import threading
from datetime import date

import msgspec
from tests.worlds.inbound_firm import firm
from tests.worlds.records_database import ENTITIES, Records, said

from tieout.model.firm import ConflictPolicy, FirmConfig, MappingLine, OwnershipRule
from tieout.model.reported import RecordType, ReportedRecord
from tieout.records.record_explanation import explain_record
from tieout.storage.control_totals import verify_control_totals
from tieout.storage.pool import connect


def project(source_id: str = "p1", version: int = 1, **fields: str | None) -> ReportedRecord:
    refs = {"client": "c1", "legal_entity": "Acme US"}
    told = {"code": "P100", "name": "Alpha", "status": "active", "currency": "USD", **fields}
    return said(RecordType.PROJECT, source_id, version, refs=refs, **told)


def test_a_new_record_is_created_once_with_its_event_and_its_tokens(records: Records) -> None:
    result = records.report(project())
    assert [(one.type, one.code, one.version, one.created) for one in result.changed] == [("project", "P100", 1, True)]
    assert result.depends_on == {"record:project:P100", "record:project:psa:p1"}
    assert records.rows("select type, payload ->> 'code' from event_log") == [("record.created", "P100")]


def test_the_same_report_again_changes_nothing_at_all(records: Records) -> None:
    records.report(project())
    before = records.rows("select version from reference_state")
    assert records.report(project()).changed == ()
    assert records.report(project(version=2)).changed == ()
    assert records.rows("select count(*) from golden_record_version") == [(1,)]
    assert records.rows("select version from reference_state") == before


def test_two_systems_meet_in_one_record_by_its_code(records: Records) -> None:
    records.report(project())
    result = records.report(said(RecordType.PROJECT, "900", code="P100", name="Alpha"), system="erp")
    assert result.changed == ()
    assert records.rows("select count(*) from golden_record") == [(1,)]
    assert records.rows("select system, source_id from cross_reference order by 1") == [("erp", "900"), ("psa", "p1")]


def test_a_key_that_meets_a_record_is_news_though_the_record_says_nothing_new(records: Records) -> None:
    records.report(project())
    before = records.rows("select version from reference_state")
    result = records.report(said(RecordType.PROJECT, "900", code="P100", name="Alpha"), system="erp")
    assert result.changed == ()
    assert result.depends_on == {"record:project:erp:900"}
    assert records.rows("select version from reference_state") != before


def test_the_order_in_which_systems_are_heard_makes_no_other_record(records: Records) -> None:
    records.report(said(RecordType.PROJECT, "900", code="P100", name="Erp name"), system="erp")
    records.report(project())
    assert records.rows("select code, fields ->> 'name' from golden_record") == [("P100", "Alpha")]


def test_a_value_of_a_system_that_does_not_own_it_is_a_finding_until_it_agrees(records: Records) -> None:
    records.report(project())
    result = records.report(said(RecordType.PROJECT, "900", code="P100", name="Beta"), system="erp")
    assert [(one.finding.code, one.system) for one in result.findings] == [("NOT_OWNER", "erp")]
    assert result.findings[0].record_id in result.judged
    assert records.rows("select fields ->> 'name' from golden_record") == [("Alpha",)]
    agreed = records.report(said(RecordType.PROJECT, "900", 2, code="P100", name="Alpha"), system="erp")
    assert agreed.findings == ()
    assert agreed.judged == result.judged


def test_an_older_version_changes_nothing_and_is_noted(records: Records) -> None:
    records.report(project(version=5, name="New"))
    result = records.report(project(version=4, name="Old"))
    assert [one.finding.code for one in result.findings] == ["OUT_OF_ORDER_VERSION"]
    assert records.rows("select fields ->> 'name' from golden_record") == [("New",)]


def test_of_one_message_the_newest_version_counts(records: Records) -> None:
    records.report(project(version=2, name="Second"), project(version=1, name="First"))
    assert records.rows("select version, fields ->> 'name' from golden_record") == [(1, "Second")]


def test_a_reference_that_is_not_told_any_more_is_gone(records: Records) -> None:
    bound = msgspec.structs.replace(project(), references={"rate_card": "card1"})
    records.report(bound)
    result = records.report(msgspec.structs.replace(project(version=2), references={}))
    assert result.changed[0].fields == ("rate_card",)
    assert records.rows("select refs from golden_record") == [({},)]


def test_two_projects_of_one_system_with_the_same_code_are_never_made_one(records: Records) -> None:
    records.report(project())
    result = records.report(project("p2", name="Another"))
    assert [one.finding.code for one in result.findings] == ["SCHEMA_INVALID"]
    assert records.rows("select code, fields ->> 'name' from golden_record order by record_id") == [
        ("P100", "Alpha"),
        (None, "Another"),
    ]


def test_a_corrected_code_follows_its_owner_and_frees_the_old_one(records: Records) -> None:
    records.report(project())
    records.report(project(version=2, code="P200"))
    records.report(project("p9", name="New P100"))
    assert records.rows("select code, fields ->> 'name' from golden_record order by 1") == [
        ("P100", "New P100"),
        ("P200", "Alpha"),
    ]


def test_people_meet_by_their_address_without_regard_to_case(records: Records) -> None:
    records.report(said(RecordType.RESOURCE, "u1", name="Ada", email="Ada@Example.com"))
    records.report(said(RecordType.RESOURCE, "e1", email="ada@example.com"), system="erp")
    assert records.rows("select count(*), min(code) from golden_record") == [(1, "ada@example.com")]


def test_roles_of_one_system_become_one_where_the_mapping_says_so(records: Records) -> None:
    line = MappingLine(
        table="roles", line=2, system="psa", entity="*", source="Sr Dev", target="Senior", valid_from=date(2020, 1, 1)
    )
    config = firm()
    records.apply(msgspec.structs.replace(config, rates=(), fx_rates=(), mappings=(*config.mappings, line)))
    records.report(said(RecordType.ROLE, "r1", name="Senior"), said(RecordType.ROLE, "r2", name="Sr Dev"))
    assert records.rows("select code from golden_record") == [("Senior",)]
    assert {one.code for one in records.book().roles_of("psa").values()} == {"Senior"}


def test_a_legal_entity_waits_for_its_mapping_and_is_found_when_it_comes(records: Records) -> None:
    result = records.report(said(RecordType.LEGAL_ENTITY, "3", name="Acme JP", functional_currency="JPY"), system="erp")
    assert [(one.finding.code, one.record_id) for one in result.findings] == [("LEGAL_ENTITY_UNMAPPED", None)]
    assert records.book().entity_by_id == {}
    config = firm()
    line = msgspec.structs.replace(config.mappings[0], line=9, source="Acme JP", target="JP01")
    applied = records.apply(msgspec.structs.replace(config, mappings=(*config.mappings, line)))
    assert [one.code for one in applied.records.changed] == ["JP01"]
    assert "mapping:legal_entities" in applied.depends_on
    assert records.book().entity("erp", "3") is not None


def test_a_project_finds_its_legal_entity_by_the_firms_mapping(records: Records) -> None:
    records.report(*ENTITIES, system="erp")
    records.report(project())
    facts = records.book().project("psa", "p1")
    assert facts is not None
    assert (facts.entity_code, facts.currency, facts.code) == ("US01", "USD", "P100")


def test_a_new_owner_is_followed_when_the_firm_is_applied(records: Records) -> None:
    records.report(project())
    records.report(said(RecordType.PROJECT, "900", code="P100", name="Erp name"), system="erp")
    rule = OwnershipRule(object="project", fields=("name",), system="erp")
    applied = records.apply(msgspec.structs.replace(firm(), rates=(), fx_rates=(), ownership=(rule,)))
    assert [one.fields for one in applied.records.changed] == [("name",)]
    assert records.rows("select fields ->> 'name' from golden_record") == [("Erp name",)]


def test_a_deleted_record_keeps_what_it_said(records: Records) -> None:
    records.report(project())
    gone = ReportedRecord(type=RecordType.PROJECT, source_id="p1", version=2, fields={}, deleted=True)
    result = records.report(gone)
    assert result.changed[0].fields == ("deleted",)
    facts = records.book().project("psa", "p1")
    assert facts is not None
    assert facts.deleted
    assert facts.name == "Alpha"


def test_a_period_names_its_entity_as_what_findings_wait_for(records: Records) -> None:
    records.report(*ENTITIES, system="erp")
    period = said(
        RecordType.PERIOD,
        "m3",
        refs={"legal_entity": "1"},
        code="2026-03",
        starts="2026-03-01",
        ends="2026-04-01",
        state="open",
    )
    assert "periods:US01" in records.report(period, system="erp").depends_on
    assert [one.code for one in records.book().periods.of("US01")] == ["2026-03"]


def test_periods_of_a_system_that_does_not_keep_the_books_count_for_nothing(records: Records) -> None:
    records.report(*ENTITIES, system="erp")
    fields = {"code": "2026-03", "starts": "2026-03-01", "ends": "2026-04-01", "state": "open"}
    period = said(RecordType.PERIOD, "m3", refs={"legal_entity": "Acme US"})
    records.report(msgspec.structs.replace(period, fields=fields))
    assert records.book().periods.of("US01") == ()


def test_processes_that_hear_of_one_project_at_once_make_one_record(records: Records, database_url: str) -> None:
    barrier = threading.Barrier(4)

    def run(system: str) -> None:
        with connect(database_url, autocommit=True) as conn:
            own = Records(conn)
            barrier.wait()
            own.report(said(RecordType.PROJECT, f"{system}-1", code="P1", name="One"), system=system)

    threads = [threading.Thread(target=run, args=(name,)) for name in ("psa", "erp", "crm", "hcm")]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert records.rows("select count(*) from golden_record") == [(1,)]
    assert records.rows("select count(*) from cross_reference") == [(4,)]


def test_everything_written_is_under_control_totals(records: Records) -> None:
    records.report(project())
    records.report(project(version=2, name="Beta"))
    records.conn.execute("set tieout.writer = 'off'")
    assert verify_control_totals(records.conn) == []
    records.conn.execute("update golden_record set code = 'P999'")
    assert [one.table for one in verify_control_totals(records.conn)] == ["golden_record"]


def with_policy(conflict: ConflictPolicy) -> FirmConfig:
    rule = OwnershipRule(object="project", fields=("*",), system="psa", conflict=conflict)
    return msgspec.structs.replace(firm(), rates=(), fx_rates=(), ownership=(rule,))


def test_another_systems_value_is_a_proposal_where_the_rule_says_so(records: Records) -> None:
    records.apply(with_policy(ConflictPolicy.PROPOSE))
    records.report(said(RecordType.PROJECT, "p1", code="P1", name="Alpha"))
    result = records.report(said(RecordType.PROJECT, "900", code="P1", name="Beta"), system="erp")
    (found,) = result.findings
    assert found.finding.code == "CHANGE_PROPOSED"
    assert found.finding.context["said"] == "Beta"
    assert found.finding.context["owner_says"] == "Alpha"


def test_the_newest_value_wins_where_the_rule_says_so(records: Records) -> None:
    records.apply(with_policy(ConflictPolicy.NEWEST))
    records.report(said(RecordType.PROJECT, "p1", code="P1", name="Alpha"))
    result = records.report(said(RecordType.PROJECT, "900", code="P1", name="Beta"), system="erp")
    assert result.findings == ()
    explained = explain_record(records.conn, RecordType.PROJECT, "P1", "name")
    assert explained.fields[0].value == "Beta"
    assert "the newest project wins" in "\n".join(explained.lines())


def test_a_systems_own_word_for_a_currency_is_translated_by_the_firms_table(records: Records) -> None:
    records.report(project(currency="US Dollar"))
    assert records.rows("select fields ->> 'currency' from golden_record where code = 'P100'") == [(None,)]
    line = MappingLine(
        table="currencies",
        line=9,
        system="psa",
        entity="*",
        source="US Dollar",
        target="USD",
        valid_from=date(2020, 1, 1),
    )
    config = firm()
    records.apply(msgspec.structs.replace(config, mappings=(*config.mappings, line)))
    assert records.rows("select fields ->> 'currency' from golden_record where code = 'P100'") == [("USD",)]
