"""Seals closed periods: a signed hash of the postings, the rates, the configuration and the code behind their books.

A seal is an entry of the audit chain. Later the same digests are taken again and compared: what was posted into a
closed period, or a rate that was changed under it, shows. ``reconciliation.period_digest`` takes the digests.
"""

import hashlib
import os
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from psycopg import Connection, Cursor

import tieout
from tieout.errors import ConfigurationError
from tieout.governance import audit
from tieout.model.clock import Clock
from tieout.model.period import AccountingPeriod, PeriodState
from tieout.reconciliation.period_digest import PeriodDigest, digest
from tieout.records.reference_book import BookCache
from tieout.storage.pool import in_transaction

SEALED: Final = "period.sealed"
PERIOD: Final = "period"
_KEY_FILE: Final = "keys/period_seal.pem"


class Seal(msgspec.Struct, frozen=True, kw_only=True):
    """What is signed of one closed period. ``code`` is the hash of the installed product, ``release`` its version."""

    entity: str
    period: str
    digest: PeriodDigest
    code: str
    release: str

    def signed_bytes(self) -> bytes:
        """The exact bytes of the signature."""
        return msgspec.json.encode(self, order="sorted")


class SealCheck(msgspec.Struct, frozen=True, kw_only=True):
    """One sealed period as it is now. ``differing``: which of the digests are others, or that the signature is none."""

    entity: str
    period: str
    seq: int
    count: int
    differing: tuple[str, ...]


def seal_closed(conn: Connection[tuple[object, ...]], home: Path, clock: Clock) -> list[Seal]:
    """Seal every closed period whose books are not sealed as they are; returns the new seals.

    A period that was opened and closed again with other books gets another seal, and both stay in the chain.
    """
    key = _signing_key(home)
    code = code_hash()
    made: list[Seal] = []
    for period, entity_id in _closed(conn):
        work = partial(_seal, period=period, entity_id=entity_id, code=code, key=key, clock=clock)
        done = in_transaction(conn, work)
        made += [] if done is None else [done]
    return made


def check_seals(conn: Connection[tuple[object, ...]]) -> list[SealCheck]:
    """Take the digests of every sealed period again and compare; the newest seal of each counts."""
    book = BookCache().get(conn)
    checks = []
    for line in audit.newest_of_each(conn, PERIOD):
        seal, signed = _read(line)
        known = {(one.entity, one.code): one for one in book.periods.of(seal.entity)}
        period = known.get((seal.entity, seal.period))
        entity = book.entity_by_code.get(seal.entity)
        differing = () if signed else ("signature",)
        if period is None or entity is None:
            differing = (*differing, "period")
        else:
            with conn.cursor() as cur:
                now = digest(cur, entity_id=entity.record_id, starts=period.starts, ends=period.ends)
            differing = (*differing, *(name for name in _COMPARED if getattr(now, name) != getattr(seal.digest, name)))
        checks.append(
            SealCheck(
                entity=seal.entity, period=seal.period, seq=line.seq, count=seal.digest.count, differing=differing
            )
        )
    return checks


_COMPARED: Final = ("count", "postings", "rates", "configuration")


def code_hash() -> str:
    """SHA-256 over names and content of all modules and SQL of the installed product."""
    root = Path(tieout.__file__).parent
    hashed = hashlib.sha256()
    for path in sorted(one for one in root.rglob("*") if one.suffix in {".py", ".sql"}):
        name, content = str(path.relative_to(root)).encode(), path.read_bytes()
        hashed.update(len(name).to_bytes(4, "big") + name + len(content).to_bytes(8, "big") + content)
    return hashed.hexdigest()


def _closed(conn: Connection[tuple[object, ...]]) -> list[tuple[AccountingPeriod, int]]:
    book = BookCache().get(conn)
    return [
        (period, book.entity_by_code[entity].record_id)
        for entity in book.periods.entities
        if entity in book.entity_by_code
        for period in book.periods.of(entity)
        if period.state is PeriodState.CLOSED
    ]


def _seal(
    cur: Cursor[tuple[object, ...]],
    *,
    period: AccountingPeriod,
    entity_id: int,
    code: str,
    key: Ed25519PrivateKey,
    clock: Clock,
) -> Seal | None:
    seal = Seal(
        entity=period.entity,
        period=period.code,
        digest=digest(cur, entity_id=entity_id, starts=period.starts, ends=period.ends),
        code=code,
        release=version("tieout"),
    )
    object_id = f"{period.entity}/{period.code}"
    known = audit.entries(cur.connection, object_kind=PERIOD, object_id=object_id, limit=1)
    if known and _read(known[0])[0].digest == seal.digest:
        return None
    if not known and not seal.digest.count:
        # A period of before the hub: there is nothing of ours in its books.
        return None
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    act = audit.AuditEntry(
        principal="tieout",
        action=SEALED,
        object_kind=PERIOD,
        object_id=object_id,
        entity=period.entity,
        after={
            "seal": seal.signed_bytes().decode(),
            "signature": key.sign(seal.signed_bytes()).hex(),
            "public_key": public.hex(),
        },
    )
    audit.append(cur, act, now=clock.now())
    return seal


def _read(line: audit.AuditLine) -> tuple[Seal, bool]:
    """The seal that an entry holds, and whether its signature is that of the key it names."""
    after = line.entry.after or {}
    text = after["seal"].encode()
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(after["public_key"]))
        key.verify(bytes.fromhex(after["signature"]), text)
        signed = True
    except (InvalidSignature, ValueError):
        signed = False
    return msgspec.json.decode(text, type=Seal), signed


def _signing_key(home: Path) -> Ed25519PrivateKey:
    """The key of this home, made at the first seal; only its owner may read it."""
    path = home / _KEY_FILE
    try:
        if path.exists():
            return _loaded(path)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        key = Ed25519PrivateKey.generate()
        text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(text)
    except OSError as error:
        raise ConfigurationError(
            code="TIE-AUDIT-004", message=f"The key {path} cannot be read or made: {error.strerror}."
        ) from error
    return key


def _loaded(path: Path) -> Ed25519PrivateKey:

    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except ValueError as error:
        raise ConfigurationError(code="TIE-AUDIT-004", message=f"The key {path} is none: {error}.") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigurationError(code="TIE-AUDIT-004", message=f"The key {path} is of another kind than Ed25519.")
    return key
