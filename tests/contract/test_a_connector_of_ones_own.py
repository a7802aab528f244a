"""`tieout connector new` writes a connector that installs and passes the suite as it is, outside the product's tree."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tieout.connect.skeleton import write_skeleton
from tieout.errors import ConfigurationError

ROOT = Path(__file__).parents[2]
NAME = "acme_books"
FOLDER = "tieout-acme-books"


def run(*words: str, cwd: Path, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": "" if path is None else str(path)}
    return subprocess.run(words, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def tieout(*words: str, cwd: Path, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    return run(str(Path(sys.executable).parent / "tieout"), *words, cwd=cwd, path=path)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory in which the command was called."""
    directory = tmp_path_factory.mktemp("own")
    made = tieout("connector", "new", NAME, cwd=directory)
    assert made.returncode == 0, made.stderr
    assert f"Written to {FOLDER}." in made.stdout
    assert f"tieout connector test {NAME}" in made.stdout
    return directory


@pytest.fixture(scope="module")
def installed(here: Path) -> Path:
    """Where the package is installed, entry points and all."""
    target = here / "site"
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    options = ("--no-deps", "--no-index", "--no-build-isolation", "--target", str(target))
    done = run(*pip, *options, f"./{FOLDER}", cwd=here)
    assert done.returncode == 0, done.stderr
    return target


def test_it_passes_the_suite_by_its_own_three_line_test(here: Path, installed: Path) -> None:
    assert len((here / FOLDER / "tests" / "test_conformance.py").read_text().splitlines()) == 3
    done = run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=here / FOLDER, path=installed)
    assert done.returncode == 0, done.stdout
    assert "failed" not in done.stdout


def test_it_is_listed_and_tested_by_the_command_line(here: Path, installed: Path) -> None:
    listed = tieout("connector", "list", cwd=here, path=installed)
    tested = tieout("connector", "test", NAME, cwd=here, path=installed)
    assert NAME in listed.stdout
    assert tested.returncode == 0, tested.stdout
    assert f"{NAME}: " in tested.stdout
    assert "FAILED" not in tested.stdout


def test_its_code_keeps_the_house_rules_that_a_machine_can_check(here: Path) -> None:
    bin_directory = Path(sys.executable).parent
    package = here / FOLDER / "src"
    linted = run(str(bin_directory / "ruff"), "check", "--config", str(ROOT / "pyproject.toml"), ".", cwd=package)
    formatted = run(
        str(bin_directory / "ruff"), "format", "--check", "--config", str(ROOT / "pyproject.toml"), ".", cwd=package
    )
    typed = run(
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--config-file=",
        "--cache-dir",
        str(here / "mypy"),
        "-p",
        "tieout_acme_books",
        cwd=package,
        path=package,
    )
    assert linted.returncode == 0, linted.stdout
    assert formatted.returncode == 0, formatted.stdout
    assert typed.returncode == 0, typed.stdout


def test_nothing_of_the_template_is_left_unfilled(here: Path) -> None:
    texts = [path.read_text() for path in (here / FOLDER).rglob("*") if path.suffix in {".py", ".toml", ".md"}]
    assert len(texts) == 12
    assert not [text for text in texts for word in ("@name", "@Name", "@NAME", "@package", "@project") if word in text]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Acme", "is no name"),
        ("acme-books", "is no name"),
        ("class", "is no name"),
        ("a", "is no name"),
        ("../acme", "is no name"),
        ("kantata", "is installed already"),
    ],
)
def test_a_name_that_cannot_be_one_writes_nothing(tmp_path: Path, name: str, words: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        write_skeleton(name, tmp_path)
    assert refused.value.code == "TIE-CONNECT-008"
    assert words in refused.value.message
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_already_is_not_written_over(tmp_path: Path) -> None:
    folder = write_skeleton(NAME, tmp_path)
    (folder / "README.md").write_text("mine")
    with pytest.raises(ConfigurationError) as refused:
        write_skeleton(NAME, tmp_path)
    assert "is there already" in refused.value.message
    assert (folder / "README.md").read_text() == "mine"
