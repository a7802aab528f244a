"""Findings: what is wrong with a record, as a value. Rules return them; nothing raises them."""

from enum import StrEnum

import msgspec

from tieout.model.finding_codes import CATALOGUE


class Severity(StrEnum):
    """BLOCK holds the record on the desk; WARN lets it pass with a note."""

    BLOCK = "block"
    WARN = "warn"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong with one record.

    ``code`` is a key of the catalogue. ``cause_key`` groups items of one root cause. ``depends_on`` are the tokens of
    what must change to clear it: ``record:TYPE:SYSTEM:KEY``, ``mapping:TABLE``, ``rates``, ``fx``, ``periods:ENTITY``,
    ``policy:ENTITY``; a change of any of them lets the item be judged again.
    """

    code: str
    message: str
    cause_key: str
    severity: Severity = Severity.BLOCK
    context: dict[str, str] = {}
    depends_on: tuple[str, ...] = ()

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
) -> Finding:
    """A finding of catalogue code ``code``; ``cause`` tells causes of one code apart."""
    row = CATALOGUE[code]
    return Finding(
        code=code,
        message=message,
        cause_key=f"{code}:{cause}",
        severity=Severity.BLOCK if row.blocks else Severity.WARN,
        context=context or {},
        depends_on=depends_on,
    )
