"""``service_levels.toml``: shipped figures, a firm's own, and what cannot be meant."""

from decimal import Decimal
from pathlib import Path

import pytest

from tieout.model.service_level import Domain, ServiceLevels
from tieout.runtime.firm.directory import read_firm
from tieout.runtime.firm.problems import FirmProblem
from tieout.runtime.firm.service_levels import read_service_levels


def read(table: dict[str, object]) -> tuple[ServiceLevels, list[str]]:
    problems: list[FirmProblem] = []
    found = read_service_levels(table, problems)
    assert {one.file for one in problems} <= {"service_levels.toml"}
    return found, [one.message for one in problems]


def test_the_shipped_figures_are_those_that_the_product_promises() -> None:
    levels, problems = read({})
    assert problems == []
    assert (levels.time_posted.within_s, levels.time_posted.percent) == (Decimal(900), Decimal(95))
    assert levels.plan_updated.within_s == 60
    assert (levels.project_created.within_s, levels.project_created.percent) == (Decimal(1800), Decimal(95))
    assert (levels.proof.every_h, levels.proof.drift_percent, levels.proof.unexplained_h) == (
        Decimal(24),
        Decimal("0.01"),
        Decimal(24),
    )
    assert [one.told for one in levels.path("time", "finance")] == [
        ("queue:owner",),
        ("role:controller",),
        ("role:administrator",),
    ]


def test_a_firm_promises_its_own_figures_and_names_its_own_paths() -> None:
    levels, problems = read(
        {
            "time_posted": {"within_s": 300},
            "exceptions": {"by_owner": {"finance": Decimal("4.5")}},
            "escalation": [
                {"told": ["late@example.com"], "after_h": 8},
                {"told": ["cfo@example.com"], "owner": "finance", "after_h": 2},
                {"told": ["channel:proof", "role:auditor"], "domain": "proof"},
            ],
        }
    )
    assert problems == []
    assert levels.time_posted.within_s == 300
    assert (levels.exceptions.limit_h("finance"), levels.exceptions.limit_h("integration")) == (
        Decimal("4.5"),
        Decimal(24),
    )
    assert [one.told for one in levels.path(Domain.TIME, "finance")] == [("cfo@example.com",)]
    assert [one.told for one in levels.path(Domain.PROOF, "integration")] == [("channel:proof", "role:auditor")]
    assert [one.told for one in levels.path(Domain.TIME, "integration")] == [("late@example.com",)]


@pytest.mark.parametrize(
    "table",
    [
        {"time_posted": {"within_s": -1}},
        {"time_posted": {"percent": 101}},
        {"time_posted": {"within_minutes": 15}},
        {"invoices": {"within_s": 300}},
        {"proof": {"drift_percent": Decimal("NaN")}},
        {"exceptions": {"by_owner": {"nobody": 4}}},
        {"exceptions": {"by_owner": {"finance": -4}}},
        {"escalation": [{"told": []}]},
        {"escalation": [{"told": ["somebody"]}]},
        {"escalation": [{"told": ["a b@example.com"]}]},
        {"escalation": [{"told": ["@example.com"]}]},
        {"escalation": [{"told": ["cfo@example.com"], "owner": "nobody"}]},
        {"escalation": [{"told": ["cfo@example.com"], "domain": "weather"}]},
        {"escalation": [{"told": ["cfo@example.com"], "after_h": -1}]},
    ],
    ids=str,
)
def test_what_cannot_be_meant_is_a_mistake_of_the_file(table: dict[str, object]) -> None:
    assert read(table)[1] != []


def test_a_firm_directory_with_the_file_is_read_with_it(tmp_path: Path) -> None:
    (tmp_path / "tieout.toml").write_text('name = "Acme"\n')
    assert read_firm(tmp_path).service_levels == ServiceLevels()
    (tmp_path / "service_levels.toml").write_text("[plan_updated]\nwithin_s = 30.5\n")
    assert read_firm(tmp_path).service_levels.plan_updated.within_s == Decimal("30.5")
