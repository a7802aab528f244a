"""The grammar of the SuiteQL subset that the simulator answers: text in, a tree out, or a refusal that names the place.

Neighbours: ``suiteql_plan`` turns the tree into a query of the account's tables; ``suiteql`` answers over HTTP.
Supported: SELECT [DISTINCT] expressions, FROM with INNER, LEFT, CROSS and comma joins, WHERE, GROUP BY, HAVING,
ORDER BY, FETCH FIRST n ROWS ONLY; AND, OR, NOT, comparisons, IN, LIKE, BETWEEN, IS NULL, CASE, arithmetic, ``||``,
and function calls ("Executing SuiteQL Queries Through REST Web Services": only SELECT is allowed).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias, TypeVar

_Item = TypeVar("_Item")


class SuiteQLError(Exception):
    """The query cannot be understood or names what does not exist; the text is for the caller."""


@dataclass(frozen=True)
class Column:
    """A column, with the table or alias it was qualified by."""

    name: str
    table: str | None = None


@dataclass(frozen=True)
class Literal:
    """A string or a number as it was written."""

    text: str
    is_number: bool = False


@dataclass(frozen=True)
class Call:
    """A function call; ``star`` for COUNT(*)."""

    name: str
    arguments: tuple["Expression", ...]
    distinct: bool = False
    star: bool = False


@dataclass(frozen=True)
class Binary:
    """Two operands and an operator, comparisons and AND/OR included."""

    operator: str
    left: "Expression"
    right: "Expression"


@dataclass(frozen=True)
class Negation:
    """NOT, or a minus sign."""

    operator: str
    operand: "Expression"


@dataclass(frozen=True)
class Membership:
    """x [NOT] IN (a, b, ...)."""

    operand: "Expression"
    choices: tuple["Expression", ...]
    negated: bool


@dataclass(frozen=True)
class NullTest:
    """x IS [NOT] NULL."""

    operand: "Expression"
    negated: bool


@dataclass(frozen=True)
class Case:
    """CASE WHEN condition THEN result ... [ELSE result] END."""

    branches: tuple[tuple["Expression", "Expression"], ...]
    otherwise: "Expression | None"


Expression: TypeAlias = Column | Literal | Call | Binary | Negation | Membership | NullTest | Case


@dataclass(frozen=True)
class Output:
    """One selected expression and the name it is given back under, if one was written."""

    expression: Expression
    alias: str | None


@dataclass(frozen=True)
class Source:
    """One table of FROM. ``join`` is None for the first, else inner, left or cross."""

    table: str
    alias: str
    join: str | None
    on: Expression | None


@dataclass(frozen=True)
class Ordering:
    """One key of ORDER BY."""

    expression: Expression
    descending: bool


@dataclass(frozen=True)
class Select:
    """A whole query."""

    outputs: tuple[Output, ...]
    sources: tuple[Source, ...]
    where: Expression | None
    group_by: tuple[Expression, ...]
    having: Expression | None
    order_by: tuple[Ordering, ...]
    distinct: bool
    first: int | None


_TOKEN: Final = re.compile(
    r"\s+|--[^\n]*"
    r"|(?P<string>'(?:[^']|'')*')"
    r"|(?P<number>\d+(?:\.\d+)?)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_$]*)"
    r"|(?P<symbol><=|>=|<>|!=|\|\||[-+*/=<>(),.;])"
)
_RESERVED: Final = frozenset(
    {
        "select",
        "distinct",
        "from",
        "join",
        "inner",
        "left",
        "outer",
        "cross",
        "on",
        "where",
        "group",
        "by",
        "having",
        "order",
        "asc",
        "desc",
        "fetch",
        "first",
        "next",
        "rows",
        "row",
        "only",
        "and",
        "or",
        "not",
        "in",
        "like",
        "between",
        "is",
        "null",
        "case",
        "when",
        "then",
        "else",
        "end",
        "as",
    }
)
_COMPARISONS: Final = frozenset({"=", "<>", "!=", "<", ">", "<=", ">="})
_MAX_DEPTH: Final = 60


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    at: int


def _tokens(query: str) -> list[_Token]:
    found: list[_Token] = []
    at = 0
    while at < len(query):
        match = _TOKEN.match(query, at)
        if match is None:
            raise SuiteQLError(f"Unexpected character {query[at]!r} at position {at + 1}.")
        if match.lastgroup is not None:
            found.append(_Token(match.lastgroup, match.group(), at + 1))
        at = match.end()
    return found


class _Parser:
    """Recursive descent over the tokens of one query."""

    def __init__(self, query: str) -> None:
        self._tokens = _tokens(query)
        self._at = 0
        self._depth = 0

    def query(self) -> Select:
        self._expect_word("select")
        distinct = self._take_word("distinct")
        outputs = self._list(self._output)
        self._expect_word("from")
        sources = self._sources()
        where = self._expression() if self._take_word("where") else None
        group_by: tuple[Expression, ...] = ()
        if self._take_word("group"):
            self._expect_word("by")
            group_by = self._list(self._expression)
        having = self._expression() if self._take_word("having") else None
        order_by: tuple[Ordering, ...] = ()
        if self._take_word("order"):
            self._expect_word("by")
            order_by = self._list(self._ordering)
        first = self._fetch()
        self._take_symbol(";")
        if self._at < len(self._tokens):
            raise self._unexpected()
        return Select(outputs, sources, where, group_by, having, order_by, distinct, first)

    def _fetch(self) -> int | None:
        if not self._take_word("fetch"):
            return None
        if not self._take_word("first"):
            self._expect_word("next")
        number = self._expect("number")
        if not self._take_word("rows"):
            self._expect_word("row")
        self._expect_word("only")
        return int(number)

    def _output(self) -> Output:
        if self._take_symbol("*"):
            return Output(Column("*"), None)
        expression = self._expression()
        alias: str | None = None
        if self._take_word("as") or self._peek_plain_name():
            alias = self._expect("name").lower()
        return Output(expression, alias)

    def _sources(self) -> tuple[Source, ...]:
        found = [self._source(None)]
        while (join := self._join()) is not None:
            found.append(self._source(join))
        return tuple(found)

    def _join(self) -> str | None:
        if self._take_symbol(","):
            return "cross"
        if self._take_word("cross"):
            self._expect_word("join")
            return "cross"
        if self._take_word("left"):
            self._take_word("outer")
            self._expect_word("join")
            return "left"
        if self._take_word("inner"):
            self._expect_word("join")
            return "inner"
        return "inner" if self._take_word("join") else None

    def _source(self, join: str | None) -> Source:
        table = self._expect("name").lower()
        if table in _RESERVED:
            raise self._unexpected(back=1)
        alias = table
        if self._take_word("as") or self._peek_plain_name():
            alias = self._expect("name").lower()
        on: Expression | None = None
        if join in {"inner", "left"}:
            self._expect_word("on")
            on = self._expression()
        return Source(table, alias, join, on)

    def _ordering(self) -> Ordering:
        expression = self._expression()
        descending = self._take_word("desc")
        if not descending:
            self._take_word("asc")
        return Ordering(expression, descending)

    def _expression(self) -> Expression:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise SuiteQLError("The query is nested too deeply.")
        left = self._conjunction()
        while self._take_word("or"):
            left = Binary("or", left, self._conjunction())
        self._depth -= 1
        return left

    def _conjunction(self) -> Expression:
        left = self._condition()
        while self._take_word("and"):
            left = Binary("and", left, self._condition())
        return left

    def _condition(self) -> Expression:
        if self._take_word("not"):
            return Negation("not", self._condition())
        left = self._sum()
        symbol = self._peek()
        if symbol is not None and symbol.text in _COMPARISONS:
            self._at += 1
            return Binary("<>" if symbol.text == "!=" else symbol.text, left, self._sum())
        if self._take_word("is"):
            negated = self._take_word("not")
            self._expect_word("null")
            return NullTest(left, negated)
        return self._set_condition(left, negated=self._take_word("not"))

    def _set_condition(self, left: Expression, *, negated: bool) -> Expression:
        found: Expression
        if self._take_word("in"):
            self._expect_symbol("(")
            choices = self._list(self._sum)
            self._expect_symbol(")")
            return Membership(left, choices, negated)
        if self._take_word("like"):
            found = Binary("like", left, self._sum())
        elif self._take_word("between"):
            low = self._sum()
            self._expect_word("and")
            found = Binary("and", Binary(">=", left, low), Binary("<=", left, self._sum()))
        elif negated:
            raise self._unexpected()
        else:
            return left
        return Negation("not", found) if negated else found

    def _sum(self) -> Expression:
        left = self._product()
        while (symbol := self._take_any("+", "-", "||")) is not None:
            left = Binary(symbol, left, self._product())
        return left

    def _product(self) -> Expression:
        left = self._primary()
        while (symbol := self._take_any("*", "/")) is not None:
            left = Binary(symbol, left, self._primary())
        return left

    def _primary(self) -> Expression:
        if self._take_symbol("("):
            inner = self._expression()
            self._expect_symbol(")")
            return inner
        if self._take_symbol("-"):
            return Negation("-", self._primary())
        token = self._peek()
        if token is None or (token.kind == "name" and token.text.lower() in _RESERVED - {"case"}):
            raise self._unexpected()
        self._at += 1
        if token.kind == "string":
            return Literal(token.text[1:-1].replace("''", "'"))
        if token.kind == "number":
            return Literal(token.text, is_number=True)
        if token.kind != "name":
            raise self._unexpected(back=1)
        return self._case() if token.text.lower() == "case" else self._named(token.text.lower())

    def _case(self) -> Expression:
        branches: list[tuple[Expression, Expression]] = []
        while self._take_word("when"):
            condition = self._expression()
            self._expect_word("then")
            branches.append((condition, self._expression()))
        otherwise = self._expression() if self._take_word("else") else None
        self._expect_word("end")
        if not branches:
            raise SuiteQLError("CASE has no WHEN.")
        return Case(tuple(branches), otherwise)

    def _named(self, name: str) -> Expression:
        if self._take_symbol("."):
            inner = "*" if self._take_symbol("*") else self._expect("name").lower()
            if name == "builtin":
                return self._call(f"builtin.{inner}")
            return Column(inner, name)
        following = self._peek()
        if following is not None and following.text == "(":
            return self._call(name)
        return Column(name)

    def _call(self, name: str) -> Expression:
        self._expect_symbol("(")
        if self._take_symbol("*"):
            self._expect_symbol(")")
            return Call(name, (), star=True)
        distinct = self._take_word("distinct")
        arguments = () if self._take_symbol(")") else self._list(self._expression)
        if arguments:
            self._expect_symbol(")")
        return Call(name, arguments, distinct=distinct)

    def _list(self, item: Callable[[], "_Item"]) -> "tuple[_Item, ...]":
        found = [item()]
        while self._take_symbol(","):
            found.append(item())
        return tuple(found)

    def _peek(self) -> _Token | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _peek_plain_name(self) -> bool:
        token = self._peek()
        return token is not None and token.kind == "name" and token.text.lower() not in _RESERVED

    def _take_word(self, word: str) -> bool:
        token = self._peek()
        if token is None or token.kind != "name" or token.text.lower() != word:
            return False
        self._at += 1
        return True

    def _take_symbol(self, symbol: str) -> bool:
        return self._take_any(symbol) is not None

    def _take_any(self, *symbols: str) -> str | None:
        token = self._peek()
        if token is None or token.kind != "symbol" or token.text not in symbols:
            return None
        self._at += 1
        return token.text

    def _expect_word(self, word: str) -> None:
        if not self._take_word(word):
            raise self._unexpected()

    def _expect_symbol(self, symbol: str) -> None:
        if not self._take_symbol(symbol):
            raise self._unexpected()

    def _expect(self, kind: str) -> str:
        token = self._peek()
        if token is None or token.kind != kind:
            raise self._unexpected()
        self._at += 1
        return token.text

    def _unexpected(self, *, back: int = 0) -> SuiteQLError:
        self._at -= back
        token = self._peek()
        if token is None:
            return SuiteQLError("The query ends too early.")
        return SuiteQLError(f"Unexpected {token.text!r} at position {token.at}.")


def parse(query: str) -> Select:
    """The tree of ``query``; raises SuiteQLError."""
    return _Parser(query).query()
