"""Maker and checker: what one person proposes takes effect only when another approves exactly that.

An approval names the hash of the content that the checker saw, and the items are looked at again under their locks:
what has changed since voids it. Exclusions, overruled findings and edits are carried out here, in the transaction of
the approval; mappings and replays are ``approved`` and wait for ``runtime`` and ``replay``, which ``finish`` them.
Every act is in the audit log, its approval with the hash.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec
from psycopg import Cursor

from tieout.desk import corrections, effects, proposal_store
from tieout.desk.corrections import Correction
from tieout.desk.proposal_content import (
    APPROVED_WITH,
    PROPOSED_WITH,
    Content,
    ItemFacts,
    ProposalKind,
    canonical,
    content_of,
    entities_of,
    hash_of,
    hours_of,
    money_of,
)
from tieout.desk.proposal_store import Proposal
from tieout.desk.understanding import understood
from tieout.errors import ConfigurationError
from tieout.governance import audit
from tieout.model.access import Principal, PrincipalKind
from tieout.storage.wake import notify

LIFETIME: Final = timedelta(days=7)
"""How long a proposal can be approved."""
WAKES: Final = "proposals"
"""What is woken when an approved proposal waits to be carried out by its step."""
_ITEM_LIMIT: Final = 50_000


class Proposed(msgspec.Struct, frozen=True, kw_only=True):
    """A proposal that was made: its number, and the hash that an approval must name."""

    proposal_id: int
    content_hash: str
    item_count: int
    expires_at: datetime


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """What an approval led to: ``state`` done, or approved where a step carries it out; and on how many items."""

    proposal_id: int
    kind: ProposalKind
    state: str
    item_count: int


def propose_exclusion(
    cur: Cursor[tuple[object, ...]], item_ids: Sequence[int], *, maker: Principal, reason: str, now: datetime
) -> Proposed:
    """Propose to take items out for good.

    Raises ConfigurationError: TIE-DESK-001 where none is open, 002 without a reason, 003 where ``maker`` may not.
    """
    return propose(cur, ProposalKind.EXCLUDE, item_ids, maker=maker, reason=reason, now=now)


def propose_overruling(
    cur: Cursor[tuple[object, ...]], item_ids: Sequence[int], *, maker: Principal, reason: str, now: datetime
) -> Proposed:
    """Propose that findings are wrong and their records right; raises as ``propose_exclusion``."""
    return propose(cur, ProposalKind.OVERRULE, item_ids, maker=maker, reason=reason, now=now)


def propose_edit(
    cur: Cursor[tuple[object, ...]],
    item_id: int,
    changes: Mapping[str, str],
    *,
    maker: Principal,
    reason: str,
    now: datetime,
) -> Proposed | Decided:
    """Propose other values (as text, by field) of a held time entry; what touches no money takes effect at once.

    Raises as ``propose_exclusion``, and ConfigurationError (TIE-DESK-007) for what cannot be corrected so.
    """
    proposal_store.place_of(cur, item_id)
    for field, value in changes.items():
        corrections.value_of(field, value)
    [item] = proposal_store.snapshot(cur, [item_id], lock=False) or [None]
    now_said = {} if item is None else understood(cur.connection, item.subject_id)
    was = {f"was.{field}": now_said.get(field, "") for field in changes}
    if all(value == was[f"was.{field}"] for field, value in changes.items()):
        raise ConfigurationError(code="TIE-DESK-007", message="Nothing would be another value than it is.")
    proposed = propose(
        cur, ProposalKind.EDIT, [item_id], maker=maker, reason=reason, now=now, details={**changes, **was}
    )
    if changes.keys() <= corrections.WITHOUT_MONEY:
        return _carry_out(cur, _of(cur, proposed.proposal_id), decided_by=None, decision="", now=now)
    return proposed


def propose(  # noqa: PLR0913 - one of each thing that a proposal is made of
    cur: Cursor[tuple[object, ...]],
    kind: ProposalKind,
    item_ids: Sequence[int],
    *,
    maker: Principal,
    reason: str,
    now: datetime,
    details: Mapping[str, str] | None = None,
    entities: tuple[str, ...] | None = None,
) -> Proposed:
    """Propose ``kind`` on the held items ``item_ids``; a mapping or a replay names ``entities`` itself ((): all).

    Raises ConfigurationError: TIE-DESK-001 where no item is open, 002 without a reason, 003 where ``maker`` may not for
    every legal entity touched, 010 for more than 50,000 items.
    """
    if not reason.strip():
        raise ConfigurationError(code="TIE-DESK-002", message="A proposal needs a reason.")
    if len(item_ids) > _ITEM_LIMIT:
        raise ConfigurationError(
            code="TIE-DESK-010", message=f"{len(item_ids):,} items are more than {_ITEM_LIMIT:,} in one proposal."
        )
    items = proposal_store.snapshot(cur, item_ids, lock=False)
    if not items and entities is None:
        raise ConfigurationError(code="TIE-DESK-001", message="None of these items is open on the desk.")
    touched, nowhere = entities_of(items)
    if entities is not None:
        touched, nowhere = tuple(sorted(entities)), not entities
    content = Content(
        kind=kind,
        reason=reason.strip(),
        maker_id=maker.principal_id,
        maker=maker.name,
        made_at=now,
        details=dict(details or {}),
        items=items,
        entities=touched,
        firm_wide=nowhere,
        hours=str(hours_of(items)),
        money=money_of(items),
    )
    _require(maker, content, checks=False)
    proposal_id = proposal_store.insert(cur, content, expires_at=now + LIFETIME)
    effects.note(
        cur, [one.item_id for one in items], action=f"propose_{kind}", actor=maker.name, reason=reason, now=now
    )
    _audit(cur, proposal_id, content, "proposed", by=maker.name, reason=reason, now=now)
    return Proposed(
        proposal_id=proposal_id,
        content_hash=hash_of(canonical(content)),
        item_count=len(items),
        expires_at=now + LIFETIME,
    )


def approve(
    cur: Cursor[tuple[object, ...]],
    proposal_id: int,
    principal: Principal,
    content_hash: str,
    *,
    now: datetime,
    reason: str = "",
) -> Decided:
    """Let what was proposed take effect, once; ``content_hash`` is that of what ``principal`` saw.

    Raises ConfigurationError, and nothing has changed then: TIE-DESK-003 without a right for every legal entity
    touched, 004 for the maker itself or for no person, 005 when something else was seen or what it is about has
    changed, 006 when it is decided already or expired, 009 when there is none.
    """
    proposal = _of(cur, proposal_id, lock=True)
    content = content_of(proposal.content)
    _require(principal, content, checks=True)
    _second(principal, content)
    _check_open(proposal, now)
    if content_hash != proposal.content_hash or hash_of(proposal.content) != proposal.content_hash:
        raise ConfigurationError(
            code="TIE-DESK-005", message=f"Proposal {proposal_id} is not what was seen: its hash is another."
        )
    item_ids = [one.item_id for one in content.items]
    if content.kind is not ProposalKind.MAPPING and proposal_store.snapshot(cur, item_ids, lock=True) != content.items:
        raise ConfigurationError(
            code="TIE-DESK-005", message=f"What proposal {proposal_id} is about has changed since it was made."
        )
    return _carry_out(cur, proposal, decided_by=principal, decision=reason, now=now)


def reject(
    cur: Cursor[tuple[object, ...]], proposal_id: int, principal: Principal, *, reason: str, now: datetime
) -> None:
    """Refuse a proposal, with a reason; its maker may withdraw it so. Raises as ``approve`` (no hash is needed)."""
    if not reason.strip():
        raise ConfigurationError(code="TIE-DESK-002", message="A rejection needs a reason.")
    proposal = _of(cur, proposal_id, lock=True)
    content = content_of(proposal.content)
    is_maker = _is_maker(principal, content)
    _require(principal, content, checks=not is_maker)
    _check_open(proposal, now)
    state = "withdrawn" if is_maker else "rejected"
    proposal_store.decide(cur, proposal_id, state=state, decided_by=principal, decision=reason, now=now)
    item_ids = [one.item_id for one in content.items]
    effects.note(cur, item_ids, action=state, actor=principal.name, reason=reason, now=now)
    _audit(cur, proposal_id, content, state, by=principal.name, reason=reason, now=now)


def finish(
    cur: Cursor[tuple[object, ...]], proposal_id: int, *, outcome: Mapping[str, str], failed: bool, now: datetime
) -> None:
    """What became of an approved proposal, by the step that carried it out, in its transaction."""
    proposal = _of(cur, proposal_id, lock=True)
    if proposal.state != "approved":
        raise ConfigurationError(code="TIE-DESK-006", message=f"Proposal {proposal_id} is {proposal.state}.")
    state = "failed" if failed else "done"
    proposal_store.finish(cur, proposal_id, state=state, outcome=outcome, now=now)
    content = content_of(proposal.content)
    by = proposal.checker or content.maker
    _audit(cur, proposal_id, content, state, by=by, reason=content.reason, now=now, approval=proposal.content_hash)


def expire(cur: Cursor[tuple[object, ...]], *, now: datetime) -> int:
    """Close every open proposal whose time is over; returns how many. ``approve`` refuses them before that too."""
    return proposal_store.expire(cur, now=now)


def _carry_out(
    cur: Cursor[tuple[object, ...]], proposal: Proposal, *, decided_by: Principal | None, decision: str, now: datetime
) -> Decided:
    """``decided_by`` None: it needs no second person."""
    content = content_of(proposal.content)
    item_ids = [one.item_id for one in content.items]
    actor = content.maker if decided_by is None else decided_by.name
    by_step = content.kind in {ProposalKind.MAPPING, ProposalKind.REPLAY}
    state = "approved" if by_step else "done"
    proposal_store.decide(cur, proposal.proposal_id, state=state, decided_by=decided_by, decision=decision, now=now)
    count = len(item_ids)
    if content.kind is ProposalKind.EXCLUDE:
        count = effects.exclude(cur, item_ids, actor=actor, reason=content.reason, now=now)
    elif content.kind is ProposalKind.OVERRULE:
        count = effects.release(cur, item_ids, actor=actor, reason=content.reason, accept=True, now=now)
    elif content.kind is ProposalKind.EDIT:
        _correct(cur, proposal.proposal_id, content, actor=actor, now=now)
    else:
        notify(cur, WAKES)
    if not by_step:
        proposal_store.finish(cur, proposal.proposal_id, state=state, outcome={"items": str(count)}, now=now)
    _audit(
        cur,
        proposal.proposal_id,
        content,
        "approved" if decided_by is not None else "made",
        by=actor,
        reason=decision or content.reason,
        now=now,
        approval=proposal.content_hash,
    )
    return Decided(proposal_id=proposal.proposal_id, kind=content.kind, state=state, item_count=count)


def _correct(cur: Cursor[tuple[object, ...]], proposal_id: int, content: Content, *, actor: str, now: datetime) -> None:
    [item] = content.items
    place = proposal_store.place_of(cur, item.item_id)
    changes = [
        Correction(field=field, value=value, was=content.details[f"was.{field}"])
        for field, value in content.details.items()
        if not field.startswith("was.")
    ]
    corrections.store(
        cur, changes, place=place, item_id=item.item_id, proposal_id=proposal_id, actor=content.maker, now=now
    )
    words = "; ".join(f"{one.field}: {one.was} -> {one.value}" for one in changes)
    effects.note(cur, [item.item_id], action="edit", actor=content.maker, reason=words, now=now)
    effects.release(cur, [item.item_id], actor=actor, reason=content.reason, accept=False, now=now)


def _of(cur: Cursor[tuple[object, ...]], proposal_id: int, *, lock: bool = False) -> Proposal:
    found = proposal_store.read(cur, proposal_id, lock=lock)
    if found is None:
        raise ConfigurationError(code="TIE-DESK-009", message=f"There is no proposal {proposal_id}.")
    return found


def _check_open(proposal: Proposal, now: datetime) -> None:
    state = "expired" if proposal.state == "open" and proposal.expires_at <= now else proposal.state
    if state != "open":
        raise ConfigurationError(code="TIE-DESK-006", message=f"Proposal {proposal.proposal_id} is {state}.")


def _require(principal: Principal, content: Content, *, checks: bool) -> None:
    """A right for every legal entity touched; one for the whole firm where not all can be named."""
    scope = (APPROVED_WITH if checks else PROPOSED_WITH)[content.kind]
    held = principal.entities(scope)
    if held is None or (held and not content.firm_wide and held.issuperset(content.entities)):
        return
    where = "the whole firm" if content.firm_wide else ", ".join(content.entities)
    raise ConfigurationError(code="TIE-DESK-003", message=f"{principal.name} has no right {scope} for {where}.")


def _second(principal: Principal, content: Content) -> None:
    """Four eyes: another person, by number and by name, so that a second account of the maker's name is none."""
    if principal.kind is not PrincipalKind.PERSON:
        raise ConfigurationError(
            code="TIE-DESK-004", message=f"{principal.name} is a {principal.kind}: only a person approves."
        )
    if _is_maker(principal, content):
        raise ConfigurationError(
            code="TIE-DESK-004", message=f"{principal.name} made the proposal: another person approves it."
        )


def _is_maker(principal: Principal, content: Content) -> bool:
    return (
        principal.principal_id == UUID(str(content.maker_id)) or principal.name.casefold() == content.maker.casefold()
    )


def _audit(  # noqa: PLR0913 - one of each thing that an entry says
    cur: Cursor[tuple[object, ...]],
    proposal_id: int,
    content: Content,
    what: str,
    *,
    by: str,
    reason: str,
    now: datetime,
    approval: str | None = None,
) -> None:
    after = {
        "kind": str(content.kind),
        "items": str(len(content.items)),
        "hours": content.hours,
        "maker": content.maker,
    }
    after |= {f"money.{code}": amount for code, amount in content.money.items()}
    after |= content.details if content.kind is not ProposalKind.REPLAY else {}
    audit.append(
        cur,
        audit.AuditEntry(
            principal=by,
            action=f"proposal.{what}",
            object_kind="proposal",
            object_id=str(proposal_id),
            reason=reason,
            entity=content.entities[0] if len(content.entities) == 1 and not content.firm_wide else None,
            after=after,
            approval=approval,
        ),
        now=now,
    )


__all__ = [
    "LIFETIME", "WAKES", "Decided", "ItemFacts", "Proposed", "approve", "expire", "finish", "propose", "propose_edit",
    "propose_exclusion", "propose_overruling", "reject",
]  # fmt: skip
