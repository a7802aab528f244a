"""A person approves a deal that waits for it: somebody else than its owner, for exactly the terms that he saw.

Doors call this. The approval is stored and the deal's desk item released; the step judges the deal again.
"""

from datetime import datetime

import msgspec
from psycopg import Cursor
from psycopg.rows import class_row

from tieout.desk import effects, intake
from tieout.errors import ConfigurationError
from tieout.governance import audit, firm_version
from tieout.model.stream_policy import LeadToProject
from tieout.streams.lead_to_project.step import DEAL


class Approved(msgspec.Struct, frozen=True, kw_only=True):
    """What was approved."""

    number: str
    name: str
    system: str


class _Waiting(msgspec.Struct, frozen=True, kw_only=True):
    deal_id: int
    system: str
    number: str
    name: str
    owner_email: str | None
    terms: bytes | None
    waits: bool


def approve(cur: Cursor[tuple[object, ...]], number: str, *, actor: str, reason: str, now: datetime) -> Approved:
    """Approve the deal that people know as ``number`` (or that the CRM knows by it).

    Raises ConfigurationError: TIE-PROJECT-001 when there is no such deal or several, TIE-PROJECT-002 when ``actor`` may
    not approve it, TIE-PROJECT-003 when it does not wait for an approval.
    """
    policy = firm_version.current(cur.connection).streams.lead_to_project
    deal = _deal(cur, number)
    if policy is None or not deal.waits or deal.terms is None:
        raise ConfigurationError(code="TIE-PROJECT-003", message=f"Deal {deal.number} waits for no approval.")
    _check(deal, policy, actor)
    cur.execute(
        "insert into deal_approval (deal_id, terms, actor, reason, approved_at) values (%s, %s, %s, %s, %s)",
        (deal.deal_id, deal.terms, actor, reason, now),
    )
    items = intake.open_items_of(cur, DEAL, [deal.deal_id])
    effects.release(
        cur, [one.item_id for one in items.values()], actor=actor, reason=f"Approved: {reason}", accept=False, now=now
    )
    audit.append(
        cur,
        audit.AuditEntry(
            principal=actor,
            action="deal.approved",
            object_kind="deal",
            object_id=deal.number,
            reason=reason,
            approval=deal.terms.hex(),
        ),
        now=now,
    )
    return Approved(number=deal.number, name=deal.name, system=deal.system)


def _deal(cur: Cursor[tuple[object, ...]], number: str) -> _Waiting:
    with cur.connection.cursor(row_factory=class_row(_Waiting)) as rows:
        rows.execute(
            """
            select deal_id, system, number, name, owner_email, terms,
                   findings @> '[{"code": "APPROVAL_REQUIRED"}]' as waits
              from won_deal where number = %(word)s or source_id = %(word)s order by deal_id
            """,
            {"word": number},
        )
        found = rows.fetchall()
    if len(found) != 1:
        several = f"there are {len(found)}, in {', '.join(one.system for one in found)}" if found else "there is none"
        raise ConfigurationError(code="TIE-PROJECT-001", message=f"Of won deals {number}, {several}.")
    return found[0]


def _check(deal: _Waiting, policy: LeadToProject, actor: str) -> None:
    """Four eyes: a named person, who is not the one that asks."""
    if deal.owner_email is None:
        why = "its owner is not told, so that nobody can be shown to be a second person"
    elif actor.casefold() == deal.owner_email.casefold():
        why = f"{actor} is its owner"
    elif policy.approvers and actor.casefold() not in {one.casefold() for one in policy.approvers}:
        why = f"{actor} is none of {', '.join(policy.approvers)}"
    else:
        return
    raise ConfigurationError(code="TIE-PROJECT-002", message=f"Deal {deal.number} cannot be approved: {why}.")
