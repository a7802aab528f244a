"""Systems: how each is, what is read and written, what limits and proofs it has; resuming what is paused."""

from litestar import Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Redirect

from tieout.console import forms
from tieout.console.forms import Sent
from tieout.console.view import Asked, open_view
from tieout.errors import ConfigurationError
from tieout.governance import audit, firm_version
from tieout.inbound import drift_store
from tieout.model.access import Scope
from tieout.runtime import system_overview as reader
from tieout.runtime.status import status
from tieout.web.guards import Asking


@get("/systems", sync_to_thread=True)
def systems(request: Asked, principal: Asking) -> Response[str]:
    """Every system of the firm, and how the hub itself is."""
    with open_view(request, principal, Scope.SYSTEMS_READ) as view:
        firm = firm_version.newest(view.conn)
        return view.render(
            "systems.html",
            systems=[] if firm is None else reader.systems(view.conn, firm),
            lines=view.recently("status", Scope.SYSTEMS_READ, lambda: status(view.conn, now=view.now)),
        )


@get("/systems/{name:str}", sync_to_thread=True)
def system(request: Asked, principal: Asking, name: FromPath[str]) -> Response[str]:
    """One system: objects, commands, limits, changes of its form."""
    with open_view(request, principal, Scope.SYSTEMS_READ) as view:
        firm = firm_version.newest(view.conn)
        found = [] if firm is None else [one for one in reader.systems(view.conn, firm) if one.config.name == name]
        if not found or firm is None:
            raise NotFoundException
        return view.render(
            "system.html",
            system=found[0],
            policy=firm.deliveries.get(name),
            changes=reader.schema_changes(view.conn, name),
        )


@post("/systems/{name:str}/resume", sync_to_thread=True)
def resume(request: Asked, principal: Asking, name: FromPath[str], data: Sent) -> Redirect:
    """Poll a paused object again, and judge again what could not be read of it."""
    with open_view(request, principal, Scope.SYSTEMS_OPERATE) as view:
        object_name = forms.text(data, "object")
        with view.conn.cursor() as cur:
            released = drift_store.resume(cur, system=name, object_name=object_name, actor=principal.name, now=view.now)
            if released is None:
                raise ConfigurationError(code="TIE-DRIFT-001", message=f"{object_name} of {name} is not paused.")
            entry = audit.AuditEntry(
                principal=principal.name,
                action="system.resume",
                object_kind="system_object",
                object_id=f"{name}/{object_name}",
                reason=forms.text(data, "reason"),
                after={"judged_again": str(released)},
            )
            audit.append(cur, entry, now=view.now)
        return view.go(f"/systems/{name}")
