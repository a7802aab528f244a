"""Public holidays by law, for firms whose systems tell none: the days of a country or a part of it. Pure.

The days come from the library ``holidays``, which needs no network; the same version of it always gives the same days.
Neighbours: ``plan_book`` says whom they are for, ``runtime.firm.streams`` refuses places that nobody knows.
"""

from collections.abc import Sequence
from datetime import date
from difflib import get_close_matches
from typing import Final

import holidays
from holidays.registry import COUNTRIES
from holidays.version import __version__

LIBRARY: Final = f"holidays {__version__}"
"""What the days follow from, beside the place."""
_BETWEEN: Final = "-"
_NEAREST: Final = 3
_CUTOFF: Final = 0.5


class PublicHolidays:
    """The public holidays of one place: a country (``DE``) or a part of it (``DE-BY``, with those of the country)."""

    def __init__(self, place: str) -> None:
        """``place`` is one in which ``place_problem`` finds nothing wrong."""
        self.place = place
        country, _, part = place.partition(_BETWEEN)
        self._country = country
        self._part = part or None
        self._years: dict[int, dict[int, str]] = {}

    def name_of(self, day: int) -> str | None:
        """What the day (an ordinal) is called where it is free; None where it is none."""
        year = date.fromordinal(day).year
        known = self._years.get(year)
        if known is None:
            found = holidays.country_holidays(self._country, subdiv=self._part, years=year)
            known = self._years[year] = {one.toordinal(): name for one, name in found.items()}
        return known.get(day)


def country_of(place: str) -> str:
    """The country that a place is or lies in."""
    return place.partition(_BETWEEN)[0]


def place_problem(place: str) -> tuple[str, str] | None:
    """What is wrong with a place, and what to write instead; None where its holidays are known."""
    known = holidays.list_supported_countries(include_aliases=False)
    country, _, part = place.partition(_BETWEEN)
    if country not in known:
        return f"{place!r} is in no country whose public holidays are known.", _instead(_countries_like(country))
    if place == country or part in known[country]:
        return None
    parts = known[country]
    if not parts:
        return f"{country} has no parts with public holidays of their own.", f"Use {country}."
    near = get_close_matches(part.upper(), parts, n=_NEAREST, cutoff=_CUTOFF) or parts
    return (
        f"{part!r} is no part of {country} whose public holidays are known.",
        _instead([f"{country}{_BETWEEN}{one}" for one in near]),
    )


def _countries_like(word: str) -> list[str]:
    """The codes of countries that go by the word, or else by one like it."""
    codes = {name.casefold(): names[1] for key, names in COUNTRIES.items() for name in (key, *names)}
    wanted = word.casefold().replace(" ", "_")
    if wanted in codes:
        return [codes[wanted]]
    return list(dict.fromkeys(codes[one] for one in get_close_matches(wanted, codes, n=_NEAREST, cutoff=_CUTOFF)))


def _instead(words: Sequence[str]) -> str:
    if not words:
        return "Use the two letters of ISO 3166, such as DE, or with a part, such as DE-BY."
    return f"Use {' or '.join(words)}." if len(words) <= _NEAREST else f"Use one of {', '.join(words)}."
