"""Writing masters and statuses of projects to Kantata, and looking them up by our reference: the Sink.

The API has no idempotency key and repeats a repeated POST (page "External References": the reference of another
system's record, by which it is found). A record is made under our reference marked as unfinished, gets its custom
fields (its business code among them), and then the reference itself: a look-up finds what is whole, and a write that
was cut off goes on with the record that it began. Every later version finds the record by its business code. Class L.
"""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from tieout.connect.connector import Connection
from tieout.connect.outcome import (
    Accepted,
    Found,
    FoundState,
    NoAccess,
    Outcome,
    Rejected,
    RejectionCode,
    RetryLater,
    Unknown,
)
from tieout.connectors.kantata import bodies, sending
from tieout.connectors.kantata.bodies import Wanted, differing
from tieout.connectors.kantata.card_directory import CardDirectory
from tieout.connectors.kantata.card_writer import CardWriter
from tieout.connectors.kantata.client import KantataClient
from tieout.connectors.kantata.directory import Directory
from tieout.connectors.kantata.masters import CLIENT_CODE, PROJECT_CODE, UNFINISHED, WBS_CODE
from tieout.connectors.kantata.options import LEFT_OUT, write_options
from tieout.connectors.kantata.sending import RefusedError, external, refused
from tieout.errors import AccessError, ContractError, InvariantError, TransientError, UnknownOutcomeError
from tieout.model.command import (
    Command,
    SetProjectStatus,
    UpsertCustomer,
    UpsertProject,
    UpsertRateCard,
    UpsertTask,
    kind_of,
)

_Master: TypeAlias = UpsertCustomer | UpsertProject | UpsertTask | SetProjectStatus | UpsertRateCard


class KantataSink:
    """Writes into one account."""

    def __init__(self, connection: Connection) -> None:
        self._options = write_options(connection.settings)
        self._client = KantataClient(connection)
        self._directory = Directory(self._client)
        self._cards = CardDirectory(self._client)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def write(self, commands: Sequence[Command]) -> Sequence[Outcome]:
        """One outcome per command, in order; see ``Sink``."""
        outcomes = []
        for command in commands:
            if not isinstance(command, _Master):
                raise InvariantError(code="TIE-KANTATA-008", message=f"Kantata takes no {kind_of(command)}.")
            outcomes.append(await self._one(command))
        return outcomes

    async def find(self, command_kind: str, references: Sequence[str], *, entity: str) -> Mapping[str, Found]:
        """What the account holds, whole, under our references; see ``Sink``."""
        del command_kind, entity
        found = {}
        for reference in dict.fromkeys(references):
            try:
                ids = await self._directory.referenced(reference)
            except ContractError as error:
                raise TransientError(code="TIE-KANTATA-005", message=f"The look-up failed: {error.message}") from error
            if ids:
                found[reference] = Found(reference=reference, ref=str(ids[0]), state=FoundState.POSTED, count=len(ids))
        return found

    async def _one(self, command: _Master) -> Outcome:
        try:
            return await self._written(command)
        except RefusedError as refused:
            return refused.outcome
        except AccessError as error:
            return NoAccess(words=error.message)
        except TransientError as error:
            return RetryLater(reason=error.message, after_s=error.retry_after_s)
        except (UnknownOutcomeError, ContractError) as error:
            return Unknown(reason=error.message)

    async def _written(self, command: _Master) -> Outcome:
        if isinstance(command, SetProjectStatus):
            return await self._set_status(command)
        if isinstance(command, UpsertRateCard):
            return await CardWriter(self._client, self._cards).upsert(command)
        wanted, within = await self._wanted(command)
        await self._refuse_unknown_fields(wanted)
        return await self._upsert(command, wanted, within=within)

    async def _wanted(self, command: UpsertCustomer | UpsertProject | UpsertTask) -> tuple[Wanted, int | None]:
        if isinstance(command, UpsertCustomer):
            return bodies.client_of(command), None
        if isinstance(command, UpsertProject):
            return await self._project(command), None
        workspace_id = await self._project_id(command.project_code)
        if not bodies.is_whole_minutes(command):
            raise refused(RejectionCode.INVALID, f"{command.planned_hours} hours are no whole minutes.")
        parent_id = None
        if command.parent_wbs_code is not None:
            parent_id = await self._directory.id_of("stories", WBS_CODE, command.parent_wbs_code, within=workspace_id)
            if parent_id is None:
                raise refused(RejectionCode.INVALID, f"The project has no task {command.parent_wbs_code}.")
        return bodies.task_of(command, workspace_id=workspace_id, parent_id=parent_id), workspace_id

    async def _project(self, command: UpsertProject) -> Wanted:
        group_id = await self._directory.id_of("workspace_groups", CLIENT_CODE, command.customer_code)
        if group_id is None:
            raise refused(RejectionCode.CUSTOMER_UNKNOWN, f"Kantata has no client {command.customer_code}.")
        if command.manager_email is not None:
            raise refused(RejectionCode.INVALID, "Kantata's projects have no field for a manager of ours.")
        card_id = None
        if command.rate_card_code is not None:
            card = await self._cards.card(command.rate_card_code, command.currency)
            if card is None or card.currency != command.currency:
                words = f"Kantata has no rate card {command.rate_card_code} in {command.currency}."
                raise refused(RejectionCode.INVALID, words)
            card_id = card.id
        made = bodies.project_of(command, group_id=group_id, rate_card_id=card_id, options=self._options)
        if isinstance(made, Rejected):
            raise RefusedError(made)
        return made

    async def _project_id(self, code: str) -> int:
        found = await self._directory.id_of("workspaces", PROJECT_CODE, code)
        if found is None:
            raise refused(RejectionCode.PROJECT_UNKNOWN, f"Kantata has no project {code}.")
        return found

    async def _refuse_unknown_fields(self, wanted: Wanted) -> None:
        """Before anything is written: the account has a custom field for everything that is not to be left out."""
        known = await self._directory.custom_fields(wanted.subject)
        missing = sorted(wanted.custom.keys() - known.keys() - (self._options.left_out - wanted.own))
        if missing:
            words = (
                f"Kantata has no custom field {missing[0]} for {wanted.collection}, and the setting {LEFT_OUT} does "
                "not say that the account is to do without."
            )
            raise refused(RejectionCode.INVALID, words)

    async def _set_status(self, command: SetProjectStatus) -> Outcome:
        row_id = await self._project_id(command.project_code)
        key = bodies.status_key(command.status, self._options)
        if isinstance(key, Rejected):
            return key
        model = kind_of(command)
        await self._send("PUT", f"workspaces/{row_id}", "workspace", {"status_key": key})
        await self._finish("workspaces", "workspace", row_id, model, command.reference)
        return Accepted(ref=str(row_id))

    async def _upsert(
        self, command: UpsertCustomer | UpsertProject | UpsertTask, wanted: Wanted, *, within: int | None
    ) -> Outcome:
        model = kind_of(command)
        row_id = await self._directory.id_of(wanted.collection, wanted.code_field, wanted.code, within=within)
        if row_id is None:
            row_id = next(iter(await self._directory.referenced(command.reference + UNFINISHED)), None)
        if row_id is None:
            reference = external(model, command.reference + UNFINISHED)
            body = {**wanted.fields, **wanted.at_creation, "external_reference": reference}
            row_id = await self._send("POST", wanted.collection, wanted.member, body)
        else:
            await self._send("PUT", f"{wanted.collection}/{row_id}", wanted.member, wanted.fields)
        await self._write_custom(wanted, row_id)
        await self._finish(wanted.collection, wanted.member, row_id, model, command.reference)
        self._directory.remember(wanted.collection, wanted.code, row_id, within=within)
        return Accepted(ref=str(row_id))

    async def _write_custom(self, wanted: Wanted, row_id: int) -> None:
        held = await self._directory.held(wanted.collection, row_id)
        if held is None:
            raise RefusedError(Unknown(reason=f"{wanted.collection} {row_id} is not shown after it was written."))
        known = await self._directory.custom_fields(wanted.subject)
        for name, value in differing(wanted.custom, held.custom).items():
            if name not in known:
                continue
            value_id = held.value_ids.get(name)
            if value_id is not None:
                await self._send("PUT", f"custom_field_values/{value_id}", "custom_field_value", {"value": value})
                continue
            body = {
                "custom_field_id": known[name],
                "subject_type": wanted.subject,
                "subject_id": row_id,
                "value": value,
            }
            await self._send("POST", "custom_field_values", "custom_field_value", body)

    async def _finish(self, collection: str, member: str, row_id: int, model: str, reference: str) -> None:
        body = {"external_reference": external(model, reference)}
        await self._send("PUT", f"{collection}/{row_id}", member, body)

    async def _send(self, method: str, path: str, member: str, body: Mapping[str, object]) -> int:
        return await sending.send(self._client, method, path, {member: body})
