"""Notices: what somebody is to be told, written in the transaction of what it tells of, once.

Whoever sends them reads ``notice``; the key says of what a notice tells, so that the same is never told twice.
"""

from datetime import datetime

import msgspec
from psycopg import Cursor


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """One notice. ``recipients``: e-mail addresses, ``queue:NAME``, ``role:NAME`` or ``channel:NAME``.

    ``facts`` are for the link and the form of a channel (``item_id``, ``cause_id``, ``proposal_id``, ``run_id``).
    """

    key: str
    kind: str
    subject: str
    entity: str | None
    recipients: tuple[str, ...]
    body: str
    facts: dict[str, str]


def write(cur: Cursor[tuple[object, ...]], notice: Notice, *, now: datetime) -> bool:
    """Write ``notice``; returns False where one of its key was written before, then nothing changes."""
    cur.execute(
        """
        insert into notice (key, kind, subject, entity, recipients, body, facts, created_at)
        values (%s, %s, %s, %s, %s, %s, %s, %s) on conflict (key) do nothing
        """,
        (
            notice.key,
            notice.kind,
            notice.subject,
            notice.entity,
            list(notice.recipients),
            notice.body,
            msgspec.json.encode(notice.facts).decode(),
            now,
        ),
    )
    return cur.rowcount == 1
