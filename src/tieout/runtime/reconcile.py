"""Wires the independent readers: translators for the tie-out, ledger readers for the verification."""

from collections.abc import Mapping
from datetime import date

from psycopg import Connection

from tieout.connect.connector import connector_for
from tieout.connect.source import Translator
from tieout.errors import ConfigurationError
from tieout.governance import firm_version
from tieout.reconciliation.tie_out import UNASSIGNED
from tieout.reconciliation.verify import LedgerBreak, expected_postings, verify_ledger
from tieout.records import reference_book
from tieout.runtime import systems
from tieout.runtime.clock import SystemClock
from tieout.storage.throttle import SharedThrottle


def current_translators(conn: Connection[tuple[object, ...]]) -> Mapping[str, Translator]:
    """The translators of the current firm version, by system."""
    return systems.translators(firm_version.current(conn))


def check_scope(conn: Connection[tuple[object, ...]], *, entity: str | None, period: str | None) -> None:
    """Refuse a legal entity that no policy knows and a period that no ledger has (TIE-TIEOUT-002).

    A misspelt one would otherwise tie out as an empty statement.
    """
    entities = sorted(one.entity for one in firm_version.current(conn).policies)
    if entity not in {None, UNASSIGNED, *entities}:
        raise ConfigurationError(
            code="TIE-TIEOUT-002", message=f"There is no legal entity {entity}, only {', '.join(entities)}."
        )
    if period in {None, UNASSIGNED}:
        return
    book = reference_book.load(conn)
    periods = sorted({one.code for code in entities if entity in {None, code} for one in book.periods.of(code)})
    if period not in periods:
        raise ConfigurationError(
            code="TIE-TIEOUT-002", message=f"There is no accounting period {period}, only {', '.join(periods)}."
        )


async def verify_entity(
    url: str, conn: Connection[tuple[object, ...]], *, entity: str | None, period: str | None
) -> list[LedgerBreak]:
    """Differences between books and ledger of one legal entity (None: all) and period (None: all)."""
    firm = firm_version.current(conn)
    book = reference_book.load(conn)
    throttle = SharedThrottle(url)
    breaks: list[LedgerBreak] = []
    try:
        for system in firm.systems:
            connector = connector_for(system.connector, system.settings) if system.posts_for else None
            if connector is None or connector.open_ledger_reader is None:
                continue
            reader = connector.open_ledger_reader(
                systems.connection_to(system, connector, throttle=throttle, clock=SystemClock())
            )
            try:
                for one in system.posts_for:
                    if entity is not None and one != entity:
                        continue
                    starts, ends = _span(book, one, period)
                    expected = expected_postings(conn, system=system.name, entity=one, starts=starts, ends=ends)
                    breaks += await verify_ledger(reader, expected, entity=one, starts=starts, ends=ends)
            finally:
                await reader.aclose()
    finally:
        await throttle.aclose()
    return breaks


def _span(book: reference_book.ReferenceBook, entity: str, period: str | None) -> tuple[date, date]:
    periods = [one for one in book.periods.of(entity) if period is None or one.code == period]
    if not periods:
        raise ConfigurationError(
            code="TIE-TIEOUT-001", message=f"Legal entity {entity} has no accounting period {period or ''}."
        )
    return periods[0].starts, periods[-1].ends
