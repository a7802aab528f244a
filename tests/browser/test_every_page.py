"""Every page: there, in time, in light and dark, on a phone, by keyboard, for screen readers, all of it our own."""

import itertools
import re
from pathlib import Path

import pytest
from playwright.sync_api import ConsoleMessage, Page
from tests.browser.conftest import People
from tests.browser.pages import FIXED, NAMES, path_of

pytestmark = pytest.mark.timeout(400)

WITHIN_MS = 150
HIGHEST = 1500
_HEADINGS = "[...document.querySelectorAll('main h1, main h2, main h3')].map(one => Number(one.tagName[1]))"
_UNNAMED = """
    [...document.querySelectorAll('input:not([type=hidden]), select, textarea, button, a')].filter(one =>
        !(one.labels && one.labels.length) && !one.getAttribute('aria-label') && !one.textContent.trim()
    ).map(one => one.outerHTML)
"""
_HEADLESS = """
    [...document.querySelectorAll('main table')].filter(one =>
        !one.querySelector('thead th[scope=col]') || [...one.querySelectorAll('tbody tr')].some(row =>
            row.children.length > 1 && !row.querySelector('th[scope=row]'))
    ).map(one => one.outerHTML.slice(0, 120))
"""
_UNSAID = """
    [...document.querySelectorAll('.status')].filter(one =>
        !one.textContent.trim() || !one.querySelector('svg')
    ).length
"""


@pytest.fixture(scope="module", params=["light", "dark"])
def themed(shown: People, request: pytest.FixtureRequest) -> tuple[str, Page]:
    """Somebody whose system is light or dark."""
    theme: str = request.param
    return theme, shown.sign_in("Mara Lindqvist", color_scheme=theme, viewport={"width": 1280, "height": 800})


@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_whole_and_loads_nothing_foreign(
    themed: tuple[str, Page], name: str, screenshots: Path | None
) -> None:
    theme, page = themed
    path = path_of(page, name)
    said: list[str] = []
    asked: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            said.append(message.text)

    page.on("console", hear)
    page.on("request", lambda request: asked.append(request.url))
    answer = page.goto(path)
    assert answer is not None
    assert answer.status == 200
    policy = answer.header_value("content-security-policy") or ""
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert page.locator("h1").count() == 1
    levels = page.evaluate(_HEADINGS)
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels)), levels
    assert page.evaluate(_UNNAMED) == []
    assert page.evaluate(_HEADLESS) == []
    assert page.evaluate(_UNSAID) == 0
    assert page.evaluate("document.documentElement.lang") == "en"
    assert said == []
    assert {url.split("/")[2] for url in asked} == {answer.url.split("/")[2]}
    page.remove_listener("console", hear)
    if screenshots is not None:
        picture(page, screenshots / f"{name}-{theme}.png")


def picture(page: Page, path: Path) -> None:
    """A picture of the page as it is on paper: all of it, but for what is very long."""
    path.parent.mkdir(parents=True, exist_ok=True)
    height = min(HIGHEST, int(page.evaluate("document.documentElement.scrollHeight")))
    width = int(page.evaluate("document.documentElement.clientWidth"))
    page.screenshot(path=path, full_page=True, clip={"x": 0, "y": 0, "width": width, "height": height})


@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_made_in_time(reader: Page, name: str) -> None:
    path = path_of(reader, name)
    took = []
    for _ in range(5):
        answer = reader.request.get(path)
        assert answer.status == 200
        found = re.search(r"page;dur=([0-9.]+)", answer.headers["server-timing"])
        assert found is not None
        took.append(float(found[1]))
    assert min(took) <= WITHIN_MS, f"{path}: {took}"


def test_every_page_fits_a_phone(shown: People, screenshots: Path | None) -> None:
    page = shown.sign_in("Mara Lindqvist", viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    for name in NAMES:
        page.goto(path_of(page, name))
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, name
        if screenshots is not None and name in {"overview", "tie-out", "exception", "root-cause"}:
            picture(page, screenshots / f"{name}-phone.png")


def test_the_theme_can_be_chosen_and_stays(reader: Page) -> None:
    reader.goto("/tie-out")
    reader.get_by_role("button", name="Dark").click()
    reader.wait_for_url("**/tie-out")
    assert reader.locator("html").get_attribute("data-theme") == "dark"
    reader.goto("/exceptions")
    assert reader.locator("html").get_attribute("data-theme") == "dark"
    reader.get_by_role("button", name="Light").click()
    assert reader.locator("html").get_attribute("data-theme") == "light"


def test_pages_can_be_gone_through_by_keyboard(reader: Page) -> None:
    reader.goto("/exceptions")
    reader.keyboard.press("j")
    first = reader.evaluate("document.activeElement.getAttribute('href')")
    reader.keyboard.press("j")
    second = reader.evaluate("document.activeElement.getAttribute('href')")
    assert first != second
    outline = reader.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    reader.keyboard.press("k")
    assert reader.evaluate("document.activeElement.getAttribute('href')") == first
    reader.keyboard.press("Enter")
    reader.wait_for_url(f"**{first}")
    reader.keyboard.press("?")
    assert reader.get_by_role("dialog").is_visible()
    reader.keyboard.press("Escape")
    reader.keyboard.press("/")
    reader.keyboard.type("P00020")
    reader.keyboard.press("Enter")
    reader.wait_for_url("**/search?q=P00020")
    assert reader.get_by_role("link", name=re.compile("P00020")).first.is_visible()


def test_the_first_tab_leads_past_the_rail(reader: Page) -> None:
    reader.goto("/tie-out")
    reader.keyboard.press("Tab")
    assert reader.evaluate("document.activeElement.textContent").strip() == "Skip to the content"
    reader.keyboard.press("Enter")
    assert reader.evaluate("document.activeElement.id") == "content"


def test_everything_works_without_javascript(shown: People) -> None:
    page = shown.sign_in("Mara Lindqvist", java_script_enabled=False)
    page.goto("/exceptions")
    page.get_by_label("Legal entity", exact=True).select_option("JP01")
    page.get_by_role("button", name="Show").click()
    assert "entity=JP01" in page.url
    page.get_by_role("link", name="Finance").click()
    assert "entity=JP01" in page.url
    assert "owner=finance" in page.url
    page.get_by_role("link", name="Tie-out", exact=True).click()
    assert "entity=JP01" in page.url
    assert page.get_by_role("heading", level=1).inner_text() == "Tie-out of JP01"


def test_a_section_that_somebody_may_not_see_is_not_linked_and_says_what_is_missing(shown: People) -> None:
    page = shown.sign_in("Rui Tanaka")
    page.goto("/")
    assert page.get_by_role("heading", level=1).inner_text() == "Exceptions"
    linked = page.get_by_role("navigation", name="Sections").get_by_role("link").all_inner_texts()
    assert "Audit" not in " ".join(linked)
    answer = page.goto("/audit")
    assert answer is not None
    assert answer.status == 403
    assert page.get_by_text("audit:read").is_visible()


def test_what_does_not_exist_says_so_and_a_stranger_is_sent_to_sign_in(reader: Page, shown: People) -> None:
    answer = reader.goto("/exceptions/items/999999999")
    assert answer is not None
    assert answer.status == 404
    assert reader.get_by_role("heading", level=1).inner_text() == "There is nothing here"
    page = shown.stranger()
    for path in FIXED.values():
        page.goto(path)
        assert "/sign-in" in page.url


def test_a_live_part_is_replaced_only_when_it_has_changed(reader: Page) -> None:
    reader.goto("/tie-out")
    tag = reader.request.get("/contracts").headers["etag"]
    assert reader.request.get("/contracts", headers={"If-None-Match": tag}).status == 304
    with reader.expect_response(lambda answer: answer.url.endswith("/tie-out"), timeout=15_000) as again:
        pass
    assert again.value.status in {200, 304}
    assert reader.get_by_role("heading", level=1).is_visible()


def test_several_items_are_treated_at_once(shown: People) -> None:
    page = shown.sign_in("Mara Lindqvist")
    page.goto("/exceptions/items?code=NARRATIVE_MISSING")
    boxes = page.get_by_role("checkbox")
    boxes.nth(0).check()
    boxes.nth(1).check()
    page.get_by_label("Reason or comment").fill("Said on the phone: it was travel.")
    page.get_by_role("button", name="Comment the chosen").click()
    page.goto("/exceptions/items?code=NARRATIVE_MISSING")
    page.locator("main tbody th a").first.click()
    assert page.get_by_text("Said on the phone: it was travel.").is_visible()
