"""What a write came to, once it is known what the account holds: pure, shared by both ways of writing.

Neighbours: ``write`` and ``batches``.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from tieout.connect.http import HttpAnswer
from tieout.connect.outcome import (
    Accepted,
    AlreadyDone,
    Found,
    FoundState,
    NoAccess,
    Outcome,
    Rejected,
    RejectionCode,
    RetryLater,
    Unknown,
    Warned,
)
from tieout.connectors.netsuite.outcome_codes import outcome_of
from tieout.errors import AccessError, TieoutError, TransientError

_NO_CONTENT: Final = 204


def not_sent(error: TieoutError) -> Outcome:
    """The outcome of a write that was certainly not made because ``error`` came before it."""
    if isinstance(error, AccessError):
        return NoAccess(words=error.message)
    after_s = error.retry_after_s if isinstance(error, TransientError) else None
    return RetryLater(reason=error.message, after_s=after_s)


def answered(answer: HttpAnswer) -> Outcome:
    """Accepted for the documented success (204 with the record's address), else what the answer means."""
    if answer.status != _NO_CONTENT:
        return outcome_of(answer)
    key = urlsplit(answer.headers.get("location", "")).path.rpartition("/")[2]
    if not key.isdecimal():
        return Unknown(reason="NetSuite answered 204 without the address of the record.")
    return Accepted(ref=key)


def _pending(found: Found) -> Warned:
    words = (
        f"The journal {found.ref} is in NetSuite but pending approval, so it does not post. Approve it there, or give"
        " the integration's role the permission to approve."
    )
    return Warned(name="PENDING_APPROVAL", words=words)


def _void(found: Found) -> Rejected:
    words = f"The journal {found.ref} under this reference was voided in NetSuite by hand."
    return Rejected(code=RejectionCode.CONFLICT, words=words)


def held(found: Found, *, repeated: bool = False) -> Outcome:
    """The outcome for a journal that the account holds; ``repeated`` when it was there before this write."""
    match found.state:
        case FoundState.DRAFT:
            return _pending(found)
        case FoundState.CANCELLED:
            return _void(found)
        case FoundState.POSTED if repeated:
            return AlreadyDone(ref=found.ref, echo=found.echo)
        case FoundState.POSTED:
            return Accepted(ref=found.ref, echo=found.echo)


def settled(reference: str, outcome: Outcome, found: Mapping[str, Found] | None) -> Outcome:
    """The outcome of a write, corrected by a look-up made after it; ``found`` None: the look-up failed."""
    if isinstance(outcome, Accepted):
        return _seen(outcome, None if found is None else found.get(reference))
    if not isinstance(outcome, Rejected):
        return outcome
    if found is None:
        return Unknown(reason=f"Refused ({outcome.words}), but it could not be seen whether it was posted before.")
    if reference in found:
        return held(found[reference], repeated=True)
    if outcome.vendor_code == "DUP_RCRD":
        return Unknown(reason=f"Refused as a duplicate ({outcome.words}), but no journal has the reference.")
    return outcome


def _seen(accepted: Accepted, found: Found | None) -> Outcome:
    """What was accepted, with what the look-up saw of it."""
    if found is None:
        return accepted
    after = held(found)
    return Accepted(ref=accepted.ref, echo=after.echo) if isinstance(after, Accepted) else after
