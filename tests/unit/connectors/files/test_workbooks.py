"""Workbooks are read as text, and what could blow up is refused before it is opened."""

import io
import zipfile
from datetime import date

import openpyxl  # type: ignore[import-untyped]  # it has no types of its own
import pytest

from tieout.connectors.files.workbook import MAX_MEMBERS, judge_archive, sheet_rows
from tieout.errors import ContractError


def workbook(*rows: tuple[object, ...]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def archive(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members.items():
            made.writestr(name, content)
    return out.getvalue()


def refusal(content: bytes) -> str:
    with pytest.raises(ContractError) as refused:
        list(sheet_rows(content, sheet=None, max_rows=100))
    assert refused.value.code == "TIE-FILES-003"
    return refused.value.message


def test_numbers_days_and_truth_come_as_exact_text() -> None:
    content = workbook(("Day", "Rate", "Whole", "On"), (date(2026, 7, 1), 0.1, 120.0, True), (None, 1234.56, 7, False))
    assert list(sheet_rows(content, sheet=None, max_rows=100)) == [
        ["Day", "Rate", "Whole", "On"],
        ["2026-07-01", "0.1", "120", "true"],
        ["", "1234.56", "7", "false"],
    ]


def test_a_zip_bomb_is_refused_by_its_ratio() -> None:
    assert "is packed more than" in refusal(archive(**{"xl/sheet.bin": b"\x00" * 20_000_000}))


def test_an_archive_of_very_many_members_is_refused() -> None:
    members = {f"{number}.bin": b"" for number in range(MAX_MEMBERS + 1)}
    assert "members" in refusal(archive(**members))


@pytest.mark.parametrize(
    "bomb",
    [
        b'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><x>&b;</x>',
        b'<?xml version="1.0"?><!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>',
        '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE x [<!ENTITY a "ha">]><x/>'.encode("utf-16"),
    ],
)
def test_xml_with_a_document_type_is_refused(bomb: bytes) -> None:
    assert "has a document type or entities" in refusal(archive(**{"xl/workbook.xml": bomb}))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no archive", b"Day,Rate\n1,2\n"])
def test_what_is_no_archive_is_refused(content: bytes) -> None:
    assert "no archive" in refusal(content)


def test_a_workbook_without_that_sheet_or_with_too_many_rows_is_refused() -> None:
    content = workbook(*((number,) for number in range(20)))
    with pytest.raises(ContractError, match="no workbook with that sheet"):
        list(sheet_rows(content, sheet="Nothing", max_rows=100))
    with pytest.raises(ContractError, match="more than 10 rows"):
        list(sheet_rows(content, sheet=None, max_rows=10))


def test_a_plain_workbook_passes() -> None:
    judge_archive(workbook(("a",)))
