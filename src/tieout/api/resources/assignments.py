"""``/v1/assignments``: who is booked on what, as it stands in the plan."""

from datetime import date
from typing import Annotated, Final
from uuid import UUID

from litestar import get
from litestar.datastructures import State
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter

from tieout.api.resources.reading import DEFAULT_LIMIT, After, Limit, Text, found, read
from tieout.inbound import bookings_page
from tieout.inbound.bookings_page import AssignmentPage, AssignmentsWanted, AssignmentView
from tieout.model.access import Scope
from tieout.web.guards import Asking, requires

_TAGS: Final = ["assignments"]


@get(
    "/v1/assignments",
    guards=[requires(Scope.PROJECTS_READ)],
    sync_to_thread=True,
    operation_id="list_assignments",
    summary="Assignments that stand, in pages",
    tags=_TAGS,
)
def assignments(
    principal: Asking,
    state: State,
    project: Text = None,
    person: Annotated[UUID | None, QueryParameter(description="A person's public id.")] = None,
    system: Text = None,
    in_state: Annotated[str | None, QueryParameter(name="state", max_length=50)] = None,
    day: Annotated[date | None, QueryParameter(description="Those that touch this day.")] = None,
    after: After = None,
    limit: Limit = DEFAULT_LIMIT,
) -> AssignmentPage:
    """``project`` is the project's code."""
    wanted = AssignmentsWanted(project=project, person=person, system=system, state=in_state, day=day)
    return read(
        state,
        principal,
        Scope.PROJECTS_READ,
        lambda conn: bookings_page.page(conn, wanted, after=after, limit=limit),
    )


@get(
    "/v1/assignments/{booking_id:int}",
    guards=[requires(Scope.PROJECTS_READ)],
    sync_to_thread=True,
    operation_id="read_assignment",
    summary="One assignment",
    tags=_TAGS,
)
def assignment(principal: Asking, state: State, booking_id: FromPath[int]) -> AssignmentView:
    """By the number that lists give."""
    known = read(state, principal, Scope.PROJECTS_READ, lambda conn: bookings_page.one(conn, booking_id))
    return found(known, "assignment")


def handlers() -> list[HTTPRouteHandler]:
    """Every handler of this resource."""
    return [assignments, assignment]
