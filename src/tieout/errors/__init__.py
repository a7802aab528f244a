"""Every exception of Tieout, grouped by what happens next, and the catalogue of their stable codes.

What is wrong with a *record* is not an exception but a finding (``tieout.model.finding``); these classes are for what
stops a *step*. The caller never parses a message: the class alone says what to do::

    TieoutError
     +-- ConfigurationError    stop; the operator must change something (a setting, a file, a command's argument)
     +-- AccessError           pause the connection; the other side refused our credentials or our permission
     +-- TransientError        do the same again, after ``retry_after_s`` if the other side named a time
     +-- UnknownOutcomeError   sent, no answer: look up by our own key first, never simply repeat
     +-- RejectedError         the other side understood and said no (``words``): to the desk, repeating is useless
     +-- ContractError         what arrived is not as its schema says: keep the raw payload, to the desk
     +-- InvariantError        our own bug; stop this stream loudly, change nothing

Neighbours: every package raises these, ``runtime`` and ``cli`` show them (``code``, ``message``, ``next_step``);
``catalogue`` says of every code what it means.
"""

from tieout.errors.catalogue import CATALOGUE
from tieout.errors.entry import REPORT_IT, CatalogueEntry

__all__ = [
    "CATALOGUE",
    "AccessError",
    "CatalogueEntry",
    "ConfigurationError",
    "ContractError",
    "InvariantError",
    "RejectedError",
    "TieoutError",
    "TransientError",
    "UnknownOutcomeError",
]


class TieoutError(Exception):
    """What all our errors share; never raised itself.

    ``code`` is a key of ``CATALOGUE``; ``message`` says what happened, to which record and why, without secrets and
    without a stack trace's detail; ``next_step`` tells the reader what to do and comes from the catalogue unless the
    raiser knows better.
    """

    fallback_next_step = "Read the message and the log around it."

    def __init__(self, *, code: str, message: str, next_step: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        known = CATALOGUE.get(code)
        self.next_step = next_step or (known.next_step if known else self.fallback_next_step)

    def __str__(self) -> str:
        """One line for a log: code and message."""
        return f"{self.code}: {self.message}"


class ConfigurationError(TieoutError):
    """The operator must change something before this can work; repeating changes nothing."""

    fallback_next_step = "Correct what the message names, then run the command again."


class AccessError(TieoutError):
    """The other side refused our credentials or our permission: the connection pauses until a person acts."""

    fallback_next_step = "Renew the credentials or the permission of this connection; it resumes by itself."


class TransientError(TieoutError):
    """Safe to repeat as it is: the other side certainly did nothing, or doing it twice has no second effect.

    ``retry_after_s`` is the wait that the other side asked for in seconds, None where it asked for none.
    """

    fallback_next_step = "It is repeated by itself; act only if it does not stop."

    def __init__(
        self,
        *,
        code: str,
        message: str,
        next_step: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(code=code, message=message, next_step=next_step)
        self.retry_after_s = retry_after_s


class UnknownOutcomeError(TieoutError):
    """Sent, and no answer came: it may or may not have taken effect. Look up by our key; never simply repeat."""

    fallback_next_step = "It is held and looked up by itself; act only if it stays in doubt."


class RejectedError(TieoutError):
    """The other side understood the request and refused it; ``words`` are its own, for the person at the desk."""

    fallback_next_step = "Correct the record in its source or the target's set-up, then retry it from the desk."

    def __init__(self, *, code: str, message: str, words: str, next_step: str | None = None) -> None:
        super().__init__(code=code, message=message, next_step=next_step)
        self.words = words


class ContractError(TieoutError):
    """What arrived is not as its schema says; the raw payload is kept and shown."""

    fallback_next_step = "Compare the payload with the vendor's documentation; correct it in the source and send again."


class InvariantError(TieoutError):
    """Something that cannot be, is: our own bug. The stream stops, nothing more is written."""

    fallback_next_step = REPORT_IT
