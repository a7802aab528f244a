"""The pages of the console, as tests go through them: each with a name for its picture."""

from playwright.sync_api import Page

FIXED = {
    "overview": "/",
    "exceptions": "/exceptions",
    "exceptions-items": "/exceptions/items",
    "exceptions-proposals": "/exceptions/proposals",
    "tie-out": "/tie-out",
    "deliveries": "/deliveries",
    "systems": "/systems",
    "projects": "/projects",
    "forecast": "/forecast",
    "capacity": "/capacity",
    "ownership": "/mappings",
    "contracts": "/contracts",
    "audit": "/audit",
    "settings": "/settings",
    "access": "/settings/access",
    "search": "/search?q=P00020",
}
FOLLOWED = {
    "root-cause": ("/exceptions", "main tbody th a"),
    "exception": ("/exceptions/items?code=DIMENSION_MISSING", "main tbody th a"),
    "tie-out-entries": ("/tie-out", ".term .value a >> nth=1"),
    "delivery": ("/deliveries?kind=post_journal", "section tbody th a"),
    "system": ("/systems", "main tbody th a"),
    "project": ("/projects", "section[aria-labelledby=all] tbody th a >> nth=-1"),
    "time-entry": ("/tie-out/DE01/2026-10/EUR/posted", "main tbody th a"),
    "mapping": ("/mappings", "main tbody th a"),
    "schema": ("/contracts", "section tbody th a"),
}
"""Pages of one thing: the first link of a list leads to them."""
NAMES = (*FIXED, *FOLLOWED)


def path_of(page: Page, name: str) -> str:
    """The path of the page ``name``, found as people find it."""
    if name in FIXED:
        return FIXED[name]
    where, selector = FOLLOWED[name]
    page.goto(where)
    link = page.locator(selector).first.get_attribute("href")
    assert link, f"{where} leads nowhere"
    return link
