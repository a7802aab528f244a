"""What is told is what differs: added up over all files it is what was accepted, whatever came in between."""

from datetime import date
from decimal import Decimal

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tieout.streams.hours_to_payroll.hours import Cell, File, Home, command_of, differences
from tieout.streams.hours_to_payroll.pay_period import Period

_cells = st.builds(
    Cell,
    resource_id=st.integers(1, 3),
    work_date=st.dates(date(2026, 7, 1), date(2026, 7, 3)),
    work_type=st.integers(1, 3),
)
_hours = st.decimals(min_value=0, max_value=24, places=4)
_ledgers = st.dictionaries(_cells, _hours, max_size=9)


@given(st.lists(_ledgers, max_size=6))
def test_all_files_together_say_what_the_ledger_has_accepted_last(ledgers: list[dict[Cell, Decimal]]) -> None:
    told: dict[Cell, Decimal] = {}
    for accepted in ledgers:
        for cell, hours in differences(accepted, told).items():
            told[cell] = told.get(cell, Decimal(0)) + hours
    last = ledgers[-1] if ledgers else {}
    assert {cell: hours for cell, hours in told.items() if hours} == {c: h for c, h in last.items() if h}


@given(_ledgers)
def test_what_was_told_is_never_told_again(accepted: dict[Cell, Decimal]) -> None:
    assert differences(accepted, differences(accepted, {})) == {}


def file(hours: str = "7.5000", sequence: int = 1) -> File:
    return File(
        home=Home("payroll", 5),
        period=Period(date(2026, 7, 1), date(2026, 8, 1), "2026-07"),
        sequence=sequence,
        correction=False,
        lines={Cell(1, date(2026, 7, 1), 1): Decimal(hours), Cell(1, date(2026, 7, 1), 2): Decimal(10)},
    )


def test_a_file_is_a_command_with_the_payrolls_own_numbers() -> None:
    command, _ = command_of(file(), entity="US01", numbers={1: "017"})
    assert [(one.employee_number, one.time_type, str(one.hours)) for one in command.lines] == [
        ("017", "regular", "7.5"),
        ("017", "overtime", "10"),
    ]
    assert (command.hours, command.period, command.sequence) == (Decimal("17.5"), "2026-07", 1)


def test_the_same_file_has_the_same_reference_after_a_restore_and_another_one_another() -> None:
    made = [
        command_of(one, entity="US01", numbers={1: number})[0].reference
        for one, number in ((file(), "017"), (file(), "017"), (file("7.25"), "017"), (file(sequence=2), "017"))
    ]
    assert made[0] == made[1]
    assert len(set(made)) == 3
    assert msgspec.structs.asdict(command_of(file(), entity="US01", numbers={1: "017"})[0])["reference"] == made[0]
