"""A consumer finds out before a release whether what it relies on is kept."""

from pathlib import Path

import pytest

from tieout.errors import ConfigurationError
from tieout.governance.consumer_contract import RequestNeed, check_answer, check_schemas, read_contract

CONTRACT = """
consumer = "warehouse"

[[event]]
name = "time.posted"
reads = ["delivery_id", "hours"]

[[object]]
name = "time_entry"
[object.sends]
source_id = "te-1"
version = 1
state = "approved"
person = "ada"
project = "P-001"
work_date = "2026-10-01"
hours = "7.5"
billable = true

[[request]]
path = "/health"
[request.answer]
type = "object"
required = ["status"]
"""


def problems(tmp_path: Path, text: str) -> list[tuple[str, tuple[str, ...]]]:
    path = tmp_path / "contract.toml"
    path.write_text(text)
    return [(one.need, one.problems) for one in check_schemas(read_contract(path))]


def test_what_is_published_keeps_the_contract(tmp_path: Path) -> None:
    assert problems(tmp_path, CONTRACT) == [("event/time.posted", ()), ("object/time_entry", ())]


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ('"hours"]', '"hours", "approver"]', "approver is not told in version 1"),
        ('name = "time.posted"', 'name = "time.lost"', "No schema event/time.lost is published in version 1."),
        (
            'name = "time.posted"',
            'name = "time.posted"\nversion = 7',
            "No schema event/time.posted is published in version 7.",
        ),
        ('hours = "7.5"', "hours = true", "hours: True is not of type 'string'"),
        ('state = "approved"', 'state = "sealed"', "state: 'sealed' is not one of"),
        ('person = "ada"', "", "it: 'person' is a required property"),
        ("billable = true", 'billable = true\nmood = "good"', "mood is not taken"),
    ],
)
def test_what_is_not_kept_is_named(tmp_path: Path, before: str, after: str, why: str) -> None:
    found = [words for _, problem in problems(tmp_path, CONTRACT.replace(before, after, 1)) for words in problem]
    assert len(found) == 1
    assert found[0].startswith(why)


def test_an_answer_is_held_against_status_and_schema(tmp_path: Path) -> None:
    path = tmp_path / "contract.toml"
    path.write_text(CONTRACT)
    contract = read_contract(path)
    [need] = contract.request
    assert check_answer(contract, need, status=200, body={"status": "ok"}).problems == ()
    assert check_answer(contract, need, status=200, body={}).problems == ("it: 'status' is a required property",)
    assert check_answer(contract, need, status=404, body={}).problems == ("it answers 404, not 200",)
    unsound = RequestNeed(path="/health", answer={"type": "thing"})
    assert check_answer(contract, unsound, status=200, body={}).problems[0].startswith("the schema of the contract")


@pytest.mark.parametrize("text", ["consumer = ", "[[event]]\nname = 'x'", "consumer = 'a'\nfoo = 1"])
def test_a_file_that_is_no_contract_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigurationError, match="TIE-SCHEMA-002"):
        problems(tmp_path, text)
