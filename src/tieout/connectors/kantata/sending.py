"""Sends one write to an account and reads which row it wrote; an answer that ends the write is raised as its outcome.

Neighbours: ``write`` and ``card_writer`` say what is sent, ``client`` makes the requests.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from tieout.connect.http import HttpAnswer
from tieout.connect.outcome import NoAccess, Outcome, Rejected, RejectionCode, RetryLater, Unknown
from tieout.connectors.kantata.client import KantataClient
from tieout.connectors.kantata.directory import SERVICE
from tieout.connectors.kantata.outcome_codes import body_of, words_of
from tieout.errors import AccessError, TransientError

_REFUSED: Final = frozenset({400, 404, 409, 422})
_NO_ACCESS: Final = frozenset({401, 403})
_TOO_MANY: Final = 429


class _Result(msgspec.Struct, frozen=True):
    key: str
    id: str


class _Written(msgspec.Struct, frozen=True):
    results: list[_Result]


class RefusedError(Exception):
    """An answer after which the write cannot go on, as the outcome that it is."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(repr(outcome))
        self.outcome = outcome


def refused(code: RejectionCode, words: str) -> RefusedError:
    """A refusal of our own, before anything is sent."""
    return RefusedError(Rejected(code=code, words=words))


def external(model: str, reference: str) -> dict[str, str]:
    """An external reference of ours as a body names it."""
    return {"service_name": SERVICE, "service_model": model, "service_model_ref": reference}


async def send(
    client: KantataClient,
    method: str,
    path: str,
    body: Mapping[str, object],
    parameters: Mapping[str, str] | None = None,
) -> int:
    """The id of the row that was written; raises RefusedError where the answer is another."""
    answer = await client.send(method, path, msgspec.json.encode(body), parameters)
    _refuse(answer, f"{method} {path}")
    try:
        written = msgspec.json.decode(body_of(answer, f"{method} {path}"), type=_Written)
        return int(written.results[0].id)
    except (msgspec.DecodeError, ValueError, IndexError, AccessError, TransientError) as error:
        raise RefusedError(Unknown(reason=f"The answer to {method} {path} names no row.")) from error


async def act(client: KantataClient, method: str, path: str, body: Mapping[str, object] | None = None) -> None:
    """A write whose answer names no row; raises RefusedError where it is refused or said to have failed."""
    answer = await client.send(method, path, b"" if body is None else msgspec.json.encode(body))
    _refuse(answer, f"{method} {path}")
    if not answer.body:
        return
    try:
        body_of(answer, f"{method} {path}")
    except (AccessError, TransientError) as error:
        raise RefusedError(Unknown(reason=error.message)) from error


def _refuse(answer: HttpAnswer, what: str) -> None:
    if not answer.ok:
        raise RefusedError(outcome_of(answer, what))


def outcome_of(answer: HttpAnswer, what: str) -> Outcome:
    """What an answer that is not good says of a write."""
    words = f"Kantata answered {what} with {answer.status}: {words_of(answer)}"
    if answer.status in _NO_ACCESS:
        return NoAccess(words=words)
    if answer.status in _REFUSED:
        return Rejected(code=RejectionCode.INVALID, words=words, vendor_code=str(answer.status))
    if answer.status == _TOO_MANY:
        return RetryLater(reason=words, after_s=answer.retry_after_s)
    return Unknown(reason=words)
