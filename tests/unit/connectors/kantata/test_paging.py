"""Walks over a collection that changes under the walker: nothing is skipped, and walks end."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tieout.connectors.kantata.paging import Cursor, Listed, advance, finish, read_cursor, start
from tieout.errors import ContractError

PAGE = 40
OVERLAP = timedelta(seconds=240)
NOON = datetime(2026, 8, 8, 12, tzinfo=UTC)
NEXT_NOON = NOON + timedelta(days=1)


class Collection:
    """Rows ordered by time of change, as the vendor orders them; a changed row moves to the end."""

    def __init__(self, seconds: list[int]) -> None:
        self.changed_at = {f"r{place}": NOON + timedelta(seconds=one) for place, one in enumerate(seconds)}
        self.clock = NEXT_NOON

    def ask(self, cursor: Cursor, *, inclusive: bool) -> Listed:
        rows = sorted((at, row) for row, at in self.changed_at.items())
        if cursor.after is not None:
            rows = [one for one in rows if one[0] > cursor.after or (inclusive and one[0] == cursor.after)]
        page = rows[cursor.offset : cursor.offset + PAGE]
        return Listed([row for _, row in page], [at for at, _ in page])

    def touch(self, row: str) -> None:
        self.clock += timedelta(seconds=1)
        self.changed_at[row] = self.clock


def walk(
    rows: Collection, cursor: Cursor, *, inclusive: bool, between: list[str]
) -> tuple[dict[str, datetime], Cursor]:
    """Read to the end; before each further answer one of ``between`` is changed."""
    seen: dict[str, datetime] = {}
    cursor = start(cursor, rows.clock)
    waiting = list(between)
    for _ in range(500):
        listed = rows.ask(cursor, inclusive=inclusive)
        seen |= {row: at for row, at in zip(listed.ids, listed.changed_at, strict=True) if at is not None}
        moved = advance(cursor, listed, page_size=PAGE)
        if moved is None:
            return seen, finish(cursor, overlap=OVERLAP)
        cursor = read_cursor(moved.text())
        if waiting:
            rows.touch(waiting.pop())
    raise AssertionError("the walk does not end")


@given(
    seconds=st.one_of(
        st.lists(st.integers(0, 5), min_size=0, max_size=300),
        st.lists(st.integers(0, 100_000), min_size=0, max_size=300),
        st.integers(0, 300).map(lambda count: [7] * count),
    ),
    inclusive=st.booleans(),
    seed=st.integers(),
    changes=st.integers(0, 12),
)
@settings(max_examples=300, deadline=None)
def test_a_walk_sees_every_row_as_it_is_at_last_however_rows_move(
    seconds: list[int], *, inclusive: bool, seed: int, changes: int
) -> None:
    rows = Collection(seconds)
    touched = random.Random(seed).choices(sorted(rows.changed_at), k=changes) if rows.changed_at else []
    seen, cursor = walk(rows, Cursor(), inclusive=inclusive, between=touched)
    assert set(seen) == set(rows.changed_at)
    for row in touched:
        rows.touch(row)
    later, _ = walk(rows, cursor, inclusive=inclusive, between=[])
    assert {**seen, **later} == rows.changed_at


def test_a_second_with_more_rows_than_a_page_is_counted_through() -> None:
    seen, _ = walk(Collection([3] * 350), Cursor(), inclusive=False, between=[])
    assert len(seen) == 350


def test_rows_that_vanish_while_we_count_make_us_step_back() -> None:
    cursor = Cursor(started=NOON, after=NOON, offset=80, witnesses=("r1", "r2"))
    moved = advance(cursor, Listed(["r9"], [NOON]), page_size=PAGE)
    assert moved is not None
    assert moved.offset == 40


def test_a_row_without_a_readable_time_does_not_lead_the_walk_astray() -> None:
    listed = Listed([f"r{place}" for place in range(PAGE)], [NOON, None] * (PAGE // 2))
    moved = advance(Cursor(started=NOON), listed, page_size=PAGE)
    assert moved is not None
    assert (moved.after, moved.offset) == (None, PAGE - 20)


def test_the_next_walk_starts_so_early_that_a_late_row_is_still_seen() -> None:
    cursor = finish(Cursor(started=NOON + timedelta(seconds=30), newest=NOON), overlap=OVERLAP)
    assert cursor.settled == NOON - OVERLAP


def test_what_can_no_longer_come_late_is_not_read_again() -> None:
    cursor = finish(Cursor(started=NOON + timedelta(hours=1), newest=NOON), overlap=OVERLAP)
    assert cursor.settled == NOON + timedelta(seconds=1)


def test_a_slow_clock_of_the_vendor_hides_nothing() -> None:
    cursor = finish(Cursor(started=NOON + timedelta(days=90), newest=NOON), overlap=OVERLAP)
    assert cursor.settled == NOON + timedelta(seconds=1)
    assert cursor.finished == NOON + timedelta(days=90)


def test_a_clock_that_goes_back_moves_nothing_back() -> None:
    cursor = finish(Cursor(settled=NOON, started=NOON - timedelta(hours=3), newest=NOON), overlap=OVERLAP)
    assert cursor.settled == NOON


def test_rows_from_the_future_of_our_clock_are_still_overlapped() -> None:
    cursor = finish(Cursor(started=NOON - timedelta(days=30), newest=NOON), overlap=OVERLAP)
    assert cursor.settled == NOON - OVERLAP


@pytest.mark.parametrize("text", ["", "17", '{"settled": "yesterday"}', "[]"])
def test_a_position_that_is_not_ours_is_refused(text: str) -> None:
    with pytest.raises(ContractError):
        read_cursor(text)
