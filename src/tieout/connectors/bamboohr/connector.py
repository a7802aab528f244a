"""Binds the BambooHR manifest to its code; found by the entry point ``bamboohr``."""

from collections.abc import Mapping
from functools import partial

import msgspec

from tieout.connect.connector import Connection, Connector
from tieout.connect.source import Source
from tieout.connectors.bamboohr.client import BambooClient
from tieout.connectors.bamboohr.manifest import MANIFEST, PAY
from tieout.connectors.bamboohr.mapping import BambooTranslator
from tieout.connectors.bamboohr.options import Options, options_of
from tieout.connectors.bamboohr.read import BambooSource
from tieout.connectors.bamboohr.webhook import BambooWebhook


def open_source(connection: Connection, *, options: Options) -> Source:
    """A source over one company."""
    return BambooSource(BambooClient(connection), connection.clock, options)


def configure(settings: Mapping[str, str]) -> Connector:
    """The connector of a system with these settings; pay can only be read where they say so."""
    options = options_of(settings)
    reads = (*MANIFEST.reads, PAY) if options.reads_pay else MANIFEST.reads
    return Connector(
        manifest=msgspec.structs.replace(MANIFEST, reads=reads),
        translator=BambooTranslator(options),
        open_source=partial(open_source, options=options),
        webhook=BambooWebhook(options),
        configure=configure,
    )


CONNECTOR = configure({one.name: one.default for one in MANIFEST.settings if one.default is not None})
