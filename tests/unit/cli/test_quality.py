"""The quality of what systems say, as the command tells it of a real hub."""

import msgspec
from tests.unit.cli.conftest import CommandLine
from tests.worlds.inbound_database import Hub, master

from tieout.cli.quality import Shown
from tieout.model.reported import RecordType


class _Told(msgspec.Struct):
    quality: list[Shown]


def told(tieout: CommandLine) -> dict[tuple[str, str, str], tuple[int, int]]:
    shown = msgspec.json.decode(tieout("quality", "--json").json(), type=_Told).quality
    return {(one.score.system, one.score.type, one.score.dimension): (one.score.good, one.score.total) for one in shown}


def test_a_system_is_asked_for_what_it_owns_or_speaks_of_and_for_nothing_else(tieout: CommandLine, hub: Hub) -> None:
    scores = told(tieout)
    assert scores["psa", "resource", "completeness"] == (15, 15)
    assert scores["psa", "project", "completeness"] == (9, 14)
    assert scores["erp", "legal_entity", "completeness"] == (6, 6)
    hub.report(master(RecordType.CLIENT, "900", {"name": "Acme"}), system="erp")
    assert told(tieout)["erp", "client", "completeness"] == (1, 2)


def test_values_that_cannot_be_and_codes_that_two_records_have_lower_the_scores(tieout: CommandLine, hub: Hub) -> None:
    hub.report(
        master(RecordType.CLIENT, "c2", {"code": "BETA", "name": "Beta", "currency": "Taler"}),
        master(RecordType.CLIENT, "c3", {"code": "BETA", "name": "Beta again", "currency": "EUR"}),
    )
    scores = told(tieout)
    assert scores["psa", "client", "validity"] == (2, 3)
    assert scores["psa", "client", "uniqueness"] == (1, 3)
    assert "66.6" in tieout("quality").out


def test_what_was_deleted_is_not_asked_about(tieout: CommandLine, hub: Hub) -> None:
    before = told(tieout)
    gone = master(RecordType.CLIENT, "c2", {"currency": "Taler"})
    hub.report(gone)
    assert told(tieout) != before
    hub.report(msgspec.structs.replace(gone, version=2, deleted=True))
    assert told(tieout) == before
