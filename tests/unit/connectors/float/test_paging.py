"""However rows come and go between two pages, a walk misses none that was there from beginning to end."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tieout.connectors.float.paging import (
    WHOLE_WALK_EVERY,
    Answer,
    Cursor,
    Row,
    advance,
    check_order,
    finish,
    read_cursor,
    start,
)
from tieout.errors import ContractError

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
OVERLAP = timedelta(minutes=5)
PER_PAGE = 3


def page(ids: list[int], number: int) -> Answer:
    shown = ids[(number - 1) * PER_PAGE : number * PER_PAGE]
    return Answer(
        rows=[Row(one, f"2026-11-01 08:00:{one % 60:02d}") for one in shown],
        digest=str(shown),
        page_count=max(-(-len(ids) // PER_PAGE), 1),
    )


@given(
    count=st.integers(min_value=0, max_value=20),
    doings=st.lists(st.tuples(st.booleans(), st.integers(min_value=0, max_value=19)), max_size=12),
)
def test_what_stays_is_read_whatever_is_deleted_or_added_between_two_pages(
    count: int, doings: list[tuple[bool, int]]
) -> None:
    ids = list(range(1, count + 1))
    staying, seen, pending = set(ids), set[int](), list(doings)
    walk = start(Cursor(), NOW, overlap=None)
    for _ in range(100):
        answer = page(ids, max(walk.page, 1))
        step = advance(walk, answer, parts=1)
        if step.is_kept:
            seen |= {one.id for one in answer.rows if one.id is not None}
        if step.is_last:
            break
        walk = step.walk
        if pending:
            adds, place = pending.pop()
            if adds:
                ids.append(max([count, *ids]) + 1)
            elif ids:
                staying.discard(ids.pop(place % len(ids)))
    assert staying <= seen


def test_a_list_is_asked_for_changes_until_a_whole_walk_is_due() -> None:
    walk = start(Cursor(), NOW, overlap=OVERLAP)
    assert walk.since is None
    cursor = finish(Cursor(), advance(walk, page([1, 2], 1), parts=1).walk)
    soon = start(cursor, NOW + timedelta(minutes=1), overlap=OVERLAP)
    assert soon.since == "2026-11-01 07:55:02"
    assert start(cursor, NOW + WHOLE_WALK_EVERY, overlap=OVERLAP).since is None
    assert start(cursor, NOW + timedelta(minutes=1), overlap=None).since is None


def test_a_walk_through_changes_never_moves_the_position_back() -> None:
    cursor = Cursor(newest="2026-11-01 09:00:00", whole_at=NOW)
    walk = advance(start(cursor, NOW, overlap=OVERLAP), page([1], 1), parts=1).walk
    assert finish(cursor, walk).newest == "2026-11-01 09:00:00"


def test_a_cursor_is_read_as_it_was_written() -> None:
    cursor = Cursor(newest="2026-11-01 09:00:00", whole_at=NOW, seen=("a",), walk=start(Cursor(), NOW, overlap=None))
    assert read_cursor(cursor.text()) == cursor


def test_a_list_that_could_hide_rows_is_refused() -> None:
    with pytest.raises(ContractError, match="order of ids"):
        check_order([Row(2, None), Row(1, None)], "/tasks")
    full = Answer(rows=[Row(one, None) for one in range(200)], digest="", page_count=None)
    with pytest.raises(ContractError, match="how many pages"):
        advance(start(Cursor(), NOW, overlap=None), full, parts=1)
