"""What an answer of a workflow means. An empty 202 is the one documented success; the card comes a moment later."""

from typing import Final

import msgspec

from tieout.connect.http import HttpAnswer
from tieout.connect.json_codec import decode_strict_as
from tieout.connect.outcome import Accepted, NoAccess, Outcome, Rejected, RejectionCode, RetryLater, Unknown
from tieout.errors import ContractError

_ACCEPTED, _BAD_REQUEST, _UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND = 202, 400, 401, 403, 404
_TOO_LARGE, _UNPROCESSABLE, _TOO_MANY = 413, 422, 429
_REFUSALS: Final = frozenset({_BAD_REQUEST, _NOT_FOUND, _TOO_LARGE, _UNPROCESSABLE})
_RUN: Final = "x-ms-workflow-run-id"
_MOST_WORDS: Final = 300


class WorkflowError(msgspec.Struct, frozen=True, kw_only=True):
    """The vendor's code and words."""

    code: str
    message: str


class _ErrorBody(msgspec.Struct, frozen=True, kw_only=True):
    error: WorkflowError


def outcome_of(answer: HttpAnswer, reference: str) -> Outcome:
    """The outcome of a post; ``reference`` names it where the workflow names no run."""
    if answer.status == _ACCEPTED and not answer.body.strip():
        return Accepted(ref=answer.headers.get(_RUN, reference))
    if answer.status == _TOO_MANY:
        return RetryLater(reason="Teams takes no more cards for now (HTTP 429).", after_s=answer.retry_after_s)
    error = _error_of(answer)
    if error is None:
        return Unknown(
            reason=f"HTTP {answer.status} with {len(answer.body)} bytes is no documented answer of a workflow."
        )
    words = f"{error.code}: {error.message}"[:_MOST_WORDS]
    if answer.status in {_UNAUTHORIZED, _FORBIDDEN}:
        return NoAccess(words=words)
    if answer.status in _REFUSALS:
        return Rejected(code=RejectionCode.INVALID, words=words, vendor_code=error.code)
    return Unknown(reason=f"HTTP {answer.status}, {words}")


def _error_of(answer: HttpAnswer) -> WorkflowError | None:
    try:
        return decode_strict_as(answer.body, _ErrorBody).error
    except ContractError:
        return None
