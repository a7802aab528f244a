"""What the documents name exists, and what exists is documented."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
import typer

from tieout.api.metrics import METRICS
from tieout.cli.app import app
from tieout.errors import CATALOGUE
from tieout.model.finding_codes import CATALOGUE as FINDINGS
from tieout.model.firm import DeliveryPolicy, EntityPolicy, SystemConfig
from tieout.model.labour_policy import LabourPolicy
from tieout.model.notice_policy import NoticeChannel, NoticePolicy
from tieout.model.oversight import (
    DeletionSweep,
    Intake,
    Oversight,
    QualityOverride,
    QualityPolicy,
    Schedule,
    SubscriptionDoor,
    WebhookDoor,
)
from tieout.model.service_level import (
    EscalationStep,
    Exceptions,
    PlanUpdated,
    ProjectCreated,
    Proof,
    ServiceLevels,
    TimePosted,
)
from tieout.model.stream_policy import LeadToProject, TaskTemplate

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "tieout"
REFERENCE = ROOT / "docs" / "reference"


def commands() -> dict[str, set[str]]:
    """Every command with its long options."""
    found: dict[str, set[str]] = {}

    def walk(prefix: str, command: Any) -> None:
        if hasattr(command, "list_commands"):
            for name in command.list_commands(None):
                walk(f"{prefix} {name}", command.get_command(None, name))
            return
        options = {option for one in command.params for option in one.opts if option.startswith("--")}
        found[prefix] = options - {"--home", "--help"}

    walk("tieout", typer.main.get_command(app))
    return found


def documented_commands() -> dict[str, set[str]]:
    rows = re.findall(r"^\| `(tieout [a-z -]+)` \| (.*) \|$", (REFERENCE / "commands.md").read_text(), re.MULTILINE)
    return {name: set(re.findall(r"`(--[a-z-]+)`", words)) for name, words in rows}


def test_every_command_and_option_is_documented_and_the_other_way_round() -> None:
    documented = documented_commands()
    for name, options in commands().items():
        assert name in documented, name
        assert documented[name] == options, name
    assert documented.keys() == commands().keys()


@pytest.mark.parametrize(
    "struct",
    [
        SystemConfig,
        EntityPolicy,
        DeliveryPolicy,
        LeadToProject,
        TaskTemplate,
        Oversight,
        Schedule,
        DeletionSweep,
        QualityPolicy,
        QualityOverride,
        WebhookDoor,
        Intake,
        SubscriptionDoor,
        LabourPolicy,
        ServiceLevels,
        TimePosted,
        PlanUpdated,
        ProjectCreated,
        Proof,
        Exceptions,
        EscalationStep,
        NoticePolicy,
        NoticeChannel,
    ],
)
def test_every_setting_of_the_firm_directory_is_documented(struct: type[msgspec.Struct]) -> None:
    text = (REFERENCE / "firm-directory.md").read_text()
    given_by_place = {"name", "entity"}
    missing = [
        field
        for field in struct.__struct_encode_fields__
        if field not in given_by_place and not re.search(rf"[`\[.]{field}[`\]]", text)
    ]
    assert missing == []


def test_every_error_code_in_the_code_is_in_the_catalogue_and_the_other_way_round() -> None:
    text = "\n".join(path.read_text() for path in SOURCE.rglob("*.py"))
    used = set(re.findall(r'code="(TIE-[A-Z]+-\d{3})"', text)) | set(re.findall(r'"(TIE-API-\d{3})"', text))
    assert used - CATALOGUE.keys() == set()
    elsewhere = "\n".join(path.read_text() for path in SOURCE.rglob("*.py") if path.parent != SOURCE / "errors")
    mentioned = set(re.findall(r"TIE-[A-Z]+-\d{3}", elsewhere))
    assert CATALOGUE.keys() - mentioned == set()


def test_every_metric_is_documented_with_its_labels_and_the_other_way_round() -> None:
    rows = re.findall(
        r"^\| `(tieout_[a-z_]+)` \| (.*) \| (.*) \|$", (REFERENCE / "metrics.md").read_text(), re.MULTILINE
    )
    documented = {name: (words, tuple(re.findall(r"`([a-z]+)`", labels))) for name, labels, words in rows}
    assert documented == METRICS


def test_every_finding_code_that_rules_use_is_in_the_catalogue() -> None:
    text = "\n".join(path.read_text() for path in SOURCE.rglob("*.py") if path.name != "finding_codes.py")
    used = set(re.findall(r'finding\(\s*"([A-Z_]+)"', text))
    assert used <= FINDINGS.keys()


def test_the_generated_reference_pages_are_those_of_the_code() -> None:
    script = f"import runpy; pages = runpy.run_path({str(ROOT / 'tools' / 'reference_pages.py')!r})['pages']()\n"
    script += "import msgspec, sys; sys.stdout.buffer.write(msgspec.json.encode(pages))"
    made = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout
    for name, page in msgspec.json.decode(made, type=dict[str, str]).items():
        assert (REFERENCE / name).read_text() == page, f"run python tools/reference_pages.py ({name})"


def test_the_map_in_the_readme_is_the_tree() -> None:
    mapped = re.findall(r"^\| `([a-z]+)` \|", (ROOT / "README.md").read_text(), re.MULTILINE)
    tree = [path.name for path in SOURCE.iterdir() if (path / "__init__.py").exists()]
    assert sorted(mapped) == sorted(tree)


@pytest.mark.parametrize(
    "page", sorted(ROOT.glob("*.md")) + sorted((ROOT / "docs").rglob("*.md")), ids=lambda one: one.name
)
def test_links_between_the_documents_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_every_decision_names_the_rule_that_enforces_it() -> None:
    for page in (ROOT / "docs" / "decisions").glob("*.md"):
        text = page.read_text()
        for heading in ("**Context.**", "**Decision.**", "**Consequences.**", "**Enforced by.**"):
            assert heading in text, f"{page.name}: {heading}"


def test_the_commands_in_the_tutorial_exist() -> None:
    text = "\n".join(path.read_text() for path in (ROOT / "docs").rglob("*.md"))
    known = commands()
    for words in re.findall(r"tieout ((?:[a-z][a-z-]+ ?){1,2})", "\n".join(re.findall(r"`([^`]+)`", text))):
        first = words.strip()
        assert any(
            f"{name} ".startswith(f"tieout {first} ") or name == f"tieout {first.split()[0]}" for name in known
        ), first


def test_what_the_page_on_security_names_as_shown_is_a_test() -> None:
    page = (ROOT / "docs" / "security.md").read_text()
    source = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    known = set(re.findall(r"^(?:async )?def (test_\w+)\(", source, re.MULTILINE))
    assert set(re.findall(r"`(test_\w+)`", page)) - known == set()


def test_each_section_on_the_page_on_security_is_decided_with_a_test_or_a_reason() -> None:
    page = (ROOT / "docs" / "security.md").read_text()
    rows = re.findall(r"^\| ((?:API|V)\d+(?:\.\d+)?) [^|]+\| ([^|]+?) \| (.+) \|$", page, re.MULTILINE)
    names = [name for name, _, _ in rows]
    assert [name for name in names if name.startswith("API")] == [f"API{number}" for number in range(1, 11)]
    assert {int(re.split(r"\D", name[1:])[0]) for name in names if name.startswith("V")} == set(range(1, 18))
    assert len(names) == len(set(names))
    for name, status, shown in rows:
        assert status.startswith(("met", "in part", "not met", "does not apply")), name
        reason = re.sub(r"`test_\w+`[, ]*", "", shown)
        if status.startswith("met"):
            assert "`test_" in shown or "](" in shown or reason.strip() == "below", f"{name}: shown by nothing"
        else:
            assert len(reason.split()) >= 3, f"{name}: says no reason"
