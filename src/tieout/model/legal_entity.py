"""Legal entities: who bills, who employs, whose books a posting is in. The ERP owns them."""

from enum import StrEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from tieout.model.money import RoundingMode, exponent
from tieout.model.rule import refuse

_COUNTRY_LETTERS = 2


class FiscalCalendar(StrEnum):
    """How an entity cuts its year into periods."""

    MONTHS = "months"
    FOUR_FOUR_FIVE = "4-4-5"
    THIRTEEN = "13"


class RoundingPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How an entity rounds (domain model, decision 2): a default, and what differs per currency."""

    default: RoundingMode
    by_currency: dict[str, RoundingMode] = {}

    def __post_init__(self) -> None:
        """Refuse unknown currencies."""
        for currency in self.by_currency:
            exponent(currency)

    def mode(self, currency: str) -> RoundingMode:
        """How amounts of ``currency`` are rounded."""
        return self.by_currency.get(currency, self.default)


class IntercompanyAccounts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The accounts towards one other entity (domain model 2.8): what it owes us, and what we owe it."""

    due_from: str
    due_to: str


class LegalEntity(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One company of the firm.

    ``country`` is ISO 3166 alpha-2; ``intercompany`` is keyed by the other entity's code.
    """

    code: str
    name: str
    country: str
    functional_currency: str
    reporting_currency: str
    time_zone: str
    fiscal_calendar: FiscalCalendar
    rounding: RoundingPolicy
    tax_ids: tuple[str, ...] = ()
    intercompany: dict[str, IntercompanyAccounts] = {}

    def __post_init__(self) -> None:
        """Refuse an entity without a code, with an impossible currency, country or zone, or owing itself."""
        name = f"Legal entity {self.code or self.name!r}"
        if not self.code:
            refuse(name, "it has no code")
        exponent(self.functional_currency)
        exponent(self.reporting_currency)
        if len(self.country) != _COUNTRY_LETTERS or not (self.country.isascii() and self.country.isupper()):
            refuse(name, f"country {self.country!r} is not two capital letters of ISO 3166")
        if self.code in self.intercompany:
            refuse(name, "it has intercompany accounts towards itself")
        try:
            ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            refuse(name, f"{self.time_zone!r} is not a time zone")
