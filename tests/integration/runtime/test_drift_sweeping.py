"""A drift sweep reads back what each target holds, and finds what was written behind the hub's back, or taken away."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import msgspec
import pytest
from tests.worlds.drift_hub import CUSTOMER, PROJECT, DriftHub, open_drift_hub

from tieout.model.command import UpsertCustomer, UpsertProject

CONNECTORS = ("kantata", "netsuite", "float")


@pytest.fixture(params=CONNECTORS)
def hub(
    request: pytest.FixtureRequest, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[DriftHub]:
    with open_drift_hub(str(request.param), database_url, tmp_path, monkeypatch) as opened:
        yield opened


def test_what_is_there_as_it_was_acknowledged_is_no_drift(hub: DriftHub) -> None:
    hub.deliver(CUSTOMER, PROJECT)
    done = hub.sweep()
    assert {kind: (one.outcome, one.compared_count, one.drifted_count) for kind, one in done.items()} == {
        "client": ("compared", 1, 0),
        "project": ("compared", 1, 0),
    }
    assert hub.desk() == []


def test_a_late_original_over_a_later_amendment_is_found_repaired_and_gone_by_itself(hub: DriftHub) -> None:
    hub.deliver(CUSTOMER, PROJECT)
    original = hub.last_told(UpsertProject)
    amended = msgspec.structs.replace(PROJECT, name="Rollout, amended", ends=date(2028, 9, 1))
    hub.deliver(amended)
    hub.write_behind(original)
    assert hub.sweep()["project"].drifted_count == 1
    [item] = hub.desk()
    assert (item.code, item.source_id, item.subject_kind) == ("DRIFT", "P-77", "target_drift")
    assert (item.context["name.acknowledged"], item.context["name.held"]) == ("Rollout, amended", "Rollout")
    assert (item.context["ends.acknowledged"], item.context["ends.held"]) == ("2028-09-01", "2027-01-01")
    assert item.context["name.owner"] == "crm"
    before = hub.delivery_count()
    hub.retry()
    assert (hub.delivery_count(), hub.states(), hub.desk()) == (before + 1, {"posted"}, [])
    assert hub.sweep()["project"].drifted_count == 0
    assert hub.desk() == []


def test_what_a_person_puts_right_by_hand_is_no_item_any_more(hub: DriftHub) -> None:
    hub.deliver(CUSTOMER)
    amended = msgspec.structs.replace(CUSTOMER, name="Ünïcode & Daughters")
    hub.deliver(amended)
    right = hub.last_told(UpsertCustomer)
    hub.write_behind(msgspec.structs.replace(right, name="Somebody else"))
    hub.sweep()
    [item] = hub.desk()
    assert (item.context["name.held"], item.context["name.acknowledged"]) == ("Somebody else", "Ünïcode & Daughters")
    hub.write_behind(right)
    hub.sweep()
    assert hub.desk() == []


def test_what_a_target_no_longer_holds_is_missing_and_made_again(hub: DriftHub) -> None:
    hub.deliver(CUSTOMER, PROJECT)
    hub.restore()
    assert {kind: one.missing_count for kind, one in hub.sweep().items()} == {"client": 1, "project": 1}
    words = sorted(item.message for item in hub.desk())
    assert words[0] == "MISSING_IN_TARGET: target no longer holds the client C-77, which it acknowledged."
    assert words[1] == "MISSING_IN_TARGET: target no longer holds the project P-77, which it acknowledged."
    hub.retry()
    assert hub.states() == {"posted"}
    done = hub.sweep()
    assert {kind: (one.compared_count, one.missing_count, one.drifted_count) for kind, one in done.items()} == {
        "client": (1, 0, 0),
        "project": (1, 0, 0),
    }
    assert hub.desk() == []
