"""What a process logs is of use to people or to programs, and tells no value of a variable."""

import io
import subprocess
import sys

import msgspec
import pytest
import structlog

from tieout.errors import ConfigurationError
from tieout.runtime.logs import configure_logs

PROGRAM = """
import os, structlog
from tieout.runtime.logs import configure_logs
configure_logs(os.environ)
def fails(password):
    raise ValueError("it did not work")
try:
    fails(os.environ["CANARY"])
except ValueError as error:
    structlog.get_logger("x").error("something.failed", item=7, exc_info=error)
"""


def logged(form: str) -> str:
    environment = {"TIEOUT_LOG": form, "CANARY": "s3cr3t-of-the-firm"}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == ""
    return done.stderr


@pytest.mark.parametrize("form", ["text", "json", ""])
def test_a_traceback_is_told_without_the_values_of_variables(form: str) -> None:
    told = logged(form)
    assert "something.failed" in told
    assert "ValueError: it did not work" in told
    assert "s3cr3t" not in told


def test_programs_get_one_line_of_json_for_each_event() -> None:
    [line] = logged("json").splitlines()
    told = msgspec.json.decode(line)
    assert (told["event"], told["item"], told["level"]) == ("something.failed", 7, "error")
    assert told["timestamp"].endswith("Z")


def test_what_standard_error_is_at_the_moment_gets_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    before = structlog.get_config()
    monkeypatch.setattr("sys.stderr", io.StringIO())
    configure_logs({})
    later = io.StringIO()
    monkeypatch.setattr("sys.stderr", later)
    structlog.get_logger("x").info("something.happened")
    structlog.configure(**before)
    assert "something.happened" in later.getvalue()


def test_another_form_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="TIE-LOG-001"):
        configure_logs({"TIEOUT_LOG": "xml"})
