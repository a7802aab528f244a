"""Stylesheet and script of the console, served under names that carry their hash: caches may keep them for ever.

Neighbours: ``rendering`` puts the names into pages; ``routes`` mounts ``asset``.
"""

import hashlib
from importlib.resources import files
from typing import Final

from litestar import Response, get
from litestar.exceptions import NotFoundException

_TYPES: Final = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_FOR_EVER: Final = "public, max-age=31536000, immutable"


def _load() -> dict[str, tuple[str, bytes]]:
    """By file name: the name under which it is served, and its bytes."""
    found = {}
    for file in files("tieout.console").joinpath("static").iterdir():
        stem, _, kind = file.name.rpartition(".")
        if kind in _TYPES:
            content = file.read_bytes()
            found[file.name] = (f"{stem}.{hashlib.sha256(content).hexdigest()[:12]}.{kind}", content)
    return found


_ASSETS: Final = _load()
_BY_HASHED: Final = {hashed: (name, content) for name, (hashed, content) in _ASSETS.items()}


def asset_path(name: str) -> str:
    """Where ``name`` of the static folder is served now."""
    return f"/assets/{_ASSETS[name][0]}"


@get("/assets/{name:str}", sync_to_thread=False, include_in_schema=False)
def asset(name: str) -> Response[bytes]:
    """One asset under its hashed name; everybody may read it."""
    found = _BY_HASHED.get(name)
    if found is None:
        raise NotFoundException
    kind = found[0].rpartition(".")[2]
    return Response(found[1], media_type=f"{_TYPES[kind]}; charset=utf-8", headers={"Cache-Control": _FOR_EVER})
