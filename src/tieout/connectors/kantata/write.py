"""Writing customers, projects, tasks and statuses to Kantata, and looking them up by our reference: the Sink.

The API has no idempotency key and repeats a repeated POST (page "External References": the reference of another
system's record, by which it is found). A record is made under our reference marked as unfinished, gets its custom
fields (its business code among them), and then the reference itself: a look-up finds what is whole, and a write that
was cut off goes on with the record that it began. Every later version finds the record by its business code. Class L.
"""

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

import msgspec

from tieout.connect.connector import Connection
from tieout.connect.http import HttpAnswer
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
from tieout.connectors.kantata import bodies
from tieout.connectors.kantata.bodies import OPTIONAL, Wanted, differing
from tieout.connectors.kantata.client import KantataClient
from tieout.connectors.kantata.directory import SERVICE, Directory
from tieout.connectors.kantata.masters import CLIENT_CODE, PROJECT_CODE, WBS_CODE
from tieout.connectors.kantata.options import write_options
from tieout.connectors.kantata.outcome_codes import body_of, words_of
from tieout.errors import AccessError, ContractError, InvariantError, TransientError, UnknownOutcomeError
from tieout.model.command import Command, SetProjectStatus, UpsertCustomer, UpsertProject, UpsertTask, kind_of

UNFINISHED: Final = ":unfinished"
_Master: TypeAlias = UpsertCustomer | UpsertProject | UpsertTask | SetProjectStatus
_REFUSED: Final = frozenset({400, 404, 409, 422})
_NO_ACCESS: Final = frozenset({401, 403})
_TOO_MANY: Final = 429


class _Result(msgspec.Struct, frozen=True):
    key: str
    id: str


class _Written(msgspec.Struct, frozen=True):
    results: list[_Result]


class _RefusedError(Exception):
    """An answer after which the write cannot go on, as the outcome that it is."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(repr(outcome))
        self.outcome = outcome


class KantataSink:
    """Writes into one account."""

    def __init__(self, connection: Connection) -> None:
        self._options = write_options(connection.settings)
        self._client = KantataClient(connection)
        self._directory = Directory(self._client)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def write(self, commands: Sequence[Command]) -> Sequence[Outcome]:
        """One outcome per command, in order; see ``Sink``."""
        outcomes = []
        for command in commands:
            if not isinstance(command, UpsertCustomer | UpsertProject | UpsertTask | SetProjectStatus):
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
        except _RefusedError as refused:
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
            raise _refused(RejectionCode.INVALID, f"{command.planned_hours} hours are no whole minutes.")
        parent_id = None
        if command.parent_wbs_code is not None:
            parent_id = await self._directory.id_of("stories", WBS_CODE, command.parent_wbs_code, within=workspace_id)
            if parent_id is None:
                raise _refused(RejectionCode.INVALID, f"The project has no task {command.parent_wbs_code}.")
        return bodies.task_of(command, workspace_id=workspace_id, parent_id=parent_id), workspace_id

    async def _project(self, command: UpsertProject) -> Wanted:
        group_id = await self._directory.id_of("workspace_groups", CLIENT_CODE, command.customer_code)
        if group_id is None:
            raise _refused(RejectionCode.CUSTOMER_UNKNOWN, f"Kantata has no client {command.customer_code}.")
        if command.manager_email is not None:
            raise _refused(RejectionCode.INVALID, "Kantata's projects have no field for a manager of ours.")
        card_id = None
        if command.rate_card_code is not None:
            card_id = await self._directory.rate_card(command.rate_card_code, command.currency)
            if card_id is None:
                words = f"Kantata has no rate card {command.rate_card_code} in {command.currency}."
                raise _refused(RejectionCode.INVALID, words)
        made = bodies.project_of(command, group_id=group_id, rate_card_id=card_id, options=self._options)
        if isinstance(made, Rejected):
            raise _RefusedError(made)
        return made

    async def _project_id(self, code: str) -> int:
        found = await self._directory.id_of("workspaces", PROJECT_CODE, code)
        if found is None:
            raise _refused(RejectionCode.PROJECT_UNKNOWN, f"Kantata has no project {code}.")
        return found

    async def _refuse_unknown_fields(self, wanted: Wanted) -> None:
        """Before anything is written: the account has every custom field that is not optional."""
        known = await self._directory.custom_fields(wanted.subject)
        missing = sorted(wanted.custom.keys() - known.keys() - (OPTIONAL - wanted.own))
        if missing:
            words = f"Kantata has no custom field {missing[0]} for {wanted.collection}."
            raise _refused(RejectionCode.INVALID, words)

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
            reference = _external(model, command.reference + UNFINISHED)
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
            raise _RefusedError(Unknown(reason=f"{wanted.collection} {row_id} is not shown after it was written."))
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
        body = {"external_reference": _external(model, reference)}
        await self._send("PUT", f"{collection}/{row_id}", member, body)

    async def _send(self, method: str, path: str, member: str, body: Mapping[str, object]) -> int:
        """The id of the row that was written; raises _RefusedError where the answer is another."""
        answer = await self._client.send(method, path, msgspec.json.encode({member: body}))
        if not answer.ok:
            raise _RefusedError(_outcome_of(answer, f"{method} {path}"))
        try:
            written = msgspec.json.decode(body_of(answer, f"{method} {path}"), type=_Written)
            return int(written.results[0].id)
        except (msgspec.DecodeError, ValueError, IndexError, AccessError, TransientError) as error:
            raise _RefusedError(Unknown(reason=f"The answer to {method} {path} names no row.")) from error


def _external(model: str, reference: str) -> dict[str, str]:
    return {"service_name": SERVICE, "service_model": model, "service_model_ref": reference}


def _refused(code: RejectionCode, words: str) -> _RefusedError:
    return _RefusedError(Rejected(code=code, words=words))


def _outcome_of(answer: HttpAnswer, what: str) -> Outcome:
    words = f"Kantata answered {what} with {answer.status}: {words_of(answer)}"
    if answer.status in _NO_ACCESS:
        return NoAccess(words=words)
    if answer.status in _REFUSED:
        return Rejected(code=RejectionCode.INVALID, words=words, vendor_code=str(answer.status))
    if answer.status == _TOO_MANY:
        return RetryLater(reason=words, after_s=answer.retry_after_s)
    return Unknown(reason=words)
