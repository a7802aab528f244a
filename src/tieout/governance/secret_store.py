"""Secrets that the hub keeps itself, encrypted: what ``store:NAME`` refers to.

Each version of a secret has a data key of its own, which the master key wraps; both are bound to name and version, so
that a row put in another's place does not open. The newest two versions are kept, so that whoever checks a secret may
accept both while it is replaced (``store:NAME@VERSION`` names one). Neighbours: ``master_key`` has the key,
``runtime.secrets`` resolves references, ``cli.secret`` changes what is here.
"""

import re
import secrets
from datetime import datetime
from typing import Final

import msgspec
from psycopg import Connection, Cursor
from psycopg.rows import class_row

from tieout.errors import ConfigurationError
from tieout.governance import audit
from tieout.governance.access import Act
from tieout.governance.master_key import MasterKeys, Sealed, seal, unseal

_KEPT: Final = 2
_KEY_BYTES: Final = 32
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_CHARS_MAX: Final = 64_000
_LOCK: Final = 0x7469656F_73656372
"""Of all who write secrets or re-wrap them, for ``pg_advisory_xact_lock``: a master key is dropped only when nobody is
about to seal with it."""
_LOOKS: Final = 3
_Row = tuple[object, ...]


class SecretLine(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a secret, without the secret."""

    name: str
    version: int
    made_at: datetime
    made_by: str
    master_key_id: str


class _Kept(msgspec.Struct, frozen=True, kw_only=True):
    version: int
    master_key_id: str
    wrapped_key: bytes
    sealed: bytes


def put(cur: Cursor[_Row], keys: MasterKeys, name: str, value: str, act: Act) -> int:
    """Store ``value`` as the newest version of ``name``; returns its number. The version before it stays readable.

    Raises ConfigurationError (TIE-SECRET-004) for a name or a value that cannot be stored.
    """
    if _NAME.fullmatch(name) is None:
        raise _refused(f"{name[:80]!r} is no name of a secret: letters, digits, '-', '_' and '.', at most 64")
    if not value or len(value) > _CHARS_MAX:
        raise _refused(f"a secret has 1 to {_CHARS_MAX} characters; {name} was given {len(value)}")
    _lock(cur)
    cur.execute("select coalesce(max(version), 0) + 1 from stored_secret where name = %s", (name,))
    (version,) = cur.fetchone() or (1,)
    number = int(str(version))
    data_key = secrets.token_bytes(_KEY_BYTES)
    wrapped = keys.seal(data_key, bound_to=_bound("key", name, number))
    cur.execute(
        """
        insert into stored_secret (name, version, made_at, made_by, master_key_id, wrapped_key, sealed)
        values (%s, %s, %s, %s, %s, %s, %s)
        """,
        (
            name,
            number,
            act.now,
            act.by,
            wrapped.key_id,
            wrapped.content,
            seal(data_key, value.encode(), bound_to=_bound("secret", name, number)),
        ),
    )
    _forget(cur, name, up_to=number - _KEPT, now=act.now)
    _note(cur, "secret.set", name, act, after={"version": str(number)})
    return number


def remove(cur: Cursor[_Row], name: str, version: int | None, act: Act) -> int:
    """Destroy ``version`` of ``name``, or all its versions; returns how many.

    Raises ConfigurationError (TIE-SECRET-001) where there is none.
    """
    _lock(cur)
    gone = _forget(cur, name, version=version, now=act.now)
    if not gone:
        which = name if version is None else f"{name}@{version}"
        raise ConfigurationError(code="TIE-SECRET-001", message=f"No secret {which} is stored.")
    _note(cur, "secret.removed", name, act, before={"versions": " ".join(str(one) for one in gone)})
    return len(gone)


def read(conn: Connection[_Row], keys: MasterKeys, name: str, version: int | None = None) -> str | None:
    """The secret, of its newest version unless one is named; None where it is not stored.

    Raises ConfigurationError: TIE-SECRET-002 where the master key that opens it is not here, TIE-SECRET-003 where what
    is stored was altered.
    """
    for _ in range(_LOOKS):
        kept = _kept(conn, name, version)
        if kept is None:
            return None
        wrapped = Sealed(key_id=kept.master_key_id, content=kept.wrapped_key)
        data_key = keys.unseal(wrapped, bound_to=_bound("key", name, kept.version))
        if data_key is not None:
            return unseal(data_key, kept.sealed, bound_to=_bound("secret", name, kept.version)).decode()
        # Somebody may have re-wrapped it and dropped its key since the row was read: look again.
    raise ConfigurationError(
        code="TIE-SECRET-002", message=f"The master key that the secret {name} was stored under is not here any more."
    )


def listed(conn: Connection[_Row]) -> list[SecretLine]:
    """Every version that is kept, by name, the newest first."""
    with conn.cursor(row_factory=class_row(SecretLine)) as cur:
        cur.execute(
            """
            select name, version, made_at, made_by, master_key_id from stored_secret
             where removed_at is null order by name, version desc
            """
        )
        return cur.fetchall()


def rewrap(cur: Cursor[_Row], keys: MasterKeys, act: Act) -> int:
    """Wrap every data key under the newest master key, all or none; returns how many were under another."""
    _lock(cur)
    newest = keys.current_id()
    cur.execute(
        """
        select name, version, master_key_id, wrapped_key from stored_secret
         where removed_at is null and master_key_id <> %s
        """,
        (newest,),
    )
    rows = cur.fetchall()
    for name, version, key_id, wrapped_key in rows:
        if not isinstance(wrapped_key, bytes):
            raise TypeError(wrapped_key)
        bound = _bound("key", str(name), int(str(version)))
        data_key = keys.unseal(Sealed(key_id=str(key_id), content=wrapped_key), bound_to=bound)
        if data_key is None:
            raise ConfigurationError(
                code="TIE-SECRET-002", message=f"The master key that the secret {name} was stored under is not here."
            )
        wrapped = keys.seal(data_key, bound_to=bound)
        cur.execute(
            "update stored_secret set master_key_id = %s, wrapped_key = %s where name = %s and version = %s",
            (wrapped.key_id, wrapped.content, name, version),
        )
    _note(cur, "secret.master_key_rotated", newest, act, after={"rewrapped": str(len(rows))})
    return len(rows)


def drop_unused_keys(cur: Cursor[_Row], keys: MasterKeys, *, also_used: frozenset[str]) -> int:
    """Destroy the home's master keys that open nothing any more; returns how many."""
    _lock(cur)
    cur.execute(
        """
        select master_key_id from stored_secret where master_key_id is not null
         union select master_key_id from subscription_secret
        """
    )
    return keys.drop_all_but(also_used | {str(one) for (one,) in cur.fetchall()})


def keep_master_keys(cur: Cursor[_Row]) -> None:
    """Destroy no master key until the commit: whoever seals something with one elsewhere calls this first."""
    _lock(cur)


def _kept(conn: Connection[_Row], name: str, version: int | None) -> _Kept | None:
    with conn.cursor(row_factory=class_row(_Kept)) as cur:
        cur.execute(
            """
            select version, master_key_id, wrapped_key, sealed from stored_secret
             where name = %(name)s and removed_at is null and (%(version)s::integer is null or version = %(version)s)
             order by version desc limit 1
            """,
            {"name": name, "version": version},
        )
        return cur.fetchone()


def _forget(
    cur: Cursor[_Row], name: str, *, now: datetime, version: int | None = None, up_to: int | None = None
) -> list[int]:
    cur.execute(
        """
        update stored_secret set removed_at = %(now)s, master_key_id = null, wrapped_key = null, sealed = null
         where name = %(name)s and removed_at is null
           and (%(version)s::integer is null or version = %(version)s)
           and (%(up_to)s::integer is null or version <= %(up_to)s)
        returning version
        """,
        {"now": now, "name": name, "version": version, "up_to": up_to},
    )
    return sorted(int(str(one)) for (one,) in cur.fetchall())


def _lock(cur: Cursor[_Row]) -> None:
    cur.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))


def _note(
    cur: Cursor[_Row],
    action: str,
    name: str,
    act: Act,
    *,
    before: dict[str, str] | None = None,
    after: dict[str, str] | None = None,
) -> None:
    entry = audit.AuditEntry(
        principal=act.by,
        action=action,
        object_kind="secret",
        object_id=name,
        reason=act.reason,
        before=before,
        after=after,
    )
    audit.append(cur, entry, now=act.now)


def _bound(what: str, name: str, version: int) -> bytes:
    return f"tieout {what}\0{name}\0{version}".encode()


def _refused(why: str) -> ConfigurationError:
    return ConfigurationError(code="TIE-SECRET-004", message=f"The secret cannot be stored: {why}.")
