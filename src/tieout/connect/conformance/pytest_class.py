"""The suite as a pytest class, so that a connector's test file is three lines.

It imports ``conformance_class`` from ``tieout.connect.conformance`` and binds ``TestKantata`` to
``conformance_class("kantata")``. Each check is one test; the score is printed at the end of the class.
"""

from collections.abc import Iterator
from typing import ClassVar

import pytest

from tieout.connect.conformance.check import Check
from tieout.connect.conformance.harness import Harness, harness_for
from tieout.connect.conformance.score import Verdict
from tieout.connect.conformance.suite import ALL_CHECKS, SuiteRun


class ConformanceTests:
    """One test per check, on one system that is started for the class."""

    connector_name: ClassVar[str]
    harness: ClassVar[Harness | None] = None

    @pytest.fixture(scope="class")
    @classmethod
    def run(cls) -> Iterator[SuiteRun]:
        """The running system; prints the score when the class is done."""
        harness = cls.harness or harness_for(cls.connector_name)
        with harness.open() as site:
            run = SuiteRun(harness, site)
            yield run
        print(f"\n{run.score}")  # noqa: T201 - the score belongs into the test's output

    @pytest.mark.parametrize("check", ALL_CHECKS, ids=lambda check: check.name)
    def test_conforms(self, run: SuiteRun, check: Check) -> None:
        """The connector does what the check proves."""
        result = run.make(check)
        if result.verdict is Verdict.NOT_APPLICABLE:
            pytest.skip(result.words)
        if result.verdict is Verdict.FAILED:
            pytest.fail(f"{check.proves}\n{result.words}", pytrace=False)


def conformance_class(name: str, *, harness: Harness | None = None) -> type[ConformanceTests]:
    """A pytest class that holds the installed connector ``name`` to the suite."""
    return type(f"Test{name.title()}", (ConformanceTests,), {"connector_name": name, "harness": harness})
