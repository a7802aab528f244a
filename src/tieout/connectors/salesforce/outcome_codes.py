"""What Salesforce's answers mean, by the code in their body and never by the HTTP status alone.

Source: "Status Codes and Error Responses" of the REST API Developer Guide. A used-up API allocation and a missing
permission are both 403; a locked row is a 400 that may be repeated. Only an explicit answer moves a delivery: a page of
HTML, a 200 with an error inside, an unknown code or a server error may hide a record that was written.
Neighbours: ``client`` raises what a failed read is, ``write`` acts on outcomes.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from tieout.connect.http import HttpAnswer
from tieout.connect.json_codec import decode_strict_as
from tieout.connect.outcome import NoAccess, Outcome, Rejected, RejectionCode, RetryLater, Unknown
from tieout.connectors.salesforce.records import SalesforceError, SalesforceItemError
from tieout.errors import AccessError, ContractError, TieoutError, TransientError

LIMIT_DELAY_S: Final = 900.0
"""The allocation is of the last 24 hours and frees up as its hours pass; nobody says when (no Retry-After)."""

ALLOCATION_USED_UP: Final = "REQUEST_LIMIT_EXCEEDED"
LOCATOR_GONE: Final = "INVALID_QUERY_LOCATOR"
DUPLICATE_VALUE: Final = "DUPLICATE_VALUE"

_MAX_WORDS: Final = 500
_UNAUTHORIZED: Final = 401
_FORBIDDEN: Final = 403
_TOO_MANY: Final = 429
_SERVER_ERROR: Final = 500
_FIRST_ERROR: Final = 400

_NO_ACCESS: Final = frozenset(
    {"INVALID_SESSION_ID", "INSUFFICIENT_ACCESS", "API_DISABLED_FOR_ORG", "API_CURRENTLY_DISABLED"}
)
_AGAIN: Final = frozenset({"UNABLE_TO_LOCK_ROW", "SERVER_UNAVAILABLE"})
_REJECTED: Final = {
    "REQUIRED_FIELD_MISSING": RejectionCode.INVALID,
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": RejectionCode.INVALID,
    "FIELD_INTEGRITY_EXCEPTION": RejectionCode.INVALID,
    "INVALID_FIELD": RejectionCode.INVALID,
    "INVALID_FIELD_FOR_INSERT_UPDATE": RejectionCode.INVALID,
    "INVALID_TYPE": RejectionCode.INVALID,
    "INVALID_TYPE_ON_FIELD_IN_RECORD": RejectionCode.INVALID,
    "INVALID_EMAIL_ADDRESS": RejectionCode.INVALID,
    "INVALID_CROSS_REFERENCE_KEY": RejectionCode.INVALID,
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": RejectionCode.INVALID,
    "INSUFFICIENT_ACCESS_OR_READONLY": RejectionCode.INVALID,
    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": RejectionCode.INVALID,
    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY": RejectionCode.INVALID,
    "JSON_PARSER_ERROR": RejectionCode.INVALID,
    "MALFORMED_ID": RejectionCode.INVALID,
    "NUMBER_OUTSIDE_VALID_RANGE": RejectionCode.INVALID,
    "STRING_TOO_LONG": RejectionCode.INVALID,
    "ENTITY_IS_DELETED": RejectionCode.INVALID,
    "NOT_FOUND": RejectionCode.INVALID,
    "ALL_OR_NONE_OPERATION_ROLLED_BACK": RejectionCode.BATCH_REJECTED,
    DUPLICATE_VALUE: RejectionCode.CONFLICT,
    "DUPLICATES_DETECTED": RejectionCode.CONFLICT,
    "DUPLICATE_EXTERNAL_ID": RejectionCode.CONFLICT,
}
_SCHEMA_CODES: Final = frozenset({"INVALID_FIELD", "INVALID_TYPE", "MALFORMED_QUERY"})


class AnswerRefusedError(ContractError):
    """A question is refused because the org's schema is not as asked; ``payload`` is the refusal, to be kept."""

    def __init__(self, message: str, payload: bytes) -> None:
        super().__init__(code="TIE-SALESFORCE-006", message=message)
        self.payload = payload


class LocatorGoneError(ContractError):
    """The rest of an earlier answer is not kept any more; the question must be asked afresh."""

    def __init__(self, message: str) -> None:
        super().__init__(code="TIE-SALESFORCE-006", message=message)


def errors_of(body: bytes) -> list[SalesforceError]:
    """The errors that a body tells; none where it is no list of errors."""
    try:
        return decode_strict_as(body, list[SalesforceError])
    except ContractError:
        return []


def words_of(errors: Sequence[SalesforceError | SalesforceItemError]) -> str:
    """All errors in Salesforce's own words."""
    return "; ".join(f"{code_of(one)}: {one.message}" for one in errors)[:_MAX_WORDS]


def code_of(error: SalesforceError | SalesforceItemError) -> str:
    """The code of an error, wherever it stands."""
    return error.error_code if isinstance(error, SalesforceError) else error.status_code


def outcome_of(answer: HttpAnswer) -> Outcome:
    """What an answer other than the documented success means for the one write that it answers."""
    errors = errors_of(answer.body)
    if errors and not answer.ok:
        found = outcome_of_errors(errors, after_s=answer.retry_after_s)
        if answer.status < _SERVER_ERROR or isinstance(found, RetryLater):
            return found
    if answer.status == _UNAUTHORIZED:
        return NoAccess(words="Salesforce refused the session (HTTP 401).")
    if answer.status == _TOO_MANY:
        return RetryLater(reason="Salesforce serves no more requests (HTTP 429).", after_s=answer.retry_after_s)
    told = f" with {words_of(errors)}" if errors else ""
    return Unknown(reason=f"HTTP {answer.status}{told} is no answer that Salesforce documents for this request.")


def outcome_of_errors(
    errors: Sequence[SalesforceError | SalesforceItemError], *, after_s: float | None = None
) -> Outcome:
    """What the errors of one record mean: certainly not written, unless a code is not known."""
    words, codes = words_of(errors), {code_of(one) for one in errors}
    if not codes or codes - _NO_ACCESS - _AGAIN - _REJECTED.keys() - {ALLOCATION_USED_UP}:
        return Unknown(reason=f"Salesforce answered {words or 'a failure without an error'}.")
    if codes & _NO_ACCESS:
        return NoAccess(words=words)
    if ALLOCATION_USED_UP in codes:
        return RetryLater(reason=words, after_s=LIMIT_DELAY_S if after_s is None else after_s)
    if codes & _AGAIN:
        return RetryLater(reason=words, after_s=after_s)
    first = errors[0]
    code = RejectionCode.CURRENCY_UNKNOWN if "CurrencyIsoCode" in first.fields else _REJECTED[code_of(first)]
    return Rejected(code=code, words=words, vendor_code=code_of(first))


def body_of(answer: HttpAnswer, what: str) -> bytes:
    """The body of a good answer to a read; raises TransientError, AccessError or ContractError."""
    spoiled = not answer.ok or b'"errorCode"' in answer.body[:4096]
    errors = errors_of(answer.body) if spoiled else []
    if answer.ok and answer.is_json and not errors:
        return answer.body
    raise failure_of(errors, what, status=answer.status, retry_after_s=answer.retry_after_s, body=answer.body)


def failure_of(
    errors: Sequence[SalesforceError],
    what: str,
    *,
    status: int,
    retry_after_s: float | None = None,
    body: bytes = b"",
) -> TieoutError:
    """The error that a failed read is: by its codes, and only where there are none by its status."""
    codes = {one.error_code for one in errors}
    words = f"Salesforce answered {what} with {status}: {words_of(errors) or 'no error that can be read'}."
    if ALLOCATION_USED_UP in codes:
        wait_s = LIMIT_DELAY_S if retry_after_s is None else retry_after_s
        return TransientError(code="TIE-SALESFORCE-007", message=words, retry_after_s=wait_s)
    if codes & _NO_ACCESS or status in {_UNAUTHORIZED, _FORBIDDEN}:
        return AccessError(code="TIE-SALESFORCE-004", message=words)
    if codes & _SCHEMA_CODES:
        return AnswerRefusedError(words, body)
    if LOCATOR_GONE in codes:
        return LocatorGoneError(words)
    if not codes or codes & _AGAIN or status >= _SERVER_ERROR or status < _FIRST_ERROR or status == _TOO_MANY:
        return TransientError(code="TIE-SALESFORCE-005", message=words, retry_after_s=retry_after_s)
    return ContractError(code="TIE-SALESFORCE-006", message=words)


def raw_errors(value: object) -> list[SalesforceError]:
    """The errors in the body of a part of an answer; none where it holds no list of errors."""
    try:
        return msgspec.convert(value, list[SalesforceError])
    except msgspec.ValidationError:
        return []
