"""What answers of a REST system say in canonical words, by its definition: the Translator. Pure.

Neighbour: ``connect.by_rule`` understands the items; here they are found in an answer.
"""

from collections.abc import Sequence

from tieout.connect.by_rule.items import key_of, translated
from tieout.connect.by_rule.values import at
from tieout.connect.json_codec import JsonValue, decode_strict
from tieout.connect.source import Translated
from tieout.connectors.http.definition import Definition
from tieout.errors import ContractError

__all__ = ["RestTranslator", "key_of", "listed", "rows_of"]


class RestTranslator:
    """Translates every object that a definition reads; stateless."""

    def __init__(self, definition: Definition) -> None:
        self._definition = definition

    def translate(self, object_name: str, payload: bytes) -> Sequence[Translated]:
        """One result per item in the order of the answer; raises ContractError where the answer cannot be read."""
        part = self._definition.read_part(object_name)
        if part is None:
            raise ContractError(
                code="TIE-REST-001", message=f"{self._definition.title} describes no object {object_name!r}."
            )
        return [translated(row, part) for row in rows_of(payload, part.items, part.object)]


def rows_of(payload: bytes, items: str, name: str) -> Sequence[JsonValue]:
    """The items of an answer; raises ContractError where there is no list."""
    return listed(decode_strict(payload), items, name)


def listed(document: JsonValue, items: str, name: str) -> Sequence[JsonValue]:
    """The items of a decoded answer; raises ContractError where there is no list."""
    rows = at(items, document, document)
    if not isinstance(rows, list):
        raise ContractError(code="TIE-REST-001", message=f"An answer for {name} has no list at {items or 'its top'!r}.")
    return rows
