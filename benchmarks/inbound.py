"""How fast stored messages become accepted, rated actuals, held against raw COPY of the same rows in the same run.

The bound is the same machine's PostgreSQL taking the very rows that the step wrote, as COPY text, into the same indexed
tables, in batches of the same size with a commit each: once as a client of its own (no control totals), once as the
product's writer (with the control totals that the tables keep). Run ``python -m benchmarks.inbound``.
"""

import argparse
import multiprocessing
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import msgspec
import psycopg

from tieout.inbound import message_store, pipeline
from tieout.inbound.canonical_translator import CanonicalTranslator
from tieout.inbound.context import InboundContext
from tieout.inbound.message_store import NewMessage
from tieout.ledger.publication import apply_firm
from tieout.model.clock import FixedClock
from tieout.model.firm import (
    EntityPolicy,
    Environment,
    FirmConfig,
    FirmRateLine,
    MappingLine,
    SystemConfig,
)
from tieout.model.reported import RecordType, ReportedRecord
from tieout.records.golden_record import apply_reports
from tieout.records.reference_book import BookCache
from tieout.runtime.ids import SystemIds
from tieout.storage.embedded import EmbeddedPostgres
from tieout.storage.migrate import migrate
from tieout.storage.pool import connect, in_transaction

NOW = datetime(2026, 8, 10, 12, tzinfo=UTC)
PAGE = 200
PEOPLE = 1000
PROJECTS = 150
ROLES = ("Analyst", "Consultant", "Senior consultant", "Manager", "Partner")
WRITTEN = (
    "time_entry", "actual", "finding", "batch", "batch_total", "root_cause", "desk_item", "desk_action",
    "posting_pending", "posting_link",
)  # fmt: skip
_WORDS = (
    "design", "review", "workshop", "interface", "migration", "plan", "report", "client", "meeting", "test", "analysis",
    "model", "data", "closing", "budget", "forecast", "training", "support", "rollout", "config", "mapping", "draft",
    "slides", "interview",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Run:
    """One measured run. ``bytes_written`` is what the tables and indexes grew by, ``wal_bytes`` the write-ahead log."""

    entries: int
    seconds: float
    rows: int
    bytes_written: int
    wal_bytes: int

    @property
    def per_second(self) -> float:
        """Entries a second."""
        return self.entries / self.seconds


def main(arguments: Sequence[str] | None = None) -> int:
    """Print entries a second for one and two processes, the bound, their ratios, and what is written per entry."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--batch", type=int, default=pipeline.MAX_ENTRIES)
    parser.add_argument("--repeats", type=int, default=3, help="the best of so many runs counts, for all alike")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="tieout-bench-") as home:
        server = EmbeddedPostgres(Path(home))
        server.start()
        try:
            measure(server.url, options)
        finally:
            server.stop()
    return 0


def measure(url: str, options: argparse.Namespace) -> None:
    """Run everything on the database ``url``, which is left filled."""
    migrate(url)
    entries: int = options.entries
    with connect(url, autocommit=True) as conn:
        open_firm(conn)
        messages = list(time_messages(entries, random.Random(options.seed)))
        one, two, plain, sealed = [], [], [], []
        for _ in range(options.repeats):
            one.append(_run(conn, url, messages, entries, processes=1, batch=options.batch))
            plain.append(_copy_again(conn, url, entries, batch=options.batch, writer=False))
            sealed.append(_copy_again(conn, url, entries, batch=options.batch, writer=True))
            two.append(_run(conn, url, messages, entries, processes=2, batch=options.batch))
    report(max(one, key=_speed), max(two, key=_speed), plain=max(plain), sealed=max(sealed))


def _speed(run: Run) -> float:
    return run.per_second


def report(one: Run, two: Run, *, plain: float, sealed: float) -> None:
    """Print the best run of each kind; ``plain`` and ``sealed`` are entries a second of COPY alone."""
    entries = one.entries
    print(f"raw COPY of the same rows:      {plain:10,.0f} entries/s")
    print(f"the same with control totals:   {sealed:10,.0f} entries/s")
    print(
        f"way in, one process:            {one.per_second:10,.0f} entries/s  ratio {one.per_second / plain:.3f}"
        f"  (with control totals {one.per_second / sealed:.3f})"
    )
    print(
        f"way in, two processes:          {two.per_second:10,.0f} entries/s  "
        f"{two.per_second / one.per_second:.2f} times one"
    )
    print(
        f"rows per entry {one.rows / entries:.2f}, bytes per entry {one.bytes_written / entries:,.0f}, "
        f"WAL bytes per entry {one.wal_bytes / entries:,.0f}"
    )


def _run(
    conn: psycopg.Connection[tuple[object, ...]],
    url: str,
    messages: Sequence[NewMessage],
    entries: int,
    *,
    processes: int,
    batch: int,
) -> Run:
    _empty(conn)
    for start in range(0, len(messages), 50):
        part = messages[start : start + 50]
        in_transaction(conn, lambda cur, part=part: message_store.store(cur, part, now=NOW))  # type: ignore[misc]
    conn.execute("vacuum analyze")
    size, wal = _size(conn), _wal(conn)
    ready = multiprocessing.get_context("spawn").Barrier(processes + 1)
    workers = [
        multiprocessing.get_context("spawn").Process(target=_work, args=(url, batch, ready)) for _ in range(processes)
    ]
    for worker in workers:
        worker.start()
    ready.wait()
    began = time.perf_counter()
    for worker in workers:
        worker.join()
    seconds = time.perf_counter() - began
    left = conn.execute("select count(*) from message_pending").fetchone()
    if left != (0,) or any(worker.exitcode for worker in workers):
        raise SystemExit(f"Not all messages were read: {left}.")
    rows = sum(_count(conn, table) for table in WRITTEN)
    return Run(
        entries=entries, seconds=seconds, rows=rows, bytes_written=_size(conn) - size, wal_bytes=_wal(conn) - wal
    )


def _work(url: str, batch: int, ready: "multiprocessing.synchronize.Barrier") -> None:
    """One worker process: everything is loaded before the clock starts."""
    with connect(url, autocommit=True) as conn:
        context = InboundContext(
            clock=FixedClock(NOW),
            ids=SystemIds(),
            translators={"timeapp": CanonicalTranslator()},
            books=BookCache(),
            recut=lambda _cur, _entry_id: "too_late",
        )
        context.books.get(conn)
        context.rates.get(conn)
        ready.wait()
        while pipeline.process_pending(conn, context, max_entries=batch):
            pass


def _copy_again(
    conn: psycopg.Connection[tuple[object, ...]], url: str, entries: int, *, batch: int, writer: bool
) -> float:
    """Entries a second of COPY alone: the rows of the last run, put back into the emptied tables."""
    saved = {table: _copy_out(conn, table) for table in WRITTEN}
    _empty(conn)
    parts = max(1, entries // batch)
    chunks = {table: list(_parts(lines, parts)) for table, lines in saved.items()}
    with connect(url) as loader:
        if not writer:
            loader.execute("set tieout.writer = off")
            loader.commit()
        began = time.perf_counter()
        for at in range(parts):
            for table in WRITTEN:
                if chunks[table][at]:
                    with loader.cursor() as cur, cur.copy(f"copy {table} from stdin") as copy:
                        copy.write(chunks[table][at])
            loader.commit()
        seconds = time.perf_counter() - began
    return entries / seconds


def _parts(lines: list[bytes], parts: int) -> Iterator[bytes]:
    share = -(-len(lines) // parts)
    for at in range(parts):
        yield b"".join(lines[at * share : (at + 1) * share])


def _copy_out(conn: psycopg.Connection[tuple[object, ...]], table: str) -> list[bytes]:
    with conn.cursor() as cur, cur.copy(f"copy {table} to stdout") as copy:
        return [bytes(row) for row in copy]


def _empty(conn: psycopg.Connection[tuple[object, ...]]) -> None:
    conn.execute(f"truncate {', '.join(WRITTEN)}, message, message_pending, message_repeat, control_total")


def _count(conn: psycopg.Connection[tuple[object, ...]], table: str) -> int:
    row = conn.execute(f"select count(*) from {table}").fetchone()
    return 0 if row is None else int(str(row[0]))


def _size(conn: psycopg.Connection[tuple[object, ...]]) -> int:
    row = conn.execute(
        "select sum(pg_total_relation_size(one::regclass)) from unnest(%s::text[]) one", (list(WRITTEN),)
    )
    found = row.fetchone()
    return 0 if found is None else int(str(found[0]))


def _wal(conn: psycopg.Connection[tuple[object, ...]]) -> int:
    row = conn.execute("select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')").fetchone()
    return 0 if row is None else int(str(row[0]))


def open_firm(conn: psycopg.Connection[tuple[object, ...]]) -> None:
    """Configuration and masters: one legal entity, a bill rate per role, a cost rate for all."""
    policy = EntityPolicy(
        entity="US01",
        functional_currency="USD",
        accounts={"unbilled_receivable": "1", "unbilled_revenue": "2", "project_cost": "3", "payroll_clearing": "4"},
        increment_minutes=15,
    )
    config = FirmConfig(
        name="Benchmark",
        version=1,
        content_hash="benchmark of the way in",
        systems=(
            SystemConfig(name="timeapp", connector="api", account="a", environment=Environment.SANDBOX),
            SystemConfig(
                name="psa", connector="api", account="a", environment=Environment.SANDBOX, reads=("time_entries",)
            ),
            SystemConfig(
                name="erp", connector="api", account="b", environment=Environment.SANDBOX, posts_for=("US01",)
            ),
        ),
        mappings=(_mapping("US", "US01"),),
        rates=(
            *(_rate("bill", str(120 + 40 * at), role) for at, role in enumerate(ROLES)),
            _rate("cost", "75.50", None),
        ),
        policies=(policy,),
    )
    ids = SystemIds()
    in_transaction(conn, lambda cur: apply_firm(cur, config, applied_by="benchmark", now=NOW, ids=ids))
    for system, reports in _masters().items():
        in_transaction(
            conn,
            lambda cur, system=system, reports=reports: apply_reports(  # type: ignore[misc]
                cur, system=system, reports=reports, firm=config, message_id=1, now=NOW, ids=ids
            ),
        )
    again = msgspec.structs.replace(config, content_hash="benchmark, with masters")
    in_transaction(conn, lambda cur: apply_firm(cur, again, applied_by="benchmark", now=NOW, ids=ids))


def _mapping(source: str, target: str) -> MappingLine:
    return MappingLine(
        table="legal_entities",
        line=1,
        system="*",
        entity="*",
        source=source,
        target=target,
        valid_from=date(2020, 1, 1),
    )


def _rate(context: str, price: str, role: str | None) -> FirmRateLine:
    return FirmRateLine(
        context=context,
        line=1,
        scope="global",
        price=Decimal(price),
        currency="USD",
        valid_from=date(2020, 1, 1),
        role=role,
    )


def _masters() -> dict[str, list[ReportedRecord]]:
    def one(kind: RecordType, key: str, fields: dict[str, str | int | bool | None], **refs: str) -> ReportedRecord:
        return ReportedRecord(type=kind, source_id=key, version=1, fields=fields, references=refs)

    erp = [one(RecordType.LEGAL_ENTITY, "US", {"name": "US", "functional_currency": "USD"})]
    erp += [
        one(
            RecordType.PERIOD,
            f"p{month}",
            {
                "code": f"2026-{month:02d}",
                "starts": f"2026-{month:02d}-01",
                "ends": f"2026-{month + 1:02d}-01",
                "state": "open",
            },
            legal_entity="US",
        )
        for month in range(1, 12)
    ]
    psa = [one(RecordType.ROLE, role, {"name": role}) for role in ROLES]
    for at in range(PROJECTS):
        psa.append(
            one(
                RecordType.PROJECT,
                f"P{at}",
                {"code": f"P{at}", "name": f"Project {at}", "status": "active", "currency": "USD"},
                legal_entity="US",
            )
        )
        psa += [
            one(RecordType.TASK, f"P{at}T{task}", {"name": f"T{task}", "open_for_time": True}, project=f"P{at}")
            for task in range(6)
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
    return {"erp": erp, "psa": psa}


def time_messages(entries: int, rng: random.Random) -> Iterator[NewMessage]:
    """Pages of time as callers send it: each person's days of three to five entries, 5 % duplicates, 2 % invalid."""
    page: list[dict[str, object]] = []
    for number, entry in enumerate(_entries(entries, rng)):
        page.append({**entry, "source_id": f"ts-{number:08d}"})
        if len(page) == PAGE or number == entries - 1:
            payload = msgspec.json.encode({"time_entries": page})
            yield NewMessage(
                system="timeapp", object="time_entries", channel="api", payload=payload, item_count=len(page)
            )
            page = []


def _entries(entries: int, rng: random.Random) -> Iterator[dict[str, object]]:
    made = 0
    day = date(2026, 1, 5)
    while True:
        for person in range(PEOPLE):
            for at in range(rng.randint(3, 5)):
                entry = _entry(rng, person, day, at)
                yield entry
                made += 1
                if rng.random() < 0.05 and made < entries:  # noqa: PLR2004 - the usual share
                    yield {**entry, "narrative": f"{entry['narrative']}."}
                    made += 1
                if made >= entries:
                    return
        day += timedelta(days=1)


def _entry(rng: random.Random, person: int, day: date, at: int) -> dict[str, object]:
    wrong = rng.random()
    return {
        "version": 1_750_000_000_000_000 + rng.randrange(10**9),
        "state": "approved",
        "person": f"p{person}@example.com",
        "project": "P9999" if wrong < 0.01 else f"P{(person * 7 + at * 13) % PROJECTS}",  # noqa: PLR2004 - the usual share
        "task": f"T{at}",
        "work_date": str(day),
        "hours": str(Decimal(rng.randint(2, 14)) / 4),
        "billable": rng.random() < 0.85,  # noqa: PLR2004 - the usual share
        "narrative": " ".join(rng.sample(_WORDS, k=rng.randint(4, 8))),
        "approved_by": None if wrong > 0.99 else "boss@example.com",  # noqa: PLR2004 - the usual share
        "approved_at": f"{day + timedelta(days=3)}T10:00:00Z",
    }


if __name__ == "__main__":
    sys.exit(main())
