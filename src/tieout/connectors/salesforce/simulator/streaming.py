"""The streaming door of the simulated org: the Bayeux protocol over HTTP, with replay of change events.

"How the Client Connects" and "Message Durability" of the Streaming API guide: handshake, subscribe with a replay id (-1
new events only, -2 all that are kept), connect, which waits for events, disconnect. A replay id that is not kept any
more is refused. Sessions are in memory: after a restart a client is unknown and begins again.
"""

import asyncio
import secrets
from dataclasses import dataclass, field
from typing import Final

import msgspec

from tieout.connectors.salesforce.simulator.errors import Json
from tieout.connectors.salesforce.simulator.store import Store

RETENTION_S: Final = 72 * 3600
CHANNEL: Final = "/data/ChangeEvents"
LONGEST_WAIT_S: Final = 110.0
_LOOK_EVERY_S: Final = 0.02
_NEW_ONLY: Final = -1
_ALL_KEPT: Final = -2


class Message(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One message of a client."""

    channel: str
    client_id: str | None = None
    subscription: str | None = None
    advice: dict[str, int] = {}
    ext: dict[str, object] = {}


@dataclass
class _Session:
    """One client: up to which event it was given what it subscribed to, by channel."""

    positions: dict[str, int] = field(default_factory=dict)


class Streaming:
    """All sessions of one org."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._sessions: dict[str, _Session] = {}

    async def answer(self, messages: list[Message]) -> list[Json]:
        """The answers to messages, events among them."""
        answers: list[Json] = []
        for message in messages:
            answers += await self._answer(message)
        return answers

    async def _answer(self, message: Message) -> list[Json]:
        if message.channel == "/meta/handshake":
            return [self._handshake()]
        session = self._sessions.get(message.client_id or "")
        if session is None:
            return [_refused(message, "403::Unknown client", {"interval": 0, "reconnect": "handshake"})]
        match message.channel:
            case "/meta/subscribe":
                return [self._subscribe(message, session)]
            case "/meta/connect":
                return await self._connect(message, session)
            case "/meta/disconnect":
                del self._sessions[message.client_id or ""]
                return [{"channel": message.channel, "clientId": message.client_id, "successful": True}]
        return [_refused(message, "400::Unknown channel")]

    def _handshake(self) -> Json:
        client_id = secrets.token_hex(14)
        self._sessions[client_id] = _Session()
        return {
            "channel": "/meta/handshake",
            "version": "1.0",
            "minimumVersion": "1.0",
            "clientId": client_id,
            "supportedConnectionTypes": ["long-polling"],
            "ext": {"replay": True, "payload.format": True},
            "successful": True,
        }

    def _subscribe(self, message: Message, session: _Session) -> Json:
        channel = message.subscription or ""
        if channel != CHANNEL:
            return _refused(message, f"404::Unknown channel: {channel}")
        replay = message.ext.get("replay")
        wanted = replay.get(channel, _NEW_ONLY) if isinstance(replay, dict) else _NEW_ONLY
        lost_to, newest = self._store.expire_events(RETENTION_S), self._store.last_event()
        if not isinstance(wanted, int) or (wanted not in {_NEW_ONLY, _ALL_KEPT} and not lost_to <= wanted <= newest):
            words = (
                f"400::The replayId {{{wanted}}} you provided was invalid.  Please provide a valid ID, -2 to replay all"
                " events, or -1 to replay only new events."
            )
            return _refused(message, words)
        session.positions[channel] = newest if wanted == _NEW_ONLY else lost_to if wanted == _ALL_KEPT else wanted
        return {
            "channel": "/meta/subscribe",
            "clientId": message.client_id,
            "subscription": channel,
            "successful": True,
        }

    async def _connect(self, message: Message, session: _Session) -> list[Json]:
        until = asyncio.get_running_loop().time() + min(message.advice.get("timeout", 110_000) / 1000, LONGEST_WAIT_S)
        events = self._events(session)
        while not events and asyncio.get_running_loop().time() < until:
            await asyncio.sleep(_LOOK_EVERY_S)
            events = self._events(session)
        done: Json = {
            "channel": "/meta/connect",
            "clientId": message.client_id,
            "advice": {"interval": 0, "timeout": 110_000, "reconnect": "retry"},
            "successful": True,
        }
        return [*events, done]

    def _events(self, session: _Session) -> list[Json]:
        told: list[Json] = []
        for channel, position in session.positions.items():
            for replay_id, payload in self._store.events_after(position):
                told.append(
                    {
                        "channel": channel,
                        "data": {
                            "schema": "simulated",
                            "payload": msgspec.json.decode(payload),
                            "event": {"replayId": replay_id},
                        },
                    }
                )
                session.positions[channel] = replay_id
        return told


def _refused(message: Message, error: str, advice: dict[str, Json] | None = None) -> Json:
    refused: dict[str, Json] = {
        "channel": message.channel,
        "clientId": message.client_id,
        "error": error,
        "successful": False,
    }
    if message.subscription is not None:
        refused["subscription"] = message.subscription
    if advice is not None:
        refused["advice"] = advice
    return refused
