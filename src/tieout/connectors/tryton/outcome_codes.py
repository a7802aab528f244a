"""What Tryton's answers to a write mean, by the class of its error and its words, never by the HTTP status alone.

Neighbours: ``client`` gives the answers, ``journals`` and ``masters`` act on the outcomes. JSON-RPC answers an error
with status 200 and ``["UserError", [words, details, domain]]``, ``["UserWarning", [name, words, details]]``,
``["ConcurrencyException", words]``; an exception of the server itself with ``[words, traceback]``. The connector asks
for English in every request, so that the words are those of the vendor's source. Only an explicit answer moves a
delivery: what is not recognised may hide a commit and is Unknown.
"""

import re
from typing import Final, TypeAlias

import msgspec

from tieout.connect.http import HttpAnswer
from tieout.connect.json_codec import JsonValue, decode_strict
from tieout.connect.outcome import NoAccess, Outcome, Rejected, RejectionCode, RetryLater, Unknown, Warned
from tieout.errors import ContractError

_MAX_WORDS: Final = 500
_OK: Final = 200
_UNAUTHORISED: Final = 401
_FORBIDDEN: Final = 403
_NOT_FOUND: Final = 404
_TOO_MANY: Final = 429
_UNAVAILABLE: Final = 503
_UNREADABLE: Final = frozenset({400, 413, 415, 422})

_ROLLED_BACK: Final = re.compile(
    r"could not obtain lock|could not serialize access|deadlock detected|canceling statement due to lock timeout"
)
_NO_RIGHT: Final = re.compile(r"You are not allowed to access|is not accessible")
_WORDS: Final = (
    (re.compile(r"closed (?:journal-)?period|the period \".*\" of company|field \"Period\"", re.IGNORECASE),
     RejectionCode.PERIOD_CLOSED),
    (re.compile(r"must create a period for the date"), RejectionCode.PERIOD_CLOSED),
    (re.compile(r"must balance"), RejectionCode.UNBALANCED),
    (re.compile(r"must be unique"), RejectionCode.CONFLICT),
    (re.compile(r"field \"(?:Amount )?Second Currency\"|second currency", re.IGNORECASE),
     RejectionCode.CURRENCY_UNKNOWN),
    (re.compile(r"field \"Party\"|(?:set|remove) (?:a|the) party"), RejectionCode.CUSTOMER_UNKNOWN),
    (re.compile(r"field \"Account\"|closed account", re.IGNORECASE), RejectionCode.ACCOUNT_UNKNOWN),
)  # fmt: skip


class Answered(msgspec.Struct, frozen=True):
    """Tryton did what it was asked; ``value`` is the result."""

    value: JsonValue


Told: TypeAlias = Answered | Outcome


def told_by(answer: HttpAnswer) -> Told:
    """What an answer to a write says."""
    document = _document(answer)
    if document is None:
        return _by_status(answer)
    if "result" in document:
        return Answered(document["result"])
    return _by_error(document.get("error"))


def _document(answer: HttpAnswer) -> dict[str, JsonValue] | None:
    """The JSON-RPC answer, or None where the body is none."""
    if answer.status != _OK:
        return None
    try:
        document = decode_strict(answer.body)
    except ContractError:
        return None
    if isinstance(document, dict) and ("result" in document) != ("error" in document):
        return document
    return None


def _by_error(error: JsonValue) -> Outcome:
    match error:
        case ["UserError", [str(words), *_]]:
            return _refused(words[:_MAX_WORDS])
        case ["UserWarning", [str(name), str(words), *_]]:
            return Warned(name=name, words=words[:_MAX_WORDS])
        case ["ConcurrencyException", *_]:
            return RetryLater(reason="Somebody changed the record meanwhile.")
        case ["LoginException", *_]:
            return NoAccess(words="Tryton asks for another way to sign in than a password.")
        case _:
            return Unknown(reason=f"Tryton failed in a way that it does not explain: {str(error)[:_MAX_WORDS]}")


def _refused(words: str) -> Outcome:
    if _NO_RIGHT.search(words):
        return NoAccess(words=words)
    code = next((code for pattern, code in _WORDS if pattern.search(words)), RejectionCode.INVALID)
    return Rejected(code=code, words=words, vendor_code="UserError")


def _by_status(answer: HttpAnswer) -> Outcome:
    status, words = answer.status, words_of(answer)
    if status in {_UNAUTHORISED, _FORBIDDEN}:
        return NoAccess(words=f"Tryton refused the request (HTTP {status}): {words}")
    if status == _TOO_MANY:
        return RetryLater(reason="Tryton serves no more requests for now (HTTP 429).", after_s=answer.retry_after_s)
    if status == _UNAVAILABLE and _ROLLED_BACK.search(words):
        return RetryLater(reason=f"Tryton was busy: {words}", after_s=answer.retry_after_s)
    if status == _NOT_FOUND:
        return Unknown(reason=f"Tryton has nothing at this address (HTTP 404): {words}")
    if status in _UNREADABLE:
        return Rejected(code=RejectionCode.INVALID, words=words or f"HTTP {status}", vendor_code=str(status))
    return Unknown(reason=f"HTTP {status} is no answer that Tryton documents for this request: {words}")


def words_of(answer: HttpAnswer) -> str:
    """The words of an error page, without its markup."""
    text = re.sub(r"<[^>]*>", " ", answer.body[:4_000].decode("utf-8", errors="replace"))
    return " ".join(text.split())[:_MAX_WORDS]
