"""What an answer of Float means: for a read the body to store or an error, for a write an outcome.

Page "Responses": the status decides, and a body of ``{"name", "message", "code", "status"}``, or of field and message
for each field with 422, explains it. A good status is believed only with the body that belongs to it: the body of an
error, a page of HTML and anything else may hide what was recorded. Neighbours: ``client`` gives the answers.
"""

from typing import Final

from tieout.connect.http import HttpAnswer
from tieout.connect.json_codec import decode_strict_as
from tieout.connect.outcome import NoAccess, Outcome, Rejected, RejectionCode, RetryLater, Unknown
from tieout.connectors.float.records import FloatError, FloatFieldError
from tieout.errors import AccessError, ContractError, TieoutError, TransientError

WAIT_AFTER_429_S: Final = 60.0
"""Page "Authentication and limits": quotas are by the minute, and how long to wait is not said in the answer."""

_BAD_REQUEST, _UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _UNPROCESSABLE = 400, 401, 403, 404, 422
_TOO_MANY, _SERVER_ERROR = 429, 500
_REFUSALS: Final = frozenset({_BAD_REQUEST, _NOT_FOUND, _UNPROCESSABLE})
_FIELDS: Final = {
    "client_id": RejectionCode.CUSTOMER_UNKNOWN,
    "project_id": RejectionCode.PROJECT_UNKNOWN,
    "people_id": RejectionCode.DIMENSION_UNKNOWN,
    "people_ids": RejectionCode.DIMENSION_UNKNOWN,
    "role_id": RejectionCode.DIMENSION_UNKNOWN,
    "project_code": RejectionCode.CONFLICT,
}
_MOST_WORDS: Final = 500


def body_of(answer: HttpAnswer, what: str) -> bytes:
    """The body of a good answer to the read ``what`` (method and path).

    Raises AccessError (401, 403, and 404: the token has no such list), TransientError (429, 5xx, a page that is no
    JSON, an error under a good status) or ContractError (the request itself is refused).
    """
    error = _error_of(answer)
    if answer.ok and answer.is_json and error is None:
        return answer.body
    words = f"Float answered {what} with {answer.status}: {_words(answer, error)}"
    raise _failure(answer, words)


def _failure(answer: HttpAnswer, words: str) -> TieoutError:
    if answer.status in {_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND}:
        return AccessError(code="TIE-FLOAT-004", message=words)
    if answer.status == _TOO_MANY or answer.status >= _SERVER_ERROR or answer.ok:
        return TransientError(code="TIE-FLOAT-005", message=words, retry_after_s=wait_s(answer))
    return ContractError(code="TIE-FLOAT-006", message=words)


def wait_s(answer: HttpAnswer) -> float | None:
    """How long to wait before the next request; None where the answer does not ask for it."""
    if answer.status == _TOO_MANY and answer.retry_after_s is None:
        return WAIT_AFTER_429_S
    return answer.retry_after_s


def refusal_of(answer: HttpAnswer) -> Outcome:
    """What an answer other than the documented success means for the write that it answers."""
    if answer.status == _TOO_MANY:
        return RetryLater(reason="Float takes no more requests this minute (HTTP 429).", after_s=wait_s(answer))
    error = _error_of(answer)
    if answer.status in {_UNAUTHORIZED, _FORBIDDEN}:
        return NoAccess(words=_words(answer, error))
    fields = _field_errors(answer)
    if answer.status not in _REFUSALS or (error is None and not fields):
        return Unknown(
            reason=f"HTTP {answer.status} is no answer that Float documents for this: {_words(answer, error)}"
        )
    code = next((_FIELDS[one.field] for one in fields if one.field in _FIELDS), RejectionCode.INVALID)
    return Rejected(code=code, words=_words(answer, error), vendor_code=str(answer.status))


def not_made(error: TieoutError) -> Outcome:
    """The outcome of a write that was certainly not made because ``error`` came before it."""
    if isinstance(error, AccessError):
        return NoAccess(words=error.message)
    after_s = error.retry_after_s if isinstance(error, TransientError) else None
    return RetryLater(reason=error.message, after_s=after_s)


def _error_of(answer: HttpAnswer) -> FloatError | None:
    if answer.body.lstrip()[:1] != b"{":
        return None
    try:
        return decode_strict_as(answer.body, FloatError)
    except ContractError:
        return None


def _field_errors(answer: HttpAnswer) -> list[FloatFieldError]:
    try:
        return decode_strict_as(answer.body, list[FloatFieldError])
    except ContractError:
        return []


def _words(answer: HttpAnswer, error: FloatError | None) -> str:
    """The vendor's own words, or what kind of body came instead."""
    if error is not None:
        return f"{error.name}: {error.message}"[:_MOST_WORDS]
    told = "; ".join(f"{one.field}: {one.message}" for one in _field_errors(answer))
    kind = answer.headers.get("content-type", "no named type")
    return told[:_MOST_WORDS] or f"{len(answer.body)} bytes of {kind}"
