"""What the specimen's connector declares, and the one thing in which it can be told to be wrong."""

from enum import StrEnum

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

PAGE = 40
OVERLAP_S = 120.0
LISTS = ("client", "period", "cost", "fx")


class Flaw(StrEnum):
    RETRIES_BLINDLY = "retries a lost answer"
    BELIEVES_200 = "takes every 200 for done"
    LEAKS = "logs its secret"
    LOSES_A_PAGE = "skips the second page"
    SKIPS_ON_RESUME = "skips what follows a cursor in the middle"
    NO_OVERLAP = "resumes exactly at the last time"
    PAGES_BY_TIME = "pages by time alone"
    DEFAULTS_ENUM = "takes an unknown status for draft"
    DEFAULTS_MISSING = "takes missing minutes for none"
    TWO_DECIMALS = "gives every currency two decimals"
    RETRIES_500 = "takes 500 for not recorded"
    TIMEOUT_IS_NOT_SENT = "takes a timeout for not sent"
    ABSENT_WHEN_FAILED = "finds nothing when a look-up fails"
    NO_KEY = "sends no key"
    OWN_HTTP = "goes round the throttle"
    TOKEN_EACH = "fetches a token for every request"
    REMEMBERS = "answers look-ups from memory"
    IGNORES_DELETES = "drops tombstones"
    SHIFTS_DAYS = "moves work dates by a time zone"
    CLOSED_IS_INVALID = "does not know a closed period"
    BATCH_STOPS = "gives up a batch at its first bad item"
    LEDGER_INCLUSIVE = "reads the ledger's last day twice"
    ECHOES_ITSELF = "echoes what it sent"
    FORBIDDEN_IS_REJECTED = "takes 403 for a refusal of the content"
    RAISES = "raises where an outcome is due"
    EMPTY_ON_404 = "takes 404 for an empty collection"
    IGNORES_RETRY_AFTER = "does not say when to come back"
    LAX_JSON = "decodes with the standard library"
    STATIC_VERSION = "gives every version the number one"


MANIFEST = Manifest(
    name="specimen",
    title="Specimen",
    role=Role.ERP,
    api_version="1",
    reads=(
        ReadCapability(
            object="entries",
            cursor=CursorKind.UPDATED_AT,
            deletes=DeleteVisibility.TOMBSTONE,
            page_size=PAGE,
            overlap_s=OVERLAP_S,
        ),
        *(
            ReadCapability(object=one, cursor=CursorKind.FULL, deletes=DeleteVisibility.ABSENCE, page_size=10_000)
            for one in LISTS
        ),
    ),
    writes=(
        WriteCapability(command="post_journal", idempotency=IdempotencyClass.K, max_batch=10),
        WriteCapability(command="upsert_customer", idempotency=IdempotencyClass.K),
    ),
    limits=Limits(concurrency=4),
    settings=(
        Setting(name="base_url", description="Where it is."),
        Setting(name="client_secret", description="What it knows us by.", secret=True),
    ),
    documentation=("tests/unit/connect/specimen",),
)
