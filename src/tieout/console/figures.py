"""Figures and words as pages print them: tabular numbers, true minus, units in lighter weight, ages with their instant.

Pure. Templates use these as filters (``rendering``); amounts come as minor units or decimals and are never rounded here
but for the short form, which always stands beside a link to the exact one.
"""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from markupsafe import Markup, escape

from tieout.model.money import from_minor

MINUS: Final = "\N{MINUS SIGN}"
_THIN: Final = "\N{NARROW NO-BREAK SPACE}"
_NONE: Final = Markup('<span class="none" title="none">\N{EN DASH}</span>')
_MINUTE_S, _HOUR_S, _DAY_S = 60, 3_600, 86_400
_SHORT: Final = ((Decimal(1_000_000_000), "bn"), (Decimal(1_000_000), "m"), (Decimal(1_000), "k"))
_SHORT_DIGITS: Final = 100


def count(value: int) -> Markup:
    """A whole number with its thousands set apart."""
    return Markup("{}").format(_signed(f"{value:,}"))


def hours(value: Decimal | str | None) -> Markup:
    """Hours with two decimals; the unit in lighter weight."""
    if value is None:
        return _NONE
    return Markup('{}<span class="u">{}h</span>').format(_signed(f"{Decimal(value):,.2f}"), _THIN)


def amount(minor: int | None, currency: str | None) -> Markup:
    """Minor units of ``currency`` with its decimals; a dash where there is no amount."""
    if minor is None or currency is None:
        return _NONE
    return decimal_amount(from_minor(minor, currency), currency)


def decimal_amount(value: Decimal | None, currency: str | None) -> Markup:
    """An amount that already has the decimals of ``currency``."""
    if value is None or currency is None:
        return _NONE
    return Markup('{}<span class="u">{}{}</span>').format(_signed(f"{value:,}"), _THIN, currency)


def amounts(minor: Mapping[str, int]) -> Markup:
    """Amounts by currency, one line each; a dash where there is none."""
    lines = [amount(value, currency) for currency, value in sorted(minor.items())]
    return Markup("<br>").join(lines) if lines else _NONE


def short(value: Decimal) -> str:
    """A number in few digits (1.24 m), for pictures; the exact one is behind its link."""
    size = abs(value)
    for step, unit in _SHORT:
        if size >= step:
            scaled = size / step
            digits = 0 if scaled >= _SHORT_DIGITS else 1
            return _signed(f"{'-' if value < 0 else ''}{scaled:.{digits}f}{_THIN}{unit}")
    return _signed(f"{value:,.0f}")


def age(instant: datetime | None, now: datetime) -> Markup:
    """How long ago, with the exact instant on hover and for machines."""
    if instant is None:
        return _NONE
    seconds = int((now - instant).total_seconds())
    said = "just now" if seconds < 1 else f"{duration(seconds)} ago"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(instant.isoformat(), exact(instant), said)


def duration(seconds: int | None) -> str:
    """A span in its two largest units: 3 d 4 h, 12 min, 41 s."""
    if seconds is None:
        return "\N{EN DASH}"
    if seconds < 1:
        return "under 1 s"
    if seconds < _MINUTE_S:
        return f"{seconds} s"
    if seconds < _HOUR_S:
        return f"{seconds // _MINUTE_S} min"
    if seconds < _DAY_S:
        return _two(seconds // _HOUR_S, "h", seconds % _HOUR_S // _MINUTE_S, "min")
    return _two(seconds // _DAY_S, "d", seconds % _DAY_S // _HOUR_S, "h")


def exact(instant: datetime) -> str:
    """An instant to the second, in UTC."""
    return f"{instant:%d %b %Y, %H:%M:%S} UTC"


def civil(day: date | str | None) -> Markup:
    """A day of work as a civil date, without any zone."""
    if day is None:
        return _NONE
    said = date.fromisoformat(day) if isinstance(day, str) else day
    return Markup('<time datetime="{}">{}</time>').format(said.isoformat(), f"{said:%d %b %Y}")


def words(code: str) -> str:
    """An identifier of ours as words: ``in_doubt`` and ``IN_DOUBT`` are In doubt."""
    said = (code.lower() if code.isupper() else code).replace("_", " ").replace("-", " ")
    return said[:1].upper() + said[1:]


def percent(part: Decimal, whole: Decimal) -> int | None:
    """``part`` of ``whole`` in whole percent, cut off; None of nothing."""
    return int(part * 100 / whole) if whole else None


def known(value: object) -> Markup:
    """Any text, escaped; a dash where there is none."""
    return _NONE if value is None or value == "" else escape(value)


def _two(first: int, unit: str, second: int, lesser: str) -> str:
    return f"{first} {unit} {second} {lesser}" if second else f"{first} {unit}"


def _signed(text: str) -> str:
    return text.replace("-", MINUS)
