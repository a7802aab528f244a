"""Sends notices to mailboxes; what became of one without an answer cannot be looked up."""

from collections.abc import Mapping, Sequence

from tieout.connect.connector import Connection
from tieout.connect.outcome import Found, Outcome, Rejected, RejectionCode
from tieout.connect.redaction import Redactor
from tieout.connectors.email.client import SmtpClient, Told
from tieout.connectors.email.mapping import letter, message_id, to_message
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

    async def hand_in(self, *, recipient: str, subject: str, body: str, reference: str) -> Outcome:
        """Send a text that is no notice; the same ``reference`` has the same Message-ID."""
        refused = _refused(recipient)
        if refused is not None:
            return refused
        sender = self._options.sender
        content = letter(
            sender=sender,
            recipient=recipient,
            subject=subject,
            body=body,
            reference=reference,
            now=self._clock.now(),
        )
        return await self._sent(recipient, content, reference)

    async def _write(self, command: Command) -> Outcome:
        if not isinstance(command, SendNotice):
            raise InvariantError(
                code="TIE-EMAIL-004", message=f"{type(command).__name__} is no command that the manifest names."
            )
        refused = _refused(command.address)
        if refused is not None:
            return refused
        content = to_message(command, sender=self._options.sender, now=self._clock.now())
        return await self._sent(command.address, content, command.reference)

    async def _sent(self, recipient: str, content: bytes, reference: str) -> Outcome:
        told = self._hidden(await self._client.send(recipient, content))
        return outcome_of(told, message_id(reference, self._options.sender))

    def _hidden(self, told: Told) -> Told:
        return Told(stage=told.stage, code=told.code, words=self._redactor.hide(told.words))


def _refused(recipient: str) -> Outcome | None:
    if is_address(recipient):
        return None
    return Rejected(code=RejectionCode.INVALID, words=f"{recipient[:80]!r} is no e-mail address.")
