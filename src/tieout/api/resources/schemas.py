"""Published JSON Schemas and the catalogue of events, open to everybody: nothing of a firm is in them."""

from typing import Any

import msgspec
from litestar import get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from tieout.api.async_api import document
from tieout.api.resources.reading import Number
from tieout.errors import ConfigurationError
from tieout.governance import schema_registry
from tieout.model.event_catalogue import EVENTS


class SubjectLine(msgspec.Struct, frozen=True, kw_only=True):
    """One published version of one subject; ``direction`` is ``told`` by the hub or ``taken`` in by it."""

    subject: str
    version: int
    direction: str


class EventLine(msgspec.Struct, frozen=True, kw_only=True):
    """One event of the catalogue."""

    name: str
    version: int
    title: str
    subject: str
    order: str
    replay: str


@get("/v1/schemas", sync_to_thread=False, operation_id="list_schemas", summary="What is published", tags=["schemas"])
def subjects() -> list[SubjectLine]:
    """Every version that was ever published."""
    return [
        SubjectLine(subject=one.subject, version=one.version, direction=one.direction.value)
        for one in schema_registry.published()
    ]


@get(
    "/schema/{kind:str}/{name:str}",
    sync_to_thread=False,
    operation_id="read_schema",
    summary="One JSON Schema, the newest version without `version`",
    tags=["schemas"],
)
def schema(kind: FromPath[str], name: FromPath[str], version: Number = None) -> dict[str, Any]:
    """``kind`` is ``object`` or ``event``."""
    try:
        return schema_registry.find(f"{kind}/{name}", version).schema
    except ConfigurationError as error:
        raise NotFoundException(error.message) from error


@get("/v1/event-types", sync_to_thread=False, operation_id="list_event_types", summary="The events", tags=["events"])
def event_types() -> list[EventLine]:
    """The catalogue: key, order, version and what reading again gives."""
    return [
        EventLine(
            name=one.name,
            version=one.version,
            title=one.title,
            subject=one.subject,
            order=one.order,
            replay=one.replay,
        )
        for one in EVENTS.values()
    ]


@get(
    "/schema/asyncapi.json",
    sync_to_thread=False,
    operation_id="read_async_api",
    summary="The event feed as AsyncAPI describes it",
    tags=["schemas"],
)
def async_api() -> dict[str, Any]:
    """Made from the catalogue of events."""
    return document()
