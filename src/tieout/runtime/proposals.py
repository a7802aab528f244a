"""Mapping lines by maker and checker: proposed from the desk, carried out as a new version of the firm's configuration.

``desk.proposals`` stores and decides; whatever is approved is carried out here by any worker or by the command that
approved it, once, in one transaction with everything that it lets be judged again.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

import msgspec
from psycopg import Connection, Cursor

from tieout.desk import proposal_store, proposals
from tieout.desk.proposal_content import ProposalKind, content_of
from tieout.desk.proposals import Proposed
from tieout.errors import ConfigurationError
from tieout.governance import firm_version, mapping_additions
from tieout.governance.mapping_additions import ANY, MappingAddition
from tieout.model.access import Principal
from tieout.model.clock import Clock
from tieout.model.firm import FirmConfig
from tieout.records.mapping import MappingTables
from tieout.runtime.apply import apply_config
from tieout.storage.pool import in_transaction

_MAPPING: Final = "mapping:"
_WORD_LIMIT: Final = 500


def propose_mapping(
    cur: Cursor[tuple[object, ...]], addition: MappingAddition, *, maker: Principal, reason: str, now: datetime
) -> Proposed:
    """Propose one more line of a mapping table; what waits for the table is named as what it may free.

    Raises ConfigurationError: TIE-DESK-002 without a reason, 003 where ``maker`` may not, 008 for an impossible line.
    """
    firm = firm_version.current(cur.connection)
    _check(firm, addition, _tables_asked_for(cur))
    waiting = _waiting_for(cur, addition.table)
    return proposals.propose(
        cur,
        ProposalKind.MAPPING,
        waiting,
        maker=maker,
        reason=reason,
        now=now,
        details=_details(addition),
        entities=() if addition.entity == ANY else (addition.entity,),
    )


def carry_out(conn: Connection[tuple[object, ...]], clock: Clock) -> int:
    """Make the next approved mapping line hold; returns how many were carried out (0: nothing waits)."""
    return in_transaction(conn, lambda cur: _carry_out_next(conn, cur, clock))


def _carry_out_next(conn: Connection[tuple[object, ...]], cur: Cursor[tuple[object, ...]], clock: Clock) -> int:
    proposal_id = proposal_store.waiting(cur, ProposalKind.MAPPING)
    if proposal_id is None:
        return 0
    proposal = proposal_store.read(cur, proposal_id, lock=True)
    if proposal is None:
        raise AssertionError
    now = clock.now()
    addition = msgspec.convert(content_of(proposal.content).details, MappingAddition)
    firm = firm_version.current(conn)
    problem = _problem(firm, addition)
    if problem is not None:
        proposals.finish(cur, proposal_id, outcome={"problem": problem}, failed=True, now=now)
        return 1
    mapping_additions.store(cur, addition, proposal_id=proposal_id, now=now)
    done = apply_config(
        conn, cur, mapping_additions.added(firm, addition), applied_by=proposal.checker or proposal.maker, now=now
    )
    outcome = {"firm_version": str(done.version), "released": str(done.released)}
    proposals.finish(cur, proposal_id, outcome=outcome, failed=False, now=now)
    return 1


def _details(addition: MappingAddition) -> dict[str, str]:
    found = {
        "table": addition.table,
        "system": addition.system,
        "entity": addition.entity,
        "source": addition.source,
        "target": addition.target,
        "valid_from": addition.valid_from.isoformat(),
    }
    return found if addition.valid_to is None else found | {"valid_to": addition.valid_to.isoformat()}


def _check(firm: FirmConfig, addition: MappingAddition, asked_for: Sequence[str]) -> None:
    known = {one.table for one in firm.mappings} | set(asked_for)
    for name, word in (("source", addition.source), ("target", addition.target)):
        if not word.strip() or len(word) > _WORD_LIMIT or not word.isprintable():
            raise _refused(f"{name} is no word of 1 to {_WORD_LIMIT} printable characters")
    if addition.table not in known:
        raise _refused(f"there is no table {addition.table!r}, and nothing waits for one")
    if addition.system != ANY and firm.system(addition.system) is None:
        raise _refused(f"no system is named {addition.system!r}")
    if addition.entity != ANY and addition.entity not in {one.entity for one in firm.policies}:
        raise _refused(f"no policy is of a legal entity {addition.entity!r}")
    if (addition.valid_to or date.max) <= addition.valid_from:
        raise _refused("it ends before it begins")
    problem = _problem(firm, addition)
    if problem is not None:
        raise _refused(problem)


def _problem(firm: FirmConfig, addition: MappingAddition) -> str | None:
    """What ``firm`` says otherwise already, in words."""
    clash = mapping_additions.clashing(firm.mappings, addition)
    if clash is not None:
        return f"{clash.source!r} means {clash.target!r} already at that time"
    before = set(MappingTables(firm.mappings).problems())
    return next((one for one in MappingTables((*firm.mappings, addition.line())).problems() if one not in before), None)


def _refused(why: str) -> ConfigurationError:
    return ConfigurationError(code="TIE-DESK-008", message=f"The line cannot be added: {why}.")


def _waiting_for(cur: Cursor[tuple[object, ...]], table: str) -> list[int]:
    cur.execute(
        """
        select i.item_id from desk_item i join root_cause c using (cause_id)
         where c.depends_on @> %s::text[] and i.state in ('open', 'released') order by i.item_id limit 50000
        """,
        ([f"{_MAPPING}{table}"],),
    )
    return [int(str(row[0])) for row in cur.fetchall()]


def _tables_asked_for(cur: Cursor[tuple[object, ...]]) -> list[str]:
    cur.execute(
        """
        select distinct token from root_cause cross join lateral unnest(depends_on) as token
         where token like 'mapping:%%'
        """
    )
    return [str(row[0]).removeprefix(_MAPPING) for row in cur.fetchall()]
