"""``/v1/deliveries``: what is written to systems, how often it was tried, what came back, and what it carries.

Words of the other side and commands are told without secrets; what work costs only to whoever may see costs.
"""

from typing import Annotated, Final

import msgspec
from litestar import get
from litestar.datastructures import State
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter
from psycopg import Connection

from tieout.api.resources.reading import DEFAULT_LIMIT, After, Instant, Limit, Text, found, read, zoned
from tieout.model.access import Principal, Scope
from tieout.outbound import overview
from tieout.outbound.overview import Attempt, Carried, Chosen, Delivery, Target
from tieout.storage.pool import Row
from tieout.web.guards import Asking, requires

_TAGS: Final = ["deliveries"]


class DeliveryPage(msgspec.Struct, frozen=True, kw_only=True):
    """Deliveries, the newest first; ``next`` is the mark of the following page, None at the end."""

    deliveries: list[Delivery]
    next: int | None


class WholeDelivery(msgspec.Struct, frozen=True, kw_only=True):
    """One delivery: ``command`` is what is sent, as JSON text; ``item_id`` is the open item of the desk that holds it.

    ``command`` is None where it tells costs and whoever asks may not see them.
    """

    delivery: Delivery
    attempts: list[Attempt]
    command: str | None
    item_id: int | None


class CarriedPage(msgspec.Struct, frozen=True, kw_only=True):
    """Time entries of a journal; ``next`` is the mark of the following page, None at the end."""

    entries: list[Carried]
    next: int | None


@get(
    "/v1/deliveries",
    guards=[requires(Scope.DELIVERIES_READ)],
    sync_to_thread=True,
    operation_id="list_deliveries",
    summary="Deliveries, the newest first, in pages",
    tags=_TAGS,
)
def deliveries(
    principal: Asking,
    state: State,
    entity: Text = None,
    system: Text = None,
    kind: Text = None,
    in_state: Annotated[str | None, QueryParameter(name="state", max_length=200)] = None,
    text: Text = None,
    since: Instant = None,
    after: After = None,
    limit: Limit = DEFAULT_LIMIT,
) -> DeliveryPage:
    """``state`` is a state, or a group of them: open, doubt, desk, posted, over.

    ``kind`` is a command, or ``masters`` for every one but journals; ``text`` a reference, a key or a project's code.
    """
    chosen = Chosen(entity=entity, system=system, kind=kind, state=in_state, text=text, since=zoned(since))
    rows = read(
        state,
        principal,
        Scope.DELIVERIES_READ,
        lambda conn: overview.deliveries(conn, chosen, before=after, limit=limit + 1),
    )
    kept = [_told(principal, one) for one in rows[:limit]]
    return DeliveryPage(deliveries=kept, next=kept[-1].delivery_id if len(rows) > limit else None)


@get(
    "/v1/deliveries/targets",
    guards=[requires(Scope.DELIVERIES_READ)],
    sync_to_thread=True,
    operation_id="list_delivery_targets",
    summary="Each system that is written to: what waits, is in doubt, is on the desk",
    tags=_TAGS,
)
def targets(principal: Asking, state: State, entity: Text = None) -> list[Target]:
    """With its circuit: whether it is sent to now."""
    return read(state, principal, Scope.DELIVERIES_READ, lambda conn: overview.targets(conn, entity))


@get(
    "/v1/deliveries/{delivery_id:int}",
    guards=[requires(Scope.DELIVERIES_READ)],
    sync_to_thread=True,
    operation_id="read_delivery",
    summary="One delivery with its attempts and its command",
    tags=_TAGS,
)
def delivery(principal: Asking, state: State, delivery_id: FromPath[int]) -> WholeDelivery:
    """What happened to it, in order."""

    def work(conn: Connection[Row]) -> WholeDelivery:
        one = _one(conn, delivery_id)
        hides_command = overview.tells_costs(one) and not principal.may(Scope.COSTS_READ, one.entity)
        return WholeDelivery(
            delivery=_told(principal, one),
            attempts=overview.attempts(conn, delivery_id),
            command=None if hides_command else overview.command(conn, delivery_id),
            item_id=overview.item_of(conn, delivery_id),
        )

    return read(state, principal, Scope.DELIVERIES_READ, work)


@get(
    "/v1/deliveries/{delivery_id:int}/entries",
    guards=[requires(Scope.DELIVERIES_READ)],
    sync_to_thread=True,
    operation_id="list_delivery_entries",
    summary="The time entries that a journal carries, in pages",
    tags=_TAGS,
)
def entries(
    principal: Asking, state: State, delivery_id: FromPath[int], after: After = None, limit: Limit = DEFAULT_LIMIT
) -> CarriedPage:
    """By number; a delivery that is no journal carries none."""

    def work(conn: Connection[Row]) -> list[Carried]:
        _one(conn, delivery_id)
        return overview.carried(conn, delivery_id, after=after or 0, limit=limit + 1)

    rows = read(state, principal, Scope.DELIVERIES_READ, work)
    kept = rows[:limit]
    return CarriedPage(entries=kept, next=kept[-1].entry_id if len(rows) > limit else None)


def handlers() -> list[HTTPRouteHandler]:
    """Every handler of this resource."""
    return [deliveries, targets, delivery, entries]


def _one(conn: Connection[Row], delivery_id: int) -> Delivery:
    return found(overview.delivery(conn, delivery_id), "delivery")


def _told(principal: Principal, one: Delivery) -> Delivery:
    return one if principal.may(Scope.COSTS_READ, one.entity) else overview.without_costs(one)
