"""A payroll office and a regional ledger that exchange files by SFTP."""

from tieout.connectors.files.simulator.office import FilesSimulator

SIMULATOR = FilesSimulator
