"""The checks of masters and plans: a right definition passes them, each wrong one fails the check made for it."""

from collections.abc import Iterator

import msgspec
import pytest
from tests.unit.connect.wrong_definitions import rest_connector

from tieout.connect.conformance import ALL_CHECKS, SimulatorHarness, Site, Verdict
from tieout.connect.conformance.hand_work import HAND_WORK
from tieout.connect.conformance.score import Result
from tieout.connect.conformance.seeded import EXPECTED
from tieout.connect.conformance.suite import SuiteRun
from tieout.connect.connector import Connector
from tieout.connect.manifest import ReadCapability

CHECKS = {check.name: check for check in ALL_CHECKS}


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with SimulatorHarness("http", connector=rest_connector()).open() as opened:
        yield opened


def made(site: Site, check: str, connector: Connector) -> Result:
    return SuiteRun(SimulatorHarness("http", connector=connector), site).make(CHECKS[check])


WRONG = [
    ("assignments", "plus_days = 1", "plus_days = 0", "every_assignment_is_read_whole", "ends is"),
    ("assignments", 'tentative = "soft"', 'tentative = "hard"', "every_assignment_is_read_whole", "state is"),
    ("assignments", "minutes = true", "scale = 2", "every_assignment_is_read_whole", "hours_per_day is"),
    (
        "assignments",
        'person = { path = "worker"',
        'person = { path = "project"',
        "every_assignment_is_read_whole",
        "person is",
    ),
    ("time_off", "plus_days = 1", "plus_days = 2", "every_time_off_is_read_whole", "ends is"),
    ("time_off", 'requested = "requested"', 'requested = "approved"', "every_time_off_is_read_whole", "state is"),
    ("clients", 'name = "name"', 'name = "number"', "every_client_is_read_whole", "0 times"),
    ("projects", 'currency = "currency"', 'currency = "entity"', "every_project_is_read_whole", "currency is"),
    ("tasks", 'billable = "billable"', 'billable = "open"', "every_task_is_read_whole", "billable is"),
    (
        "people",
        'path = "left", date = "%d.%m.%Y", plus_days = 1',
        'path = "left", date = "%d.%m.%Y"',
        "every_resource_is_read_whole",
        "employment_to is",
    ),
    ("deals", "plus_days = 1", "plus_days = 0", "every_deal_is_read_whole", "ends is"),
    ("deal_lines", "minutes = true", "scale = 1", "every_deal_line_is_read_whole", "hours is"),
    ("contracts", 'client = "client"', 'client = "deal"', "every_contract_is_read_whole", "client is"),
    ("holidays", 'country = "country"', 'country = "name"', "every_holiday_is_read_whole", "country is"),
    (
        "assignments",
        'kind = "assignment"',
        'kind = "assignment"\nid = "minutes_a_day"',
        "an_assignment_changed_by_hand_is_read",
        "source id was 437 and is 211",
    ),
    ("deals", 'params = { deleted = "true" }', "params = {}", "a_deal_deleted_by_hand_is_seen", "declared to be told"),
    (
        "clients",
        'params = { deleted = "true" }',
        "params = {}",
        "a_client_deleted_by_hand_is_seen",
        "declared to be told",
    ),
    (
        "time_off",
        'deleted = { path = "deleted" }',
        'deleted = { path = "reason", equals = ["no"] }',
        "a_time_off_deleted_by_hand_is_seen",
        "declared to be told",
    ),
]


@pytest.mark.parametrize(("part", "right", "wrong", "check", "words"), WRONG)
def test_a_definition_that_is_wrong_in_one_thing_fails_the_check_for_it(
    site: Site, part: str, right: str, wrong: str, check: str, words: str
) -> None:
    result = made(site, check, rest_connector(f'object = "{part}"', right, wrong))
    assert result.verdict is Verdict.FAILED, result
    assert words in result.words


def declaring(object_name: str, *kinds: str) -> Connector:
    def named(one: ReadCapability) -> ReadCapability:
        return msgspec.structs.replace(one, kinds=kinds) if one.object == object_name else one

    right = rest_connector()
    manifest = msgspec.structs.replace(right.manifest, reads=tuple(named(one) for one in right.manifest.reads))
    return Connector(
        manifest=manifest,
        translator=right.translator,
        open_source=right.open_source,
        open_sink=right.open_sink,
        open_ledger_reader=right.open_ledger_reader,
    )


def test_a_declared_kind_that_is_not_read_fails(site: Site) -> None:
    result = made(site, "every_deal_is_read_whole", declaring("deals", "contract"))
    assert (result.verdict, result.words) == (Verdict.NOT_APPLICABLE, "the connector reads no deal")
    result = made(site, "every_deal_is_read_whole", declaring("holidays", "deal"))
    assert result.verdict is Verdict.PASSED, "the deals are still read, from the object that declares nothing"
    both = declaring("deals", "holiday")
    result = made(site, "every_holiday_is_read_whole", both)
    assert result.verdict is Verdict.PASSED, result


def test_a_kind_that_is_declared_and_told_by_no_object_fails(site: Site) -> None:
    right = rest_connector()
    reads = (msgspec.structs.replace(right.manifest.reads[-1], kinds=("deal",)),)
    alone = Connector(
        manifest=msgspec.structs.replace(right.manifest, reads=reads),
        translator=right.translator,
        open_source=right.open_source,
    )
    result = made(site, "every_deal_is_read_whole", alone)
    assert result.verdict is Verdict.FAILED
    assert result.words == "the manifest declares deal, and none of the fixture firm is read"


def test_a_deletion_that_is_missing_from_a_full_walk_is_enough_where_it_is_declared_so(site: Site) -> None:
    absent = rest_connector('object = "deals"', 'deletes = "tombstone"', 'deletes = "absence"')
    result = made(site, "a_deal_deleted_by_hand_is_seen", absent)
    assert result.verdict is Verdict.PASSED, result


def test_every_kind_that_people_change_is_also_read_whole() -> None:
    assert set(HAND_WORK) <= set(EXPECTED)
