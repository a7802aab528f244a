"""What a command prints: words that fit the window, JSON for programs, and commands to copy.

Whoever reads may have enough before the end (``tieout exceptions list | head``): that is no error and changes no exit
code. Neighbours: every command prints through here; ``options`` has what commands take in.
"""

import os
import shlex
import shutil
import sys
from pathlib import Path

import msgspec
from rich.console import Console

from tieout.runtime.installation import DEFAULT_HOME


class Words(Console):
    """A console for sentences: what is in brackets is text. ``whole`` lines are not broken at the window's width."""

    def __init__(self, *, whole: bool = False, stderr: bool = False) -> None:
        super().__init__(highlight=False, markup=False, soft_wrap=whole, stderr=stderr)

    def on_broken_pipe(self) -> None:
        """The reader has enough: what follows is said to nobody."""
        self.quiet = True
        _turn_away(self.file.fileno())


def print_json(value: object) -> None:
    """``value`` as one line of JSON."""
    try:
        sys.stdout.write(msgspec.json.encode(value).decode() + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        _turn_away(sys.stdout.fileno())


def command_on(home: Path, *words: str) -> str:
    """A command of ours on ``home``, to be copied as it stands: called as this one was."""
    called = Path(sys.argv[0])
    found = shutil.which(called.name)
    program = called.name if found is not None and Path(found).samefile(called) else _near(called)
    usual = Path(os.environ.get("TIEOUT_HOME") or DEFAULT_HOME)
    return shlex.join([program, *words, *([] if home == usual else ["--home", str(home)])])


def _near(program: Path) -> str:
    """The path from here where the program lies below, else the whole path."""
    here = Path.cwd()
    return str(program.relative_to(here) if program.is_relative_to(here) else program)


def _turn_away(descriptor: int) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)
