"""What the Salesforce connector can do, as a declaration.

All writes are of class U, by an id that Salesforce keeps unique: a customer or contract is upserted by an external id
(the sink refuses to write where the field is not declared unique), a deal's link overwrites fields of the one record
that has the deal's id, and a repeat leaves the same. Change events are a second, faster path to what the objects tell:
nothing rests on them alone.
"""

from collections.abc import Mapping
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
from tieout.connectors.salesforce.fields import (
    ACCOUNT,
    CONTRACT,
    DEFAULT_CONTRACT_STATES,
    DEFAULT_FIELDS,
    LINE,
    OBJECTS,
    OPPORTUNITY,
)

API_VERSION: Final = "v60.0"

PAGE_SIZE: Final = 2000
"""Page "Query": an answer holds at most 2,000 records, and ``Sforce-Query-Options`` can ask for 200 to 2,000."""

SMALLEST_PAGE: Final = 200

MAX_BATCH: Final = 200
"""Page "sObject Collections": at most 200 records a request."""

CHANGE_OVERLAP_S: Final = 600.0
"""A record carries the time at which it was written and shows when its transaction ends, which may take ten minutes."""

LONGEST_REQUEST_S: Final = 600.0
"""A transaction that runs longer than ten minutes is ended by Salesforce."""

DELETED_PAGE: Final = 600_000
"""Page "sObject Get Deleted": at most 600,000 ids, else the window is refused."""

CONCURRENCY: Final = 10
"""Page "API Request Limits and Allocations": 25 requests of more than 20 seconds at once, in trial orgs 5."""

DELETED_SUFFIX: Final = ".deleted"
CHANGE_EVENTS: Final = "ChangeEvents"
CLIENT_CREDENTIALS: Final = "client_credentials"
JWT_BEARER: Final = "jwt_bearer"

KINDS_OF_OBJECT: Final[Mapping[str, str]] = {
    ACCOUNT: "client",
    OPPORTUNITY: "deal",
    LINE: "deal_line",
    CONTRACT: "contract",
}
"""What the records of each object speak of."""


def _changes(name: str) -> ReadCapability:
    return ReadCapability(
        object=name,
        cursor=CursorKind.UPDATED_AT,
        deletes=DeleteVisibility.TOMBSTONE,
        page_size=PAGE_SIZE,
        overlap_s=CHANGE_OVERLAP_S,
        kinds=(KINDS_OF_OBJECT[name],),
    )


def _deleted(name: str) -> ReadCapability:
    return ReadCapability(
        object=name + DELETED_SUFFIX,
        cursor=CursorKind.SEQUENCE,
        deletes=DeleteVisibility.EVENT,
        page_size=DELETED_PAGE,
        kinds=(KINDS_OF_OBJECT[name],),
    )


def pairs_text(pairs: Mapping[str, str]) -> str:
    """NAME=VALUE pairs as a setting holds them."""
    return ",".join(f"{name}={value}" for name, value in pairs.items())


def _fields_setting(name: str, vendor_object: str) -> Setting:
    return Setting(
        name=name,
        description=f"Fields of {vendor_object} as FIELD=NAME,...: our field, and its API name in Salesforce (a dot "
        "leads through a relation), or none where the org does not have it. What is not named keeps its default.",
        required=False,
        default=pairs_text(DEFAULT_FIELDS[vendor_object]),
    )


MANIFEST: Final = Manifest(
    name="salesforce",
    title="Salesforce",
    role=Role.CRM,
    api_version=API_VERSION,
    reads=(
        *(_changes(name) for name in OBJECTS),
        *(_deleted(name) for name in OBJECTS),
        ReadCapability(
            object=CHANGE_EVENTS,
            cursor=CursorKind.SEQUENCE,
            deletes=DeleteVisibility.TOMBSTONE,
            page_size=PAGE_SIZE,
            kinds=tuple(KINDS_OF_OBJECT.values()),
        ),
    ),
    writes=(
        WriteCapability(command="upsert_customer", idempotency=IdempotencyClass.U, max_batch=MAX_BATCH),
        WriteCapability(command="upsert_contract", idempotency=IdempotencyClass.U, max_batch=MAX_BATCH),
        WriteCapability(command="link_deal", idempotency=IdempotencyClass.U, max_batch=MAX_BATCH),
    ),
    limits=Limits(concurrency=CONCURRENCY),
    settings=(
        Setting(name="base_url", description="The org's My Domain address: https://acme.my.salesforce.com."),
        Setting(name="client_id", description="Consumer key of the connected app."),
        Setting(
            name="auth_flow",
            description=f"{CLIENT_CREDENTIALS}: with client_secret, as the app's run-as user. {JWT_BEARER}: with "
            "private_key and username.",
            required=False,
            default=CLIENT_CREDENTIALS,
        ),
        Setting(
            name="client_secret",
            description=f"Consumer secret of the connected app, for {CLIENT_CREDENTIALS}.",
            secret=True,
            required=False,
        ),
        Setting(
            name="private_key",
            description=f"RSA private key in PEM whose certificate the connected app has, for {JWT_BEARER}.",
            secret=True,
            required=False,
        ),
        Setting(name="username", description=f"The user to act as, for {JWT_BEARER}.", required=False),
        Setting(
            name="audience",
            description=f"Whom the assertion of {JWT_BEARER} is for; https://test.salesforce.com for a sandbox.",
            required=False,
            default="https://login.salesforce.com",
        ),
        Setting(
            name="currency",
            description="The currency of an org that has only one; empty in an org with several, where every record "
            "names its own.",
            required=False,
            default="",
        ),
        _fields_setting("client_fields", ACCOUNT),
        _fields_setting("deal_fields", OPPORTUNITY),
        _fields_setting("line_fields", LINE),
        # Salesforce numbers contracts itself: where they are written, code=FIELD names a unique external id of the org.
        _fields_setting("contract_fields", CONTRACT),
        Setting(
            name="contract_states",
            description="Our contract state of each StatusCode as CODE=STATE,...; what is not named keeps its default.",
            required=False,
            default=pairs_text(DEFAULT_CONTRACT_STATES),
        ),
        Setting(
            name="reference_field",
            description="The text field of Account, Contract and Opportunity that takes the reference of what was "
            "written last.",
            required=False,
            default="Tieout_Reference__c",
        ),
        Setting(
            name="change_channel",
            description="The channel of change events: /data/ChangeEvents, or a custom one (/data/Name__chn).",
            required=False,
            default="/data/ChangeEvents",
        ),
        Setting(
            name="event_wait_s",
            description="How long one look at the change events waits for the first of them, 0 to 100 seconds.",
            required=False,
            default="20",
        ),
        Setting(
            name="allocation_wait_s",
            description="How long nothing is asked when the org's API requests of 24 hours are used up, 1 to 3600 "
            "seconds: Salesforce does not say when there are some again.",
            required=False,
            default="900",
        ),
        Setting(
            name="page_size",
            description=f"Records an answer may hold, {SMALLEST_PAGE} to {PAGE_SIZE}.",
            required=False,
            default=str(PAGE_SIZE),
        ),
    ),
    max_in_flight_s=LONGEST_REQUEST_S,
    read_your_write_lag_s=0.0,
    request_timeout_s=60.0,
    documentation=(
        "Salesforce Help: OAuth 2.0 Client Credentials Flow for Server-to-Server Integration",
        "Salesforce Help: OAuth 2.0 JWT Bearer Flow for Server-to-Server Integration",
        "REST API Developer Guide: Query; QueryAll; sObject Get Deleted; sObject Describe",
        "REST API Developer Guide: Insert or Update (Upsert) a Record Using an External ID",
        "REST API Developer Guide: Upsert Records Using sObject Collections; Send Multiple Requests Using Composite",
        "REST API Developer Guide: Status Codes and Error Responses",
        "Streaming API Developer Guide: How the Client Connects; Message Durability",
        "Change Data Capture Developer Guide: Change Event Header Fields; Gap Events; Overflow Events",
        "Object Reference: Account; Opportunity; OpportunityStage; OpportunityLineItem; Contract; ContractStatus",
    ),
)
