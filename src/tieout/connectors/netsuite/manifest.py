"""What the NetSuite connector can do, as a declaration.

Idempotency class U rests on one fact that the suite proves: a journal is *created* (POST) with our reference as its
external id, and NetSuite refuses a second record with the same external id. It is never upserted: a PUT on
``eid:REFERENCE`` of a journal that is already there would change it, and add its lines a second time unless
``?replace=line`` is given. Customers, projects and tasks are upserted, because there a change is what is meant. The
status of a project is set to a value, never moved by a step, so the same command again leaves what is there: class K.
The billing rate card (``billingratecard``) is documented for SuiteScript and not as a REST record, and there is no
record of a contract, so neither is taken.
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

PAGE_SIZE: Final = 1000
"""Page "Executing SuiteQL Queries Through REST Web Services": at most 1,000 rows a page."""

MAX_BATCH: Final = 100
"""Page "Batch Operations": at most 100 records of one type."""

CONCURRENCY: Final = 5
"""Page "Concurrency Governance and Session Management": the smallest account serves five requests at once."""

LONGEST_REQUEST_S: Final = 900.0
"""Page "Concurrency Governance and Session Management": a request times out after 15 minutes."""

CHANGE_OVERLAP_S: Final = 7200.0
"""Change times are in the account's time zone: one hour repeats when summer time ends, another is for late commits."""

SINGLE: Final = "single"
ASYNC_BATCHES: Final = "async_batches"
PERIOD_LOCK_RECORD: Final = "customrecord_tieout_period_lock"
WBS_FIELD: Final = "custevent_tieout_wbs"
"""The custom field of a project task that holds its WBS code: a task has a title and no code of its own."""

STATUS_REFERENCE_FIELD: Final = "custentity_tieout_status_ref"
"""The custom field of a project that holds our reference of the command that set its status."""

PROJECT_STATUSES: Final = (
    "approved=Awarded,provisioning=Pending,active=In Progress,on_hold=On Hold,delivery_complete=Delivery Complete,"
    "financially_closed=Closed,archived=Archived"
)
"""Awarded, Pending, In Progress and Closed come with an account; an administrator adds the others."""

PROJECT_FIELDS: Final = (
    "contract_number=custentity_tieout_contract,rate_card_code=custentity_tieout_rate_card,"
    "service_line=custentity_tieout_service_line,manager_email=custentity_tieout_manager"
)


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
    name="netsuite",
    title="Oracle NetSuite",
    role=Role.ERP,
    api_version="v1",
    reads=(
        _full("subsidiary", "legal_entity"),
        _full("accountingperiod", "period"),
        _full("currencyrate", "fx_rate"),
        _changes("customer", "client"),
        _changes("job", "project"),
    ),
    writes=(
        WriteCapability(command="upsert_customer", idempotency=IdempotencyClass.U, max_batch=MAX_BATCH),
        WriteCapability(command="upsert_project", idempotency=IdempotencyClass.U, max_batch=MAX_BATCH),
        WriteCapability(command="upsert_task", idempotency=IdempotencyClass.U, max_batch=MAX_BATCH),
        WriteCapability(command="set_project_status", idempotency=IdempotencyClass.K, max_batch=MAX_BATCH),
        WriteCapability(command="post_journal", idempotency=IdempotencyClass.U, max_batch=MAX_BATCH),
    ),
    limits=Limits(concurrency=CONCURRENCY),
    settings=(
        Setting(name="account_id", description="The account, as Setup > Company shows it: 1234567 or 1234567_SB1."),
        Setting(name="client_id", description="Client id of the integration record (OAuth 2.0 client credentials)."),
        Setting(
            name="certificate_id", description="Id of the uploaded certificate, from the OAuth 2.0 M2M set-up page."
        ),
        Setting(
            name="private_key",
            description="The certificate's private key in PEM: EC (P-256, P-384, P-521) or RSA of 3,072 bits or more.",
            secret=True,
        ),
        Setting(
            name="base_url",
            description="Where the API is, if not at the address that follows from the account id.",
            required=False,
        ),
        Setting(
            name="concurrency",
            description="How many requests may run at once; the account's limit is shared with all its integrations.",
            required=False,
            default=str(CONCURRENCY),
        ),
        Setting(
            name="journal_writes",
            description=f"{SINGLE}: one request per journal, answered at once. {ASYNC_BATCHES}: up to 100 journals a "
            "request, done by NetSuite in the background; for long backlogs on an account with little concurrency.",
            required=False,
            default=SINGLE,
        ),
        Setting(
            name="async_deadline_s",
            description="How long a batch may take before its journals are looked up one by one.",
            required=False,
            default="120",
        ),
        Setting(
            name="read_back",
            description="yes: every posted journal is read back and its amount and currency compared. no: not.",
            required=False,
            default="yes",
        ),
        Setting(
            name="subsidiaries",
            description="Subsidiary of each legal entity as CODE=ID,CODE=ID; without it the external id or the name of "
            "the subsidiary is the legal entity's code.",
            required=False,
            default="",
        ),
        Setting(
            name="dimension_fields",
            description="Which line field takes which dimension, as DIMENSION=FIELD,...; fields are department, class, "
            "location, a custom segment (cseg...) or a free-form text column (custcol...).",
            required=False,
            default="department=department,class=class,location=location",
        ),
        Setting(
            name="project_statuses",
            description="Which project status of the account stands for which state of a project, as STATE=NAME,...; "
            "a state that is not named is refused.",
            required=False,
            default=PROJECT_STATUSES,
        ),
        Setting(
            name="project_fields",
            description="Which custom field of a project holds what NetSuite has no field for, as NAME=FIELD,...; "
            "names are contract_number, rate_card_code, service_line and manager_email; what is not named is not kept.",
            required=False,
            default=PROJECT_FIELDS,
        ),
        Setting(
            name="period_lock_record",
            description="The custom record that tells which period is locked for which subsidiary; none: only the "
            "account-wide flags of a period count.",
            required=False,
            default=PERIOD_LOCK_RECORD,
        ),
    ),
    control_fields={
        "tax": ("defaultTaxReg", "taxItem", "taxable", "vatRegNumber"),
        "revenue": ("estimateRevRecTemplate", "revRecForecastRule", "revRecForecastTemplate"),
        "credit": ("creditHoldOverride", "creditLimit", "terms"),
        "period": ("postingPeriod",),
    },
    max_in_flight_s=LONGEST_REQUEST_S,
    read_your_write_lag_s=0.0,
    request_timeout_s=60.0,
    documentation=(
        "NetSuite Help Center: POST Request to the Token Endpoint and the Access Token Response",
        "NetSuite Help Center: The Request Token Structure",
        "NetSuite Help Center: Using the Upsert Operation; Batch Operations",
        "NetSuite Help Center: Sending an Asynchronous Request Using an Idempotency Key",
        "NetSuite Help Center: Executing SuiteQL Queries Through REST Web Services",
        "NetSuite Help Center: Error Handling in REST Web Services",
        "NetSuite Help Center: Concurrency Governance and Session Management; GovernanceLimits Operation",
        "NetSuite Help Center: Working with Resource Metadata; Custom Segments; Project; Project Task",
        "NetSuite Schema Browser: Job, ProjectTask",
        "NetSuite Help Center: Locking Accounting Periods in NetSuite OneWorld",
    ),
)
