"""Every mistake in a table is told by file and line, and none stops the reading of the others."""

from pathlib import Path

import pytest

from tieout.runtime.firm.problems import FirmProblem
from tieout.runtime.firm.tables import read_tables

MAPPING = b"system,entity,source,target,valid_from,valid_to\n"
RATE = b"scope,price,currency,valid_from\n"
FX = b"day,base,quote,rate\n"


def problems_of(directory: Path, file: str, content: bytes) -> list[FirmProblem]:
    path = directory / file
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    problems: list[FirmProblem] = []
    read_tables(directory, problems)
    return problems


@pytest.mark.parametrize(
    ("file", "content", "line"),
    [
        ("mappings/department.csv", b"", 1),
        ("mappings/department.csv", b"system,colour\n*,red\n", 1),
        ("mappings/department.csv", MAPPING + b"*,*,A,1,,\n*,*,B,,,\n", 3),
        ("mappings/department.csv", MAPPING + b"*,*,A\n", 2),
        ("mappings/department.csv", MAPPING + b"*,*,A,1,2026-02-30,\n", 2),
        ("mappings/department.csv", MAPPING + b"*,*,A,1,2026-02-01,2026-02-01\n", 2),
        ("mappings/department.csv", MAPPING + b"*,*,A,1,,\n*,*,A,2,,\n", 3),
        ("mappings/department.csv", MAPPING + b'*,*,"A,1,,\n', 2),
        ("mappings/department.csv", MAPPING + b"*,*,\xff,1,,\n", 1),
        ("mappings/bill_rates.csv", RATE + b"global,NaN,USD,2026-01-01\n", 2),
        ("mappings/bill_rates.csv", RATE + b"global,-1,USD,2026-01-01\n", 2),
        ("mappings/bill_rates.csv", RATE + b"global,1,EURO,2026-01-01\n", 2),
        ("mappings/bill_rates.csv", RATE + b"planet,1,EUR,2026-01-01\n", 2),
        ("fx.csv", FX + b"2026-01-01,EUR,USD,0\n", 2),
        ("fx.csv", FX + b"2026-01-01,EUR,XXQ,1\n", 2),
        ("fx.csv", FX + b"2026-13-01,EUR,USD,1\n", 2),
    ],
)
def test_a_mistake_is_named_by_file_and_line(tmp_path: Path, file: str, content: bytes, line: int) -> None:
    [problem] = problems_of(tmp_path, file, content)
    assert (problem.file, problem.line) == (file, line)
    assert problem.next_step


def test_the_lines_beside_a_mistake_are_read(tmp_path: Path) -> None:
    problems: list[FirmProblem] = []
    (tmp_path / "mappings").mkdir()
    (tmp_path / "mappings" / "department.csv").write_bytes(MAPPING + b"*,*,A,1,,\n*,*,B,,,\n*,*,C,3,,\n")
    mappings, rates, fx = read_tables(tmp_path, problems)
    assert [(one.source, one.target) for one in mappings] == [("A", "1"), ("C", "3")]
    assert (rates, fx, len(problems)) == ([], [], 1)
