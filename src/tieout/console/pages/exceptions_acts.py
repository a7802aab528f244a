"""What people do on the desk: try again, assign, comment, and propose what a second person approves; and the approvals.

Every act calls the desk with the signed-in principal and answers with the page that shows what came of it.
"""

from typing import Final

from litestar import Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Redirect

from tieout.console import forms
from tieout.console.forms import Sent
from tieout.console.view import Asked, View, open_view
from tieout.desk import acts, corrections, proposal_content, proposal_store, proposals, queue
from tieout.errors import ConfigurationError
from tieout.model.access import Principal, Scope
from tieout.web.guards import Asking

_SHOWN: Final = 100
_STATES: Final = ("open", "approved", "done", "rejected", "withdrawn", "expired", "failed")


@post("/exceptions/acts", sync_to_thread=True)
def act(request: Asked, principal: Asking, data: Sent) -> Redirect:
    """Do ``action`` to the items of the form, or to all items of its root cause."""
    with open_view(request, principal, Scope.DESK_WORK) as view:
        item_ids = forms.numbers(data, "item")
        cause_ids = forms.numbers(data, "cause")
        if not item_ids and cause_ids:
            item_ids = queue.find_items(view.conn, cause_id=cause_ids[0])
        proposal_id = _do(view, forms.text(data, "action"), item_ids, data)
        if proposal_id is not None:
            return view.go(f"/exceptions/proposals/{proposal_id}")
        if len(item_ids) == 1:
            return view.go(f"/exceptions/items/{item_ids[0]}")
        return view.go(f"/exceptions/causes/{cause_ids[0]}" if cause_ids else "/exceptions/items")


def _do(view: View, action: str, item_ids: list[int], data: Sent) -> int | None:
    """Carry out ``action``; the number of the proposal where it made one."""
    reason, who, now = forms.text(data, "reason"), view.principal, view.now
    with view.conn.cursor() as cur:
        match action:
            case "retry":
                acts.retry(cur, item_ids, who, now=now, reason=reason or "Tried again.")
            case "assign":
                acts.assign(cur, item_ids, who, forms.text(data, "assignee") or None, now=now, reason=reason)
            case "comment":
                acts.comment(cur, item_ids, who, reason, now=now)
            case "exclude":
                return proposals.propose_exclusion(cur, item_ids, maker=who, reason=reason, now=now).proposal_id
            case "overrule":
                return proposals.propose_overruling(cur, item_ids, maker=who, reason=reason, now=now).proposal_id
            case "edit":
                return _edit(view, item_ids, data)
            case _:
                raise NotFoundException
    return None


def _edit(view: View, item_ids: list[int], data: Sent) -> int | None:
    """Other values for the fields that differ from what the form showed; None where they took effect at once."""
    if len(item_ids) != 1:
        raise NotFoundException
    changes: dict[str, str] = {
        field: forms.text(data, field)
        for field in corrections.FIELDS
        if field in data and forms.text(data, field) != forms.text(data, f"was.{field}")
    }
    with view.conn.cursor() as cur:
        done = proposals.propose_edit(
            cur, item_ids[0], changes, maker=view.principal, reason=forms.text(data, "reason"), now=view.now
        )
    return done.proposal_id if isinstance(done, proposals.Proposed) else None


@get("/exceptions/proposals", sync_to_thread=True)
def proposed(request: Asked, principal: Asking) -> Response[str]:
    """Proposals: those that wait for a second person, or those of another state."""
    with open_view(request, principal, Scope.DESK_READ) as view:
        state = view.query.get("state") or "open"
        if state not in _STATES:
            raise NotFoundException
        found = proposal_store.proposals(view.conn, state=state, limit=_SHOWN)
        return view.render("proposals.html", proposals=found, state=state, states=_STATES)


@get("/exceptions/proposals/{proposal_id:int}", sync_to_thread=True)
def proposal(request: Asked, principal: Asking, proposal_id: FromPath[int]) -> Response[str]:
    """One proposal: exactly what is approved, its effect, and the decision."""
    with open_view(request, principal, Scope.DESK_READ) as view:
        try:
            found, is_current = proposal_store.show(view.conn, proposal_id)
        except ConfigurationError as error:
            raise NotFoundException from error
        content = proposal_content.content_of(found.content)
        scope = proposal_content.APPROVED_WITH[content.kind]
        is_maker = content.maker_id == principal.principal_id
        return view.render(
            "proposal.html",
            proposal=found,
            content=content,
            is_current=is_current,
            is_maker=is_maker,
            may_approve=principal.may(scope) and not is_maker and found.state == "open",
            needed=scope.value,
        )


@post("/exceptions/proposals/{proposal_id:int}", sync_to_thread=True)
def decide(request: Asked, principal: Asking, proposal_id: FromPath[int], data: Sent) -> Redirect:
    """Approve what was seen, by its hash, or reject it with a reason; its maker withdraws it so."""
    with open_view(request, principal, _deciding_scope(request, principal, proposal_id)) as view:
        reason = forms.text(data, "reason")
        with view.conn.cursor() as cur:
            if forms.text(data, "decision") == "approve":
                proposals.approve(
                    cur, proposal_id, principal, forms.text(data, "content_hash"), now=view.now, reason=reason
                )
            else:
                proposals.reject(cur, proposal_id, principal, reason=reason, now=view.now)
        return view.go(f"/exceptions/proposals/{proposal_id}")


def _deciding_scope(request: Asked, principal: Principal, proposal_id: int) -> Scope:
    """The scope that decides about the proposal: the checker's, or for its maker the one that it was made with."""
    with open_view(request, principal, Scope.DESK_READ) as view:
        try:
            found, _ = proposal_store.show(view.conn, proposal_id)
        except ConfigurationError as error:
            raise NotFoundException from error
        content = proposal_content.content_of(found.content)
    is_maker = content.maker_id == principal.principal_id
    return (proposal_content.PROPOSED_WITH if is_maker else proposal_content.APPROVED_WITH)[content.kind]
