"""Several requests in one: page "Send Multiple Requests Using Composite".

Parts are done in order; ``@{reference.field}`` in a later one stands for what an earlier one answered. With
``allOrNone`` one that fails undoes all. Neighbour: ``rest`` does each part.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from tieout.connect.simulator.state import State
from tieout.connectors.salesforce.simulator.errors import RefusedError
from tieout.connectors.salesforce.simulator.reply import ENCODER, Reply

MOST_PARTS: Final = 25
MOST_QUERIES: Final = 5
_REFERENCE: Final = re.compile(rb"@\{([A-Za-z0-9_]+)\.([A-Za-z0-9_]+)\}")
_QUERY: Final = re.compile(r"/services/data/v[\d.]+/(?:query|queryAll|composite/sobjects)(?:[/?]|$)")
_FIRST_ERROR: Final = 400

DoPart = Callable[[str, str, object, Mapping[str, str]], Reply]


class Part(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One request of several."""

    method: str
    url: str
    reference_id: str
    body: object = None
    http_headers: dict[str, str] = {}


class _Order(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    composite_request: list[Part]
    all_or_none: bool = False


class _HaltedError(Exception):
    """A part failed where all were to be done or none."""

    def __init__(self, replies: list[Reply]) -> None:
        super().__init__()
        self.replies = replies


def answer(body: object, do_part: DoPart, state: State) -> Reply:
    """Do a composite request; raises RefusedError where it is not well formed."""
    try:
        order = msgspec.convert(body, _Order)
    except msgspec.ValidationError as error:
        raise RefusedError("JSON_PARSER_ERROR", str(error)) from error
    parts = order.composite_request
    if len(parts) > MOST_PARTS or sum(_QUERY.match(one.url) is not None for one in parts) > MOST_QUERIES:
        words = f"Limit exceeded: at most {MOST_PARTS} subrequests, of which {MOST_QUERIES} may query."
        raise RefusedError("PROCESSING_HALTED", words)
    if len({one.reference_id for one in parts}) < len(parts):
        raise RefusedError("INVALID_REQUEST", "Every referenceId must be unique.")
    try:
        with state.transaction():
            replies = _done(parts, do_part, all_or_none=order.all_or_none)
    except _HaltedError as halted:
        replies = halted.replies
    return Reply(
        body={
            "compositeResponse": [
                {
                    "body": reply.body,
                    "httpHeaders": reply.headers,
                    "httpStatusCode": reply.status,
                    "referenceId": part.reference_id,
                }
                for part, reply in zip(parts, replies, strict=True)
            ]
        }
    )


def _done(parts: list[Part], do_part: DoPart, *, all_or_none: bool) -> list[Reply]:
    replies: list[Reply] = []
    answered: dict[str, object] = {}
    for part in parts:
        filled = _filled(part, answered)
        reply = do_part(filled.method, filled.url, filled.body, filled.http_headers)
        if reply.status >= _FIRST_ERROR and all_or_none:
            raise _HaltedError([*[_halted()] * len(replies), reply, *[_halted()] * (len(parts) - len(replies) - 1)])
        replies.append(reply)
        answered[part.reference_id] = reply.body
    return replies


def _filled(part: Part, answered: Mapping[str, object]) -> Part:
    """The part with what earlier ones answered; raises RefusedError for a reference to nothing."""

    def value(match: re.Match[bytes]) -> bytes:
        told = answered.get(match[1].decode())
        if not isinstance(told, dict) or match[2].decode() not in told:
            raise RefusedError("PROCESSING_HALTED", f"Invalid reference specified. No value for {match[0].decode()}")
        return ENCODER.encode(told[match[2].decode()]).strip(b'"')

    return msgspec.json.decode(_REFERENCE.sub(value, ENCODER.encode(part)), type=Part)


def _halted() -> Reply:
    refused = RefusedError("PROCESSING_HALTED", "The transaction was rolled back since another operation failed.")
    return Reply(status=refused.status, body=refused.body())
