"""What one person may do alone: assign, comment, let be judged again; for one item, a selection, or a root cause.

Each act is in the history of every item and in the audit log. What needs two people is ``proposals``'.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from psycopg import Cursor

from tieout.desk import effects, proposal_store
from tieout.desk.proposal_content import entities_of
from tieout.errors import ConfigurationError
from tieout.governance import audit
from tieout.model.access import Principal, Scope

_NAMED: Final = 20
"""As many items as an audit entry names; more are counted."""


def assign(
    cur: Cursor[tuple[object, ...]],
    item_ids: Sequence[int],
    principal: Principal,
    assignee: str | None,
    *,
    now: datetime,
    reason: str = "",
) -> int:
    """Let ``assignee`` see to held items; None: nobody any more. Returns how many.

    Raises ConfigurationError: TIE-DESK-001 where none is held, 003 where ``principal`` may not.
    """
    chosen = _allowed(cur, item_ids, principal)
    name = None if assignee is None else assignee.strip()
    if name:
        cur.execute(
            """
            insert into desk_assignment (item_id, assignee, assigned_by, assigned_at)
            select item_id, %s, %s, %s from unnest(%s::bigint[]) as given (item_id)
            on conflict (item_id) do update
               set assignee = excluded.assignee, assigned_by = excluded.assigned_by, assigned_at = excluded.assigned_at
            """,
            (name, principal.name, now, chosen),
        )
    else:
        cur.execute("delete from desk_assignment where item_id = any(%s)", (chosen,))
    words = f"To {name}." if name else "To nobody."
    _done(cur, chosen, principal, "assign", words=f"{words} {reason}".strip(), now=now)
    return len(chosen)


def comment(
    cur: Cursor[tuple[object, ...]], item_ids: Sequence[int], principal: Principal, text: str, *, now: datetime
) -> int:
    """Add ``text`` to the history of items, held or closed. Raises as ``assign``, and 002 for no text."""
    if not text.strip():
        raise ConfigurationError(code="TIE-DESK-002", message="A comment needs words.")
    chosen = _allowed(cur, item_ids, principal, closed_too=True)
    _done(cur, chosen, principal, "comment", words=text.strip(), now=now)
    return len(chosen)


def retry(
    cur: Cursor[tuple[object, ...]],
    item_ids: Sequence[int],
    principal: Principal,
    *,
    now: datetime,
    reason: str = "Tried again.",
) -> int:
    """Let items be judged, or deliveries be tried, again; returns how many were open. Raises as ``assign``."""
    chosen = _allowed(cur, item_ids, principal)
    released = effects.release(cur, chosen, actor=principal.name, reason=reason, accept=False, now=now)
    _audit(cur, chosen, principal, "retry", words=reason, now=now)
    return released


def _allowed(
    cur: Cursor[tuple[object, ...]], item_ids: Sequence[int], principal: Principal, *, closed_too: bool = False
) -> list[int]:
    items = proposal_store.snapshot(cur, item_ids, lock=False, closed_too=closed_too)
    if not items:
        raise ConfigurationError(code="TIE-DESK-001", message="None of these items is on the desk.")
    entities, nowhere = entities_of(items)
    held = principal.entities(Scope.DESK_WORK)
    if held is not None and (not held or nowhere or not held.issuperset(entities)):
        where = "what is of no legal entity" if nowhere else ", ".join(entities)
        raise ConfigurationError(
            code="TIE-DESK-003", message=f"{principal.name} has no right {Scope.DESK_WORK} for {where}."
        )
    return [one.item_id for one in items]


def _done(
    cur: Cursor[tuple[object, ...]], items: Sequence[int], by: Principal, action: str, *, words: str, now: datetime
) -> None:
    effects.note(cur, items, action=action, actor=by.name, reason=words, now=now)
    _audit(cur, items, by, action, words=words, now=now)


def _audit(
    cur: Cursor[tuple[object, ...]], items: Sequence[int], by: Principal, action: str, *, words: str, now: datetime
) -> None:
    audit.append(
        cur,
        audit.AuditEntry(
            principal=by.name,
            action=f"desk.{action}",
            object_kind="desk_item",
            object_id=",".join(map(str, items[:_NAMED])),
            reason=words,
            after={"items": str(len(items))},
        ),
        now=now,
    )
