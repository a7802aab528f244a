"""The definition of a system of files: everything that cannot be meant is told at once."""

from importlib.resources import files

import pytest

from tieout.connectors.files.parsing import parse_definition
from tieout.errors import ConfigurationError

SAMPLE = (files("tieout.connectors.files") / "sample.toml").read_text(encoding="utf-8")


def problem(old: str, new: str) -> str:
    assert old in SAMPLE
    with pytest.raises(ConfigurationError) as refused:
        parse_definition(SAMPLE.replace(old, new))
    assert refused.value.code == "TIE-FILES-005"
    return refused.value.message


def test_the_sample_is_a_definition() -> None:
    definition = parse_definition(SAMPLE)
    assert [one.object for one in definition.inbox] == ["people", "cost_rates", "holidays"]
    rates = definition.inbox_of("cost_rates")
    assert rates is not None
    assert rates.is_numbered


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('kind = "holiday"', 'kind = "holydays"', "'holydays' is no kind"),
        (r"HOLIDAYS\.xlsx", "HOLIDAYS(", "the pattern cannot be read"),
        ('key = ["number"]', "key = []", "key names no column"),
        ('name = "JRN_{entity}_{reference}.csv"', 'name = "JRN.csv"', "name does not say {reference}"),
        ('command = "post_journal"', 'command = "post_mail"', "it is no command that can be a file"),
        ('rows = "lines"', 'rows = "rows"', "rows come from 'rows'"),
        ('sums = { Satz = "total" }', 'sums = { Preis = "total" }', "adds up 'Preis', which is no column"),
        ('sums = { functional = "total" }', 'sums = { functional = "sum" }', "the trailer has no cell 'sum'"),
        ('hashes = { number = "hash" }', 'hashes = { person = "hash" }', "adds up 'person', which is no cell"),
        ('folder = "journals"', 'folder = "../journals"', "does not lie below the root"),
        ('object = "holidays"', 'object = "people"', "inbox people is described twice"),
        ("answer_within_s = 20", "answer_within_seconds = 20", "answer_within_seconds"),
    ],
)
def test_what_cannot_be_meant_is_told(old: str, new: str, words: str) -> None:
    assert words in problem(old, new)


def test_what_posts_needs_a_ledger_to_be_proven_by() -> None:
    with pytest.raises(ConfigurationError, match="needs a ledger"):
        parse_definition(SAMPLE[: SAMPLE.index("[ledger]")])
