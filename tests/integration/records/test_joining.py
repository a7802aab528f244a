"""Two golden records become one: by a merge or a new key in their system, or because a person says so."""

from collections.abc import Sequence
from datetime import date

import msgspec
from tests.worlds.inbound_firm import firm
from tests.worlds.records_database import ENTITIES, Records, said

from tieout.governance import firm_version
from tieout.model.firm import MappingLine
from tieout.model.reported import RecordType, ReportedRecord
from tieout.records.joining import join, merged_by_source
from tieout.records.reference_book import load
from tieout.runtime.ids import SystemIds
from tieout.storage.control_totals import verify_control_totals
from tieout.storage.pool import in_transaction


def client(key: str, code: str, name: str = "Acme", version: int = 1) -> ReportedRecord:
    return said(RecordType.CLIENT, key, version, code=code, name=name, country="US")


def project(client_key: str) -> ReportedRecord:
    refs = {"client": client_key, "legal_entity": "Acme US"}
    return said(RecordType.PROJECT, "p1", refs=refs, code="P100", name="Alpha", status="active", currency="USD")


def gone(key: str, **references: str) -> ReportedRecord:
    return ReportedRecord(
        type=RecordType.CLIENT, source_id=key, version=9, fields={}, references=references, deleted=True
    )


def record_id(records: Records, key: str) -> int:
    (row,) = records.rows("select record_id from cross_reference where type = 'client' and source_id = %s", key)
    return int(str(row[0]))


def joined(records: Records, pairs: Sequence[tuple[int, int]]) -> None:
    in_transaction(
        records.conn,
        lambda cur: join(
            cur,
            pairs,
            firm=firm_version.current(records.conn),
            now=records.clock.now(),
            ids=SystemIds(),
            why="Test.",
        ),
    )


def merge(records: Records, *reports: ReportedRecord, system: str = "psa") -> None:
    """Take in deletions, and make one of what they say is one."""
    records.report(*reports, system=system)
    joined(records, in_transaction(records.conn, lambda cur: merged_by_source(cur, system, reports)))


def test_a_customer_that_was_merged_in_its_system_is_the_other_one_from_then_on(records: Records) -> None:
    records.report(*ENTITIES, system="erp")
    records.report(client("c1", "ACME"), client("c2", "ACME2", "Acme Inc"), project("c2"))
    lost = record_id(records, "c2")
    merge(records, gone("c2", merged_into="c1"))
    book = load(records.conn)
    (alpha,) = book.project_by_id.values()
    assert alpha.client_id == record_id(records, "c1")
    assert book.client_by_id[lost].code == "ACME", "what names it by id finds the one that it is"
    assert records.rows(f"select tombstone, code from golden_record where record_id = {lost}") == [(True, None)]
    verify_control_totals(records.conn)


def test_a_customer_that_has_a_new_key_and_its_old_code_is_the_same_customer(records: Records) -> None:
    records.report(*ENTITIES, system="erp")
    records.report(client("c1", "ACME"), project("c1"))
    known = record_id(records, "c1")
    records.report(client("c9", "ACME"))
    assert record_id(records, "c9") != known, "two live records of one system are two"
    merge(records, gone("c1"))
    assert record_id(records, "c9") == known
    assert records.rows(f"select tombstone, code from golden_record where record_id = {known}") == [(False, "ACME")]


def test_a_new_key_that_comes_after_the_deletion_means_the_same_customer(records: Records) -> None:
    records.report(*ENTITIES, system="erp")
    records.report(client("c1", "ACME"))
    known = record_id(records, "c1")
    merge(records, gone("c1"))
    result = records.report(client("c9", "ACME"))
    assert result.findings == ()
    assert record_id(records, "c9") == known
    assert records.rows("select tombstone from golden_record where code = 'ACME'") == [(False,)]


def test_an_alias_of_the_firm_resolves_a_customer_wherever_it_is_named(records: Records) -> None:
    alias = MappingLine(
        table="clients", line=7, system="*", entity="*", source="OLD", target="ACME", valid_from=date(2020, 1, 1)
    )
    config = firm()
    records.apply(msgspec.structs.replace(config, mappings=(*config.mappings, alias)))
    records.report(*ENTITIES, system="erp")
    records.report(client("c1", "ACME"), client("c2", "OLD"), project("c2"))
    (alpha,) = load(records.conn).project_by_id.values()
    assert alpha.client_id == record_id(records, "c1")


def test_an_alias_of_a_customer_that_nobody_knows_is_no_customer(records: Records) -> None:
    alias = MappingLine(
        table="clients", line=7, system="*", entity="*", source="OLD", target="NOBODY", valid_from=date(2020, 1, 1)
    )
    config = firm()
    records.apply(msgspec.structs.replace(config, mappings=(*config.mappings, alias)))
    records.report(*ENTITIES, system="erp")
    records.report(client("c2", "OLD"), project("c2"))
    (alpha,) = load(records.conn).project_by_id.values()
    assert alpha.client_id is None


def test_a_chain_of_merges_ends_at_the_last_and_a_circle_is_cut(records: Records) -> None:
    records.report(client("c1", "A"), client("c2", "B"), client("c3", "C"))
    one, two, three = (record_id(records, key) for key in ("c1", "c2", "c3"))

    joined(records, [(one, two), (two, three), (three, one), (one, one)])
    assert {record_id(records, key) for key in ("c1", "c2", "c3")} == {three}
