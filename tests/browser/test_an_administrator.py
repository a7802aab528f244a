"""An administrator lets somebody in: a person, a role for one legal entity, a link; and takes it back."""

import re

import pytest
from playwright.sync_api import expect
from tests.browser.conftest import People

pytestmark = pytest.mark.timeout(400)


def test_somebody_is_entered_given_a_role_and_a_link_and_loses_the_role_again(shown: People) -> None:
    page = shown.sign_in("Ada Brandt")
    page.goto("/settings/access")
    page.get_by_label("Name, as pages").fill("Nia Weber")
    page.get_by_label("E-mail address").fill("nia@people.example")
    page.get_by_role("button", name="Enter the person").click()
    page.get_by_label("To", exact=True).select_option(label="Nia Weber")
    page.get_by_label("Role", exact=True).select_option("reader")
    page.get_by_label("For", exact=True).select_option("DE01")
    page.get_by_label("Why", exact=True).fill("joins the team")
    page.get_by_role("button", name="Give the role").click()
    page.get_by_role("button", name="Make a link for Nia Weber").click()
    link = page.locator(".note-box .code").inner_text()
    nia = shown.stranger()
    nia.goto(link)
    nia.get_by_role("button").first.click()
    expect(nia.get_by_role("heading", level=1)).to_have_text("Overview")
    expect(nia.get_by_role("navigation", name="Sections")).not_to_contain_text("Audit")
    page.get_by_role("button", name="Take reader of Nia Weber back").click()
    answer = nia.goto("/")
    assert answer is not None
    assert answer.status == 403
    page.goto("/audit")
    expect(page.get_by_text(re.compile("Access revoked")).first).to_be_visible()


def test_nobody_gives_himself_rights_and_the_review_can_be_taken_along(shown: People) -> None:
    page = shown.sign_in("Ada Brandt")
    page.goto("/settings/access")
    page.get_by_label("To", exact=True).select_option(label="Ada Brandt")
    page.get_by_label("Role", exact=True).select_option("controller")
    page.get_by_label("Why", exact=True).fill("convenience")
    page.get_by_role("button", name="Give the role").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("That is not possible")
    expect(page.get_by_text("cannot give rights to himself")).to_be_visible()
    review = page.request.get("/settings/access/review.csv")
    assert review.headers["content-disposition"].startswith("attachment")
    assert review.text().splitlines()[0].startswith("principal,kind,email,role,scope,entity,since")
    assert "Jon Okafor,person,jon@people.example,controller,desk:approve,all" in review.text()
