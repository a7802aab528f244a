"""Where a firm is told what: channels by recipient, domain and severity, quiet hours, and a default (``notices.toml``).

Pure. ``outbound.notices`` routes by it; the systems are those whose ``takes`` names ``send_notice``.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from tieout.model.command import Severity
from tieout.model.service_level import Domain

_RANK: Final = (Severity.INFO, Severity.WARNING, Severity.CRITICAL)
_FIRST_STEP: Final = "1"


class NoticeChannel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A place that notices go to: a ``system`` and the ``address`` in its own words ("": its only one).

    ``told`` are the recipients that are reached there (``queue:NAME``, ``role:NAME``, ``channel:NAME`` or an e-mail
    address), of ``domain`` only where it is named, from ``severity`` up. From ``quiet_from`` until ``quiet_until``
    (HH:MM in ``time_zone``) only what is critical is sent; the rest waits.
    """

    system: str
    address: str = ""
    told: tuple[str, ...] = ()
    domain: Domain | None = None
    severity: Severity = Severity.INFO
    quiet_from: str | None = None
    quiet_until: str | None = None
    time_zone: str = "UTC"

    def fits(self, recipient: str, domain: str | None, severity: Severity) -> bool:
        """Whether a notice for ``recipient`` goes here."""
        return (
            recipient in self.told
            and self.domain in {None, domain}
            and _RANK.index(severity) >= _RANK.index(self.severity)
        )

    def send_at(self, now: datetime, severity: Severity) -> datetime:
        """When a notice may be sent: now, or when the quiet hours end. Raises ValueError for hours that are none."""
        if self.quiet_from is None or self.quiet_until is None or severity is Severity.CRITICAL:
            return now
        begins, ends = time_of(self.quiet_from), time_of(self.quiet_until)
        local = now.astimezone(ZoneInfo(self.time_zone))
        at = local.time()
        quiet = begins <= at < ends if begins <= ends else at >= begins or at < ends
        if not quiet:
            return now
        day = local.date() if at < ends else local.date() + timedelta(days=1)
        return datetime.combine(day, ends, local.tzinfo).astimezone(UTC)


class NoticePolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All channels; ``default`` takes what no channel fits. Without one, that is told on the pages of the hub only.

    ``mail`` is the system by which a recipient that is an e-mail address is reached, where no channel names it.
    """

    default: NoticeChannel | None = None
    mail: str | None = None
    channels: tuple[NoticeChannel, ...] = msgspec.field(default=(), name="channel")

    def every(self) -> Iterable[NoticeChannel]:
        """All of them, the default first."""
        return self.channels if self.default is None else (self.default, *self.channels)

    def places(self, recipient: str, domain: str | None, severity: Severity) -> tuple[NoticeChannel, ...]:
        """The channels that ``recipient`` is told on; those for its domain go before those for all."""
        fitting = [one for one in self.channels if one.fits(recipient, domain, severity)]
        closest = [one for one in fitting if one.domain is not None] or fitting
        if closest:
            return tuple(closest)
        if self.mail is not None and "@" in recipient:
            return (NoticeChannel(system=self.mail, address=recipient),)
        return () if self.default is None else (self.default,)


def severity_of(facts: dict[str, str]) -> Severity:
    """How urgent a notice with ``facts`` is: its own word, or warning for the first step of an escalation."""
    if "severity" in facts:
        return Severity(facts["severity"])
    return Severity.WARNING if facts.get("escalation", _FIRST_STEP) == _FIRST_STEP else Severity.CRITICAL


def time_of(text: str) -> time:
    """A time of day (HH:MM); raises ValueError for what is none."""
    return datetime.strptime(text, "%H:%M").replace(tzinfo=UTC).time()
