"""Labour policies of a firm are read whole, and the table that chooses from them names no other."""

from pathlib import Path

import pytest

from tieout.model.labour_policy import LabourPolicy
from tieout.runtime.firm.differences import differences
from tieout.runtime.firm.directory import read_firm
from tieout.runtime.firm.problems import FirmInvalidError

HEADER = "system,entity,source,target,valid_from,valid_to\n"


def written(directory: Path, policies: str, table: str = "") -> Path:
    (directory / "mappings").mkdir(parents=True, exist_ok=True)
    (directory / "tieout.toml").write_text('name = "Northwind"\n')
    (directory / "labour_policies.toml").write_text(policies)
    (directory / "mappings" / "labour_policies.csv").write_text(HEADER + table)
    return directory


def mistakes(directory: Path) -> list[str]:
    with pytest.raises(FirmInvalidError) as refused:
        read_firm(directory)
    return [one.describe() for one in refused.value.problems]


def test_policies_are_part_of_the_firm_and_of_its_differences(tmp_path: Path) -> None:
    before = read_firm(written(tmp_path, "[interns]\nweekly_hours = 20\n", "*,*,intern,interns,2026-01-01,\n"))
    assert before.labour["interns"].max_day_hours is None
    after = read_firm(written(tmp_path, "[interns]\nweekly_hours = 20\nmax_day_hours = 6\n"))
    assert after.labour["interns"] == LabourPolicy(
        weekly_hours=before.labour["interns"].weekly_hours, max_day_hours=after.labour["interns"].max_day_hours
    )
    said = [one.words() for one in differences(before, after)]
    assert "~ labour_policies.toml: interns.max_day_hours None -> 6" in said


@pytest.mark.parametrize(
    ("policies", "table", "why"),
    [
        ("[interns]\nweekly_hours = 0\n", "", "[interns] weekly_hours is 0"),
        ("[interns]\nweekly_hours = 169\n", "", "at most 168 hours"),
        ("[interns]\nmax_day_hours = 25\n", "", "at most 24 hours"),
        ("[interns]\nmax_day_hours = nan\n", "", "max_day_hours is"),
        ("[interns]\n", "", "says nothing"),
        ("[interns]\novertime = 8\n", "", "unknown field `overtime`"),
        ("interns = 3\n", "", "[interns]"),
        ("[interns]\nweekly_hours = 20\n", "*,*,intern,trainees,,\n", "no labour policy 'trainees'"),
        ("[interns]\nweekly_hours = 20\n", "hcm,*,intern,interns,,\n", "for hcm only"),
    ],
)
def test_what_cannot_be_meant_is_told(tmp_path: Path, policies: str, table: str, why: str) -> None:
    [said] = mistakes(written(tmp_path, policies, table))
    assert why in said
