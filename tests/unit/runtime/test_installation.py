"""A home that cannot be used, or that no hub was ever run in, is named before anything is started or made."""

import os
from pathlib import Path

import pytest

from tieout.errors import ConfigurationError
from tieout.runtime.installation import open_installation


def refusal(home: Path, *, make: bool = False) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught, open_installation(home, make=make):
        pytest.fail("it was opened")
    return caught.value


@pytest.fixture(autouse=True)
def _embedded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TIEOUT_DATABASE_URL", raising=False)


def test_a_misspelt_home_is_refused_and_not_made(tmp_path: Path) -> None:
    home = tmp_path / "tieuot"
    error = refusal(home)
    assert error.code == "TIE-STORE-012"
    assert str(home) in error.message
    assert not home.exists()


def test_a_file_in_the_place_of_the_home_is_named(tmp_path: Path) -> None:
    home = tmp_path / "file"
    home.write_text("in the way")
    error = refusal(home, make=True)
    assert error.code == "TIE-STORE-004"
    assert str(home) in error.message
    assert "File exists" in error.message


@pytest.mark.skipif(os.geteuid() == 0, reason="root may do everything")
@pytest.mark.parametrize("make", [True, False])
def test_a_home_of_somebody_else_is_refused_with_who_may_not_use_it(tmp_path: Path, make: bool) -> None:  # noqa: FBT001 - a case
    closed = tmp_path / "closed"
    closed.mkdir()
    closed.chmod(0o000)
    try:
        error = refusal(closed / "home", make=make)
    finally:
        closed.chmod(0o700)
    assert error.code == "TIE-STORE-004"
    assert "Permission denied" in error.message
