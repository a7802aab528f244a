"""Chromium before a running hub with a month of time in it: real pages, a real database, people who sign in."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from tests.acceptance.conftest import copy_home, finished_demo, running, systems
from tests.acceptance.hub import Hub

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
GIVEN_HOME = "TIEOUT_BROWSER_HOME"
PEOPLE = {
    "Mara Lindqvist": ("finance_operations", "auditor"),
    "Jon Okafor": ("controller",),
    "Ada Brandt": ("administrator",),
    "Rui Tanaka": ("resource_manager",),
    "Kim Hartmann": ("finance_operations DE01",),
    "Lou Petit": ("reader JP01", "resource_manager DE01"),
}
"""Who has which roles, each for all legal entities or for the one beside it."""

__all__ = ["finished_demo"]


class People:
    """The console as people have it: one browser context for each, signed in by a link of its own."""

    def __init__(self, browser: Browser, hub: Hub, base: str) -> None:
        self.hub = hub
        self.base = base
        self._browser = browser
        self._open: list[BrowserContext] = []

    def admit(self) -> None:
        """Enter everybody with his roles."""
        for name, roles in PEOPLE.items():
            self.hub.does("access", "person", "add", email_of(name), "--name", name)
            for role in roles:
                what, _, entity = role.partition(" ")
                where = ("--entity", entity) if entity else ()
                self.hub.does("access", "grant", email_of(name), what, *where, "--reason", "a test")

    def sign_in(self, name: str, **settings: object) -> Page:
        """A page of ``name``, signed in; ``settings`` are those of the browser context."""
        link = self.hub.does("access", "link", email_of(name), "--url", self.base).strip().splitlines()[-1].strip()
        context = self._browser.new_context(base_url=self.base, **settings)  # type: ignore[arg-type]  # named by tests
        self._open.append(context)
        page = context.new_page()
        page.goto(link)
        page.get_by_role("button").first.click()
        page.wait_for_url(lambda url: "/sign-in" not in url)
        return page

    def stranger(self) -> Page:
        """A page of somebody who has not signed in."""
        context = self._browser.new_context(base_url=self.base)
        self._open.append(context)
        return context.new_page()

    def close(self) -> None:
        """Close every context that was opened."""
        while self._open:
            self._open.pop().close()


def email_of(name: str) -> str:
    """The address by which ``name`` is known."""
    return f"{name.split(maxsplit=1)[0].lower()}@people.example"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium without a window; closed with the module, as its event loop would be in the way of others'."""
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture(scope="module")
def shown_hub(session_directory: Path, request: pytest.FixtureRequest) -> Hub:
    """A hub to look at: a copy of the home that TIEOUT_BROWSER_HOME names, else of the demo's."""
    given = os.environ.get(GIVEN_HOME)
    source: Path = request.getfixturevalue("finished_demo") if given is None else Path(given)
    home = session_directory / f"browser-home-{request.module.__name__.rpartition('.')[2]}"
    copy_home(source, home)
    return Hub(home)


@pytest.fixture(scope="module")
def shown(browser: Browser, shown_hub: Hub) -> Iterator[People]:
    """The console over the hub to look at; tests that use it leave its figures as they are."""
    with ExitStack() as stack:
        if GIVEN_HOME not in os.environ:
            stack.enter_context(systems(shown_hub))
        up = stack.enter_context(running(shown_hub))
        people = People(browser, shown_hub, f"http://127.0.0.1:{up.port}")
        people.admit()
        yield people
        people.close()


@pytest.fixture(scope="module")
def reader(shown: People) -> Page:
    """Somebody of finance who also reads audit and access."""
    return shown.sign_in("Mara Lindqvist")


@pytest.fixture
def own_hub(finished_demo: Path, tmp_path: Path) -> Hub:
    """A home of the test's own in which the demo ran."""
    home = tmp_path / "home"
    copy_home(finished_demo, home)
    return Hub(home)


@pytest.fixture
def people_of(browser: Browser) -> Iterator[Callable[[Hub, str], People]]:
    """The console over any hub that runs at an address."""
    opened: list[People] = []

    def open_people(hub: Hub, base: str) -> People:
        opened.append(People(browser, hub, base))
        opened[-1].admit()
        return opened[-1]

    yield open_people
    for one in opened:
        one.close()


@pytest.fixture(scope="session")
def screenshots() -> Path | None:
    """Where pictures of every page are to be kept; None: nowhere."""
    given = os.environ.get("TIEOUT_SCREENSHOTS")
    return None if given is None else Path(given)
