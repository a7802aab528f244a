"""What is in the URL of a view, and what stays in it from page to page."""

from tieout.console.query import Query, segment


def test_entity_and_period_stay_from_page_to_page_and_other_filters_do_not() -> None:
    query = Query.of("/exceptions", {"entity": "DE01", "period": "2026-10", "owner": "finance"})
    assert query.to("/tie-out") == "/tie-out?entity=DE01&period=2026-10"
    assert query.to("/tie-out", entity=None, side="posted") == "/tie-out?period=2026-10&side=posted"


def test_another_filter_of_a_page_begins_at_its_first_row() -> None:
    query = Query.of("/exceptions/items", {"owner": "finance", "after": "abc"})
    assert query.again(owner="integration") == "/exceptions/items?owner=integration"
    assert query.again(after="def") == "/exceptions/items?owner=finance&after=def"


def test_empty_values_count_as_not_given_and_long_ones_are_cut() -> None:
    query = Query.of("/search", {"q": "x" * 5_000, "entity": "  "})
    assert query.entity is None
    assert len(query.get("q") or "") == 200


def test_a_number_that_is_none_counts_as_not_given() -> None:
    assert [
        Query.of("/", {"after": text}).number("after")
        for text in ("12", "-1", "1e3", "\N{FULLWIDTH DIGIT NINE}", "1" * 30)
    ] == [
        12,
        0,
        0,
        0,
        0,
    ]


def test_a_code_with_a_slash_stays_one_segment_of_a_path() -> None:
    assert segment("A/B?c#d") == "A%2FB%3Fc%23d"
