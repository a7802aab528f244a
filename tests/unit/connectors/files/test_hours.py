"""Hours for a payroll as a file, and what its acknowledgement says was taken."""

from datetime import date
from decimal import Decimal
from importlib.resources import files
from pathlib import Path

import msgspec
import pytest

from tieout.connect.outcome import AlreadyDone, Echo, Outcome, Rejected, RejectionCode
from tieout.connectors.files.controls import check, hash_total
from tieout.connectors.files.definition import Outbox
from tieout.connectors.files.parsing import parse_definition
from tieout.connectors.files.rows import cut
from tieout.connectors.files.transport import LocalExchange
from tieout.connectors.files.write import FilesSink, content_of
from tieout.errors import ContractError
from tieout.model.payroll import HoursLine, PostPayrollHours

DEFINITION = parse_definition((files("tieout.connectors.files") / "sample.toml").read_text(encoding="utf-8"))
FILE = "HRS_US01_TIE-7.csv"
COMMAND = PostPayrollHours(
    reference="TIE-7",
    entity="US01",
    sequence=3,
    period="2026-07",
    starts=date(2026, 7, 1),
    ends=date(2026, 8, 1),
    correction=True,
    hours=Decimal("6.25"),
    lines=(
        HoursLine(employee_number="P-017", work_date=date(2026, 7, 1), time_type="regular", hours=Decimal("7.75")),
        HoursLine(employee_number="42", work_date=date(2026, 7, 2), time_type="overtime", hours=Decimal("-1.5")),
    ),
)


def outbox() -> Outbox:
    found = DEFINITION.outbox_of("post_payroll_hours")
    assert found is not None
    return found


def made_below(root: Path) -> list[Path]:
    return list(root.rglob("*.csv"))


async def answered(root: Path, suffix: str, answer: str) -> Outcome:
    (root / "answers").mkdir()
    (root / "answers" / f"{FILE}{suffix}").write_text(answer, encoding="utf-8")
    sink = FilesSink(LocalExchange(root), DEFINITION, answer_within_s=0.2)
    return (await sink.write([COMMAND]))[0]


def test_hours_are_one_line_each_and_the_trailer_has_their_count_sum_and_hash_total() -> None:
    lines = content_of(outbox(), COMMAND).decode().splitlines()
    assert lines[1:3] == [
        "TIE-7;3;US01;2026-07;P-017;01.07.2026;100;7,75",
        "TIE-7;3;US01;2026-07;42;02.07.2026;200;-1,5",
    ]
    assert lines[3].startswith("T;2;6,25;59;")


def test_a_file_whose_employee_numbers_were_altered_does_not_come_to_its_hash_total() -> None:
    layout = outbox().layout
    altered = content_of(outbox(), COMMAND).replace(b"P-017", b"P-071")
    with pytest.raises(ContractError, match="the hash total of number is 113, the trailer says 59"):
        check(cut(altered, layout, max_rows=10), layout)


def test_a_hash_total_counts_digits_and_nothing_else() -> None:
    assert hash_total(["P-017", "42", "none", ""]) == 59


async def test_the_acknowledgement_tells_the_hours_that_were_taken(tmp_path: Path) -> None:
    outcome = await answered(tmp_path, ".ok", "ref;rows;hours\n88;2;6,25\n")
    assert outcome == AlreadyDone(ref="88", echo=Echo(amount_minor=0, currency="", hours=Decimal("6.25")))


async def test_a_refused_file_of_hours_is_told_in_the_payrolls_words(tmp_path: Path) -> None:
    outcome = await answered(tmp_path, ".err", "code;text\nH20;There is no employee 42.\n")
    assert outcome == Rejected(code=RejectionCode.INVALID, words="There is no employee 42.", vendor_code="H20")


async def test_a_time_type_without_a_wage_type_is_refused_before_a_file_is_made(tmp_path: Path) -> None:
    odd = HoursLine(employee_number="1", work_date=date(2026, 7, 1), time_type="standby", hours=Decimal(1))
    command = msgspec.structs.replace(COMMAND, lines=(odd,))
    sink = FilesSink(LocalExchange(tmp_path), DEFINITION, answer_within_s=0.2)
    outcome = (await sink.write([command]))[0]
    assert isinstance(outcome, Rejected)
    assert "standby" in outcome.words
    assert made_below(tmp_path) == []
