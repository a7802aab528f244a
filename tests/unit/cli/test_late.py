"""``tieout exceptions late``: which service levels are broken."""

import msgspec
from tests.unit.api.conftest import entry
from tests.unit.cli.conftest import CommandLine, hand_in
from tests.worlds.inbound_database import Hub

from tieout.desk.service_levels import Breach
from tieout.runtime.service_levels import measure
from tieout.storage.pool import in_transaction


def measured(hub: Hub) -> None:
    in_transaction(hub.conn, lambda cur: measure(hub.conn, cur, hub.context.books, now=hub.clock.now()))


def test_a_cause_that_is_held_for_too_long_is_late_until_it_is_solved(tieout: CommandLine, hub: Hub) -> None:
    hand_in(hub, [entry(1, project="P999")])
    measured(hub)
    assert tieout("exceptions", "late").out == "Every service level holds.\n"
    hub.clock.advance(25 * 3600)
    measured(hub)
    found = msgspec.json.decode(tieout("exceptions", "late", "--json").json(), type=list[Breach])
    held = next(one for one in found if one.level == "exception_resolved")
    assert (held.owner, held.unit, held.escalation) == ("project_management", "h", 1)
    words = tieout("exceptions", "late").out
    assert "Exceptions are held for too long: cause 1\n" in words
    assert "late by 1.00 h since 2026-08-11 12:00; owner project_management, escalated 1 time(s)" in words
    [(item,)] = hub.rows("select item_id from desk_item")
    assert tieout("exceptions", "exclude", str(item), "--reason", "A test.").code == 0
    tieout.approves("cleo")
    measured(hub)
    assert "Exceptions are held" not in tieout("exceptions", "late").out
    assert "until 2026-08-11 13:00; owner project_management" in tieout("exceptions", "late", "--all").out
