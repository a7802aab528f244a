"""``/v1/vitals``, ``/v1/status``, ``/v1/audit``, ``/v1/access-review``, ``/metrics``: how the hub is, who did what."""

from litestar import Response, get
from litestar.datastructures import State

from tieout.api.metrics import CONTENT_TYPE, exposition
from tieout.api.resources.reading import DEFAULT_LIMIT, After, Limit, Text, read
from tieout.governance import access_review, audit
from tieout.governance.access_review import ReviewLine
from tieout.governance.audit import AuditLine
from tieout.model.access import Scope
from tieout.reconciliation.vitals import Vitals, read_vitals
from tieout.runtime.status import StatusLine, status
from tieout.web.guards import Asking, requires


@get(
    "/v1/vitals",
    guards=[requires(Scope.SYSTEMS_READ)],
    sync_to_thread=True,
    operation_id="read_vitals",
    summary="What waits, is stuck, failed or is late, as figures",
    tags=["oversight"],
)
def vitals(principal: Asking, state: State) -> Vitals:
    """The figures behind ``/metrics`` and the console; of the desk and of deliveries those that are seen."""
    return read(state, principal, Scope.SYSTEMS_READ, lambda conn: read_vitals(conn, now=state.clock.now()))


@get(
    "/v1/status",
    guards=[requires(Scope.SYSTEMS_READ)],
    sync_to_thread=True,
    operation_id="read_status",
    summary="What is well, what is soon to be looked at, what is wrong",
    tags=["oversight"],
)
def hub_status(principal: Asking, state: State) -> list[StatusLine]:
    """As ``tieout status`` says it."""
    return read(state, principal, Scope.SYSTEMS_READ, lambda conn: status(conn, now=state.clock.now()))


@get(
    "/v1/audit",
    guards=[requires(Scope.AUDIT_READ)],
    sync_to_thread=True,
    operation_id="list_audit",
    summary="Who did what, the newest first",
    tags=["oversight"],
)
def audit_entries(
    principal: Asking,
    state: State,
    by: Text = None,
    kind: Text = None,
    object_id: Text = None,
    before: After = None,
    limit: Limit = DEFAULT_LIMIT,
) -> list[AuditLine]:
    """Entries of the chain; ``before`` goes on below the last number of the page before."""
    return read(
        state,
        principal,
        Scope.AUDIT_READ,
        lambda conn: audit.entries(
            conn, principal=by, object_kind=kind, object_id=object_id, before_seq=before, limit=limit
        ),
    )


@get(
    "/v1/access-review",
    guards=[requires(Scope.ACCESS_READ)],
    sync_to_thread=True,
    operation_id="list_access_review",
    summary="Who may do what, where, since when, and when it was last used",
    tags=["oversight"],
)
def reviewed(principal: Asking, state: State) -> list[ReviewLine]:
    """As ``tieout access review`` says it."""
    return read(state, principal, Scope.ACCESS_READ, lambda conn: access_review.review(conn, now=state.clock.now()))


@get(
    "/metrics",
    guards=[requires(Scope.SYSTEMS_READ)],
    sync_to_thread=True,
    media_type="text/plain",
    operation_id="read_metrics",
    summary="The figures for Prometheus",
    tags=["oversight"],
)
def metrics(principal: Asking, state: State) -> Response[str]:
    """Prometheus gets in as a program: by a token of client credentials, or by a key."""
    now = state.clock.now()
    told = read(state, principal, Scope.SYSTEMS_READ, lambda conn: read_vitals(conn, now=now))
    return Response(exposition(told, now=now).decode(), headers={"content-type": CONTENT_TYPE})
