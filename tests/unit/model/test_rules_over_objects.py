"""Invariants over several objects: task trees, rate lines, contract lines, bookings, identifiers."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import msgspec
import pytest

from tieout.errors import ContractError, InvariantError
from tieout.model.assignment import (
    Assignment,
    AssignmentState,
    Contour,
    HoursPerDay,
    PercentOfCapacity,
    outside_employment,
    overbooked_days,
)
from tieout.model.billing import Milestone, MilestoneState, milestone_variance
from tieout.model.contract import (
    BillingFrequency,
    Contract,
    ContractLine,
    ContractState,
    LineType,
    RevenueMethod,
    TransactionClass,
    double_billing,
)
from tieout.model.finding import Finding, Severity, finding
from tieout.model.finding_codes import CATALOGUE, Owner
from tieout.model.identity import ExternalId
from tieout.model.money import Money
from tieout.model.project import Project, ProjectState, WBSTask, wbs_problems
from tieout.model.rate import RateLine, overlapping_rate_lines
from tieout.model.record import CanonicalRecord, RecordSource, clashing_identifiers
from tieout.model.resource import Resource, ResourceKind, Role
from tieout.model.span import DateSpan

JAN, FEB, MAR, APR = (date(2026, month, 1) for month in range(1, 5))
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
FIRST_WEEK = DateSpan(starts=date(2026, 3, 2), ends=date(2026, 3, 7))


def _task(code: str, parent: str | None = None, *, hours: str = "0", window: DateSpan | None = None) -> WBSTask:
    return WBSTask(
        project="P1", wbs_code=code, name=code, parent=parent, planned_hours=Decimal(hours), window=window or DateSpan()
    )


def test_a_sound_tree_has_no_problems() -> None:
    tasks = [_task("1"), _task("1.1", "1", hours="8"), _task("1.2", "1", hours="4"), _task("2", hours="3")]
    assert wbs_problems(tasks, {"1.1": Decimal(7), "2": Decimal(1)}) == []


def test_a_cycle_names_its_members_and_not_those_who_hang_on_it() -> None:
    tasks = [_task("a", "c"), _task("b", "a"), _task("c", "b"), _task("d", "a"), _task("e")]
    assert [one.subject for one in wbs_problems(tasks)] == ["task:P1/a", "task:P1/b", "task:P1/c"]


@pytest.mark.parametrize(
    ("tasks", "booked", "words"),
    [
        ([_task("1", "0")], {}, "does not exist"),
        ([_task("1"), _task("1")], {}, "used twice"),
        ([_task("1", hours="8"), _task("1.1", "1")], {}, "leaves only"),
        ([_task("1"), _task("1.1", "1")], {"1": Decimal("0.5")}, "leaves only"),
    ],
)
def test_a_broken_tree_blocks(tasks: list[WBSTask], booked: dict[str, Decimal], words: str) -> None:
    (found,) = wbs_problems(tasks, booked)
    assert found.code == "WBS_INVALID"
    assert found.blocks
    assert words in found.message


def test_a_child_outside_the_dates_of_its_parent_is_a_warning() -> None:
    parent = _task("1", window=DateSpan(starts=JAN, ends=MAR))
    assert wbs_problems([parent, _task("1.1", "1", window=DateSpan(starts=FEB, ends=MAR))]) == []
    (found,) = wbs_problems([parent, _task("1.1", "1", window=DateSpan(starts=FEB, ends=APR))])
    assert (found.code, found.severity) == ("WBS_WINDOW", Severity.WARN)


@pytest.mark.parametrize(
    "change",
    [
        {"parent": "1"},
        {"wbs_code": ""},
        {"planned_hours": Decimal(-1)},
        {"is_milestone": True, "planned_hours": Decimal(1)},
        {"percent_complete": Decimal(101)},
    ],
)
def test_an_impossible_task_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ContractError):
        msgspec.structs.replace(_task("1"), **change)


def _rate(
    card: str = "EU", *, role: str | None = "Consultant", starts: date = JAN, ends: date | None = None
) -> RateLine:
    return RateLine(card=card, effective=DateSpan(starts=starts, ends=ends), role=role, price=Decimal(100))


def test_rate_lines_that_follow_each_other_do_not_overlap() -> None:
    lines = [_rate(ends=FEB), _rate(starts=FEB), _rate(role=None), _rate("US")]
    assert overlapping_rate_lines(lines) == []


def test_two_rate_lines_for_the_same_on_the_same_day_are_found() -> None:
    (found,) = overlapping_rate_lines([_rate(ends=MAR), _rate(starts=FEB)])
    assert found.code == "RATE_AMBIGUOUS"
    assert found.subject == "rate_card:EU"
    assert found.depends_on == ("rates",)


def _line(number: str, *tasks: tuple[str, str | None], **change: object) -> ContractLine:
    line = ContractLine(
        number=number,
        type=LineType.TIME_AND_MATERIAL,
        classes=frozenset({TransactionClass.TIME}),
        tasks=frozenset(tasks),
        revenue_method=RevenueMethod.AS_INVOICED,
    )
    return msgspec.structs.replace(line, **change)


def _contract(number: str, *lines: ContractLine, **change: object) -> Contract:
    contract = Contract(
        number=number,
        client="C1",
        legal_entity="EU01",
        currency="EUR",
        term=DateSpan(starts=JAN, ends=APR),
        state=ContractState.ACTIVE,
        lines=lines,
        billing_frequency=BillingFrequency.MONTHLY,
    )
    return msgspec.structs.replace(contract, **change)


def test_work_belongs_to_one_contract_line() -> None:
    expenses = frozenset({TransactionClass.EXPENSE})
    lines = (_line("1", ("P1", "1")), _line("2", ("P1", "2")), _line("3", ("P1", "1"), classes=expenses))
    assert double_billing([_contract("K1", *lines)]) == []


@pytest.mark.parametrize("other", [("P1", "1"), ("P1", None)])
def test_work_that_two_lines_would_bill_is_refused(other: tuple[str, str | None]) -> None:
    with pytest.raises(ContractError, match="both bill time on P1, 1"):
        _contract("K1", _line("1", ("P1", "1")), _line("2", other))


def test_work_that_two_contracts_would_bill_is_found_while_both_run() -> None:
    one, other = _contract("K1", _line("1", ("P1", None))), _contract("K2", _line("1", ("P1", None)))
    (found,) = double_billing([one, other])
    assert found.code == "CONTRACT_LINES_OVERLAP"
    assert "K1/1 and K2/1" in found.message
    later = msgspec.structs.replace(other, term=DateSpan(starts=APR))
    ended = msgspec.structs.replace(other, state=ContractState.TERMINATED)
    assert double_billing([one, later]) == []
    assert double_billing([one, ended]) == []


def test_an_impossible_contract_is_refused() -> None:
    dollars = Money(Decimal(5), "USD")
    with pytest.raises(ContractError, match="USD"):
        _contract("K1", _line("1", ("P1", "1"), nte_limit=dollars))
    with pytest.raises(ContractError, match="USD"):
        _contract("K1", _line("1", ("P1", "1")), signed_value=dollars)
    with pytest.raises(ContractError, match="one number"):
        _contract("K1", _line("1", ("P1", "1")), _line("1", ("P1", "2")))
    with pytest.raises(ContractError, match="no lines"):
        _contract("K1")
    with pytest.raises(ContractError, match="no class"):
        _line("1")
    with pytest.raises(ContractError, match="needs a value"):
        _line("1", ("P1", "1"), type=LineType.FIXED_MILESTONE)
    with pytest.raises(ContractError, match="below zero"):
        _line("1", ("P1", "1"), value=Money(Decimal(-1), "EUR"))


def test_milestones_add_up_to_their_line() -> None:
    line = _line("1", ("P1", "1"), type=LineType.FIXED_MILESTONE, value=Money(Decimal(100), "EUR"))

    def milestone(amount: str, number: str = "1") -> Milestone:
        return Milestone(
            contract="K1", contract_line=number, name=amount, amount=Money(Decimal(amount), "EUR"), planned=MAR,
            state=MilestoneState.NOT_READY,
        )  # fmt: skip

    assert milestone_variance("K1", line, [milestone("60"), milestone("40"), milestone("7", "2")]) is None
    found = milestone_variance("K1", line, [milestone("60"), milestone("39.99")])
    assert found is not None
    assert found.code == "MILESTONES_SUM"
    assert "99.99" in found.message
    assert milestone_variance("K1", _line("1", ("P1", "1")), []) is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"code": ""}, "no code"),
        ({"planned_start": MAR, "planned_end": FEB}, "before it starts"),
        ({"budget_hours": Decimal(-1)}, "impossible"),
        ({"budget_revenue": Money(Decimal(1), "USD")}, "budget is in USD"),
        ({"contract": None}, "without a contract"),
        ({"currency": "XAU"}, "ISO 4217"),
    ],
)
def test_an_impossible_project_is_refused(change: dict[str, object], words: str) -> None:
    project = Project(
        code="P1", name="One", client="C1", legal_entity="EU01", currency="EUR", contract="K1",
        state=ProjectState.ACTIVE,
    )  # fmt: skip
    with pytest.raises(ContractError, match=words):
        msgspec.structs.replace(project, **change)


def _booking(allocation: HoursPerDay | PercentOfCapacity | Contour, **change: object) -> Assignment:
    booking = Assignment(
        code="A1", project="P1", days=FIRST_WEEK, allocation=allocation, state=AssignmentState.HARD, resource="R1"
    )
    return msgspec.structs.replace(booking, **change)


EIGHT = HoursPerDay(hours=Decimal(8))
CAPACITY = {("R1", date(2026, 3, day)): Decimal(8) for day in range(2, 7)}


def test_firm_bookings_over_the_capacity_are_found_and_soft_ones_are_not() -> None:
    half = _booking(PercentOfCapacity(percent=Decimal(50)))
    peak = _booking(Contour(hours_by_day={date(2026, 3, 4): Decimal(5)}), code="A2")
    soft = _booking(EIGHT, code="A3", state=AssignmentState.SOFT)
    assert overbooked_days([half, soft], CAPACITY) == []
    (found,) = overbooked_days([half, peak, soft], CAPACITY)
    assert found.code == "OVERBOOKED"
    assert found.message == "R1 is firmly booked for 9.0000 hours on 2026-03-04 and has 8."


def test_a_booking_takes_no_hours_on_days_off_or_outside_its_span() -> None:
    booking = _booking(EIGHT)
    assert booking.hours_on(date(2026, 3, 6), Decimal(8)) == 8
    assert booking.hours_on(date(2026, 3, 6), Decimal(0)) == 0
    assert booking.hours_on(date(2026, 3, 7), Decimal(8)) == 0


def test_a_booking_outside_the_employment_is_found() -> None:
    person = Resource(
        code="R1", name="Ann", kind=ResourceKind.EMPLOYEE, legal_entity="EU01", worker_id="W1",
        employment=DateSpan(starts=JAN, ends=date(2026, 3, 5)),
    )  # fmt: skip
    (found,) = outside_employment([_booking(EIGHT)], {"R1": person})
    assert (found.code, found.subject) == ("RESOURCE_INACTIVE", "assignment:A1")
    assert outside_employment([_booking(EIGHT, state=AssignmentState.CANCELLED)], {"R1": person}) == []
    staying = msgspec.structs.replace(person, employment=DateSpan(starts=JAN))
    assert outside_employment([_booking(EIGHT)], {"R1": staying}) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"days": DateSpan(starts=MAR)}, "first or no last"),
        ({"resource": None}, "neither"),
        ({"resource": None, "role": "Consultant"}, "names no person"),
        ({"allocation": HoursPerDay(hours=Decimal(-1))}, "below zero"),
        ({"allocation": PercentOfCapacity(percent=Decimal(-1))}, "percent"),
        ({"allocation": Contour(hours_by_day={APR: Decimal(1)})}, "outside its span"),
        ({"bill_rate_override": Decimal(-1)}, "bill rate"),
    ],
)
def test_an_impossible_booking_is_refused(change: dict[str, object], words: str) -> None:
    with pytest.raises(ContractError, match=words):
        msgspec.structs.replace(_booking(EIGHT), **change)


SOURCE = RecordSource(system="hcm", entity=None, event_id="1", received_at=NOON)
LATER = RecordSource(system="hcm", entity=None, event_id="2", received_at=NOON + timedelta(hours=1))


def _record(number: int = 1, **change: object) -> CanonicalRecord[Role]:
    record = CanonicalRecord(
        id=UUID(int=0x7000_8000_0000_0000_0000 | number), type="role", schema_version=1, version=1, recorded_at=NOON,
        source=SOURCE, body=Role(code="CON", name="Consultant"),
        identifiers=(ExternalId(system="hcm", kind="id", value="7", valid_to=FEB),),
    )  # fmt: skip
    return msgspec.structs.replace(record, **change)


def test_the_same_content_makes_no_new_version() -> None:
    record = _record()
    assert record.followed_by(Role(code="CON", name="Consultant"), recorded_at=NOON, source=LATER) is None
    renamed = record.followed_by(Role(code="CON", name="Adviser"), recorded_at=NOON, source=LATER)
    assert renamed is not None
    assert (renamed.version, renamed.source, renamed.id) == (2, LATER, record.id)
    deleted = renamed.followed_by(renamed.body, recorded_at=NOON, source=LATER, tombstone=True)
    assert deleted is not None
    assert deleted.version == 3


def test_an_identifier_names_one_record_at_a_time() -> None:
    reused = ExternalId(system="hcm", kind="id", value="7", valid_from=FEB)
    early = ExternalId(system="hcm", kind="id", value="7", valid_from=date(2026, 1, 31))
    assert clashing_identifiers([_record(), _record(2, identifiers=(reused,))]) == []
    assert clashing_identifiers([_record(), _record(2, identifiers=(early,))]) == ["hcm|id|7"]
    assert clashing_identifiers([_record(), _record(2, identifiers=(early,), tombstone=True)]) == []
    with pytest.raises(ContractError, match="twice"):
        _record(identifiers=(early, early))


@pytest.mark.parametrize(
    "change",
    [
        {"id": UUID(int=1)},
        {"version": 0},
        {"schema_version": 0},
        {"recorded_at": NOON.replace(tzinfo=None)},
    ],
)
def test_an_impossible_envelope_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ContractError):
        msgspec.structs.replace(_record(), **change)


def test_every_canonical_object_can_be_hashed() -> None:
    objects = [
        _contract("K1", _line("1", ("P1", None))),
        _booking(Contour(hours_by_day={date(2026, 3, 4): Decimal(5)})),
    ]
    hashes = {_record(body=one).hash for one in objects}
    assert len(hashes) == 2


def test_a_finding_brings_what_the_catalogue_says_of_its_code() -> None:
    late = finding("LATE", "Approved on 12 April.", cause="entity=EU01")
    assert (late.severity, late.owner, late.cause_key) == (Severity.WARN, Owner.FINANCE, "LATE:entity=EU01")
    assert late.next_step == CATALOGUE["LATE"].next_step
    assert finding("RATE_EXPIRED", "No rate.").blocks
    with pytest.raises(InvariantError):
        finding("MADE_UP", "Nobody would own this.")
    with pytest.raises(InvariantError):
        Finding(code="MADE_UP", message="x", cause_key="x")


@pytest.mark.parametrize(
    ("one", "other", "shared", "covers"),
    [
        (DateSpan(), DateSpan(), True, True),
        (DateSpan(starts=JAN, ends=FEB), DateSpan(starts=FEB, ends=MAR), False, False),
        (DateSpan(starts=JAN, ends=MAR), DateSpan(starts=FEB, ends=MAR), True, True),
        (DateSpan(starts=FEB), DateSpan(ends=FEB), False, False),
        (DateSpan(starts=FEB), DateSpan(starts=MAR), True, True),
        (DateSpan(starts=FEB, ends=MAR), DateSpan(starts=FEB), True, False),
    ],
)
def test_spans_share_days_or_only_touch(one: DateSpan, other: DateSpan, *, shared: bool, covers: bool) -> None:
    assert one.overlaps(other) is shared
    assert other.overlaps(one) is shared
    assert one.covers(other) is covers
