"""Makes a firm directory the version that holds, and lets everything be judged again that it may have cured."""

from pathlib import Path

import msgspec
from psycopg import Cursor

from tieout.desk import intake
from tieout.governance import firm_version
from tieout.ledger import rate_book
from tieout.model.clock import Clock
from tieout.model.firm import EntityPolicy, FirmConfig
from tieout.runtime.firm.directory import read_firm
from tieout.storage.pool import connect, in_transaction


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    """What an apply did: the version, whether it is new, and how many desk items are judged again."""

    version: int
    is_new: bool
    released: int


def apply_firm(url: str, directory: Path, *, applied_by: str, clock: Clock) -> Applied:
    """Store the directory as the next version and release the items whose cause depends on what changed.

    Raises FirmInvalidError with every mistake; then nothing changes.
    """
    config = read_firm(directory)
    with connect(url, autocommit=True) as conn:

        def work(cur: Cursor[tuple[object, ...]]) -> Applied:
            before = _newest(cur)
            version = firm_version.store(cur, config, applied_by=applied_by, now=clock.now())
            if before is not None and before.version == version:
                return Applied(version=version, is_new=False, released=0)
            rate_book.publish(cur, firm=firm_version.current(cur.connection), now=clock.now())
            released = intake.release_waiting(
                cur,
                changed_tokens(before, config),
                now=clock.now(),
                reason=f"Firm version {version} was applied.",
                actor=applied_by,
            )
            return Applied(version=version, is_new=True, released=released)

        return in_transaction(conn, work)


def changed_tokens(before: FirmConfig | None, after: FirmConfig) -> list[str]:
    """The dependencies of desk items that ``after`` says something else about than ``before``."""
    if before is None:
        return []
    tokens = [f"mapping:{table}" for table in _changed_tables(before, after)]
    if before.rates != after.rates:
        tokens.append("rates")
    if before.fx_rates != after.fx_rates:
        tokens.append("fx")
    if before.ownership != after.ownership:
        tokens.append("ownership")
    entities = {policy.entity for policy in (*before.policies, *after.policies)}
    tokens += [f"policy:{entity}" for entity in sorted(entities) if _policy(before, entity) != _policy(after, entity)]
    names = {system.name for system in (*before.systems, *after.systems)}
    tokens += [f"system:{name}" for name in sorted(names) if before.system(name) != after.system(name)]
    return tokens


def _changed_tables(before: FirmConfig, after: FirmConfig) -> list[str]:
    def of(config: FirmConfig, table: str) -> set[tuple[object, ...]]:
        return {
            (one.system, one.entity, one.source, one.target, one.valid_from, one.valid_to)
            for one in config.mappings
            if one.table == table
        }

    tables = {one.table for one in (*before.mappings, *after.mappings)}
    return [table for table in sorted(tables) if of(before, table) != of(after, table)]


def _policy(config: FirmConfig, entity: str) -> EntityPolicy | None:
    return config.policy(entity)


def _newest(cur: Cursor[tuple[object, ...]]) -> FirmConfig | None:
    cur.execute("select exists (select 1 from firm_version)")
    row = cur.fetchone()
    return firm_version.current(cur.connection) if row and row[0] else None
