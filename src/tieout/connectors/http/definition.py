"""The definition of a REST system: what a TOML file of the firm directory says, as values.

Neighbours: ``parsing`` reads and checks it, ``rules`` turns values by it, ``paging`` walks by it, ``manifest`` declares
it. Paths are names with dots between (``customer.id``, ``lines.0.sku``); one that begins with a slash starts at the
whole item, which matters within lists.
"""

from typing import Final, Literal

import msgspec

from tieout.connect.by_rule.rule import Fields, ItemRules, Rule
from tieout.connect.manifest import DeleteVisibility, IdempotencyClass, Role
from tieout.connect.outcome import RejectionCode
from tieout.model.command import (
    LinkDeal,
    PublishDemand,
    SetProjectStatus,
    UpsertCustomer,
    UpsertEmployee,
    UpsertProject,
    UpsertRateCard,
    UpsertTask,
)
from tieout.model.journal import PostJournal

COMMANDS: Final = {
    str(kind.__struct_config__.tag): kind
    for kind in (
        PostJournal,
        UpsertCustomer,
        UpsertProject,
        UpsertTask,
        SetProjectStatus,
        UpsertRateCard,
        UpsertEmployee,
        LinkDeal,
        PublishDemand,
    )
}


class Auth(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How requests are signed.

    ``bearer`` (secret token), ``basic`` (user, secret password), ``header`` (the named header, secret api_key),
    ``oauth2`` (client credentials: client_id, secret client_secret, token_path) or ``none``.
    """

    kind: Literal["none", "bearer", "basic", "header", "oauth2"]
    user: str | None = None
    header: str | None = None
    client_id: str | None = None
    token_path: str | None = None
    scope: str | None = None
    client_in: Literal["basic", "body"] = "basic"


class Paging(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a list is cut: by ``page`` number, ``offset``, ``cursor`` in the body, ``link`` header, or not at all.

    ``param`` is the parameter that says where to go on, ``size_param`` the one for how many. ``first`` is the number of
    the first page, ``next`` the path of the next cursor.
    """

    kind: Literal["none", "page", "offset", "cursor", "link"] = "none"
    param: str | None = None
    size_param: str | None = None
    size: int = 100
    first: int = 1
    next: str | None = None


class Changed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The parameter that asks for what changed since a version; ``date`` asks by whole days."""

    param: str
    format: Literal["iso", "unix", "unix_ms", "date", "integer"] = "iso"


class ReadPart(ItemRules, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One object that can be read.

    ``items`` is the path of the list in an answer (empty: the answer is the list). Without ``changed`` everything is
    read each time.
    """

    path: str
    items: str = ""
    params: dict[str, str] = msgspec.field(default_factory=dict)
    paging: Paging = msgspec.field(default_factory=Paging)
    changed: Changed | None = None
    overlap_s: float = 300.0
    deletes: DeleteVisibility = DeleteVisibility.ABSENCE


class Echo(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a target says it recorded: an amount with its currency, and the day."""

    amount: str | Rule
    currency: str | Rule
    accounting_date: str | Rule | None = None


class FindPart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How what was written is looked up by our reference: ``{reference}`` and ``{entity}`` in path and parameters.

    ``items`` is the path of the list (empty: the answer is the list, or the one item). ``reference`` and ``ref`` are
    paths within an item, ``state`` yields posted, draft or cancelled. A status of ``absent`` says that there is none.
    """

    path: str
    reference: str
    ref: str = "id"
    params: dict[str, str] = {}
    items: str = ""
    absent: tuple[int, ...] = ()
    state: str | Rule | None = None
    echo: Echo | None = None


class WritePart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One command that can be written, with one request each. ``{name}`` in the path is a field of the command.

    ``body`` is by names of the vendor, with dots for objects within objects. ``extra_fields`` is the path under which
    the command's own ``fields`` go (empty: beside the others). ``answer`` is the path of the recorded object in the
    answer, ``ref`` of its id within (empty: the answer names none, and our reference stands for it).
    """

    command: str
    idempotency: IdempotencyClass
    method: Literal["POST", "PUT", "PATCH"]
    path: str
    body: Fields
    params: dict[str, str] = {}
    key_header: str | None = None
    extra_fields: str = ""
    answer: str = ""
    ref: str = "id"
    echo: Echo | None = None
    find: FindPart | None = None


class ErrorPart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How answers say no: paths of code and words, the member that a good status must not have (``in_ok``).

    ``rejections`` translates the vendor's codes. ``duplicate`` are statuses for a reference that is there already,
    ``busy`` those after which certainly nothing was recorded and the request may be repeated.
    """

    code: str | None = None
    message: str | None = None
    in_ok: str | None = None
    rejections: dict[str, RejectionCode] = {}
    duplicate: tuple[int, ...] = (409,)
    busy: tuple[int, ...] = (429,)


class LedgerLines(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The lines of a posting: where the list is, and the values of each."""

    path: str
    account: str | Rule
    functional: str | Rule
    functional_currency: str | Rule
    amount: str | Rule
    currency: str | Rule


class LedgerPart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the ledger is read for reconciliation: ``{entity}``, ``{starts}``, ``{last}`` (included) and ``{ends}``."""

    path: str
    reference: str | Rule
    ref: str | Rule
    accounting_date: str | Rule
    period: str | Rule
    posted: str | Rule
    lines: LedgerLines
    params: dict[str, str] = {}
    items: str = ""
    paging: Paging = Paging()


class Definition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One REST system. ``documentation`` names the vendor's pages that it was written by."""

    title: str
    role: Role
    documentation: tuple[str, ...]
    auth: Auth
    api_version: str = "1"
    max_in_flight_s: float = 60.0
    read_your_write_lag_s: float = 0.0
    request_timeout_s: float = 30.0
    concurrency: int | None = None
    requests_per_window: int | None = None
    window_s: float | None = None
    headers: dict[str, str] = {}
    errors: ErrorPart = ErrorPart()
    read: tuple[ReadPart, ...] = ()
    write: tuple[WritePart, ...] = ()
    ledger: LedgerPart | None = None

    def read_part(self, object_name: str) -> ReadPart | None:
        """How ``object_name`` is read, or None."""
        return next((one for one in self.read if one.object == object_name), None)

    def write_part(self, command: str) -> WritePart | None:
        """How ``command`` is written, or None."""
        return next((one for one in self.write if one.command == command), None)
