"""The three value streams as pictures: what went into each station, what is stuck before the next, what it is worth.

``time_to_bill`` is drawn of the newest tie-out, the others of their own state tables; nothing here scans entries.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal

import msgspec
from psycopg import Connection

from tieout.console.readers.worth import Comparison, Worth
from tieout.model.money import alpha_code
from tieout.reconciliation.tie_out import TieOutRow

_WEEKS = 13


class Stuck(msgspec.Struct, frozen=True, kw_only=True):
    """What does not go on: how much, since when, worth what, and its list. ``size`` is in the stream's measure."""

    size: Decimal
    words: str
    count: int
    path: str
    values: Mapping[str, str]
    worth: Worth | None = None
    oldest: datetime | None = None


class Station(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a stream: what has come so far. ``size`` is what the band is wide by."""

    name: str
    size: Decimal
    count: int
    unit: str
    path: str
    values: Mapping[str, str]
    worth: Worth | None = None
    stuck: tuple[Stuck, ...] = ()


class Stream(msgspec.Struct, frozen=True, kw_only=True):
    """A value stream, left to right. ``measure``: what the band is wide by."""

    key: str
    title: str
    note: str
    measure: str
    stations: tuple[Station, ...]

    @property
    def stuck_count(self) -> int:
        """How many things are stuck in it."""
        return sum(one.count for station in self.stations for one in station.stuck)

    @property
    def oldest(self) -> datetime | None:
        """Since when the oldest of them is stuck."""
        return min(
            (one.oldest for station in self.stations for one in station.stuck if one.oldest is not None), default=None
        )


class _Side(msgspec.Struct, frozen=True):
    count: int
    hours: Decimal
    minor: dict[str, int]


def time_to_bill(
    conn: Connection[tuple[object, ...]], rows: list[TieOutRow], comparison: Comparison, entity: str | None
) -> Stream:
    """From what was taken in to what is posted, of the rows of a tie-out."""
    taken, posted = _side(rows, ("taken_in",)), _side(rows, ("posted",))
    held = _side(rows, ("in_exception",))
    excluded = _side(rows, ("excluded",))
    waiting, doubt = _side(rows, ("in_progress",)), _side(rows, ("in_doubt",))
    checked = _side(rows, ("posted", "in_doubt", "in_progress"))
    sent = _side(rows, ("posted", "in_doubt"))
    oldest_held, oldest_doubt = _ages(conn, entity)

    def station(name: str, side: _Side, shown: str, *stuck: Stuck) -> Station:
        return Station(
            name=name,
            size=side.hours,
            count=side.count,
            unit="entries",
            path="/tie-out",
            values={"side": shown},
            worth=comparison.worth(side.minor),
            stuck=tuple(one for one in stuck if one.count),
        )

    def knot(side: _Side, words: str, path: str, since: datetime | None) -> Stuck:
        return Stuck(
            size=side.hours,
            words=words,
            count=side.count,
            path=path,
            values={},
            worth=comparison.worth(side.minor),
            oldest=since,
        )

    return Stream(
        key="time-to-bill",
        title="Time to bill",
        note="Approved hours, checked, priced and posted to the ledger",
        measure="hours",
        stations=(
            station(
                "Taken in",
                taken,
                "taken_in",
                knot(held, "in exception", "/exceptions", oldest_held),
                knot(excluded, "excluded", "/tie-out", None),
            ),
            station("Checked and priced", checked, "posted", knot(waiting, "waiting for a journal", "/tie-out", None)),
            station("Sent", sent, "posted", knot(doubt, "in doubt", "/deliveries", oldest_doubt)),
            station("Posted", posted, "posted"),
        ),
    )


def _side(rows: list[TieOutRow], sides: tuple[str, ...]) -> _Side:
    count, hours = 0, Decimal(0)
    minor: dict[str, int] = {}
    for row in rows:
        for side in sides:
            bucket = row.bucket(side)
            count += bucket.count
            hours += bucket.hours
            if bucket.amount_minor and row.currency != "unassigned":
                minor[row.currency] = minor.get(row.currency, 0) + bucket.amount_minor
    return _Side(count, hours, minor)


def _ages(conn: Connection[tuple[object, ...]], entity: str | None) -> tuple[datetime | None, datetime | None]:
    """Since when the oldest entry is held, and the oldest journal in doubt."""
    row = conn.execute(
        """
        select (select min(i.opened_at) from desk_item i left join golden_record e on e.record_id = i.entity_id
                 where i.state in ('open', 'released') and i.subject_kind in ('time_entry', 'message_item', 'message')
                   and (%(entity)s::text is null or e.code = %(entity)s)),
               (select min(d.intent_at) from delivery d join golden_record e on e.record_id = d.entity_id
                 where d.state = 'in_doubt' and (%(entity)s::text is null or e.code = %(entity)s))
        """,
        {"entity": entity},
    ).fetchone()
    held, doubt = (None, None) if row is None else row
    return (held if isinstance(held, datetime) else None, doubt if isinstance(doubt, datetime) else None)


def lead_to_project(conn: Connection[tuple[object, ...]], comparison: Comparison, entity: str | None) -> Stream:
    """From won deals to projects that are active in every system; the measure is the value of the deals."""
    rows = conn.execute(
        """
        select d.currency, d.amount_minor, d.won_at, p.provisioning_id is not null as in_set_up,
               p.activated_at is not null as is_active,
               (p.provisioning_id is null and d.state in ('held', 'awaiting_approval'))
                   or exists (select from desk_item i where i.subject_kind = 'deal' and i.subject_id = d.deal_id
                                 and i.state in ('open', 'released')) as is_held
          from won_deal d
          left join provisioning p using (provisioning_id)
          left join golden_record e on e.record_id = coalesce(p.entity_id, d.entity_id)
         where d.state not in ('withdrawn', 'lost', 'moved_back') and (%(entity)s::text is null or e.code = %(entity)s)
        """,
        {"entity": entity},
    ).fetchall()
    deals = [msgspec.convert(row, _Deal, strict=False) for row in rows]
    accepted = [one for one in deals if one.in_set_up]
    active = [one for one in accepted if one.is_active]
    held = [one for one in deals if not one.in_set_up and one.is_held]
    waiting = [one for one in accepted if not one.is_active]

    def station(name: str, some: "list[_Deal]", values: Mapping[str, str], *stuck: Stuck) -> Station:
        worth = comparison.worth(_minor(some))
        return Station(
            name=name,
            size=worth.value,
            count=len(some),
            unit="deals",
            path="/projects",
            values=values,
            worth=worth,
            stuck=tuple(one for one in stuck if one.count),
        )

    def knot(some: "list[_Deal]", words: str, values: Mapping[str, str]) -> Stuck:
        worth = comparison.worth(_minor(some))
        return Stuck(
            size=worth.value,
            words=words,
            count=len(some),
            path="/projects",
            values=values,
            worth=worth,
            oldest=min((one.won_at for one in some), default=None),
        )

    return Stream(
        key="lead-to-project",
        title="Lead to project",
        note="Won deals become the same project in every system",
        measure="value of the deals",
        stations=(
            station("Won", deals, {"stage": "won"}, knot(held, "held", {"stage": "held"})),
            station("Accepted", accepted, {"stage": "accepted"}, knot(waiting, "being set up", {"stage": "set-up"})),
            station("Active everywhere", active, {"stage": "active"}),
        ),
    )


class _Deal(msgspec.Struct, frozen=True, array_like=True):
    currency: int | None
    amount_minor: int | None
    won_at: datetime
    in_set_up: bool
    is_active: bool
    is_held: bool


def _minor(deals: "list[_Deal]") -> dict[str, int]:
    found: dict[str, int] = {}
    for one in deals:
        if one.currency is not None and one.amount_minor is not None:
            code = alpha_code(one.currency)
            found[code] = found.get(code, 0) + one.amount_minor
    return found


def plan_to_allocate(
    conn: Connection[tuple[object, ...]], comparison: Comparison, entity: str | None, *, today: date
) -> Stream:
    """The bookings of the coming weeks: booked, priced, firm; the measure is hours."""
    starts = today - timedelta(days=today.weekday())
    rows = conn.execute(
        """
        select w.commitment, w.revenue_currency, sum(w.hours)::text, sum(w.unpriced)::text,
               sum(w.revenue_minor)::bigint
          from project_week w
          left join plan_project o using (project_id)
          left join golden_record e on e.record_id = o.entity_id
         where w.week >= %(starts)s and w.week < %(ends)s and (%(entity)s::text is null or e.code = %(entity)s)
         group by 1, 2
        """,
        {"starts": starts, "ends": starts + timedelta(weeks=_WEEKS), "entity": entity},
    ).fetchall()
    weeks = [msgspec.convert(row, _Weeks, strict=False) for row in rows]
    booked = sum((one.hours for one in weeks), Decimal(0))
    unpriced = sum((one.unpriced for one in weeks), Decimal(0))
    firm = [one for one in weeks if one.commitment == _HARD]
    firm_hours = sum((one.hours for one in firm), Decimal(0))
    held, oldest = _held_bookings(conn, entity)
    values = {"weeks": str(_WEEKS)}
    stuck_held = Stuck(
        size=Decimal(0), words="bookings held", count=held, path="/exceptions", values={"subject": "plan"},
        oldest=oldest,
    )  # fmt: skip
    stuck_price = Stuck(
        size=unpriced, words="hours without a price", count=int(unpriced), path="/forecast", values=values
    )
    return Stream(
        key="plan-to-allocate",
        title="Plan to allocate",
        note=f"Bookings of the coming {_WEEKS} weeks as forecast, capacity and budget",
        measure="hours",
        stations=(
            _hours_station("Booked", booked, None, values, stuck_held),
            _hours_station("Priced", booked - unpriced, comparison.worth(_revenue(weeks)), values, stuck_price),
            _hours_station("Firm", firm_hours, comparison.worth(_revenue(firm)), values),
        ),
    )


_HARD = 2


class _Weeks(msgspec.Struct, frozen=True, array_like=True):
    commitment: int
    currency: int
    hours: Decimal
    unpriced: Decimal
    revenue_minor: int


def _hours_station(name: str, hours: Decimal, worth: Worth | None, values: Mapping[str, str], *stuck: Stuck) -> Station:
    return Station(
        name=name,
        size=hours,
        count=int(hours),
        unit="hours",
        path="/forecast",
        values=values,
        worth=worth,
        stuck=tuple(one for one in stuck if one.count),
    )


def _revenue(weeks: "list[_Weeks]") -> dict[str, int]:
    found: dict[str, int] = {}
    for one in weeks:
        if one.currency:
            code = alpha_code(one.currency)
            found[code] = found.get(code, 0) + one.revenue_minor
    return found


def _held_bookings(conn: Connection[tuple[object, ...]], entity: str | None) -> tuple[int, datetime | None]:
    row = conn.execute(
        """
        select count(*), min(i.opened_at) from desk_item i left join golden_record e on e.record_id = i.entity_id
         where i.state in ('open', 'released')
           and (i.subject_kind like 'booking%%' or i.subject_kind in ('assignment', 'time_off', 'overbooked_person'))
           and (%(entity)s::text is null or e.code = %(entity)s)
        """,
        {"entity": entity},
    ).fetchone()
    count, oldest = (0, None) if row is None else row
    return int(str(count)), oldest if isinstance(oldest, datetime) else None
