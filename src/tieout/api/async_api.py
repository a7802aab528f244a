"""The AsyncAPI document (3.0): the event feed, one message for each event of the catalogue, made from the catalogue.

Events are told as CloudEvents, page by page at ``/v1/events`` and as a stream at ``/v1/events/stream``. Neighbours:
``resources.events`` tells them, ``governance.schema_registry`` publishes the schemas of their data.
"""

from importlib.metadata import version
from typing import Any, Final, TypeAlias

import msgspec

from tieout.governance import schema_registry
from tieout.model.event_catalogue import EVENTS, EventType

Json: TypeAlias = dict[str, Any]

_CLOUD_EVENT: Final = "application/cloudevents+json"


def document() -> Json:
    """The whole document."""
    names = sorted(EVENTS)
    messages = {name: {"$ref": f"#/components/messages/{name}"} for name in names}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Tieout events",
            "version": version("tieout"),
            "description": "What happened, as CloudEvents, from any cursor on; reading again gives the same events.",
        },
        "defaultContentType": _CLOUD_EVENT,
        "channels": {
            "events": {
                "address": "/v1/events/stream",
                "title": "The event feed",
                "description": "Server-sent events; go on by `Last-Event-ID`, or read pages at `/v1/events?after=`.",
                "messages": messages,
            }
        },
        "operations": {
            "tellEvents": {
                "action": "send",
                "channel": {"$ref": "#/channels/events"},
                "summary": "Events of the legal entities that the reader may see, in their order",
                "messages": [{"$ref": f"#/channels/events/messages/{name}"} for name in names],
                "security": [{"$ref": "#/components/securitySchemes/token"}],
            }
        },
        "components": {
            "messages": {name: _message(EVENTS[name]) for name in names},
            "schemas": _schemas(),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _message(event: EventType) -> Json:
    data = schema_registry.find(f"event/{event.name}", event.version).schema
    return {
        "name": f"tieout.{event.name}.v{event.version}",
        "title": event.title,
        "contentType": _CLOUD_EVENT,
        "payload": {
            "type": "object",
            "properties": {
                "specversion": {"const": "1.0"},
                "id": {"type": "string", "description": "The cursor to go on after this event."},
                "source": {"type": "string"},
                "type": {"const": f"tieout.{event.name}.v{event.version}"},
                "subject": {"type": "string", "description": event.subject},
                "time": {"type": "string", "format": "date-time"},
                "dataschema": {"type": "string"},
                "datacontenttype": {"const": "application/json"},
                "correlationid": {"type": "string"},
                "data": _moved({"$ref": data["$ref"]}),
            },
            "required": ["specversion", "id", "source", "type", "subject", "time", "dataschema", "data"],
        },
        "x-order": event.order,
        "x-replay": event.replay,
    }


def _schemas() -> Json:
    """What the data of the events is made of."""
    found: Json = {}
    for event in EVENTS.values():
        found |= _moved(schema_registry.find(f"event/{event.name}", event.version).schema["$defs"])
    return found


def _moved(schema: object) -> Json:
    """The schema with its references to where this document keeps schemas."""
    moved = msgspec.json.encode(schema).replace(b"#/$defs/", b"#/components/schemas/")
    return msgspec.json.decode(moved, type=Json)
