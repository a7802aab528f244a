"""What the Kantata connector can do, as a declaration."""

from typing import Final

from tieout.connect.manifest import (
    CursorKind,
    DeleteVisibility,
    IdempotencyClass,
    Manifest,
    ReadCapability,
    Role,
    Setting,
    WriteCapability,
)

PAGE_SIZE: Final = 200
"""Page "Pagination": ``per_page`` is 20 unless asked for, and at most 200."""

TIMEOUT_S: Final = 180.0
"""Page "Timeouts": a request that takes longer than three minutes is cut off (504)."""

CHANGE_OVERLAP_S: Final = 240.0
"""A row carries the time at which its request began to write it, so one may appear up to ``TIMEOUT_S`` late; and a
minute is for clocks that differ."""

EVENT_OVERLAP_S: Final = 1800.0
"""Page "Events": events appear within a few minutes, unordered, and "may take some time"."""

EVENT_RETENTION_S: Final = 9 * 24 * 3600.0
"""Page "Events": nine days."""


PRICES_PER_CARD: Final = 20_000
"""Rate lines come card by card with all versions: up to 199 versions of some hundred roles."""

COST_RATES_PER_PAGE: Final = 4_000
"""Cost rates come with 200 account memberships, each with one rate per currency."""


def _full(
    name: str, kind: str, deletes: DeleteVisibility = DeleteVisibility.ABSENCE, page_size: int = PAGE_SIZE
) -> ReadCapability:
    return ReadCapability(object=name, cursor=CursorKind.FULL, deletes=deletes, page_size=page_size, kinds=(kind,))


def _changes(name: str, *kinds: str, deletes: DeleteVisibility, overlap_s: float = CHANGE_OVERLAP_S) -> ReadCapability:
    return ReadCapability(
        object=name,
        cursor=CursorKind.UPDATED_AT,
        deletes=deletes,
        page_size=PAGE_SIZE,
        overlap_s=overlap_s,
        kinds=kinds,
    )


MANIFEST: Final = Manifest(
    name="kantata",
    title="Kantata OX (Mavenlink)",
    role=Role.PSA,
    api_version="v1",
    reads=(
        _full("roles", "role", DeleteVisibility.TOMBSTONE),
        _full("workspace_groups", "client", DeleteVisibility.EVENT),
        _full("rate_cards", "rate_card"),
        _full("rate_card_versions", "rate_line", page_size=PRICES_PER_CARD),
        _full("users", "resource"),
        _full("cost_rates", "cost_rate", page_size=COST_RATES_PER_PAGE),
        _full("financial_periods", "period"),
        _full("workspaces", "project", DeleteVisibility.EVENT),
        _changes("stories", "task", deletes=DeleteVisibility.TOMBSTONE),
        _changes("time_entries", "time", deletes=DeleteVisibility.EVENT),
        _changes(
            "subscribed_events",
            *("time", "client", "project", "task"),
            deletes=DeleteVisibility.EVENT,
            overlap_s=EVENT_OVERLAP_S,
        ),
    ),
    writes=tuple(
        WriteCapability(command=command, idempotency=IdempotencyClass.L)
        for command in ("upsert_customer", "upsert_rate_card", "upsert_project", "upsert_task", "set_project_status")
    ),
    settings=(
        Setting(
            name="access_token",
            description="OAuth 2.0 bearer token of an account administrator; it has no expiry of its own.",
            secret=True,
        ),
        Setting(
            name="base_url",
            description="Where the API is; a simulator has another.",
            required=False,
            default="https://api.mavenlink.com/api/v1",
        ),
        Setting(
            name="project_statuses",
            description="The account's status key of each state that projects are given, as state=key;state=key.",
            required=False,
            default="",
        ),
        Setting(
            name="legal_entities",
            description="What the custom field Legal Entity says for each legal entity, as CODE=NAME;CODE=NAME; "
            "without it the code.",
            required=False,
            default="",
        ),
        Setting(
            name="left_out",
            description="What is not kept where the account has no custom field for it, of currency, tax_id, "
            "service_line, contract_number and budget_hours, with semicolons between; anything else that has no "
            "field is refused.",
            required=False,
            default="currency",
        ),
    ),
    max_in_flight_s=TIMEOUT_S,
    request_timeout_s=TIMEOUT_S,
    documentation=(
        "developer.kantata.com, Kantata OX API Documentation: Pagination, Response Format, Errors, Timeouts",
        "developer.kantata.com, Time Entries; Timesheet Submissions; Line Item Locks; Events",
        "developer.kantata.com, Workspaces; Workspace Groups; Stories; Custom Field Values",
        "developer.kantata.com, External References; Custom Fields",
        "developer.kantata.com, Users; Account Memberships; Roles; Cost Rates",
        "developer.kantata.com, Rate Cards; Rate Card Set Version; Rate Card Versions; Rate Card Role",
        "developer.kantata.com, Rate Card Sets; Rate Card Table Rows; Publish a Rate Card Set Version",
        "knowledge.kantata.com, Project Status List; Subscribed Events Reference",
    ),
)
