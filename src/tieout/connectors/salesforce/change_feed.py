"""Change events over HTTP: which records changed since a replay id, by one short Bayeux session.

"How the Client Connects" and "Message Durability" of the Streaming API guide: handshake, subscribe with a replay id,
connect until nothing more comes, disconnect. Events are kept for three days; a replay id older than that is refused,
and then the session begins with the oldest event that is kept: what lies between is read by the objects' own polls,
which is why events may be lost without harm. Of an event only its header counts, whatever its type: the records that it
names are read again, so that a gap event is as good as any other.
Neighbours: ``read`` reads the changed records again, ``client`` carries the messages.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from tieout.connectors.salesforce.client import SalesforceClient
from tieout.connectors.salesforce.fields import OBJECTS, is_id
from tieout.connectors.salesforce.records import BayeuxMessage, ChangeEventHeader
from tieout.errors import AccessError, ContractError, TieoutError, TransientError

ALL_THAT_ARE_KEPT: Final = -2

_ANSWER_TIMEOUT_S: Final = 120.0
"""The server holds a connect for at most 110 seconds, whatever a client asks for."""

_OVERFLOW: Final = "GAP_OVERFLOW"
_REPLAY_REFUSED: Final = "400::The replayId"
_UNKNOWN_CLIENT: Final = "403::Unknown client"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """What some events name: records by object, and objects of which everything since an instant may have changed.

    ``replay_id`` is that of the last of these events.
    """

    replay_id: int
    records: Mapping[str, Sequence[str]]
    overflowed: Mapping[str, datetime]


class ChangeFeed:
    """The change events of one channel of one org."""

    def __init__(self, client: SalesforceClient, *, channel: str, wait_s: int) -> None:
        self._client = client
        self._channel = channel
        self._wait_s = wait_s

    async def since(self, replay_id: int) -> AsyncIterator[Changes]:
        """What changed after an event; for the first one it waits ``wait_s`` seconds at most.

        Raises TransientError, AccessError or ContractError.
        """
        client_id, events = await self._open(replay_id)
        waits_s = 0 if events else self._wait_s
        while True:
            answers = await self._connect(client_id, waits_s)
            events += _events(answers, self._channel)
            if not events:
                break
            yield _changes(events)
            events, waits_s = [], 0
        # A session that is not ended, because somebody stopped listening, ends by itself after 40 seconds.
        await self._client.bayeux({"channel": "/meta/disconnect", "clientId": client_id}, timeout_s=_ANSWER_TIMEOUT_S)

    async def _open(self, replay_id: int) -> tuple[str, list[BayeuxMessage]]:
        client_id = await self._handshake()
        answers = await self._subscribe(client_id, replay_id)
        refusal = _refusal(answers, "/meta/subscribe")
        if refusal is not None and refusal.error.startswith(_REPLAY_REFUSED):
            answers = await self._subscribe(client_id, ALL_THAT_ARE_KEPT)
            refusal = _refusal(answers, "/meta/subscribe")
        if refusal is not None:
            raise _failure(refusal)
        return client_id, _events(answers, self._channel)

    async def _handshake(self) -> str:
        answers = await self._client.bayeux(
            {
                "channel": "/meta/handshake",
                "version": "1.0",
                "minimumVersion": "1.0",
                "supportedConnectionTypes": ["long-polling"],
                "ext": {"replay": True},
            },
            timeout_s=_ANSWER_TIMEOUT_S,
        )
        refusal = _refusal(answers, "/meta/handshake")
        if refusal is not None:
            raise _failure(refusal)
        client_id = next((one.client_id for one in answers if one.channel == "/meta/handshake"), None)
        if client_id is None:
            raise _unreadable("a handshake names no client")
        return client_id

    async def _subscribe(self, client_id: str, replay_id: int) -> list[BayeuxMessage]:
        return await self._client.bayeux(
            {
                "channel": "/meta/subscribe",
                "clientId": client_id,
                "subscription": self._channel,
                "ext": {"replay": {self._channel: replay_id}},
            },
            timeout_s=_ANSWER_TIMEOUT_S,
        )

    async def _connect(self, client_id: str, wait_s: int) -> list[BayeuxMessage]:
        answers = await self._client.bayeux(
            {
                "channel": "/meta/connect",
                "clientId": client_id,
                "connectionType": "long-polling",
                "advice": {"timeout": wait_s * 1000},
            },
            timeout_s=_ANSWER_TIMEOUT_S,
        )
        refusal = _refusal(answers, "/meta/connect")
        if refusal is not None:
            raise _failure(refusal)
        return answers


def _events(answers: Iterable[BayeuxMessage], channel: str) -> list[BayeuxMessage]:
    return [one for one in answers if one.channel == channel and one.data is not None]


def _changes(events: Sequence[BayeuxMessage]) -> Changes:
    records: dict[str, dict[str, None]] = {}
    overflowed: dict[str, datetime] = {}
    last = 0
    for one in events:
        if one.data is None:
            continue
        header = one.data.payload.header
        last = max(last, one.data.event.replay_id)
        if header.entity_name not in OBJECTS:
            continue
        if header.change_type == _OVERFLOW:
            at = _committed(header)
            overflowed[header.entity_name] = min(at, overflowed.get(header.entity_name, at))
            continue
        records.setdefault(header.entity_name, {}).update(dict.fromkeys(_ids(header)))
    return Changes(
        replay_id=last,
        records={name: list(ids) for name, ids in records.items()},
        overflowed=overflowed,
    )


def _ids(header: ChangeEventHeader) -> list[str]:
    wrong = [one for one in header.record_ids if not is_id(one)]
    if wrong:
        raise _unreadable(f"a change event names {wrong[0][:40]!r}, which is no id")
    return header.record_ids


def _committed(header: ChangeEventHeader) -> datetime:
    return _EPOCH + timedelta(milliseconds=header.commit_timestamp)


def _refusal(answers: Sequence[BayeuxMessage], channel: str) -> BayeuxMessage | None:
    """The answer that refuses, None where the message was taken; raises ContractError where nothing answers it."""
    told = [one for one in answers if one.channel == channel]
    if not told:
        raise _unreadable(f"nothing answers {channel}")
    return next((one for one in told if one.successful is not True), None)


def _failure(refusal: BayeuxMessage) -> TieoutError:
    words = f"Salesforce refused {refusal.channel}: {refusal.error or 'without a reason'}."
    if refusal.error.startswith(_UNKNOWN_CLIENT) or not refusal.error or refusal.error[:1] == "5":
        return TransientError(code="TIE-SALESFORCE-005", message=words)
    if refusal.error.startswith(("401", "403")):
        return AccessError(code="TIE-SALESFORCE-004", message=words)
    return ContractError(code="TIE-SALESFORCE-006", message=words)


def _unreadable(why: str) -> ContractError:
    return ContractError(code="TIE-SALESFORCE-002", message=f"An answer of Salesforce cannot be read: {why}.")
