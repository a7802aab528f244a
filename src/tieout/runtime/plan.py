"""What applying a firm directory would change, and its effect on money, before anything is applied.

The directory is applied by the very code of ``apply`` in a transaction that is rolled back, and every standing entry is
rated anew within it: what the plan says is what would happen. ``inbound.revaluation`` compares; ``firm.differences``
tells the two configurations apart. While a plan runs, masters wait, as they do for an apply.
"""

from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

import msgspec
from psycopg import Connection, Cursor

from tieout.desk import intake
from tieout.governance import firm_version, mapping_additions
from tieout.inbound.revaluation import Revaluation, blocks, revaluations
from tieout.inbound.rule_context import RuleContext
from tieout.ledger import publication, rate_book
from tieout.model.clock import Clock
from tieout.model.firm import FirmConfig
from tieout.model.money import alpha_code, from_minor
from tieout.records import reference_book
from tieout.records.reference_book import ReferenceBook
from tieout.runtime.apply import changed_systems, decides_worth
from tieout.runtime.firm.differences import Difference, differences
from tieout.runtime.firm.directory import read_firm
from tieout.runtime.ids import SystemIds
from tieout.runtime.systems import translators
from tieout.storage.pool import connect

HOUR_E4 = 10_000


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of the entries of one legal entity and currency that are alike in where they stand.

    ``where``: ``open`` (would be reversed and rated anew), ``barred`` (would be reversed and excluded, since it lies
    before the go-live) or ``posted`` (needs a correction). ``before`` and ``after``
    are billable values in ``currency``, ``cost_before`` and ``cost_after`` costs in ``functional_currency``; the
    ``after`` of ``unpriced_count`` entries, which nothing would price any more, is not in them, nor is their ``before``
    in ``delta``.
    """

    entity: str
    where: str
    currency: str
    functional_currency: str
    count: int
    hours: Decimal
    before: Decimal
    after: Decimal
    delta: Decimal
    cost_before: Decimal
    cost_after: Decimal
    unpriced_count: int


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """``from_version`` is None before the first apply. ``released``: desk items that would be judged again."""

    from_version: int | None
    content_hash: str
    is_new: bool
    differences: tuple[Difference, ...]
    effects: tuple[Effect, ...]
    released: int


def plan_firm(url: str, directory: Path, *, clock: Clock) -> Plan:
    """The plan of applying ``directory``; changes nothing. Raises FirmInvalidError with every mistake."""
    config = read_firm(directory)
    with connect(url, autocommit=True) as conn, conn.transaction(force_rollback=True), conn.cursor() as cur:
        return _plan(conn, cur, mapping_additions.merged(config, mapping_additions.load(cur)), clock)


def _plan(
    conn: Connection[tuple[object, ...]], cur: Cursor[tuple[object, ...]], config: FirmConfig, clock: Clock
) -> Plan:
    before = firm_version.newest(conn)
    now = clock.now()
    done = publication.apply_firm(cur, config, applied_by="plan", now=now, ids=SystemIds())
    is_new = before is None or before.version != done.version
    tokens = sorted(done.depends_on | changed_systems(before, config)) if is_new else []
    released = intake.release_waiting(cur, tokens, now=now, reason="A plan, rolled back.")
    effects: tuple[Effect, ...] = ()
    if is_new and decides_worth(done.depends_on):
        book = reference_book.load(conn)
        rules, rates = RuleContext(book, now), rate_book.load(conn)
        known = translators(config)
        found = (
            one
            for block in list(blocks(cur))
            for one in revaluations(cur, block, translators=known, rules=rules, rates=rates)
        )
        effects = tuple(_effects(found, book))
    return Plan(
        from_version=None if before is None else before.version,
        content_hash=config.content_hash,
        is_new=is_new,
        differences=tuple(differences(before, config)),
        effects=effects,
        released=released,
    )


class _Sum(msgspec.Struct):
    count: int = 0
    unpriced_count: int = 0
    hours_e4: int = 0
    before_minor: int = 0
    after_minor: int = 0
    priced_before_minor: int = 0
    cost_before_minor: int = 0
    cost_after_minor: int = 0

    def add(self, one: Revaluation) -> None:
        standing, after = one.standing, one.after_minor
        self.count += 1
        self.hours_e4 += standing.hours_e4
        self.before_minor += standing.sales_minor or 0
        self.cost_before_minor += standing.cost_minor
        self.cost_after_minor += one.after_cost_minor or 0
        if after is None:
            self.unpriced_count += 1
        else:
            self.after_minor += after
            self.priced_before_minor += standing.sales_minor or 0


def _effects(found: Iterable[Revaluation], book: ReferenceBook) -> Iterable[Effect]:
    sums: dict[tuple[str, str, str, str], _Sum] = {}
    for one in found:
        standing = one.standing
        key = (
            book.entity_by_id[standing.entity_id].code,
            "posted" if standing.is_sent else "barred" if one.is_barred else "open",
            alpha_code(standing.currency),
            alpha_code(standing.functional_currency),
        )
        sums.setdefault(key, _Sum()).add(one)
    for (entity, where, currency, functional), total in sorted(sums.items()):
        yield Effect(
            entity=entity,
            where=where,
            currency=currency,
            functional_currency=functional,
            count=total.count,
            hours=Decimal(total.hours_e4) / HOUR_E4,
            before=from_minor(total.before_minor, currency),
            after=from_minor(total.after_minor, currency),
            delta=from_minor(total.after_minor - total.priced_before_minor, currency),
            cost_before=from_minor(total.cost_before_minor, functional),
            cost_after=from_minor(total.cost_after_minor, functional),
            unpriced_count=total.unpriced_count,
        )
