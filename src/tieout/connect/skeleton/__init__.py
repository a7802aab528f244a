"""A connector to begin with: a package outside the product, with a simulator, that passes the suite as it is.

``tieout connector new`` writes it; its author replaces a made-up vendor by the real one, file by file, and the suite
says after each step what still holds. The files lie in ``template`` with ``.txt`` behind their names.
"""

import keyword
import re
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from tieout.connect.connector import installed_connectors
from tieout.errors import ConfigurationError

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{1,39}")
_SUFFIX: Final = ".txt"
_PACKAGE: Final = "package"


def write_skeleton(name: str, directory: Path) -> Path:
    """Write the package of connector ``name`` into a new folder of ``directory``, and return that.

    Raises ConfigurationError for a name that cannot be one, that is installed already, or whose folder is there.
    """
    if not _NAME.fullmatch(name) or keyword.iskeyword(name):
        raise _refused(f"{name!r} is no name; take small letters, digits and underscores, a letter first")
    if name in installed_connectors():
        raise _refused(f"a connector {name!r} is installed already")
    folder = directory / f"tieout-{name.replace('_', '-')}"
    if folder.exists():
        raise _refused(f"{folder} is there already")
    words = {
        "@name@": name,
        "@package@": f"tieout_{name}",
        "@project@": folder.name,
        "@Name@": "".join(part.title() for part in name.split("_")),
        "@NAME@": name.upper(),
    }
    for path, text in _templates(files(__name__).joinpath("template"), Path()):
        target = folder / Path(*(words["@package@"] if part == _PACKAGE else part for part in path.parts))
        target.parent.mkdir(parents=True, exist_ok=True)
        for placeholder, word in words.items():
            text = text.replace(placeholder, word)  # noqa: PLW2901 - filled in word by word
        target.write_text(text, encoding="utf-8")
    return folder


def _templates(folder: Traversable, below: Path) -> Iterator[tuple[Path, str]]:
    """Path and text of every file of the template, without the suffix."""
    for entry in sorted(folder.iterdir(), key=lambda one: one.name):
        if entry.is_dir():
            yield from _templates(entry, below / entry.name)
        elif entry.name.endswith(_SUFFIX):
            yield below / entry.name.removesuffix(_SUFFIX), entry.read_text(encoding="utf-8")


def _refused(why: str) -> ConfigurationError:
    return ConfigurationError(code="TIE-CONNECT-008", message=f"The connector was not made: {why}.")
