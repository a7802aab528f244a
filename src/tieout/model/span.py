"""Spans of days, half-open: a span has its first day and not its end, so that adjacent spans do not overlap."""

from datetime import date

import msgspec

from tieout.model.rule import refuse


class DateSpan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Days in [starts, ends); a side that is None is open."""

    starts: date | None = None
    ends: date | None = None

    def __post_init__(self) -> None:
        """Refuse a span without days."""
        if self.starts is not None and self.ends is not None and self.ends <= self.starts:
            refuse("Span of days", f"it ends {self.ends}, not after it starts ({self.starts})")

    def holds(self, day: date) -> bool:
        """Whether ``day`` is in it."""
        return (self.starts is None or self.starts <= day) and (self.ends is None or day < self.ends)

    def overlaps(self, other: "DateSpan") -> bool:
        """Whether some day is in both."""
        return (self.starts is None or other.ends is None or self.starts < other.ends) and (
            other.starts is None or self.ends is None or other.starts < self.ends
        )

    def covers(self, other: "DateSpan") -> bool:
        """Whether every day of ``other`` is in it."""
        begins = self.starts is None or (other.starts is not None and self.starts <= other.starts)
        return begins and (self.ends is None or (other.ends is not None and other.ends <= self.ends))


ALWAYS = DateSpan()
