"""What stands behind the books of a closed period, as hashes: the postings, and the rates and versions they used.

Reads only. ``runtime.period_seals`` signs the digests when a period has been closed and compares them later.
"""

import hashlib
from datetime import date
from typing import Final, LiteralString

import msgspec
from psycopg import Cursor


class PeriodDigest(msgspec.Struct, frozen=True, kw_only=True):
    """SHA-256 in hexadecimal, of rows in a fixed order and form.

    ``postings`` covers every actual that is posted with an accounting date in the period, ``rates`` the rate lines and
    exchange rates that they name, ``configuration`` the firm versions that they were made by. ``count`` is of actuals.
    """

    count: int
    postings: str
    rates: str
    configuration: str


_POSTED: Final = """
    select a.actual_id, a.entity_id, a.project_id, a.document_date, a.hours, a.price, a.amount_minor, a.currency,
           a.functional_minor, a.functional_currency, a.rate_line_id, a.fx_rate_id, a.fx_cross_rate_id,
           a.price_fx_rate_id, a.price_fx_cross_rate_id, a.firm_version, a.billing_type, d.reference, d.target_ref
      from delivery d join posting_link l using (delivery_id) join actual a on a.actual_id / 8 = l.entry_id
     where d.entity_id = %(entity)s and d.accounting_date >= %(starts)s and d.accounting_date < %(ends)s
       and d.state = 'posted' and d.command_kind = 'post_journal' and a.actual_id & 7 in (0, 1)
"""
"""A reversal is posted in a period of its own and is part of that one's books."""

_POSTINGS: Final = f"copy (select * from ({_POSTED}) as posted order by actual_id) to stdout"  # noqa: S608 - constants
# The columns by name: a later migration that adds one must not change what was sealed.
_RATE_LINES: Final = f"""
    copy (
        select rate_line_id, context, origin, scope, entity_id, client_id, project_id, rate_card_id, role_id,
               resource_id, task_id, work_type, price, unit, hours_per_day, complimentary, currency, valid_from,
               valid_to
          from rate_line where rate_line_id in (select rate_line_id from ({_POSTED}) as posted) order by rate_line_id
    ) to stdout
"""  # noqa: S608 - constants
_FX_RATES: Final = f"""
    copy (
        with posted as ({_POSTED})
        select fx_rate_id, base, quote, rate, rate_date, rate_type, origin from fx_rate
         where fx_rate_id in (
            select fx_rate_id from posted union select fx_cross_rate_id from posted
            union select price_fx_rate_id from posted union select price_fx_cross_rate_id from posted)
         order by fx_rate_id
    ) to stdout
"""  # noqa: S608 - constants
_CONFIGURATION: Final = f"""
    copy (
        select version, content_hash from firm_version
         where version in (select firm_version from ({_POSTED}) as posted) order by version
    ) to stdout
"""  # noqa: S608 - constants


def digest(cur: Cursor[tuple[object, ...]], *, entity_id: int, starts: date, ends: date) -> PeriodDigest:
    """The digests of the books of a legal entity from ``starts`` until before ``ends``."""
    span = {"entity": entity_id, "starts": starts, "ends": ends}
    postings, count = _hash(cur, (_POSTINGS,), span)
    rates, _ = _hash(cur, (_RATE_LINES, _FX_RATES), span)
    configuration, _ = _hash(cur, (_CONFIGURATION,), span)
    return PeriodDigest(count=count, postings=postings, rates=rates, configuration=configuration)


def _hash(
    cur: Cursor[tuple[object, ...]], statements: tuple[LiteralString, ...], span: dict[str, object]
) -> tuple[str, int]:
    """The hash of the rows in the text form of COPY, one statement after the other, and how many there are."""
    hashed, count = hashlib.sha256(), 0
    for statement in statements:
        hashed.update(b"\x00")
        with cur.copy(statement, span) as rows:
            for chunk in rows:
                hashed.update(chunk)
                count += bytes(chunk).count(b"\n")
    return hashed.hexdigest(), count
