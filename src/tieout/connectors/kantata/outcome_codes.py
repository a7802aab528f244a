"""What an answer of Kantata means for a read: the body to store, or the error that says what happens next.

The API has no machine codes: the status decides, and within 200 the presence of ``errors`` (page "Errors").
"""

import msgspec

from tieout.connect.http import HttpAnswer
from tieout.connectors.kantata.records import KantataErrors
from tieout.errors import AccessError, ContractError, TieoutError, TransientError

_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _TOO_MANY, _SERVER_ERROR = 401, 403, 404, 429, 500
_REFUSED_ACCESS = frozenset({_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND})


def body_of(answer: HttpAnswer, what: str) -> bytes:
    """The body of a good answer to ``what`` (method and path).

    Raises AccessError (401, 403, and 404: the account or the token has no such collection), TransientError (429, 5xx,
    a page that is no JSON, and errors under a good status) or ContractError (the request itself is refused).
    """
    if answer.ok and answer.is_json and not _says_errors(answer.body):
        return answer.body
    raise _failure(answer, what)


def _says_errors(body: bytes) -> bool:
    """Whether a body is an error body; only its beginning is looked at, answers with rows begin with ``count``."""
    return body.lstrip()[:9] == b'{"errors"'


def _failure(answer: HttpAnswer, what: str) -> TieoutError:
    words = f"Kantata answered {what} with {answer.status}: {words_of(answer)}"
    if answer.status in _REFUSED_ACCESS or (answer.ok and '"oauth"' in answer.body.decode("utf-8", "replace")[:4096]):
        return AccessError(code="TIE-KANTATA-004", message=words)
    if answer.status == _TOO_MANY or answer.status >= _SERVER_ERROR or answer.ok:
        return TransientError(code="TIE-KANTATA-005", message=words, retry_after_s=answer.retry_after_s)
    return ContractError(code="TIE-KANTATA-006", message=words)


def words_of(answer: HttpAnswer) -> str:
    """The vendor's own words, or what kind of body came instead."""
    try:
        errors = msgspec.json.decode(answer.body, type=KantataErrors).errors
    except msgspec.MsgspecError:
        return f"{len(answer.body)} bytes of {answer.headers.get('content-type', 'no named type')}."
    return "; ".join(f"{one.field}: {one.message}" if one.field else one.message for one in errors) or "no words."
