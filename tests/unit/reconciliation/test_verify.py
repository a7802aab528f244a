"""Every difference between what was posted and what the ledger holds is named."""

from collections.abc import AsyncIterator, Sequence
from datetime import date
from decimal import Decimal

import msgspec
import pytest

from tieout.connect.sink import LedgerLine, LedgerPosting
from tieout.model.journal import JournalLine, PostJournal
from tieout.reconciliation.verify import Expected, LedgerBreak, verify_ledger

DAY = date(2026, 7, 1)


class Shelf:
    """A ledger that holds what the test put there."""

    def __init__(self, held: Sequence[LedgerPosting]) -> None:
        self.held = held

    async def postings(self, *, entity: str, starts: date, ends: date) -> AsyncIterator[LedgerPosting]:
        for one in self.held:
            if one.entity == entity and starts <= one.accounting_date < ends:
                yield one

    async def aclose(self) -> None:
        """Nothing to close."""


def sent(reference: str) -> Expected:
    lines = [
        JournalLine(
            account=account,
            debit_minor=110 if sign > 0 else 0,
            credit_minor=0 if sign > 0 else 110,
            currency="EUR",
            amount_minor=100 * sign,
            memo="time",
        )
        for account, sign in (("1200", 1), ("4000", -1))
    ]
    command = PostJournal(
        reference=reference,
        key=reference,
        entity="US01",
        accounting_date=DAY,
        currency="USD",
        description="time",
        lines=tuple(lines),
        entry_count=1,
        hours=Decimal(1),
    )
    return Expected(reference=reference, accounting_date=DAY, command=command)


def held(reference: str, *, ref: str = "T1", functional: int = 110, amount: int = 100) -> LedgerPosting:
    lines = tuple(
        LedgerLine(
            account=account,
            functional_minor=functional * sign,
            functional_currency="USD",
            amount_minor=amount * sign,
            currency="EUR",
        )
        for account, sign in (("1200", 1), ("4000", -1))
    )
    return LedgerPosting(
        reference=reference, ref=ref, entity="US01", accounting_date=DAY, period="2026-07", posted=True, lines=lines
    )


async def breaks(expected: Sequence[Expected], found: Sequence[LedgerPosting]) -> list[LedgerBreak]:
    return await verify_ledger(Shelf(found), expected, entity="US01", starts=date(2026, 7, 1), ends=date(2026, 8, 1))


async def test_a_ledger_that_holds_what_was_sent_has_no_break() -> None:
    assert await breaks([sent("A"), sent("B")], [held("B"), held("A")]) == []


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ("missing", []),
        ("doubled", [held("A"), held("A", ref="T2")]),
        ("altered", [held("A", amount=101)]),
        ("altered", [held("A", functional=111)]),
        ("altered", [msgspec.structs.replace(held("A"), accounting_date=date(2026, 7, 2))]),
        ("altered", [msgspec.structs.replace(held("A"), accounting_date=date(2026, 8, 2))]),
        ("altered", [msgspec.structs.replace(held("A"), lines=held("A").lines[:1])]),
        ("draft", [msgspec.structs.replace(held("A"), posted=False)]),
        ("unknown", [held("A"), held("Z")]),
    ],
)
async def test_a_difference_is_named(kind: str, found: list[LedgerPosting]) -> None:
    named = await breaks([sent("A")], found)
    assert {one.kind for one in named} == {kind}
    assert {one.reference for one in named} == {"Z" if kind == "unknown" else "A"}


async def test_what_another_period_holds_is_not_this_one_s_business() -> None:
    next_month = msgspec.structs.replace(held("Z"), accounting_date=date(2026, 8, 2))
    assert await breaks([sent("A")], [held("A"), next_month]) == []


async def test_both_copies_of_a_doubled_posting_are_compared() -> None:
    named = await breaks([sent("A")], [held("A"), held("A", ref="T2", amount=7)])
    assert {one.kind for one in named} == {"doubled", "altered"}


async def test_the_functional_amount_is_named_where_only_it_differs() -> None:
    (first, _) = await breaks([sent("A")], [held("A", functional=111)])
    assert "1.10 USD" in first.message
    assert "1.11 USD" in first.message
