"""Secrets are kept encrypted, replaced without a gap, and lost by no crash."""

import base64
import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from tieout.errors import ConfigurationError
from tieout.governance import audit, secret_store
from tieout.governance.access import Act
from tieout.governance.master_key import MasterKeys
from tieout.runtime.secrets import resolve_secret, store_of
from tieout.storage.pool import connect, in_transaction
from tieout.web.tokens import TokenKeys

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
ACT = Act(by="ada", now=NOW)
VALUE = "canary-sk-live-4711"


def put(url: str, keys: MasterKeys, name: str, value: str) -> int:
    with connect(url, autocommit=True) as conn:
        return in_transaction(conn, lambda cur: secret_store.put(cur, keys, name, value, ACT))


def read(url: str, keys: MasterKeys, name: str, version: int | None = None) -> str | None:
    with connect(url) as conn:
        return secret_store.read(conn, keys, name, version)


def resolve(url: str, home: Path, reference: str) -> str:
    with store_of(url, home):
        return resolve_secret(reference, system="erp", setting="private_key")


def test_a_stored_secret_is_resolved_and_lies_nowhere_in_plain_text(database_url: str, tmp_path: Path) -> None:
    assert put(database_url, MasterKeys(tmp_path, {}), "erp-key", VALUE) == 1
    assert resolve(database_url, tmp_path, "store:erp-key") == VALUE
    with connect(database_url) as conn:
        rows = conn.execute("select stored_secret::text, sealed, wrapped_key from stored_secret").fetchall()
        told = [line.entry for line in audit.entries(conn)]
    assert VALUE not in repr(rows)
    assert VALUE.encode().hex() not in repr(rows)
    assert VALUE not in repr(told)
    assert [(one.action, one.object_id, one.principal) for one in told] == [("secret.set", "erp-key", "ada")]
    assert (tmp_path / "keys" / "master.key").stat().st_mode & 0o077 == 0


def test_two_versions_hold_while_a_secret_is_replaced(database_url: str, tmp_path: Path) -> None:
    keys = MasterKeys(tmp_path, {})
    assert [put(database_url, keys, "hook", f"secret-{number}") for number in (1, 2)] == [1, 2]
    assert resolve(database_url, tmp_path, "store:hook") == "secret-2"
    assert resolve(database_url, tmp_path, "store:hook@1") == "secret-1"
    put(database_url, keys, "hook", "secret-3")
    assert [read(database_url, keys, "hook", number) for number in (1, 2, 3)] == [None, "secret-2", "secret-3"]
    with connect(database_url, autocommit=True) as conn:
        assert in_transaction(conn, lambda cur: secret_store.remove(cur, "hook", None, ACT)) == 2
        assert secret_store.listed(conn) == []
        left = conn.execute("select count(*) from stored_secret where sealed is not null").fetchone()
    assert left == (0,)
    assert put(database_url, keys, "hook", "secret-4") == 4


@pytest.mark.parametrize("reference", ["store:nothing", "store:hook@9", "store:hook@old", "keyring:hook"])
def test_a_reference_to_nothing_says_so_without_a_secret(database_url: str, tmp_path: Path, reference: str) -> None:
    put(database_url, MasterKeys(tmp_path, {}), "hook", VALUE)
    with pytest.raises(ConfigurationError) as refused:
        resolve(database_url, tmp_path, reference)
    assert refused.value.code == "TIE-SECRET-001"
    assert VALUE not in str(refused.value)


@pytest.mark.parametrize(("name", "value"), [("", "x"), ("a b", "x"), ("../x", "x"), ("ok", ""), ("ok", "x" * 64_001)])
def test_what_cannot_be_stored_is_refused(database_url: str, tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be stored"):
        put(database_url, MasterKeys(tmp_path, {}), name, value)


@pytest.mark.parametrize(
    "change",
    [
        "update stored_secret set sealed = (select sealed from stored_secret where name = 'b') where name = 'a'",
        """
        update stored_secret a set sealed = b.sealed, wrapped_key = b.wrapped_key from stored_secret b
         where a.name = 'a' and b.name = 'b'
        """,
        "update stored_secret set sealed = set_byte(sealed, 20, get_byte(sealed, 20) # 1) where name = 'a'",
        "update stored_secret set version = 7 where name = 'a'",
    ],
)
def test_an_altered_or_swapped_row_does_not_open(database_url: str, tmp_path: Path, change: str) -> None:
    keys = MasterKeys(tmp_path, {})
    put(database_url, keys, "a", VALUE)
    put(database_url, keys, "b", "another-secret-99999")
    with connect(database_url, autocommit=True) as conn:
        conn.execute(change)
    with pytest.raises(ConfigurationError) as refused:
        read(database_url, keys, "a")
    assert refused.value.code == "TIE-SECRET-003"


def test_doors_have_no_right_to_stored_secrets(database_url: str, door_url: str, tmp_path: Path) -> None:
    put(database_url, MasterKeys(tmp_path, {}), "erp-key", VALUE)
    with connect(door_url) as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute("select * from stored_secret")


def rewrap(url: str, keys: MasterKeys) -> None:
    with connect(url, autocommit=True) as conn:
        in_transaction(conn, lambda cur: secret_store.rewrap(cur, keys, ACT))


def drop(url: str, keys: MasterKeys, home: Path) -> None:
    used = frozenset({TokenKeys(home).seal_again()})
    with connect(url, autocommit=True) as conn:
        in_transaction(conn, lambda cur: secret_store.drop_unused_keys(cur, keys, also_used=used))


def test_a_rotated_master_key_opens_everything_and_the_old_one_is_gone(database_url: str, tmp_path: Path) -> None:
    keys, tokens = MasterKeys(tmp_path, {}), TokenKeys(tmp_path)
    put(database_url, keys, "erp-key", VALUE)
    token = tokens.sign({"aud": "tieout"}, kind="at+jwt", now=NOW, lasts=timedelta(minutes=5))
    old = (tmp_path / "keys" / "master.key").read_text()
    keys.add()
    rewrap(database_url, keys)
    drop(database_url, keys, tmp_path)
    left = (tmp_path / "keys" / "master.key").read_text()
    assert (len(left.split()), old.strip() in left) == (1, False)
    assert read(database_url, keys, "erp-key") == VALUE
    assert TokenKeys(tmp_path).prove(token, kind="at+jwt", audience="tieout", now=NOW) is not None
    (tmp_path / "keys" / "master.key").write_text(old)
    with pytest.raises(ConfigurationError) as refused:
        read(database_url, keys, "erp-key")
    assert refused.value.code == "TIE-SECRET-002"


def _killed(work: Callable[[], None]) -> None:
    """Run ``work`` in a process that is killed with SIGKILL when it is through."""
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os.kill(os.getpid(), signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL


@pytest.mark.parametrize("steps", [1, 2, 3, 4])
def test_a_rotation_killed_at_any_step_loses_nothing(database_url: str, tmp_path: Path, steps: int) -> None:
    keys = MasterKeys(tmp_path, {})
    put(database_url, keys, "a", VALUE)
    put(database_url, keys, "b", "another")
    TokenKeys(tmp_path).rotate(NOW)

    def uncommitted() -> None:
        conn = connect(database_url)
        secret_store.rewrap(conn.cursor(), keys, ACT)
        if steps == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        conn.commit()

    def part() -> None:
        every: list[Callable[[], object]] = [
            keys.add,
            uncommitted,
            lambda: TokenKeys(tmp_path).seal_again(),
            lambda: drop(database_url, keys, tmp_path),
        ]
        for step in every[:steps]:
            step()

    _killed(part)
    assert (read(database_url, keys, "a"), read(database_url, keys, "b")) == (VALUE, "another")
    token = TokenKeys(tmp_path).sign({"aud": "tieout"}, kind="at+jwt", now=NOW, lasts=timedelta(minutes=5))
    assert TokenKeys(tmp_path).prove(token, kind="at+jwt", audience="tieout", now=NOW) is not None
    keys.add()
    rewrap(database_url, keys)
    drop(database_url, keys, tmp_path)
    assert (read(database_url, keys, "a"), read(database_url, keys, "b")) == (VALUE, "another")
    assert len((tmp_path / "keys" / "master.key").read_text().split()) == 1


def test_a_master_key_that_the_firm_keeps_elsewhere_is_replaced_by_it(database_url: str, tmp_path: Path) -> None:
    first, second = (base64.b64encode(bytes([number]) * 32).decode() for number in (1, 2))
    file = tmp_path / "kek"
    file.write_text(f"{first}\n")
    keys = MasterKeys(tmp_path, {"TIEOUT_MASTER_KEY": f"file:{file}"})
    put(database_url, keys, "a", VALUE)
    assert not (tmp_path / "keys").exists()
    file.write_text(f"{second}\n{first}\n")
    rewrap(database_url, keys)
    by_name = MasterKeys(tmp_path, {"TIEOUT_MASTER_KEY": "env:KEK", "KEK": second})
    assert read(database_url, by_name, "a") == VALUE


@pytest.mark.parametrize("given", ["env:UNSET", "file:/nowhere", "env:SHORT", "env:WORDS", "plain"])
def test_a_master_key_that_cannot_be_used_is_no_reason_to_make_another(
    database_url: str, tmp_path: Path, given: str
) -> None:
    environ = {"TIEOUT_MASTER_KEY": given, "SHORT": "AAAA", "WORDS": "not base64!"}
    with pytest.raises(ConfigurationError) as refused:
        put(database_url, MasterKeys(tmp_path, environ), "a", VALUE)
    assert refused.value.code == "TIE-SECRET-002"
    assert not (tmp_path / "keys").exists()


def test_signing_keys_of_before_the_encryption_are_read_and_encrypted(tmp_path: Path) -> None:
    tokens = TokenKeys(tmp_path)
    token = tokens.sign({"aud": "tieout"}, kind="at+jwt", now=NOW, lasts=timedelta(minutes=5))
    file = tmp_path / "keys" / "tokens.json"
    assert b'"d"' not in file.read_bytes()
    import msgspec  # noqa: PLC0415 - the one use of it

    plain = [{"kid": one.kid, "made_at": one.made_at, "key": one.key} for one in tokens._load()]
    file.write_bytes(msgspec.json.encode(plain))
    older = TokenKeys(tmp_path)
    assert older.prove(token, kind="at+jwt", audience="tieout", now=NOW) is not None
    older.seal_again()
    assert b'"d"' not in file.read_bytes()
    assert older.prove(token, kind="at+jwt", audience="tieout", now=NOW) is not None
