"""What an answer of BambooHR means for a read: the body to store, or the error that says what happens next.

Details of an error come in a header, whose name is spelt with two or three s, and in newer endpoints as a problem
document (RFC 7807); the body may be empty.
"""

from typing import Final

import msgspec

from tieout.connect.http import HttpAnswer
from tieout.connectors.bamboohr.records import BambooProblem
from tieout.errors import AccessError, ContractError, TieoutError, TransientError

ERROR_HEADERS: Final = ("x-bamboohr-error-message", "x-bamboohr-error-messsage")
_REFUSED_ACCESS: Final = frozenset({401, 403, 404})
_REPEATABLE: Final = frozenset({408, 429, 598})
_SERVER_ERROR: Final = 500
_LARGEST_PROBLEM: Final = 16_384


def body_of(answer: HttpAnswer, what: str) -> bytes:
    """The body of a good answer to ``what`` (method and path).

    Raises AccessError (401, 403, and 404: there is no such company, or the user may not know of it), TransientError
    (408, 429, 5xx, a page that is no JSON, a problem under a good status) or ContractError (the request is refused).
    """
    if answer.ok and answer.is_json and problem_of(answer.body) is None:
        return answer.body
    raise _failure(answer, what)


def problem_of(body: bytes) -> BambooProblem | None:
    """The problem that a body is, or None."""
    if len(body) > _LARGEST_PROBLEM:
        return None
    try:
        return msgspec.json.decode(body, type=BambooProblem)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _failure(answer: HttpAnswer, what: str) -> TieoutError:
    words = f"BambooHR answered {what} with {answer.status}: {_words(answer)}"
    if answer.status in _REFUSED_ACCESS:
        return AccessError(code="TIE-BAMBOOHR-004", message=words)
    if answer.status in _REPEATABLE or answer.status >= _SERVER_ERROR or answer.ok:
        return TransientError(code="TIE-BAMBOOHR-005", message=words, retry_after_s=answer.retry_after_s)
    return ContractError(code="TIE-BAMBOOHR-006", message=words)


def _words(answer: HttpAnswer) -> str:
    """The vendor's own words, or what kind of body came instead."""
    for name in ERROR_HEADERS:
        if answer.headers.get(name):
            return f"{answer.headers[name].rstrip('.')}."
    problem = problem_of(answer.body)
    if problem is not None:
        return f"{(problem.detail or problem.title).rstrip('.')}."
    return f"{len(answer.body)} bytes of {answer.headers.get('content-type', 'no named type')}."
