"""A hub killed between all steps of a provisioning, vendors that spoil 15 % of their answers: one project everywhere.

The systems are the simulators of Salesforce, Kantata, NetSuite and Float, processes of their own, and are read past
their APIs in the end. Kantata and Float can only be looked up (class L); NetSuite is told to be of class N in one
campaign: what it leaves open a person looks up, and confirms or sends again.
"""

import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from tests.faults.campaign import Killer
from tests.faults.forks import Forks
from tests.faults.sellers import Sellers
from tests.faults.vendor_nursery import VendorOrder

from tieout.connect.simulator.control import Holding, Switches
from tieout.desk import effects
from tieout.runtime.apply import apply_firm
from tieout.runtime.clock import SystemClock
from tieout.sample.agreement import compare
from tieout.sample.deals import expected_projects
from tieout.sample.demo import read_sources
from tieout.sample.firm_directory import PROJECT_TASKS
from tieout.sample.masters import SIZES, FirmSize
from tieout.sample.surroundings import DemoPlan, Stream, World, surroundings
from tieout.storage.pool import connect, in_transaction
from tieout.streams.lead_to_project.targets import CUSTOMER, LINK, PROJECT, TASK

FAULT_RATE = 0.15
DELIVERY = """
[delivery]
max_attempts = 10000
backoff_s = 0.05
backoff_max_s = 0.2
circuit_failures = 20
circuit_probe_s = 0.1
circuit_probe_max_s = 0.2
quarantine_s = 0.1
longest_in_flight_s = 1
"""
"""Kills burn attempts, and this is about doubles, not about dead letters. Chance delays no request by half a second."""
SMALL = int(os.environ.get("TIEOUT_KILLS_SMALL", "8"))
LARGE = int(os.environ.get("TIEOUT_KILLS_VENDORS", "600"))
AS_DECLARED: dict[str, str] = {}
ERP_OF_CLASS_N = {"erp": "N"}
_EVERYTHING_EVERY = 10
_WINS, _CHANGES = 0.7, 0.2
_AT_ONCE = 8
"""A new deal is won while less than this is under way."""
_ONE_IN = 8
_NO_DEALS_YET = "without deals"


@pytest.fixture
def vendors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """The systems of a small firm that has sold nothing yet, and its firm directory in ``home/firm``."""
    monkeypatch.setitem(SIZES, _NO_DEALS_YET, FirmSize(name=_NO_DEALS_YET, people=60, projects=24, deals=0))
    plan = DemoPlan(size=_NO_DEALS_YET, seed=5, faults=0.0, erp="netsuite", stream=Stream.ALL.value)
    with surroundings(tmp_path / "home", plan, lambda _: None) as world:
        for path in (tmp_path / "home" / "firm" / "systems").glob("*.toml"):
            path.write_text(path.read_text().split("\n[delivery]")[0] + DELIVERY)
        yield world


class VendorCampaign:
    """Deals keep being won and changed while hubs die."""

    def __init__(self, url: str, world: World, killer: Killer, sellers: Sellers, *, classes: dict[str, str]) -> None:
        self.url = url
        self.world = world
        self.killer = killer
        self.sellers = sellers
        self.by_hand: Counter[str] = Counter()
        self._classes = classes
        self._random = random.Random(len(classes))
        self._rounds = 0
        self._forks = Forks("tests.faults.vendor_nursery", killer=killer.path)

    def close(self) -> None:
        self._forks.close()
        self.killer.close()

    def disturb(self, *, kills: int, deadline_s: float) -> None:
        """Win and change deals while workers die, until ``kills``."""
        until = time.monotonic() + deadline_s
        while self.killer.kills < kills and time.monotonic() < until:
            if self._open() < _AT_ONCE and self._random.random() < _WINS:
                self.world.crm.admin.change(*self.sellers.win())
            elif self._random.random() < _CHANGES:
                self.world.crm.admin.change(*self.sellers.go_on())
            self._work()

    def settle(self, *, deadline_s: float) -> None:
        """Let all that was begun come to its end without killing; what was made is read back from everywhere."""
        self.killer.armed = False
        until = time.monotonic() + deadline_s
        while changes := self.sellers.go_on():
            self.world.crm.admin.change(*changes)
        self.rest(until)
        read_sources(self.url)
        self.rest(until)

    def on_the_desk(self) -> list[tuple[object, ...]]:
        with psycopg.connect(self.url) as conn:
            return conn.execute(
                """
                select c.code, count(*), min(i.message)
                  from tieout.desk_item i join tieout.root_cause c using (cause_id)
                 where i.state in ('open', 'released') group by c.code
                """
            ).fetchall()

    def rest(self, until: float) -> None:
        """Work until a worker came to its end and left everything at rest, or it is time."""
        while (not self._work() or self._open()) and time.monotonic() < until:
            time.sleep(0.05)

    def _work(self) -> bool:
        """Whether the worker came to its end."""
        self._rounds += 1
        reads = ("crm",) if self._rounds % _EVERYTHING_EVERY else tuple(self.world.simulators)
        status = self._forks.work(VendorOrder(url=self.url, reads=reads, classes=self._classes))
        self._see_to_what_is_unclear()
        return status == 0

    def _see_to_what_is_unclear(self) -> None:
        """A person looks for what a target without look-up left open, and confirms it or has it sent again."""
        with connect(self.url, autocommit=True) as conn:
            rows = conn.execute(
                """
                select i.item_id, d.system, d.reference
                  from desk_item i
                  join root_cause r using (cause_id)
                  join delivery d on i.subject_kind = 'delivery' and d.delivery_id = i.subject_id
                 where i.state = 'open' and r.code = 'DELIVERY_UNRESOLVED' and d.state = 'held'
                """
            ).fetchall()
            for item_id, system, reference in rows:
                self.by_hand[str(system)] += 1
                is_there = bool(self.world.simulators[str(system)].admin.holdings(str(reference)))
                self._decide(conn, int(str(item_id)), is_there=is_there)

    def _decide(self, conn: psycopg.Connection[tuple[object, ...]], item_id: int, *, is_there: bool) -> None:
        now = SystemClock().now()
        if is_there:
            in_transaction(
                conn, lambda cur: effects.exclude(cur, [item_id], actor="ada", reason="It is there.", now=now)
            )
        else:
            in_transaction(
                conn,
                lambda cur: effects.release(cur, [item_id], actor="ada", reason="Not there.", accept=True, now=now),
            )

    def _open(self) -> int:
        """How much is not at rest."""
        with psycopg.connect(self.url) as conn:
            row = conn.execute(
                """
                select (select count(*) from tieout.message_pending)
                       + (select count(*) from tieout.delivery where state in ('ready', 'intent', 'in_doubt', 'held'))
                       + (select count(*) from tieout.provisioned_object where open)
                       + (select count(*) from tieout.plan_pending)
                       + (select count(*) from tieout.desk_item where state = 'released')
                """
            ).fetchone()
        return 0 if row is None else int(str(row[0]))


def opened(url: str, world: World, directory: Path, sellers: Sellers, *, classes: dict[str, str]) -> VendorCampaign:
    """A campaign on a hub that knows the masters and nothing of any deal yet."""
    apply_firm(url, directory / "home" / "firm", applied_by="test", clock=SystemClock())
    read_sources(url)
    killer = Killer(directory / "kill.sock", seed=len(classes), one_in=_ONE_IN)
    killer.armed = False
    campaign = VendorCampaign(url, world, killer, sellers, classes=classes)
    campaign.rest(time.monotonic() + 120)
    for seed, simulator in enumerate(world.simulators.values()):
        simulator.admin.switch(Switches(fault_rate=FAULT_RATE, fault_seed=seed))
    killer.armed = True
    return campaign


def run(url: str, world: World, directory: Path, sellers: Sellers, *, kills: int, classes: dict[str, str]) -> None:
    campaign = opened(url, world, directory, sellers, classes=classes)
    known = {row[0] for row in campaign.on_the_desk()}
    try:
        campaign.disturb(kills=kills, deadline_s=60 + 6 * kills)
        campaign.settle(deadline_s=300)
    finally:
        campaign.close()
    sys.stdout.write(
        f"{campaign.killer.kills} kills, {sellers.deals} deals, by hand {dict(campaign.by_hand)}, "
        f"points {dict(campaign.killer.points)}\n"
    )
    assert campaign.killer.kills >= kills
    assert [row for row in campaign.on_the_desk() if row[0] not in known] == []
    judge(campaign)


def judge(campaign: VendorCampaign) -> None:
    """One customer, one project and one of each of its tasks in every system, all with the same facts, all linked."""
    world, quarter = campaign.world, campaign.sellers.done()
    expected = expected_projects(quarter, own_tasks=len(PROJECT_TASKS))
    holdings = world.holdings()
    agreement = compare(expected, quarter, holdings, planners=world.planners)
    assert agreement.disagreements == ()
    assert set(agreement.systems) == {"psa", "erp", "resources"}
    for system, held in holdings.items():
        found = Counter((one.kind, one.code) for one in held if one.kind in {CUSTOMER, PROJECT, TASK})
        assert {key: count for key, count in found.items() if count > 1} == {}, system
        assert {(CUSTOMER, project.client) for project in expected} <= found.keys(), system
        assert [one for one in held if one.reference.endswith(":unfinished")] == [], system
    tasks = {name: tasks_of(holdings[name], {one.code for one in expected}) for name in ("psa", "erp")}
    assert tasks["psa"] == tasks["erp"]
    assert all(len(codes) >= len(PROJECT_TASKS) + 1 for codes in tasks["psa"].values())
    links = Counter(one.facts.get("project_code") for one in world.crm.admin.holdings() if one.kind == LINK)
    assert links == Counter({one.code: 1 for one in expected})


def tasks_of(held: list[Holding], projects: set[str]) -> dict[str, set[str]]:
    """The codes of the tasks of each project."""
    found: dict[str, set[str]] = {code: set() for code in projects}
    for one in held:
        project = (one.code or "").partition("/")[0]
        if one.kind == TASK and project in found:
            found[project].add(str(one.code))
    return found


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_small_campaign_against_the_vendors_systems(database_url: str, vendors: World, tmp_path: Path) -> None:
    sellers = Sellers(vendors.firm, seed=1, few=1)
    run(database_url, vendors, tmp_path, sellers, kills=SMALL, classes=AS_DECLARED)


@pytest.mark.faults
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("classes", [AS_DECLARED, ERP_OF_CLASS_N], ids=["as declared", "the ERP of class N"])
def test_a_campaign_of_hundreds_of_kills_against_the_vendors_systems(
    database_url: str, vendors: World, tmp_path: Path, classes: dict[str, str]
) -> None:
    run(database_url, vendors, tmp_path, Sellers(vendors.firm, seed=2), kills=LARGE // 2, classes=classes)
