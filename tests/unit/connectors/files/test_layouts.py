"""Files are cut into rows and held against their trailers; what is not as agreed is refused as a whole."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tieout.connect.spreadsheet import harmless
from tieout.connectors.files.controls import check, trailer_of
from tieout.connectors.files.definition import Layout, Trailer
from tieout.connectors.files.rows import Row, cut, written
from tieout.errors import ContractError

RATES = Layout(
    format="csv",
    encoding="cp1252",
    delimiter=";",
    decimal=",",
    group=".",
    columns=("Name", "Satz"),
    trailer=Trailer(mark="SUM", columns=("mark", "rows", "total"), rows="rows", sums={"Satz": "total"}),
)
GOOD = "Name;Satz\r\nZoë;1.234,50\r\nAda;0,57\r\nSUM;2;1.235,07\r\n".encode("cp1252")
HOURS = Layout(
    format="fixed",
    positions={"person": (1, 6), "hours": (7, 6)},
    trailer=Trailer(
        mark="END",
        positions={"mark": (1, 3), "rows": (4, 3), "digest": (7, 64)},
        rows="rows",
        digest="digest",
    ),
)


def taken(content: bytes, layout: Layout = RATES) -> list[Row]:
    found = cut(content, layout, max_rows=100)
    check(found, layout)
    return found.rows


def refusal(content: bytes, layout: Layout = RATES) -> str:
    with pytest.raises(ContractError) as refused:
        taken(content, layout)
    return refused.value.message


def test_a_file_is_cut_by_its_header_and_its_trailer_is_no_row() -> None:
    assert taken(GOOD) == [{"Name": "Zoë", "Satz": "1.234,50"}, {"Name": "Ada", "Satz": "0,57"}]


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (GOOD.replace(b"SUM;2", b"SUM;3"), "it has 2 rows, the trailer says 3"),
        (GOOD.replace(b"1.235,07", b"1.235,01"), "Satz adds up to 1235.07, the trailer says 1.235,01"),
        (GOOD[: GOOD.index(b"SUM")], "its last line is no trailer"),
        (GOOD.replace(b"Ada;0,57", b"SUM;0,57"), "more than one trailer"),
        (GOOD.replace(b"Ada;0,57", b"Ada;0,57;9"), "row 2 has 3 cells, 2 are expected"),
        (GOOD.replace(b"Satz", b"Preis"), "its header has not each of Name, Satz once"),
        (GOOD.replace(b"Ada", b'"Ada'), "it is no CSV"),
        (b"", "it is empty"),
    ],
)
def test_a_file_that_is_not_as_agreed_is_refused_with_the_figures(broken: bytes, words: str) -> None:
    assert words in refusal(broken)


def test_a_byte_that_the_encoding_does_not_have_refuses_the_file() -> None:
    layout = msgspec.structs.replace(RATES, encoding="utf-8")
    assert "it is not utf-8 from byte" in refusal(GOOD, layout)


def test_a_half_written_file_is_no_whole_one_wherever_it_is_cut() -> None:
    end = len(GOOD.rstrip())
    for length in range(end):
        assert refusal(GOOD[:length])


def test_a_digest_covers_every_byte_before_the_trailer() -> None:
    rows = [{"person": "ada", "hours": "7.5"}, {"person": "bob", "hours": "8"}]
    before = written(rows, ("person", "hours"), HOURS, None)
    whole = written(rows, ("person", "hours"), HOURS, trailer_of(rows, HOURS, before))
    assert taken(whole, HOURS) == rows
    assert "its SHA-256 is" in refusal(whole.replace(b"ada", b"eve"), HOURS)


def test_a_value_that_does_not_fit_its_columns_is_refused_and_never_cut() -> None:
    with pytest.raises(ContractError, match="does not fit into 6 characters"):
        written([{"person": "longer than six", "hours": "1"}], ("person", "hours"), HOURS, None)


def test_a_character_that_the_encoding_does_not_have_cannot_be_written() -> None:
    with pytest.raises(ContractError, match="cannot be written as cp1252"):
        written([{"Name": "設計", "Satz": "1"}], ("Name", "Satz"), RATES, None)


@pytest.mark.parametrize(
    ("cell", "made"),
    [("=1+1", "'=1+1"), ("@cmd", "'@cmd"), ("-12,50", "-12,50"), ("+3", "+3"), ("-x", "'-x"), ("plain", "plain")],
)
def test_a_cell_that_a_spreadsheet_would_run_is_text(cell: str, made: str) -> None:
    assert harmless(cell) == made


_cells = st.text("aé\"';, =+-@1.\t設", max_size=12).filter(lambda one: one != "T" and harmless(one) == one)


@given(st.lists(st.tuples(_cells, _cells), max_size=20))
def test_what_is_written_is_read_back_equal_and_comes_to_its_own_trailer(lines: list[tuple[str, str]]) -> None:
    layout = Layout(
        format="csv",
        columns=("a", "b"),
        trailer=Trailer(mark="T", columns=("mark", "rows", "digest"), rows="rows", digest="digest"),
    )
    rows = [{"a": one or "x", "b": other} for one, other in lines]
    before = written(rows, ("a", "b"), layout, None)
    assert taken(written(rows, ("a", "b"), layout, trailer_of(rows, layout, before)), layout) == rows
