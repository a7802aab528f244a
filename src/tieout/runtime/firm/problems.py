"""What is wrong with a firm directory, told all at once and by file and line."""

import msgspec

from tieout.errors import ConfigurationError


class FirmProblem(msgspec.Struct, frozen=True, kw_only=True):
    """One mistake: where it is, what it is, what to do."""

    file: str
    message: str
    next_step: str
    line: int | None = None

    def describe(self) -> str:
        """``file:line: message. next step`` on one line."""
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.message} {self.next_step}"


class FirmInvalidError(ConfigurationError):
    """The firm directory has mistakes; ``problems`` lists them all."""

    def __init__(self, problems: list[FirmProblem]) -> None:
        self.problems = problems
        listed = "; ".join(problem.describe() for problem in problems[:3])
        more = f"; and {len(problems) - 3} more" if len(problems) > 3 else ""  # noqa: PLR2004 - as many as a line shows
        super().__init__(
            code="TIE-FIRM-005", message=f"The firm directory has {len(problems)} mistake(s): {listed}{more}"
        )
