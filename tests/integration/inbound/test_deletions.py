"""A master that its source deletes is a tombstone: what was worked, priced and posted by it stays to the cent."""

import pytest
from tests.worlds import inbound_firm as world
from tests.worlds.inbound_database import Hub

from tieout.model.reported import RecordType, ReportedRecord

MONEY = """
    select actual_id, entity_id, project_id, hours, amount_minor, functional_minor, rate_line_id from actual
     order by actual_id
"""


@pytest.mark.parametrize(
    ("record_type", "key"),
    [
        (RecordType.PROJECT, "p100"),
        (RecordType.CLIENT, "c1"),
        (RecordType.RESOURCE, "ada"),
        (RecordType.TASK, "design"),
        (RecordType.ROLE, "r1"),
    ],
)
def test_a_deleted_master_takes_no_money_with_it(hub: Hub, record_type: RecordType, key: str) -> None:
    hub.take(world.said())
    before = hub.rows(MONEY)
    assert before
    hub.report(ReportedRecord(type=record_type, source_id=key, version=99, fields={}, deleted=True))
    (tombstone,) = hub.rows(
        """
        select g.tombstone from golden_record g join cross_reference x using (record_id)
         where x.system = 'psa' and x.type = %s and x.source_id = %s
        """,
        str(record_type),
        key,
    )
    assert tombstone == (True,)
    assert hub.rows(MONEY) == before
    assert hub.rows("select disposition from time_entry") == [(1,)]
