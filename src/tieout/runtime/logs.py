"""How the processes of a hub log: to standard error, as lines for people or, with ``TIEOUT_LOG=json``, for programs.

Tracebacks are told without the values of variables: a secret may be among them. Each process calls ``configure_logs``
before anything else of the product runs.
"""

import sys
from collections.abc import Mapping
from typing import Final

import structlog
from structlog.typing import Processor

from tieout.errors import ConfigurationError

VARIABLE: Final = "TIEOUT_LOG"
_FORMS: Final = ("text", "json")


def configure_logs(environ: Mapping[str, str]) -> None:
    """Log as ``environ`` says; raises ConfigurationError (TIE-LOG-001) for a form that there is not."""
    form = environ.get(VARIABLE) or "text"
    if form not in _FORMS:
        raise ConfigurationError(code="TIE-LOG-001", message=f"{VARIABLE} is {form[:40]!r}, neither text nor json.")
    told: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.StackInfoRenderer(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if form == "json":
        # The plain traceback as text: the dictionary form would carry the variables of every frame.
        told += [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    else:
        plain = structlog.dev.plain_traceback
        told.append(structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain))
    structlog.configure(
        processors=told,
        logger_factory=_to_standard_error,
        cache_logger_on_first_use=False,
    )


def _to_standard_error(*_: object) -> structlog.PrintLogger:
    """To what standard error is when something is logged, not when this was set up."""
    return structlog.PrintLogger(sys.stderr)
