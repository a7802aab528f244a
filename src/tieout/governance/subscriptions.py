"""Subscriptions: which programs are told events by webhook, how far each was told, and the secrets that sign.

A row is seen by whoever made it and by who sees the whole firm (row-level security). The secret is encrypted under the
hub's master key, bound to its subscription and version; two sign at once while one takes over from the other.
Neighbours: ``api.subscription_sender`` sends, ``api.resources.subscriptions`` is how programs change them.
"""

import base64
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec
from psycopg import Connection, Cursor
from psycopg.rows import class_row

from tieout.errors import ConfigurationError
from tieout.governance import audit, secret_store
from tieout.governance.access import Act
from tieout.governance.master_key import MasterKeys, Sealed
from tieout.governance.subscription_state import State

PER_PRINCIPAL: Final = 20
BOTH_SIGN_FOR: Final = timedelta(days=1)
"""So long the secret before goes on signing beside a new one."""
ATTEMPTS_KEPT: Final = timedelta(days=7)
_SECRET_BYTES: Final = 32
_PREFIX: Final = "whsec_"
_Row = tuple[object, ...]
_COLUMNS: Final = """
    subscription_id, principal_id, name, url, types, state, why, cursor, attempts, failing_since, next_try_at, made_at
"""


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """One subscription. ``types`` are names of events (none: all); ``cursor`` the last event it was told or passed.

    ``why`` says for what the hub disabled it; ``attempts`` counts those that failed since the last that did not.
    """

    subscription_id: UUID
    principal_id: UUID
    name: str
    url: str
    types: list[str]
    state: State
    why: str | None
    cursor: int
    attempts: int
    failing_since: datetime | None
    next_try_at: datetime | None
    made_at: datetime


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One try to tell one event; ``status`` is None where no answer came, then ``words`` why."""

    attempt_id: int
    event_id: int
    event_type: str
    tried_at: datetime
    duration_ms: int
    status: int | None
    ok: bool
    words: str | None


class NewSubscription(msgspec.Struct, frozen=True, kw_only=True):
    """What a program asks for; ``cursor`` is the event after which it begins."""

    subscription_id: UUID
    principal_id: UUID
    name: str
    url: str
    types: tuple[str, ...]
    cursor: int


def add(cur: Cursor[_Row], keys: MasterKeys, new: NewSubscription, act: Act) -> str:
    """Make a subscription; returns its secret, which is told this once.

    Raises ConfigurationError (TIE-SUBSCRIPTION-002) where its program has as many as it may.
    """
    cur.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"subscription:{new.principal_id}",))
    row = cur.execute("select count(*) from subscription where principal_id = %s", (new.principal_id,)).fetchone()
    if row is not None and int(str(row[0])) >= PER_PRINCIPAL:
        raise ConfigurationError(
            code="TIE-SUBSCRIPTION-002", message=f"There are {PER_PRINCIPAL} subscriptions of this program already."
        )
    cur.execute(
        """
        insert into subscription (subscription_id, principal_id, name, url, types, state, cursor, made_at, changed_at)
        values (%s, %s, %s, %s, %s, %s, %s, %s, %s)
        """,
        (
            new.subscription_id,
            new.principal_id,
            new.name,
            new.url,
            list(new.types),
            State.ACTIVE,
            new.cursor,
            act.now,
            act.now,
        ),
    )
    secret = _new_secret(cur, keys, new.subscription_id, version=1, now=act.now)
    told = {"url": new.url, "types": " ".join(new.types), "cursor": str(new.cursor)}
    _note(cur, "subscription.made", new.subscription_id, act, after=told)
    return secret


def rotate(cur: Cursor[_Row], keys: MasterKeys, subscription_id: UUID, act: Act) -> str:
    """A new secret, told this once; the one before signs beside it for a day."""
    row = cur.execute(
        "select max(version) from subscription_secret where subscription_id = %s", (subscription_id,)
    ).fetchone()
    newest = 0 if row is None or row[0] is None else int(str(row[0]))
    cur.execute(
        "delete from subscription_secret where subscription_id = %s and version < %s", (subscription_id, newest)
    )
    cur.execute(
        "update subscription_secret set ends_at = %s where subscription_id = %s and version = %s",
        (act.now + BOTH_SIGN_FOR, subscription_id, newest),
    )
    secret = _new_secret(cur, keys, subscription_id, version=newest + 1, now=act.now)
    _note(cur, "subscription.secret_replaced", subscription_id, act, after={"version": str(newest + 1)})
    return secret


def signing_secrets(
    conn: Connection[_Row], keys: MasterKeys, subscription_id: UUID, *, now: datetime
) -> tuple[str, ...]:
    """Every secret that signs now, the newest first.

    Raises ConfigurationError (TIE-SECRET-002) where the master key that opens one is not here any more.
    """
    rows = conn.execute(
        """
        select version, master_key_id, sealed from subscription_secret
         where subscription_id = %s and (ends_at is null or ends_at > %s) order by version desc
        """,
        (subscription_id, now),
    ).fetchall()
    return tuple(
        _opened(keys, str(key_id), sealed, _bound(subscription_id, int(str(version))))
        for version, key_id, sealed in rows
    )


def listed(conn: Connection[_Row]) -> list[Subscription]:
    """All that may be seen, by name."""
    with conn.cursor(row_factory=class_row(Subscription)) as rows:
        return rows.execute(f"select {_COLUMNS} from subscription order by name, subscription_id").fetchall()  # noqa: S608 - constants


def find(conn: Connection[_Row], subscription_id: UUID) -> Subscription | None:
    """One that may be seen."""
    with conn.cursor(row_factory=class_row(Subscription)) as rows:
        return rows.execute(
            f"select {_COLUMNS} from subscription where subscription_id = %s",  # noqa: S608 - constants
            (subscription_id,),
        ).fetchone()


def set_state(cur: Cursor[_Row], subscription_id: UUID, state: State, act: Act) -> None:
    """Pause it, or send again from where it stands, at once."""
    cur.execute(
        """
        update subscription set state = %s, why = null, attempts = 0, failing_since = null, next_try_at = null,
               changed_at = %s
         where subscription_id = %s
        """,
        (state, act.now, subscription_id),
    )
    _note(cur, f"subscription.{state.value}", subscription_id, act)


def replay(cur: Cursor[_Row], subscription_id: UUID, after: int, act: Act) -> None:
    """Tell again, or for the first time, everything after event ``after``; whoever sends now begins anew."""
    cur.execute(
        "update subscription set cursor = %s, leased_until = null, changed_at = %s where subscription_id = %s",
        (after, act.now, subscription_id),
    )
    _note(cur, "subscription.replayed", subscription_id, act, after={"cursor": str(after)})


def remove(cur: Cursor[_Row], subscription_id: UUID, act: Act) -> None:
    """It is gone with its secrets and attempts; the audit log keeps that it was."""
    for table in ("subscription_attempt", "subscription_secret", "subscription"):
        cur.execute(f"delete from {table} where subscription_id = %s", (subscription_id,))  # noqa: S608 - constants
    _note(cur, "subscription.removed", subscription_id, act)


def attempts(conn: Connection[_Row], subscription_id: UUID, *, before: int | None, limit: int) -> Sequence[Attempt]:
    """The attempts of the last days, the newest first; ``before`` goes on where a page ended."""
    with conn.cursor(row_factory=class_row(Attempt)) as rows:
        return rows.execute(
            """
            select attempt_id, event_id, event_type, tried_at, duration_ms, status, ok, words from subscription_attempt
             where subscription_id = %(id)s and (%(before)s::bigint is null or attempt_id < %(before)s)
             order by attempt_id desc limit %(limit)s
            """,
            {"id": subscription_id, "before": before, "limit": limit},
        ).fetchall()


def seal_again(cur: Cursor[_Row], keys: MasterKeys) -> int:
    """Encrypt every secret under the newest master key; returns how many were under another.

    Raises ConfigurationError (TIE-SECRET-002) where the key that opens one is not here.
    """
    secret_store.keep_master_keys(cur)
    rows = cur.execute(
        "select subscription_id, version, master_key_id, sealed from subscription_secret where master_key_id <> %s",
        (keys.current_id(),),
    ).fetchall()
    for one, version, key_id, sealed in rows:
        bound = _bound(UUID(str(one)), int(str(version)))
        fresh = keys.seal(_opened(keys, str(key_id), sealed, bound).encode(), bound_to=bound)
        cur.execute(
            """
            update subscription_secret set master_key_id = %s, sealed = %s
             where subscription_id = %s and version = %s
            """,
            (fresh.key_id, fresh.content, one, version),
        )
    return len(rows)


def _opened(keys: MasterKeys, key_id: str, sealed: object, bound: bytes) -> str:
    if not isinstance(sealed, bytes):
        raise TypeError(sealed)
    opened = keys.unseal(Sealed(key_id=key_id, content=sealed), bound_to=bound)
    if opened is None:
        raise ConfigurationError(
            code="TIE-SECRET-002", message=f"The master key {key_id} of a subscription's secret is not here any more."
        )
    return opened.decode()


def _new_secret(cur: Cursor[_Row], keys: MasterKeys, subscription_id: UUID, *, version: int, now: datetime) -> str:
    secret_store.keep_master_keys(cur)
    secret = _PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
    sealed = keys.seal(secret.encode(), bound_to=_bound(subscription_id, version))
    cur.execute(
        """
        insert into subscription_secret (subscription_id, version, master_key_id, sealed, made_at)
        values (%s, %s, %s, %s, %s)
        """,
        (subscription_id, version, sealed.key_id, sealed.content, now),
    )
    return secret


def _bound(subscription_id: UUID, version: int) -> bytes:
    return f"tieout subscription\0{subscription_id}\0{version}".encode()


def _note(
    cur: Cursor[_Row], action: str, subscription_id: UUID, act: Act, *, after: dict[str, str] | None = None
) -> None:
    entry = audit.AuditEntry(
        principal=act.by,
        action=action,
        object_kind="subscription",
        object_id=str(subscription_id),
        reason=act.reason,
        after=after,
    )
    audit.append(cur, entry, now=act.now)
