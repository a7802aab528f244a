"""Audit, contracts, settings and access: what was done and by whom, what is promised to others, who may do what."""

from typing import Final

from litestar import Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Redirect

from tieout.console import forms
from tieout.console.forms import Sent
from tieout.console.view import THEME_COOKIE, THEMES, Asked, open_view
from tieout.governance import access, api_clients, audit, firm_version, schema_registry
from tieout.model.access import ROLE_SCOPES, Principal, PrincipalKind, Role, Scope
from tieout.web.guards import Asking

_SHOWN: Final = 100
_YEAR_S: Final = 31_536_000


@get("/audit", sync_to_thread=True)
def audit_log(request: Asked, principal: Asking) -> Response[str]:
    """Who did what, when, why, with before and after; and how far the chain is anchored."""
    with open_view(request, principal, Scope.AUDIT_READ) as view:
        query = view.query
        firm = firm_version.newest(view.conn)
        anchors = () if firm is None else firm.audit.anchors
        lines = audit.entries(
            view.conn,
            principal=query.get("who"),
            object_kind=query.get("kind"),
            object_id=query.get("id"),
            before_seq=query.number("after") or None,
            limit=_SHOWN,
        )
        return view.render(
            "audit.html",
            lines=lines,
            names={str(one.principal_id): one.name for one in access.principals(view.conn)},
            head=audit.head(view.conn),
            anchors=[(one.place, audit.newest_anchor(view.conn, place=one.place)) for one in anchors],
            next_after=lines[-1].seq if len(lines) == _SHOWN else None,
        )


@get("/contracts", sync_to_thread=True)
def contracts(request: Asked, principal: Asking) -> Response[str]:
    """Published schemas by subject, and the programs that use the API."""
    with open_view(request, principal, Scope.CONTRACTS_READ) as view:
        published = schema_registry.published()
        newest = {one.subject: one for one in published}
        programs = []
        if principal.may(Scope.ACCESS_READ):
            programs = [
                (one, api_clients.client_of(view.conn, one.principal_id), access.grants_of(view.conn, one.principal_id))
                for one in access.principals(view.conn)
                if one.kind is PrincipalKind.PROGRAM
            ]
        return view.render(
            "contracts.html",
            newest=list(newest.values()),
            versions={subject: sum(one.subject == subject for one in published) for subject in newest},
            described={one.subject: schema_registry.described(one.schema) for one in newest.values()},
            programs=programs,
        )


@get("/contracts/{kind:str}/{name:str}", sync_to_thread=True)
def schema(request: Asked, principal: Asking, kind: FromPath[str], name: FromPath[str]) -> Response[str]:
    """One published schema, each of its versions."""
    with open_view(request, principal, Scope.CONTRACTS_READ) as view:
        subject = f"{kind}/{name}"
        found = [one for one in schema_registry.published() if one.subject == subject]
        if not found:
            raise NotFoundException
        return view.render("schema.html", subject=subject, found=found)


@get("/settings", sync_to_thread=True)
def settings(request: Asked, principal: Asking) -> Response[str]:
    """What the reader may do, and what each role may."""
    with open_view(request, principal, Scope.TIE_OUT_READ) as view:
        return view.render(
            "settings.html",
            scopes=list(Scope),
            roles={role.value: sorted(one.value for one in held) for role, held in ROLE_SCOPES.items()},
            own=_by_place(principal),
            role_names=[one.value for one in Role],
        )


@post("/settings/theme", sync_to_thread=False)
def theme(principal: Asking, data: Sent) -> Redirect:
    """Light or dark, kept in a cookie of the browser."""
    del principal
    chosen = forms.text(data, "theme")
    back = forms.text(data, "back")
    is_ours = back.startswith("/") and not back.startswith(("//", "/\\"))
    answer = Redirect(back if is_ours else "/", status_code=303)
    if chosen in THEMES:
        answer.set_cookie(THEME_COOKIE, chosen, max_age=_YEAR_S, httponly=True, samesite="lax", path="/")
    return answer


def _by_place(principal: Principal) -> list[tuple[str, list[str]]]:
    """The rights of somebody by where they hold."""
    found: dict[str, list[str]] = {}
    for scope, where in sorted(principal.rights.items()):
        place = "All legal entities" if where is None else ", ".join(sorted(where))
        found.setdefault(place, []).append(scope.value)
    return sorted(found.items())
