"""What the Float connector can do, as a declaration.

Float tells nobody what was deleted: a deletion shows as absence in a full walk. It honours no key; a project's code is
unique, everything else is found again by the reference that we leave in it (``marks``).
"""

from typing import Final

from tieout.connect.manifest import (
    CursorKind,
    DeleteVisibility,
    IdempotencyClass,
    Limits,
    Manifest,
    ReadCapability,
    Role,
    Setting,
    WriteCapability,
)

PAGE_SIZE: Final = 200
"""API reference, every list: ``per-page`` is 50 unless asked for, and at most 200."""

PEOPLE_OF_A_PAGE: Final = 10_000
"""An allocation or absence may be of many people, each of whom is an item of the page."""

SKILLS_OF_A_PAGE: Final = 10_000
"""Beside each person of a page come the skills that its tags name."""

DAYS_OF_A_PAGE: Final = 10_000
"""A holiday comes with all its days, each of which is an item of the page."""

CHANGE_OVERLAP_S: Final = 300.0
"""The vendor says nothing of rows that appear late; five minutes are for requests that take long."""

MASTERS_EVERY_S: Final = 30.0
"""Bookings are asked for as often as the firm says; of 200 requests a minute, masters are to take few."""

TIMEOUT_S: Final = 60.0
"""The vendor documents no longest time of a request."""

READ_LIMITS: Final = Limits(requests_per_window=20, window_s=6.0)
"""Page "Authentication and limits": 200 requests a minute that read, and at most ten a second."""

WRITE_LIMITS: Final = Limits(requests_per_window=10, window_s=6.0)
"""The same page: 100 requests a minute that write, and at most four a second."""


def _full(name: str, *kinds: str, page_size: int = PAGE_SIZE) -> ReadCapability:
    return ReadCapability(
        object=name,
        cursor=CursorKind.FULL,
        deletes=DeleteVisibility.ABSENCE,
        page_size=page_size,
        kinds=kinds,
        least_interval_s=MASTERS_EVERY_S,
    )


def _changes(
    name: str, *kinds: str, page_size: int = PAGE_SIZE, least_interval_s: float = MASTERS_EVERY_S
) -> ReadCapability:
    return ReadCapability(
        object=name,
        cursor=CursorKind.UPDATED_AT,
        deletes=DeleteVisibility.ABSENCE,
        page_size=page_size,
        overlap_s=CHANGE_OVERLAP_S,
        kinds=kinds,
        least_interval_s=least_interval_s,
    )


MANIFEST: Final = Manifest(
    name="float",
    title="Float",
    role=Role.RESOURCE,
    api_version="v3",
    reads=(
        _full("roles", "role"),
        _full("departments", "org_unit"),
        _full("clients", "client"),
        _changes("people", "resource", "skill", "resource_skill", page_size=SKILLS_OF_A_PAGE),
        _changes("projects", "project"),
        _full("project-tasks", "task"),
        _changes("tasks", "assignment", page_size=PEOPLE_OF_A_PAGE, least_interval_s=0.0),
        _changes("timeoffs", "time_off", page_size=PEOPLE_OF_A_PAGE, least_interval_s=0.0),
        _full("holidays", "holiday", page_size=DAYS_OF_A_PAGE),
    ),
    writes=(
        WriteCapability(command="upsert_customer", idempotency=IdempotencyClass.L),
        WriteCapability(command="upsert_project", idempotency=IdempotencyClass.U),
        WriteCapability(command="set_project_status", idempotency=IdempotencyClass.L),
        WriteCapability(command="publish_demand", idempotency=IdempotencyClass.L),
    ),
    limits=READ_LIMITS,
    settings=(
        Setting(
            name="access_token",
            description="API token of the account (Team Settings, Integrations); only the account owner sees it.",
            secret=True,
        ),
        Setting(
            name="contact",
            description="E-mail address at which Float reaches whoever runs this hub; every request must name one.",
        ),
        Setting(
            name="regions",
            description="What each region is called (1=Berlin; 2=New York), as the other systems name places; the API "
            "gives its number only, which an unnamed one is known by.",
            required=False,
            default="",
        ),
        Setting(
            name="schedule_from",
            description="The first day from which allocations, time off and holidays are read. Moving it moves what is "
            "known: what lies before it counts as gone.",
            required=False,
            default="2020-01-01",
        ),
        Setting(
            name="schedule_to",
            description="The last day up to which they are read; at least a year ahead.",
            required=False,
            default="2035-12-31",
        ),
        Setting(
            name="base_url",
            description="Where the API is; a simulator has another.",
            required=False,
            default="https://api.float.com/v3",
        ),
    ),
    max_in_flight_s=TIMEOUT_S,
    request_timeout_s=TIMEOUT_S,
    read_your_write_lag_s=2.0,
    documentation=(
        "developer.float.com, Float API documentation; Authentication and limits; Responses",
        "developer.float.com, Importing your team; Managing your projects; Scheduling your team",
        "developer.float.com, Plan using unassigned roles; Exporting the schedule data",
        "developer.float.com, API Reference 3.0.0: People, Roles, Time Off, Public Holidays, Team Holidays",
        "developer.float.com, API Reference 3.0.0: Clients, Projects, Phases, Project Tasks, Allocations",
    ),
)
