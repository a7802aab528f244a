"""``/v1/exceptions``: what is held and why, what people and programs do about it, and what two people decide.

Reads come from ``desk.queue`` and ``desk.item_view``, acts from ``desk.acts`` and ``desk.proposals``. An approval names
the hash of what its person has seen; a program proposes and never approves.
"""

from typing import Annotated, Final, Literal

import msgspec
from litestar import get, post
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from litestar.exceptions import PermissionDeniedException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody, QueryParameter
from psycopg import Connection

from tieout.api.conditional import check_unchanged
from tieout.api.resources.reading import DEFAULT_LIMIT, After, IfMatch, Limit, Text, read
from tieout.desk import acts, item_view, proposal_content, proposal_store, proposals, queue
from tieout.desk.item_view import WholeItem
from tieout.desk.proposal_content import ProposalKind
from tieout.desk.proposal_store import Proposal
from tieout.desk.proposals import Decided, Proposed
from tieout.desk.queue import CauseOrder, CausePage, Chosen, ItemOrder, ItemPage, ItemState, Totals
from tieout.model.access import Scope
from tieout.storage.pool import Row
from tieout.web.guards import Asking, requires

MAX_ITEMS: Final = 10_000
_TAGS: Final = ["exceptions"]

StateChoice = Annotated[ItemState, QueryParameter(name="state", description="Which items are meant.")]
CauseChoice = Annotated[int | None, QueryParameter(ge=1, le=2**62)]
Mark = Annotated[str | None, QueryParameter(max_length=200, description="`next` of the page before.")]
Items = Annotated[tuple[int, ...], msgspec.Meta(min_length=1, max_length=MAX_ITEMS)]
Words = Annotated[str, msgspec.Meta(min_length=1, max_length=2_000)]


class Act(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that one person or program does to items. ``assignee``: of an assignment; null takes it back."""

    action: Literal["assign", "comment", "retry"]
    items: Items
    reason: str = ""
    assignee: Annotated[str, msgspec.Meta(max_length=200)] | None = None


class ActDone(msgspec.Struct, frozen=True, kw_only=True):
    """How many items it was done to."""

    item_count: int


class Proposing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that a second person has to approve: to exclude items for good, or to overrule their findings."""

    kind: Literal["exclude", "overrule"]
    items: Items
    reason: Words


class Approval(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``content_hash`` is that of the proposal as it was shown."""

    content_hash: Annotated[str, msgspec.Meta(min_length=64, max_length=64)]
    reason: Annotated[str, msgspec.Meta(max_length=2_000)] = ""


class Refusal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why a proposal is refused, or withdrawn by its maker."""

    reason: Words


class ShownProposal(msgspec.Struct, frozen=True, kw_only=True):
    """A proposal; ``is_current``: what it is about is still as it was when it was made."""

    proposal: Proposal
    is_current: bool


def chosen_items(
    item_state: StateChoice = ItemState.HELD,
    owner: Text = None,
    assignee: Text = None,
    code: Text = None,
    cause: CauseChoice = None,
    entity: Text = None,
    system: Text = None,
    text: Text = None,
) -> Chosen:
    """The filter that causes, items and their totals share.

    ``assignee`` empty: nobody's; ``text`` is part of a source id or of what happened.
    """
    return Chosen(
        state=item_state,
        owner=owner,
        assignee=assignee,
        code=code,
        cause_id=cause,
        entity=entity,
        system=system,
        text=text,
    )


_CHOICE: Final = {"chosen": Provide(chosen_items, sync_to_thread=False)}
Choice = NamedDependency[Chosen]


@get(
    "/v1/exceptions/causes",
    guards=[requires(Scope.DESK_READ)],
    dependencies=_CHOICE,
    sync_to_thread=True,
    operation_id="list_causes",
    summary="Root causes with what they hold, in pages",
    tags=_TAGS,
)
def causes(
    principal: Asking,
    state: State,
    chosen: Choice,
    order: Annotated[CauseOrder, QueryParameter()] = CauseOrder.HOURS,
    after: Mark = None,
    limit: Limit = DEFAULT_LIMIT,
) -> CausePage:
    """``order`` is hours, age, cut_off or items."""
    return read(
        state,
        principal,
        Scope.DESK_READ,
        lambda conn: queue.causes(conn, chosen, order=order, after=after, limit=limit),
    )


@get(
    "/v1/exceptions/totals",
    guards=[requires(Scope.DESK_READ)],
    dependencies=_CHOICE,
    sync_to_thread=True,
    operation_id="read_exception_totals",
    summary="What is held, added up",
    tags=_TAGS,
)
def totals(
    principal: Asking,
    state: State,
    chosen: Choice,
) -> Totals:
    """The figures that the lists of the same filters come to."""
    return read(state, principal, Scope.DESK_READ, lambda conn: queue.totals(conn, chosen))


@get(
    "/v1/exceptions/items",
    guards=[requires(Scope.DESK_READ)],
    dependencies=_CHOICE,
    sync_to_thread=True,
    operation_id="list_items",
    summary="Items, in pages",
    tags=_TAGS,
)
def items(
    principal: Asking,
    state: State,
    chosen: Choice,
    order: Annotated[ItemOrder, QueryParameter()] = ItemOrder.AGE,
    after: Mark = None,
    limit: Limit = DEFAULT_LIMIT,
) -> ItemPage:
    """``order`` is age, hours, cut_off or newest."""
    return read(
        state, principal, Scope.DESK_READ, lambda conn: queue.items(conn, chosen, order=order, after=after, limit=limit)
    )


@get(
    "/v1/exceptions/items/{item_id:int}",
    guards=[requires(Scope.DESK_READ)],
    sync_to_thread=True,
    operation_id="read_item",
    summary="All of one item: findings, history, what it blocks, what can be done",
    tags=_TAGS,
)
def item(principal: Asking, state: State, item_id: FromPath[int]) -> WholeItem:
    """The payload as received is not part of it."""
    return read(state, principal, Scope.DESK_READ, lambda conn: item_view.whole(conn, item_id))


@post(
    "/v1/exceptions/acts",
    guards=[requires(Scope.DESK_WORK)],
    status_code=200,
    sync_to_thread=True,
    operation_id="act_on_items",
    summary="Assign, comment on, or retry items",
    tags=_TAGS,
)
def act(principal: Asking, state: State, data: JSONBody[Act]) -> ActDone:
    """All of them or, where one is not there or may not be touched, none."""
    now = state.clock.now()
    with state.database.as_principal(principal, Scope.DESK_WORK) as conn, conn.cursor() as cur:
        match data.action:
            case "assign":
                count = acts.assign(cur, data.items, principal, data.assignee, now=now, reason=data.reason)
            case "comment":
                count = acts.comment(cur, data.items, principal, data.reason, now=now)
            case _:
                count = acts.retry(cur, data.items, principal, now=now, reason=data.reason or "Tried again.")
    return ActDone(item_count=count)


@get(
    "/v1/exceptions/proposals",
    guards=[requires(Scope.DESK_READ)],
    sync_to_thread=True,
    operation_id="list_proposals",
    summary="What waits for a second person, and what became of it, the newest first",
    tags=_TAGS,
)
def listed_proposals(
    principal: Asking,
    state: State,
    proposal_state: Annotated[str | None, QueryParameter(name="state", max_length=20)] = None,
    kind: Annotated[ProposalKind | None, QueryParameter()] = None,
    before: After = None,
    limit: Limit = DEFAULT_LIMIT,
) -> list[Proposal]:
    """``before`` goes on below the last number of the page before."""
    return read(
        state,
        principal,
        Scope.DESK_READ,
        lambda conn: proposal_store.proposals(conn, state=proposal_state, kind=kind, before=before, limit=limit),
    )


@get(
    "/v1/exceptions/proposals/{proposal_id:int}",
    guards=[requires(Scope.DESK_READ)],
    sync_to_thread=True,
    operation_id="read_proposal",
    summary="One proposal with the content that its hash is of",
    tags=_TAGS,
)
def proposal(principal: Asking, state: State, proposal_id: FromPath[int]) -> ShownProposal:
    """Whoever approves sends the hash back."""
    return read(state, principal, Scope.DESK_READ, lambda conn: _shown(conn, proposal_id))


@post(
    "/v1/exceptions/proposals",
    guards=[requires(Scope.DESK_WORK)],
    status_code=201,
    sync_to_thread=True,
    operation_id="propose",
    summary="Propose to exclude items, or to overrule their findings",
    tags=_TAGS,
)
def propose(principal: Asking, state: State, data: JSONBody[Proposing]) -> Proposed:
    """Nothing happens to the items until a second person approves."""
    now = state.clock.now()
    make = proposals.propose_exclusion if data.kind == "exclude" else proposals.propose_overruling
    with state.database.as_principal(principal, Scope.DESK_WORK) as conn, conn.cursor() as cur:
        return make(cur, data.items, maker=principal, reason=data.reason, now=now)


@post(
    "/v1/exceptions/proposals/{proposal_id:int}/approval",
    status_code=200,
    sync_to_thread=True,
    operation_id="approve",
    summary="Approve a proposal as it was shown",
    tags=_TAGS,
    guards=[requires(Scope.DESK_READ)],
)
def approve(
    principal: Asking, state: State, proposal_id: FromPath[int], data: JSONBody[Approval], if_match: IfMatch = None
) -> Decided:
    """By a person who did not make it and may approve its kind for every legal entity that it touches."""
    shown = read(state, principal, Scope.DESK_READ, lambda conn: _shown(conn, proposal_id))
    check_unchanged(if_match, shown)
    scope = proposal_content.APPROVED_WITH[ProposalKind(shown.proposal.kind)]
    if not principal.may(scope):
        raise PermissionDeniedException(f"{principal.name} does not hold {scope.value}.")
    now = state.clock.now()
    with state.database.as_principal(principal, scope) as conn, conn.cursor() as cur:
        return proposals.approve(cur, proposal_id, principal, data.content_hash, now=now, reason=data.reason)


@post(
    "/v1/exceptions/proposals/{proposal_id:int}/refusal",
    status_code=204,
    sync_to_thread=True,
    operation_id="refuse",
    summary="Refuse a proposal, or withdraw one's own",
    tags=_TAGS,
    guards=[requires(Scope.DESK_READ)],
)
def refuse(
    principal: Asking, state: State, proposal_id: FromPath[int], data: JSONBody[Refusal], if_match: IfMatch = None
) -> None:
    """With a reason, which stays in the history."""
    now = state.clock.now()
    with state.database.as_principal(principal, Scope.DESK_READ) as conn, conn.cursor() as cur:
        check_unchanged(if_match, _shown(conn, proposal_id))
        proposals.reject(cur, proposal_id, principal, reason=data.reason, now=now)


def handlers() -> list[HTTPRouteHandler]:
    """Every handler of this resource."""
    return [causes, totals, items, item, act, listed_proposals, proposal, propose, approve, refuse]


def _shown(conn: Connection[Row], proposal_id: int) -> ShownProposal:
    shown, is_current = proposal_store.show(conn, proposal_id)
    return ShownProposal(proposal=shown, is_current=is_current)
