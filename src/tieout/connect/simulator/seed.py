"""The firm that a simulator is filled with, in words of no vendor.

A sample or a user writes one such document; every simulator turns the part it knows into its own vendor's rows. Plain
structs of JSON values: this module imports nothing of the hub, so that a simulator cannot share its mistakes.
Dates are ISO text, hours minutes, money minor units with a currency.
"""

from collections.abc import Iterator
from pathlib import Path

import msgspec


class SeedEntity(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A legal entity: ``code`` is the firm's (US01), ``name`` what a PSA shows, ``closed_periods`` months (2026-08)."""

    code: str
    name: str
    country: str
    currency: str
    time_zone: str
    periods: list[str]
    closed_periods: list[str] = []


class SeedClient(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A customer, billed by one legal entity."""

    code: str
    name: str
    entity: str
    currency: str
    tax_id: str | None = None
    country: str | None = None


class SeedTask(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A task of a project; a closed one takes no more time."""

    key: str
    name: str
    billable: bool = True
    open: bool = True


class SeedProject(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A project with its tasks, the rate card it is billed by, and its service line."""

    code: str
    name: str
    client: str
    entity: str
    currency: str
    service_line: str
    rate_card: str
    starts: str
    ends: str
    status: str = "active"
    tasks: list[SeedTask] = []


class SeedPerson(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A worker with role, employment and cost rate (per hour); ``employed_to`` is the first day after the last one."""

    key: str
    name: str
    email: str
    entity: str
    role: str
    employed_from: str
    employed_to: str | None = None
    cost_rates: list["SeedCostRate"] = []
    fte: str = "1"
    location: str | None = None
    department: str | None = None
    manager: str | None = None
    skills: list[str] = []
    weekly_minutes: int = 2400


class SeedCostRate(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What one hour of a person costs from a date on (half-open to ``to``), in minor units."""

    amount_minor: int
    currency: str
    starts: str
    ends: str | None = None


class SeedRateLine(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What one hour of a role is billed at, in minor units, between two dates (half-open)."""

    role: str
    amount_minor: int
    starts: str
    ends: str | None = None


class SeedRateCard(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A rate card in one currency; versions are told by the dates of its lines."""

    code: str
    name: str
    currency: str
    lines: list[SeedRateLine]


class SeedFxRate(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One unit of ``base`` is worth ``rate`` (decimal text) units of ``quote`` on a day."""

    day: str
    base: str
    quote: str
    rate: str


class SeedTimeEntry(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A time entry as a person keyed it. ``raw`` overrides vendor fields by name, to seed malformed rows."""

    key: str
    person: str
    project: str
    task: str | None
    work_date: str
    minutes: int
    billable: bool
    notes: str
    approved: bool = True
    approver: str | None = None
    updated_at: str
    raw: dict[str, str | int | bool | None] = {}


class SeedDealLine(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A role sold in a deal: minutes of it between two dates (both included), at a price an hour in minor units."""

    key: str
    role: str
    minutes: int
    price_minor: int
    starts: str
    ends: str
    location: str | None = None
    skills: list[str] = []


class SeedDeal(msgspec.Struct, kw_only=True, omit_defaults=True):
    """An opportunity of the CRM, with its contract where there is one. ``stage`` is the CRM's word (Closed Won).

    ``probability`` is in percent, as text; both of ``starts`` and ``ends`` belong to the deal. What is None is not
    filled in, as deals often are not.
    """

    key: str
    name: str
    client: str
    stage: str
    amount_minor: int
    currency: str
    close_date: str
    updated_at: str
    probability: str = "0"
    entity: str | None = None
    service_line: str | None = None
    starts: str | None = None
    ends: str | None = None
    rate_card: str | None = None
    contract: str | None = None
    contract_status: str | None = None
    po_number: str | None = None
    tax_treatment: str | None = None
    owner_email: str | None = None
    lines: list[SeedDealLine] = []


class SeedAssignment(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A booking of a person (or a role without one) on a project, both days included, minutes on each working day."""

    key: str
    project: str
    starts: str
    ends: str
    minutes_per_day: int
    updated_at: str
    person: str | None = None
    role: str | None = None
    status: str = "hard"
    notes: str = ""


class SeedTimeOff(msgspec.Struct, kw_only=True, omit_defaults=True):
    """An absence of a person, both days included; without ``minutes_per_day`` whole days."""

    key: str
    person: str
    starts: str
    ends: str
    kind: str
    updated_at: str
    status: str = "approved"
    minutes_per_day: int | None = None


class SeedHoliday(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A public holiday of a country."""

    country: str
    day: str
    name: str


class SeedFirm(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The masters of a firm. Time entries lie beside it, one JSON object per line (``read_time_entries``).

    ``accounts`` gives the account number of each role (``unbilled_receivable``: 1250), ``departments`` the department's
    code of each service line (Strategy: 100).
    """

    name: str
    entities: list[SeedEntity]
    clients: list[SeedClient]
    projects: list[SeedProject]
    roles: list[str]
    people: list[SeedPerson]
    rate_cards: list[SeedRateCard]
    fx_rates: list[SeedFxRate]
    accounts: dict[str, str]
    departments: dict[str, str] = {}
    deals: list[SeedDeal] = []
    assignments: list[SeedAssignment] = []
    time_off: list[SeedTimeOff] = []
    holidays: list[SeedHoliday] = []


def write_firm(directory: Path, firm: SeedFirm) -> None:
    """Store the masters as ``firm.json`` in ``directory``."""
    (directory / "firm.json").write_bytes(msgspec.json.encode(firm))


def read_firm(directory: Path) -> SeedFirm:
    """The masters stored in ``directory``."""
    return msgspec.json.decode((directory / "firm.json").read_bytes(), type=SeedFirm)


def read_time_entries(directory: Path) -> Iterator[SeedTimeEntry]:
    """The time entries stored as ``time_entries.jsonl`` in ``directory``, one at a time."""
    decoder = msgspec.json.Decoder(SeedTimeEntry)
    with (directory / "time_entries.jsonl").open("rb") as lines:
        for line in lines:
            yield decoder.decode(line)
