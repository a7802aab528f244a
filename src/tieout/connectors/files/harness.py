"""How the conformance suite gets at the connector for files: its SFTP server, by the sample definition."""

from importlib.resources import files

from tieout.connect.conformance import SimulatorHarness
from tieout.connectors.files.connector import CONNECTOR

_SAMPLE = (files("tieout.connectors.files") / "sample.toml").read_text(encoding="utf-8")
HARNESS = SimulatorHarness("files", connector=CONNECTOR.configured({"definition": _SAMPLE}))
