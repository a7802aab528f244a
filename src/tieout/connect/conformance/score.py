"""What came of checks, and how a suite's score is told. Neighbours: ``check`` runs them, ``suite`` collects them."""

from dataclasses import dataclass, field
from enum import StrEnum


class CheckFailedError(Exception):
    """The connector does not do what the check proves."""


class NotApplicableError(Exception):
    """The check cannot be made on this connector or this system; says why."""


def expect(condition: object, words: str) -> None:
    """Fail the running check with ``words`` unless ``condition`` holds."""
    if not condition:
        raise CheckFailedError(words)


class Verdict(StrEnum):
    """What came of one check."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True, kw_only=True)
class Result:
    """One check's verdict; ``words`` say why it failed or does not apply."""

    check: str
    proves: str
    verdict: Verdict
    seconds: float
    words: str = ""


@dataclass(kw_only=True)
class Score:
    """The outcome of a suite. ``idempotency`` has the proven class of each command, as a sentence."""

    connector: str
    claim: str
    results: list[Result] = field(default_factory=list)
    idempotency: dict[str, str] = field(default_factory=dict)

    def count(self, verdict: Verdict) -> int:
        """How many checks came out as ``verdict``."""
        return sum(result.verdict is verdict for result in self.results)

    @property
    def conforms(self) -> bool:
        """Whether no check failed and at least one was made."""
        return not self.failed and self.count(Verdict.PASSED) > 0

    @property
    def failed(self) -> list[Result]:
        """The checks that failed."""
        return [result for result in self.results if result.verdict is Verdict.FAILED]

    def line(self) -> str:
        """The score in one line."""
        made = self.count(Verdict.PASSED) + self.count(Verdict.FAILED)
        proven = "; ".join(f"{command} {words}" for command, words in sorted(self.idempotency.items()))
        tail = f"; idempotency proven: {proven}" if proven else ""
        return (
            f"{self.connector}: {self.count(Verdict.PASSED)} of {made} checks, "
            f"{self.count(Verdict.NOT_APPLICABLE)} do not apply ({self.claim}){tail}"
        )

    def lines(self) -> list[str]:
        """The line, and after it every check that failed and why."""
        return [self.line(), *(f"  FAILED {one.check}: {one.words}" for one in self.failed)]

    def __str__(self) -> str:
        """The lines as one text."""
        return "\n".join(self.lines())
