"""What the demo finds where the hub plans with something else than the resource tool holds."""

from tieout.sample.plan_act import differences

BOOKED = {
    "person": "ann@example.com",
    "project": "P1",
    "starts": "2026-10-05",
    "ends": "2026-10-10",
    "hours_per_day": "8",
    "state": "hard",
}


def test_bookings_that_are_held_and_planned_alike_differ_in_nothing() -> None:
    assert list(differences({"1": BOOKED}, {"1": dict(BOOKED)})) == []


def test_a_booking_that_was_softened_unheard_is_told_with_both_words() -> None:
    assert list(differences({"1": BOOKED | {"state": "soft"}}, {"1": BOOKED})) == [
        "Booking 1: the resource tool says state soft, the hub hard."
    ]


def test_a_booking_that_only_one_side_has_is_told() -> None:
    found = list(differences({"1": BOOKED, "2": BOOKED}, {"2": BOOKED, "3": BOOKED}))
    assert found == [
        "Booking 1 of the resource tool is not planned with.",
        "Booking 3 is planned with, and the resource tool does not hold it.",
    ]
