"""Recorded answers of NetSuite and what they mean: by code and words, never by the status alone."""

import json
from typing import Any

import pytest

from tieout.connect.http import HttpAnswer
from tieout.connect.outcome import NoAccess, Outcome, Rejected, RejectionCode, RetryLater, Unknown
from tieout.connectors.netsuite.outcome_codes import line_of, outcome_of
from tieout.connectors.netsuite.settling import answered


def answer(status: int, *, code: str = "", detail: str = "", path: str | None = None, **more: Any) -> HttpAnswer:
    body = {
        "type": "https://www.w3.org/Protocols/rfc2616/rfc2616-sec10.html#sec10.4.1",
        "title": "Bad Request",
        "status": status,
        "o:errorDetails": [{"detail": detail, "o:errorCode": code, **({"o:errorPath": path} if path else {})}],
    }
    return raw(status, json.dumps(body).encode(), **more)


def raw(status: int, body: bytes, *, retry_after_s: float | None = None, **headers: str) -> HttpAnswer:
    return HttpAnswer(status=status, headers=headers, body=body, retry_after_s=retry_after_s)


REJECTIONS = [
    ("USER_ERROR", "You cannot post to period Jul 2026: it is closed.", None, RejectionCode.PERIOD_CLOSED),
    ("USER_ERROR", "The posting period Aug 2026 is locked for this subsidiary.", None, RejectionCode.PERIOD_CLOSED),
    (
        "USER_ERROR",
        "The transaction date you specified is not within the date range of your accounting period.",
        "tranDate",
        RejectionCode.PERIOD_CLOSED,
    ),
    ("USER_ERROR", "Transaction was not in balance. Total = 0.01", None, RejectionCode.UNBALANCED),
    ("TRANS_UNBALNCD", "Transaction out of balance.", None, RejectionCode.UNBALANCED),
    ("INVALID_KEY_OR_REF", "Invalid account reference key 99.", "line.items[0].account", RejectionCode.ACCOUNT_UNKNOWN),
    ("INVALID_KEY_OR_REF", "Not there.", "line.items[3].account.id", RejectionCode.ACCOUNT_UNKNOWN),
    ("INVALID_KEY_OR_REF", "Invalid entity reference key 7 for subsidiary 2.", None, RejectionCode.CUSTOMER_UNKNOWN),
    ("INVALID_KEY_OR_REF", "Not there.", "line.items[0].class", RejectionCode.DIMENSION_UNKNOWN),
    ("INVALID_KEY_OR_REF", "Not there.", "currency", RejectionCode.CURRENCY_UNKNOWN),
    ("INVALID_KEY_OR_REF", "Not there.", "subsidiary", RejectionCode.INVALID),
    (
        "INVALID_CONTENT",
        "Error while accessing a resource. Invalid Field Value 9 for the following field: department",
        None,
        RejectionCode.DIMENSION_UNKNOWN,
    ),
    ("DUP_RCRD", "This record already exists", None, RejectionCode.CONFLICT),
    ("USER_ERROR", "A journalEntry record with this external ID already exists", None, RejectionCode.CONFLICT),
    ("FIELD_PARAM_REQD", "Please enter a value for [entity]", "entity", RejectionCode.INVALID),
    ("NONEXISTENT_FIELD", "No such field.", None, RejectionCode.INVALID),
]


@pytest.mark.parametrize(("code", "detail", "path", "expected"), REJECTIONS)
def test_a_refusal_is_told_by_what_is_wrong(code: str, detail: str, path: str | None, expected: RejectionCode) -> None:
    outcome = outcome_of(answer(400, code=code, detail=detail, path=path))
    assert outcome == Rejected(code=expected, words=detail, vendor_code=code)


UNKNOWN = [
    raw(200, b"<html>Please sign in</html>"),
    raw(500, b"<html>Oops</html>"),
    raw(502, b""),
    raw(302, b""),
    raw(204, b""),
    raw(400, b"<html>Bad request</html>"),
    raw(404, b""),
    raw(400, b'{"o:errorDetails": [{"o:errorCode": "USER_ERROR"'),
    raw(400, b'{"o:errorDetails": []}'),
    answer(200, code="USER_ERROR", detail="Refused, says the body; done, says the status."),
    answer(500, code="UNEXPECTED_ERROR", detail="An unexpected error occurred."),
    answer(500, code="USER_ERROR", detail="A refusal that a server error carries."),
    answer(400, code="UNEXPECTED_ERROR", detail="An unexpected error occurred."),
    answer(400, code="SOMETHING_NEW", detail="Never heard of."),
]


@pytest.mark.parametrize("one", UNKNOWN)
def test_whatever_is_not_explicit_is_unknown(one: HttpAnswer) -> None:
    assert isinstance(answered(one), Unknown)


ELSE: list[tuple[HttpAnswer, type[Outcome]]] = [
    (answer(429, code="CONCURRENCY_LIMIT_EXCEEDED", detail="Too many."), RetryLater),
    (answer(400, code="SSS_REQUEST_LIMIT_EXCEEDED", detail="Too many."), RetryLater),
    (raw(429, b"slow down"), RetryLater),
    (answer(409, code="RCRD_HAS_BEEN_CHANGED", detail="Record has been changed."), RetryLater),
    (answer(401, code="INVALID_LOGIN", detail="Invalid login attempt."), NoAccess),
    (raw(401, b""), NoAccess),
    (answer(403, code="INSUFFICIENT_PERMISSION", detail="Permission violation."), NoAccess),
]


@pytest.mark.parametrize(("one", "expected"), ELSE)
def test_limits_and_permissions_are_no_rejections(one: HttpAnswer, expected: type[Outcome]) -> None:
    assert type(outcome_of(one)) is expected


def test_the_wait_that_an_answer_asks_for_is_kept() -> None:
    outcome = outcome_of(answer(429, code="CONCURRENCY_LIMIT_EXCEEDED", detail="Later.", retry_after_s=12.0))
    assert isinstance(outcome, RetryLater)
    assert outcome.after_s == 12.0


def test_a_refusal_of_absurd_length_is_cut() -> None:
    outcome = outcome_of(answer(400, code="USER_ERROR", detail="x" * 100_000))
    assert isinstance(outcome, Rejected)
    assert len(outcome.words) == 500


def test_an_error_tells_the_line_it_is_about() -> None:
    assert line_of(answer(400, code="INVALID_KEY_OR_REF", path="line.items[12].entity")) == 12
    assert line_of(answer(400, code="USER_ERROR")) is None
