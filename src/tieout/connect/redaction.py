"""Keeps secrets out of everything that a person or a file can see of a request.

Neighbours: ``http`` passes every logged, tapped or raised text through a ``Redactor``; ``token`` teaches it tokens.
"""

import base64
import re
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import quote, quote_plus

HIDDEN: Final = "[hidden]"
_SHORTEST_SECRET: Final = 4

_SECRET_HEADERS: Final = frozenset(
    {"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "api-key", "x-auth-token"}
)
_SECRET_MEMBER: Final = re.compile(
    r'("?(?:access_token|refresh_token|id_token|client_secret|client_assertion|assertion|password|api_key|session)"?'
    r'\s*[:=]\s*)("(?:[^"\\]|\\.)*"|[^&\s,}"]+)',
    re.IGNORECASE,
)


class Redactor:
    """Replaces the secrets it knows, in every spelling they travel in, and members that are secret by name."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._known: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        for secret in secrets:
            self.learn(secret)

    def learn(self, secret: str) -> None:
        """Hide ``secret`` from now on (a token that was just issued); shorter than four characters hides nothing."""
        if len(secret) < _SHORTEST_SECRET:
            return
        spellings = {
            secret,
            quote(secret),
            quote(secret, safe=""),
            quote_plus(secret),
            secret.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n"),
            base64.b64encode(secret.encode()).decode().rstrip("="),
            base64.urlsafe_b64encode(secret.encode()).decode().rstrip("="),
        }
        if spellings <= self._known:
            return
        self._known |= spellings
        longest_first = sorted(self._known, key=len, reverse=True)
        self._pattern = re.compile("|".join(re.escape(one) for one in longest_first), re.IGNORECASE)

    def hide(self, text: str) -> str:
        """``text`` without secrets."""
        return _SECRET_MEMBER.sub(rf'\1"{HIDDEN}"', self.hide_known(text))

    def hide_known(self, text: str) -> str:
        """``text`` without the secrets that are known; what is secret by its name only stays."""
        return text if self._pattern is None else self._pattern.sub(HIDDEN, text)

    def hide_headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """``headers`` without secrets; those that carry credentials are hidden whole."""
        return {
            name: HIDDEN if name.lower() in _SECRET_HEADERS else self.hide(value) for name, value in headers.items()
        }
