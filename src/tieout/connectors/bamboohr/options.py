"""A system's settings as typed values. Neighbours: ``manifest`` declares them; ``read`` and ``mapping`` use them."""

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Final

import msgspec

from tieout.errors import ConfigurationError

_CUSTOM: Final = r"custom[A-Za-z0-9]+"
_ENTITY_FIELD: Final = re.compile(rf"jobInformation(?:Division|Department|Location)|{_CUSTOM}")
_FTE_FIELD: Final = re.compile(_CUSTOM)
_PAY: Final = ("no", "read")


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """One system's settings; see the manifest for what each means. Hours are exact decimals."""

    legal_entity_field: str
    fte_field: str | None
    hours_per_day: Decimal
    time_off_from: date
    time_off_future_days: int
    reads_pay: bool
    hours_per_year: Decimal | None


def options_of(settings: Mapping[str, str]) -> Options:
    """``settings``, the manifest's defaults included; raises ConfigurationError for one that cannot be."""
    entity_field = settings["legal_entity_field"]
    if not _ENTITY_FIELD.fullmatch(entity_field):
        raise _bad("legal_entity_field", entity_field, "names no field of the job information and no custom field")
    fte_field = settings.get("fte_field") or None
    if fte_field is not None and not _FTE_FIELD.fullmatch(fte_field):
        raise _bad("fte_field", fte_field, "names no custom field")
    if settings["pay"] not in _PAY:
        raise _bad("pay", settings["pay"], f"is none of {', '.join(_PAY)}")
    yearly = settings.get("hours_per_year") or None
    return Options(
        legal_entity_field=entity_field,
        fte_field=fte_field,
        hours_per_day=_hours("hours_per_day", settings["hours_per_day"]),
        time_off_from=_day("time_off_from", settings["time_off_from"]),
        time_off_future_days=_days("time_off_future_days", settings["time_off_future_days"]),
        reads_pay=settings["pay"] == "read",
        hours_per_year=None if yearly is None else _hours("hours_per_year", yearly),
    )


def _hours(name: str, value: str) -> Decimal:
    try:
        hours = Decimal(value)
    except InvalidOperation as error:
        raise _bad(name, value, "is no decimal number") from error
    if not hours.is_finite() or hours <= 0:
        raise _bad(name, value, "is not above zero")
    return hours


def _days(name: str, value: str) -> int:
    if not value.isdecimal():
        raise _bad(name, value, "is no whole number of days")
    return int(value)


def _day(name: str, value: str) -> date:
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise _bad(name, value, "is no date") from error


def _bad(name: str, value: str, why: str) -> ConfigurationError:
    return ConfigurationError(code="TIE-BAMBOOHR-003", message=f"The setting {name} of BambooHR {why}: {value!r}.")
