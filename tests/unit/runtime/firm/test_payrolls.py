"""How a firm tells payrolls hours: read as it is meant, and every contradiction told at once."""

from datetime import date
from importlib.resources import files
from pathlib import Path

import pytest

from tieout.model.stream_policy import HoursToPayroll, PayPeriod
from tieout.runtime.firm.directory import read_firm
from tieout.runtime.firm.problems import FirmInvalidError

SYSTEM = """
connector = "files"
account = "payroll"
environment = "sandbox"
reads = ["people", "cost_rates"]
takes = ["post_payroll_hours"]

[settings]
url = "file:///srv/payroll"
definition = "payroll.toml"
"""
POLICY = """
functional_currency = "USD"

[accounts]
unbilled_receivable = "1200"
unbilled_revenue = "4000"
project_cost = "5000"
payroll_clearing = "2100"
"""
SECTION = """
[hours_to_payroll]
payrolls = { US01 = "payroll" }
first_day = 2026-07-01
pay_period = "two_weeks"
cut_off_days = 3
"""


def write(directory: Path, streams: str = SECTION, system: str = SYSTEM) -> Path:
    (directory / "systems").mkdir(parents=True)
    (directory / "policies").mkdir()
    (directory / "tieout.toml").write_text('name = "Northwind"\n')
    (directory / "payroll.toml").write_text((files("tieout.connectors.files") / "sample.toml").read_text("utf-8"))
    (directory / "systems" / "payroll.toml").write_text(system)
    (directory / "policies" / "US01.toml").write_text(POLICY)
    (directory / "streams.toml").write_text(streams)
    return directory


def test_the_section_is_read_and_is_part_of_the_version(tmp_path: Path) -> None:
    firm = read_firm(write(tmp_path))
    assert firm.streams.hours_to_payroll == HoursToPayroll(
        payrolls={"US01": "payroll"}, first_day=date(2026, 7, 1), pay_period=PayPeriod.TWO_WEEKS, cut_off_days=3
    )
    (system,) = firm.systems
    assert system.role == "payroll"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('US01 = "payroll"', 'US02 = "payroll"', "names legal entity US02, which has no policy"),
        ('US01 = "payroll"', 'US01 = "pay"', "names 'pay', which is no system"),
        ('{ US01 = "payroll" }', "{}", "payrolls names nobody"),
        ("cut_off_days = 3", "cut_off_days = -1", "cut_off_days is -1"),
        ("cut_off_days = 3", 'numbers_of = "hcm"', "numbers_of names 'hcm', which is no system"),
        ('"two_weeks"', '"fortnight"', "fortnight"),
    ],
)
def test_what_cannot_be_meant_is_told(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert old in SECTION
    with pytest.raises(FirmInvalidError) as refused:
        read_firm(write(tmp_path, SECTION.replace(old, new)))
    assert words in str(refused.value)


def test_a_payroll_that_takes_no_hours_and_hours_that_nobody_sends_are_told(tmp_path: Path) -> None:
    silent = SYSTEM.replace('takes = ["post_payroll_hours"]\n', "")
    with pytest.raises(FirmInvalidError, match="It pays US01, but takes no hours"):
        read_firm(write(tmp_path / "one", system=silent))
    with pytest.raises(FirmInvalidError, match="no legal entity is paid there"):
        read_firm(write(tmp_path / "two", streams=""))
