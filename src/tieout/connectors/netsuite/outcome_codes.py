"""What NetSuite's answers to a write mean, by ``o:errorCode`` and words, never by the HTTP status alone.

Neighbours: ``client`` gives the answers, ``write`` acts on the outcomes. Source: "Error Handling in REST Web Services"
and "Errors Related to Concurrency Violations" of the NetSuite help. Only an explicit answer moves a delivery: a page of
HTML, a 200 with an error inside, an unknown code or a server error may hide a journal that was recorded.
"""

import re
from typing import Final

from tieout.connect.http import HttpAnswer
from tieout.connect.json_codec import decode_strict_as
from tieout.connect.outcome import NoAccess, Outcome, Rejected, RejectionCode, RetryLater, Unknown
from tieout.connectors.netsuite.records import NetSuiteError, NetSuiteErrorDetail
from tieout.errors import ContractError

_MAX_WORDS: Final = 500


NO_ACCESS_CODES: Final = frozenset(
    {"INVALID_LOGIN", "INVALID_LOGIN_ATTEMPT", "INVALID_LOGIN_CREDENTIALS", "INSUFFICIENT_PERMISSION", "USER_DISABLED"}
)
LIMIT_CODES: Final = frozenset(
    {"CONCURRENCY_LIMIT_EXCEEDED", "SSS_REQUEST_LIMIT_EXCEEDED", "WS_REQUEST_BLOCKED", "REQUEST_LIMIT_EXCEEDED"}
)
_CHANGED_MEANWHILE: Final = "RCRD_HAS_BEEN_CHANGED"
_CODES: Final = {
    "DUP_RCRD": RejectionCode.CONFLICT,
    "UNIQUE_CUST_ID_REQD": RejectionCode.CONFLICT,
    "TRANS_UNBALNCD": RejectionCode.UNBALANCED,
    "USER_ERROR": RejectionCode.INVALID,
    "INVALID_CONTENT": RejectionCode.INVALID,
    "INVALID_PARAMETER": RejectionCode.INVALID,
    "INVALID_HEADER": RejectionCode.INVALID,
    "FIELD_PARAM_REQD": RejectionCode.INVALID,
    "NONEXISTENT_FIELD": RejectionCode.INVALID,
    "NONEXISTENT_ID": RejectionCode.INVALID,
    "RCRD_DSNT_EXIST": RejectionCode.INVALID,
    "INVALID_KEY_OR_REF": RejectionCode.INVALID,
}
_FIELDS: Final = {
    "account": RejectionCode.ACCOUNT_UNKNOWN,
    "entity": RejectionCode.CUSTOMER_UNKNOWN,
    "customer": RejectionCode.CUSTOMER_UNKNOWN,
    "parent": RejectionCode.CUSTOMER_UNKNOWN,
    "job": RejectionCode.PROJECT_UNKNOWN,
    "company": RejectionCode.PROJECT_UNKNOWN,
    "department": RejectionCode.DIMENSION_UNKNOWN,
    "class": RejectionCode.DIMENSION_UNKNOWN,
    "location": RejectionCode.DIMENSION_UNKNOWN,
    "currency": RejectionCode.CURRENCY_UNKNOWN,
}
_REFERENCE_CODES: Final = frozenset({"INVALID_KEY_OR_REF", "RCRD_DSNT_EXIST", "USER_ERROR", "INVALID_CONTENT"})

_PERIOD: Final = re.compile(
    r"period[^.]*\b(?:closed|locked)\b|\b(?:closed|locked)\b[^.]*period|date range of your accounting period",
    re.IGNORECASE,
)
_UNBALANCED: Final = re.compile(r"not in balance|out of balance|must balance", re.IGNORECASE)
_DUPLICATE: Final = re.compile(r"already exists", re.IGNORECASE)
_BAD_REFERENCE: Final = re.compile(
    r"invalid (?P<before>\w+) reference key|invalid field value .* for the following field: (?P<after>\w+)",
    re.IGNORECASE,
)
_LINE: Final = re.compile(r"\bitems\[(\d+)\]")


def error_of(body: bytes) -> NetSuiteErrorDetail | None:
    """The first error that a body tells, or None where it is no error body of NetSuite's."""
    try:
        error = decode_strict_as(body, NetSuiteError)
    except ContractError:
        return None
    return next((one for one in error.details if one.code), None)


def outcome_of(answer: HttpAnswer) -> Outcome:
    """What an answer other than the documented success means for the write that it answers."""
    error = error_of(answer.body)
    if answer.status < 400 or error is None:  # noqa: PLR2004 - HTTP's first error status
        return _unexplained(answer, error)
    words = error.detail[:_MAX_WORDS] or error.code
    if error.code in NO_ACCESS_CODES:
        return NoAccess(words=f"{error.code}: {words}")
    if error.code in LIMIT_CODES:
        return RetryLater(reason=f"{error.code}: {words}", after_s=answer.retry_after_s)
    if error.code == _CHANGED_MEANWHILE:
        return RetryLater(reason=f"{error.code}: {words}", after_s=answer.retry_after_s)
    if error.code not in _CODES or answer.status >= 500:  # noqa: PLR2004 - HTTP's first server error
        return Unknown(reason=f"HTTP {answer.status} {error.code}: {words}")
    return Rejected(code=_rejection(error), words=words, vendor_code=error.code)


def _unexplained(answer: HttpAnswer, error: NetSuiteErrorDetail | None) -> Outcome:
    if answer.status == 401:  # noqa: PLR2004 - refused before anything was looked at, whatever the body
        return NoAccess(words="NetSuite refused the access token (HTTP 401).")
    if answer.status == 429:  # noqa: PLR2004 - refused before anything was looked at, whatever the body
        return RetryLater(reason="NetSuite serves no more requests at once (HTTP 429).", after_s=answer.retry_after_s)
    told = f" with {error.code}" if error is not None else ""
    return Unknown(reason=f"HTTP {answer.status}{told} is no answer that NetSuite documents for this request.")


def _rejection(error: NetSuiteErrorDetail) -> RejectionCode:
    if _PERIOD.search(error.detail):
        return RejectionCode.PERIOD_CLOSED
    if _UNBALANCED.search(error.detail):
        return RejectionCode.UNBALANCED
    if _DUPLICATE.search(error.detail):
        return RejectionCode.CONFLICT
    field = _unknown_field(error)
    return _FIELDS.get(field, _CODES[error.code]) if field is not None else _CODES[error.code]


def _unknown_field(error: NetSuiteErrorDetail) -> str | None:
    """The field whose value NetSuite does not know, where the error is about one."""
    if error.code not in _REFERENCE_CODES:
        return None
    told = _BAD_REFERENCE.search(error.detail)
    if told is not None:
        return (told["before"] or told["after"]).lower()
    if error.code == "INVALID_KEY_OR_REF" and error.path is not None:
        return error.path.removesuffix(".id").rpartition(".")[2].lower()
    return None


def line_of(answer: HttpAnswer) -> int | None:
    """The place (from 0) of the line that an error points to, where it points to one."""
    error = error_of(answer.body)
    found = None if error is None or error.path is None else _LINE.search(error.path)
    return None if found is None else int(found[1])
