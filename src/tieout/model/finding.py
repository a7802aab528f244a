"""Findings: what is wrong with a record, as a value. Rules return them; nothing raises them.

The catalogue (``finding_codes``) says what a code means, who owns it and what its owner does next.
"""

from enum import StrEnum

import msgspec

from tieout.errors import InvariantError
from tieout.model.finding_codes import CATALOGUE, Owner


class Severity(StrEnum):
    """BLOCK holds the record on the desk; WARN lets it pass with a note."""

    BLOCK = "block"
    WARN = "warn"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong with one record.

    ``code`` is a key of the catalogue. ``cause_key`` groups items of one root cause. ``depends_on`` are the tokens of
    what must change to clear it: ``record:TYPE:SYSTEM:KEY``, ``mapping:TABLE``, ``rates``, ``fx``, ``periods:ENTITY``,
    ``policy:ENTITY``; a change of any of them lets the item be judged again. ``subject`` names the record where the
    rule looked at several; it is empty where the caller knows which one it asked about.
    """

    code: str
    message: str
    cause_key: str
    severity: Severity = Severity.BLOCK
    context: dict[str, str] = {}
    depends_on: tuple[str, ...] = ()
    subject: str = ""

    def __post_init__(self) -> None:
        """Refuse a code that the catalogue does not have: nobody would own it."""
        if self.code not in CATALOGUE:
            raise InvariantError(code="TIE-FINDING-001", message=f"{self.code} is not in the catalogue of findings.")

    @property
    def owner(self) -> Owner:
        """The queue it goes to."""
        return CATALOGUE[self.code].owner

    @property
    def next_step(self) -> str:
        """What its owner does about it."""
        return CATALOGUE[self.code].next_step

    @property
    def blocks(self) -> bool:
        """Whether the record is held."""
        return self.severity is Severity.BLOCK


def finding(
    code: str,
    message: str,
    *,
    cause: str = "",
    context: dict[str, str] | None = None,
    depends_on: tuple[str, ...] = (),
    subject: str = "",
) -> Finding:
    """A finding of catalogue code ``code``; ``cause`` tells causes of one code apart. Raises InvariantError."""
    row = CATALOGUE.get(code)
    return Finding(
        code=code,
        message=message,
        cause_key=f"{code}:{cause}",
        severity=Severity.WARN if row is not None and not row.blocks else Severity.BLOCK,
        context=context or {},
        depends_on=depends_on,
        subject=subject,
    )
