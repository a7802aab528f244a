"""Which readings are new, which are older, and which are known already."""

from tests.worlds import inbound_firm as world

from tieout.inbound.idempotent_receiver import receive
from tieout.inbound.reading import Disposition, Known, Reading, Released
from tieout.model.reported import ReportedState


def _version(version: int, **changes: object) -> Reading:
    return world.read(world.said(version=version, **changes))


def _known(reading: Reading, entry_id: int = 1, revision: int = 0, disposition: int = 1) -> Known:
    return Known(
        entry_id=entry_id,
        version=reading.version,
        revision=revision,
        state=reading.state,
        disposition=disposition,
        digest=reading.digest,
        previous_entry_id=None,
        resource_id=reading.resource_id,
        project_id=reading.project_id,
        task_id=reading.task_id,
        role_id=reading.role_id,
        entity_id=reading.entity_id,
        day=reading.day,
        hours_e4=reading.hours_e4,
        billable=reading.said.billable,
        work_type=reading.work_type,
    )


KEY = ("1", 1)


def test_the_same_version_again_is_a_repeat() -> None:
    received = receive([_version(1)], {KEY: (_known(_version(1)),)})
    assert (received.heads, received.superseded, received.repeats) == ([], [], 1)


def test_the_same_version_twice_in_a_batch_counts_once() -> None:
    received = receive([_version(1), _version(1)], {})
    assert (len(received.heads), received.repeats) == (1, 1)


def test_of_two_versions_in_a_batch_the_newer_is_judged_whatever_came_first() -> None:
    for versions in ((1, 2), (2, 1)):
        received = receive([_version(version) for version in versions], {})
        assert [one.version for one in received.heads] == [2]
        assert [(one.version, one.disposition) for one in received.superseded] == [(1, Disposition.SUPERSEDED)]


def test_only_a_version_that_came_after_a_newer_one_is_out_of_order() -> None:
    in_order = receive([_version(1), _version(2)], {})
    assert in_order.superseded[0].findings == ()
    out_of_order = receive([_version(1)], {KEY: (_known(_version(2)),)})
    assert [one.code for one in out_of_order.superseded[0].findings] == ["OUT_OF_ORDER_VERSION"]


def test_a_change_without_a_new_version_number_is_a_later_revision() -> None:
    changed = _version(1, narrative="Other words")
    received = receive([changed], {KEY: (_known(_version(1)),)})
    assert [(one.revision, one.previous_entry_id) for one in received.heads] == [(1, 1)]


def test_the_same_id_of_two_systems_is_two_entries() -> None:
    context = world.context()
    mine, theirs = world.read(world.said(), context), world.read(world.said(), context, system="timeapp")
    assert len(receive([mine, theirs], {}).heads) == 2


def test_a_released_reading_is_judged_again_as_the_next_revision() -> None:
    reading = _version(1)
    reading.released = Released(7, 1, "PROJECT_UNKNOWN", "", frozenset())
    received = receive([reading], {KEY: (_known(_version(1), disposition=2),)})
    assert [one.revision for one in received.heads] == [1]


def test_a_released_reading_that_a_newer_version_stands_for_is_stale() -> None:
    reading = _version(1)
    reading.released = Released(7, 1, "PROJECT_UNKNOWN", "", frozenset())
    received = receive([reading], {KEY: (_known(_version(1), disposition=2), _known(_version(2), entry_id=2))})
    assert (received.heads, received.stale) == ([], [reading])


def test_a_withdrawn_approval_is_news() -> None:
    received = receive([_version(2, state=ReportedState.RECALLED)], {KEY: (_known(_version(1)),)})
    assert [one.version for one in received.heads] == [2]
