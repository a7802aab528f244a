"""A read within a write is asked three times at most, and not at once where the other side asked for a wait."""

import pytest

from tieout.connect.read_again import PAUSES_S, read_again
from tieout.errors import AccessError, ContractError, TieoutError, TransientError

DROPPED = TransientError(code="TIE-HTTP-003", message="Not answered.")
REFUSED = AccessError(code="TIE-KANTATA-004", message="Refused.")
PLEASE_WAIT = TransientError(code="TIE-KANTATA-005", message="Too many requests.", retry_after_s=1)
MALFORMED = ContractError(code="TIE-KANTATA-006", message="Not understood.")


class Answers:
    """Raises what it is given, one after the other, and answers then."""

    def __init__(self, *errors: TieoutError) -> None:
        self.asked = 0
        self._errors = list(errors)

    async def read(self) -> str:
        self.asked += 1
        if self._errors:
            raise self._errors.pop(0)
        return "rows"


@pytest.mark.parametrize("errors", [(), (DROPPED,), (REFUSED,), (REFUSED, DROPPED)])
async def test_a_slip_or_two_do_not_fail_the_write(errors: tuple[TieoutError, ...]) -> None:
    answers = Answers(*errors)
    assert await read_again(answers.read) == "rows"
    assert answers.asked == 1 + len(errors)


async def test_what_fails_for_the_third_time_fails_the_write() -> None:
    answers = Answers(*[REFUSED] * 5)
    with pytest.raises(AccessError):
        await read_again(answers.read)
    assert answers.asked == 1 + len(PAUSES_S)


@pytest.mark.parametrize("error", [PLEASE_WAIT, MALFORMED])
async def test_a_wait_that_was_asked_for_is_kept_and_a_wrong_question_is_not_repeated(error: TieoutError) -> None:
    answers = Answers(error)
    with pytest.raises(type(error)):
        await read_again(answers.read)
    assert answers.asked == 1
