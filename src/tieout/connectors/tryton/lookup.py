"""Finding what Tryton holds under our references: moves by their description, masters by the mark we left on them.

Neighbours: ``journals`` looks before and after it makes a draft, ``write`` answers the engine's look-ups with it.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from tieout.connect.outcome import Found, FoundState
from tieout.connectors.tryton.client import TrytonClient, rows_of
from tieout.connectors.tryton.mapping import Company, echo_of
from tieout.connectors.tryton.records import TrytonDraft, TrytonMoveRow

_MOVE_FIELDS: Final = ["description", "state", "date", "origin", "lines.debit"]
_DRAFT_FIELDS: Final = [
    "period",
    "journal",
    "date",
    *(f"lines.{name}" for name in ("account", "party", "debit", "credit", "second_currency")),
    "lines.amount_second_currency",
    "lines.description",
]
_REFERENCES_AT_ONCE: Final = 200
_BY_ID: Final = [["id", "ASC"]]


class Held(msgspec.Struct, kw_only=True):
    """The moves under one reference, the oldest first; ``cancelled`` when a posted one was cancelled in Tryton."""

    posted: list[TrytonMoveRow]
    drafts: list[TrytonMoveRow]
    cancelled: bool = False


class Lookup:
    """Looks up moves of one account."""

    def __init__(self, client: TrytonClient) -> None:
        self._client = client

    async def moves(self, company: Company, references: Iterable[str]) -> dict[str, Held]:
        """What the company holds under the references, drafts included; what it does not hold is absent."""
        wanted = sorted(set(references))
        held: dict[str, Held] = {}
        for start in range(0, len(wanted), _REFERENCES_AT_ONCE):
            domain = [
                ["company", "=", company.id],
                ["description", "in", wanted[start : start + _REFERENCES_AT_ONCE]],
            ]
            answer = await self._client.ask(
                "model.account.move.search_read", domain, 0, None, _BY_ID, _MOVE_FIELDS, company=company.id
            )
            _sort_in(held, rows_of(answer, TrytonMoveRow))
        return held

    async def drafts(self, company: Company, ids: Sequence[int]) -> dict[int, TrytonDraft]:
        """Drafts in full."""
        if not ids:
            return {}
        answer = await self._client.ask("model.account.move.read", list(ids), _DRAFT_FIELDS, company=company.id)
        return {row.id: row for row in rows_of(answer, TrytonDraft)}


def _sort_in(held: dict[str, Held], rows: Sequence[TrytonMoveRow]) -> None:
    originals = {f"account.move,{row.id}" for row in rows}
    for row in rows:
        one = held.setdefault(row.description, Held(posted=[], drafts=[]))
        if row.origin in originals:
            one.cancelled = one.cancelled or row.state == "posted"
        elif row.state == "posted":
            one.posted.append(row)
        else:
            one.drafts.append(row)


def found_of(held: Mapping[str, Held], company: Company) -> dict[str, Found]:
    """What a look-up tells the engine."""
    found = {}
    for reference, one in held.items():
        rows = [*one.posted, *one.drafts]
        if not rows:
            continue
        state = FoundState.POSTED if one.posted else FoundState.DRAFT
        found[reference] = Found(
            reference=reference,
            ref=str(rows[0].id),
            state=FoundState.CANCELLED if one.cancelled and one.posted else state,
            echo=echo_of(rows[0], company.currency),
            count=len(rows),
        )
    return found
