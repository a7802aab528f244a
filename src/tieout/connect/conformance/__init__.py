"""The suite that a connector must pass: shipped, so that anybody can hold a connector of their own to it.

``run_suite(name)`` returns a ``Score``; ``conformance_class(name)`` makes a pytest class of the same checks.
"""

from tieout.connect.conformance.harness import Harness, SimulatorHarness, Site, harness_for
from tieout.connect.conformance.score import NotApplicableError, Result, Score, Verdict
from tieout.connect.conformance.suite import ALL_CHECKS, checks_for, run_suite

__all__ = [
    "ALL_CHECKS",
    "Harness",
    "NotApplicableError",
    "Result",
    "Score",
    "SimulatorHarness",
    "Site",
    "Verdict",
    "checks_for",
    "conformance_class",
    "harness_for",
    "run_suite",
]


def conformance_class(name: str, *, harness: Harness | None = None) -> type:
    """A pytest class that holds connector ``name`` to the suite; needs pytest, which the product does not."""
    from tieout.connect.conformance import pytest_class  # noqa: PLC0415 - see the docstring

    return pytest_class.conformance_class(name, harness=harness)
