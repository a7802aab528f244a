"""Sends notices to the channel of a workflow; what became of one without an answer cannot be looked up."""

from collections.abc import Mapping, Sequence

import msgspec

from tieout.connect.connector import Connection
from tieout.connect.outcome import Found, Outcome, Rejected, RejectionCode, RetryLater, Unknown
from tieout.connectors.teams.client import TeamsClient
from tieout.connectors.teams.mapping import to_message
from tieout.connectors.teams.outcome_codes import outcome_of
from tieout.errors import InvariantError, TransientError, UnknownOutcomeError
from tieout.model.command import Command, SendNotice


class TeamsSink:
    """Writes into one channel."""

    def __init__(self, connection: Connection) -> None:
        self._client = TeamsClient(connection)

    async def aclose(self) -> None:
        """Close the connection."""
        await self._client.aclose()

    async def write(self, commands: Sequence[Command]) -> Sequence[Outcome]:
        """One outcome per command, in order; see ``Sink``."""
        return [await self._write(command) for command in commands]

    async def find(self, command_kind: str, references: Sequence[str], *, entity: str) -> Mapping[str, Found]:
        """Nothing: a workflow shows nothing of what it posted (class N)."""
        del command_kind, references, entity
        return {}

    async def _write(self, command: Command) -> Outcome:
        if not isinstance(command, SendNotice):
            raise InvariantError(
                code="TIE-TEAMS-002", message=f"{type(command).__name__} is no command that the manifest names."
            )
        if command.address:
            words = f"A workflow posts to one channel and takes no address; it was given {command.address!r}."
            return Rejected(code=RejectionCode.INVALID, words=words)
        try:
            answer = await self._client.post(msgspec.json.encode(to_message(command)), reference=command.reference)
        except UnknownOutcomeError as error:
            return Unknown(reason=error.message)
        except TransientError as error:
            return RetryLater(reason=error.message, after_s=error.retry_after_s)
        return outcome_of(answer, command.reference)
