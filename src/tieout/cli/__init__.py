"""The command line: composes the doors, shows what the parts answer, and turns errors into words and exit codes."""

from tieout.cli.app import main

__all__ = ["main"]
