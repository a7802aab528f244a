import json

import pytest

from tieout.connect.http import HttpAnswer
from tieout.connect.outcome import NoAccess, Outcome, Rejected, RejectionCode, RetryLater, Unknown, Warned
from tieout.connectors.tryton.outcome_codes import Answered, told_by


def answer(body: object, status: int = 200) -> HttpAnswer:
    text = body if isinstance(body, str) else json.dumps(body)
    return HttpAnswer(status=status, headers={}, body=text.encode(), retry_after_s=None)


def refused(words: str) -> HttpAnswer:
    return answer({"id": 1, "error": ["UserError", [words, "", None]]})


def test_a_result_is_an_answer_even_when_it_is_null() -> None:
    assert told_by(answer({"id": 1, "result": None})) == Answered(None)
    assert told_by(answer({"id": 1, "result": [3, 4]})) == Answered([3, 4])


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ('You cannot create a journal-period in closed period "2026-07".', RejectionCode.PERIOD_CLOSED),
        ('You cannot add/modify/delete lines on closed journal-period "Time - 2026-10".', RejectionCode.PERIOD_CLOSED),
        (
            (
                'The value "2026-08" for field "Period" in record "(9)" of "Account Move" is not valid according to '
                "its domain."
            ),
            RejectionCode.PERIOD_CLOSED,
        ),
        (
            'To continue, you must create a period for the date "03/01/2025" and company "X".',
            RejectionCode.PERIOD_CLOSED,
        ),
        ('To post move "(5)", you must balance all its lines debits and credits.', RejectionCode.UNBALANCED),
        (
            'The value "99999" for field "Account" in "Account Move Line" does not exist.',
            RejectionCode.ACCOUNT_UNKNOWN,
        ),
        (
            'A value is required for field "Party" in record "USD 100.00 @ 1310" of "Account Move Line".',
            RejectionCode.CUSTOMER_UNKNOWN,
        ),
        (
            (
                'The value "USD" for field "Second Currency" in record "x" of "Account Move Line" is not valid '
                "according to its domain."
            ),
            RejectionCode.CURRENCY_UNKNOWN,
        ),
        ("The code on party must be unique.", RejectionCode.CONFLICT),
        ("You cannot set both debit and credit on the line.", RejectionCode.INVALID),
    ],
)
def test_the_words_of_a_refusal_tell_its_kind(words: str, code: RejectionCode) -> None:
    assert told_by(refused(words)) == Rejected(code=code, words=words, vendor_code="UserError")


def test_a_warning_waits_for_a_person() -> None:
    told = told_by(answer({"id": 1, "error": ["UserWarning", ["move.1", "Really?", ""]]}))
    assert told == Warned(name="move.1", words="Really?")


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (refused('You are not allowed to access "Account Move".'), NoAccess),
        (answer({"id": 1, "error": ["ConcurrencyException", "Records were modified in the meanwhile"]}), RetryLater),
        (answer({"id": 1, "error": ["LoginException", ["password", "Password for x", "password"]]}), NoAccess),
        (answer({"id": 1, "error": ["'nope'", ""]}), Unknown),
        (answer({"id": 1}), Unknown),
        (answer({"id": 1, "result": 1, "error": ["UserError", ["x", "", None]]}), Unknown),
        (answer("<html>Please sign in</html>"), Unknown),
        (answer("<h1>Unauthorized</h1>", 401), NoAccess),
        (answer("<h1>Forbidden</h1>", 403), NoAccess),
        (answer("<h1>Duplicate records</h1>", 422), Rejected),
        (answer("<h1>Too Many Requests</h1>", 429), RetryLater),
        (answer("could not obtain lock on row in relation", 503), RetryLater),
        (answer("server closed the connection unexpectedly", 503), Unknown),
        (answer("<h1>Gateway Timeout</h1>", 504), Unknown),
        (answer("<h1>Internal Server Error</h1>", 500), Unknown),
    ],
)
def test_only_an_explicit_answer_moves_a_delivery(given: HttpAnswer, kind: type[Outcome]) -> None:
    assert isinstance(told_by(given), kind)
