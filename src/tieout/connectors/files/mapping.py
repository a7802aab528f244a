"""What files say in canonical words, by their definition: the Translator. Pure.

A file that is not as its layout or its trailer says is refused as a whole; in a whole file a row that no rule fits is
unreadable, and the other rows go on. An empty cell is told to be empty.
"""

from collections.abc import Sequence

from tieout.connect.by_rule.items import translated
from tieout.connect.source import Translated
from tieout.connectors.files.controls import check
from tieout.connectors.files.definition import KEY, Definition, Inbox
from tieout.connectors.files.pages import FileFacts, facts_and_content
from tieout.connectors.files.rows import Row, cut
from tieout.errors import ContractError


class FilesTranslator:
    """Translates every object that a definition reads; stateless."""

    def __init__(self, definition: Definition) -> None:
        self._definition = definition

    def translate(self, object_name: str, payload: bytes) -> Sequence[Translated]:
        """One result per row, in order, none of a page without a file; raises ContractError for a file refused."""
        inbox = self._definition.inbox_of(object_name)
        if inbox is None:
            raise ContractError(
                code="TIE-FILES-001", message=f"{self._definition.title} describes no object {object_name!r}."
            )
        if not payload:
            return []
        facts, content = facts_and_content(payload)
        if facts.problem is not None:
            raise ContractError(code="TIE-FILES-009", message=f"{facts.name}: {facts.problem}.")
        return [
            translated({name: text or None for name, text in row.items()}, inbox)
            for row in rows_of(inbox, facts, content)
        ]


def rows_of(inbox: Inbox, facts: FileFacts, content: bytes) -> list[Row]:
    """The rows of a file with what its name says; raises ContractError where it is refused as a whole."""
    try:
        found = cut(content, inbox.layout, max_rows=inbox.max_rows)
        check(found, inbox.layout)
    except ContractError as error:
        raise ContractError(code=error.code, message=f"{facts.name}: {error.message}") from error
    about = {"#file": facts.name, **{f"#{name}": text for name, text in facts.parts.items()}}
    return [
        {**row, **about, "#row": str(number), KEY: "|".join(row.get(name, "") for name in inbox.key)}
        for number, row in enumerate(found.rows, start=1)
    ]
