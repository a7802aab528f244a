"""Finance clears what costs most without an engineer: finds it, proposes a mapping, another approves, it is posted."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from tests.acceptance.conftest import running, systems
from tests.acceptance.hub import Hub, wait_for
from tests.browser.conftest import People

pytestmark = pytest.mark.timeout(400)


def test_the_costliest_root_cause_is_mapped_approved_and_posted_and_the_books_tie_out(
    own_hub: Hub, people_of: Callable[[Hub, str], People]
) -> None:
    before = own_hub.statement()
    with systems(own_hub), running(own_hub) as up:
        people = people_of(own_hub, f"http://127.0.0.1:{up.port}")
        mara, jon = people.sign_in("Mara Lindqvist"), people.sign_in("Jon Okafor")
        proposal = propose(mara)
        expect(mara.get_by_text("somebody else approves it")).to_be_visible()
        expect(mara.get_by_role("button", name=re.compile("Approve"))).to_have_count(0)
        approve(jon, proposal)
        wait_for(lambda: released(own_hub), "what waited for the mapping is released")
        wait_for(lambda: own_hub.statement().total("in_progress") == 0, "everything is posted", within_s=120)
        tie_out_again(mara)
    after = own_hub.statement()
    assert after.holds
    assert before.total("in_exception") - after.total("in_exception") >= 300
    assert after.total("posted") - before.total("posted") == before.total("in_exception") - after.total("in_exception")


def propose(page: Page) -> str:
    """From the overview to the costliest cause that a mapping cures, and to a proposal; its path."""
    page.get_by_role("link", name="Exceptions").first.click()
    page.get_by_role("link", name="A dimension has no mapping").first.click()
    page.get_by_role("link", name=re.compile("^Map in department")).click()
    expect(page.get_by_label("The word")).to_have_value("Data & AI")
    page.get_by_label("Means").fill("400")
    page.get_by_label("For the legal entity").select_option("*")
    page.get_by_label("From").fill("2020-01-01")
    page.get_by_label("Why").fill("Data & AI is department 400 since it was founded.")
    page.get_by_role("button", name=re.compile("^Propose the line, release up to 3")).click()
    page.wait_for_url("**/exceptions/proposals/*")
    return page.url


def approve(page: Page, proposal: str) -> None:
    """A second person sees exactly what was proposed and approves it."""
    page.goto("/exceptions/proposals")
    page.get_by_role("link", name="Mapping").first.click()
    assert page.url.split("?")[0] == proposal.split("?", maxsplit=1)[0]
    expect(page.get_by_text("Data & AI is department 400 since it was founded.").first).to_be_visible()
    page.get_by_role("button", name=re.compile("^Approve")).click()
    expect(page.locator("#proposal .status").first).to_have_text(re.compile("Approved|Done"))


def released(hub: Hub) -> bool:
    """Whether nothing waits for a department any more."""
    return not [one for one in hub.causes("DIMENSION_MISSING") if one.count > 1]


def tie_out_again(page: Page) -> None:
    """Ask for a tie-out; it comes without loading the page again."""
    page.goto("/tie-out")
    page.get_by_role("button", name="Tie out again").click()
    expect(page.get_by_role("cell", name="Mara Lindqvist").first).to_be_visible(timeout=60_000)
    expect(page.locator("dl.figures .status").first).to_have_text("Ties out")
