"""Text in tables that people open in a spreadsheet, made so that no cell runs as a formula. Pure.

Every writer of CSV or of a workbook for people passes its cells through ``harmless``.
"""

from typing import Final

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 - what spreadsheets take for these too
_NUMBER: Final = frozenset("+-0123456789.,' ")


def harmless(cell: str) -> str:
    """A cell that no spreadsheet runs as a formula; numbers stay as they are.

    By the OWASP's list for CSV injection: what begins with one of these signs is made text by an apostrophe before it,
    behind blanks and quotes too, which some spreadsheets pass over.
    """
    if cell.lstrip(" \"'\u00a0").startswith(_FORMULA) and not set(cell) <= _NUMBER:
        return f"'{cell}"
    return cell
