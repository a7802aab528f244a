"""Every resource of the API, and the document that describes them (OpenAPI 3.1)."""

from importlib.metadata import version
from typing import Final

from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme
from litestar.types import ControllerRouterHandler

from tieout.api.description import DescribingPlugin
from tieout.api.resources import (
    assignments,
    configuration,
    deliveries,
    events,
    exceptions,
    inventory,
    masters,
    oversight,
    schemas,
    subscriptions,
    tie_out,
)

_SECURITY: Final = {
    "token": SecurityScheme(
        type="http", scheme="bearer", description="An access token of `POST /v1/oauth/token`, or a key of `tieout key`."
    )
}


def routes() -> list[ControllerRouterHandler]:
    """Every handler, for the application."""
    return [
        *masters.routers(),
        *assignments.handlers(),
        *configuration.handlers(),
        *deliveries.handlers(),
        *exceptions.handlers(),
        *tie_out.handlers(),
        *events.handlers(),
        *subscriptions.handlers(),
        *inventory.handlers(),
        oversight.vitals,
        oversight.hub_status,
        oversight.audit_entries,
        oversight.reviewed,
        oversight.metrics,
        schemas.subjects,
        schemas.schema,
        schemas.event_types,
        schemas.async_api,
    ]


def openapi_config() -> OpenAPIConfig:
    """The document at ``/schema/openapi.json``, made from the handlers."""
    return OpenAPIConfig(
        title="Tieout",
        version=version("tieout"),
        description="Time in, masters, exceptions, deliveries and the tie-out of a professional-services firm.",
        path="/schema",
        render_plugins=[DescribingPlugin(path="/openapi.json")],
        components=Components(security_schemes=dict(_SECURITY)),
        security=[{"token": []}],
        use_handler_docstrings=True,
    )
