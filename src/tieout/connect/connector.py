"""A connector as the hub sees it, and how it is found.

Connectors register in the entry-point group ``tieout.connectors``; nobody imports one by name. An absent capability
is an absent function, never one that says "not implemented".
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points

from tieout.connect.http import HttpClient, HttpSettings
from tieout.connect.manifest import Limits, Manifest
from tieout.connect.redaction import Redactor
from tieout.connect.sink import LedgerReader, Sink
from tieout.connect.source import Source, Translator
from tieout.connect.throttle import Throttle
from tieout.connect.webhook import Webhook
from tieout.errors import ConfigurationError
from tieout.model.clock import Clock

CONNECTOR_GROUP = "tieout.connectors"


@dataclass(frozen=True, kw_only=True)
class Connection:
    """One configured account of a system: what a connector needs to talk to it.

    ``system`` is the firm's name of it (``erp``), ``account`` what limits are shared by. ``settings`` are plain values,
    ``secrets`` resolved ones; neither is ever logged.
    """

    system: str
    account: str
    settings: Mapping[str, str]
    secrets: Mapping[str, str]
    throttle: Throttle
    clock: Clock
    http: HttpSettings

    def open_http(self, limits: Limits, *, base_url: str) -> HttpClient:
        """A client that keeps this account's limits and hides this connection's secrets; the caller closes it."""
        return HttpClient(
            self.http,
            base_url=base_url,
            account=self.account,
            limits=limits,
            throttle=self.throttle,
            clock=self.clock,
            redactor=Redactor(self.secrets.values()),
        )


@dataclass(frozen=True, kw_only=True)
class Connector:
    """A manifest bound to code. Each opener makes a fresh, stateless object over a Connection.

    ``configure`` is there where the settings of a system decide what can be read, written or understood (which pay is
    read, which API is described): it makes the connector of one system.
    """

    manifest: Manifest
    translator: Translator | None = None
    open_source: Callable[[Connection], Source] | None = None
    open_sink: Callable[[Connection], Sink] | None = None
    open_ledger_reader: Callable[[Connection], LedgerReader] | None = None
    webhook: Webhook | None = None
    configure: Callable[[Mapping[str, str]], "Connector"] | None = None

    def configured(self, settings: Mapping[str, str]) -> "Connector":
        """The connector of a system that has ``settings``; what they leave out has the manifest's defaults.

        Raises ConfigurationError for settings from which no connector can be made.
        """
        if self.configure is None:
            return self
        defaults = {one.name: one.default for one in self.manifest.settings if one.default is not None}
        return self.configure({**defaults, **settings})


def installed_connectors() -> list[str]:
    """Names of the connectors that are installed, in order."""
    return sorted(entry.name for entry in entry_points(group=CONNECTOR_GROUP))


def load_connector(name: str) -> Connector:
    """The installed connector ``name``; raises ConfigurationError when there is none."""
    for entry in entry_points(group=CONNECTOR_GROUP):
        if entry.name == name:
            loaded: Connector = entry.load()
            return loaded
    known = ", ".join(installed_connectors()) or "none"
    raise ConfigurationError(
        code="TIE-CONNECT-001",
        message=f"There is no connector named {name!r}; installed are: {known}.",
    )


def connector_for(name: str, settings: Mapping[str, str]) -> Connector:
    """The installed connector ``name`` as the settings of one system make it; raises as its two steps do."""
    return load_connector(name).configured(settings)
