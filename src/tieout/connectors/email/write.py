"""Sends notices to mailboxes; what became of one without an answer cannot be looked up."""

from collections.abc import Mapping, Sequence

from tieout.connect.connector import Connection
from tieout.connect.outcome import Found, Outcome, Rejected, RejectionCode
from tieout.connect.redaction import Redactor
from tieout.connectors.email.client import SmtpClient, Told
from tieout.connectors.email.mapping import message_id, to_message
from tieout.connectors.email.options import is_address, options_of
from tieout.connectors.email.outcome_codes import outcome_of, raise_unless_signed_in
from tieout.errors import InvariantError
from tieout.model.command import Command, SendNotice


class EmailSink:
    """Writes from one mailbox of the firm."""

    def __init__(self, connection: Connection) -> None:
        self._options = options_of(connection.settings)
        self._client = SmtpClient(connection, self._options)
        self._clock = connection.clock
        self._redactor = Redactor(connection.secrets.values())

    async def aclose(self) -> None:
        """Nothing stays open between two messages."""

    async def write(self, commands: Sequence[Command]) -> Sequence[Outcome]:
        """One outcome per command, in order; see ``Sink``."""
        return [await self._write(command) for command in commands]

    async def find(self, command_kind: str, references: Sequence[str], *, entity: str) -> Mapping[str, Found]:
        """Nothing (class N), but whether the server is there and lets the user in; raises where it does not."""
        del command_kind, references, entity
        raise_unless_signed_in(self._hidden(await self._client.sign_in()))
        return {}

    async def _write(self, command: Command) -> Outcome:
        if not isinstance(command, SendNotice):
            raise InvariantError(
                code="TIE-EMAIL-004", message=f"{type(command).__name__} is no command that the manifest names."
            )
        if not is_address(command.address):
            return Rejected(code=RejectionCode.INVALID, words=f"{command.address[:80]!r} is no e-mail address.")
        content = to_message(command, sender=self._options.sender, now=self._clock.now())
        told = self._hidden(await self._client.send(command.address, content))
        return outcome_of(told, message_id(command.reference, self._options.sender))

    def _hidden(self, told: Told) -> Told:
        return Told(stage=told.stage, code=told.code, words=self._redactor.hide(told.words))
