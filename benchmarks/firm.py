"""The firm of the benchmarks, and a hub that runs for it as it does for any: ``tieout up`` on a home of its own.

The home lies in a temporary directory; the stub's connector is made known to the hub's processes by an entry point in
a directory on their path. Masters come in as messages and are read by the steps.
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import msgspec
import psycopg

from benchmarks.erp_connector import NAME
from tieout.api.keys import create_key
from tieout.connect.connector import CONNECTOR_GROUP
from tieout.inbound import message_store
from tieout.inbound.message_store import NewMessage
from tieout.ledger.publication import apply_firm
from tieout.model.firm import EntityPolicy, Environment, FirmConfig, FirmRateLine, MappingLine, SystemConfig
from tieout.model.reported import FieldValue, RecordType, ReportedRecord
from tieout.runtime import worker
from tieout.runtime.clock import SystemClock
from tieout.runtime.ids import SystemIds
from tieout.runtime.installation import open_installation
from tieout.storage.embedded import EmbeddedPostgres
from tieout.storage.pool import connect, in_transaction

PEOPLE = 1000
PROJECTS = 150
ENTRIES_A_DAY = 5
WARM_UP = 60 * ENTRIES_A_DAY * PEOPLE
"""Number of an entry of two months ago, which no measured run reaches."""
ROLES = ("Analyst", "Consultant", "Senior consultant", "Manager", "Partner")
_ROOT = Path(__file__).parents[1]
_START_WITHIN_S = 60.0
_WORDS = (
    "design",
    "review",
    "workshop",
    "interface",
    "migration",
    "plan",
    "report",
    "client",
    "meeting",
    "test",
    "analysis",
    "model",
    "data",
    "closing",
    "budget",
    "forecast",
    "training",
    "support",
    "rollout",
    "config",
    "mapping",
    "draft",
    "slides",
    "interview",
)


@dataclass(frozen=True, kw_only=True)
class Installed:
    """A home that is ready to run: the database is filled with masters, nothing runs."""

    home: Path
    path: str
    api_key: str
    erp_port: int
    today: date

    @property
    def environment(self) -> dict[str, str]:
        """The environment of the hub's processes."""
        return {**os.environ, "PYTHONPATH": self.path}


@dataclass(kw_only=True)
class Hub:
    """A running hub; ``url`` of its database, ``port`` of its door."""

    installed: Installed
    process: "subprocess.Popen[bytes]"
    url: str
    port: int

    def log(self) -> str:
        """The end of what the hub has written to its log."""
        return (self.installed.home / "hub.log").read_text(encoding="utf-8")[-2000:]

    def kill(self) -> None:
        """SIGKILL to everything at once: hub, workers and PostgreSQL."""
        for pid in sorted(family(self.process.pid)):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue  # its parent's death ended it
        self.process.wait()


@contextmanager
def installed(erp_port: int, *, line_grain: str = "journal") -> Iterator[Installed]:
    """A home with the firm applied and the masters read; gone after the block."""
    with tempfile.TemporaryDirectory(prefix="tieout-bench-") as directory:
        root = Path(directory)
        path = _path_with_connector(root)
        sys.path.insert(0, str(root / "site"))
        today = SystemClock().now().date()
        try:
            with (
                open_installation(root / "home", make=True) as installation,
                connect(installation.url, autocommit=True) as conn,
            ):
                key = _fill(conn, _config(erp_port, line_grain, today), today)
        finally:
            sys.path.remove(str(root / "site"))
        yield Installed(home=root / "home", path=path, api_key=key, erp_port=erp_port, today=today)


@contextmanager
def running_hub(at: Installed, *, workers: int = 1) -> Iterator[Hub]:
    """``tieout up`` for ``at``, ready to take time; it is stopped after the block."""
    hub = start_hub(at, workers=workers)
    try:
        wait_until_ready(hub)
        yield hub
    finally:
        hub.process.terminate()
        hub.process.wait()


def start_hub(at: Installed, *, workers: int = 1) -> Hub:
    """Start ``tieout up`` and return at once."""
    port = _free_port()
    command = [
        *os.environ.get("BENCH_UP", str(Path(sys.executable).with_name("tieout"))).split(),
        "up",
        *("--home", str(at.home), "--port", str(port), "--workers", str(workers)),
    ]
    with (at.home / "hub.log").open("ab") as log:
        process = subprocess.Popen(command, env=at.environment, stdout=log, stderr=log, cwd=_ROOT)
    return Hub(installed=at, process=process, url=EmbeddedPostgres(at.home).url, port=port)


def wait_until_ready(hub: Hub) -> None:
    """Return when the door takes requests and the database answers."""
    deadline = time.monotonic() + _START_WITHIN_S
    while time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", hub.port), timeout=1), psycopg.connect(hub.url):
                return
        except (OSError, psycopg.OperationalError):
            if hub.process.poll() is not None:
                raise SystemExit(f"The hub ended with code {hub.process.returncode}: {hub.log()}") from None
            time.sleep(0.02)
    raise SystemExit("The hub did not start.")


def family(pid: int) -> set[int]:
    """A process and all that descend from it."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = (entry / "stat").read_text(encoding="utf-8")
        except OSError:
            continue  # it ended meanwhile
        parents.setdefault(int(stat.rsplit(")", 1)[1].split()[1]), []).append(int(entry.name))
    found, waiting = set(), [pid]
    while waiting:
        one = waiting.pop()
        found.add(one)
        waiting += parents.get(one, [])
    return found


def payloads(first: int, count: int, today: date, *, page: int = 500) -> list[bytes]:
    """Entries number ``first`` and following as callers send them, ``page`` to a request; all of them are good."""
    entries = [entry(number, today) for number in range(first, first + count)]
    return [msgspec.json.encode({"time_entries": entries[at : at + page]}) for at in range(0, count, page)]


def entry(number: int, today: date) -> dict[str, object]:
    """One approved time entry; equal numbers are equal entries."""
    slot, person = number % ENTRIES_A_DAY, number // ENTRIES_A_DAY % PEOPLE
    day = today - timedelta(days=1 + number // (ENTRIES_A_DAY * PEOPLE))
    words = [_WORDS[(number * factor + slot) % len(_WORDS)] for factor in (3, 5, 7, 11)]
    return {
        "source_id": f"ts-{number:08d}",
        "version": 1,
        "state": "approved",
        "person": f"p{person}@example.com",
        "project": f"P{(person * 7 + slot * 13) % PROJECTS}",
        "task": f"T{slot}",
        "work_date": str(day),
        "hours": str(Decimal(1 + number % 11) / 4),
        "billable": number % 7 != 0,
        "narrative": f"{' '.join(words)} {number}",
        "approved_by": "boss@example.com",
        "approved_at": f"{day}T20:00:00Z",
    }


def new_message(payload: bytes, items: int) -> NewMessage:
    """A request as the API stores it."""
    return NewMessage(system="timeapp", object="time_entries", channel="api", payload=payload, item_count=items)


def _fill(conn: psycopg.Connection[tuple[object, ...]], config: FirmConfig, today: date) -> str:
    now, ids = SystemClock().now(), SystemIds()
    in_transaction(conn, lambda cur: apply_firm(cur, config, applied_by="benchmark", now=now, ids=ids))
    messages = [
        NewMessage(
            system=system,
            object="masters",
            channel="api",
            payload=msgspec.json.encode(records),
            item_count=len(records),
        )
        for system, records in _masters(today)
    ]
    for message in messages:
        in_transaction(conn, lambda cur, message=message: message_store.store(cur, [message], now=now))  # type: ignore[misc]
        worker.work_once(conn, worker.contexts(conn))
    again = msgspec.structs.replace(config, content_hash="benchmark, with masters")
    in_transaction(conn, lambda cur: apply_firm(cur, again, applied_by="benchmark", now=now, ids=ids))
    conn.execute("vacuum analyze")
    return create_key(conn, name="benchmark", system="timeapp", key_id=ids.new_id(), now=now)


def _config(erp_port: int, line_grain: str, today: date) -> FirmConfig:
    def system(name: str, connector: str, **more: object) -> SystemConfig:
        return msgspec.structs.replace(
            SystemConfig(name=name, connector=connector, account=name, environment=Environment.SANDBOX), **more
        )

    since = date(today.year - 2, 1, 1)
    rates = [("bill", str(120 + 40 * at), role) for at, role in enumerate(ROLES)]
    return FirmConfig(
        name="Benchmark",
        version=1,
        content_hash="benchmark",
        systems=(
            system("timeapp", "api"),
            system("psa", NAME, settings={"port": str(erp_port)}, reads=("time_entries",)),
            system("erp", NAME, settings={"port": str(erp_port)}, posts_for=("US01",)),
        ),
        mappings=(
            MappingLine(
                table="legal_entities", line=1, system="*", entity="*", source="US", target="US01", valid_from=since
            ),
        ),
        rates=tuple(
            FirmRateLine(
                context=context,
                line=at,
                scope="global",
                price=Decimal(price),
                currency="USD",
                valid_from=since,
                role=role,
            )
            for at, (context, price, role) in enumerate([*rates, ("cost", "75.50", None)], start=1)
        ),
        policies=(
            EntityPolicy(
                entity="US01",
                functional_currency="USD",
                accounts={
                    "unbilled_receivable": "1200",
                    "unbilled_revenue": "4000",
                    "project_cost": "5000",
                    "payroll_clearing": "2100",
                },
                increment_minutes=15,
                late_after_days=400,
                line_grain=line_grain,
            ),
        ),
    )


def _masters(today: date) -> Sequence[tuple[str, list[ReportedRecord]]]:
    def one(kind: RecordType, key: str, fields: dict[str, FieldValue], **refs: str) -> ReportedRecord:
        return ReportedRecord(type=kind, source_id=key, version=1, fields=fields, references=refs)

    erp = [one(RecordType.LEGAL_ENTITY, "US", {"name": "US", "functional_currency": "USD"})]
    starts = date(today.year - 1, 1, 1)
    while starts <= today:
        ends = (starts.replace(day=28) + timedelta(days=4)).replace(day=1)
        fields: dict[str, FieldValue] = {
            "code": f"{starts:%Y-%m}",
            "starts": str(starts),
            "ends": str(ends),
            "state": "open",
        }
        erp.append(one(RecordType.PERIOD, f"{starts:%Y-%m}", fields, legal_entity="US"))
        starts = ends
    psa = [one(RecordType.ROLE, role, {"name": role}) for role in ROLES]
    for at in range(PROJECTS):
        name = f"P{at}"
        told: dict[str, FieldValue] = {"code": name, "name": name, "status": "active", "currency": "USD"}
        psa.append(one(RecordType.PROJECT, name, told, legal_entity="US"))
        psa += [
            one(RecordType.TASK, f"{name}T{task}", {"name": f"T{task}", "open_for_time": True}, project=name)
            for task in range(ENTRIES_A_DAY)
        ]
    psa += [
        one(
            RecordType.RESOURCE,
            f"u{at}",
            {"name": f"Person {at}", "email": f"p{at}@example.com", "employment_from": "2020-01-01"},
            legal_entity="US",
            role=ROLES[at % len(ROLES)],
        )
        for at in range(PEOPLE)
    ]
    return (("erp", erp), ("psa", psa))


def _path_with_connector(root: Path) -> str:
    """A path on which the stub's connector has an entry point."""
    described = root / "site" / "tieout_benchmark-0.dist-info"
    described.mkdir(parents=True)
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: tieout-benchmark\nVersion: 0\n", encoding="utf-8")
    (described / "entry_points.txt").write_text(
        f"[{CONNECTOR_GROUP}]\n{NAME} = benchmarks.erp_connector:CONNECTOR\n", encoding="utf-8"
    )
    return os.pathsep.join([str(root / "site"), str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
