"""How the firm has the hub watch over itself: what runs daily, what quality data must have, what its door lets in.

``runtime.firm.oversight`` reads it from ``tieout.toml``; it is part of every applied firm version.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Final

import msgspec

OFF: Final = "off"
_DAY: Final = timedelta(days=1)


class DailyRun(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that is done once a day, ``at`` a time of day in UTC (``HH:MM``), or ``off``."""

    at: str

    @property
    def time_of_day(self) -> time | None:
        """When it is due; None where it is switched off. Raises ValueError for what is no time."""
        if self.at == OFF:
            return None
        found = datetime.strptime(self.at, "%H:%M").replace(tzinfo=UTC)
        return found.timetz()

    def due_before(self, now: datetime) -> datetime | None:
        """The last instant up to ``now`` at which it was due; None where it is switched off."""
        at = self.time_of_day
        if at is None:
            return None
        today = datetime.combine(now.astimezone(UTC).date(), at)
        return today if today <= now else today - _DAY

    def due_after(self, now: datetime) -> datetime | None:
        """The first instant after ``now`` at which it is due; None where it is switched off."""
        last = self.due_before(now)
        return None if last is None else last + _DAY


class DeletionSweep(DailyRun, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The daily sweep for what systems deleted. More than ``limit_percent`` of one kind is not believed to be gone."""

    at: str = "02:15"
    limit_percent: int = 20


class DataQuality(DailyRun, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The daily score of what systems say."""

    at: str = "03:00"


class DriftSweep(DailyRun, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The daily look at what targets hold of what was written there.

    More than ``limit_percent`` of one type is not believed to be missing.
    """

    at: str = "03:30"
    limit_percent: int = 20


class AuditAnchor(DailyRun, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The daily writing down of the head of the audit chain, where the firm names places for it."""

    at: str = "04:00"


class PeriodSeal(DailyRun, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The daily sealing of the closed periods that are not sealed as they are."""

    at: str = "03:45"


class Schedule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that is done daily, each by the name of its operation (``[schedule]``)."""

    deletion_sweep: DeletionSweep = DeletionSweep()
    data_quality: DataQuality = DataQuality()
    drift_sweep: DriftSweep = DriftSweep()
    period_seal: PeriodSeal = PeriodSeal()
    audit_anchor: AuditAnchor = AuditAnchor()

    def runs(self) -> Iterator[tuple[str, DailyRun]]:
        """Each run with the name of its operation."""
        for name in self.__struct_fields__:
            yield name, getattr(self, name)


class QualityOverride(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Other thresholds for one ``system``, one type of record (``object``), or the one in the other; None: no other."""

    system: str | None = None
    object: str | None = None
    completeness: Decimal | None = None
    validity: Decimal | None = None
    uniqueness: Decimal | None = None
    timeliness: Decimal | None = None


class QualityPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The least percent of each dimension that is good enough (``[quality]``).

    What is not read to its end within ``polled_within_minutes`` is not timely.
    """

    completeness: Decimal = Decimal(90)
    validity: Decimal = Decimal(98)
    uniqueness: Decimal = Decimal(98)
    timeliness: Decimal = Decimal(100)
    polled_within_minutes: int = 60
    overrides: tuple[QualityOverride, ...] = msgspec.field(default=(), name="override")

    def threshold(self, system: str, record_type: str, dimension: str) -> Decimal:
        """The threshold in percent; that for both wins over that for the type, this over that for the system."""
        fitting = [
            one
            for one in self.overrides
            if one.system in {None, system}
            and one.object in {None, record_type}
            and getattr(one, dimension) is not None
        ]
        closest = max(fitting, key=lambda one: (one.object is not None, one.system is not None), default=self)
        found = getattr(closest, dimension)
        return Decimal(found)


class WebhookDoor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the door for webhooks lets in of one system (``[webhooks]``).

    ``per_minute`` requests, and as many at once; ``refused_per_day`` that are refused are told on the desk.
    """

    per_minute: int = 1200
    refused_per_day: int = 20


class SubscriptionDoor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where webhooks of subscriptions may go (``[subscriptions]``): the internet, or the firm's own networks too."""

    own_networks: bool = False


class Intake(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How what arrives is looked at (``[intake]``): a page of which so much cannot be read has another form."""

    unreadable_percent: int = 50


class Oversight(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The sections of ``tieout.toml`` beside the firm's name; each has defaults."""

    schedule: Schedule = Schedule()
    quality: QualityPolicy = QualityPolicy()
    webhooks: WebhookDoor = WebhookDoor()
    intake: Intake = Intake()
    subscriptions: SubscriptionDoor = SubscriptionDoor()
