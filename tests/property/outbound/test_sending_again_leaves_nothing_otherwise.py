"""Whatever a target changed, and whatever of it is its own: what is sent again leaves nothing otherwise but that."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tieout.model.command import UpsertProject, kind_of
from tieout.model.firm import OwnershipRule
from tieout.model.reported import FieldValue, RecordType, ReportedRecord
from tieout.outbound.drift.comparison import Acknowledged, Drift, Ground, Register, compare, has_another_code
from tieout.outbound.drift.release import as_it_should_be
from tieout.outbound.drift.said import said_by
from tieout.outbound.drift.shown import Shown

days = st.dates(date(2026, 1, 1), date(2030, 12, 31))
names = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=60).filter(
    str.strip
)
hours = st.decimals(0, 10_000, places=2)

projects = st.builds(
    UpsertProject,
    reference=st.just(""),
    entity=st.just("US01"),
    code=st.just("P1"),
    name=names,
    customer_code=st.just("C1"),
    currency=st.just("USD"),
    starts=st.none() | days,
    ends=st.none() | days,
    service_line=st.none() | names,
    budget_hours=st.none() | hours,
    budget_minor=st.none() | st.integers(0, 10**12),
    fields=st.dictionaries(st.sampled_from(("Practice", "Region")), names),
)
changes = st.fixed_dictionaries(
    {},
    optional={
        "name": names,
        "starts": days.map(str),
        "ends": days.map(str),
        "service_line": names,
        "budget_hours": hours.map(str),
        "budget_amount": st.integers(0, 10**12).map(lambda minor: f"{Decimal(minor) / 100:.2f}"),
        "custom:Practice": names,
        "client": st.sampled_from(("5", "6")),
    },
)
owned_there = st.sets(
    st.sampled_from(
        ("name", "starts", "ends", "service_line", "budget_hours", "budget_amount", "custom:Practice", "client")
    )
)


def held(command: UpsertProject, otherwise: Mapping[str, str]) -> ReportedRecord:
    """What a target shows that took ``command``, and was then changed by hand."""
    values: dict[str, FieldValue] = dict(said_by(command).values)
    values.update({name: value for name, value in otherwise.items() if name != "client"})
    client = otherwise.get("client", "5" if command.customer_code == "C1" else "6")
    return ReportedRecord(
        type=RecordType.PROJECT, source_id="17", version=1, fields=values, references={"client": client}
    )


def judged(command: UpsertProject, record: ReportedRecord, theirs: set[str]) -> Drift | None:
    said = said_by(command)
    shown = Shown()
    clients = [
        ReportedRecord(type=RecordType.CLIENT, source_id=key, version=1, fields={"code": code})
        for key, code in (("5", "C1"), ("6", "C2"))
    ]
    shown.add([record, *clients], ())
    shown.finish()
    rules = [OwnershipRule(object="project", fields=tuple(theirs), system="erp")] if theirs else []
    rules.append(OwnershipRule(object="project", fields=("*",), system="crm"))
    one = Acknowledged(
        system="erp",
        said=said,
        kinds={},
        deliveries={kind_of(command): 1},
        refs=("17",),
        entity_id=1,
    )
    return compare(one, Ground(shown=shown, register=Register(rules=rules, on=date(2026, 1, 1)), golden={}, refs={}))


@given(projects, changes, owned_there)
def test_sending_again_leaves_nothing_otherwise_and_touches_nothing_that_is_theirs(
    command: UpsertProject, otherwise: dict[str, str], theirs: set[str]
) -> None:
    before = held(command, otherwise)
    drift = judged(command, before, theirs)
    if drift is None:
        return
    assert not has_another_code(drift)
    assert not {one.field for one in drift.differences} & theirs
    assert drift.kept.keys() <= theirs
    again = as_it_should_be(command, drift)
    assert isinstance(again, UpsertProject)
    after = held(
        again,
        {
            name: value
            for name, value in otherwise.items()
            if name in drift.kept and name not in said_by(again).values and name != "client"
        },
    )
    assert judged(command, after, theirs) is None
    for field, value in drift.kept.items():
        shown = after.references["client"] if field == "client" else after.fields.get(field)
        assert shown == {"C1": "5", "C2": "6"}.get(value or "", value)


@given(projects, changes)
def test_a_difference_has_one_fingerprint_whoever_looks(command: UpsertProject, otherwise: dict[str, str]) -> None:
    first, again = (judged(command, held(command, otherwise), set()) for _ in range(2))
    assert (None if first is None else first.fingerprint) == (None if again is None else again.fingerprint)
    if first is not None:
        assert msgspec.json.decode(msgspec.json.encode(first), type=Drift) == first
