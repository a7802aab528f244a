"""An error says what happened and what to do, and its class says what the caller does next."""

import inspect

import pytest

from tieout import errors
from tieout.errors import ConfigurationError, RejectedError, TieoutError, TransientError

KINDS = sorted(
    (
        kind
        for _, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, TieoutError) and kind is not TieoutError
    ),
    key=lambda kind: kind.__name__,
)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_says_what_comes_next_and_stands_in_the_tree(kind: type[TieoutError]) -> None:
    assert kind.fallback_next_step != TieoutError.fallback_next_step
    assert errors.__doc__ is not None
    assert kind.__name__ in errors.__doc__


def test_the_next_step_comes_from_the_catalogue_unless_the_raiser_knows_better() -> None:
    known = ConfigurationError(code="TIE-CONNECT-001", message="There is no connector named 'netsweet'.")
    assert known.next_step == errors.CATALOGUE["TIE-CONNECT-001"].next_step
    assert str(known) == "TIE-CONNECT-001: There is no connector named 'netsweet'."
    assert (
        ConfigurationError(code="TIE-CONNECT-001", message="", next_step="Use the other.").next_step == "Use the other."
    )


def test_a_wait_and_the_other_sides_words_are_kept() -> None:
    assert TransientError(code="TIE-STORE-001", message="", retry_after_s=3.0).retry_after_s == 3.0
    assert RejectedError(code="TIE-STORE-001", message="", words="Period closed").words == "Period closed"
