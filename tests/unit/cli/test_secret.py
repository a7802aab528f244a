"""Secrets are set from stdin, listed without what they are, and destroyed."""

import io

import msgspec
import pytest
from tests.unit.cli.conftest import CommandLine

VALUE = "canary-sk-live-4711"


def test_a_secret_is_set_listed_and_removed_without_being_shown(
    tieout: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for value in (f"{VALUE}\n", f"{VALUE}-next\n"):
        monkeypatch.setattr("sys.stdin", io.StringIO(value))
        said = tieout("secret", "set", "erp-key", "--reason", "rotation")
        assert (said.code, said.err) == (0, "")
        assert VALUE not in said.out
    monkeypatch.setenv("TIEOUT_OIDC_CLIENT_SECRET", "store:erp-key")
    rows = msgspec.json.decode(tieout("secret", "list", "--json").json())
    assert [(one["name"], one["version"], one["current"], one["used_by"], one["age_days"]) for one in rows] == [
        ("erp-key", 2, True, ["sign-on"], 0),
        ("erp-key", 1, False, ["sign-on"], 0),
    ]
    assert VALUE not in tieout("secret", "list").out
    assert "2 versions of secrets were not" in tieout("secret", "rotate-key").out
    assert tieout("secret", "remove", "erp-key", "--version", "1").out == "1 version of erp-key destroyed.\n"
    assert "TIE-SECRET-001" in tieout.refuses("secret", "remove", "erp-key", "--version", "1")
    told = msgspec.json.decode(tieout("audit", "list", "--kind", "secret", "--json").json())
    assert [one["entry"]["action"] for one in told] == [
        "secret.removed",
        "secret.master_key_rotated",
        "secret.set",
        "secret.set",
    ]
    assert VALUE not in msgspec.json.encode(told).decode()


def test_an_empty_secret_is_refused(tieout: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("\n"))
    assert "TIE-SECRET-004" in tieout.refuses("secret", "set", "erp-key")
