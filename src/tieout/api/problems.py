"""What the API alone refuses, in words: problems (``web.problems``) of time entries and webhooks.

Nothing of a refused request was stored: the caller still has it, and ``detail`` says what to do. The codes are those of
the reference of errors. Neighbours: ``app`` and ``webhooks`` answer with these.
"""

from typing import Final

from litestar import Response
from litestar.datastructures import Headers
from litestar.status_codes import (
    HTTP_400_BAD_REQUEST,
    HTTP_401_UNAUTHORIZED,
    HTTP_404_NOT_FOUND,
    HTTP_413_REQUEST_ENTITY_TOO_LARGE,
    HTTP_415_UNSUPPORTED_MEDIA_TYPE,
    HTTP_429_TOO_MANY_REQUESTS,
    HTTP_503_SERVICE_UNAVAILABLE,
)

from tieout.web.problems import problem

_RETRY_AFTER_S: Final = 2
_SHOWN_CHARS: Final = 80


def too_many_items(limit: int) -> Response[bytes]:
    """More items than a batch may have."""
    return problem(
        HTTP_413_REQUEST_ENTITY_TOO_LARGE, "TIE-API-003", f"A batch may have {limit} items; send it in parts."
    )


def empty() -> Response[bytes]:
    """No entry in it."""
    return problem(HTTP_400_BAD_REQUEST, "TIE-API-004", "The request holds no time entry.")


def not_json(headers: Headers) -> Response[bytes]:
    """The caller says that the body is of another kind, or packed."""
    named = ", ".join(
        headers[name][:_SHOWN_CHARS] for name in ("content-type", "content-encoding") if headers.get(name)
    )
    return problem(
        HTTP_415_UNSUPPORTED_MEDIA_TYPE, "TIE-API-006", f"The request says that its body is {named}; send plain JSON."
    )


def no_webhooks(system: str) -> Response[bytes]:
    """No system of this name, or one whose connector takes no webhooks."""
    return problem(
        HTTP_404_NOT_FOUND, "TIE-WEBHOOK-001", f"There is no system {system[:_SHOWN_CHARS]} that sends webhooks."
    )


def webhook_not_proven(system: str) -> Response[bytes]:
    """Not signed, wrongly signed or signed too long ago; what exactly is wrong goes to the log, not to the caller."""
    return problem(
        HTTP_401_UNAUTHORIZED, "TIE-WEBHOOK-002", f"This is not proven to be a fresh request of {system}; sign it anew."
    )


def webhook_too_large(limit_bytes: int) -> Response[bytes]:
    """More bytes than a webhook may have."""
    return problem(HTTP_413_REQUEST_ENTITY_TOO_LARGE, "TIE-WEBHOOK-003", f"A webhook may have {limit_bytes} bytes.")


def webhook_unreadable(system: str) -> Response[bytes]:
    """The vendor's own, and still not what its connector knows."""
    return problem(HTTP_400_BAD_REQUEST, "TIE-WEBHOOK-004", f"The body is no webhook of {system}.")


def webhook_unprovable(system: str) -> Response[bytes]:
    """The secret that would prove it cannot be read here: the vendor sends it again."""
    return problem(
        HTTP_503_SERVICE_UNAVAILABLE,
        "TIE-WEBHOOK-005",
        f"Webhooks of {system} cannot be checked at the moment.",
        {"Retry-After": str(_RETRY_AFTER_S)},
    )


def too_many_webhooks(system: str, per_minute: int, wait_s: int) -> Response[bytes]:
    """More than the firm lets in: nothing of it was looked at."""
    return problem(
        HTTP_429_TOO_MANY_REQUESTS,
        "TIE-WEBHOOK-006",
        f"{per_minute} webhooks of {system} are let in each minute; send it again in {wait_s} s.",
        {"Retry-After": str(wait_s)},
    )
