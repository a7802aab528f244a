"""Whatever is written as COPY text comes back from PostgreSQL as it was."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import IntEnum, StrEnum
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tieout.errors import InvariantError
from tieout.storage.copying import ID_BLOCK, CopyValue, copy_lines, copy_rows, copy_text, take_ids
from tieout.storage.embedded import EmbeddedPostgres
from tieout.storage.pool import Row, connect, conninfo

COLUMNS = ["n", "amount", "name", "raw", "flag", "day", "instant", "id"]
rows = st.tuples(
    st.none() | st.integers(-(2**63), 2**63 - 1),
    st.none() | st.decimals(allow_nan=False, allow_infinity=False, places=6),
    st.none() | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    st.none() | st.binary(),
    st.none() | st.booleans(),
    st.none() | st.dates(),
    st.none() | st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1), timezones=st.timezones()),  # noqa: DTZ001 - Hypothesis adds the zone
    st.none() | st.uuids(),
)


class State(StrEnum):
    OPEN = "open"


class Kind(IntEnum):
    COST = 3


@pytest.fixture(scope="module")
def table_url(postgres_server: EmbeddedPostgres) -> Iterator[str]:
    url = postgres_server.url
    with connect(url) as conn:
        conn.execute("create schema if not exists tieout")
        conn.execute("drop table if exists round_trip")
        conn.execute(
            "create table round_trip (n bigint, amount numeric, name text, raw bytea, flag boolean, day date,"
            " instant timestamptz, id uuid)"
        )
        conn.execute("drop sequence if exists line_seq")
        conn.execute("create sequence line_seq")
    yield url
    with connect(url) as conn:
        conn.execute("drop table round_trip")
        conn.execute("drop sequence line_seq")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(rows, min_size=1, max_size=20))
def test_rows_come_back_as_they_were(table_url: str, written: list[tuple[CopyValue, ...]]) -> None:
    with connect(table_url) as conn, conn.cursor() as cur:
        copy_rows(cur, "round_trip", COLUMNS, written)
        found: list[Row] = cur.execute("select * from round_trip").fetchall()
        conn.rollback()
    assert sorted(map(repr, found)) == sorted(repr(as_read(row)) for row in written)


def as_read(row: tuple[CopyValue, ...]) -> tuple[CopyValue, ...]:
    return tuple(value.astimezone(UTC) if isinstance(value, datetime) else value for value in row)


@pytest.mark.parametrize(
    "value",
    ["a\0b", Decimal("NaN"), Decimal("Infinity"), datetime(2026, 1, 1), 1.5, object()],  # noqa: DTZ001 - a naive instant is the case
)
def test_what_has_no_place_in_a_table_is_refused(value: CopyValue) -> None:
    with pytest.raises(InvariantError) as caught:
        copy_text(value)
    assert caught.value.code == "TIE-STORE-008"


def test_half_a_surrogate_pair_is_refused(table_url: str) -> None:
    with connect(table_url) as conn, conn.cursor() as cur, pytest.raises(InvariantError):
        copy_lines(cur, "round_trip", ["name"], ["\ud800"])


def test_members_of_enumerations_are_written_as_their_values() -> None:
    assert copy_text(State.OPEN) == "open"
    assert copy_text(Kind.COST) == "3"
    assert copy_text(UUID(int=1)) == str(UUID(int=1))
    assert copy_text(date(2026, 12, 31)) == "2026-12-31"


def test_nothing_to_copy_is_no_statement(table_url: str) -> None:
    with connect(table_url) as conn, conn.cursor() as cur:
        copy_rows(cur, "no_such_table", ["n"], [])


def test_more_lines_than_one_write_holds_all_arrive(table_url: str) -> None:
    with connect(table_url) as conn, conn.cursor() as cur:
        copy_lines(cur, "round_trip", ["n"], (str(n) for n in range(10_000)))
        assert cur.execute("select count(*), sum(n) from round_trip").fetchone() == (10_000, 49_995_000)
        conn.rollback()


def test_blocks_of_ids_never_overlap(table_url: str) -> None:
    with connect(table_url) as one, connect(table_url) as other:
        first, second = take_ids(one.cursor(), "line_seq"), take_ids(other.cursor(), "line_seq")
        assert abs(first - second) == ID_BLOCK
        assert conninfo(table_url, application="x")
