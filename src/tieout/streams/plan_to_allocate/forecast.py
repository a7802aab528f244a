"""The forecast as people and programs read it: hours, revenue and cost by week, and the bookings behind each figure.

Reads what ``step`` keeps and computes nothing anew; amounts are in the currency of the rate line that prices them.
"""

from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

import msgspec
from psycopg import Connection

from tieout.errors import ConfigurationError
from tieout.model.money import alpha_code, from_minor
from tieout.streams.plan_to_allocate.booked_hours import Commitment
from tieout.streams.plan_to_allocate.calendar import week_name


class Grouping(StrEnum):
    """What a forecast is added up by."""

    PROJECT = "project"
    CLIENT = "client"
    ENTITY = "entity"


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """Which part of the plan is meant: business codes, and weeks from the Monday ``starts`` on."""

    starts: date
    weeks: int
    project: str | None = None
    client: str | None = None
    entity: str | None = None

    @property
    def ends(self) -> date:
        """The first day after it."""
        return self.starts + timedelta(weeks=self.weeks)

    @property
    def values(self) -> dict[str, object]:
        """The values of the statements' places."""
        return {
            "starts": self.starts,
            "ends": self.ends,
            "project": self.project,
            "client": self.client,
            "entity": self.entity,
        }


class Side(msgspec.Struct, kw_only=True):
    """Soft or hard bookings of a week; amounts by currency. Hours without price or cost are told, never taken as 0."""

    hours: Decimal = Decimal(0)
    revenue: dict[str, Decimal] = {}
    cost: dict[str, Decimal] = {}
    unpriced_hours: Decimal = Decimal(0)
    uncosted_hours: Decimal = Decimal(0)
    not_billable_hours: Decimal = Decimal(0)


class ForecastWeek(msgspec.Struct, kw_only=True):
    """One week of one project, client or legal entity."""

    group: str
    name: str
    week: str
    starts: date
    hard: Side
    soft: Side


class BookedPart(msgspec.Struct, frozen=True, kw_only=True):
    """Hours of a booking in a week at one price: what figures are made of. ``price`` and ``cost_rate`` are per hour.

    ``revenue_gap`` and ``cost_gap`` say why there is no amount.
    """

    week: str
    system: str
    booking: str
    state: str | None
    person: str | None
    role: str | None
    project: str
    commitment: str
    from_day: date
    until_day: date
    hours: Decimal
    revenue: Decimal | None = None
    revenue_currency: str | None = None
    price: Decimal | None = None
    price_line: int | None = None
    price_origin: str | None = None
    revenue_gap: str | None = None
    cost: Decimal | None = None
    cost_currency: str | None = None
    cost_rate: Decimal | None = None
    cost_line: int | None = None
    cost_origin: str | None = None
    cost_gap: str | None = None


_GROUPS: Final = {
    Grouping.PROJECT: ("coalesce(p.code, p.fields ->> 'name')", "p.fields ->> 'name'"),
    Grouping.CLIENT: ("coalesce(c.code, c.fields ->> 'name', '-')", "coalesce(c.fields ->> 'name', 'no client')"),
    Grouping.ENTITY: ("coalesce(e.code, '-')", "coalesce(e.fields ->> 'name', 'no legal entity')"),
}
_NAMES: Final = """
          join golden_record p on p.record_id = w.project_id
          left join plan_project o on o.project_id = w.project_id
          left join golden_record c on c.record_id = o.client_id
          left join golden_record e on e.record_id = o.entity_id
"""
_CHOSEN: Final = """
         where w.week >= %(starts)s and w.week < %(ends)s
           and (%(project)s::text is null or p.code = %(project)s)
           and (%(client)s::text is null or c.code = %(client)s)
           and (%(entity)s::text is null or e.code = %(entity)s)
"""


def monday_of(day: date) -> date:
    """The Monday of the ISO week that ``day`` lies in."""
    return day - timedelta(days=day.weekday())


def forecast(conn: Connection[tuple[object, ...]], chosen: Selection, by: Grouping) -> list[ForecastWeek]:
    """The weeks that have bookings, by group and week. Raises ConfigurationError for codes that nobody knows."""
    check_codes(conn, chosen)
    group, name = _GROUPS[by]
    rows = conn.execute(
        f"""
        select {group}, {name}, w.week, w.commitment, w.revenue_currency, w.cost_currency, sum(w.hours),
               sum(w.revenue_minor)::bigint, sum(w.cost_minor)::bigint, sum(w.unpriced), sum(w.uncosted),
               sum(w.not_billable)
          from project_week w {_NAMES} {_CHOSEN}
         group by 1, 2, 3, 4, 5, 6 order by 1, 2, 3, 4, 5, 6
        """,  # noqa: S608 - constants of this module
        chosen.values,
    ).fetchall()
    found: dict[tuple[str, date], ForecastWeek] = {}
    for key, words, week, commitment, revenue_currency, cost_currency, hours, revenue, cost, *gaps in rows:
        starts = _date(week)
        one = found.get((str(key), starts))
        if one is None:
            one = found[str(key), starts] = ForecastWeek(
                group=str(key),
                name=str(words),
                week=week_name(starts.toordinal()),
                starts=starts,
                hard=Side(),
                soft=Side(),
            )
        side = one.hard if commitment == Commitment.HARD else one.soft
        side.hours += _decimal(hours)
        _add(side.revenue, revenue_currency, revenue)
        _add(side.cost, cost_currency, cost)
        side.unpriced_hours += _decimal(gaps[0])
        side.uncosted_hours += _decimal(gaps[1])
        side.not_billable_hours += _decimal(gaps[2])
    return list(found.values())


def _add(sums: dict[str, Decimal], currency: object, minor: object) -> None:
    if not currency:
        return
    code = alpha_code(int(str(currency)))
    sums[code] = sums.get(code, Decimal(0)) + from_minor(int(str(minor)), code)


_PARTS: Final = f"""
    select w.week, coalesce(s.name, '-'), coalesce(b.source_id, w.booking_id::text), b.state, r.fields ->> 'name',
           coalesce(k.code, k.fields ->> 'name'), coalesce(p.code, p.fields ->> 'name'), w.commitment, w.from_day,
           w.until_day, w.hours, w.revenue_minor, w.revenue_currency, w.bill_line_id, bl.price, bl.unit, bl.origin,
           w.revenue_gap, w.cost_minor, w.cost_currency, w.cost_line_id, cl.price, cl.unit, cl.origin, w.cost_gap
      from booking_week w {_NAMES}
      left join booking b on b.booking_id = w.booking_id
      left join system_name s on s.system_id = b.system_id
      left join golden_record r on r.record_id = w.person_id
      left join golden_record k on k.record_id = w.role_id
      left join rate_line bl on bl.rate_line_id = w.bill_line_id
      left join rate_line cl on cl.rate_line_id = w.cost_line_id
"""  # noqa: S608 - a constant of this module
_ORDER: Final = "order by w.week, 7, w.booking_id, w.part"


def booked_parts(conn: Connection[tuple[object, ...]], chosen: Selection) -> list[BookedPart]:
    """The bookings that the figures of a selection are made of, by week; their sums are these figures."""
    check_codes(conn, chosen)
    rows = conn.execute(f"{_PARTS} {_CHOSEN} {_ORDER}", chosen.values)
    return [_part(row) for row in rows]


def booked_parts_of(conn: Connection[tuple[object, ...]], person_ids: list[int], chosen: Selection) -> list[BookedPart]:
    """The bookings of people in the weeks of a selection."""
    where = "where w.week >= %(starts)s and w.week < %(ends)s and w.person_id = any(%(people)s)"
    rows = conn.execute(f"{_PARTS} {where} {_ORDER}", {**chosen.values, "people": person_ids})
    return [_part(row) for row in rows]


def _part(row: tuple[object, ...]) -> BookedPart:
    revenue, revenue_currency = _money(row[11], row[12])
    cost, cost_currency = _money(row[18], row[19])
    return BookedPart(
        week=week_name(_date(row[0]).toordinal()),
        system=str(row[1]),
        booking=str(row[2]),
        state=_text(row[3]),
        person=_text(row[4]),
        role=_text(row[5]),
        project=str(row[6]),
        commitment=Commitment(int(str(row[7]))).name.lower(),
        from_day=_date(row[8]),
        until_day=_date(row[9]),
        hours=_decimal(row[10]),
        revenue=revenue,
        revenue_currency=revenue_currency,
        price=_hourly(row[14], row[15]),
        price_line=None if row[13] is None else int(str(row[13])),
        price_origin=_text(row[16]),
        revenue_gap=_text(row[17]),
        cost=cost,
        cost_currency=cost_currency,
        cost_rate=_hourly(row[21], row[22]),
        cost_line=None if row[20] is None else int(str(row[20])),
        cost_origin=_text(row[23]),
        cost_gap=_text(row[24]),
    )


def _hourly(price: object, unit: object) -> Decimal | None:
    """The price of a line that states one an hour; a day's price depends on the day and is told by its line alone."""
    return _decimal(price) if price is not None and unit == "hour" else None


_KNOWN: Final = (("project", "project"), ("client", "client"), ("entity", "legal_entity"))


def check_codes(conn: Connection[tuple[object, ...]], chosen: Selection) -> None:
    """Raise ConfigurationError (TIE-PLAN-001) where a code of the selection is nobody's."""
    for name, record_type in _KNOWN:
        code = getattr(chosen, name)
        if code is None:
            continue
        row = conn.execute("select 1 from golden_record where type = %s and code = %s", (record_type, code)).fetchone()
        if row is None:
            raise ConfigurationError(
                code="TIE-PLAN-001", message=f"There is no {record_type.replace('_', ' ')} with the code {code}."
            )


def _money(minor: object, currency: object) -> tuple[Decimal | None, str | None]:
    if minor is None or currency is None:
        return None, None
    code = alpha_code(int(str(currency)))
    return from_minor(int(str(minor)), code), code


def _decimal(value: object) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(str(value))


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _date(value: object) -> date:
    return value if isinstance(value, date) else date.fromisoformat(str(value))
