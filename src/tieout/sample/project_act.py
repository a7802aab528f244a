"""The quarter of deals in the demo: sellers win, amend and lose deals, and the hub makes projects of them.

The systems are filled and changed as people would; the hub reads them as any others. In the end every system is read
past its API and held against what the deals came to (``agreement``).
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from tieout.connect.simulator.control import Change as SimulatorChange
from tieout.connect.simulator.control import PutClient, PutDeal
from tieout.connect.simulator.seed import SeedClient
from tieout.sample.agreement import Agreement, compare
from tieout.sample.card_agreement import with_cards
from tieout.sample.deals import Change, expected_projects
from tieout.sample.firm_directory import PROJECT_TASKS
from tieout.sample.surroundings import World
from tieout.storage.pool import connect
from tieout.streams.lead_to_project.overview import ProjectSummary, SetupMeasures, list_projects, measure

CRM_FIRST: Final = "The sellers' first weeks: reading masters and deals, making projects"
CRM_LATER: Final = "Weeks later: amendments, new customers, deals that are lost or moved back"


class ProjectsResult(msgspec.Struct, frozen=True, kw_only=True):
    """What the quarter came to, by the hub's own books and by the systems."""

    measures: SetupMeasures
    waiting: list[ProjectSummary]
    agreement: Agreement


async def run_quarter(
    world: World,
    *,
    read: Callable[[frozenset[str] | None], Awaitable[None]],
    quiet: Callable[[], Awaitable[None]],
    stage: Callable[[str], None],
) -> None:
    """Let every act happen, read what it changed, and let the hub come to rest.

    ``read`` polls the masters and deals of the named systems (None: of all), ``quiet`` waits until nothing is left.
    """
    stage(CRM_FIRST)
    await read(None)
    await quiet()
    for number, act in enumerate(world.quarter.acts):
        stage(CRM_LATER)
        if number >= world.acts_done:
            await asyncio.to_thread(world.crm.admin.change, *(_done(one) for one in act))
            world.have_done(number + 1)
        await read(frozenset({"crm"}))
        await quiet()


def judge_quarter(url: str, world: World) -> ProjectsResult:
    """What the hub says of the projects, and what the systems really hold."""
    with connect(url, autocommit=True) as conn:
        projects = list_projects(conn)
    expected = expected_projects(world.quarter, own_tasks=len(PROJECT_TASKS))
    holdings = world.holdings()
    agreement = compare(expected, world.quarter, holdings, planners=world.planners)
    return ProjectsResult(
        measures=measure(projects),
        waiting=[one for one in projects if one.waits_for is not None],
        agreement=with_cards(agreement, world.firm.rate_cards, holdings),
    )


def _done(change: Change) -> SimulatorChange:
    return PutClient(client=change) if isinstance(change, SeedClient) else PutDeal(deal=change)
