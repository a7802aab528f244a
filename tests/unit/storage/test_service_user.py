"""Which user the embedded PostgreSQL runs as, and what it needs to reach its files."""

import os
from pathlib import Path

import pytest

from tieout.errors import ConfigurationError
from tieout.storage import service_user
from tieout.storage.launcher import Spec
from tieout.storage.service_user import (
    CAP_DAC_OVERRIDE,
    CAP_DAC_READ_SEARCH,
    ServiceUser,
    capability_to_reach,
    choose_service_user,
)

OTHER = ServiceUser("nobody", 65534, 65534, switch=True)


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    directory = tmp_path / "closed" / "inner"
    directory.mkdir(parents=True)
    directory.parent.chmod(0o700)
    return directory


def test_an_ordinary_user_runs_the_server_as_itself(closed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1)
    user = choose_service_user(closed)
    assert (user.uid, user.switch) == (1, False)
    assert capability_to_reach(user, (closed,)) is None


def test_root_becomes_an_unprivileged_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    user = choose_service_user(tmp_path / "new")
    assert user.uid != 0
    assert user.switch


def test_a_user_without_an_entry_is_refused_with_its_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 424242)
    with pytest.raises(ConfigurationError, match="424242"):
        choose_service_user(tmp_path)


@pytest.mark.parametrize(
    ("held", "kept"),
    [
        (1 << CAP_DAC_READ_SEARCH | 1 << CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH),
        (1 << CAP_DAC_OVERRIDE, CAP_DAC_OVERRIDE),
    ],
)
def test_below_a_closed_directory_the_least_capability_that_we_have_is_kept(
    closed: Path, monkeypatch: pytest.MonkeyPatch, held: int, kept: int
) -> None:
    monkeypatch.setattr(service_user, "_permitted_capabilities", lambda: held)
    assert capability_to_reach(OTHER, (closed,)) == kept


def test_without_a_capability_a_closed_directory_is_named(closed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_user, "_permitted_capabilities", lambda: 0)
    with pytest.raises(ConfigurationError, match="nobody, who cannot enter"):
        capability_to_reach(OTHER, (closed,))


def test_what_the_launcher_is_told_survives_the_command_line() -> None:
    for spec in (Spec(12, 65534, 65534, 2, 2), Spec(12, None, None, None, 0)):
        assert Spec.decode(spec.encode()) == spec
