"""Sends notices into channels, and looks up by the reference in a message's metadata whether one was sent."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import msgspec

from tieout.connect.connector import Connection
from tieout.connect.outcome import Found, FoundState, Outcome, Rejected, RejectionCode, RetryLater, Unknown
from tieout.connectors.slack.client import SlackClient
from tieout.connectors.slack.manifest import HISTORY_DAYS
from tieout.connectors.slack.mapping import EVENT_TYPE, REFERENCE, to_message
from tieout.connectors.slack.outcome_codes import history_of, outcome_of
from tieout.connectors.slack.records import SlackMessage
from tieout.errors import ConfigurationError, InvariantError, TransientError, UnknownOutcomeError
from tieout.model.command import Command, SendNotice


class SlackSink:
    """Writes into the channels that the settings name, and no others."""

    def __init__(self, connection: Connection) -> None:
        self._client = SlackClient(connection)
        self._clock = connection.clock
        self._channels = channels_of(connection.settings)

    async def aclose(self) -> None:
        """Close the connection."""
        await self._client.aclose()

    async def write(self, commands: Sequence[Command]) -> Sequence[Outcome]:
        """One outcome per command, in order; see ``Sink``."""
        return [await self._write(command) for command in commands]

    async def find(self, command_kind: str, references: Sequence[str], *, entity: str) -> Mapping[str, Found]:
        """Which notices stand in the channels; see ``Sink``. References are unique over all legal entities."""
        del command_kind, entity
        wanted = set(references)
        found: dict[str, Found] = {}
        if not wanted:
            return found
        oldest = int((self._clock.now() - timedelta(days=HISTORY_DAYS)).timestamp())
        for channel in self._channels:
            for message in await self._messages(channel, oldest):
                reference = reference_of(message)
                if reference not in wanted:
                    continue
                known = found.get(reference)
                ref = f"{channel}:{message.ts}"
                found[reference] = (
                    Found(reference=reference, ref=ref, state=FoundState.POSTED)
                    if known is None
                    else msgspec.structs.replace(known, count=known.count + 1)
                )
        return found

    async def _messages(self, channel: str, oldest: int) -> list[SlackMessage]:
        messages: list[SlackMessage] = []
        cursor = ""
        while True:
            page = history_of(await self._client.history(channel, oldest=oldest, cursor=cursor), channel)
            messages += page.messages
            cursor = page.response_metadata.next_cursor
            if not page.has_more or not cursor:
                return messages

    async def _write(self, command: Command) -> Outcome:
        if not isinstance(command, SendNotice):
            raise InvariantError(
                code="TIE-SLACK-003", message=f"{type(command).__name__} is no command that the manifest names."
            )
        if command.address not in self._channels:
            words = f"The setting channels does not name {command.address or 'a channel'}."
            return Rejected(code=RejectionCode.INVALID, words=words)
        try:
            return outcome_of(await self._client.post_message(msgspec.json.encode(to_message(command))))
        except UnknownOutcomeError as error:
            return Unknown(reason=error.message)
        except TransientError as error:
            return RetryLater(reason=error.message, after_s=error.retry_after_s)


def channels_of(settings: Mapping[str, str]) -> tuple[str, ...]:
    """The ids in the setting ``channels``; raises ConfigurationError (TIE-SLACK-004) where it names none."""
    named = tuple(dict.fromkeys(one.strip() for one in settings.get("channels", "").split(";") if one.strip()))
    wrong = [one for one in named if not (one.isascii() and one.isalnum())]
    if wrong or not named:
        raise ConfigurationError(
            code="TIE-SLACK-004",
            message=f"Setting channels of Slack names {wrong[0] if wrong else 'nothing'!r}, which is no channel id.",
        )
    return named


def reference_of(message: SlackMessage) -> str | None:
    """The reference that a notice of ours carries; None for what others wrote."""
    metadata = message.metadata
    if metadata is None or metadata.event_type != EVENT_TYPE or REFERENCE not in metadata.event_payload:
        return None
    try:
        return msgspec.json.decode(metadata.event_payload[REFERENCE], type=str)
    except msgspec.DecodeError:
        return None
