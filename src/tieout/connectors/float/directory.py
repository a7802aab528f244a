"""What the sink must know of an account before it writes: clients, projects, roles, placeholders, allocations.

Lists are read whole, the last page first as ``paging`` says, and never from memory: what another process made a moment
ago would be made again. Only the keys of clients by their code are remembered, as they do not change. Neighbours:
``write``, ``demand`` and ``lookup`` ask, ``client`` makes the requests.
"""

from functools import partial
from typing import Final, TypeVar

import msgspec

from tieout.connect.json_codec import JsonValue, decode_strict, shape_strict
from tieout.connect.read_again import read_again
from tieout.connectors.float.client import FloatClient
from tieout.connectors.float.fields import rows_of
from tieout.connectors.float.lists import VendorList, answer_of
from tieout.connectors.float.manifest import PAGE_SIZE
from tieout.connectors.float.marks import split_customer_name
from tieout.connectors.float.options import Options
from tieout.connectors.float.paging import Walk, advance
from tieout.connectors.float.records import FloatAllocation, FloatCustomer, FloatPerson, FloatProject, FloatRole
from tieout.errors import ContractError
from tieout.model.clock import Clock
from tieout.model.identity import match_key

Shape = TypeVar("Shape")

_CLIENTS: Final = VendorList(path="/clients", id="client_id")
_ROLES: Final = VendorList(path="/roles", id="id")
_PLACEHOLDERS: Final = VendorList(path="/people", id="people_id", parameters={"people_type_id": "4"})
_NOTED: Final = VendorList(path="/projects", id="project_id", parameters={"fields": "project_id,notes"})


class NotedProject(msgspec.Struct, frozen=True, kw_only=True):
    """A project with nothing but its notes."""

    project_id: int
    notes: str | None


class HeldProject(msgspec.Struct, frozen=True):
    """A project that the account holds: as documented, and the row as it came."""

    row: FloatProject
    raw: dict[str, JsonValue]


class Directory:
    """One account's masters. A look-up that cannot be made raises TransientError, AccessError or ContractError."""

    def __init__(self, client: FloatClient, options: Options, clock: Clock) -> None:
        self._client = client
        self._options = options
        self._clock = clock
        self._client_keys: dict[str, int] = {}

    async def customers(self) -> list[FloatCustomer]:
        """Every client."""
        return await self._all(_CLIENTS, FloatCustomer)

    async def client_key(self, code: str) -> int | None:
        """The key of the client whose name ends with ``code``; None where there is none."""
        if code not in self._client_keys:
            for one in await self.customers():
                told = split_customer_name(one.name).code
                if told is not None:
                    self._client_keys[told] = one.client_id
        return self._client_keys.get(code)

    def forget_clients(self) -> None:
        """Ask again: the account does not know a key any more."""
        self._client_keys.clear()

    async def project(self, code: str) -> HeldProject | None:
        """The project with this code, whatever its case, with its team; None where there is none."""
        asked = {"project_code": code, "expand": "project_team"}
        body = await read_again(partial(self._client.row, "/projects", asked))
        found = [_held(one) for one in rows_of(body)]
        mine = [one for one in found if (one.row.project_code or "").casefold() == code.casefold()]
        if len(mine) > 1:
            raise ContractError(
                code="TIE-FLOAT-001", message=f"Float holds {len(mine)} projects with the code {code}, which is unique."
            )
        return mine[0] if mine else None

    async def noted_projects(self) -> list[NotedProject]:
        """The notes of every project."""
        return await self._all(_NOTED, NotedProject)

    async def role_keys(self) -> dict[str, int]:
        """The key of every role, by its name as ``match_key`` folds it."""
        return {match_key(one.name): one.id for one in await self._all(_ROLES, FloatRole)}

    async def placeholders(self) -> dict[int, FloatPerson]:
        """Everybody who stands for an unassigned role, by key."""
        return {one.people_id: one for one in await self._all(_PLACEHOLDERS, FloatPerson)}

    async def allocations(self, project_id: int | None = None) -> list[FloatAllocation]:
        """Every allocation of a project, or of all projects."""
        days = {"start_date": self._options.first_day.isoformat(), "end_date": self._options.last_day.isoformat()}
        of_project = {} if project_id is None else {"project_id": str(project_id)}
        asked = VendorList(path="/tasks", id="task_id", parameters={**of_project, **days})
        return await self._all(asked, FloatAllocation)

    async def _all(self, vendor_list: VendorList, row_type: type[Shape]) -> list[Shape]:
        rows: dict[int, Shape] = {}
        walk = Walk(started=self._clock.now())
        while True:
            parameters = {
                **vendor_list.parameters,
                "page": str(max(walk.page, 1)),
                "per-page": str(PAGE_SIZE),
                "sort": vendor_list.id,
            }
            listed = await read_again(partial(self._client.page, vendor_list.path, parameters))
            answer = answer_of(listed.body, listed.page_count, vendor_list)
            if answer is None:
                raise ContractError(
                    code="TIE-FLOAT-001", message=f"An answer of Float cannot be read: {vendor_list.path} is no list."
                )
            for value, row in zip(rows_of(listed.body), answer.rows, strict=True):
                if row.id is not None:
                    rows[row.id] = shape_strict(value, row_type)
            step = advance(walk, answer, parts=1)
            if step.is_last:
                return list(rows.values())
            walk = step.walk


def _held(value: JsonValue) -> HeldProject:
    return HeldProject(shape_strict(value, FloatProject), value if isinstance(value, dict) else {})


def held_project(body: bytes) -> HeldProject:
    """The project that an answer tells; raises ContractError where it tells none."""
    return _held(decode_strict(body))
