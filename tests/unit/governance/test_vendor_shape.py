"""A vendor's change shows in what its payloads look like before it breaks what the hub reads."""

from decimal import Decimal

from tieout.governance.vendor_shape import MAX_VALUES, changes, merged, shape_of


def page(rows: int, **fields: object) -> dict[str, object]:
    return {"rows": [{"id": str(number), "status": "active", **fields} for number in range(rows)]}


def differing(before: list[object], after: list[object]) -> list[str]:
    return [f"{one.path} {one.words}" for one in changes(shape_of(before), shape_of(after))]


def test_nothing_is_different_at_first_or_while_the_form_stays() -> None:
    assert differing([], [page(3)]) == []
    assert differing([page(300)], [page(3)]) == []


def test_a_new_field_is_noticed() -> None:
    assert differing([page(3)], [page(3, colour="red")]) == ["/rows[]/colour is new"]


def test_another_form_is_noticed_and_a_first_value_after_nulls_is_not() -> None:
    assert differing([page(3, rate=1)], [page(3, rate="1.0")]) == ["/rows[]/rate is string now, was integer"]
    assert differing([page(3, rate=Decimal("1.5"))], [page(3, rate=None)]) == ["/rows[]/rate is null now, was number"]
    assert differing([page(3, rate=None)], [page(3, rate=1)]) == []


def test_a_field_that_every_row_had_and_none_has_now_is_noticed_even_on_one_page() -> None:
    assert differing([page(60, rate=1)], [page(60)]) == ["/rows[]/rate is not told any more"]
    assert differing([page(60, rate=1)], [page(40)]) == []


def test_a_renamed_branch_says_so_at_its_root_only() -> None:
    assert differing([page(60, owner={"name": "a", "mail": "b"})], [page(60, holder={"name": "a"})]) == [
        "/rows[]/holder is new",
        "/rows[]/holder/name is new",
        "/rows[]/owner is not told any more",
    ]


def test_a_new_value_of_a_closed_list_is_noticed_by_its_word() -> None:
    closed: list[object] = [page(150), page(60, status="on hold")]
    assert differing(closed, [page(2, status="archived")]) == ["/rows[]/status has a value that it never had: archived"]


def test_names_and_other_free_text_are_no_closed_list() -> None:
    names: list[object] = [page(30, name=f"person {chr(97 + number)}") for number in range(MAX_VALUES + 1)]
    assert differing(names, [page(2, name="somebody new")]) == []
    assert differing([page(300, day="2026-10-01")], [page(2, day="2026-10-02")]) == []


def test_rows_kept_by_id_are_one_place() -> None:
    def by_id(first: int) -> dict[str, object]:
        return {"users": {str(number): {"name": "x"} for number in range(first, first + 3)}}

    assert differing([by_id(1)], [by_id(1000)]) == []
    assert set(shape_of([by_id(1)]).fields) == {"", "/users", "/users/*", "/users/*/name"}


def test_what_is_learnt_in_parts_is_what_is_learnt_at_once() -> None:
    pages: list[object] = [page(3, rate=1), page(5, colour="red"), page(2, rate=None)]
    parts = shape_of(pages[:1])
    for one in pages[1:]:
        parts = merged(parts, shape_of([one]))
    assert parts.fields == shape_of(pages).fields
