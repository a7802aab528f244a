"""The colours: each text on each ground it stands on has the contrast of WCAG 2.2 AA, in light and dark."""

import re
from importlib.resources import files

import pytest

CSS = files("tieout.console").joinpath("static", "console.css").read_text()
TEXTS = ("ink", "soft", "accent", "ok", "warn", "bad")
GROUNDS = ("paper", "well", "accent-well", "bad-well")
AA_TEXT, AA_PICTURE = 4.5, 3.0


def tokens(selector: str) -> dict[str, str]:
    """The colours of the block of ``selector``."""
    block = CSS[CSS.index(selector) :].partition("}")[0]
    return dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6});", block))


LIGHT = tokens(":root {")
DARK = tokens(':root[data-theme="dark"] {')


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_every_text_can_be_read_on_every_ground(theme: dict[str, str]) -> None:
    poor = {
        (text, ground): round(contrast(theme[text], theme[ground]), 2)
        for text in TEXTS
        for ground in GROUNDS
        if contrast(theme[text], theme[ground]) < AA_TEXT
    }
    assert poor == {}


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_figures_in_the_heat_map_can_be_read(theme: dict[str, str]) -> None:
    for number in range(4):
        assert contrast(theme["ink"], theme[f"heat-{number}"]) >= AA_TEXT
    assert contrast(theme["on-heat-4"], theme["heat-4"]) >= AA_TEXT


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_buttons_knots_and_the_focus_stand_out(theme: dict[str, str]) -> None:
    assert contrast(theme["paper"], theme["accent"]) >= AA_TEXT
    for name in ("accent", "bad"):
        assert contrast(theme[name], theme["paper"]) >= AA_PICTURE


def test_the_switch_and_the_system_bring_the_same_dark() -> None:
    assert tokens('  :root:not([data-theme="light"]) {') == DARK


def test_the_stylesheet_loads_nothing_from_elsewhere() -> None:
    assert not re.search(r"@import|url\(|https?://", CSS)
