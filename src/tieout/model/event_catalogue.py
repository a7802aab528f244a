"""The events that the hub tells: name, payload, key, order, version and what a reader may rely on. Pure.

``records.event_log`` writes no event that is not here. Feed, webhooks and the AsyncAPI document are made from this
list; the payloads are published as JSON Schema by ``governance.schema_registry`` and change by its rules only.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from tieout.model.project import ProjectState


class RecordChanged(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A golden record was made or changed. ``fields`` are those that differ now; ``merged_into`` is a record id."""

    record_id: int
    code: str | None
    version: int
    fields: list[str]
    merged_into: int | None = None
    why: str | None = None


class TimePosted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A journal stands in a ledger. ``hours`` is an exact decimal as text."""

    delivery_id: int
    system: str
    target_ref: str | None
    entry_count: int
    hours: str


class ObjectDelivered(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A system took something that carries no money: a master, a plan, hours for a payroll."""

    delivery_id: int
    system: str
    target_ref: str | None
    command: str
    object: str


class ProjectMoved(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A project that was made of won deals has another state; ``before`` is the one that it had."""

    entity: str
    code: str
    before: str


class PlanChanged(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Forecast and capacity were computed anew for so many bookings, people and projects."""

    bookings: int
    people: int
    projects: int


class DemandPublished(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a project needs was sent to a resource tool, as so many lines; withdrawn demand has none."""

    system: str
    code: str
    lines: int


class EventType(msgspec.Struct, frozen=True, kw_only=True):
    """One event of the catalogue.

    ``subject`` is the form of its subject, which is also the key that its order holds for. ``replay`` says what a
    reader gets who reads again from an earlier cursor.
    """

    name: str
    version: int
    title: str
    subject: str
    order: str
    replay: str
    payload: type[msgspec.Struct]


_BY_SUBJECT: Final = "events of one subject come in the order of their commit"
_FOREVER: Final = "the same events, with the same ids, for as long as the database is kept"


def _event(name: str, title: str, subject: str, payload: type[msgspec.Struct]) -> EventType:
    return EventType(
        name=name, version=1, title=title, subject=subject, order=_BY_SUBJECT, replay=_FOREVER, payload=payload
    )


_DELIVERED_ONCE: Final = "told once for each delivery, after its acknowledgement"

EVENTS: Final[Mapping[str, EventType]] = {
    one.name: one
    for one in (
        _event("record.created", "A golden record was made", "TYPE/PUBLIC_ID", RecordChanged),
        _event("record.changed", "A golden record changed, was merged or deleted", "TYPE/PUBLIC_ID", RecordChanged),
        _event("time.posted", f"A journal stands in a ledger; {_DELIVERED_ONCE}", "REFERENCE", TimePosted),
        _event(
            "master.delivered", f"A system took a master or a plan; {_DELIVERED_ONCE}", "REFERENCE", ObjectDelivered
        ),
        _event("hours.delivered", f"A payroll took hours; {_DELIVERED_ONCE}", "REFERENCE", ObjectDelivered),
        _event("plan.changed", "Forecast and capacity were computed anew", "plan/allocation", PlanChanged),
        _event("demand.published", "A project's demand was sent", "project/ENTITY/CODE", DemandPublished),
        _event("demand.withdrawn", "A project needs nothing any more", "project/ENTITY/CODE", DemandPublished),
        *(
            _event(
                f"project.{state}", f"A project is {state.replace('_', ' ')} now", "project/ENTITY/CODE", ProjectMoved
            )
            for state in ProjectState
        ),
    )
}
"""By name. To add one, add a line here and publish its schema (``tools/publish_schemas.py``)."""
