"""How much people work by the firm's word: hours of a week, and the most of a day.

``runtime.firm.labour`` reads the policies from ``labour_policies.toml``; which of them is a person's, the mapping table
``labour_policies`` says (``records.labour``).
"""

from decimal import Decimal

import msgspec


class LabourPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One labour policy. None: it says nothing of it.

    ``weekly_hours`` is the week, Monday to Friday, of those of whom no system tells hours; ``max_day_hours`` the most
    that can be worked on one day, in place of the legal entity's.
    """

    weekly_hours: Decimal | None = None
    max_day_hours: Decimal | None = None
