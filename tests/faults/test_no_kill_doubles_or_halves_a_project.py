"""Workers killed between all steps of a provisioning, targets that spoil 15 % of their answers: one project everywhere.

``erp`` and ``psa`` can only be looked up (class L); ``erp2`` not even that counts (class N): what it leaves open a
person sees to by hand. None of them keeps anybody from making an object twice.
"""

import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psycopg
import pytest
from tests.faults.campaign import Killer
from tests.faults.forks import Forks
from tests.faults.project_nursery import ProjectOrder
from tests.faults.shelf import Fates, Shelf
from tests.worlds import project_hub as world
from tests.worlds.inbound_database import Hub, PlainTranslator, _Wire

from tieout.desk import effects
from tieout.model.command import Command
from tieout.model.reported import ReportedRecord
from tieout.runtime.clock import SystemClock
from tieout.storage.pool import connect, in_transaction

FAULT_RATE = 0.15
IN_FLIGHT_S = 0.3
CLASSES = {"psa": "L", "erp": "L", "erp2": "N", "crm": "L"}
DEALS_A_CLIENT = 4
SMALL = int(os.environ.get("TIEOUT_KILLS_SMALL", "12"))
LARGE = int(os.environ.get("TIEOUT_KILLS_PROJECTS", "500"))
_COMMANDS: msgspec.json.Decoder[Command] = msgspec.json.Decoder(Command)


@pytest.fixture
def shelves(tmp_path: Path) -> Iterator[dict[str, Shelf]]:
    opened = {}
    for at, name in enumerate(CLASSES):
        (tmp_path / name).mkdir()
        opened[name] = Shelf(tmp_path / name, Fates(rate=FAULT_RATE, in_flight_s=IN_FLIGHT_S, seed=at))
    yield opened
    for one in opened.values():
        one.close()


def firm_on_shelves() -> object:
    """As ``project_hub``; the second ledger takes the projects of all legal entities too."""
    config = world.firm()
    systems = tuple(msgspec.structs.replace(one, posts_for=()) if one.name == "erp2" else one for one in config.systems)
    return msgspec.structs.replace(config, systems=systems)


class ProjectCampaign:
    """Deals keep being won and amended while workers die."""

    def __init__(
        self, url: str, shelves: dict[str, Shelf], killer: Killer, *, seed: int, quarantine: bool = True
    ) -> None:
        self.url = url
        self.shelves = shelves
        self.killer = killer
        self.amounts: dict[str, int] = {}
        self.by_hand: Counter[str] = Counter()
        self._random = random.Random(seed)
        self._versions: Counter[str] = Counter()
        self._order = ProjectOrder(
            url=url,
            shelves={name: str(one.path) for name, one in shelves.items()},
            classes=CLASSES,
            in_flight_s=IN_FLIGHT_S if quarantine else -1_000_000.0,
        )
        self._forks = Forks("tests.faults.project_nursery", killer=killer.path)

    def close(self) -> None:
        self._forks.close()
        self.killer.close()

    def disturb(self, *, kills: int, deadline_s: float) -> None:
        """Win and amend deals while workers die, until ``kills``."""
        until = time.monotonic() + deadline_s
        while self.killer.kills < kills and time.monotonic() < until:
            if self._random.random() < 0.3:
                self._feed()
            self._forks.work(self._order)
            self._see_to_what_is_unclear()

    def settle(self, *, deadline_s: float) -> None:
        """Let everything come to rest without killing."""
        until = time.monotonic() + deadline_s
        self.killer.armed = False
        while not self._quiet() and time.monotonic() < until:
            self._forks.work(self._order)
            self._see_to_what_is_unclear()
            time.sleep(0.05)

    def client_of(self, number: str) -> str:
        return f"C{int(number[1:]) // DEALS_A_CLIENT}"

    def _feed(self) -> None:
        """A deal of a customer that others share, or another amount for an earlier one; now and then both twice."""
        if self.amounts and self._random.random() < 0.4:
            number = self._random.choice(sorted(self.amounts))
            self.amounts[number] += 100_000
            self._report([self._deal(number)])
            return
        number = f"D{len(self.amounts)}"
        self.amounts[number] = 1_000_000
        client = self.client_of(number)
        records = [
            world.client(client.lower(), client, f"Customer {client}"),
            world.contract(number, refs={"client": client.lower()}),
            world.line(number, 1),
            world.line(number, 2),
            self._deal(number),
        ]
        for _ in range(self._random.choice([1, 1, 2])):
            self._report(records)

    def _deal(self, number: str) -> ReportedRecord:
        self._versions[number] += 1
        amount = f"{self.amounts[number] // 100}.{self.amounts[number] % 100:02d}"
        refs = {"client": self.client_of(number).lower()}
        return world.deal(number, version=self._versions[number], amount=amount, refs=refs)

    def _report(self, records: list[ReportedRecord]) -> None:
        with connect(self.url, autocommit=True) as conn:
            Hub(conn, clock=SystemClock()).send(  # type: ignore[arg-type]  # a hub that only stores messages
                _Wire(records=records), system="crm", object_name="masters"
            )

    def _see_to_what_is_unclear(self) -> None:
        """A person makes by hand what a target without look-up left open, and says so on the desk."""
        with connect(self.url, autocommit=True) as conn:
            rows = conn.execute(
                """
                select i.item_id, d.system, c.command
                  from desk_item i
                  join root_cause r using (cause_id)
                  join delivery d on i.subject_kind = 'delivery' and d.delivery_id = i.subject_id
                  join delivery_command c using (delivery_id)
                 where i.state = 'open' and r.code = 'DELIVERY_UNRESOLVED' and d.state = 'held'
                """
            ).fetchall()
            for item_id, system, command in rows:
                self.shelves[str(system)].make_by_hand(_COMMANDS.decode(command))  # type: ignore[arg-type]  # bytea
                self.by_hand[str(system)] += 1
                self._exclude(conn, int(str(item_id)))

    def _exclude(self, conn: psycopg.Connection[tuple[object, ...]], item_id: int) -> None:
        now = SystemClock().now()
        in_transaction(conn, lambda cur: effects.exclude(cur, [item_id], actor="ada", reason="By hand.", now=now))

    def _quiet(self) -> bool:
        with psycopg.connect(self.url) as conn:
            row = conn.execute(
                """
                select (select count(*) from tieout.message_pending)
                       + (select count(*) from tieout.delivery where state in ('ready', 'intent', 'in_doubt', 'held'))
                       + (select count(*) from tieout.provisioned_object where open)
                       + (select count(*) from tieout.provisioning where state <> 'active')
                       + (select count(*) from tieout.provisioning_step where not current)
                """
            ).fetchone()
        return row is not None and row[0] == 0

    def on_the_desk(self) -> list[tuple[object, ...]]:
        with psycopg.connect(self.url) as conn:
            return conn.execute(
                """
                select c.code, min(i.message), count(*)
                  from tieout.desk_item i join tieout.root_cause c using (cause_id)
                 where i.state in ('open', 'released') group by c.code
                """
            ).fetchall()


def judge(campaign: ProjectCampaign, *, kills: int) -> None:
    numbers = campaign.amounts
    assert campaign.killer.kills >= kills
    assert campaign.on_the_desk() == []
    for name in ("psa", "erp", "erp2"):
        held = campaign.shelves[name].objects()
        assert {key: len(found) for key, found in held.items() if len(found) > 1} == {}, name
        assert {code for kind, code in held if kind == "project"} == {f"P-{number}" for number in numbers}
        assert {code for kind, code in held if kind == "customer"} == {campaign.client_of(one) for one in numbers}
        assert {code for kind, code in held if kind == "task"} == {
            f"P-{number}/{code}" for number in numbers for code in ("D", "M", "D.1", "D.2")
        }
        for number, amount in numbers.items():
            (project,) = held["project", f"P-{number}"]
            assert (project["budget_minor"], project["status"], project["currency"]) == (amount, "active", "USD")
    links = campaign.shelves["crm"].objects()
    assert {key: found[0]["project_code"] for key, found in links.items()} == {
        ("deal", f"o-{number}"): f"P-{number}" for number in numbers
    }


def opened(
    url: str, shelves: dict[str, Shelf], directory: Path, *, seed: int, quarantine: bool = True
) -> ProjectCampaign:
    """A campaign on a hub that knows the masters and nothing of any deal yet."""
    with connect(url, autocommit=True) as conn:
        hub = Hub(conn)
        hub.context = type(hub.context)(
            clock=SystemClock(),
            ids=hub.context.ids,
            translators=dict.fromkeys(("crm", "psa", "erp"), PlainTranslator()),
            books=hub.context.books,
            recut=hub.context.recut,
        )
        hub.apply(firm_on_shelves())  # type: ignore[arg-type]  # a FirmConfig
        for system, records in world.masters().items():
            hub.send(_Wire(records=records), system=system, object_name="masters")
        hub.work()
    killer = Killer(directory / "kill.sock", seed=seed)
    return ProjectCampaign(url, shelves, killer, seed=seed, quarantine=quarantine)


def campaign_of(url: str, shelves: dict[str, Shelf], directory: Path, *, kills: int, seed: int) -> None:
    campaign = opened(url, shelves, directory, seed=seed)
    try:
        campaign.disturb(kills=kills, deadline_s=60 + 3 * kills)
        campaign.settle(deadline_s=180)
    finally:
        campaign.close()
    sys.stdout.write(
        f"{campaign.killer.kills} kills, {len(campaign.amounts)} deals, by hand {dict(campaign.by_hand)}, "
        f"points {dict(campaign.killer.points)}\n"
    )
    judge(campaign, kills=kills)


@pytest.mark.timeout(600)
def test_a_small_campaign_leaves_one_customer_and_one_project_everywhere(
    database_url: str, shelves: dict[str, Shelf], tmp_path: Path
) -> None:
    campaign_of(database_url, shelves, tmp_path, kills=SMALL, seed=1)


@pytest.mark.faults
@pytest.mark.timeout(5400)
def test_a_campaign_of_hundreds_of_kills_leaves_one_customer_and_one_project_everywhere(
    database_url: str, shelves: dict[str, Shelf], tmp_path: Path
) -> None:
    campaign_of(database_url, shelves, tmp_path, kills=LARGE, seed=2)


@pytest.mark.faults
@pytest.mark.timeout(1800)
def test_without_the_quarantine_the_same_campaign_makes_something_twice(
    database_url: str, shelves: dict[str, Shelf], tmp_path: Path
) -> None:
    campaign = opened(database_url, shelves, tmp_path, seed=3, quarantine=False)
    try:
        for kills in range(10, 400, 10):
            campaign.disturb(kills=kills, deadline_s=300)
            if any(len(found) > 1 for one in shelves.values() for found in one.objects().values()):
                return
    finally:
        campaign.close()
    pytest.fail("nothing was made twice: the campaign cannot tell whether the quarantine matters")
