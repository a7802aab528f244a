"""A check: one experiment on a connector, its sentence, and the capabilities it needs.

Neighbours: ``checks_*`` modules hold the experiments, each a function with a docstring that names what it proves;
``suite`` selects and runs them.
"""

import inspect
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

from tieout.connect.conformance.bench import Bench
from tieout.connect.conformance.harness import Site
from tieout.connect.connector import Connector

Applies = Callable[[Connector, Site], bool]
Experiment = Callable[[Bench], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Check:
    """One proof. ``proves`` is a sentence; ``applies`` decides by capability; ``fresh`` asks for a refilled account.

    ``class_of`` names the command whose idempotency class rests on it; empty for every other check.
    """

    name: str
    proves: str
    applies: Applies
    experiment: Experiment
    fresh: bool = False
    class_of: str = ""


class Catalogue:
    """The checks of one module, in order; with ``class_of`` all of them are about the class of that command."""

    def __init__(self, *, class_of: str = "") -> None:
        self._checks: list[Check] = []
        self._class_of = class_of

    def __iter__(self) -> Iterator[Check]:
        return iter(self._checks)

    def check(self, applies: Applies, *, fresh: bool = False) -> Callable[[Experiment], Experiment]:
        """Register the decorated experiment under its own name and the first sentence of its docstring."""

        def register(experiment: Experiment) -> Experiment:
            sentence = " ".join((inspect.getdoc(experiment) or "").split("\n\n")[0].split())
            self.add(name=experiment.__name__, proves=sentence, applies=applies, experiment=experiment, fresh=fresh)
            return experiment

        return register

    def add(self, *, name: str, proves: str, applies: Applies, experiment: Experiment, fresh: bool = False) -> None:
        """Register one row of a table of like experiments."""
        self._checks.append(
            Check(
                name=name,
                proves=proves,
                applies=applies,
                experiment=experiment,
                fresh=fresh,
                class_of=self._class_of,
            )
        )


def always(connector: Connector, site: Site) -> bool:
    """For every connector."""
    del connector, site
    return True


def reads(connector: Connector, site: Site) -> bool:
    """For connectors with a source."""
    del site
    return connector.open_source is not None


def reads_time(connector: Connector, site: Site) -> bool:
    """For connectors that read time entries, where the system has some."""
    return reads(connector, site) and bool(site.entries)


def writes(command: str) -> Applies:
    """For connectors that write ``command``."""

    def applies(connector: Connector, site: Site) -> bool:
        del site
        return connector.open_sink is not None and connector.manifest.write(command) is not None

    return applies


posts: Applies = writes("post_journal")


def reads_ledger(connector: Connector, site: Site) -> bool:
    """For connectors that post journals and read the ledger."""
    return posts(connector, site) and connector.open_ledger_reader is not None
