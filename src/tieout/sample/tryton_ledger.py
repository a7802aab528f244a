"""Tryton's ledger summed by direct SQL on its database: a proof that goes past Tryton and past our connector alike.

The demonstration and the tests lay these sums beside ``tieout tie-out``. Only moves that carry a reference of ours
count; drafts are summed apart from what is posted, because none may be left.
"""

from decimal import Decimal
from typing import Final

import msgspec
import psycopg
from psycopg.rows import class_row

REFERENCE_PREFIX: Final = "TIE-"

_TOTALS: Final = """
select party.code as entity,
       period.name as period,
       coalesce(transaction_currency.code, functional_currency.code) as currency,
       account.code as account,
       move.state = 'posted' as posted,
       count(distinct move.id) as move_count,
       sum(coalesce(line.amount_second_currency, line.debit - line.credit)) as amount,
       sum(line.debit - line.credit) as functional_amount
from account_move move
join account_move_line line on line.move = move.id
join account_account account on account.id = line.account
join account_period period on period.id = move.period
join company_company company on company.id = move.company
join party_party party on party.id = company.party
join currency_currency functional_currency on functional_currency.id = company.currency
left join currency_currency transaction_currency on transaction_currency.id = line.second_currency
where move.description like %(references)s
group by 1, 2, 3, 4, 5
order by 1, 2, 3, 4, 5
"""

_DOUBLED: Final = """
select description from account_move where description like %(references)s
group by description having count(*) > 1 order by description
"""

_DRAFTS: Final = """
select description from account_move where description like %(references)s and state = 'draft' order by description
"""


class LedgerTotal(msgspec.Struct, frozen=True, kw_only=True):
    """The sum of one account in one company, period and transaction currency, debit positive."""

    entity: str
    period: str
    currency: str
    account: str
    posted: bool
    move_count: int
    amount: Decimal
    functional_amount: Decimal


def read_totals(database_url: str) -> list[LedgerTotal]:
    """All sums of the moves that carry a reference of ours."""
    with psycopg.connect(database_url) as conn, conn.cursor(row_factory=class_row(LedgerTotal)) as cur:
        return cur.execute(_TOTALS, {"references": f"{REFERENCE_PREFIX}%"}).fetchall()


def read_doubled_references(database_url: str) -> list[str]:
    """References that the ledger holds more than once, drafts included: there must be none."""
    return _references(database_url, _DOUBLED)


def read_draft_references(database_url: str) -> list[str]:
    """References of moves that were created and never posted: there must be none once all is quiet."""
    return _references(database_url, _DRAFTS)


def _references(database_url: str, query: str) -> list[str]:
    with psycopg.connect(database_url) as conn:
        rows = conn.execute(query, {"references": f"{REFERENCE_PREFIX}%"}).fetchall()
        return [str(row[0]) for row in rows]
