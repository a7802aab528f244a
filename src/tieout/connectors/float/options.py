"""The settings of one Float account, read and checked once when it is opened."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Final

import msgspec

from tieout.connect.connector import Connection
from tieout.connectors.float.manifest import MANIFEST
from tieout.errors import ConfigurationError

_LEAST_AHEAD: Final = timedelta(days=366)


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What a connection may be asked for: ``first_day`` to ``last_day`` of the schedule, both included."""

    base_url: str
    access_token: str
    contact: str
    first_day: date
    last_day: date


def options_of(connection: Connection) -> Options:
    """The settings with the manifest's defaults.

    Raises ConfigurationError (TIE-FLOAT-008) for days that are none, or where the schedule ends within a year: what is
    booked behind its last day would be invisible.
    """
    defaults = {one.name: one.default for one in MANIFEST.settings if one.default is not None}
    settings = {**defaults, **connection.settings}
    first, last = _day(settings, "schedule_from"), _day(settings, "schedule_to")
    if last < first or last < connection.clock.now().date() + _LEAST_AHEAD:
        raise _unusable("schedule_to", f"{last} lies before schedule_from or less than a year ahead")
    contact = settings.get("contact", "").strip()
    if not contact:
        raise _unusable("contact", "it is empty; Float wants an e-mail address in every request")
    return Options(
        base_url=settings["base_url"],
        access_token=connection.secrets["access_token"],
        contact=contact,
        first_day=first,
        last_day=last,
    )


def regions_of(settings: Mapping[str, str]) -> dict[str, str]:
    """The name of each region that the setting ``regions`` names, by the region's key.

    Raises ConfigurationError (TIE-FLOAT-008) where it names none or one twice.
    """
    named: dict[str, str] = {}
    for part in filter(None, (one.strip() for one in settings.get("regions", "").split(";"))):
        key, _, name = (one.strip() for one in part.partition("="))
        if not key.isdecimal() or not name or key in named:
            raise _unusable("regions", f"{part!r} is no number and name of a region (1=Berlin), or one named before")
        named[key] = name
    return named


def _day(settings: dict[str, str], name: str) -> date:
    try:
        return date.fromisoformat(settings[name])
    except ValueError as error:
        raise _unusable(name, f"{settings[name]!r} is no day (2026-01-31)") from error


def _unusable(name: str, why: str) -> ConfigurationError:
    return ConfigurationError(code="TIE-FLOAT-008", message=f"Setting {name} of Float cannot be used: {why}.")
