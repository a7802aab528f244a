"""The firm's configuration as the steps read it: systems, ownership, mappings, policies, rates of the firm's own.

``runtime`` reads the firm directory into a ``FirmConfig`` and stores each applied version; every step loads it from
there, so that all steps of all processes decide by one numbered version.
"""

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Literal

import msgspec

from tieout.model.field_mapping import CustomField, FilledField
from tieout.model.labour_policy import LabourPolicy
from tieout.model.money import RoundingMode
from tieout.model.notice_policy import NoticePolicy
from tieout.model.oversight import Oversight
from tieout.model.service_level import ServiceLevels
from tieout.model.stream_policy import StreamPolicies


class Environment(StrEnum):
    """Whether a system is the real one or a copy to try things on."""

    SANDBOX = "sandbox"
    PRODUCTION = "production"


class SystemConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One configured system (``systems/NAME.toml``).

    ``secrets`` maps a setting to a reference (``env:NAME``, ``file:PATH``, ``store:NAME``). ``posts_for`` lists the
    legal entities whose journals go there, ``posts_from`` and ``posts_until`` the first accounting date of one and the
    first that is not posted there any more; ``reads`` the objects polled; ``takes`` the master commands that are sent
    there (``upsert_project``, ``link_deal``, ``publish_demand``). ``role`` is the part it plays (crm, psa, resource,
    hcm, erp, payroll), its connector's where the file says no other. ``fields`` are those of its fields that the hub
    fills, ``custom_fields`` its account's own that the hub keeps. ``api_retires_on`` is the day on which the vendor
    ends the version of its API for this account, where it has said so to the firm.
    """

    name: str
    connector: str
    account: str
    environment: Environment
    settings: dict[str, str] = {}
    secrets: dict[str, str] = {}
    reads: tuple[str, ...] = ()
    poll_interval_s: Decimal = Decimal(5)
    posts_for: tuple[str, ...] = ()
    posts_from: dict[str, date] = {}
    posts_until: dict[str, date] = {}
    takes: tuple[str, ...] = ()
    role: str | None = None
    fields: tuple[FilledField, ...] = msgspec.field(default=(), name="field")
    custom_fields: tuple[CustomField, ...] = msgspec.field(default=(), name="custom_field")
    api_retires_on: date | None = None

    def posts_on(self, entity: str, day: date) -> bool:
        """Whether journals of ``entity`` with accounting date ``day`` go there."""
        until = self.posts_until.get(entity)
        return (
            entity in self.posts_for and self.posts_from.get(entity, date.min) <= day and (until is None or day < until)
        )


class ConflictPolicy(StrEnum):
    """What becomes of a change by a system that does not own the field.

    ``reject``: a finding; the owner's value stands. ``propose``: the steward is asked to take it over in the owning
    system; the owner's value stands until then. ``newest``: whoever changed the field last is right.
    """

    REJECT = "reject"
    PROPOSE = "propose"
    NEWEST = "newest"


class OwnershipRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who owns a group of fields of an object. ``entity`` and ``valid_from`` empty: all entities, always."""

    object: str
    fields: tuple[str, ...]
    system: str
    entity: str | None = None
    valid_from: date | None = None
    steward: str = "data_steward"
    conflict: ConflictPolicy = ConflictPolicy.REJECT


class FinancialControl(StrEnum):
    """What decides about money beyond single records: taxes, revenue recognition, credit, open and closed periods."""

    TAX = "tax"
    REVENUE = "revenue"
    CREDIT = "credit"
    PERIOD = "period"


class ControlRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a financial control has its home (``[[control]]`` of ``ownership.toml``). ``entity`` empty: for all."""

    control: FinancialControl
    system: str
    entity: str | None = None


class MappingLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of ``mappings/TABLE.csv``.

    ``source`` in ``system`` (``*``: any) for ``entity`` (``*``: any) means
    ``target`` from ``valid_from`` until before ``valid_to``. ``line`` is its number in the file.
    """

    table: str
    line: int
    system: str
    entity: str
    source: str
    target: str
    valid_from: date
    valid_to: date | None = None


class FirmRateLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of ``mappings/bill_rates.csv`` or ``cost_rates.csv``: a rate the firm states itself.

    Empty dimensions fit anything. ``price`` is per hour. ``scope`` is one of assignment, project, contract, client,
    legal_entity, global. A price of zero counts only where ``complimentary`` says that it is meant.
    """

    context: str
    line: int
    scope: str
    price: Decimal
    currency: str
    valid_from: date
    valid_to: date | None = None
    entity: str | None = None
    client: str | None = None
    project: str | None = None
    role: str | None = None
    resource: str | None = None
    task: str | None = None
    work_type: str | None = None
    complimentary: bool = False


class FirmFxRate(msgspec.Struct, frozen=True, kw_only=True):
    """One line of ``fx.csv``: one ``base`` is ``rate`` ``quote`` on ``day``."""

    day: date
    base: str
    quote: str
    rate: Decimal
    rate_type: str = "spot"


class ClosedPeriodRule(StrEnum):
    """What happens to time of a closed period."""

    NEXT_OPEN = "next_open"
    DESK = "desk"


class DuplicateRule(StrEnum):
    """What a natural or fuzzy duplicate does to the later entry."""

    BLOCK = "block"
    WARN = "warn"


class EntityPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rules of one legal entity (``policies/ENTITY.toml`` over ``policies/default.toml``).

    ``journal_grain`` lists what a journal is cut by (entity always; accounting_date, project); ``line_grain`` is
    ``journal`` (one line per account) or ``entry``. ``accounts`` maps unbilled_receivable, unbilled_revenue,
    project_cost and payroll_clearing to account numbers of the target. Work before ``go_live`` was posted by whatever
    was in use before: it is taken in, shown as excluded and never posted.
    """

    entity: str
    functional_currency: str
    accounts: dict[str, str]
    rounding: RoundingMode = RoundingMode.HALF_UP
    round_hours_first: bool = False
    increment_minutes: int = 1
    max_day_hours: Decimal = Decimal(24)
    late_after_days: int = 10
    future_days: int = 0
    narrative_required: bool = True
    closed_period: ClosedPeriodRule = ClosedPeriodRule.NEXT_OPEN
    natural_duplicate: DuplicateRule = DuplicateRule.BLOCK
    fuzzy_duplicate: DuplicateRule = DuplicateRule.BLOCK
    fuzzy_threshold: int = 92
    claimed_rate: DuplicateRule = DuplicateRule.BLOCK
    fx_rate_type: str = "spot"
    fx_max_age_days: int = 5
    fx_convert_bill_rates: bool = False
    hours_per_day: Decimal | None = None
    required_dimensions: tuple[str, ...] = ()
    journal_grain: tuple[str, ...] = ("accounting_date", "project")
    line_grain: str = "journal"
    max_entries_per_journal: int = 500
    go_live: date | None = None


class DeliveryPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How deliveries to one system are tried (``[delivery]`` in ``systems/NAME.toml`` over the default).

    ``circuit_failures`` failures in a row open the circuit; it is probed after ``circuit_probe_s``, doubling up to
    ``circuit_probe_max_s``. ``longest_in_flight_s`` is the longest time after sending during which a request to this
    account may still take effect, where the firm knows it better than the connector's manifest declares it for all
    (None); ``quarantine_s`` is added to it.
    """

    max_attempts: int = 8
    backoff_s: Decimal = Decimal(1)
    backoff_max_s: Decimal = Decimal(300)
    circuit_failures: int = 5
    circuit_probe_s: Decimal = Decimal(5)
    circuit_probe_max_s: Decimal = Decimal(300)
    quarantine_s: Decimal = Decimal("0.5")
    longest_in_flight_s: Decimal | None = None
    concurrency: int = 4


class AnchorPlace(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the head of the audit chain is written down outside the database (``[[audit.anchors]]``).

    ``kind`` is ``file`` (``place``: a path; a line is added each time), ``webhook`` (``place``: an https address;
    ``secret``: a reference to the Standard Webhooks secret that it is signed with) or ``email`` (``place``: an address;
    ``system``: the firm's system that sends the mail).
    """

    kind: Literal["file", "webhook", "email"]
    place: str
    secret: str | None = None
    system: str | None = None


class AuditPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the firm proves its audit log (``[audit]`` of ``tieout.toml``)."""

    anchors: tuple[AnchorPlace, ...] = ()


class FirmConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One applied version of the firm directory. ``content_hash`` is the hash of all its files."""

    name: str
    version: int
    content_hash: str
    systems: tuple[SystemConfig, ...] = ()
    ownership: tuple[OwnershipRule, ...] = ()
    controls: tuple[ControlRule, ...] = ()
    mappings: tuple[MappingLine, ...] = ()
    rates: tuple[FirmRateLine, ...] = ()
    fx_rates: tuple[FirmFxRate, ...] = ()
    policies: tuple[EntityPolicy, ...] = ()
    labour: dict[str, LabourPolicy] = {}
    deliveries: dict[str, DeliveryPolicy] = {}
    streams: StreamPolicies = StreamPolicies()
    audit: AuditPolicy = AuditPolicy()
    oversight: Oversight = Oversight()
    service_levels: ServiceLevels = ServiceLevels()
    notices: NoticePolicy = NoticePolicy()

    def system(self, name: str) -> SystemConfig | None:
        """The configured system ``name``, or None."""
        return next((one for one in self.systems if one.name == name), None)

    def policy(self, entity: str) -> EntityPolicy | None:
        """The policy of legal entity ``entity``, or None: then nothing of that entity can be posted."""
        return next((one for one in self.policies if one.entity == entity), None)

    def poster_of(self, entity: str, on: date | None = None) -> SystemConfig | None:
        """The system that takes the journals of ``entity`` of accounting date ``on`` (None: the last that will)."""
        fitting = [one for one in self.systems if entity in one.posts_for and (on is None or one.posts_on(entity, on))]
        return max(fitting, key=lambda one: one.posts_from.get(entity, date.min), default=None)
