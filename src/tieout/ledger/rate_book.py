"""The rates in force, read from the database into a RateBook, and kept while nothing has changed.

``publication`` writes the rows, ``rating`` prices with the book.
"""

from datetime import date
from decimal import Decimal
from typing import Final

import psycopg

from tieout.errors import InvariantError
from tieout.governance import reference_state
from tieout.ledger.fx import FxBook, FxRate
from tieout.ledger.rate_lines import FOR_EVER, WORK_TYPE_NUMBER, RateContext, RateLine, RateUnit
from tieout.ledger.rating import RateBook

LINE_COLUMNS: Final = (
    "rate_line_id, context, origin, scope, price, currency, valid_from, valid_to, entity_id, client_id, project_id, "
    "rate_card_id, role_id, resource_id, task_id, work_type, unit, hours_per_day, complimentary"
)
"""What ``rate_line`` takes, in its order."""


def load(conn: psycopg.Connection[tuple[object, ...]], *, version: int | None = None) -> RateBook:
    """The rates in force at a version of the reference, the present one by default.

    What commits while this reads belongs to a later version and is left out: the next ``get`` reads it.
    """
    at = {"version": reference_state.current(conn) if version is None else version}
    with conn.cursor() as cur:
        cur.execute(
            f"""
            select {LINE_COLUMNS}
              from rate_line r
             where reference_version <= %(version)s
               and not exists (select from rate_line_retired t
                                where t.rate_line_id = r.rate_line_id and t.reference_version <= %(version)s)
             order by rate_line_id
            """,  # noqa: S608 - our own columns
            at,
        )
        lines = [rate_line(row) for row in cur]
        cur.execute(
            """
            select fx_rate_id, base, quote, rate, rate_date, rate_type, origin from fx_rate r
             where reference_version <= %(version)s
               and not exists (select from fx_rate_retired t
                                where t.fx_rate_id = r.fx_rate_id and t.reference_version <= %(version)s)
             order by fx_rate_id
            """,
            at,
        )
        rates = [fx_rate(row) for row in cur]
        cur.execute("select record_id, coalesce(code, fields ->> 'name') from golden_record where type = 'role'")
        role_names = {_whole(record_id): str(name) for record_id, name in cur}
    return RateBook(version=at["version"], lines=lines, fx=FxBook(rates), role_names=role_names)


class RateBookCache:
    """The newest rate book of one process: read again only when the reference has changed."""

    def __init__(self) -> None:
        self._book: RateBook | None = None

    def get(self, conn: psycopg.Connection[tuple[object, ...]]) -> RateBook:
        """The rates as they are now; costs one tiny query while nothing has changed."""
        if self._book is None or self._book.version != reference_state.current(conn):
            self._book = load(conn)
        return self._book


def rate_line(row: tuple[object, ...]) -> RateLine:
    """A row of ``rate_line`` as the value that rules choose among."""
    unit_at, hours_at, complimentary_at = 16, 17, 18
    work_type = row[15]
    hours_per_day = row[hours_at]
    return RateLine(
        rate_line_id=_whole(row[0]),
        context=RateContext(str(row[1])),
        origin=str(row[2]),
        scope=_whole(row[3]),
        price=_decimal(row[4]),
        currency=str(row[5]),
        valid_from=_day(row[6]),
        valid_to=FOR_EVER if row[7] is None else _day(row[7]),
        entity_id=_optional(row[8]),
        client_id=_optional(row[9]),
        project_id=_optional(row[10]),
        rate_card_id=_optional(row[11]),
        role_id=_optional(row[12]),
        resource_id=_optional(row[13]),
        task_id=_optional(row[14]),
        work_type=None if work_type is None else WORK_TYPE_NUMBER[str(work_type)],
        unit=RateUnit(str(row[unit_at])),
        hours_per_day=None if hours_per_day is None else _decimal(hours_per_day),
        complimentary=bool(row[complimentary_at]),
    )


def fx_rate(row: tuple[object, ...]) -> FxRate:
    """A row of ``fx_rate`` as a value."""
    return FxRate(
        fx_rate_id=_whole(row[0]),
        base=str(row[1]),
        quote=str(row[2]),
        rate=_decimal(row[3]),
        rate_day=_day(row[4]),
        rate_type=str(row[5]),
        origin=str(row[6]),
    )


def _whole(value: object) -> int:
    return int(str(value))


def _optional(value: object) -> int | None:
    return None if value is None else int(str(value))


def _decimal(value: object) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(str(value))


def _day(value: object) -> int:
    if not isinstance(value, date):
        raise InvariantError(code="TIE-RATE-001", message=f"A rate is dated {value!r}, which is no day.")
    return value.toordinal()
