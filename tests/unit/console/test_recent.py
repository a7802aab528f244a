"""Sums that were just made: for some seconds, for whoever sees the same, and dropped by any act."""

from datetime import UTC, datetime, timedelta

from tieout.console.recent import Recent

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


def test_a_sum_is_made_once_within_its_time_and_anew_after_it() -> None:
    recent, made = Recent(timedelta(seconds=10)), iter(range(9))
    looks = [recent.get("k", lambda: next(made), now=NOW + timedelta(seconds=at)) for at in (0, 9, 10, 11)]
    assert looks == [0, 0, 1, 1]


def test_whoever_sees_other_entities_is_shown_a_sum_of_his_own() -> None:
    recent = Recent(timedelta(seconds=10))
    assert recent.get(("causes", frozenset({"DE01"})), lambda: "DE01", now=NOW) == "DE01"
    assert recent.get(("causes", None), lambda: "all", now=NOW) == "all"


def test_after_an_act_everything_is_made_anew() -> None:
    recent, made = Recent(timedelta(seconds=10)), iter(range(9))
    recent.get("k", lambda: next(made), now=NOW)
    recent.clear()
    assert recent.get("k", lambda: next(made), now=NOW) == 1


def test_the_eldest_sums_go_first() -> None:
    recent = Recent(timedelta(seconds=10))
    for number in range(600):
        recent.get(number, int(number).__int__, now=NOW)
    assert recent.get(0, lambda: -1, now=NOW) == -1
    assert recent.get(599, lambda: -1, now=NOW) == 599
