"""Where a walk over employees goes on, and when a time is settled."""

from datetime import UTC, date, datetime, timedelta

import pytest

from tieout.connectors.bamboohr.paging import (
    Cursor,
    ListedRow,
    Mode,
    Telling,
    advance,
    finish,
    quarters,
    read_cursor,
    start,
)
from tieout.errors import ContractError

NOON = datetime(2026, 8, 1, 12, tzinfo=UTC)
OVERLAP = timedelta(minutes=5)


def row(number: int, second: int) -> ListedRow:
    return ListedRow(number, NOON + timedelta(seconds=second))


def test_a_short_page_ends_the_walk_and_a_full_one_goes_on_from_its_last_time() -> None:
    walking = start(Cursor())
    assert advance(walking, [row(1, 0)], page_size=2) is None
    moved = advance(walking, [row(1, 0), row(2, 3)], page_size=2)
    assert moved is not None
    assert (moved.mode, moved.after) == (Mode.FROM, NOON + timedelta(seconds=3))


def test_a_page_of_one_instant_is_gone_through_by_id_and_then_left_behind() -> None:
    walking = start(Cursor())
    within = advance(walking, [row(7, 0), row(9, 0)], page_size=2)
    assert within is not None
    assert (within.mode, within.after, within.last_id) == (Mode.WITHIN, NOON, 0)
    further = advance(within, [row(7, 0), row(9, 0)], page_size=2)
    assert further is not None
    assert (further.mode, further.last_id) == (Mode.WITHIN, 9)
    beyond = advance(further, [row(11, 0)], page_size=2)
    assert beyond is not None
    assert (beyond.mode, beyond.after) == (Mode.BEYOND, NOON)
    assert advance(beyond, [], page_size=2) is None


@pytest.mark.parametrize(
    "rows", [[row(1, 0), ListedRow(2, None)], [row(1, 0), ListedRow(2, NOON - timedelta(seconds=1))]]
)
def test_rows_that_do_not_tell_where_to_go_on_stop_the_walk_loudly(rows: list[ListedRow]) -> None:
    walking = start(Cursor(settled=NOON))
    with pytest.raises(ContractError):
        advance(walking, rows, page_size=2)


def test_ids_that_do_not_grow_within_an_instant_stop_the_walk_loudly() -> None:
    within = Cursor(walking=True, mode=Mode.WITHIN, after=NOON, last_id=9)
    with pytest.raises(ContractError):
        advance(within, [row(3, 0), row(9, 0)], page_size=2)


def test_the_next_walk_starts_an_overlap_before_the_newest_row_until_that_is_old() -> None:
    walked = Cursor(walking=True, newest=NOON)
    assert finish(walked, now=NOON + timedelta(hours=1), overlap=OVERLAP).settled == NOON - OVERLAP
    assert finish(walked, now=NOON + timedelta(days=2), overlap=OVERLAP).settled == NOON + timedelta(seconds=1)


def test_a_settled_time_never_goes_back() -> None:
    walked = Cursor(walking=True, settled=NOON, newest=NOON)
    assert finish(walked, now=NOON, overlap=OVERLAP).settled == NOON


def test_answers_are_held_back_until_there_is_news_and_then_all_go_out() -> None:
    first = Telling("employees", Cursor())
    page = first.page(b"one", 1, Cursor())
    assert page is not None
    seen = first.walked(Cursor(), b"one").walked
    telling = Telling("employees", Cursor(seen=seen))
    assert telling.page(b"one", 1, Cursor()) is None
    assert telling.page(b"none", 0, Cursor()) is None
    assert telling.page(b"two", 1, Cursor()) is not None
    assert telling.page(b"one", 1, Cursor()) is not None


def test_a_walk_that_is_resumed_tells_everything_so_that_its_end_is_stored() -> None:
    telling = Telling("time_off", Cursor(walking=True, window=date(2026, 7, 1)))
    assert telling.page(b"none", 0, Cursor()) is not None


def test_quarters_cover_both_days_and_meet_without_a_gap() -> None:
    found = quarters(date(2026, 11, 25), date(2027, 4, 1))
    assert found == [
        (date(2026, 10, 1), date(2026, 12, 31)),
        (date(2027, 1, 1), date(2027, 3, 31)),
        (date(2027, 4, 1), date(2027, 6, 30)),
    ]


def test_a_cursor_survives_being_stored_as_text() -> None:
    cursor = Cursor(settled=NOON, walking=True, mode=Mode.WITHIN, after=NOON, last_id=4, window=date(2026, 7, 1))
    assert read_cursor(cursor.text()) == cursor
    assert read_cursor(None) == Cursor()
