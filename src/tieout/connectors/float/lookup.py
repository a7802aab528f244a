"""What an account holds under our references, found by the marks that the sink left. Neighbours: ``write``, ``marks``.

A project carries a mark for each kind of command, a client's name a digest of the reference it was written under. A
later version of the same object has a reference of its own, so that an earlier one is not found any more.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from tieout.connect.outcome import Found, FoundState
from tieout.connectors.float.directory import Directory
from tieout.connectors.float.marks import Kind, digest_of, mark_of, split_customer_name
from tieout.errors import InvariantError

_KINDS: Final[Mapping[str, Kind]] = {
    "upsert_project": "project",
    "set_project_status": "status",
    "publish_demand": "demand",
}


async def find(directory: Directory, command_kind: str, references: Sequence[str]) -> dict[str, Found]:
    """What is held under ``references``.

    Raises TransientError, AccessError or ContractError where it cannot be seen, InvariantError for a command that the
    manifest does not declare.
    """
    if not references:
        return {}
    if command_kind == "upsert_customer":
        names = [(split_customer_name(one.name).digest, one.client_id) for one in await directory.customers()]
        wanted = {digest_of(one): one for one in references}
        return _found((wanted[digest], key) for digest, key in names if digest in wanted)
    kind = _KINDS.get(command_kind)
    if kind is None:
        raise InvariantError(code="TIE-FLOAT-007", message=f"{command_kind} is no command that the manifest names.")
    marks = [(mark_of(one.notes, kind), one.project_id) for one in await directory.noted_projects()]
    return _found((mark, key) for mark, key in marks if mark in references)


def _found(pairs: Iterable[tuple[str | None, int]]) -> dict[str, Found]:
    found: dict[str, Found] = {}
    for reference, key in pairs:
        if reference is None:
            continue
        known = found.get(reference)
        if known is None:
            found[reference] = Found(reference=reference, ref=str(key), state=FoundState.POSTED)
        else:
            found[reference] = msgspec.structs.replace(known, count=known.count + 1)
    return found
