"""What a REST system can do, declared from its definition; before there is one, only how it is configured."""

from typing import Final

from tieout.connect.manifest import (
    CursorKind,
    Limits,
    Manifest,
    ReadCapability,
    Role,
    Setting,
    WriteCapability,
)
from tieout.connectors.http.definition import Definition, ReadPart

_SECRETS: Final = {
    "bearer": Setting(name="token", description="The bearer token.", secret=True, required=False),
    "basic": Setting(name="password", description="The password of the user.", secret=True, required=False),
    "header": Setting(
        name="api_key", description="The key that the named header carries.", secret=True, required=False
    ),
    "oauth2": Setting(name="client_secret", description="The secret of the client.", secret=True, required=False),
}
_SETTINGS: Final = (
    Setting(name="base_url", description="Where the API is; paths of the definition are added to it."),
    Setting(
        name="definition",
        description="The TOML file of the firm directory that describes the system.",
        file=True,
    ),
)

MANIFEST: Final = Manifest(
    name="http",
    title="REST system",
    role=Role.PSA,
    api_version="as defined",
    settings=(*_SETTINGS, *_SECRETS.values()),
    documentation=("docs/how-to/connect-a-rest-system.md",),
    claim="tested against a configurable REST server; each system is as good as its definition",
)


def manifest_of(definition: Definition) -> Manifest:
    """The manifest of the system that ``definition`` describes."""
    secret = _SECRETS.get(definition.auth.kind)
    secrets = () if secret is None else (_required(secret),)
    return Manifest(
        name=MANIFEST.name,
        title=definition.title,
        role=definition.role,
        api_version=definition.api_version,
        reads=tuple(_read(one) for one in definition.read),
        writes=tuple(WriteCapability(command=one.command, idempotency=one.idempotency) for one in definition.write),
        limits=Limits(
            requests_per_window=definition.requests_per_window,
            window_s=definition.window_s,
            concurrency=definition.concurrency,
        ),
        settings=(*_SETTINGS, *secrets),
        max_in_flight_s=definition.max_in_flight_s,
        read_your_write_lag_s=definition.read_your_write_lag_s,
        request_timeout_s=definition.request_timeout_s,
        documentation=definition.documentation,
        claim=MANIFEST.claim,
    )


def _required(secret: Setting) -> Setting:
    return Setting(name=secret.name, description=secret.description, secret=True)


def _read(part: ReadPart) -> ReadCapability:
    cursor = CursorKind.FULL
    overlap_s = 0.0
    if part.changed is not None:
        is_number = part.changed.format == "integer"
        cursor = CursorKind.SEQUENCE if is_number else CursorKind.UPDATED_AT
        overlap_s = 0.0 if is_number else part.overlap_s
    return ReadCapability(
        object=part.object,
        cursor=cursor,
        deletes=part.deletes,
        page_size=part.paging.size,
        overlap_s=overlap_s,
    )
