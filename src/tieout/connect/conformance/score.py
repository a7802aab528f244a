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
    """One check's verdict; ``words`` say why it failed or does not apply; ``class_of`` as in ``Check``."""

    check: str
    proves: str
    verdict: Verdict
    seconds: float
    words: str = ""
    class_of: str = ""


@dataclass(kw_only=True)
class Score:
    """The outcome of a suite.

    ``declared`` has the idempotency class that the manifest gives each command, ``idempotency`` how it was proven.
    """

    connector: str
    claim: str
    declared: dict[str, str] = field(default_factory=dict)
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
        return (
            f"{self.connector}: {self.count(Verdict.PASSED)} of {made} checks passed, "
            f"{self.count(Verdict.NOT_APPLICABLE)} do not apply ({self.claim})"
        )

    def lines(self) -> list[str]:
        """The line, after it the idempotency class of each command, and every check that failed and why."""
        return [
            self.line(),
            *(f"  {command}: {self.class_of(command)}" for command in self.declared),
            *(f"  FAILED {one.check}: {one.words}" for one in self.failed),
        ]

    def class_of(self, command: str) -> str:
        """The idempotency class of a command in words: proven, and how; or only declared."""
        declared = self.declared[command]
        if any(one.class_of == command for one in self.failed):
            return f"{declared} declared and NOT TRUE"
        how = self.idempotency.get(command)
        return f"{declared} proven: {how}" if how is not None else f"{declared} declared, not proven by this suite"

    def __str__(self) -> str:
        """The lines as one text."""
        return "\n".join(self.lines())
