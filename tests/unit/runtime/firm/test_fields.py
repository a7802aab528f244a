"""Field mappings of a firm directory: what they fill, and every mistake in them."""

from importlib.resources import files
from pathlib import Path

import pytest

from tieout.model.field_mapping import CustomField, FilledField
from tieout.runtime.firm.directory import read_firm
from tieout.runtime.firm.problems import FirmInvalidError

POLICY = """
functional_currency = "USD"

[accounts]
unbilled_receivable = "1"
unbilled_revenue = "2"
project_cost = "3"
payroll_clearing = "4"
"""
REST = """
connector = "http"
account = "other"
environment = "sandbox"
posts_for = ["US01"]
takes = ["upsert_project"]

[settings]
base_url = "https://other.example"
definition = "other.toml"

[secrets]
client_secret = "env:SECRET"
"""


def directory(tmp_path: Path, more: str, ownership: str = "") -> Path:
    """A firm whose ledger is a REST system with ``more`` in its file."""
    root = tmp_path / "firm"
    for name in ("systems", "policies", "mappings"):
        (root / name).mkdir(parents=True)
    (root / "tieout.toml").write_text('name = "Northwind"\n')
    (root / "other.toml").write_text((files("tieout.connectors.http") / "sample.toml").read_text())
    (root / "systems" / "ledger.toml").write_text(REST + more)
    (root / "policies" / "US01.toml").write_text(POLICY)
    (root / "mappings" / "practices.csv").write_text("source,target\nDesign,300\n")
    (root / "ownership.toml").write_text(ownership)
    return root


def problems(root: Path) -> list[str]:
    with pytest.raises(FirmInvalidError) as refused:
        read_firm(root)
    return [one.message for one in refused.value.problems]


def test_fields_are_filled_and_kept_as_the_file_says(tmp_path: Path) -> None:
    root = directory(
        tmp_path,
        """
[[field]]
command = "post_journal"
field = "practice"
from = "project.service_line"
transform = ["strip", "table:practices"]
required = true

[[custom_field]]
object = "project"
field = "Practice"
as = "practice"
""",
    )
    (ledger,) = read_firm(root).systems
    assert ledger.fields == (
        FilledField(
            command="post_journal",
            field="practice",
            source="project.service_line",
            transform=("strip", "table:practices"),
            required=True,
        ),
    )
    assert ledger.fields[0].tables == ("practices",)
    assert ledger.custom_fields == (CustomField(object="project", field="Practice", name="practice"),)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ('command = "post_invoice"\nfield = "x"\nconstant = "1"', "that command has no fields to fill"),
        ('command = "upsert_task"\nfield = "x"\nconstant = "1"', "ledger is not sent that"),
        ('command = "post_journal"\nfield = "x"', "needs either from or constant"),
        ('command = "post_journal"\nfield = "x"\nfrom = "deal.name"', "is filled from 'deal.name'"),
        ('command = "post_journal"\nfield = "x"\nconstant = "1"\ntransform = ["uper"]', "no transform 'uper'"),
        ('command = "post_journal"\nfield = "x"\nfrom = "project.name"\ntransform = ["table:t"]', "has no line"),
        ('command = "post_journal"\nfield = "x"\nconstant = "1"\nentity = "FR01"', "which has no policy"),
        (
            'command = "post_journal"\nfield = "x"\nfrom = "client.credit_status"',
            "would decide the credit control, whose home is ledger itself",
        ),
    ],
)
def test_a_mapping_that_cannot_be_meant_is_a_problem_with_words(tmp_path: Path, lines: str, words: str) -> None:
    (message,) = problems(directory(tmp_path, f"\n[[field]]\n{lines}\n"))
    assert words in message


def test_a_field_is_filled_once(tmp_path: Path) -> None:
    one = '\n[[field]]\ncommand = "post_journal"\nfield = "x"\nconstant = "1"\n'
    assert problems(directory(tmp_path, one * 2)) == ["field 'x' of post_journal is filled twice for all."]


def test_a_custom_field_has_an_object_and_a_name(tmp_path: Path) -> None:
    kept = '\n[[custom_field]]\nobject = "proyect"\nfield = "Practice"\nas = "my practice"\n'
    assert len(problems(directory(tmp_path, kept))) == 2


def test_controls_are_registered_with_their_home(tmp_path: Path) -> None:
    control = '[[control]]\ncontrol = "tax"\nsystem = "ledger"\nentity = "US01"\n'
    (rule,) = read_firm(directory(tmp_path, "", control)).controls
    assert (str(rule.control), rule.system, rule.entity) == ("tax", "ledger", "US01")


def test_a_control_whose_home_is_unknown_is_a_problem(tmp_path: Path) -> None:
    assert problems(directory(tmp_path, "", '[[control]]\ncontrol = "tax"\nsystem = "erp"\n')) == [
        "The tax control has its home in erp, which is no system of the firm."
    ]


def test_a_misspelt_table_of_ownership_is_told(tmp_path: Path) -> None:
    assert problems(directory(tmp_path, "", '[[rules]]\nobject = "client"\n')) == ["There is no table 'rules'."]
