"""A connector's declaration of what it can do; the engine, the suite and the documents read it.

Neighbours: ``connector`` binds a manifest to code, ``conformance`` proves every claim made here.
"""

from datetime import date
from enum import StrEnum

import msgspec


class Role(StrEnum):
    """The part a system plays in the firm."""

    CRM = "crm"
    PSA = "psa"
    RESOURCE = "resource"
    HCM = "hcm"
    ERP = "erp"
    PAYROLL = "payroll"
    NOTICES = "notices"


class IdempotencyClass(StrEnum):
    """How a repeated write can be kept from having a second effect; decides how the engine recovers.

    ``K`` honours a key, ``U`` enforces a unique reference, ``L`` can be looked up by our reference, ``N`` none
    of these: never retried by the machine.
    """

    K = "K"
    U = "U"
    L = "L"
    N = "N"


class CursorKind(StrEnum):
    """What a source's position is made of."""

    UPDATED_AT = "updated_at"
    SEQUENCE = "sequence"
    FULL = "full"


class DeleteVisibility(StrEnum):
    """How a deletion in the source becomes known."""

    TOMBSTONE = "tombstone"
    EVENT = "event"
    ABSENCE = "absence"


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """The vendor's limits of one account: a rate window, a number of concurrent requests, or both."""

    requests_per_window: int | None = None
    window_s: float | None = None
    concurrency: int | None = None


class ReadCapability(msgspec.Struct, frozen=True, kw_only=True):
    """One object that a source can read. ``object`` is the vendor's name of it (``time_entries``).

    ``kinds`` are what its items speak of (``source.kind_of``); a full walk of an object tells what is gone of these.
    ``least_interval_s`` is how long it is left alone between two polls, however often the rest of the system is polled:
    for what changes seldom, where a vendor counts requests.
    """

    object: str
    cursor: CursorKind
    deletes: DeleteVisibility
    page_size: int
    overlap_s: float = 0.0
    kinds: tuple[str, ...] = ()
    least_interval_s: float = 0.0


class WriteCapability(msgspec.Struct, frozen=True, kw_only=True):
    """One command that a sink can write, by the command's tag (``post_journal``)."""

    command: str
    idempotency: IdempotencyClass
    max_batch: int = 1
    atomic_batch: bool = False


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """One setting a connection needs. A ``secret`` setting is given as a reference, never as a value.

    A ``file`` setting names a TOML file of the firm directory; the connection is given its content. ``beside`` names
    the secret beside which this one counts too, while one of them replaces the other.
    """

    name: str
    description: str
    secret: bool = False
    file: bool = False
    required: bool = True
    default: str | None = None
    beside: str | None = None


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the hub may rely on about one kind of system.

    ``max_in_flight_s`` is the longest time after sending during which a request may still take effect;
    ``read_your_write_lag_s`` how long a look-up may miss what was written. Together they are the quarantine.
    ``control_fields`` are the vendor's own fields in which a financial control decides, by control (tax, revenue,
    credit, period): the hub fills none of them where the system is the control's home. ``speaks_http`` is false where
    the system is reached by another protocol, so that nothing passes the hub's HTTP client. ``api_retires_on`` is the
    day on which the vendor ends ``api_version``, None where it has named none.
    """

    name: str
    title: str
    role: Role
    api_version: str
    api_retires_on: date | None = None
    reads: tuple[ReadCapability, ...] = ()
    writes: tuple[WriteCapability, ...] = ()
    limits: Limits = Limits()
    settings: tuple[Setting, ...] = ()
    control_fields: dict[str, tuple[str, ...]] = {}
    speaks_http: bool = True
    max_in_flight_s: float = 60.0
    read_your_write_lag_s: float = 0.0
    request_timeout_s: float = 30.0
    documentation: tuple[str, ...] = ()
    claim: str = "tested against a simulator of the public API"

    def read(self, object_name: str) -> ReadCapability | None:
        """The capability to read ``object_name``, or None where the source cannot."""
        return next((one for one in self.reads if one.object == object_name), None)

    def write(self, command: str) -> WriteCapability | None:
        """The capability to write ``command``, or None where the sink cannot."""
        return next((one for one in self.writes if one.command == command), None)
