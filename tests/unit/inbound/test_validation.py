"""Every rule of the way in: what it finds, and that a good entry passes it."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal

import msgspec
import pytest
from tests.worlds import inbound_firm as world

from tieout.inbound import validation
from tieout.inbound.judgement import judge
from tieout.inbound.person_days import PersonDays
from tieout.inbound.reading import Disposition, Reading
from tieout.inbound.rule_context import RuleContext
from tieout.model.finding import Severity
from tieout.model.finding_codes import CATALOGUE
from tieout.model.firm import ClosedPeriodRule, DuplicateRule, FirmConfig, OwnershipRule
from tieout.model.reported import ReportedState, ReportedTime
from tieout.records.fact_building import StoredRecord

Make = Callable[[], tuple[ReportedTime, RuleContext]]


def _said(**changes: object) -> Make:
    return lambda: (world.said(**changes), world.context())


def _under(config: FirmConfig, **changes: object) -> Make:
    return lambda: (world.said(**changes), world.context(config))


def _with_record(record_id: int, fields: dict[str, object], **changes: object) -> Make:
    def make() -> tuple[ReportedTime, RuleContext]:
        records = [
            msgspec.structs.replace(one, fields={**one.fields, **fields}) if one.record_id == record_id else one
            for one in world.stored_records()
        ]
        return world.said(**changes), world.context(records=records)

    return make


def _deleted(record_id: int) -> Make:
    def make() -> tuple[ReportedTime, RuleContext]:
        records: list[StoredRecord] = [
            msgspec.structs.replace(one, tombstone=True) if one.record_id == record_id else one
            for one in world.stored_records()
        ]
        return world.said(), world.context(records=records)

    return make


def _owned_by(system: str) -> FirmConfig:
    rule = OwnershipRule(object="time_entry", fields=("*",), system=system)
    return msgspec.structs.replace(world.firm(), ownership=(rule,))


_EIGHT = {
    "started_at": datetime(2026, 7, 1, 9, tzinfo=UTC),
    "ended_at": datetime(2026, 7, 1, 17, tzinfo=UTC),
}
CASES: list[tuple[str, str, Make]] = [
    ("not_owner", "NOT_OWNER", _under(_owned_by("timeapp"))),
    ("project_unknown", "PROJECT_UNKNOWN", _said(project="p999")),
    ("person_unknown", "PERSON_UNKNOWN", _said(person="zoe")),
    ("legal_entity_unmapped", "LEGAL_ENTITY_UNMAPPED", _said(project="p300", task=None)),
    ("legal_entity_unmapped", "LEGAL_ENTITY_UNMAPPED", _under(msgspec.structs.replace(world.firm(), policies=()))),
    ("task_unknown", "TASK_UNKNOWN", _said(task="nothing")),
    ("task_unknown", "TASK_UNKNOWN", _said(task="other")),
    ("role_unmapped", "DIMENSION_MISSING", _said(role="wizard")),
    ("resource_inactive", "RESOURCE_INACTIVE", _said(person="bob")),
    ("resource_inactive", "RESOURCE_INACTIVE", _with_record(world.ADA, {"employment_to": f"{world.WORK_DATE}"})),
    ("resource_inactive", "RESOURCE_INACTIVE", _deleted(world.ADA)),
    ("project_closed", "PROJECT_CLOSED", _with_record(world.P100, {"status": "financially_closed"})),
    ("project_closed", "PROJECT_CLOSED", _with_record(world.P100, {"status": "on_hold"})),
    ("project_closed", "PROJECT_CLOSED", _deleted(world.P100)),
    ("task_not_open", "TASK_NOT_OPEN", _said(task="build")),
    ("task_not_open", "TASK_NOT_OPEN", _deleted(world.DESIGN)),
    ("hours_range", "HOURS_RANGE", _said(hours=Decimal(0))),
    ("hours_range", "HOURS_RANGE", _said(hours=Decimal(-2))),
    ("hours_range", "HOURS_RANGE", _said(hours=Decimal(25))),
    ("increment", "INCREMENT", _said(hours=Decimal("7.6"))),
    ("duration_mismatch", "DURATION_MISMATCH", _said(**_EIGHT)),
    ("before_go_live", "BEFORE_GO_LIVE", _under(world.firm(go_live=date(2027, 1, 1)))),
    ("future_dated", "FUTURE_DATED", _said(work_date=date(2026, 8, 11))),
    ("period_unknown", "PERIOD_UNKNOWN", _said(work_date=date(2025, 12, 31))),
    (
        "period_closed",
        "PERIOD_CLOSED",
        _under(world.firm(closed_period=ClosedPeriodRule.DESK), work_date=date(2026, 5, 4)),
    ),
    ("dimension_missing", "DIMENSION_MISSING", _under(world.firm(required_dimensions=("departments",)))),
    ("approval_missing", "APPROVAL_MISSING", _said(approved_by=None)),
    ("approver_is_submitter", "APPROVER_IS_SUBMITTER", _said(approved_by="ada")),
    ("narrative_missing", "NARRATIVE_MISSING", _said(narrative=" \t ")),
    ("late", "LATE", _said(approved_at=datetime(2026, 8, 12, tzinfo=UTC))),
    ("amount_tampered", "AMOUNT_TAMPERED", _said(claimed_rate=Decimal(200), claimed_amount=Decimal(50000))),
    ("amount_tampered", "AMOUNT_TAMPERED", _said(claimed_rate=Decimal(250), claimed_amount=Decimal(1875))),
    ("amount_tampered", "AMOUNT_TAMPERED", _said(claimed_rate=Decimal(200), claimed_currency="EUR")),
    ("amount_tampered", "AMOUNT_TAMPERED", _said(claimed_amount=Decimal("1500.01"), claimed_currency="USD")),
    ("amount_tampered", "AMOUNT_TAMPERED", _said(claimed_rate=Decimal("NaN"))),
    ("", "RATE_EXPIRED", _said(work_date=date(2027, 1, 1))),
]


def _judged(said: ReportedTime, context: RuleContext) -> Reading:
    reading = world.read(said, context)
    judge([reading], context, world.rates(), PersonDays())
    return reading


@pytest.mark.parametrize(("rule", "code", "make"), CASES, ids=[f"{one[1]}-{at}" for at, one in enumerate(CASES)])
def test_a_wrong_entry_gets_the_finding_of_its_rule(rule: str, code: str, make: Make) -> None:
    said, context = make()
    reading = _judged(said, context)
    found = next(one for one in reading.findings if one.code == code)
    assert found.blocks == CATALOGUE[code].blocks
    assert found.message.startswith("Time entry 1 of psa") or not rule
    assert reading.disposition == (Disposition.HELD if found.blocks else Disposition.ACCEPTED)


@pytest.mark.parametrize(
    ("rule", "code", "make"),
    [one for one in CASES if one[0]],
    ids=[f"{one[1]}-{at}" for at, one in enumerate(CASES) if one[0]],
)
def test_only_its_own_rule_finds_it(rule: str, code: str, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    for table in ("ENTRY_RULES", "PRICED_RULES"):
        kept = tuple(one for one in getattr(validation, table) if one.__name__ != rule)
        monkeypatch.setattr(f"tieout.inbound.judgement.{table}", kept)
    others = [one for one in validation.ENTRY_RULES if one.__name__ != rule]
    said, context = make()
    if code not in {"PROJECT_UNKNOWN", "PERSON_UNKNOWN", "LEGAL_ENTITY_UNMAPPED"}:
        assert code not in {one.code for one in _judged(said, context).findings}
    else:
        reading = world.read(said, context)
        assert not [one for rule_ in others if (one := rule_(reading, context)) is not None and one.code == code]


def test_every_rule_of_the_tables_has_a_case() -> None:
    rules = {one.__name__ for one in (*validation.ENTRY_RULES, *validation.PRICED_RULES)}
    assert rules == {rule for rule, _, _ in CASES if rule}


def test_a_good_entry_has_no_finding_and_is_accepted() -> None:
    reading = _judged(world.said(), world.context())
    assert reading.findings == ()
    assert reading.disposition == Disposition.ACCEPTED
    assert reading.rated is not None
    assert reading.rated.sales is not None
    assert (reading.rated.sales.amount_minor, reading.rated.cost.amount_minor) == (150_000, 60_000)


def test_the_last_day_of_an_employment_is_one_of_it() -> None:
    day_after = date.fromordinal(world.WORK_DATE.toordinal() + 1)
    said, context = _with_record(world.ADA, {"employment_to": f"{day_after}"})()
    assert validation.resource_inactive(world.read(said, context), context) is None


def test_a_right_claim_is_no_tampering() -> None:
    claims = world.said(claimed_rate=Decimal("200.00"), claimed_amount=Decimal("1500.00"), claimed_currency="USD")
    assert _judged(claims, world.context()).findings == ()


def test_a_wrong_claim_is_only_a_note_where_the_policy_says_so() -> None:
    config = world.firm(claimed_rate=DuplicateRule.WARN)
    reading = _judged(world.said(claimed_rate=Decimal(250)), world.context(config))
    assert [(one.code, one.severity) for one in reading.findings] == [("AMOUNT_TAMPERED", Severity.WARN)]
    assert reading.disposition == Disposition.ACCEPTED


def test_time_of_a_closed_period_passes_where_it_goes_to_the_next_open_one() -> None:
    reading = _judged(world.said(work_date=date(2026, 5, 4), approved_at=None), world.context())
    assert reading.findings == ()


def test_today_is_the_day_of_the_legal_entity() -> None:
    late_evening = datetime(2026, 8, 11, 2, tzinfo=UTC)
    context = RuleContext(world.book(), late_evening)
    found = validation.future_dated(world.read(world.said(work_date=date(2026, 8, 11)), context), context)
    assert found is not None
    assert found.context["not_before"] == "2026-08-11T00:00:00-04:00"


def test_the_hours_of_a_night_of_a_clock_change_are_those_that_passed() -> None:
    night = world.said(
        project="p200",
        task=None,
        work_date=date(2026, 3, 28),
        hours=Decimal(7),
        started_at=datetime.fromisoformat("2026-03-28T22:00:00+01:00"),
        ended_at=datetime.fromisoformat("2026-03-29T06:00:00+02:00"),
    )
    context = world.context()
    assert validation.duration_mismatch(world.read(night, context), context) is None


@pytest.mark.parametrize("day", [date(2026, 12, 28), date(2027, 1, 3)])
def test_days_of_week_53_are_ordinary_days(day: date) -> None:
    context = RuleContext(world.book(), datetime(2027, 2, 1, tzinfo=UTC))
    reading = world.read(world.said(work_date=day), context)
    assert {one.code for rule in validation.ENTRY_RULES if (one := rule(reading, context))} <= {"PERIOD_UNKNOWN"}


def test_an_entry_that_is_not_approved_is_kept_without_findings() -> None:
    reading = _judged(world.said(state=ReportedState.SUBMITTED, approved_by=None), world.context())
    assert (reading.disposition, reading.findings) == (Disposition.NOT_APPROVED, ())


def test_callers_of_the_api_say_codes_and_names() -> None:
    context = world.context()
    reading = world.read(
        world.said(person="ada@example.com", project="P100", task="Design", role="Senior"), context, system="timeapp"
    )
    assert (reading.resource_id, reading.project_id, reading.task_id, reading.role_id) == (
        world.ADA,
        world.P100,
        world.DESIGN,
        world.SENIOR,
    )
