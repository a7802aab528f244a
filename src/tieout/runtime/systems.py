"""Opens the firm's configured systems: connectors found by entry point, secrets resolved, limits shared."""

from collections.abc import Mapping
from dataclasses import replace

from tieout.connect.connector import Connection, Connector, connector_for
from tieout.connect.http import HttpSettings
from tieout.connect.source import Translator
from tieout.connect.throttle import Throttle
from tieout.errors import ConfigurationError
from tieout.inbound.canonical_translator import CanonicalTranslator
from tieout.inbound.swept import SweptTranslator
from tieout.model.clock import Clock
from tieout.model.firm import DeliveryPolicy, FirmConfig, SystemConfig
from tieout.outbound.target import Target
from tieout.runtime.firm.directory import API_CONNECTOR
from tieout.runtime.secrets import resolve_secret


def connection_to(system: SystemConfig, connector: Connector, *, throttle: Throttle, clock: Clock) -> Connection:
    """Everything a connector needs to talk to ``system``; raises ConfigurationError for a secret that is not there."""
    manifest = connector.manifest
    defaults = {one.name: one.default for one in manifest.settings if one.default is not None and not one.secret}
    return Connection(
        system=system.name,
        account=system.account,
        settings={**defaults, **system.settings},
        secrets={
            name: resolve_secret(reference, system=system.name, setting=name)
            for name, reference in system.secrets.items()
        },
        throttle=throttle,
        clock=clock,
        http=HttpSettings(timeout_s=manifest.request_timeout_s),
    )


def translators(firm: FirmConfig) -> Mapping[str, Translator]:
    """The translator of every system that hands in anything, by system name."""
    found: dict[str, Translator] = {}
    for system in firm.systems:
        if system.connector == API_CONNECTOR:
            found[system.name] = CanonicalTranslator()
            continue
        translator = connector_for(system.connector, system.settings).translator
        if translator is not None:
            found[system.name] = SweptTranslator(translator)
    return found


def targets(firm: FirmConfig, *, throttle: Throttle, clock: Clock, owed: frozenset[str] = frozenset()) -> list[Target]:
    """Every system that the firm posts to, with an open sink; the caller closes the sinks.

    ``owed`` are systems to which deliveries are under way, though the firm may send them nothing new.
    """
    found = []
    for system in firm.systems:
        if not (system.posts_for or system.takes or system.name in owed):
            continue
        connector = connector_for(system.connector, system.settings)
        if connector.open_sink is None:
            raise ConfigurationError(
                code="TIE-FIRM-004",
                message=f"{system.name} is to be written to (posts_for or takes), "
                f"but {connector.manifest.title} cannot be.",
            )
        policy = firm.deliveries.get(system.name, DeliveryPolicy())
        connection = _giving_up_in_time(connection_to(system, connector, throttle=throttle, clock=clock), policy)
        found.append(
            Target(system=system.name, manifest=connector.manifest, policy=policy, sink=connector.open_sink(connection))
        )
    return found


def _giving_up_in_time(connection: Connection, policy: DeliveryPolicy) -> Connection:
    """A request is waited for as long as it may take effect, and no longer: what comes later says nothing new."""
    longest_s = policy.longest_in_flight_s
    if longest_s is None or float(longest_s) >= connection.http.timeout_s:
        return connection
    return replace(connection, http=replace(connection.http, timeout_s=float(longest_s)))
