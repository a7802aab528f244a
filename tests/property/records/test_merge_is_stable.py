"""Merging does not depend on the order in which systems are heard, and hearing the same again changes nothing."""

from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st

from tieout.model.firm import OwnershipRule
from tieout.records.merge import MergeRules, Report, merge

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
SYSTEMS = ("crm", "erp", "psa")
FIELDS = ("name", "status", "service_line")


@st.composite
def rules(draw: st.DrawFn) -> MergeRules:
    owned = {name: draw(st.sampled_from([None, *SYSTEMS])) for name in FIELDS}
    return MergeRules(
        rules=tuple(
            OwnershipRule(object="project", fields=(name,), system=system)
            for name, system in owned.items()
            if system is not None
        ),
        on=date(2026, 3, 10),
        entity=None,
        identity=lambda _name, _system, _key: None,
    )


@st.composite
def reports(draw: st.DrawFn) -> list[Report]:
    return [
        Report(
            system=system,
            type="project",
            source_id="1",
            version=1,
            fields=draw(st.dictionaries(st.sampled_from(FIELDS), st.sampled_from(["a", "b", None]))),
            refs={},
            deleted=draw(st.sampled_from([False, False, False, True])),
            message_id=1,
            recorded_at=NOW,
        )
        for system in draw(st.lists(st.sampled_from(SYSTEMS), unique=True, min_size=1))
    ]


@given(reports(), rules(), st.randoms(use_true_random=False))
def test_the_order_of_the_systems_does_not_matter(said: list[Report], by: MergeRules, random: object) -> None:
    shuffled = list(said)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # Hypothesis types it as random.Random at run time only
    first, objections = merge(None, "project", said, by=by)
    again, others = merge(None, "project", shuffled, by=by)
    assert first == again
    assert sorted(one.finding.message for one in objections) == sorted(one.finding.message for one in others)


@given(reports(), rules())
def test_hearing_the_same_again_changes_nothing(said: list[Report], by: MergeRules) -> None:
    first, _ = merge(None, "project", said, by=by)
    again, _ = merge(first, "project", said, by=by)
    assert again.hash() == first.hash()
    assert again.provenance == first.provenance


@given(reports(), rules())
def test_no_value_is_ever_invented_or_taken_from_a_system_that_does_not_own_it(
    said: list[Report], by: MergeRules
) -> None:
    golden, _ = merge(None, "project", said, by=by)
    owners = {name: rule.system for rule in by.rules for name in rule.fields}
    for name, value in golden.fields.items():
        tellers = [one for one in said if not one.deleted and name in one.fields and one.fields[name] == value]
        assert tellers
        if name in owners:
            assert owners[name] in {one.system for one in tellers}
