"""Fields of a target's account are filled by configuration alone: journal dimensions, and what is made of a deal."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import msgspec
import pytest
from tests.integration.reconciliation.books import Books, world
from tests.worlds.inbound_database import Hub, master
from tests.worlds.project_hub import POLICY, ProjectHub, client, contract, deal, firm, line

from tieout.model.field_mapping import CustomField, FilledField
from tieout.model.firm import FirmConfig, MappingLine
from tieout.model.reported import RecordType
from tieout.storage.pool import connect, sync_pool

SEGMENT = FilledField(
    command="post_journal",
    field="cseg_practice",
    source="project.practice",
    transform=("strip", "table:practices"),
    required=True,
)
FIXED: dict[str, Any] = {"custom:Engagement__c": "Fixed"}
BY_TIME: dict[str, Any] = {"custom:Engagement__c": "Time"}
GOLD: dict[str, Any] = {"custom:Segment__c": "Gold"}
KEPT = CustomField(object="project", field="Practice", name="practice", transform=("upper",))


@pytest.fixture
def books(database_url: str) -> Iterator[Books]:
    pool = sync_pool(database_url, application="test", size=4)
    with connect(database_url, autocommit=True) as conn:
        hub = Hub(conn)
        hub.open_firm()
        opened = Books(database_url, hub, pool)
        yield opened
        opened.close()
    pool.close()


def practice(source: str, target: str) -> MappingLine:
    return MappingLine(
        table="practices", line=90, system="erp", entity="*", source=source, target=target, valid_from=date(2020, 1, 1)
    )


def mapped(base: FirmConfig, *lines: MappingLine, **by_system: Any) -> FirmConfig:
    """The firm with further mapping lines, and each named system's fields replaced."""
    systems = tuple(msgspec.structs.replace(one, **by_system.get(one.name, {})) for one in base.systems)
    return msgspec.structs.replace(base, systems=systems, mappings=(*base.mappings, *lines))


def with_segment(*lines: MappingLine) -> FirmConfig:
    return mapped(world.firm(), *lines, erp={"fields": (SEGMENT,)}, psa={"custom_fields": (KEPT,)})


def tell_practice(books: Books, practice: str | None, version: int) -> None:
    """The PSA tells project P100 with a field of its account's own."""
    (known,) = [one for one in world_projects(books) if one[0] == "P100"]
    fields = {**known[2], "custom:Practice": practice}
    books.hub.report(master(RecordType.PROJECT, known[1], fields, version, **known[3]))


def world_projects(books: Books) -> list[tuple[str, str, dict[str, Any], dict[str, str]]]:
    rows = books.hub.rows(
        """
        select fields ->> 'code', source_id, fields, refs from reported_record
         where type = 'project' and system = 'psa'
        """
    )
    return [(str(code), str(key), dict(fields), dict(refs)) for code, key, fields, refs in rows]  # type: ignore[call-overload]  # untyped rows


def dimensions(books: Books) -> list[dict[str, str]]:
    return [line.dimensions for journal in books.ledger.posted.values() for line in journal.lines]


def test_a_custom_field_of_the_psa_reaches_the_journal_of_the_erp_as_a_segment(books: Books) -> None:
    books.hub.apply(with_segment(practice("DESIGN", "300")))
    tell_practice(books, " design ", 2)
    books.take(world.said())
    books.deliver()
    assert dimensions(books)
    assert all(one == {"cseg_practice": "300"} for one in dimensions(books))
    books.proven()


def test_time_waits_for_a_required_segment_until_its_mapping_comes(books: Books) -> None:
    books.hub.apply(with_segment(practice("OTHER", "1")))
    tell_practice(books, "Design", 2)
    books.take(world.said())
    assert codes(books) == ["DIMENSION_MISSING"]
    books.hub.apply(with_segment(practice("OTHER", "1"), practice("DESIGN", "300")))
    books.hub.work()
    books.deliver()
    assert codes(books) == []
    assert dimensions(books)
    assert all(one == {"cseg_practice": "300"} for one in dimensions(books))


def test_a_field_that_is_configured_later_is_there_at_once(books: Books) -> None:
    tell_practice(books, "Design", 2)
    assert books.hub.rows("select fields ->> 'practice' from golden_record where code = 'P100'") == [(None,)]
    books.hub.apply(with_segment(practice("DESIGN", "300")))
    assert books.hub.rows("select fields ->> 'practice' from golden_record where code = 'P100'") == [("DESIGN",)]


def codes(books: Books) -> list[str]:
    return [str(code) for code, _, _ in books.hub.open_items()]


def l2p_firm(*filled: FilledField) -> FirmConfig:
    kept = {
        "custom_fields": (
            CustomField(object="deal", field="Engagement__c", name="engagement"),
            CustomField(object="client", field="Segment__c", name="segment"),
        )
    }
    return mapped(firm(POLICY), erp={"fields": filled}, crm=kept)


def test_custom_fields_of_deal_and_customer_reach_the_project_and_the_customer_of_the_erp(hub: ProjectHub) -> None:
    hub.apply(
        l2p_firm(
            FilledField(command="upsert_project", field="custentity_engagement", source="deal.engagement"),
            FilledField(command="upsert_project", field="until", source="project.ends", transform=("last_day",)),
            FilledField(command="upsert_customer", field="custentity_segment", source="client.segment"),
            FilledField(command="upsert_task", field="custevent_entity", source="entity.code"),
        )
    )
    hub.report(client("a1", "ACME", "Acme", 2, **GOLD))
    hub.report(contract("D1"), line("D1"), deal(**FIXED))
    assert hub.codes() == []
    erp, psa = hub.books["erp"], hub.books["psa"]
    assert erp.project("P-D1")["fields"] == {"custentity_engagement": "Fixed", "until": "2026-11-30"}
    assert erp.objects["customer", "ACME"]["fields"] == {"custentity_segment": "Gold"}
    assert erp.objects["task", "P-D1", "D"]["fields"] == {"custevent_entity": "US01"}
    assert psa.project("P-D1")["fields"] == {}


def test_a_changed_custom_field_is_sent_to_the_system_that_has_it(hub: ProjectHub) -> None:
    hub.apply(l2p_firm(FilledField(command="upsert_project", field="engagement", source="deal.engagement")))
    hub.report(contract("D1"), line("D1"), deal(**FIXED))
    hub.report(deal(version=2, **BY_TIME))
    hub.run()
    assert hub.books["erp"].project("P-D1")["fields"] == {"engagement": "Time"}
    assert hub.books["psa"].kinds().count("upsert_project") == 1


def test_a_deal_without_a_value_for_a_required_field_waits_for_it(hub: ProjectHub) -> None:
    needed = FilledField(command="upsert_project", field="engagement", source="deal.engagement", required=True)
    hub.apply(l2p_firm(needed))
    hub.report(contract("D1"), line("D1"), deal())
    assert hub.codes() == ["DIMENSION_MISSING"]
    hub.report(deal(version=2, **FIXED))
    assert hub.codes() == []
    assert hub.project_state("P-D1") == "active"


def test_the_ledger_is_not_told_how_a_contract_is_taxed_and_the_psa_is(hub: ProjectHub) -> None:
    hub.report(contract("D1", tax_treatment="standard"), line("D1"), deal())
    assert hub.codes() == []
    assert "tax_treatment" not in hub.books["erp"].objects["contract", "K-D1"]
    assert hub.books["psa"].objects["contract", "K-D1"]["tax_treatment"] == "standard"
