"""Projects and people: what each system says side by side, set-up, forecast and burn, capacity by week."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Final

import msgspec
from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from psycopg import Connection

from tieout.console import charts
from tieout.console.readers import projects as reader
from tieout.console.view import Asked, open_view
from tieout.errors import ConfigurationError
from tieout.model.access import Scope
from tieout.streams.lead_to_project import overview
from tieout.streams.plan_to_allocate.forecast import (
    Grouping,
    Selection,
    booked_parts,
    forecast,
    monday_of,
)
from tieout.web.guards import Asking

_WEEKS: Final = 13
_BY: Final = ("role", "entity", "person")
_WORKED: Final = 40
_PARTS: Final = 400


@get("/projects", sync_to_thread=True)
def projects(request: Asked, principal: Asking) -> Response[str]:
    """Deals on their way to a project, and every project with its burn."""
    with open_view(request, principal, Scope.PROJECTS_READ) as view:
        query = view.query
        deals = overview.list_projects(view.conn, entity=query.entity)
        stage = query.get("stage")
        return view.render(
            "projects.html",
            deals=[one for one in deals if stage is None or _is_at(one, stage)],
            measures=overview.measure(deals),
            stage=stage,
            projects=reader.projects(
                view.conn, week=monday_of(view.now.date()), entity=query.entity, text=query.get("text")
            ),
        )


def _is_at(one: overview.ProjectSummary, stage: str) -> bool:
    match stage:
        case "held":
            return one.code is None and one.waits_for is not None
        case "accepted":
            return one.code is not None
        case "set-up":
            return one.code is not None and one.setup_s is None
        case "active":
            return one.setup_s is not None
        case _:
            return True


@get("/projects/{code:str}", sync_to_thread=True)
def project(request: Asked, principal: Asking, code: FromPath[str]) -> Response[str]:
    """One project: the same facts in every system, its set-up, its weeks and money."""
    with open_view(request, principal, Scope.PROJECTS_READ) as view:
        week = monday_of(view.now.date())
        found = reader.project(view.conn, code, week=week)
        made = _made(view.conn, code, view.query.entity)
        if found is None and made is None:
            raise NotFoundException
        systems, facts = ([], []) if found is None else reader.facts(view.conn, "project", code)
        weeks = [] if found is None else reader.weeks(view.conn, found.record_id)
        return view.render(
            "project.html",
            code=code,
            project=found,
            made=made,
            systems=systems,
            facts=facts,
            weeks=weeks,
            bars=charts.week_bars([(one.week, one.recorded, one.hard, one.soft) for one in weeks], this_week=week),
            money=[]
            if found is None
            else reader.money(
                view.conn, found.record_id, costs=principal.may(Scope.COSTS_READ, found.entity), week=week
            ),
            week=week,
        )


def _made(conn: Connection[tuple[object, ...]], code: str, entity: str | None) -> overview.ProjectView | None:
    try:
        return overview.show_project(conn, code, entity=entity)
    except ConfigurationError:
        return None


class HeatRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the heat map: the weeks of a group, None where it has none."""

    key: str
    name: str
    people: int
    cells: list[reader.CapacityRow | None]


@get("/capacity", sync_to_thread=True)
def capacity(request: Asked, principal: Asking) -> Response[str]:
    """How much of what can be worked is firmly booked, by week: by role, legal entity or person."""
    with open_view(request, principal, Scope.PEOPLE_READ) as view:
        query = view.query
        by = query.get("by") or "role"
        if by not in _BY:
            raise NotFoundException
        starts = monday_of(view.now.date())
        weeks = [starts + timedelta(weeks=at) for at in range(_WEEKS)]
        rows = reader.capacity(
            view.conn,
            by=by,
            starts=starts,
            ends=starts + timedelta(weeks=_WEEKS),
            entity=query.entity,
            role=query.get("role"),
        )
        return view.render("capacity.html", by=by, bys=_BY, weeks=weeks, heat=_heat(rows, weeks))


def _heat(rows: list[reader.CapacityRow], weeks: list[date]) -> list[HeatRow]:
    groups: dict[str, list[reader.CapacityRow]] = {}
    for one in rows:
        groups.setdefault(one.key, []).append(one)
    return [
        HeatRow(
            key=key,
            name=some[0].name,
            people=max(one.people for one in some),
            cells=[next((one for one in some if one.week == week), None) for week in weeks],
        )
        for key, some in groups.items()
    ]


@get("/people/{person_id:int}", sync_to_thread=True)
def person(request: Asked, principal: Asking, person_id: FromPath[int]) -> Response[str]:
    """One person: weeks, bookings, newest time."""
    with open_view(request, principal, Scope.PEOPLE_READ) as view:
        found = reader.person(view.conn, person_id)
        if found is None:
            raise NotFoundException
        starts = monday_of(view.now.date())
        rows = reader.capacity(
            view.conn, by="person", starts=starts, ends=starts + timedelta(weeks=_WEEKS), entity=None, role=None
        )
        return view.render(
            "person.html",
            person=found,
            weeks=[one for one in rows if one.key == str(person_id)],
            bookings=reader.bookings(view.conn, person_id),
            worked=reader.worked(view.conn, person_id, limit=_WORKED),
        )


@get("/forecast", sync_to_thread=True)
def forecast_page(request: Asked, principal: Asking) -> Response[str]:
    """Booked hours, revenue and cost of the coming weeks; of one project, the bookings behind them."""
    with open_view(request, principal, Scope.PROJECTS_READ) as view:
        query = view.query
        chosen = Selection(
            starts=monday_of(view.now.date()),
            weeks=_WEEKS,
            entity=query.entity,
            project=query.get("project"),
        )
        by = Grouping(query.get("by") or "project") if (query.get("by") or "project") in set(Grouping) else None
        if by is None:
            raise NotFoundException
        weeks = forecast(view.conn, chosen, by)
        groups: dict[str, list[object]] = {}
        for one in weeks:
            groups.setdefault(one.group, []).append(one)
        return view.render(
            "forecast.html",
            by=by.value,
            groupings=[one.value for one in Grouping],
            chosen=chosen,
            groups=groups,
            total_hard=sum((one.hard.hours for one in weeks), Decimal(0)),
            total_soft=sum((one.soft.hours for one in weeks), Decimal(0)),
            booked=booked_parts(view.conn, chosen)[:_PARTS] if chosen.project else [],
            costs=view.covers(Scope.COSTS_READ)
            or (query.entity is not None and principal.may(Scope.COSTS_READ, query.entity)),
        )
