"""Files cut into rows of named columns, and rows made into files. Pure.

Text is decoded strictly as declared: a byte that the encoding does not have refuses the file, nothing is guessed. Cells
that a spreadsheet would run as a formula are written with an apostrophe before them. Neighbours: ``definition`` has the
layouts, ``workbook`` cuts XLSX, ``controls`` holds what was cut against the trailer.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

import msgspec

from tieout.connect.spreadsheet import harmless
from tieout.connectors.files.definition import Layout, Trailer
from tieout.connectors.files.workbook import is_archive, sheet_rows
from tieout.errors import ContractError

Row: TypeAlias = dict[str, str]


class Cut(msgspec.Struct, frozen=True, kw_only=True):
    """A file cut open: its rows, its trailer's cells where it has one, and the bytes before the trailer's line."""

    rows: list[Row]
    trailer: Row | None
    before_trailer: bytes


def cut(content: bytes, layout: Layout, *, max_rows: int) -> Cut:
    """The rows of a file. Raises ContractError (TIE-FILES-002) for a file that is not as its layout says."""
    if layout.format == "xlsx":
        return _cells_cut(sheet_rows(content, sheet=layout.sheet, max_rows=max_rows + layout.skip + 2), layout, content)
    text = _decoded(content, layout)
    if layout.format == "fixed":
        return _fixed_cut(text, layout, content, max_rows=max_rows)
    try:
        lines = list(_csv_lines(text, layout, max_rows=max_rows + layout.skip + 2))
    except csv.Error as error:
        raise _refused(f"it is no CSV: {error}") from error
    return _cells_cut(lines, layout, content)


def written(rows: Sequence[Mapping[str, str]], columns: Sequence[str], layout: Layout, trailer: Row | None) -> bytes:
    """The bytes of a file with ``rows``; ``trailer`` are its cells, to be added as the last line.

    Raises ContractError (TIE-FILES-002) for a value that the layout cannot hold.
    """
    try:
        lines = (
            _fixed_lines(rows, layout, trailer)
            if layout.format == "fixed"
            else _csv_text(rows, columns, layout, trailer)
        )
        return "".join(lines).encode(layout.encoding)
    except UnicodeEncodeError as error:
        raise _refused(f"{error.object[error.start]!r} cannot be written as {layout.encoding}") from error


def is_complete(content: bytes, layout: Layout) -> bool:
    """Whether a file that does not change any more has its end: its trailer, or the directory of a workbook."""
    if layout.format == "xlsx":
        return is_archive(content)
    if layout.trailer is None:
        return True
    lines = content.decode(layout.encoding, errors="replace").rstrip("\r\n \x00").splitlines()
    last, mark = lines[-1] if lines else "", layout.trailer.mark
    if layout.format == "fixed":
        return last.startswith(mark)
    return last.split(layout.delimiter)[0].strip(layout.quote) == mark


def _decoded(content: bytes, layout: Layout) -> str:
    try:
        return content.decode(layout.encoding)
    except UnicodeDecodeError as error:
        raise _refused(f"it is not {layout.encoding} from byte {error.start} on") from error


def _csv_lines(text: str, layout: Layout, *, max_rows: int) -> Iterator[list[str]]:
    if "\x00" in text:
        raise _refused("it holds a NUL character")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=layout.delimiter, quotechar=layout.quote, strict=True)
    for number, line in enumerate(reader):
        if number >= max_rows:
            raise _refused(f"it has more than {max_rows} lines")
        if line:
            yield line


def _cells_cut(lines: Iterable[Sequence[str]], layout: Layout, content: bytes) -> Cut:
    body = list(lines)[layout.skip :]
    names = _names(body, layout)
    last = _last_line(body, layout.trailer)
    rows = []
    for number, line in enumerate(body, start=1):
        if len(line) != len(names):
            raise _refused(f"row {number} has {len(line)} cells, {len(names)} are expected")
        rows.append(dict(zip(names, line, strict=True)))
    return Cut(rows=rows, trailer=last, before_trailer=_before_last_line(content) if last is not None else content)


def _names(body: list[Sequence[str]], layout: Layout) -> Sequence[str]:
    """The columns; a header is taken from ``body``."""
    if not layout.header:
        return layout.columns
    if not body:
        raise _refused("it is empty")
    names = [name.strip() for name in body.pop(0)]
    if any(name not in names for name in layout.columns) or len(set(names)) != len(names):
        raise _refused(f"its header has not each of {', '.join(layout.columns)} once")
    return names


def _last_line(body: list[Sequence[str]], trailer: Trailer | None) -> Row | None:
    """The cells of the trailer, which is taken from ``body``."""
    if trailer is None:
        return None
    if not body or not body[-1] or body[-1][0] != trailer.mark:
        raise _refused(f"its last line is no trailer ({trailer.mark})")
    last = dict(zip(trailer.columns, body.pop(), strict=False))
    if any(line and line[0] == trailer.mark for line in body):
        raise _refused("it has more than one trailer")
    return last


def _fixed_cut(text: str, layout: Layout, content: bytes, *, max_rows: int) -> Cut:
    lines = text.split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    lines = [line.removesuffix("\r") for line in lines][layout.skip :]
    if len(lines) > max_rows + 1:
        raise _refused(f"it has more than {max_rows} lines")
    last = None
    trailer = layout.trailer
    if trailer is not None:
        if not lines or not lines[-1].startswith(trailer.mark):
            raise _refused(f"its last line is no trailer ({trailer.mark})")
        last = _cells(lines.pop(), trailer.positions, "the trailer")
    rows = [_cells(line, layout.positions, f"row {number}") for number, line in enumerate(lines, start=1)]
    return Cut(rows=rows, trailer=last, before_trailer=_before_last_line(content) if last is not None else content)


def _cells(line: str, positions: Mapping[str, tuple[int, int]], what: str) -> Row:
    length = max(start - 1 + width for start, width in positions.values())
    if len(line) < length:
        raise _refused(f"{what} has {len(line)} characters, {length} are expected")
    return {name: line[start - 1 : start - 1 + width].strip() for name, (start, width) in positions.items()}


def _csv_text(rows: Sequence[Mapping[str, str]], columns: Sequence[str], layout: Layout, trailer: Row | None) -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=layout.delimiter, quotechar=layout.quote, lineterminator=layout.line_end)
    if layout.header:
        writer.writerow(columns)
    for row in rows:
        writer.writerow([harmless(row.get(name, "")) for name in columns])
    if trailer is not None and layout.trailer is not None:
        writer.writerow([trailer.get(name, "") for name in layout.trailer.columns])
    return out.getvalue()


def _fixed_lines(rows: Sequence[Mapping[str, str]], layout: Layout, trailer: Row | None) -> Iterator[str]:
    for row in rows:
        yield _fixed_line(row, layout.positions) + layout.line_end
    if trailer is not None and layout.trailer is not None:
        yield _fixed_line(trailer, layout.trailer.positions) + layout.line_end


def _fixed_line(row: Mapping[str, str], positions: Mapping[str, tuple[int, int]]) -> str:
    line = [" "] * max(start - 1 + width for start, width in positions.values())
    for name, (start, width) in positions.items():
        value = row.get(name, "")
        if len(value) > width or "\n" in value or "\r" in value:
            raise _refused(f"{name} {value!r} does not fit into {width} characters of one line")
        line[start - 1 : start - 1 + width] = value.ljust(width)
    return "".join(line)


def _before_last_line(content: bytes) -> bytes:
    """All bytes before the last line that is not empty."""
    end = len(content.rstrip(b"\r\n \x00"))
    return content[: content.rfind(b"\n", 0, end) + 1]


def _refused(why: str) -> ContractError:
    return ContractError(code="TIE-FILES-002", message=f"The file cannot be taken: {why}.")
