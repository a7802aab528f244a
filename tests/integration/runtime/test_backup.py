"""A hub goes into one file and comes back whole, or not at all."""

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tieout.errors import ConfigurationError
from tieout.governance import audit
from tieout.governance.audit import AuditEntry
from tieout.runtime.backup import passphrase_of, write_backup
from tieout.runtime.clock import SystemClock
from tieout.runtime.restore import restore_backup
from tieout.storage import dump
from tieout.storage.embedded import EmbeddedPostgres
from tieout.storage.pool import connect, in_transaction

CLOCK = SystemClock()
WORDS = "correct horse"


def filled(url: str, home: Path) -> None:
    (home / "keys").mkdir(parents=True)
    (home / "keys" / "master.key").write_bytes(b"key of the hub")
    (home / "firm" / "systems").mkdir(parents=True)
    (home / "firm" / "systems" / "psa.toml").write_text("# a system\n")
    (home / "users").touch()
    entry = AuditEntry(principal="ada", action="test.done", object_kind="test", object_id="1")
    with connect(url, autocommit=True) as conn:
        for _ in range(3):
            in_transaction(conn, lambda cur: audit.append(cur, entry, now=CLOCK.now()))


def refused(file: Path, home: Path, *, passphrase: str | None = None, environ: dict[str, str] | None = None) -> str:
    with pytest.raises(ConfigurationError) as error:
        restore_backup(file, home, passphrase=passphrase, clock=CLOCK, environ=environ or {})
    return error.value.code


@pytest.mark.parametrize("passphrase", [None, WORDS])
def test_what_was_backed_up_comes_back_with_keys_and_firm_directory(
    database_url: str, tmp_path: Path, passphrase: str | None
) -> None:
    home, file, new = tmp_path / "home", tmp_path / "hub.backup", tmp_path / "new"
    filled(database_url, home)
    written = write_backup(database_url, home, file, passphrase=passphrase, clock=CLOCK)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert written.manifest.audit_head_seq == 3
    assert (b"key of the hub" in file.read_bytes()) is (passphrase is None)
    restored = restore_backup(file, new, passphrase=passphrase, clock=CLOCK, environ={})
    assert restored.manifest == written.manifest
    assert (new / "keys" / "master.key").read_bytes() == b"key of the hub"
    assert (new / "firm" / "systems" / "psa.toml").read_text() == "# a system\n"
    with EmbeddedPostgres(new) as server, connect(server.url, autocommit=True) as conn:
        assert audit.head(conn).hash == written.manifest.audit_head_hash
        assert dump.row_counts(conn).keys() == written.manifest.rows.keys()


def test_a_backup_is_restored_into_an_external_database_that_is_empty_and_into_no_other(
    database_url: str, empty_database_url: str, tmp_path: Path
) -> None:
    home, file = tmp_path / "home", tmp_path / "hub.backup"
    filled(database_url, home)
    write_backup(database_url, home, file, passphrase=None, clock=CLOCK)
    given = {"TIEOUT_DATABASE_URL": empty_database_url}
    restore_backup(file, tmp_path / "new", passphrase=None, clock=CLOCK, environ=given)
    with connect(empty_database_url, autocommit=True) as conn:
        assert audit.head(conn).seq == 3
    assert refused(file, tmp_path / "newer", environ=given) == "TIE-BACKUP-005"
    assert not (tmp_path / "newer").exists()
    assert refused(file, home) == "TIE-BACKUP-005"


@pytest.mark.parametrize("passphrase", [None, WORDS])
def test_a_flipped_bit_anywhere_is_refused_before_anything_is_touched(
    database_url: str, tmp_path: Path, passphrase: str | None
) -> None:
    home, file, new = tmp_path / "home", tmp_path / "hub.backup", tmp_path / "new"
    filled(database_url, home)
    write_backup(database_url, home, file, passphrase=passphrase, clock=CLOCK)
    whole = file.read_bytes()
    for place in (0, 100, 600, len(whole) // 2, len(whole) - 2000, len(whole) - 90, len(whole) - 1):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        assert refused(file, new, passphrase=passphrase) == "TIE-BACKUP-002", place
        assert not new.exists()
    file.write_bytes(whole[:-200])
    assert refused(file, new, passphrase=passphrase) == "TIE-BACKUP-002"


def test_a_wrong_passphrase_opens_nothing_and_no_file_is_overwritten(database_url: str, tmp_path: Path) -> None:
    home, file = tmp_path / "home", tmp_path / "hub.backup"
    filled(database_url, home)
    write_backup(database_url, home, file, passphrase=WORDS, clock=CLOCK)
    assert refused(file, tmp_path / "new", passphrase="wrong") == "TIE-BACKUP-003"
    assert refused(file, tmp_path / "new") == "TIE-BACKUP-003"
    with pytest.raises(ConfigurationError, match="exists already"):
        write_backup(database_url, home, file, passphrase=None, clock=CLOCK)
    assert passphrase_of("env:P", {"P": WORDS}) == WORDS
    with pytest.raises(ConfigurationError):
        passphrase_of("env:Q", {"P": WORDS})


def test_a_killed_backup_leaves_no_archive_and_the_next_one_is_whole(database_url: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    filled(database_url, home)
    program = (
        "import sys, pathlib\n"
        "from tieout.runtime.backup import write_backup\n"
        "from tieout.runtime.clock import SystemClock\n"
        "print('begins', flush=True)\n"
        "url, home, file = sys.argv[1:]\n"
        "write_backup(url, pathlib.Path(home), pathlib.Path(file), passphrase=None, clock=SystemClock())\n"
    )
    file = tmp_path / "hub.backup"
    for wait_s in (0.02, 0.1, 0.2):
        process = subprocess.Popen(
            [sys.executable, "-c", program, database_url, str(home), str(file)], stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        assert process.stdout.readline() == b"begins\n"
        time.sleep(wait_s)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        if file.exists():
            break
    if not file.exists():
        write_backup(database_url, home, file, passphrase=None, clock=CLOCK)
    restore_backup(file, tmp_path / "new", passphrase=None, clock=CLOCK, environ={})
