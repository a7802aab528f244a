"""A figure is a link: whatever is counted opens the list behind it, and the list adds up to the figure."""

from decimal import Decimal

import pytest
from playwright.sync_api import Page

pytestmark = pytest.mark.timeout(600)

MOST_CAUSES = 60
"""As many of the costliest are opened."""
_SUMS = """
    names => names.map(name => [...document.querySelectorAll(`tbody [data-${name}]`)].map(one => one.dataset[name]))
"""


def figures_of(page: Page) -> list[str]:
    """The paths behind every figure of the statement."""
    page.goto("/tie-out")
    links = page.locator(".term .value a")
    return [link for link in (one.get_attribute("href") for one in links.all()) if link]


def added(page: Page, path: str) -> tuple[int, Decimal, int]:
    """Entries, hours and minor units of the list at ``path``, over all of its pages."""
    count, hours, minor = 0, Decimal(0), 0
    page.goto(path)
    while True:
        counts, all_hours, minors = page.evaluate(_SUMS, ["count", "hours", "minor"])
        count += sum(int(one) for one in counts)
        hours += sum((Decimal(one) for one in all_hours), Decimal(0))
        minor += sum(int(one) for one in minors)
        further = page.locator("a[rel=next]")
        if not further.count():
            return count, hours, minor
        further.click()


def test_every_figure_of_the_tie_out_opens_entries_that_add_up_to_it(reader: Page) -> None:
    paths = figures_of(reader)
    assert len(paths) >= 15
    for path in paths:
        found = added(reader, path)
        foot = reader.locator("tfoot")
        said = (
            int(foot.locator("[data-total-count]").get_attribute("data-total-count") or ""),
            Decimal(foot.locator("[data-total-hours]").get_attribute("data-total-hours") or ""),
            int(foot.locator("[data-total-minor]").get_attribute("data-total-minor") or ""),
        )
        assert found == said, path


def test_every_root_cause_opens_as_many_items_as_it_counts(reader: Page) -> None:
    reader.goto("/exceptions")
    rows = reader.locator("main tbody tr").all()[:MOST_CAUSES]
    counted = {
        str(row.locator("th a").get_attribute("href")): int(
            row.locator("[data-label=Items]").inner_text().replace(",", "")
        )
        for row in rows
    }
    assert len(counted) >= 10
    for path, items in counted.items():
        reader.goto(path)
        found = reader.locator(".pick a").count()
        while reader.locator("a[rel=next]").count():
            reader.locator("a[rel=next]").click()
            found += reader.locator(".pick a").count()
        assert found == items, path


def test_every_count_of_a_target_opens_as_many_deliveries(reader: Page) -> None:
    reader.goto("/deliveries")
    links = reader.locator("#targets td.num a").all()
    counted = {str(one.get_attribute("href")): int(one.inner_text().replace(",", "")) for one in links}
    assert counted
    for path, count in counted.items():
        reader.goto(path)
        assert int(reader.locator("[data-total]").get_attribute("data-total") or "") == count, path


def test_the_entries_of_a_journal_add_up_to_it(reader: Page) -> None:
    reader.goto("/deliveries?kind=post_journal&state=posted")
    paths = [str(one.get_attribute("href")) for one in reader.locator("section tbody th a").all()[:5]]
    assert paths
    for path in paths:
        reader.goto(path)
        minors = reader.evaluate(_SUMS, ["minor"])[0]
        total = reader.locator("tfoot [data-total-minor]").get_attribute("data-total-minor")
        assert sum(int(one) for one in minors) == int(total or ""), path


def test_a_figure_of_the_overview_is_the_one_of_the_page_behind_it(reader: Page) -> None:
    reader.goto("/")
    links = reader.evaluate(
        "[...document.querySelectorAll('#period td.num a')].map(one => [one.pathname, one.innerText])"
    )
    assert len(links) >= 10
    for path, said in links:
        reader.goto(path)
        total = reader.locator("tfoot td.num").last.inner_text()
        count = reader.locator("tfoot td.num").first.inner_text()
        assert said in {total, f"{count} entries"}, path
