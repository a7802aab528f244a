"""Makes a firm directory the version that holds, and lets everything be judged again that it may have cured."""

from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec
from psycopg import Connection, Cursor

from tieout.desk import intake
from tieout.governance import audit, firm_version, mapping_additions
from tieout.inbound import bookings_review, record_acceptance, revaluation
from tieout.ledger import publication
from tieout.model.clock import Clock
from tieout.model.firm import FirmConfig
from tieout.outbound.recut import recut_moved
from tieout.runtime.firm.directory import read_firm
from tieout.runtime.ids import SystemIds
from tieout.storage.pool import connect, in_transaction

_WORTH: Final = ("rates", "fx", "mapping:", "policy:")


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    """What an apply did: the version, whether it is new, and how many desk items are judged again."""

    version: int
    is_new: bool
    released: int


def apply_firm(url: str, directory: Path, *, applied_by: str, clock: Clock) -> Applied:
    """Store the directory as the next version and release the items whose cause depends on what changed.

    Raises FirmInvalidError with every mistake; then nothing changes.
    """
    directory_config = read_firm(directory)
    with connect(url, autocommit=True) as conn:

        def work(cur: Cursor[tuple[object, ...]]) -> Applied:
            config = mapping_additions.merged(directory_config, mapping_additions.load(cur))
            return apply_config(conn, cur, config, applied_by=applied_by, now=clock.now())

        return in_transaction(conn, work)


def apply_config(
    conn: Connection[tuple[object, ...]],
    cur: Cursor[tuple[object, ...]],
    config: FirmConfig,
    *,
    applied_by: str,
    now: datetime,
) -> Applied:
    """Make ``config`` the version that holds, in the transaction of ``cur``, as ``apply_firm`` does."""
    before = firm_version.newest(conn)
    done = publication.apply_firm(cur, config, applied_by=applied_by, now=now, ids=SystemIds())
    if before is not None and before.version == done.version:
        return Applied(version=done.version, is_new=False, released=0)
    if decides_worth(done.depends_on):
        revaluation.request(cur)
    if bookings_review.decides_bookings(done.depends_on):
        bookings_review.request_all(cur)
    recut_moved(cur, config)
    record_acceptance.settle_records(cur, done.records, now=now)
    record_acceptance.settle_matched(cur, now=now)
    released = intake.release_waiting(
        cur,
        sorted(done.depends_on | changed_systems(before, config)),
        now=now,
        reason=f"Firm version {done.version} was applied.",
        actor=applied_by,
    )
    audit.append(cur, _act(done.version, config, before, applied_by), now=now)
    return Applied(version=done.version, is_new=True, released=released)


def _act(version: int, config: FirmConfig, before: FirmConfig | None, applied_by: str) -> audit.AuditEntry:
    return audit.AuditEntry(
        principal=applied_by,
        action="firm.applied",
        object_kind="firm_version",
        object_id=str(version),
        before=None if before is None else {"content_hash": before.content_hash},
        after={"content_hash": config.content_hash},
    )


def decides_worth(tokens: frozenset[str]) -> bool:
    """Whether what changed (by its tokens) decides whose an entry is or what it is worth."""
    return any(one.startswith(_WORTH) for one in tokens)


def changed_systems(before: FirmConfig | None, after: FirmConfig) -> frozenset[str]:
    """Tokens of the systems that ``after`` configures in another way than ``before``."""
    known = () if before is None else before.systems
    names = {system.name for system in (*known, *after.systems)}
    return frozenset(
        f"system:{name}"
        for name in names
        if before is None
        or before.system(name) != after.system(name)
        or before.deliveries.get(name) != after.deliveries.get(name)
    )
