"""Each part of a page shows what the rights for just that part show, by legal entity, and never what people cost."""

import pytest
from playwright.sync_api import Page
from tests.browser.conftest import People

pytestmark = pytest.mark.timeout(400)


def entities_of(page: Page) -> set[str]:
    """The legal entities of the rows of a list."""
    return set(page.locator("td[data-label=Entity]").all_inner_texts())


def test_whoever_may_see_one_legal_entity_sees_no_row_of_another(shown: People, reader: Page) -> None:
    reader.goto("/exceptions/items?entity=JP01")
    foreign = reader.locator("main tbody th a").first.get_attribute("href")
    assert foreign
    page = shown.sign_in("Kim Hartmann")
    page.goto("/tie-out")
    assert {one.partition(" ")[0] for one in page.locator("section .part-head h2").all_inner_texts()} <= {
        "DE01",
        "All",
        "Runs",
    }
    page.goto("/exceptions/items")
    assert set(page.locator("td[data-label=Entity]").all_inner_texts()) == {"DE01"}
    for path in (foreign, "/tie-out/JP01/2026-10/JPY/taken_in"):
        answer = page.goto(path.partition("?")[0])
        assert answer is not None
        assert answer.status == 404, path


def test_rights_for_different_entities_are_not_mixed_on_one_page(shown: People) -> None:
    page = shown.sign_in("Lou Petit")
    page.goto("/exceptions/items?state=any")
    assert entities_of(page) == {"DE01", "JP01"}
    page.goto("/deliveries?kind=post_journal")
    assert entities_of(page) == {"JP01"}
    page.goto("/")
    shown_rows = page.locator("#period tbody th").all_inner_texts()
    assert {row.partition(" ")[0] for row in shown_rows} == {"JP01"}


def test_what_people_cost_is_shown_to_nobody_without_the_right(shown: People, reader: Page) -> None:
    reader.goto("/tie-out/JP01/2026-10/JPY/posted")
    path = str(reader.locator("main tbody th a").first.get_attribute("href"))
    reader.goto(path)
    assert reader.get_by_role("rowheader", name="Cost", exact=True).count() == 1
    page = shown.sign_in("Lou Petit")
    page.goto(path)
    assert page.get_by_role("heading", level=1).inner_text().startswith("Time entry")
    assert page.get_by_role("rowheader", name="Cost", exact=True).count() == 0
    page.goto("/deliveries?kind=post_journal")
    page.locator("section tbody th a").first.click()
    assert page.get_by_text("only whoever holds costs:read sees it").is_visible()
    assert page.get_by_text("payroll_clearing").count() == 0
    page.goto("/forecast")
    assert page.get_by_role("columnheader", name="Firm cost").count() == 0
