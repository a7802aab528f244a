"""Somebody hangs a task below its own child in the PSA, whose API takes it: the desk says so until it is put right."""

import httpx
import psycopg
from tests.faults.conftest import erp, hub, psa, sample_firm

from tieout.connect.simulator.process import SimulatorProcess
from tieout.runtime import worker
from tieout.sample.demo import read_sources
from tieout.storage.pool import connect

__all__ = ["erp", "hub", "psa", "sample_firm"]


def tasks_of_a_project(psa: SimulatorProcess) -> tuple[str, str]:
    """The keys of two tasks of one project."""
    stories = call(psa, "GET", "stories", {"per_page": "200"})["stories"]
    by_project: dict[str, list[str]] = {}
    for key, story in sorted(stories.items()):
        by_project.setdefault(story["workspace_id"], []).append(key)
    first, second, *_ = next(keys for keys in by_project.values() if len(keys) > 1)
    return first, second


def put_below(psa: SimulatorProcess, task: str, parent: str | None) -> None:
    call(psa, "PUT", f"stories/{task}", body={"story": {"parent_id": parent}})


def call(
    psa: SimulatorProcess,
    method: str,
    path: str,
    parameters: dict[str, str] | None = None,
    body: dict[str, dict[str, str | None]] | None = None,
) -> dict[str, dict[str, dict[str, str]]]:
    given = psa.admin.connection()
    answer = httpx.request(
        method,
        f"{given.settings['base_url']}/{path}",
        params=parameters,
        json=body,
        headers={"Authorization": f"Bearer {given.secrets['access_token']}"},
    )
    answer.raise_for_status()
    told: dict[str, dict[str, dict[str, str]]] = answer.json()
    return told


def on_the_desk(url: str) -> list[tuple[str, str]]:
    """The hub reads and works; then, what the desk says of broken trees and who is asked."""
    read_sources(url)
    with connect(url, autocommit=True) as conn:
        worker.work_once(conn, worker.contexts(conn))
    with psycopg.connect(url) as conn:
        rows = conn.execute(
            """
            select i.message, c.owner from tieout.desk_item i join tieout.root_cause c using (cause_id)
             where c.code = 'WBS_INVALID' and i.state = 'open'
            """
        ).fetchall()
    return [(str(message), str(owner)) for message, owner in rows]


def test_a_cycle_of_tasks_reaches_the_desk_and_leaves_it(hub: str, psa: SimulatorProcess) -> None:
    upper, lower = tasks_of_a_project(psa)
    put_below(psa, lower, upper)
    assert on_the_desk(hub) == []
    put_below(psa, upper, lower)
    ((message, owner),) = on_the_desk(hub)
    assert "it is its own ancestor. 1 more of its tasks are not in order either." in message
    assert owner == "project_management"
    put_below(psa, upper, None)
    assert on_the_desk(hub) == []
