"""What a source's word means, by system, legal entity and day."""

from datetime import date

import msgspec

from tieout.model.firm import MappingLine
from tieout.records.mapping import MappingTables

DAY = date(2026, 3, 10)
LINE = MappingLine(
    table="departments", line=2, system="*", entity="*", source="Advisory", target="10", valid_from=date(2020, 1, 1)
)


def line(number: int, target: str, **fields: object) -> MappingLine:
    return msgspec.structs.replace(LINE, line=number, target=target, **fields)


def means(*lines: MappingLine, system: str = "psa", entity: str = "US", on: date = DAY) -> str | None:
    return MappingTables(lines).map_value("departments", system, entity, "Advisory", on)


def test_a_word_without_a_line_means_nothing() -> None:
    assert means() is None
    assert means(line(2, "10", source="Other")) is None
    assert means(line(2, "10", table="other")) is None


def test_the_line_that_names_more_wins() -> None:
    lines = [line(2, "any"), line(3, "system", system="psa"), line(4, "both", system="psa", entity="US")]
    assert means(*lines) == "both"
    assert means(*lines, entity="DE") == "system"
    assert means(*lines, system="crm") == "any"


def test_a_line_holds_from_its_day_until_before_its_end() -> None:
    lines = [line(2, "old", valid_to=DAY), line(3, "new", valid_from=DAY)]
    assert means(*lines, on=date(2026, 3, 9)) == "old"
    assert means(*lines) == "new"
    assert means(lines[0]) is None


def test_two_lines_that_say_different_things_equally_specifically_mean_nothing_and_are_reported() -> None:
    lines = [line(2, "a", system="psa"), line(3, "b", entity="US")]
    assert means(*lines) is None
    problems = MappingTables(lines).problems()
    assert len(problems) == 1
    assert "lines 2 and 3" in problems[0]


def test_lines_that_never_meet_are_no_problem() -> None:
    lines = [
        line(2, "a", system="psa"),
        line(3, "b", system="crm"),
        line(4, "c", valid_to=date(2020, 2, 1), valid_from=date(2020, 1, 1)),
        line(5, "d", valid_from=date(2020, 2, 1)),
        line(6, "d", valid_from=date(2020, 2, 1)),
    ]
    assert MappingTables(lines).problems() == []
    assert means(lines[3], lines[4]) == "d"
