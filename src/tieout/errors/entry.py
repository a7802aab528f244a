"""What the catalogue says of a code, and sentences that several codes share.

Neighbours: ``catalogue`` and ``vendor_codes`` are made of these.
"""

from typing import Final, NamedTuple


class CatalogueEntry(NamedTuple):
    """What a code means (``title``) and what the reader does about it (``next_step``)."""

    title: str
    next_step: str


REPORT_IT: Final = "This is a defect of Tieout: nothing was changed. Report it with this message and the log around it."
COMPARE: Final = (
    "The payload is kept as received: compare it with the vendor's documentation; correct it in the source, send again."
)
