"""The grammar of the SOQL that the simulated org answers: text in, a tree out, or MALFORMED_QUERY.

"SOQL SELECT Syntax" of the SOQL and SOSL Reference: SELECT of fields (through relations too) or COUNT(), one object,
WHERE with AND, OR, NOT, comparisons, LIKE and IN, ORDER BY, LIMIT, OFFSET. AND and OR beside each other need brackets.
Neighbour: ``soql`` answers.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias, TypeVar

from tieout.connectors.salesforce.simulator.errors import RefusedError

_Item = TypeVar("_Item")


@dataclass(frozen=True)
class Literal:
    """A value as it was written: ``kind`` is string, number, date, datetime or word (true, false, null)."""

    kind: str
    text: str


@dataclass(frozen=True)
class Comparison:
    """A field, an operator (IN and NOT IN too) and what it is compared with."""

    field: str
    operator: str
    values: tuple[Literal, ...]


@dataclass(frozen=True)
class Junction:
    """Conditions with AND or OR between them."""

    operator: str
    parts: tuple["Condition", ...]


@dataclass(frozen=True)
class Negation:
    """NOT."""

    part: "Condition"


Condition: TypeAlias = Comparison | Junction | Negation


@dataclass(frozen=True)
class Ordering:
    """One key of ORDER BY."""

    field: str
    descending: bool


@dataclass(frozen=True)
class Query:
    """A whole query; without ``fields`` it counts."""

    fields: tuple[str, ...]
    object: str
    where: Condition | None
    order: tuple[Ordering, ...]
    limit: int | None
    offset: int


_TOKEN: Final = re.compile(
    r"\s+"
    r"|(?P<string>'(?:[^'\\]|\\.)*')"
    r"|(?P<datetime>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d))"
    r"|(?P<date>\d{4}-\d\d-\d\d)"
    r"|(?P<number>[+-]?\d+(?:\.\d+)?)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)"
    r"|(?P<symbol><=|>=|!=|<>|[=<>(),])"
)
_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_COMPARISONS: Final = frozenset({"=", "!=", "<>", "<", ">", "<=", ">="})
_WORDS: Final = frozenset({"true", "false", "null"})
_LITERALS: Final = frozenset({"string", "number", "date", "datetime"})


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str


def malformed(words: str) -> RefusedError:
    """The refusal of a query that cannot be understood."""
    return RefusedError("MALFORMED_QUERY", words)


def parse(text: str) -> Query:
    """The tree of a query; raises RefusedError."""
    return _Parser(_tokens(text)).query()


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise malformed(f"unexpected token: {text[at : at + 20]!r}")
        if match.lastgroup is not None:
            found.append(_Token(match.lastgroup, match.group()))
        at = match.end()
    return found


class _Parser:
    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0

    def query(self) -> Query:
        self._expect("select")
        fields = self._fields()
        self._expect("from")
        name = self._name()
        where = self._condition() if self._take("where") else None
        order: tuple[Ordering, ...] = ()
        if self._take("order"):
            self._expect("by")
            order = self._list(self._ordering)
        limit = self._whole() if self._take("limit") else None
        offset = self._whole() if self._take("offset") else 0
        if self._at < len(self._tokens):
            raise malformed(f"unexpected token: {self._tokens[self._at].text}")
        return Query(fields, name, where, order, limit, offset)

    def _fields(self) -> tuple[str, ...]:
        if self._peek("count"):
            self._at += 1
            self._expect("(")
            self._expect(")")
            return ()
        return self._list(self._name)

    def _condition(self) -> Condition:
        parts = [self._part()]
        operator = ""
        while self._peek("and") or self._peek("or"):
            found = self._tokens[self._at].text.lower()
            if operator and found != operator:
                raise malformed(f"unexpected token: {found.upper()}")
            operator = found
            self._at += 1
            parts.append(self._part())
        return parts[0] if len(parts) == 1 else Junction(operator, tuple(parts))

    def _part(self) -> Condition:
        if self._take("not"):
            return Negation(self._part())
        if self._take("("):
            inner = self._condition()
            self._expect(")")
            return inner
        return self._comparison()

    def _comparison(self) -> Comparison:
        field = self._name()
        if self._take("like"):
            return Comparison(field, "like", (self._literal(),))
        negated = self._take("not")
        if negated or self._peek("in"):
            self._expect("in")
            self._expect("(")
            values = self._list(self._literal)
            self._expect(")")
            return Comparison(field, "not in" if negated else "in", values)
        operator = self._next()
        if operator.text not in _COMPARISONS:
            raise malformed(f"unexpected token: {operator.text}")
        return Comparison(field, "!=" if operator.text == "<>" else operator.text, (self._literal(),))

    def _ordering(self) -> Ordering:
        field = self._name()
        descending = self._take("desc")
        if not descending:
            self._take("asc")
        return Ordering(field, descending)

    def _literal(self) -> Literal:
        token = self._next()
        if token.kind == "string":
            return Literal("string", _unescaped(token.text[1:-1]))
        if token.kind in _LITERALS:
            return Literal(token.kind, token.text)
        if token.text.lower() in _WORDS:
            return Literal("word", token.text.lower())
        raise malformed(f"unexpected token: {token.text}")

    def _list(self, item: Callable[[], _Item]) -> tuple[_Item, ...]:
        found = [item()]
        while self._take(","):
            found.append(item())
        return tuple(found)

    def _name(self) -> str:
        token = self._next()
        if token.kind != "name":
            raise malformed(f"unexpected token: {token.text}")
        return token.text

    def _whole(self) -> int:
        token = self._next()
        if token.kind != "number" or not token.text.isdecimal():
            raise malformed(f"unexpected token: {token.text}")
        return int(token.text)

    def _next(self) -> _Token:
        if self._at >= len(self._tokens):
            raise malformed("unexpected end of the query")
        self._at += 1
        return self._tokens[self._at - 1]

    def _peek(self, word: str) -> bool:
        return self._at < len(self._tokens) and self._tokens[self._at].text.lower() == word

    def _take(self, word: str) -> bool:
        if not self._peek(word):
            return False
        self._at += 1
        return True

    def _expect(self, word: str) -> None:
        if not self._take(word):
            found = self._tokens[self._at].text if self._at < len(self._tokens) else "the end of the query"
            raise malformed(f"expecting {word.upper()}, found {found}")


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[1]), text)
