"""A file as a page: the raw bytes, with one line of JSON before them that says which file it was. Pure.

So that what was received can be translated again and again, also after the file is gone. Neighbours: ``read`` makes
pages, ``mapping`` takes them apart.
"""

import msgspec

from tieout.errors import ContractError


class FileFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Which file it was. ``parts`` are the named groups of its name; ``problem`` says why none of it is taken."""

    name: str
    digest: str
    parts: dict[str, str] = {}
    problem: str | None = None


def page_of(facts: FileFacts, content: bytes) -> bytes:
    """The payload of a page."""
    return msgspec.json.encode(facts) + b"\n" + content


def facts_and_content(payload: bytes) -> tuple[FileFacts, bytes]:
    """The two halves of a payload; raises ContractError (TIE-FILES-001) where it has none."""
    head, line_end, content = payload.partition(b"\n")
    try:
        facts = msgspec.json.decode(head if line_end else b"", type=FileFacts)
    except msgspec.DecodeError as error:
        raise ContractError(
            code="TIE-FILES-001", message=f"The page does not begin with the facts of a file: {error}."
        ) from error
    return facts, content
