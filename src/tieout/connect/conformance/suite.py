"""Selects the checks that apply to a connector, runs them one after the other, and keeps the score.

Neighbours: ``checks_*`` hold the checks, ``harness`` gives the system, ``tieout connector test`` calls ``run_suite``.
"""

import asyncio
import os
import time
from collections.abc import Callable
from typing import Final

from tieout.connect.conformance import (
    checks_hours,
    checks_idempotency,
    checks_limits,
    checks_manifest,
    checks_masters,
    checks_notices,
    checks_read_failures,
    checks_reading,
    checks_records,
    checks_translation,
    checks_webhooks,
    checks_write_failures,
    checks_writing,
)
from tieout.connect.conformance.bench import Bench, Numbers
from tieout.connect.conformance.check import Check
from tieout.connect.conformance.harness import Harness, Site, harness_for
from tieout.connect.conformance.score import CheckFailedError, NotApplicableError, Result, Score, Verdict
from tieout.connect.connector import Connector

ALL_CHECKS: Final[tuple[Check, ...]] = (
    *checks_manifest.CHECKS,
    *checks_reading.CHECKS,
    *checks_records.CHECKS,
    *checks_translation.CHECKS,
    *checks_read_failures.CHECKS,
    *checks_webhooks.CHECKS,
    *checks_writing.CHECKS,
    *checks_masters.CHECKS,
    *checks_hours.CHECKS,
    *checks_notices.CHECKS,
    *checks_idempotency.CHECKS,
    *checks_idempotency.MASTER_CHECKS,
    *checks_hours.CLASS_CHECKS,
    *checks_notices.CLASS_CHECKS,
    *checks_write_failures.CHECKS,
    *checks_limits.CHECKS,
)
"""Every check of the suite, in the order in which they run."""

_LONGEST_CHECK_S: Final = 60.0


def checks_for(connector: Connector, site: Site) -> list[Check]:
    """The checks that apply by capability."""
    return [check for check in ALL_CHECKS if check.applies(connector, site)]


class SuiteRun:
    """One run on one open site: check after check, collecting the score."""

    def __init__(self, harness: Harness, site: Site) -> None:
        self._connector = harness.connector
        self._site = site
        self._numbers = Numbers(os.urandom(8).hex())
        self._kinds_found: dict[str, frozenset[str]] = {}
        manifest = harness.connector.manifest
        self.score = Score(
            connector=manifest.name,
            claim=harness.claim,
            declared={write.command: write.idempotency.value for write in manifest.writes},
        )

    def make(self, check: Check) -> Result:
        """Make one check and add its result to the score."""
        began = time.monotonic()
        verdict, words = self._verdict(check)
        result = Result(
            check=check.name,
            proves=check.proves,
            verdict=verdict,
            seconds=round(time.monotonic() - began, 3),
            words=words,
            class_of=check.class_of,
        )
        self.score.results.append(result)
        return result

    def _verdict(self, check: Check) -> tuple[Verdict, str]:
        if not check.applies(self._connector, self._site):
            return Verdict.NOT_APPLICABLE, "the connector does not declare what this check is about"
        bench = Bench(self._connector, self._site, self._numbers, self._kinds_found)
        try:
            self._site.calm()
            if check.fresh:
                self._site.reset()
            asyncio.run(asyncio.wait_for(check.experiment(bench), _LONGEST_CHECK_S))
        except NotApplicableError as reason:
            return Verdict.NOT_APPLICABLE, str(reason)
        except CheckFailedError as failure:
            return Verdict.FAILED, str(failure)
        except TimeoutError:
            return Verdict.FAILED, f"did not end within {_LONGEST_CHECK_S:g} seconds"
        except Exception as error:  # noqa: BLE001 - whatever escapes a connector is that connector's failure
            return Verdict.FAILED, f"{type(error).__name__} escaped: {error}"
        finally:
            self._site.calm()
        self.score.idempotency.update(bench.proven)
        return Verdict.PASSED, ""


def run_suite(name: str, harness: Harness | None = None, *, on_result: Callable[[Result], None] | None = None) -> Score:
    """Run every check on connector ``name`` and return the score; ``on_result`` is called after each check.

    Without a ``harness`` the registered one is used, or else the connector's simulator. Not to be called from inside
    a running event loop: every check runs in a loop of its own.
    """
    harness = harness or harness_for(name)
    with harness.open() as site:
        run = SuiteRun(harness, site)
        for check in ALL_CHECKS:
            result = run.make(check)
            if on_result is not None:
                on_result(result)
    return run.score
