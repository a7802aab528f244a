"""What vendors' objects look like is learnt from the message store, once from each message."""

from datetime import UTC, datetime

import msgspec

from tieout.governance import audit
from tieout.inbound import message_store, vendor_schemas
from tieout.storage.pool import connect, in_transaction

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)


def stored(url: str, *payloads: bytes, system: str = "psa") -> None:
    messages = [
        message_store.NewMessage(system=system, object="projects", channel="poll", payload=one, item_count=1)
        for one in payloads
    ]
    with connect(url, autocommit=True) as conn:
        in_transaction(conn, lambda cur: message_store.store(cur, messages, now=NOW))


def page(first: int, **fields: object) -> bytes:
    rows = [{"id": number, "state": "open", **fields} for number in range(first, first + 60)]
    return msgspec.json.encode({"rows": rows})


def learn(url: str) -> list[str]:
    with connect(url, autocommit=True) as conn:
        while in_transaction(conn, lambda cur: vendor_schemas.learn(cur, now=NOW)):
            pass
        found = in_transaction(conn, vendor_schemas.open_changes)
    return sorted(f"{one.system} {one.path} {one.words}" for one in found)


def test_a_renamed_field_is_noted_once_and_until_somebody_has_looked(database_url: str) -> None:
    stored(database_url, page(0, code="a"), page(100, code="b"))
    assert learn(database_url) == []
    stored(database_url, page(200, number="c"))
    noticed = ["psa /rows[]/code is not told any more", "psa /rows[]/number is new"]
    assert learn(database_url) == noticed
    stored(database_url, page(300, number="d"))
    assert learn(database_url) == noticed
    with connect(database_url, autocommit=True) as conn:
        count = in_transaction(
            conn,
            lambda cur: vendor_schemas.acknowledge(cur, system="psa", actor="ada", reason="agreed", now=NOW),
        )
        assert count == 2
        [line] = audit.entries(conn)
        assert (line.entry.principal, line.entry.action, line.entry.object_id) == (
            "ada",
            "vendor_changes.acknowledged",
            "psa",
        )
    assert learn(database_url) == []


def test_what_is_no_json_is_passed_over_and_systems_are_apart(database_url: str) -> None:
    stored(database_url, b"code;name\n1;2\n", page(0, code="a"))
    stored(database_url, page(0, number="a"), system="erp")
    assert learn(database_url) == []
    with connect(database_url, autocommit=True) as conn:
        known = in_transaction(conn, vendor_schemas.objects)
    assert [(one.system, one.message_count) for one in known] == [("erp", 1), ("psa", 1)]
