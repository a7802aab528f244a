"""What an application of either door is put together from: state, routes for getting in, checks before every handler.

``api.app`` builds the application of both doors out of these. Neighbours: everything else in this package.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from litestar.di import Provide
from litestar.types import BeforeMessageSendHookHandler, ControllerRouterHandler, Middleware

from tieout.model.clock import Clock
from tieout.storage.pool import Pool
from tieout.web import guards, headers, oidc, sign_in, token_endpoint
from tieout.web.database import DoorDatabase
from tieout.web.limits import BY_ADDRESS, BY_PRINCIPAL, RateLimiter
from tieout.web.site import Site
from tieout.web.tokens import TokenKeys


@dataclass(frozen=True, kw_only=True)
class Entrance:
    """What getting in needs: ``pool`` logs in as the doors' role, ``home`` keeps the keys that sign tokens.

    ``pages`` are routes for people, which stand behind the same entrance.
    """

    pool: Pool
    home: Path
    site: Site
    pages: Sequence[ControllerRouterHandler] = ()


MIDDLEWARE: Final[tuple[Middleware, ...]] = (guards.Gate(),)
BEFORE_SEND: Final[tuple[BeforeMessageSendHookHandler, ...]] = (headers.before_send,)


def dependencies() -> dict[str, Provide | Callable[..., Any]]:
    """What handlers may ask for by name: ``principal``."""
    return {"principal": Provide(guards.principal)}


def routes() -> list[ControllerRouterHandler]:
    """Signing in and out, and tokens for programs."""
    return [
        sign_in.sign_in_page,
        sign_in.link_page,
        sign_in.use_link,
        sign_in.sign_out,
        sign_in.style,
        oidc.begin,
        oidc.callback,
        token_endpoint.issue_token,
    ]


def state(entrance: Entrance, clock: Clock) -> dict[str, object]:
    """The application's state: ``database``, ``clock`` and what getting in keeps."""
    return {
        "database": DoorDatabase(entrance.pool, clock),
        "clock": clock,
        "site": entrance.site,
        "token_keys": TokenKeys(entrance.home),
        "limits": RateLimiter(BY_PRINCIPAL),
        "guesses": RateLimiter(BY_ADDRESS),
    }
