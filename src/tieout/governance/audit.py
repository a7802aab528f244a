"""The audit log: a hash chain in the database, written in the transaction of the change that it tells of.

Whoever lets a person or a program change something calls ``append`` last in its transaction: the chain's lock is held
until the commit, so that the order of the chain is the order of commit. The rules are ``audit_chain``'s.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

import msgspec
from psycopg import Connection, Cursor
from psycopg.rows import class_row

from tieout.governance.audit_chain import GENESIS, AuditEntry, ChainLink, content_of, hash_of
from tieout.storage.pool import bytes_of

__all__ = ["AuditEntry", "AuditLine", "Head", "append", "entries", "head", "links", "newest_anchor", "note_anchor"]

_LOCK: Final = 0x7469656F_61756474
"""Of the chain, for ``pg_advisory_xact_lock``."""
_PAGE: Final = 2_000


class AuditLine(msgspec.Struct, frozen=True, kw_only=True):
    """One entry as it is read: its number, when it was recorded, what it says, and its hash in hexadecimal."""

    seq: int
    recorded_at: datetime
    entry: AuditEntry
    hash: str


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """The newest entry of the chain; number 0 and the hash of nothing where it is empty."""

    seq: int
    hash: str


class AnchorNote(msgspec.Struct, frozen=True, kw_only=True):
    """That the head was written down at ``place``, outside the database."""

    seq: int
    hash: str
    place: str
    anchored_at: datetime


def append(cur: Cursor[tuple[object, ...]], entry: AuditEntry, *, now: datetime) -> int:
    """Add ``entry`` at the head of the chain; returns its number. Nobody else appends until the commit."""
    cur.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
    cur.execute("select seq, hash from audit_head() where seq is not null")
    newest = cur.fetchone()
    seq, previous = (1, GENESIS) if newest is None else (int(str(newest[0])) + 1, bytes_of(newest[1]))
    content = content_of(entry, recorded_at=now)
    cur.execute(
        """
        insert into audit_entry (seq, recorded_at, principal, action, object_kind, object_id, entity, content, hash)
        values (%s, %s, %s, %s, %s, %s, %s, %s, %s)
        """,
        (
            seq,
            now,
            entry.principal,
            entry.action,
            entry.object_kind,
            entry.object_id,
            entry.entity,
            content,
            hash_of(seq=seq, previous=previous, content=content),
        ),
    )
    return seq


def head(conn: Connection[tuple[object, ...]]) -> Head:
    """The newest entry."""
    row = conn.execute("select seq, hash from audit_entry order by seq desc limit 1").fetchone()
    return Head(seq=0, hash=GENESIS.hex()) if row is None else Head(seq=int(str(row[0])), hash=bytes_of(row[1]).hex())


def links(conn: Connection[tuple[object, ...]]) -> Iterator[ChainLink]:
    """The whole chain in its order, page by page, as it is exported and verified.

    The columns beside the hashed text are compared with it on the way: one that says something else makes the text
    count as altered, since readers search by the columns.
    """
    after = 0
    while True:
        rows = conn.execute(
            """
            select seq, content, hash,
                   (principal, action, object_kind, object_id, entity, recorded_at) is not distinct from
                   (content::jsonb ->> 'principal', content::jsonb ->> 'action', content::jsonb ->> 'object_kind',
                    content::jsonb ->> 'object_id', content::jsonb ->> 'entity',
                    (content::jsonb ->> 'recorded_at')::timestamptz) as agrees
              from audit_entry where seq > %s order by seq limit %s
            """,
            (after, _PAGE),
        ).fetchall()
        for seq, content, digest, agrees in rows:
            text = str(content) if agrees else f"{content} (the columns beside it say something else)"
            yield ChainLink(seq=int(str(seq)), content=text, hash=bytes_of(digest).hex())
        if len(rows) < _PAGE:
            return
        after = int(str(rows[-1][0]))


def entries(
    conn: Connection[tuple[object, ...]],
    *,
    principal: str | None = None,
    object_kind: str | None = None,
    object_id: str | None = None,
    before_seq: int | None = None,
    limit: int = 100,
) -> list[AuditLine]:
    """Entries, the newest first; ``before_seq`` goes on where a page ended."""
    rows = conn.execute(
        """
        select seq, recorded_at, content, hash from audit_entry
         where (%(principal)s::text is null or principal = %(principal)s)
           and (%(kind)s::text is null or object_kind = %(kind)s)
           and (%(id)s::text is null or object_id = %(id)s)
           and (%(before)s::bigint is null or seq < %(before)s)
         order by seq desc limit %(limit)s
        """,
        {"principal": principal, "kind": object_kind, "id": object_id, "before": before_seq, "limit": limit},
    ).fetchall()
    return [_line(row) for row in rows]


def newest_of_each(conn: Connection[tuple[object, ...]], object_kind: str) -> list[AuditLine]:
    """The newest entry of every object of a kind, by the object's id."""
    rows = conn.execute(
        """
        select distinct on (object_id) seq, recorded_at, content, hash from audit_entry
         where object_kind = %s order by object_id, seq desc
        """,
        (object_kind,),
    ).fetchall()
    return [_line(row) for row in rows]


def note_anchor(cur: Cursor[tuple[object, ...]], anchored: Head, *, place: str, now: datetime) -> None:
    """Remember that ``anchored`` was written down at ``place``."""
    cur.execute(
        "insert into audit_anchor (seq, hash, place, anchored_at) values (%s, %s, %s, %s)",
        (anchored.seq, bytes.fromhex(anchored.hash), place, now),
    )


def newest_anchor(conn: Connection[tuple[object, ...]], place: str | None = None) -> AnchorNote | None:
    """When the head was last written down outside, at ``place`` or anywhere; None: never."""
    with conn.cursor(row_factory=class_row(AnchorNote)) as cur:
        cur.execute(
            """
            select seq, encode(hash, 'hex') as hash, place, anchored_at from audit_anchor
             where %(place)s::text is null or place = %(place)s order by anchor_id desc limit 1
            """,
            {"place": place},
        )
        return cur.fetchone()


def _line(row: tuple[object, ...]) -> AuditLine:
    seq, recorded_at, content, digest = row
    return AuditLine(
        seq=int(str(seq)),
        recorded_at=datetime.fromisoformat(str(recorded_at)),
        entry=msgspec.json.decode(str(content), type=AuditEntry),
        hash=bytes_of(digest).hex(),
    )
