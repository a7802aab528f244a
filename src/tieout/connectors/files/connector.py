"""Binds the connector for files to its code; found by the entry point ``files``.

Without a definition it can do nothing but be configured: ``configure`` makes the connector of one system.
"""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tieout.connect.connector import Connection, Connector
from tieout.connect.sink import LedgerReader, Sink
from tieout.connect.source import Source
from tieout.connectors.files.definition import Definition, LedgerExport
from tieout.connectors.files.ledger import FilesLedgerReader
from tieout.connectors.files.manifest import MANIFEST, manifest_of
from tieout.connectors.files.mapping import FilesTranslator
from tieout.connectors.files.parsing import parse_definition
from tieout.connectors.files.read import FilesSource
from tieout.connectors.files.sftp import Address, SftpExchange
from tieout.connectors.files.throttled import Throttled
from tieout.connectors.files.transport import Exchange, LocalExchange
from tieout.connectors.files.write import FilesSink
from tieout.errors import ConfigurationError

_SSH_PORT = 22


def configure(settings: Mapping[str, str]) -> Connector:
    """The connector of the system whose definition is in ``settings``; raises ConfigurationError for a bad one."""
    definition = parse_definition(settings["definition"])
    export = definition.ledger
    return Connector(
        manifest=manifest_of(definition),
        translator=FilesTranslator(definition) if definition.inbox else None,
        open_source=partial(_open_source, definition) if definition.inbox else None,
        open_sink=partial(_open_sink, definition) if definition.outbox else None,
        open_ledger_reader=None if export is None else partial(_open_ledger_reader, export),
        configure=configure,
    )


def exchange_of(connection: Connection) -> Exchange:
    """Where the files of a connection lie; raises ConfigurationError (TIE-FILES-005) for settings that name nowhere."""
    address = urlsplit(connection.settings.get("url", ""))
    if address.scheme == "file" and not address.netloc and address.path.startswith("/"):
        return Throttled(LocalExchange(Path(unquote(address.path))), connection)
    if address.scheme != "sftp" or not address.hostname or not address.username:
        raise _bad(connection, "url is neither file:///folder nor sftp://user@host/folder")
    host_key = connection.settings.get("host_key")
    password, private_key = connection.secrets.get("password"), connection.secrets.get("private_key")
    if not host_key:
        raise _bad(connection, "host_key is missing: without it nobody knows whose server it is")
    if (password is None) == (private_key is None):
        raise _bad(connection, "exactly one of the secrets password and private_key is needed")
    server = SftpExchange(
        Address(
            host=address.hostname,
            port=address.port or _SSH_PORT,
            user=unquote(address.username),
            root=unquote(address.path) or "/",
            host_key=host_key,
            password=password,
            private_key=private_key,
            timeout_s=connection.http.timeout_s,
        )
    )
    return Throttled(server, connection)


def _open_source(definition: Definition, connection: Connection) -> Source:
    return FilesSource(exchange_of(connection), definition, connection.clock)


def _open_sink(definition: Definition, connection: Connection) -> Sink:
    within_s = min(definition.answer_within_s, connection.http.timeout_s)
    return FilesSink(exchange_of(connection), definition, answer_within_s=within_s)


def _open_ledger_reader(export: LedgerExport, connection: Connection) -> LedgerReader:
    return FilesLedgerReader(exchange_of(connection), export)


def _bad(connection: Connection, why: str) -> ConfigurationError:
    return ConfigurationError(code="TIE-FILES-005", message=f"System {connection.system}: {why}.")


CONNECTOR = Connector(manifest=MANIFEST, configure=configure)
