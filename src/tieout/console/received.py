"""The record as it was received: the part of a message that is about one record, as readable text.

Pure. A message is a page of many records; the object that carries the record's own id is shown, and where none does,
the beginning of the message.
"""

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from tieout.connect.redaction import HIDDEN

_SHOWN_CHARS: Final = 6_000
_COSTS: Final = re.compile(r"cost|salar|wage|pay_?rate|compensation", re.IGNORECASE)


def excerpt(payload: bytes, source_id: str | None, *, costs: bool) -> str:
    """The part of ``payload`` about ``source_id``, indented; of what is no JSON, the lines that name it.

    Without ``costs``, what people cost is hidden by the names of the members, and lines are not shown at all.
    """
    try:
        document = msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _lines(payload.decode("utf-8", errors="replace"), source_id) if costs else HIDDEN
    part = document if source_id is None else _about(document, source_id) or document
    shown = part if costs else _without_costs(part)
    text = msgspec.json.format(msgspec.json.encode(shown), indent=2).decode()
    return text[:_SHOWN_CHARS]


def _about(node: object, source_id: str) -> object | None:
    """The object with the most members, one of whose own values is the id: pages also list ids beside the records."""
    found = list(_naming(node, source_id))
    return max(found, key=len) if found else None


def _naming(node: object, source_id: str) -> Iterator[dict[str, object]]:
    if isinstance(node, dict):
        own = [value for value in node.values() if isinstance(value, (str, int)) and not isinstance(value, bool)]
        if any(str(value) == source_id for value in own):
            yield node
        for value in node.values():
            yield from _naming(value, source_id)
    elif isinstance(node, list):
        for one in node:
            yield from _naming(one, source_id)


def _without_costs(node: object) -> object:
    if isinstance(node, dict):
        return {name: HIDDEN if _COSTS.search(name) else _without_costs(value) for name, value in node.items()}
    if isinstance(node, list):
        return [_without_costs(one) for one in node]
    return node


def _lines(text: str, source_id: str | None) -> str:
    naming = [line for line in text.splitlines() if source_id is not None and source_id in line]
    return ("\n".join(naming) or text)[:_SHOWN_CHARS]
