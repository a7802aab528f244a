"""Who owns a field, and what a value is when several systems speak of it (domain model 1.5)."""

from datetime import UTC, date, datetime

import msgspec
import pytest

from tieout.governance.ownership import DEFAULT_STEWARD, Said, decide, owner_of, rules_of
from tieout.model.firm import ConflictPolicy, Environment, FirmConfig, OwnershipRule, SystemConfig

TODAY = date(2026, 3, 10)


def system(
    name: str, *, posts_for: tuple[str, ...] = (), reads: tuple[str, ...] = (), role: str | None = None
) -> SystemConfig:
    plain = SystemConfig(name=name, connector="x", account=name, environment=Environment.SANDBOX)
    return msgspec.structs.replace(plain, posts_for=posts_for, reads=reads, role=role)


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


WHOLE_FIRM = (
    system("hubspot", reads=("deals",), role="crm"),
    system("kantata", reads=("projects",), role="psa"),
    system("float", reads=("people",), role="resource"),
    system("bamboo", reads=("employees",), role="hcm"),
    ERP,
)


@pytest.mark.parametrize(
    ("record_type", "field", "expected"),
    [
        ("deal", "stage", "hubspot"),
        ("contract", "signed_value", "hubspot"),
        ("client", "name", "hubspot"),
        ("client", "tax_id", "erp"),
        ("project", "status", "kantata"),
        ("task", "planned_hours", "kantata"),
        ("assignment", "hours", "float"),
        ("resource", "employment_from", "bamboo"),
        ("time_off", "days", "bamboo"),
        ("holiday", "day", "bamboo"),
        ("resource_skill", "level", "float"),
        ("rate_line", "price", None),
    ],
)
def test_each_field_belongs_to_the_system_whose_role_it_is(record_type: str, field: str, expected: str | None) -> None:
    assert owner(record_type, field, systems=WHOLE_FIRM) == expected


def test_where_a_role_is_not_filled_the_next_that_knows_the_object_owns_it() -> None:
    without_hcm = tuple(one for one in WHOLE_FIRM if one.role != "hcm")
    assert owner("resource", "name", systems=without_hcm) == "kantata"
    assert owner("time_off", "days", systems=without_hcm) == "float"


def test_of_two_systems_of_one_role_neither_owns_by_default() -> None:
    assert owner("deal", "stage", systems=(*WHOLE_FIRM, system("sf", reads=("deals",), role="crm"))) is None


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


def at(hour: int) -> datetime:
    return datetime(2026, 3, 10, hour, tzinfo=UTC)


def test_by_a_rule_for_the_newest_whoever_spoke_last_is_right_and_nobody_objects() -> None:
    rule = msgspec.structs.replace(RULE, conflict=ConflictPolicy.NEWEST)
    early = Said(system="psa", source_id="1", value="Old", since=at(8))
    late = Said(system="erp", source_id="9", value="New", since=at(9))
    assert decide(rule, [early, late]).winner == late
    assert decide(rule, [late, early]).objections == ()
    both = [early, msgspec.structs.replace(late, since=at(8))]
    assert decide(rule, both).winner == early, "of two that spoke at once the owner is right"
    assert decide(rule, [said("erp", "x")]).winner == said("erp", "x"), "nobody else has spoken"


def test_by_a_rule_for_proposals_the_owners_value_stands_and_the_steward_is_asked() -> None:
    rule = msgspec.structs.replace(RULE, conflict=ConflictPolicy.PROPOSE)
    decision = decide(rule, [said("erp", "Old name"), said("psa", "New name")])
    assert decision.winner == said("psa", "New name")
    assert decision.objections == (said("erp", "Old name"),)
    assert decision.proposes
    assert not decide(RULE, [said("erp", "Old name"), said("psa", "New name")]).proposes


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
