"""Holds the ledger against the hub's books, posting by posting: read afresh, by another way than it was written.

Names every posting that is missing, doubled or altered in the ledger, and every one there that the hub does not know.
"""

from collections.abc import Iterable
from datetime import date, timedelta

import msgspec
from psycopg import Connection

from tieout.connect.sink import LedgerPosting, LedgerReader
from tieout.model.journal import PostJournal
from tieout.model.money import from_minor

_COMMANDS = msgspec.json.Decoder(PostJournal)
_LineKey = tuple[str, str]
_AROUND = timedelta(days=35)


class LedgerBreak(msgspec.Struct, frozen=True, kw_only=True):
    """One difference between books and ledger. ``kind``: missing, doubled, altered, draft, unknown."""

    kind: str
    reference: str
    message: str


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """A posting as the hub sent it."""

    reference: str
    accounting_date: date
    command: PostJournal


def expected_postings(
    conn: Connection[tuple[object, ...]], *, system: str, entity: str, starts: date, ends: date
) -> list[Expected]:
    """What the hub says is posted for ``entity`` with accounting date in [starts, ends)."""
    rows = conn.execute(
        """
        select d.reference, d.accounting_date, c.command
          from delivery d join delivery_command c using (delivery_id)
          join golden_record e on e.record_id = d.entity_id
         where d.system = %s and e.code = %s and d.state = 'posted' and d.command_kind = 'post_journal'
           and d.accounting_date >= %s and d.accounting_date < %s
         order by d.delivery_id
        """,
        (system, entity, starts, ends),
    )
    return [
        Expected(reference=str(reference), accounting_date=date.fromisoformat(str(day)), command=_decoded(command))
        for reference, day, command in rows
    ]


async def verify_ledger(
    reader: LedgerReader, expected: Iterable[Expected], *, entity: str, starts: date, ends: date
) -> list[LedgerBreak]:
    """Every difference between ``expected`` (of [starts, ends)) and what the ledger holds.

    The ledger is read a little wider, so that a posting that was moved to a neighbouring period is named as altered.
    """
    held: dict[str, list[LedgerPosting]] = {}
    async for posting in reader.postings(entity=entity, starts=_earlier(starts), ends=_later(ends)):
        held.setdefault(posting.reference, []).append(posting)
    breaks: list[LedgerBreak] = []
    for one in expected:
        breaks += _compare(one, held.pop(one.reference, []))
    breaks += [
        LedgerBreak(
            kind="unknown",
            reference=reference,
            message=f"The ledger holds {reference} ({postings[0].ref}), which the hub has not posted in this period.",
        )
        for reference, postings in held.items()
        if any(starts <= one.accounting_date < ends for one in postings)
    ]
    return breaks


def _compare(one: Expected, found: list[LedgerPosting]) -> list[LedgerBreak]:
    if not found:
        return [
            LedgerBreak(
                kind="missing",
                reference=one.reference,
                message=f"{one.reference} of {one.accounting_date} is not in the ledger.",
            )
        ]
    breaks = []
    if len(found) > 1:
        refs = ", ".join(posting.ref for posting in found)
        breaks.append(
            LedgerBreak(kind="doubled", reference=one.reference, message=f"{one.reference} is in the ledger as {refs}.")
        )
    return breaks + [difference for posting in found for difference in _compare_one(one, posting)]


def _compare_one(one: Expected, posting: LedgerPosting) -> list[LedgerBreak]:
    breaks = []
    if not posting.posted:
        breaks.append(
            LedgerBreak(
                kind="draft", reference=one.reference, message=f"{one.reference} is only a draft ({posting.ref})."
            )
        )
    if posting.accounting_date != one.accounting_date:
        breaks.append(
            LedgerBreak(
                kind="altered",
                reference=one.reference,
                message=f"{one.reference} was posted on {one.accounting_date}, the ledger says "
                f"{posting.accounting_date} ({posting.ref}).",
            )
        )
    return breaks + _compare_amounts(one, posting)


def _compare_amounts(one: Expected, posting: LedgerPosting) -> list[LedgerBreak]:
    sent: dict[_LineKey, tuple[int, int]] = {}
    for line in one.command.lines:
        functional, amount = sent.get((line.account, line.currency), (0, 0))
        functional += line.debit_minor - line.credit_minor
        sent[line.account, line.currency] = (functional, amount + line.amount_minor)
    held: dict[_LineKey, tuple[int, int]] = {}
    for there in posting.lines:
        functional, amount = held.get((there.account, there.currency), (0, 0))
        held[there.account, there.currency] = (functional + there.functional_minor, amount + there.amount_minor)
    breaks = []
    for account, currency in sorted(sent.keys() | held.keys()):
        functional, amount = sent.get((account, currency), (0, 0))
        functional_there, amount_there = held.get((account, currency), (0, 0))
        if (functional, amount) != (functional_there, amount_there):
            home = one.command.currency
            breaks.append(
                LedgerBreak(
                    kind="altered",
                    reference=one.reference,
                    message=f"{one.reference}, account {account}: sent {_money(amount, currency)} "
                    f"({_money(functional, home)}), the ledger holds {_money(amount_there, currency)} "
                    f"({_money(functional_there, home)}) in {posting.ref}.",
                )
            )
    return breaks


def _money(amount_minor: int, currency: str) -> str:
    return f"{from_minor(amount_minor, currency)} {currency}"


def _earlier(day: date) -> date:
    return day - _AROUND if day - date.min > _AROUND else date.min


def _later(day: date) -> date:
    return day + _AROUND if date.max - day > _AROUND else date.max


def _decoded(command: object) -> PostJournal:
    return _COMMANDS.decode(bytes(command) if isinstance(command, bytes | memoryview) else str(command).encode())
