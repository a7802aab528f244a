"""Approved hours reach the payroll once, by file, as the ledger accepted them."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from psycopg import Cursor
from tests.worlds import inbound_firm as world
from tests.worlds.inbound_database import Hub
from tests.worlds.payroll_hub import POLICY, PayrollHub

from tieout.model.reported import ReportedState, ReportedTime
from tieout.storage.pool import connect, sync_pool
from tieout.streams.hours_to_payroll import store
from tieout.streams.hours_to_payroll.hours import PersonDay

_SAID = {
    "1": "Design of the interface",
    "2": "Workshop with the steering committee",
    "3": "Migration of last year's invoices",
    "4": "Review of penetration test",
}
ADA_8 = ("017", "01.07.2026", "100", "8")


@pytest.fixture
def payroll(database_url: str, tmp_path: Path) -> Iterator[PayrollHub]:
    pool = sync_pool(database_url, application="test", size=6)
    with connect(database_url, autocommit=True) as conn:
        opened = PayrollHub(database_url, Hub(conn), pool, tmp_path)
        opened.open()
        yield opened
        opened.close()
    pool.close()


def worked(key: str, hours: str, **changes: object) -> ReportedTime:
    return world.said(source_id=key, hours=Decimal(hours), narrative=_SAID[key], **changes)


def states(payroll: PayrollHub) -> list[tuple[object, ...]]:
    return payroll.rows("select sequence, correction, state, hours from payroll_file order by sequence")


def test_hours_of_a_closed_pay_period_are_one_file_and_acknowledged(payroll: PayrollHub) -> None:
    payroll.take(
        worked("1", "7.5"),
        worked("2", "0.5"),
        worked("3", "8", person="bob", work_type="overtime", project="p200", task=None),
    )
    payroll.deliver()
    assert payroll.office.told() == [[ADA_8, ("042", "01.07.2026", "200", "8")]]
    assert payroll.rows("select state, hours, target_ref is not null from delivery") == [("posted", Decimal(16), True)]
    assert states(payroll) == [(1, False, "told", Decimal(16))]
    assert payroll.statement().breaks == ()


def test_hours_wait_until_their_pay_period_is_over_and_cut_off(payroll: PayrollHub) -> None:
    payroll.hub.apply(payroll.hub_firm(cut_off_days=12))
    payroll.take(worked("1", "8"))
    payroll.deliver()
    assert payroll.statement().breaks == ()
    payroll.clock.advance((2 * 24 + 11) * 3600)
    assert payroll.compute() == 0
    payroll.clock.advance(3600)
    payroll.deliver()
    assert payroll.office.told() == [[ADA_8]]


def test_what_comes_later_goes_out_alone_and_as_a_correction(payroll: PayrollHub) -> None:
    payroll.take(worked("1", "8"))
    payroll.deliver()
    payroll.take(worked("2", "2"))
    payroll.deliver()
    assert payroll.office.told() == [[ADA_8], [("017", "01.07.2026", "100", "2")]]
    assert states(payroll) == [(1, False, "told", Decimal(8)), (2, True, "told", Decimal(2))]
    assert payroll.statement().breaks == ()


def test_an_entry_that_changes_is_told_as_the_signed_difference(payroll: PayrollHub) -> None:
    payroll.take(worked("1", "8"), worked("2", "3", work_date=date(2026, 7, 2)))
    payroll.deliver()
    payroll.take(
        worked("1", "6.25", version=2), worked("2", "3", version=2, work_date=date(2026, 7, 2), work_type="overtime")
    )
    payroll.deliver()
    assert payroll.office.told()[1] == [
        ("017", "01.07.2026", "100", "-1,75"),
        ("017", "02.07.2026", "100", "-3"),
        ("017", "02.07.2026", "200", "3"),
    ]
    assert payroll.statement().breaks == ()


def test_an_entry_that_is_deleted_is_taken_back(payroll: PayrollHub) -> None:
    payroll.take(worked("1", "8"))
    payroll.deliver()
    payroll.take(worked("1", "8", version=2, state=ReportedState.DELETED))
    payroll.deliver()
    assert payroll.office.told() == [[ADA_8], [("017", "01.07.2026", "100", "-8")]]
    assert payroll.statement().breaks == ()


def test_an_entry_that_changes_back_before_anybody_looks_is_not_told_again(payroll: PayrollHub) -> None:
    payroll.take(worked("1", "8"))
    payroll.deliver()
    payroll.take(worked("1", "6", version=2))
    payroll.take(worked("1", "8", version=3))
    payroll.deliver()
    assert payroll.office.told() == [[ADA_8]]
    assert payroll.statement().breaks == ()


def test_a_file_whose_answer_is_lost_is_found_by_its_acknowledgement_and_never_written_twice(
    payroll: PayrollHub,
) -> None:
    payroll.office.is_silent = True
    payroll.take(worked("1", "8"))
    payroll.deliver()
    assert payroll.rows("select state from delivery") == [("in_doubt",)]
    payroll.take(worked("2", "2"))
    payroll.deliver()
    assert len(payroll.office.names()) == 1, "the next file waits for the last one"
    payroll.office.answer(payroll.office.names()[0])
    payroll.clock.advance(3600)
    payroll.office.is_silent = False
    payroll.deliver()
    payroll.deliver()
    assert payroll.office.told() == [[ADA_8], [("017", "01.07.2026", "100", "2")]]
    assert payroll.rows("select state from delivery order by delivery_id") == [("posted",), ("posted",)]
    assert payroll.statement().breaks == ()


def test_a_refused_file_is_on_the_desk_and_given_up_its_hours_go_into_the_next_one(payroll: PayrollHub) -> None:
    payroll.office.refuses = True
    payroll.take(worked("1", "8"))
    payroll.deliver()
    assert payroll.desk() == ["DELIVERY_REJECTED"]
    assert payroll.rows("select hours from desk_item") == [(Decimal(8),)]
    payroll.office.refuses = False
    payroll.exclude("DELIVERY_REJECTED")
    payroll.deliver()
    assert payroll.office.told() == [[ADA_8], [ADA_8]]
    assert states(payroll) == [(1, False, "taken_back", Decimal(8)), (2, False, "told", Decimal(8))]
    assert payroll.statement().breaks == ()


def test_a_payroll_that_took_other_hours_than_it_was_told_is_on_the_desk(payroll: PayrollHub) -> None:
    payroll.office.takes_less = Decimal("0.5")
    payroll.take(worked("1", "8"))
    payroll.deliver()
    assert payroll.desk() == ["ECHO_MISMATCH"]


def test_a_person_whom_the_payroll_does_not_know_waits_on_the_desk_until_it_does(payroll: PayrollHub) -> None:
    payroll.take(worked("1", "8"), worked("2", "4", person="cyd"))
    payroll.deliver()
    assert payroll.office.told() == [[ADA_8]]
    assert payroll.desk() == ["PAYROLL_PERSON_UNKNOWN"]
    assert payroll.statement().breaks == ()
    payroll.know("077", "Cyd")
    payroll.deliver()
    assert payroll.office.told()[1] == [("077", "01.07.2026", "100", "4")]
    assert payroll.desk() == []
    assert payroll.statement().breaks == ()


def test_whoever_is_excluded_as_not_paid_there_is_not_asked_for_again(payroll: PayrollHub) -> None:
    payroll.take(worked("2", "4", person="cyd"))
    payroll.deliver()
    payroll.exclude("PAYROLL_PERSON_UNKNOWN")
    payroll.take(worked("4", "3", person="cyd", work_date=date(2026, 7, 6)))
    payroll.deliver()
    assert payroll.desk() == []
    assert payroll.statement().breaks == ()


def test_days_before_the_first_one_are_not_told_and_are_once_it_is_moved(payroll: PayrollHub) -> None:
    payroll.hub.apply(payroll.hub_firm(first_day=date(2026, 7, 2)))
    payroll.take(worked("1", "8"), worked("2", "3", work_date=date(2026, 7, 2)))
    payroll.deliver()
    assert payroll.office.told() == [[("017", "02.07.2026", "100", "3")]]
    assert payroll.statement().breaks == ()
    payroll.hub.apply(payroll.hub_firm(first_day=POLICY.first_day))
    payroll.deliver()
    assert payroll.office.told()[1] == [ADA_8]
    assert payroll.statement().breaks == ()


def test_hours_that_were_accepted_before_payrolls_were_told_any_are_told_once_they_are(payroll: PayrollHub) -> None:
    payroll.hub.apply(payroll.hub_firm(on=False))
    payroll.take(worked("1", "8"))
    payroll.deliver()
    assert payroll.rows("select count(*) from payroll_file") == [(0,)]
    payroll.hub.apply(payroll.hub_firm())
    payroll.deliver()
    assert payroll.office.told() == [[ADA_8]]


@pytest.mark.parametrize(
    ("tampering", "proof"),
    [
        ("update payroll_line set hours = hours + 1", "payroll_hours"),
        ("update payroll_file set hours = hours + 1", "payroll_file_totals"),
        ("update payroll_file set sequence = 2", "payroll_sequence"),
        ("update payroll_file set state = 'taken_back'", "payroll_file_state"),
        ("delete from payroll_line", "payroll_hours"),
    ],
)
def test_whoever_changes_what_a_payroll_was_told_breaks_the_tie_out(
    payroll: PayrollHub, tampering: str, proof: str
) -> None:
    payroll.take(worked("1", "8"))
    payroll.deliver()
    assert payroll.statement().breaks == ()
    payroll.hub.conn.execute(tampering)
    assert proof in {one.proof for one in payroll.statement().breaks}


def test_an_hour_that_nobody_told_and_nobody_will_breaks_the_tie_out(payroll: PayrollHub) -> None:
    payroll.take(worked("1", "8"))
    payroll.compute()
    payroll.take(worked("2", "2"))
    payroll.hub.conn.execute("delete from payroll_pending")
    words = [one.message for one in payroll.statement().breaks if one.proof == "payroll_hours"]
    assert words == [
        "Ada on 2026-07-01: the ledger accepted 10.0000 hours of a kind of work, the payroll was told 8.0000."
    ]


def test_while_a_file_is_under_way_what_waits_for_it_is_not_compared_again_and_again(
    payroll: PayrollHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    payroll.office.is_silent = True
    payroll.take(worked("1", "8"))
    payroll.deliver()
    payroll.take(worked("2", "2"))
    payroll.compute()
    asked: list[object] = []
    real = store.due

    def watched(cur: Cursor[tuple[object, ...]], *, before: date, limit: int) -> list[PersonDay]:
        asked.append(before)
        return real(cur, before=before, limit=limit)

    monkeypatch.setattr(store, "due", watched)
    for _ in range(5):
        assert payroll.compute() == 0
    assert asked == []
    payroll.clock.advance(24 * 3600)
    payroll.compute()
    assert len(asked) == 1, "another day may end a pay period"
