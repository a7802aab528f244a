"""What a system of files can do, declared from its definition; before there is one, only how it is configured."""

from typing import Final

from tieout.connect.manifest import (
    CursorKind,
    DeleteVisibility,
    IdempotencyClass,
    Limits,
    Manifest,
    ReadCapability,
    Role,
    Setting,
    WriteCapability,
)
from tieout.connectors.files.definition import Definition

_SETTINGS: Final = (
    Setting(
        name="url",
        description="The root of the folders: file:///srv/payroll or sftp://user@host:22/payroll.",
    ),
    Setting(name="definition", description="The TOML file of the firm directory that describes the files.", file=True),
    Setting(
        name="host_key",
        description="The public key of the SFTP server, as its known_hosts line says after the host.",
        required=False,
    ),
    Setting(name="password", description="The password of the SFTP user.", secret=True, required=False),
    Setting(name="private_key", description="The private key of the SFTP user.", secret=True, required=False),
)

LIMITS: Final = Limits(concurrency=4)
"""Requests at once over one connection; a server of files has no documented limit."""

MANIFEST: Final = Manifest(
    name="files",
    title="Files",
    role=Role.PAYROLL,
    api_version="as defined",
    settings=_SETTINGS,
    documentation=("docs/how-to/exchange-files.md",),
    claim="tested against an SFTP server with a payroll and a ledger; each system is as good as its definition",
)


def manifest_of(definition: Definition) -> Manifest:
    """The manifest of the system that ``definition`` describes.

    A file says nothing of what it does not name: only its absence from a full list would tell of a deletion. A write is
    of class L: an acknowledgement is found by the reference, and a file is never made twice.
    """
    return Manifest(
        name=MANIFEST.name,
        title=definition.title,
        role=definition.role,
        api_version=MANIFEST.api_version,
        reads=tuple(
            ReadCapability(
                object=one.object,
                cursor=CursorKind.SEQUENCE,
                deletes=DeleteVisibility.ABSENCE,
                page_size=one.max_rows,
                kinds=(one.kind,),
            )
            for one in definition.inbox
        ),
        writes=tuple(WriteCapability(command=one.command, idempotency=IdempotencyClass.L) for one in definition.outbox),
        limits=LIMITS,
        speaks_http=False,
        settings=_SETTINGS,
        max_in_flight_s=definition.max_in_flight_s,
        request_timeout_s=definition.answer_within_s,
        documentation=definition.documentation,
        claim=MANIFEST.claim,
    )
