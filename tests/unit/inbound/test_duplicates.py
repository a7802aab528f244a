"""Duplicates among a person's entries: what is one, what is ordinary work, and how well the two are told apart."""

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from tests.worlds import inbound_firm as world

from tieout.inbound.judgement import judge
from tieout.inbound.person_days import PersonDays
from tieout.inbound.reading import Disposition, Reading, Released
from tieout.model.firm import DuplicateRule
from tieout.model.reported import ReportedTime


def _judge(*entries: tuple[str, ReportedTime], **policy: object) -> list[Reading]:
    context = world.context(world.firm(**policy))
    readings = [world.read(said, context, system=system, item_no=at) for at, (system, said) in enumerate(entries)]
    judge(readings, context, world.rates(), PersonDays())
    return readings


def _codes(reading: Reading) -> set[str]:
    return {one.code for one in reading.findings}


def _from_app(**changes: object) -> ReportedTime:
    return world.said(person="ada@example.com", project="P100", task="Design", role="Senior", **changes)


def test_the_same_work_under_another_id_is_held_and_the_first_stays() -> None:
    first, second = _judge(("psa", world.said()), ("psa", world.said(source_id="2")))
    assert first.disposition == Disposition.ACCEPTED
    assert second.disposition == Disposition.HELD
    assert _codes(second) == {"DUPLICATE_NATURAL"}
    assert second.findings[0].context["other_source_id"] == "1"


def test_the_same_work_from_another_system_is_held() -> None:
    _, second = _judge(("psa", world.said()), ("timeapp", _from_app(source_id="x9", narrative="Other words")))
    assert _codes(second) == {"DUPLICATE_NATURAL"}


def test_nearly_the_same_work_on_another_task_is_held() -> None:
    _, second = _judge(
        ("psa", world.said(narrative="Design of the interface with the client")),
        ("psa", world.said(source_id="2", task=None, narrative="design of the interfce with the client")),
    )
    assert _codes(second) == {"DUPLICATE_FUZZY"}


def test_the_same_narrative_and_hours_on_neighbouring_days_is_ordinary_work() -> None:
    days = [date(2026, 7, 1) + timedelta(days=at) for at in range(10)]
    readings = _judge(*(("psa", world.said(source_id=str(at), work_date=day)) for at, day in enumerate(days)))
    assert all(one.disposition == Disposition.ACCEPTED for one in readings)


def test_the_same_meeting_on_two_projects_is_ordinary_work() -> None:
    readings = _judge(
        ("psa", world.said(hours=Decimal(1), narrative="Weekly status meeting")),
        (
            "psa",
            world.said(source_id="2", project="p200", task=None, hours=Decimal(1), narrative="Weekly status meeting"),
        ),
    )
    assert "DUPLICATE_FUZZY" not in _codes(readings[1])


def test_a_longer_narrative_that_contains_the_shorter_is_other_work() -> None:
    _, second = _judge(
        ("psa", world.said(narrative="Workshop")),
        ("psa", world.said(source_id="2", task=None, narrative="Workshop preparation and follow-up with the client")),
    )
    assert _codes(second) == set()


def _span(day: date, start: int, end: int, **changes: object) -> ReportedTime:
    begins = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return world.said(
        work_date=day,
        started_at=begins + timedelta(hours=start),
        ended_at=begins + timedelta(hours=end),
        hours=Decimal(end - start),
        **changes,
    )


def test_two_calls_of_an_hour_at_different_times_are_two_pieces_of_work() -> None:
    day = world.WORK_DATE
    readings = _judge(("psa", _span(day, 9, 10)), ("psa", _span(day, 14, 15, source_id="2")))
    assert [_codes(one) for one in readings] == [set(), set()]


def test_spans_that_only_touch_do_not_overlap() -> None:
    day = world.WORK_DATE
    readings = _judge(("psa", _span(day, 9, 11)), ("psa", _span(day, 11, 12, source_id="2", narrative="Calls")))
    assert [_codes(one) for one in readings] == [set(), set()]


def test_overlapping_times_of_different_work_are_an_overlap() -> None:
    day = world.WORK_DATE
    _, second = _judge(
        ("psa", _span(day, 9, 12)),
        ("psa", _span(day, 11, 13, source_id="2", project="p200", task=None, narrative="Tax return")),
    )
    assert "OVERLAP" in _codes(second)


def test_work_of_a_neighbouring_day_is_compared_where_times_overlap() -> None:
    day = world.WORK_DATE
    copied = _span(day, 22, 24, source_id="2")
    shifted = world.said(
        source_id="3",
        work_date=day + timedelta(days=1),
        hours=copied.hours,
        started_at=copied.started_at,
        ended_at=copied.ended_at,
    )
    _, second = _judge(("psa", copied), ("psa", shifted))
    assert "DUPLICATE_FUZZY" in _codes(second)


def test_a_corrected_entry_is_not_a_duplicate() -> None:
    readings = _judge(("psa", world.said()), ("psa", world.said(source_id="2", replaces="1")))
    assert "DUPLICATE_NATURAL" not in _codes(readings[1])
    assert "DUPLICATE_FUZZY" not in _codes(readings[1])


def test_a_day_of_more_hours_than_allowed_is_held_from_the_entry_that_passes_the_limit() -> None:
    readings = _judge(
        ("psa", world.said(hours=Decimal(8))),
        ("psa", world.said(source_id="2", task=None, hours=Decimal("3.5"), narrative="Tests")),
        ("psa", world.said(source_id="3", task=None, hours=Decimal(1), narrative="Mails")),
        max_day_hours=Decimal(12),
    )
    assert [_codes(one) for one in readings] == [set(), set(), {"DAY_TOTAL"}]


def test_one_entry_alone_can_pass_the_limit_of_the_day() -> None:
    (only,) = _judge(("psa", world.said(hours=Decimal(13))), max_day_hours=Decimal(12))
    assert _codes(only) == {"DAY_TOTAL"}


def test_held_work_counts_neither_for_the_day_nor_as_a_twin() -> None:
    readings = _judge(
        ("psa", world.said(approved_by=None)),
        ("psa", world.said(source_id="2")),
        max_day_hours=Decimal(12),
    )
    assert [_codes(one) for one in readings] == [{"APPROVAL_MISSING"}, set()]


def test_a_duplicate_is_only_a_note_where_the_policy_says_so() -> None:
    _, second = _judge(("psa", world.said()), ("psa", world.said(source_id="2")), natural_duplicate=DuplicateRule.WARN)
    assert (second.disposition, _codes(second)) == (Disposition.ACCEPTED, {"DUPLICATE_NATURAL"})


def test_what_a_person_accepted_does_not_hold_again() -> None:
    context = world.context()
    first, second = world.read(world.said(), context), world.read(world.said(source_id="2"), context)
    second.released = Released(1, 1, "DUPLICATE_NATURAL", "", frozenset({"DUPLICATE_NATURAL"}))
    judge([first, second], context, world.rates(), PersonDays())
    assert second.disposition == Disposition.ACCEPTED


def test_only_comparisons_can_be_accepted_by_a_person() -> None:
    context = world.context()
    reading = world.read(world.said(project="p999"), context)
    reading.released = Released(1, 1, "PROJECT_UNKNOWN", "", frozenset({"PROJECT_UNKNOWN"}))
    judge([reading], context, world.rates(), PersonDays())
    assert reading.disposition == Disposition.HELD


_WORK = (
    "Interface design for the billing module",
    "Review of the data migration plan",
    "Workshop with the finance team on closing",
    "Fix rounding in the invoice export",
    "Weekly status meeting with the client",
    "Prepare slides for the steering committee",
    "Test of the approval flow on staging",
    "Write the runbook for the cut-over weekend",
    "Interviews on requirements with controllers",
    "Load test of the nightly interface run",
    "Analysis of open tickets of the service desk",
    "Training of key users in the new console",
)
_TASKS = ("design", None)


def _typo(rng: random.Random, text: str) -> str:
    words = text.split()
    kind = rng.randrange(4)
    if kind == 0:
        at = rng.randrange(len(words))
        cut = rng.randrange(1, max(2, len(words[at])))
        words[at] = words[at][: cut - 1] + words[at][cut:]
    elif kind == 1:
        at = rng.randrange(len(words) - 1)
        words[at], words[at + 1] = words[at + 1], words[at]
    elif kind == 2:
        return text.upper()
    else:
        del words[rng.choice([at for at, word in enumerate(words) if len(word) <= 3] or [0])]
    return " ".join(words)


def _seeded_entries(rng: random.Random) -> list[tuple[ReportedTime, bool]]:
    entries: list[tuple[ReportedTime, bool]] = []
    for at in range(200):
        day = date(2026, 1, 1) + timedelta(days=at)
        narratives = rng.sample(_WORK, k=rng.randint(2, 4))
        own = []
        for number, narrative in enumerate(narratives):
            task = _TASKS[number % 2]
            hours = Decimal(rng.choice((1, 2, 2, 3)) if number < 2 else Decimal(number) / 4)
            own.append(
                world.said(source_id=f"{at}-{number}", work_date=day, task=task, hours=hours, narrative=narrative)
            )
        entries += [(one, False) for one in own]
        if rng.random() < 0.4:
            twin = rng.choice(own)
            copied = {
                "source_id": f"{at}-copy",
                "narrative": _typo(rng, twin.narrative),
                "task": rng.choice((twin.task, "design" if twin.task is None else None)),
            }
            entries.append((world.said(work_date=day, hours=twin.hours, **copied), True))
    return entries


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_precision_and_recall_on_a_seeded_set(seed: int) -> None:
    entries = _seeded_entries(random.Random(seed))
    readings = _judge(*(("psa", said) for said, _ in entries))
    flagged = [bool(_codes(one) & {"DUPLICATE_NATURAL", "DUPLICATE_FUZZY"}) for one in readings]
    truth = [copied for _, copied in entries]
    right = sum(one and other for one, other in zip(flagged, truth, strict=True))
    precision, recall = right / sum(flagged), right / sum(truth)
    assert precision >= 0.97, (precision, recall)
    assert recall >= 0.93, (precision, recall)
