"""What an answer means: for a read a body or an error, for a write an outcome, by the error table of the definition.

Whatever the definition does not know is unknown: only an explicit answer moves a delivery.
"""

from typing import Final

from tieout.connect.by_rule.values import Absent, at
from tieout.connect.http import HttpAnswer
from tieout.connect.json_codec import decode_strict
from tieout.connect.outcome import NoAccess, Outcome, Rejected, RejectionCode, RetryLater, Unknown
from tieout.connectors.http.definition import Definition
from tieout.errors import AccessError, ContractError, TieoutError, TransientError

_REFUSED_ACCESS: Final = frozenset({401, 403})
_NOT_FOUND, _TIMED_OUT, _TOO_MANY = 404, 408, 429
_REDIRECT, _REFUSAL, _SERVER_ERROR = 300, 400, 500
_MOST_WORDS: Final = 500


def read_failure(answer: HttpAnswer, what: str, definition: Definition) -> TieoutError | None:
    """The error that an answer to a read is, or None for a good one.

    AccessError for 401, 403 and 404 (there is no such collection for us), TransientError for 408, 429, 5xx, statuses of
    ``busy``, no JSON and errors under a good status, ContractError where the request itself is refused.
    """
    if answer.status < _REDIRECT and answer.is_json and not _says_no(answer, definition):
        return None
    words = f"{definition.title} answered {what} with {answer.status}: {words_of(answer, definition)}"
    if answer.status in _REFUSED_ACCESS or answer.status == _NOT_FOUND:
        return AccessError(code="TIE-REST-004", message=words)
    again = answer.status in {_TIMED_OUT, _TOO_MANY, *definition.errors.busy} or answer.status >= _SERVER_ERROR
    if again or answer.ok:
        return TransientError(code="TIE-REST-005", message=words, retry_after_s=answer.retry_after_s)
    return ContractError(code="TIE-REST-006", message=words)


def write_refusal(answer: HttpAnswer, definition: Definition) -> Outcome | None:
    """What an answer to a write says against it; None where it says that it was done."""
    words = words_of(answer, definition)
    if answer.status in _REFUSED_ACCESS:
        return NoAccess(words=words)
    if answer.status == _TOO_MANY or answer.status in definition.errors.busy:
        return RetryLater(reason=words, after_s=answer.retry_after_s)
    if answer.status < _REDIRECT:
        return _doubt_about_success(answer, words, definition)
    if answer.status in definition.errors.duplicate:
        code = _code(_document(answer), definition)
        return Rejected(code=RejectionCode.CONFLICT, words=words, vendor_code=code)
    if _REFUSAL <= answer.status < _SERVER_ERROR and answer.status != _TIMED_OUT:
        return _judged(_document(answer), words, definition, unknown=False)
    return Unknown(reason=f"Status {answer.status}: {words}")


def _doubt_about_success(answer: HttpAnswer, words: str, definition: Definition) -> Outcome | None:
    if _says_no(answer, definition):
        return _judged(_document(answer), words, definition, unknown=True)
    is_readable = not answer.body.strip() or _document(answer) is not None
    return None if is_readable else Unknown(reason=words)


def words_of(answer: HttpAnswer, definition: Definition) -> str:
    """The vendor's own words, or what kind of body came instead."""
    document, path = _document(answer), definition.errors.message
    found = None if path is None or document is None else at(path, document, document)
    if isinstance(found, str) and found.strip():
        return found.strip()[:_MOST_WORDS]
    return f"{len(answer.body)} bytes of {answer.headers.get('content-type', 'no named type')}"


def _judged(document: object, words: str, definition: Definition, *, unknown: bool) -> Outcome:
    """A refusal by the vendor's code. Under a good status only a code that is known is believed."""
    code = _code(document, definition)
    known = None if code is None else definition.errors.rejections.get(code)
    if known is None and unknown:
        return Unknown(reason=words)
    return Rejected(code=known or RejectionCode.INVALID, words=words, vendor_code=code)


def _code(document: object, definition: Definition) -> str | None:
    path = definition.errors.code
    found = None if path is None or document is None else at(path, document, document)
    return str(found) if isinstance(found, str | int) and not isinstance(found, bool) else None


def _says_no(answer: HttpAnswer, definition: Definition) -> bool:
    path = definition.errors.in_ok
    document = None if path is None else _document(answer)
    if path is None or document is None:
        return False
    found = at(path, document, document)
    return not isinstance(found, Absent) and bool(found)


def _document(answer: HttpAnswer) -> object:
    """The body as JSON, None where it is none."""
    try:
        return decode_strict(answer.body) if answer.is_json else None
    except ContractError:
        return None
