"""Doors in one process group, everything else in another: what is handed in here is processed there."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg
import pytest
from tests.acceptance.hub import TIEOUT, batch, free_port, time_entry, wait_for
from tests.faults import campaign

from tieout.api.keys import create_key
from tieout.connect.simulator.process import SimulatorProcess
from tieout.runtime.clock import SystemClock
from tieout.runtime.ids import SystemIds
from tieout.storage.pool import connect

pytestmark = pytest.mark.timeout(180)


@contextmanager
def role(name: str, url: str, home: Path, *more: str) -> Iterator["subprocess.Popen[bytes]"]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("TIEOUT_")}
    with home.with_suffix(f".{name}.log").open("ab") as log:
        process = subprocess.Popen(
            [TIEOUT, "up", "--role", name, "--home", str(home), *more],
            stdout=log,
            stderr=log,
            env={**environment, "TIEOUT_DATABASE_URL": url},
            start_new_session=True,
        )
    try:
        yield process
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def count(url: str, what: str) -> int:
    with psycopg.connect(url) as conn:
        row = conn.execute(f"select count(*) from tieout.{what}".encode()).fetchone()
    return 0 if row is None else int(row[0])


def answers(client: httpx.Client) -> bool:
    try:
        return client.get("/health").status_code == 200
    except httpx.TransportError:
        return False


def test_a_worker_without_a_door_posts_what_a_door_without_workers_takes_in(
    hub: str, erp: SimulatorProcess, tmp_path: Path
) -> None:
    with connect(hub, autocommit=True) as conn:
        key = create_key(conn, name="test", system="timeapp", key_id=SystemIds().new_id(), now=SystemClock().now())
    port = free_port()
    entry = time_entry(1, person=campaign.PEOPLE[0], project=campaign.PROJECTS[0], work_date="2026-10-05")
    client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False)
    with client, role("api", hub, tmp_path / "door", "--port", str(port)):
        wait_for(lambda: answers(client), "the door answers")
        answer = client.post("/v1/time-entries", content=batch([entry]), headers={"Authorization": f"Bearer {key}"})
        assert answer.status_code == 202, answer.text
        assert count(hub, "message_pending") == 1
        assert count(hub, "worker") == 0
        with role("worker", hub, tmp_path / "worker"):
            wait_for(
                lambda: count(hub, "delivery where state = 'posted' and command_kind = 'post_journal'") == 1, "posted"
            )
    assert [one.kind for one in erp.admin.holdings()].count("post_journal") == 1


def test_roles_apart_without_a_database_of_both_are_refused(tmp_path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("TIEOUT_")}
    done = subprocess.run(
        [TIEOUT, "up", "--role", "api", "--home", str(tmp_path / "home")],
        check=False,
        capture_output=True,
        text=True,
        env=environment,
        timeout=60,
    )
    assert done.returncode == 2
    assert "TIE-STORE-015" in done.stderr
    assert not (tmp_path / "home").exists()
