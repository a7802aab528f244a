"""Refusals of the simulated org, in the bodies that "Status Codes and Error Responses" documents."""

from collections.abc import Sequence
from typing import TypeAlias

import msgspec
from aiohttp import web

Json: TypeAlias = dict[str, "Json"] | list["Json"] | str | int | float | bool | None


class RefusedError(Exception):
    """A request, or one item of several, is refused: code, words, status and the fields that are to blame."""

    def __init__(self, code: str, message: str, *, status: int = 400, fields: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.fields = list(fields)

    def body(self) -> Json:
        """The body of a refused request: a list of one error."""
        error: dict[str, Json] = {"message": self.message, "errorCode": self.code}
        if self.fields:
            error["fields"] = list(self.fields)
        return [error]

    def item(self) -> Json:
        """The result of a refused item of several; there the code has another name."""
        return {
            "success": False,
            "errors": [{"statusCode": self.code, "message": self.message, "fields": list(self.fields)}],
        }


def not_found(message: str = "The requested resource does not exist") -> RefusedError:
    """404."""
    return RefusedError("NOT_FOUND", message, status=404)


def session_refused() -> RefusedError:
    """401: the token is missing, wrong, expired or revoked."""
    return RefusedError("INVALID_SESSION_ID", "Session expired or invalid", status=401)


def allocation_used_up() -> RefusedError:
    """403: the requests of the last 24 hours are used up; there is no Retry-After."""
    return RefusedError("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", status=403)


def error_response(refused: RefusedError, *, status: int | None = None) -> web.Response:
    """A refusal as an HTTP answer."""
    return web.Response(
        body=msgspec.json.encode(refused.body()), status=status or refused.status, content_type="application/json"
    )
