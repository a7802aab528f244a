"""What the Tryton connector can do, as a declaration.

Idempotency class L for journals: Tryton has neither an idempotency key nor a unique field that a client may set on a
move, so a journal is found again by its description, which holds our reference and nothing else. A journal is made in
two requests, a draft and its posting; posting a move twice is refused by Tryton, so only the draft can be made twice,
and a draft is looked for before it is made and again before it is posted. A party's code is unique: class U. Projects
and tasks are found by our reference in their comment: class L. A status is set to a value, never moved by a step, so
the same command again leaves what is there: class K. Its modules for projects have neither rates by role and day nor
contracts, so no rate card and no contract is taken.
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

PAGE_SIZE: Final = 500
MAX_BATCH: Final = 100
"""Measured: 100 moves of four lines take 0.8 s; more gain nothing and hold Tryton's number sequence longer."""

CONCURRENCY: Final = 4
"""Tryton serves what its processes can; postings of one fiscal year wait for each other in any case."""

CHANGE_OVERLAP_S: Final = 60.0
"""A change is stamped with the start of its transaction and seen after its end."""

CUSTOMER_CATEGORY: Final = "Customer"
PROJECT_STATUSES: Final = (
    "approved=Approved,provisioning=Provisioning,active=Open,on_hold=On Hold,delivery_complete=Delivery Complete,"
    "financially_closed=Financially Closed,archived=Archived"
)
"""Open comes with Tryton; an administrator adds the others, for projects, without a least progress."""

OPEN_TASK_STATUS: Final = "Open"
CLOSED_TASK_STATUS: Final = "Done"

COMPANY: Final = "company.company"
PERIOD: Final = "account.period"
RATE: Final = "currency.currency.rate"
PARTY: Final = "party.party"
PROJECT: Final = "project.work"
EMPLOYEE: Final = "company.employee"


def _full(name: str, kind: str) -> ReadCapability:
    return ReadCapability(
        object=name, cursor=CursorKind.FULL, deletes=DeleteVisibility.ABSENCE, page_size=PAGE_SIZE, kinds=(kind,)
    )


def _changes(name: str, kind: str) -> ReadCapability:
    return ReadCapability(
        object=name,
        cursor=CursorKind.UPDATED_AT,
        deletes=DeleteVisibility.ABSENCE,
        page_size=PAGE_SIZE,
        overlap_s=CHANGE_OVERLAP_S,
        kinds=(kind,),
    )


MANIFEST: Final = Manifest(
    name="tryton",
    title="Tryton",
    role=Role.ERP,
    api_version="8.2",
    reads=(
        _full(COMPANY, "legal_entity"),
        _full(PERIOD, "period"),
        _changes(RATE, "fx_rate"),
        _changes(PARTY, "client"),
        _changes(PROJECT, "project"),
        _changes(EMPLOYEE, "resource"),
    ),
    writes=(
        WriteCapability(command="upsert_customer", idempotency=IdempotencyClass.U, max_batch=MAX_BATCH),
        WriteCapability(command="upsert_project", idempotency=IdempotencyClass.L, max_batch=MAX_BATCH),
        WriteCapability(command="upsert_task", idempotency=IdempotencyClass.L, max_batch=MAX_BATCH),
        WriteCapability(command="set_project_status", idempotency=IdempotencyClass.K, max_batch=MAX_BATCH),
        WriteCapability(command="upsert_employee", idempotency=IdempotencyClass.L, max_batch=MAX_BATCH),
        WriteCapability(command="post_journal", idempotency=IdempotencyClass.L, max_batch=MAX_BATCH),
    ),
    limits=Limits(concurrency=CONCURRENCY),
    settings=(
        Setting(name="base_url", description="Where Tryton serves, for example https://erp.example.com."),
        Setting(name="database", description="The name of the database, as the sign-in window shows it."),
        Setting(name="user", description="The user that the hub signs in as; its company filter must be All."),
        Setting(name="password", description="The password of that user.", secret=True),
        Setting(name="journal", description="Code of the journal that moves are made in."),
        Setting(
            name="customer_category",
            description="The category that marks a party as a customer.",
            required=False,
            default=CUSTOMER_CATEGORY,
        ),
        Setting(
            name="project_statuses",
            description="Which status of Tryton stands for which state of a project, as STATE=NAME,...; a state that "
            "is not named is refused.",
            required=False,
            default=PROJECT_STATUSES,
        ),
        Setting(
            name="open_task_status",
            description="The status of a task that is open again.",
            required=False,
            default=OPEN_TASK_STATUS,
        ),
        Setting(
            name="closed_task_status",
            description="The status of a task that takes no more time.",
            required=False,
            default=CLOSED_TASK_STATUS,
        ),
        Setting(
            name="rate_base",
            description="The currency that rates are quoted in; without it the one whose rates are all one.",
            required=False,
            default="",
        ),
    ),
    max_in_flight_s=30.0,
    read_your_write_lag_s=0.0,
    request_timeout_s=20.0,
    documentation=(
        "Tryton server documentation: Remote Procedure Call (RPC), JSON-RPC",
        "Tryton server documentation: Configuration, sections request, session and database",
        "Tryton server documentation: Model and ModelStorage reference (create, write, delete, search_read)",
        "Tryton account module documentation: Move, Period, Journal",
        "Tryton party module documentation: Party; project module documentation: Work; company module: Employee",
        "Tryton currency module documentation: Currency and Currency Rate",
    ),
    claim="tested against the real Tryton 8.2 on PostgreSQL",
)
