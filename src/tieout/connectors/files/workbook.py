"""XLSX files as rows of text, with every way in which such a file can blow up refused before it is opened.

A workbook is a ZIP of XML: the archive's own directory is judged first (number of members, size and ratio of each, all
together), and XML with a document type is refused, since entities and outside references come from there. Neighbour:
``rows`` cuts what comes from here.
"""

import io
import zipfile
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Final

import openpyxl  # type: ignore[import-untyped]  # it has no types of its own
from openpyxl.utils.exceptions import InvalidFileException  # type: ignore[import-untyped]  # as above

from tieout.errors import ContractError

MAX_MEMBERS: Final = 1_000
MAX_UNPACKED_BYTES: Final = 256 * 1024 * 1024
MAX_RATIO: Final = 200
_SMALL: Final = 64 * 1024
"""What is smaller than this unpacked may be as well packed as it likes."""


def sheet_rows(content: bytes, *, sheet: str | None, max_rows: int) -> Iterator[list[str]]:
    """The rows of a sheet (None: the first) as text; empty rows are left out.

    Whole numbers have no decimals, other numbers the shortest text that is exactly what the file says; dates are ISO
    text. Raises ContractError (TIE-FILES-003) for a workbook that cannot or must not be opened.
    """
    judge_archive(content)
    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
        page = book[sheet] if sheet is not None else book.worksheets[0]
        for number, line in enumerate(page.iter_rows(values_only=True)):
            if number >= max_rows:
                raise _refused(f"it has more than {max_rows} rows")
            cells = [_text(value) for value in line]
            if any(cells):
                yield cells
    except (KeyError, IndexError, ValueError, TypeError, zipfile.BadZipFile, InvalidFileException) as error:
        raise _refused(f"it is no workbook with that sheet ({type(error).__name__})") from error


def is_archive(content: bytes) -> bool:
    """Whether the directory at the end of a workbook is there, so that it was written to its end."""
    return zipfile.is_zipfile(io.BytesIO(content))


def judge_archive(content: bytes) -> None:
    """Refuse what is no archive, unpacks to too much, or has XML with entities. Raises ContractError."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            if len(members) > MAX_MEMBERS:
                raise _refused(f"it has {len(members)} members, {MAX_MEMBERS} are allowed")
            if sum(one.file_size for one in members) > MAX_UNPACKED_BYTES:
                raise _refused(f"it unpacks to more than {MAX_UNPACKED_BYTES} bytes")
            for one in members:
                if one.file_size > _SMALL and one.file_size > MAX_RATIO * max(one.compress_size, 1):
                    raise _refused(f"{one.filename} is packed more than {MAX_RATIO} to one")
                if one.filename.endswith((".xml", ".rels")):
                    _judge_xml(archive, one)
    except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError, EOFError) as error:
        raise _refused(f"it is no archive that can be opened ({type(error).__name__})") from error


def _judge_xml(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """A document type stands before the first element or nowhere; a workbook has none."""
    with archive.open(member) as packed:
        prolog = packed.read(_SMALL).replace(b"\x00", b"").upper()
    if b"<!DOCTYPE" in prolog or b"<!ENTITY" in prolog:
        raise _refused(f"{member.filename} has a document type or entities")


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == datetime.min.time() else value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int | float | Decimal):
        # A workbook keeps numbers as binary fractions; the shortest text that means the same one is what was keyed.
        number = Decimal(str(value))
        return f"{number.normalize():f}" if number == number.to_integral_value() else f"{number:f}"
    return str(value)


def _refused(why: str) -> ContractError:
    return ContractError(code="TIE-FILES-003", message=f"The workbook cannot be taken: {why}.")
