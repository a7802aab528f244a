"""What becomes of a value on its way into a field of a vendor's account, and which steps there are."""

import pytest

from tieout.model.field_mapping import transform_problems, transformed

TABLE = {("practices", "Design"): "300"}


def look_up(table: str, word: str) -> str | None:
    return TABLE.get((table, word))


@pytest.mark.parametrize(
    ("value", "transform", "becomes"),
    [
        ("  Two   words ", ["strip"], "Two words"),
        ("Design", ["upper", "first:3"], "DES"),
        ("Design", ["lower", "prefix:x-", "suffix:!"], "x-design!"),
        ("DE 123-456", ["digits"], "123456"),
        ("2026-10-01", ["last_day"], "2026-09-30"),
        ("soon", ["last_day"], "soon"),
        ("Design", ["table:practices"], "300"),
        ("Strategy", ["table:practices"], None),
        ("Strategy", ["table:practices", "default:999"], "999"),
        (None, ["upper"], None),
        (None, ["default:none", "upper"], "NONE"),
        ("", [], None),
        ("abc", ["digits"], None),
    ],
)
def test_a_value_goes_through_its_steps_in_turn(value: str | None, transform: list[str], becomes: str | None) -> None:
    assert transformed(value, transform, look_up) == becomes


@pytest.mark.parametrize("step", ["uper", "upper:3", "first:", "first:x", "table:", "default:", ""])
def test_a_step_that_there_is_not_is_told(step: str) -> None:
    (problem,) = transform_problems([step], tables=True)
    assert repr(step) in problem


def test_what_a_source_says_is_not_translated_by_the_firms_tables_before_it_is_stored() -> None:
    assert list(transform_problems(["strip", "table:practices"], tables=True)) == []
    (problem,) = transform_problems(["strip", "table:practices"], tables=False)
    assert "cannot stand here" in problem
