"""One write to Float and what came of it. Neighbours: ``write`` and ``demand`` send, ``outcome_codes`` judges refusals.

Success is believed only with its documented body: the row, with its key, after a create or a change, and no body at all
after a deletion.
"""

from collections.abc import Mapping
from typing import Final

from tieout.connect.http import HttpAnswer
from tieout.connect.json_codec import decode_strict
from tieout.connect.outcome import Accepted, Outcome, Unknown
from tieout.connectors.float.bodies import Value, encode
from tieout.connectors.float.client import FloatClient, Verb
from tieout.connectors.float.outcome_codes import not_made, refusal_of
from tieout.errors import ContractError, TransientError, UnknownOutcomeError

_ROW_STATUSES: Final = frozenset({200, 201})
_GONE_STATUSES: Final = frozenset({204, 404})


class Sent:
    """The outcome of one write, and the body that came with success."""

    def __init__(self, outcome: Outcome, body: bytes = b"") -> None:
        self.outcome = outcome
        self.body = body

    @property
    def is_done(self) -> bool:
        """Whether Float said that it is done."""
        return isinstance(self.outcome, Accepted)


class Sender:
    """Sends rows; never raises for what Float answered or did not answer."""

    def __init__(self, client: FloatClient) -> None:
        self._client = client

    async def create(self, path: str, id_member: str, body: Mapping[str, Value]) -> Sent:
        """A new row of the list at ``path``."""
        return await self._row("POST", path, id_member, body)

    async def change(
        self, path: str, key: int, id_member: str, body: Mapping[str, Value], *, expand: str | None = None
    ) -> Sent:
        """Other values of the row ``key``."""
        parameters = None if expand is None else {"expand": expand}
        return await self._row("PATCH", f"{path}/{key}", id_member, body, parameters)

    async def delete(self, path: str, key: int) -> Sent:
        """The row ``key`` gone; one that is gone already is done."""
        answer = await self._answer("DELETE", f"{path}/{key}")
        if isinstance(answer, Sent):
            return answer
        if answer.status in _GONE_STATUSES and (answer.status == 204 or answer.is_json):  # noqa: PLR2004 - no content
            return Sent(Accepted(ref=str(key)))
        return Sent(refusal_of(answer))

    async def _row(
        self,
        verb: Verb,
        path: str,
        id_member: str,
        body: Mapping[str, Value],
        parameters: Mapping[str, str] | None = None,
    ) -> Sent:
        answer = await self._answer(verb, path, encode(body), parameters)
        if isinstance(answer, Sent):
            return answer
        key = _key_of(answer, id_member)
        if answer.status in _ROW_STATUSES and key is not None:
            return Sent(Accepted(ref=str(key)), answer.body)
        return Sent(refusal_of(answer))

    async def _answer(
        self, verb: Verb, path: str, content: bytes | None = None, parameters: Mapping[str, str] | None = None
    ) -> HttpAnswer | Sent:
        try:
            return await self._client.send(verb, path, content, parameters)
        except UnknownOutcomeError as error:
            return Sent(Unknown(reason=error.message))
        except TransientError as error:
            return Sent(not_made(error))


def _key_of(answer: HttpAnswer, id_member: str) -> int | None:
    try:
        value = decode_strict(answer.body)
    except ContractError:
        return None
    key = value.get(id_member) if isinstance(value, dict) else None
    return key if isinstance(key, int) and not isinstance(key, bool) else None
