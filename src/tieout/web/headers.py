"""What every answer says to browsers: load nothing from elsewhere, be framed by nobody, keep nothing, leak nothing.

``before_send`` is a hook of the application, so that refusals of the router itself carry the headers too.
"""

from typing import Any, Final

from litestar.datastructures import MutableScopeHeaders
from litestar.types import Message, Scope

from tieout.web.limits import Standing
from tieout.web.site import Site

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_ALWAYS: Final = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    # Not no-referrer: under it browsers send our own forms with the origin null, and the gate refuses them.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
_YEAR_S: Final = 31_536_000
STANDING: Final = "tieout_standing"
"""Where the scope keeps how the caller stands with his quota."""


async def before_send(message: Message, scope: Scope) -> None:
    """Add the headers to the start of an answer."""
    if message["type"] != "http.response.start":
        return
    message.setdefault("headers", [])
    headers = MutableScopeHeaders.from_message(message)
    for name, value in _ALWAYS.items():
        headers.setdefault(name, value)
    headers.setdefault("cache-control", "no-store")
    if is_secure(scope):
        headers.setdefault("strict-transport-security", f"max-age={_YEAR_S}; includeSubDomains")
    state: Any = scope
    standing = state.get(STANDING)
    if isinstance(standing, Standing):
        for name, value in standing.headers().items():
            headers.setdefault(name, value)


def is_secure(scope: Scope) -> bool:
    """Whether the browser came by https: to us, or to what stands before us by the firm's public address."""
    site = scope["litestar_app"].state.get("site")
    return scope["scheme"] == "https" or (isinstance(site, Site) and site.is_https)
