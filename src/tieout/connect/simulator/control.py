"""What is said over a simulator's admin API: orders to it, changes in its world, and what it really holds.

Neighbours: ``base`` acts on these, ``admin_api`` carries them, ``process`` sends them. No vendor's word occurs here,
so that the conformance suite and tests can drive any simulator.
"""

from typing import TypeAlias

import msgspec

from tieout.connect.simulator.seed import (
    SeedAssignment,
    SeedClient,
    SeedDeal,
    SeedPerson,
    SeedProject,
    SeedTimeEntry,
    SeedTimeOff,
)


class PutTimeEntry(msgspec.Struct, frozen=True, kw_only=True, tag="put_time_entry"):
    """A person adds a time entry, or changes the one with the same key (the vendor's update time moves on)."""

    entry: SeedTimeEntry


class DeleteTimeEntry(msgspec.Struct, frozen=True, kw_only=True, tag="delete_time_entry"):
    """A person deletes a time entry."""

    key: str


class PutClient(msgspec.Struct, frozen=True, kw_only=True, tag="put_client"):
    """Somebody adds or changes a client."""

    client: SeedClient


class SetPeriod(msgspec.Struct, frozen=True, kw_only=True, tag="set_period"):
    """Finance closes or reopens the accounting period ``period`` (a month, 2026-08) of legal entity ``entity``."""

    entity: str
    period: str
    closed: bool


class DeleteHolding(msgspec.Struct, frozen=True, kw_only=True, tag="delete_holding"):
    """Somebody removes by hand what the target holds under our ``reference``."""

    reference: str


class PutDeal(msgspec.Struct, frozen=True, kw_only=True, tag="put_deal"):
    """A seller adds a deal, or changes the one with the same key."""

    deal: SeedDeal


class PutPerson(msgspec.Struct, frozen=True, kw_only=True, tag="put_person"):
    """Somebody adds a person, or changes the one with the same key."""

    person: SeedPerson


class PutProject(msgspec.Struct, frozen=True, kw_only=True, tag="put_project"):
    """Somebody adds a project by hand, or changes the one with the same code."""

    project: SeedProject


class PutAssignment(msgspec.Struct, frozen=True, kw_only=True, tag="put_assignment"):
    """A resource manager adds a booking, or changes the one with the same key."""

    assignment: SeedAssignment


class PutTimeOff(msgspec.Struct, frozen=True, kw_only=True, tag="put_time_off"):
    """Somebody adds an absence, or changes the one with the same key."""

    time_off: SeedTimeOff


class DeleteRecord(msgspec.Struct, frozen=True, kw_only=True, tag="delete_record"):
    """Somebody deletes the ``kind`` (client, deal, person, project, assignment, time_off) with the seed's ``key``."""

    kind: str
    key: str


Change: TypeAlias = (
    PutTimeEntry
    | DeleteTimeEntry
    | PutClient
    | SetPeriod
    | DeleteHolding
    | PutDeal
    | PutPerson
    | PutProject
    | PutAssignment
    | PutTimeOff
    | DeleteRecord
)


class Holding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One object the target really holds under a reference of ours, read past its API: the oracle of tests.

    ``kind`` is the command's tag (``post_journal``); ``debit_minor`` the sum of debits in minor units of ``currency``.
    Of a master ``code`` is the business code (a task's is PROJECT/WBS, a status' and a demand's the project's, a deal
    link's the deal's own key) and ``facts`` what the target holds of it: canonical field names, and ``field:NAME`` for
    the target's own fields; only what it can hold is there.
    """

    kind: str
    reference: str
    id: str
    posted: bool = True
    debit_minor: int | None = None
    currency: str | None = None
    accounting_date: str | None = None
    entity: str | None = None
    code: str | None = None
    facts: dict[str, str] = {}


class ConnectionSheet(msgspec.Struct, frozen=True, kw_only=True):
    """What a connector must be given to talk to this simulator: settings and (made-up) secrets by name.

    ``custom_fields`` are fields of this account that a command may fill, by command, each with a value it takes; of
    ``post_journal`` they are dimensions of its lines. ``address`` is where a notice may be sent in this account.
    """

    settings: dict[str, str]
    secrets: dict[str, str]
    custom_fields: dict[str, dict[str, str]] = {}
    address: str = ""


class SentWebhook(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook as the vendor signs and posts it at ``sent_at`` (ISO 8601); header names in lower case."""

    headers: dict[str, str]
    body: str
    sent_at: str


class SimulatorStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to a simulator so far; ``max_in_window`` counts requests in any window of the asked length."""

    name: str
    requests: int
    writes: int
    reads: int
    token_requests: int
    concurrency: int
    max_concurrency: int
    max_in_window: int
    faults_played: dict[str, int]
    faults_pending: int
    faults_supported: list[str]
    counters: dict[str, int]
    objects: dict[str, int]
    dedup: bool
    clock_offset_s: float
    read_lag_s: float


class ReadyLine(msgspec.Struct, frozen=True, kw_only=True):
    """The line a simulator prints when it listens."""

    base_url: str
    admin_url: str
    pid: int


class SeedOrder(msgspec.Struct, frozen=True, kw_only=True):
    """Fill the simulator from the seed firm in ``directory`` (a path on this machine)."""

    directory: str


class DownOrder(msgspec.Struct, frozen=True, kw_only=True):
    """Be down for ``seconds``: ``how`` is ``refuse`` (connections are refused) or ``answer_503``; 0 ends it."""

    seconds: float
    how: str = "refuse"


class Switches(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Behaviour that can be changed while it runs; what is None stays as it is."""

    dedup: bool | None = None
    clock_offset_s: float | None = None
    read_lag_s: float | None = None
    fault_rate: float | None = None
    fault_seed: int | None = None
