"""When a page is taken for one whose form has changed, and when it only holds mistakes."""

from collections.abc import Sequence

import pytest

from tieout.connect.source import Translated, Unreadable
from tieout.errors import ContractError
from tieout.inbound.drift import Drift, drift_of, suspects
from tieout.inbound.message_store import Message
from tieout.inbound.translation import translate
from tieout.model.reported import RecordType, ReportedRecord


class Letters:
    """A page is one letter an item: ``g`` can be read, ``x`` and ``y`` cannot; ``!`` makes the page no page."""

    def translate(self, object_name: str, payload: bytes) -> Sequence[Translated]:
        """A client or an unreadable item for each letter."""
        if payload.startswith(b"!"):
            raise ContractError(code="TIE-PAYLOAD-001", message=f"{object_name} is no list")
        return [
            ReportedRecord(type=RecordType.CLIENT, source_id=str(number), version=1, fields={})
            if letter == "g"
            else Unreadable(problem=f"{letter} is not known", source_id=str(number))
            for number, letter in enumerate(payload.decode())
        ]


TRANSLATORS = {"psa": Letters()}


def page(letters: str, *, item_count: int | None = None) -> Message:
    return Message(7, "psa", "clients", len(letters) if item_count is None else item_count, letters.encode())


@pytest.mark.parametrize(
    ("letters", "is_drift"),
    [
        ("xxxxx", True),
        ("xxxx", False),
        ("xxxxxggggg", True),
        ("xxxxxgggggg", False),
        ("g" * 50 + "x", False),
        ("", False),
    ],
)
def test_half_of_a_page_and_at_least_five_items_are_a_drift(letters: str, *, is_drift: bool) -> None:
    assert (drift_of(page(letters), TRANSLATORS) is not None) == is_drift


def test_a_drift_names_the_problem_that_most_items_share() -> None:
    message = page("xyxxygyx")
    assert drift_of(message, TRANSLATORS) == Drift(
        message=message, problem="x is not known", unreadable_count=7, item_count=8
    )


@pytest.mark.parametrize(("item_count", "is_drift"), [(4, False), (5, True)])
def test_a_page_that_cannot_be_read_at_all_counts_with_what_its_source_saw_on_it(
    item_count: int, *, is_drift: bool
) -> None:
    found = drift_of(page("!", item_count=item_count), TRANSLATORS)
    assert (found is not None) == is_drift
    if found is not None:
        assert (found.problem, found.unreadable_count) == ("clients is no list", 5)


def test_only_pages_with_enough_that_cannot_be_read_are_looked_at_again() -> None:
    pages = [
        Message(number, "psa", "clients", 5, letters.encode())
        for number, letters in enumerate(("xxxxx", "xxxxg", "!", "ggggg"))
    ]
    assert [one.message_id for one in suspects(translate(pages, TRANSLATORS), pages)] == [0, 2]


@pytest.mark.parametrize(("percent", "is_drift"), [(71, False), (70, True)])
def test_a_firm_says_how_much_of_a_page_is_a_drift(percent: int, *, is_drift: bool) -> None:
    found = drift_of(page("xxxxxxxggg"), TRANSLATORS, share_percent=percent)
    assert (found is not None) == is_drift
