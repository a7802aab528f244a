"""Access: who may do what and since when; giving and taking back roles, and the link that lets somebody in once."""

import csv
import io
from typing import Final
from uuid import UUID

import msgspec
from litestar import MediaType, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Redirect

from tieout.connect.spreadsheet import harmless
from tieout.console import forms
from tieout.console.forms import Sent
from tieout.console.view import Asked, View, open_view
from tieout.governance import access, sign_in
from tieout.governance.access import Act, Known, NewGrant, Right
from tieout.governance.access_review import ReviewLine, review
from tieout.model.access import PrincipalKind, Role, Scope
from tieout.runtime.ids import SystemIds
from tieout.web.guards import Asking

_HERE: Final = "/settings/access"


@get(_HERE, sync_to_thread=True)
def people(request: Asked, principal: Asking) -> Response[str]:
    """Everybody with the rights that hold, and what an administrator can change."""
    with open_view(request, principal, Scope.ACCESS_READ) as view:
        return _page(view)


@get(f"{_HERE}/review.csv", sync_to_thread=True)
def export(request: Asked, principal: Asking) -> Response[str]:
    """The access review as a file: who may do what, where, since when, last used."""
    with open_view(request, principal, Scope.ACCESS_READ) as view:
        text = io.StringIO()
        out = csv.writer(text, lineterminator="\n")
        out.writerow(ReviewLine.__struct_fields__)
        for line in review(view.conn, now=view.now):
            out.writerow([harmless(str(value)) for value in msgspec.structs.astuple(line)])
    headers = {"Content-Disposition": f'attachment; filename="access-review-{view.now:%Y-%m-%d}.csv"'}
    return Response(text.getvalue(), media_type=MediaType.TEXT, headers=headers)


@post(f"{_HERE}/people", sync_to_thread=True)
def add(request: Asked, principal: Asking, data: Sent) -> Redirect:
    """Enter a person, who may do nothing yet."""
    with open_view(request, principal, Scope.ACCESS_GRANT) as view:
        with view.conn.cursor() as cur:
            access.add_person(
                cur,
                name=forms.text(data, "name"),
                email=forms.text(data, "email"),
                person_id=SystemIds().new_id(),
                act=_act(view, "entered in the console"),
            )
        return view.go(_HERE)


@post(f"{_HERE}/grants", sync_to_thread=True)
def give(request: Asked, principal: Asking, data: Sent) -> Redirect:
    """Give a role to a person, for one legal entity or all."""
    with open_view(request, principal, Scope.ACCESS_GRANT) as view:
        try:
            role = Role(forms.text(data, "role"))
        except ValueError as error:
            raise NotFoundException from error
        given = NewGrant(grant_id=SystemIds().new_id(), now=view.now, reason=forms.text(data, "reason"))
        right = Right(what=role, entity=forms.text(data, "entity") or None)
        with view.conn.cursor() as cur:
            access.grant_by(cur, principal, to=_uuid(forms.text(data, "to")), right=right, given=given)
        return view.go(_HERE)


@post(f"{_HERE}/grants/{{grant_id:uuid}}/revoke", sync_to_thread=True)
def take_back(request: Asked, principal: Asking, grant_id: FromPath[UUID], data: Sent) -> Redirect:
    """Take a role back, from now on."""
    with open_view(request, principal, Scope.ACCESS_GRANT) as view:
        with view.conn.cursor() as cur:
            access.revoke_by(
                cur, principal, grant_id=grant_id, reason=forms.text(data, "reason") or "revoked", now=view.now
            )
        return view.go(_HERE)


@post(f"{_HERE}/links", sync_to_thread=True, status_code=200)
def link(request: Asked, principal: Asking, data: Sent) -> Response[str]:
    """Make a link that signs a person in once; it is on the page that answers, and nowhere else."""
    with open_view(request, principal, Scope.ACCESS_GRANT) as view:
        person_id = _uuid(forms.text(data, "to"))
        with view.conn.cursor() as cur:
            secret = sign_in.new_link(cur, principal_id=person_id, act=_act(view, "a link to sign in"))
        site = request.app.state.site
        base = site.public_url or str(request.base_url)
        return _page(view, made_for=person_id, made=f"{base.rstrip('/')}/sign-in/{secret}")


def _page(view: View, *, made_for: UUID | None = None, made: str | None = None) -> Response[str]:
    known = [one for one in access.principals(view.conn) if one.disabled_at is None]
    lines = review(view.conn, now=view.now)
    used = {
        name: max((one.last_used for one in lines if one.grant_id == name), default="")
        for name in {one.grant_id for one in lines}
    }
    return view.render(
        "access.html",
        people=[(one, _grants(view, one)) for one in known],
        person=PrincipalKind.PERSON,
        used=used,
        roles=list(Role),
        names={str(one.principal_id): one.name for one in access.principals(view.conn)},
        made_for=made_for,
        made=made,
    )


def _grants(view: View, known: Known) -> list[access.Grant]:
    return [one for one in access.grants_of(view.conn, known.principal_id) if one.holds(view.now)]


def _act(view: View, reason: str) -> Act:
    return Act(by=str(view.principal.principal_id), now=view.now, reason=reason)


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFoundException from error
