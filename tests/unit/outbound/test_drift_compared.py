"""What a target holds against what it acknowledged: which difference is drift, whose it is, and what it is worth."""

from datetime import date
from decimal import Decimal

import msgspec
import pytest

from tieout.connect.sink import HeldDemandLine
from tieout.connect.source import Unreadable
from tieout.model.command import (
    DemandLine,
    LinkDeal,
    MasterCommand,
    PublishDemand,
    RatePrice,
    SetProjectStatus,
    UpsertContract,
    UpsertCustomer,
    UpsertEmployee,
    UpsertProject,
    UpsertRateCard,
    UpsertTask,
    kind_of,
)
from tieout.model.firm import OwnershipRule
from tieout.model.reported import FieldValue, RecordType, ReportedRecord
from tieout.outbound.drift.comparison import (
    Acknowledged,
    Drift,
    Golden,
    Ground,
    Register,
    believed,
    compare,
    has_another_code,
)
from tieout.outbound.drift.said import said_by
from tieout.outbound.drift.shown import Shown

ON = date(2026, 11, 25)
PROJECT = UpsertProject(
    reference="",
    entity="US01",
    code="P1",
    name="Rollout",
    customer_code="C1",
    currency="USD",
    starts=date(2026, 9, 1),
    ends=date(2027, 1, 1),
    budget_hours=Decimal("120.50"),
    budget_minor=2_000_000,
    fields={"Practice": "Strategy"},
)
HELD: dict[str, FieldValue] = {
    "code": "P1",
    "name": "Rollout",
    "currency": "USD",
    "starts": "2026-09-01",
    "ends": "2027-01-01",
    "budget_hours": "120.5",
    "budget_amount": "20000.0",
    "custom:Practice": "Strategy",
}


def project(key: str = "17", *, deleted: bool = False, client: str = "5", **fields: FieldValue) -> ReportedRecord:
    """What the target shows of the project; ``practice`` is a field of the account's own."""
    own = {"custom:Practice": fields.pop("practice")} if "practice" in fields else {}
    return record(RecordType.PROJECT, key, HELD | fields | own, deleted=deleted, client=client)


def record(
    kind: RecordType, key: str, fields: dict[str, FieldValue], *, version: int = 1, deleted: bool = False, **refs: str
) -> ReportedRecord:
    return ReportedRecord(type=kind, source_id=key, version=version, fields=fields, references=refs, deleted=deleted)


CLIENT = record(RecordType.CLIENT, "5", {"code": "C1", "name": "Acme"})


def acknowledged(command: MasterCommand, *refs: str) -> Acknowledged:
    said = said_by(command)
    return Acknowledged(
        system="erp",
        said=said,
        kinds=dict.fromkeys(said.values, kind_of(command)),
        deliveries={kind_of(command): 1},
        refs=refs,
        entity_id=1,
    )


def judged(
    command: MasterCommand,
    *records: ReportedRecord,
    refs: tuple[str, ...] = ("17",),
    owners: dict[str, str] | None = None,
    golden: Golden | None = None,
) -> Drift | None:
    """What comes of ``command`` where the target shows ``records``; the CRM owns what ``owners`` give to nobody."""
    one = acknowledged(command, *refs)
    shown = Shown()
    assert shown.add(records, ())
    shown.finish()
    rules = [OwnershipRule(object=one.said.record, fields=(name,), system=who) for name, who in (owners or {}).items()]
    rules.append(OwnershipRule(object=one.said.record, fields=("*",), system="crm"))
    return compare(
        one,
        Ground(
            shown=shown,
            register=Register(rules=rules, on=ON),
            golden={} if golden is None else {one.said.place: golden},
            refs={one.said.place: refs},
        ),
    )


def said_otherwise(found: Drift | None) -> dict[str, tuple[str | None, str | None]]:
    assert found is not None
    return {one.field: (one.wanted, one.held) for one in found.differences}


def test_numbers_and_spaces_written_otherwise_are_the_same() -> None:
    assert judged(PROJECT, project(name=" Rollout ", budget_hours="120.5000"), CLIENT) is None


def test_every_field_that_is_otherwise_is_told_with_both_values_and_its_owner() -> None:
    found = judged(PROJECT, project(name="Mine", ends="2027-02-01", practice="Tax"), CLIENT)
    assert said_otherwise(found) == {
        "name": ("Rollout", "Mine"),
        "ends": ("2027-01-01", "2027-02-01"),
        "custom:Practice": ("Strategy", "Tax"),
    }
    assert found is not None
    assert {one.owner for one in found.differences} == {"crm"}
    assert "name is 'Mine', acknowledged 'Rollout' (crm owns it)" in found.described()


@pytest.mark.parametrize(("held", "effect"), [("20500.00", 50_000), ("19999.99", -1)])
def test_money_that_is_otherwise_is_told_to_the_cent(held: str, effect: int) -> None:
    found = judged(PROJECT, project(budget_amount=held), CLIENT)
    assert found is not None
    assert (found.amount_minor, found.currency) == (effect, "USD")


def test_amounts_of_two_currencies_have_no_difference_in_money() -> None:
    found = judged(PROJECT, project(budget_amount="1", currency="EUR"), CLIENT)
    assert found is not None
    assert found.amount_minor is None


def test_what_the_target_owns_is_no_drift_and_is_kept_where_something_else_is() -> None:
    assert judged(PROJECT, project(name="Mine"), CLIENT, owners={"name": "erp"}) is None
    found = judged(PROJECT, project(name="Mine", ends="2028-01-01"), CLIENT, owners={"name": "erp"})
    assert said_otherwise(found) == {"ends": ("2027-01-01", "2028-01-01")}
    assert found is not None
    assert found.kept == {"name": "Mine"}


def test_what_the_owner_says_now_is_no_drift() -> None:
    assert judged(PROJECT, project(name="New"), CLIENT, golden=Golden(values={"name": "New"})) is None


def test_an_owner_that_says_a_third_thing_is_told() -> None:
    found = judged(PROJECT, project(name="Mine"), CLIENT, golden=Golden(values={"name": "New"}))
    assert found is not None
    assert found.differences[0].owner_says == "New"


def test_a_text_cut_to_its_length_is_no_drift_and_one_that_was_shortened_is() -> None:
    long = msgspec.structs.replace(PROJECT, name="A programme with a very long name, phase 1")
    assert judged(long, project(name=long.name[:32]), CLIENT) is None
    assert said_otherwise(judged(long, project(name="A programme"), CLIENT)) == {"name": (long.name, "A programme")}


def test_a_field_that_is_shown_of_others_is_empty_and_one_that_is_never_shown_cannot_be_told() -> None:
    without = {name: value for name, value in HELD.items() if name != "ends"}
    bare = record(RecordType.PROJECT, "17", without, client="5")
    assert judged(PROJECT, bare, CLIENT) is None
    other = project("18", code="P2")
    assert said_otherwise(judged(PROJECT, bare, other, CLIENT)) == {"ends": ("2027-01-01", None)}


def test_statuses_that_a_system_cannot_tell_apart_are_the_same() -> None:
    closed = SetProjectStatus(reference="", entity="US01", project_code="P1", status="financially_closed")
    assert judged(closed, project(status="delivery_complete"), CLIENT) is None
    assert said_otherwise(judged(closed, project(status="active"), CLIENT)) == {
        "status": ("financially_closed", "active")
    }
    assert judged(closed, project(), project("18", status="active"), CLIENT) is None


def test_a_project_of_another_customer_is_told_by_codes() -> None:
    other = record(RecordType.CLIENT, "6", {"code": "C2"})
    assert said_otherwise(judged(PROJECT, project(client="6"), CLIENT, other)) == {"client": ("C1", "C2")}


@pytest.mark.parametrize("there", [(), (project(deleted=True),)])
def test_what_is_not_there_any_more_is_missing_with_all_its_money(there: tuple[ReportedRecord, ...]) -> None:
    found = judged(PROJECT, *there, CLIENT)
    assert found is not None
    assert (found.is_missing, found.owned_there, found.amount_minor) == (True, False, -2_000_000)
    assert found.described() == "MISSING_IN_TARGET: erp no longer holds the project P1, which it acknowledged."


def test_what_its_owner_deleted_is_not_missed() -> None:
    assert judged(PROJECT, CLIENT, golden=Golden(gone=True)) is None


def test_a_record_under_another_key_is_found_by_its_code_or_by_the_cross_reference() -> None:
    assert judged(PROJECT, project("99"), CLIENT) is None
    renamed = project("99", code="P1-old")
    found = judged(PROJECT, renamed, CLIENT, golden=Golden(source_ids=("99",)))
    assert said_otherwise(found) == {"code": ("P1", "P1-old")}
    assert found is not None
    assert has_another_code(found)


def test_the_newest_version_of_a_record_counts_whatever_the_order_it_is_shown_in() -> None:
    new, old = (
        record(RecordType.PROJECT, "17", {**HELD, "name": name}, version=at, client="5")
        for name, at in (("Rollout", 2), ("Older", 1))
    )
    assert judged(PROJECT, new, old, CLIENT) is None


def test_a_task_is_found_within_its_own_project() -> None:
    task = UpsertTask(reference="", entity="US01", project_code="P1", wbs_code="D", name="Design")
    elsewhere = record(RecordType.TASK, "71", {"code": "D", "name": "Other", "billable": True}, project="18")
    here = record(RecordType.TASK, "72", {"code": "D", "name": "Drawing", "billable": True}, project="17")
    found = judged(task, elsewhere, here, project(), project("18", code="P2"), refs=())
    assert said_otherwise(found) == {"name": ("Design", "Drawing")}


def test_prices_of_a_rate_card_are_fields_and_one_that_nobody_told_is_otherwise() -> None:
    prices = tuple(RatePrice(role=role, price=Decimal(200), starts=date(2026, 1, 1)) for role in ("Senior", "Junior"))
    card = UpsertRateCard(reference="", entity="US01", code="RC", name="Card", currency="USD", prices=prices)
    shown = [
        record(RecordType.RATE_CARD, "3", {"code": "RC", "name": "Card", "currency": "USD"}),
        record(RecordType.ROLE, "r1", {"name": "Senior"}),
        record(RecordType.ROLE, "r2", {"name": "Analyst"}),
        *(
            record(RecordType.RATE_LINE, key, {"price": price, "valid_from": "2026-01-01"}, rate_card="3", role=role)
            for key, price, role in (("1", "210.00", "r1"), ("2", "90", "r2"))
        ),
    ]
    assert said_otherwise(judged(card, *shown, refs=("3",))) == {
        "price of Senior from 2026-01-01": ("200", "210"),
        "price of Junior from 2026-01-01": ("200", None),
        "price of Analyst from 2026-01-01": (None, "90"),
    }


def test_a_price_that_is_only_stated_again_is_none_of_its_own() -> None:
    prices = (RatePrice(role="Senior", price=Decimal(200), starts=date(2026, 1, 1)),)
    card = UpsertRateCard(reference="", entity="US01", code="RC", name="Card", currency="USD", prices=prices)
    lines = [
        record(RecordType.RATE_LINE, day, {"price": "200.0", "valid_from": day}, rate_card="3", role="r1")
        for day in ("2026-06-01", "2026-01-01")
    ]
    shown = [
        record(RecordType.RATE_CARD, "3", {"code": "RC", "name": "Card", "currency": "USD"}),
        record(RecordType.ROLE, "r1", {"name": "Senior"}),
    ]
    assert judged(card, *shown, *lines, refs=("3",)) is None


@pytest.mark.parametrize(
    ("command", "kind", "fields", "otherwise"),
    [
        (
            UpsertCustomer(reference="", entity="US01", code="C1", name="Acme", currency="USD", tax_id="12"),
            RecordType.CLIENT,
            {"code": "C1", "name": "Acme", "currency": "EUR", "tax_id": "13"},
            {"tax_id": ("12", "13")},
        ),
        (
            UpsertContract(
                reference="",
                entity="US01",
                code="K1",
                name="Frame",
                customer_code="C1",
                currency="USD",
                signed_value_minor=100,
            ),
            RecordType.CONTRACT,
            {"code": "K1", "name": "Frame", "currency": "USD", "signed_value": "2.00"},
            {"signed_value": ("1", "2")},
        ),
        (
            UpsertEmployee(reference="", entity="US01", code="E1", name="Ada", email="ada@example.com"),
            RecordType.RESOURCE,
            {"name": "Ada", "email": "bob@example.com"},
            {"email": ("ada@example.com", "bob@example.com")},
        ),
        (
            LinkDeal(reference="", entity="US01", deal="17", project_code="P1", project_status="active"),
            RecordType.DEAL,
            {"project_code": "P2", "project_status": "active"},
            {"project_code": ("P1", "P2")},
        ),
        (
            PublishDemand(
                reference="",
                entity="US01",
                project_code="P1",
                project_name="Rollout",
                customer_name="Acme",
                starts=ON,
                ends=ON,
                lines=(),
                budget_hours=Decimal(8),
            ),
            RecordType.PROJECT,
            {"code": "P1", "budget_hours": "9"},
            {"budget_hours": ("8", "9")},
        ),
    ],
    ids=["customer", "contract", "employee", "deal", "demand"],
)
def test_every_kind_of_master_is_compared(
    command: MasterCommand,
    kind: RecordType,
    fields: dict[str, FieldValue],
    otherwise: dict[str, tuple[str | None, str | None]],
) -> None:
    assert said_otherwise(judged(command, record(kind, "17", fields))) == otherwise


@pytest.mark.parametrize(
    ("held", "otherwise"),
    [
        ({"hours": "33.33"}, {}),
        ({"hours": "33.32"}, {"hours of demand line 1": ("33.3333", "33.32")}),
        ({"starts": "2026-09-08", "ends": "2026-09-20"}, {}),
        ({"ends": "2026-10-02"}, {"days of demand line 1": ("2026-09-01/2026-10-01", "2026-09-01/2026-10-02")}),
        ({"hours": "1", "staffed": True}, {}),
        (
            {"number": "9"},
            {
                "hours of demand line 1": ("33.3333", None),
                "days of demand line 1": ("2026-09-01/2026-10-01", None),
                "hours of demand line 9": (None, "33.3333"),
            },
        ),
    ],
)
def test_a_line_of_demand_is_its_hours_within_its_days_until_somebody_is_given_it(
    held: dict[str, object], otherwise: dict[str, tuple[str | None, str | None]]
) -> None:
    line = {"number": "1", "hours": "33.3333", "starts": "2026-09-01", "ends": "2026-10-01"}
    demand = PublishDemand(
        reference="",
        entity="US01",
        project_code="P1",
        project_name="Rollout",
        customer_name="Acme",
        starts=ON,
        ends=ON,
        lines=(msgspec.convert(line | {"role": "Consultant"}, DemandLine),),
    )
    shown = Shown()
    shown.add([project()], ())
    shown.add_demand({"17": [msgspec.convert(line | held, HeldDemandLine)]})
    shown.finish()
    register = Register(rules=[OwnershipRule(object="demand", fields=("*",), system="crm")], on=ON)
    found = compare(acknowledged(demand, "17"), Ground(shown=shown, register=register, golden={}, refs={}))
    assert ({} if found is None else said_otherwise(found)) == otherwise
    assert found is None or {one.command_kind for one in found.differences} == {"publish_demand"}


def test_demand_that_a_target_does_not_show_cannot_be_told() -> None:
    line = DemandLine(number="1", role="Consultant", hours=Decimal(8), starts=ON, ends=date(2026, 12, 1))
    demand = PublishDemand(
        reference="",
        entity="US01",
        project_code="P1",
        project_name="Rollout",
        customer_name="Acme",
        starts=ON,
        ends=ON,
        lines=(line,),
    )
    assert judged(demand, project()) is None


def test_an_item_that_cannot_be_read_and_does_not_say_which_it_is_spoils_the_walk() -> None:
    shown = Shown()
    assert shown.add([Unreadable(problem="bad", source_id="17")], ("project",))
    assert shown.is_unreadable("project", ["17"])
    assert not shown.is_unreadable("client", ["17"])
    assert not shown.add([Unreadable(problem="bad")], ("project",))


@pytest.mark.parametrize(
    ("missing", "compared", "limit", "is_believed"),
    [(1, 1, 20, True), (2, 2, 20, False), (5, 9, 20, True), (6, 30, 20, True), (7, 30, 20, False), (9, 9, 100, True)],
)
def test_a_walk_that_finds_far_less_is_not_believed(
    missing: int, compared: int, limit: int, *, is_believed: bool
) -> None:
    assert believed(missing, compared, limit_percent=limit) is is_believed


def test_a_difference_has_the_same_mark_for_as_long_as_the_target_holds_the_same() -> None:
    first, again, other = (judged(PROJECT, project(name=name), CLIENT) for name in ("Mine", "Mine", "Theirs"))
    assert first is not None
    assert again is not None
    assert other is not None
    assert first.fingerprint == again.fingerprint != other.fingerprint
