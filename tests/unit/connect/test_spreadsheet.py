"""No cell that a person opens in a spreadsheet runs as a formula."""

import pytest

from tieout.connect.spreadsheet import harmless


@pytest.mark.parametrize(
    "cell",
    [
        "=1+1",
        "=cmd|' /C calc'!A0",
        "+cmd|' /C calc'!A0",
        "-2+3+cmd|' /C calc'!A0",
        "@SUM(1+1)*cmd|' /C calc'!A0",
        "\t=1+1",
        "\r=1+1",
        "\n=1+1",
        ' "=HYPERLINK(""http://x"")"',
        "＝1+1",  # noqa: RUF001 - a wide equals sign
        "＠SUM(A1)",  # noqa: RUF001 - a wide at sign
    ],
)
def test_what_would_run_is_made_text(cell: str) -> None:
    assert harmless(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "Ada", "-12.50", "+7,5", "P-001", "a=b", "ada@example.com", "7.5"])
def test_text_and_numbers_stay_as_they_are(cell: str) -> None:
    assert harmless(cell) == cell
