"""Who owns a field, and what a value is when several systems speak of it (domain model 1.5)."""

from datetime import date

import pytest

from tieout.governance.ownership import DEFAULT_STEWARD, Said, decide, owner_of, rules_of
from tieout.model.firm import Environment, FirmConfig, OwnershipRule, SystemConfig

TODAY = date(2026, 3, 10)


def system(name: str, *, posts_for: tuple[str, ...] = (), reads: tuple[str, ...] = ()) -> SystemConfig:
    return SystemConfig(
        name=name, connector="x", account=name, environment=Environment.SANDBOX, posts_for=posts_for, reads=reads
    )


PSA = system("psa", reads=("projects",))
ERP = system("erp", posts_for=("US", "DE"), reads=("periods",))


def owner(
    record_type: str,
    field: str,
    entity: str | None = None,
    *,
    systems: tuple[SystemConfig, ...] = (PSA, ERP),
    own: tuple[OwnershipRule, ...] = (),
    on: date = TODAY,
) -> str | None:
    firm = FirmConfig(name="f", version=1, content_hash="", systems=systems, ownership=own)
    rule = owner_of(rules_of(firm), record_type, field, entity, on)
    return None if rule is None else rule.system


@pytest.mark.parametrize(
    ("record_type", "field", "expected"),
    [
        ("legal_entity", "functional_currency", "erp"),
        ("period", "state", "erp"),
        ("fx_rate", "rate", "erp"),
        ("client", "tax_id", "erp"),
        ("client", "name", "psa"),
        ("project", "status", "psa"),
        ("task", "open_for_time", "psa"),
        ("resource", "employment_from", "psa"),
        ("rate_line", "price", None),
        ("cost_rate", "price", None),
    ],
)
def test_without_rules_the_usual_system_of_record_owns_the_field(
    record_type: str, field: str, expected: str | None
) -> None:
    assert owner(record_type, field) == expected


def test_each_legal_entity_belongs_to_the_system_that_posts_for_it() -> None:
    systems = (PSA, system("one", posts_for=("US",)), system("two", posts_for=("DE",)))
    assert owner("period", "state", "US", systems=systems) == "one"
    assert owner("period", "state", "DE", systems=systems) == "two"
    assert owner("period", "state", "FR", systems=systems) is None


def test_two_systems_that_could_own_projects_leave_the_decision_to_the_firm() -> None:
    systems = (PSA, system("crm", reads=("deals",)), ERP)
    assert owner("project", "name", systems=systems) is None
    rule = OwnershipRule(object="project", fields=("*",), system="crm")
    assert owner("project", "name", systems=systems, own=(rule,)) == "crm"


def test_a_rule_of_the_firm_goes_before_every_default() -> None:
    rule = OwnershipRule(object="period", fields=("*",), system="psa")
    assert owner("period", "state", "US", own=(rule,)) == "psa"


def test_a_rule_for_the_entity_goes_before_one_for_all_and_a_named_field_before_a_star() -> None:
    rules = (
        OwnershipRule(object="project", fields=("*",), system="a"),
        OwnershipRule(object="project", fields=("name", "status"), system="b"),
        OwnershipRule(object="project", fields=("*",), system="c", entity="US"),
    )
    assert owner("project", "currency", own=rules) == "a"
    assert owner("project", "name", own=rules) == "b"
    assert owner("project", "name", "US", own=rules) == "c"
    assert owner("project", "name", "DE", own=rules) == "b"


def test_a_rule_counts_from_its_day_on() -> None:
    rules = (
        OwnershipRule(object="project", fields=("*",), system="old"),
        OwnershipRule(object="project", fields=("*",), system="new", valid_from=TODAY),
    )
    assert owner("project", "name", own=rules, on=date(2026, 3, 9)) == "old"
    assert owner("project", "name", own=rules) == "new"


def said(system_name: str, value: str, source_id: str = "1") -> Said:
    return Said(system=system_name, source_id=source_id, value=value)


RULE = OwnershipRule(object="project", fields=("*",), system="psa", steward="pmo")


def test_the_owners_value_stands_and_whoever_differs_objects() -> None:
    decision = decide(RULE, [said("erp", "Old name"), said("psa", "New name"), said("hcm", "New name")])
    assert decision.winner == said("psa", "New name")
    assert decision.objections == (said("erp", "Old name"),)
    assert decision.steward == "pmo"


def test_while_the_owner_is_silent_the_field_has_no_value() -> None:
    decision = decide(RULE, [said("erp", "x")])
    assert (decision.winner, decision.objections) == (None, ())


def test_without_a_rule_the_value_that_stands_stays_and_the_other_objects() -> None:
    both = [said("a", "1"), said("b", "2")]
    assert decide(None, both).winner == said("a", "1")
    kept = decide(None, both, incumbent=("b", "1"))
    assert kept.winner == said("b", "2")
    assert kept.objections == (said("a", "1"),)


def test_two_records_of_the_owner_that_a_mapping_made_one_do_not_object_to_each_other() -> None:
    decision = decide(RULE, [said("psa", "Senior", "2"), said("psa", "Senior dev", "1")], incumbent=("psa", "2"))
    assert decision.winner == said("psa", "Senior", "2")
    assert decision.objections == ()


def test_a_default_says_that_it_is_one() -> None:
    rule = OwnershipRule(object="project", fields=("*",), system="psa", steward=DEFAULT_STEWARD)
    decision = decide(rule, [said("psa", "x")])
    assert decision.rule.startswith("default")
    assert decision.steward == "data_steward"
