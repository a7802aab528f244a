"""Values that no table can hold make an item unreadable, in words; nothing is coerced."""

from datetime import datetime
from decimal import Decimal

import pytest
from tests.worlds import inbound_firm as world

from tieout.inbound.normalizer import Arrival, normalize


def _problem(**changes: object) -> str:
    readings, unreadable = normalize([Arrival(5, 3, "psa", "time_entries", world.said(**changes))], world.context())
    assert readings == []
    assert (unreadable[0].message_id, unreadable[0].item_no) == (5, 3)
    return unreadable[0].problem


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"hours": Decimal("1.00001")}, "more than four decimals"),
        ({"hours": Decimal("7.5" + "0" * 60 + "1")}, "more than four decimals"),
        ({"hours": Decimal("NaN")}, "no number of hours"),
        ({"hours": Decimal("sNaN")}, "no number of hours"),
        ({"hours": Decimal("-Infinity")}, "no number of hours"),
        ({"hours": Decimal("1e30")}, "no number of hours"),
        ({"version": -1}, "version -1"),
        ({"version": 2**63}, "version"),
        ({"source_id": ""}, "id has 0 characters"),
        ({"source_id": "x" * 201}, "id has 201 characters"),
        ({"source_id": "a\x00"}, "NUL"),
        ({"narrative": "a\x00"}, "NUL"),
        ({"narrative": "a\ud800"}, "cannot be written down"),
        ({"person": "\x00"}, "cannot be looked up"),
        ({"work_type": "night"}, "work type 'night'"),
        ({"started_at": datetime(2026, 7, 1, 9)}, "no time zone"),  # noqa: DTZ001 - the naive instant is the case
        ({"approved_at": datetime(2026, 7, 1, 9)}, "no time zone"),  # noqa: DTZ001 - as above
    ],
)
def test_what_cannot_be_kept_is_unreadable(changes: dict[str, object], words: str) -> None:
    assert words in _problem(**changes)


def test_hours_are_exact() -> None:
    assert world.read(world.said(hours=Decimal("7.3333"))).hours_e4 == 73_333
    assert world.read(world.said(hours=Decimal("7.50000000"))).hours_e4 == 75_000
    assert world.read(world.said(hours=Decimal(-2))).hours_e4 == -20_000


def test_unknown_keys_leave_their_golden_ids_empty() -> None:
    reading = world.read(world.said(person="zoe", project="p999", task="x", role="y"))
    assert (reading.resource_id, reading.project_id, reading.task_id, reading.role_id) == (None, None, None, None)


def test_without_a_role_of_its_own_the_entry_has_that_of_the_person() -> None:
    assert world.read(world.said(role=None)).role_id == world.SENIOR


def test_any_change_of_what_was_said_changes_the_digest() -> None:
    digests = {world.read(world.said(**one)).digest for one in ({}, {"narrative": "x"}, {"hours": Decimal(1)})}
    assert len(digests) == 3
