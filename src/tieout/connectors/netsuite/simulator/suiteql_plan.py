"""Turns the tree of a SuiteQL query into one statement over the account's tables, with the type of each output.

Neighbours: ``suiteql_grammar`` makes the tree, ``schema`` says what exists, ``suiteql`` runs the plan. Every table and
column is resolved against the catalogue; what is not in it is refused in NetSuite's words, nothing is passed through.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from tieout.connectors.netsuite.simulator.schema import CATALOGUE, LAGGING, TRANSACTION_CHILDREN, ColumnType
from tieout.connectors.netsuite.simulator.suiteql_grammar import (
    Binary,
    Call,
    Case,
    Column,
    Expression,
    Literal,
    Membership,
    Negation,
    NullTest,
    Output,
    Select,
    Source,
    SuiteQLError,
)

_DATE_LENGTH: Final = 10


@dataclass(frozen=True)
class Plan:
    """A statement for the account's tables. ``outputs`` are the names and types of what it gives back."""

    sql: str
    parameters: tuple[str | float, ...]
    count_sql: str
    count_parameters: tuple[str | float, ...]
    outputs: tuple[tuple[str, ColumnType], ...]
    first: int | None


@dataclass(frozen=True)
class _Typed:
    sql: str
    type: ColumnType


def _not_found(what: str, name: str) -> SuiteQLError:
    return SuiteQLError(f"{what} '{name}' was not found. Reason: NOT_EXISTS - {what} does not exist")


@dataclass
class _Planner:
    """Renders one query. ``visible_before`` hides lagging rows recorded later (seconds)."""

    visible_before: float
    tables: dict[str, str] = field(default_factory=dict)
    parameters: list[str | float] = field(default_factory=list)

    def plan(self, query: Select) -> Plan:
        sources = self._from(query.sources)
        # Sources come first in the text, outputs after: their parameters are gathered in that order and re-ordered.
        source_parameters, self.parameters = self.parameters, []
        outputs = self._outputs(query.outputs)
        selected = ", ".join(f'{typed.sql} as "{name}"' for name, typed in outputs)
        output_parameters, self.parameters = self.parameters, []
        tail = f" where {self._condition(query.where)}" if query.where else ""
        if query.group_by:
            tail += " group by " + ", ".join(self._value(one).sql for one in query.group_by)
        if query.having:
            tail += f" having {self._condition(query.having)}"
        tail_parameters, self.parameters = self.parameters, []
        ordering = self._order_by(query, {name for name, _ in outputs})
        # Tables, columns and functions were resolved against the catalogue; text of the caller is a parameter.
        head = f"select {'distinct ' if query.distinct else ''}{selected} from {sources}{tail}"  # noqa: S608 - see above
        head_parameters = (*output_parameters, *source_parameters, *tail_parameters)
        return Plan(
            sql=head + ordering,
            parameters=(*head_parameters, *self.parameters),
            count_sql=f"select count(*) from ({head})",  # noqa: S608 - as head
            count_parameters=head_parameters,
            outputs=tuple((name, typed.type) for name, typed in outputs),
            first=query.first,
        )

    def _from(self, sources: Sequence[Source]) -> str:
        parts = []
        for source in sources:
            if source.table not in CATALOGUE:
                raise _not_found("Record", source.table)
            if source.alias in self.tables:
                raise SuiteQLError(f"The alias '{source.alias}' is used twice.")
            self.tables[source.alias] = source.table
            joined = {None: "", "inner": " join ", "left": " left join ", "cross": " cross join "}[source.join]
            parts.append(f'{joined}{self._visible(source.table)} as "{source.alias}"')
            if source.on is not None:
                parts.append(f" on {self._condition(source.on)}")
        return "".join(parts)

    def _visible(self, table: str) -> str:
        if table in LAGGING:
            self.parameters.append(self.visible_before)
            return f'(select * from "{table}" where recorded_at <= ?)'  # noqa: S608 - a table of the catalogue
        if table in TRANSACTION_CHILDREN:
            self.parameters.append(self.visible_before)
            owner = 'join "transaction" as parent on parent.id = child."transaction" where parent.recorded_at <= ?'
            return f'(select child.* from "{table}" as child {owner})'  # noqa: S608 - a table of the catalogue
        return f'"{table}"'

    def _outputs(self, outputs: Sequence[Output]) -> list[tuple[str, _Typed]]:
        made: list[tuple[str, _Typed]] = []
        for output in outputs:
            if isinstance(output.expression, Column) and output.expression.name == "*":
                made.extend(self._all_columns(output.expression.table))
                continue
            typed = self._value(output.expression)
            named = output.expression.name if isinstance(output.expression, Column) else f"expr{len(made) + 1}"
            made.append((output.alias or named, typed))
        names = [name for name, _ in made]
        if len(set(names)) < len(names):
            raise SuiteQLError("Two output columns have the same name; give one of them an alias.")
        return made

    def _all_columns(self, alias: str | None) -> list[tuple[str, _Typed]]:
        chosen = [alias] if alias else list(self.tables)
        if any(one not in self.tables for one in chosen):
            raise _not_found("Record", str(alias))
        return [
            (name, _Typed(f'"{one}"."{name}"', kind))
            for one in chosen
            for name, kind in CATALOGUE[self.tables[one]].items()
        ]

    def _order_by(self, query: Select, output_names: set[str]) -> str:
        keys = []
        for key in query.order_by:
            expression = key.expression
            if isinstance(expression, Literal) and expression.is_number:
                rendered = str(int(expression.text))
            elif isinstance(expression, Column) and expression.table is None and expression.name in output_names:
                rendered = f'"{expression.name}"'
            else:
                rendered = self._value(expression).sql
            keys.append(rendered + (" desc" if key.descending else ""))
        return f" order by {', '.join(keys)}" if keys else ""

    def _column(self, column: Column) -> _Typed:
        if column.table is not None:
            table = self.tables.get(column.table)
            if table is None:
                raise _not_found("Record", column.table)
            kind = CATALOGUE[table].get(column.name)
            if kind is None:
                raise _not_found("Field", column.name)
            return _Typed(f'"{column.table}"."{column.name}"', kind)
        owners = [alias for alias, table in self.tables.items() if column.name in CATALOGUE[table]]
        if not owners:
            raise _not_found("Field", column.name)
        if len(owners) > 1:
            raise SuiteQLError(f"Field '{column.name}' is ambiguous.")
        return _Typed(f'"{owners[0]}"."{column.name}"', CATALOGUE[self.tables[owners[0]]][column.name])

    def _condition(self, expression: Expression) -> str:
        match expression:
            case Binary(operator=("and" | "or") as operator, left=left, right=right):
                return f"({self._condition(left)} {operator} {self._condition(right)})"
            case Negation(operator="not", operand=operand):
                return f"(not {self._condition(operand)})"
            case NullTest(operand=operand, negated=negated):
                return f"({self._value(operand).sql} is {'not ' if negated else ''}null)"
            case Membership(operand=operand, choices=choices, negated=negated):
                found = self._value(operand)
                listed = ", ".join(self._value(one).sql for one in choices)
                return f"({found.sql} {'not ' if negated else ''}in ({listed}))"
            case Binary(operator=("=" | "<>" | "<" | ">" | "<=" | ">=" | "like") as operator, left=left, right=right):
                return self._comparison(operator, left, right)
            case _:
                raise SuiteQLError("A condition was expected, a value was found.")

    def _comparison(self, operator: str, left: Expression, right: Expression) -> str:
        one, other = self._value(left), self._value(right)
        if operator == "like":
            return f"({one.sql} like {other.sql})"
        if one.type is ColumnType.DATETIME and other.type is ColumnType.DATE:
            other = _Typed(f"({other.sql} || ' 00:00:00')", ColumnType.DATETIME)
        collated = " collate decimal" if ColumnType.DECIMAL in {one.type, other.type} else ""
        if collated:
            return f"(cast({one.sql} as text) {operator} cast({other.sql} as text){collated})"
        return f"({one.sql} {operator} {other.sql})"

    def _value(self, expression: Expression) -> _Typed:
        match expression:
            case Column():
                return self._column(expression)
            case Literal(text=text, is_number=is_number):
                return self._literal(text, is_number=is_number)
            case Call():
                return self._call(expression)
            case Case(branches=branches, otherwise=otherwise):
                return self._case(branches, otherwise)
            case Negation(operator="-", operand=operand):
                return self._arithmetic("-", Literal("0", is_number=True), operand)
            case Binary(operator=("+" | "-" | "*" | "/" | "||") as operator, left=left, right=right):
                return self._arithmetic(operator, left, right)
            case _:
                raise SuiteQLError("A value was expected, a condition was found.")

    def _arithmetic(self, operator: str, left: Expression, right: Expression) -> _Typed:
        one, other = self._value(left), self._value(right)
        if operator == "||":
            return _Typed(f"({one.sql} || {other.sql})", ColumnType.TEXT)
        return _Typed(f"calculate('{operator}', {one.sql}, {other.sql})", ColumnType.DECIMAL)

    def _literal(self, text: str, *, is_number: bool) -> _Typed:
        if is_number and "." not in text:
            return _Typed(str(int(text)), ColumnType.ID)
        self.parameters.append(text)
        return _Typed("?", ColumnType.DECIMAL if is_number else ColumnType.TEXT)

    def _case(self, branches: Sequence[tuple[Expression, Expression]], otherwise: Expression | None) -> _Typed:
        parts = []
        kinds = []
        for condition, result in branches:
            tested = self._condition(condition)
            value = self._value(result)
            kinds.append(value.type)
            parts.append(f"when {tested} then {value.sql}")
        if otherwise is not None:
            parts.append(f"else {self._value(otherwise).sql}")
        return _Typed(f"(case {' '.join(parts)} end)", kinds[0])

    def _call(self, call: Call) -> _Typed:
        if call.name == "count":
            inner = "*" if call.star else self._value(self._only(call)).sql
            return _Typed(f"count({'distinct ' if call.distinct else ''}{inner})", ColumnType.ID)
        if call.name in {"to_date", "to_timestamp"}:
            return self._to_date(call)
        if call.name == "to_char":
            return self._to_char(call)
        arguments = [self._value(one) for one in call.arguments]
        if call.name == "nvl" and len(arguments) == len(("value", "default")):
            return _Typed(f"coalesce({arguments[0].sql}, {arguments[1].sql})", arguments[0].type)
        if len(arguments) == 1 and call.name in {"sum", "min", "max", "upper", "lower"}:
            return self._of_one(call.name, arguments[0])
        raise SuiteQLError(f"Unknown function or wrong number of arguments: {call.name.upper()}.")

    @staticmethod
    def _of_one(name: str, argument: _Typed) -> _Typed:
        if name == "sum":
            return _Typed(f"decimal_sum({argument.sql})", ColumnType.DECIMAL)
        if name in {"min", "max"}:
            return _Typed(f"{name}({argument.sql})", argument.type)
        return _Typed(f"{name}({argument.sql})", ColumnType.TEXT)

    @staticmethod
    def _only(call: Call) -> Expression:
        if len(call.arguments) != 1:
            raise SuiteQLError(f"{call.name.upper()} takes one argument.")
        return call.arguments[0]

    def _to_date(self, call: Call) -> _Typed:
        match call.arguments:
            case (Literal(text=text, is_number=False), Literal(text="YYYY-MM-DD")) if len(text) == _DATE_LENGTH:
                kind = ColumnType.DATE
            case (Literal(text=text, is_number=False), Literal(text="YYYY-MM-DD HH24:MI:SS")):
                kind = ColumnType.DATETIME
            case _:
                raise SuiteQLError(f"{call.name.upper()} takes a date and its pattern as literals.")
        self.parameters.append(text)
        return _Typed("?", kind)

    def _to_char(self, call: Call) -> _Typed:
        match call.arguments:
            case (value, Literal(text=pattern, is_number=False)):
                inner = self._value(value)
                if inner.type not in {ColumnType.DATE, ColumnType.DATETIME}:
                    raise SuiteQLError("TO_CHAR with a pattern takes a date.")
                self.parameters.append(pattern)
                return _Typed(f"to_char({inner.sql}, ?)", ColumnType.TEXT)
            case (value,):
                return _Typed(f"cast({self._value(value).sql} as text)", ColumnType.TEXT)
            case _:
                raise SuiteQLError("TO_CHAR takes a value and a pattern.")


def plan(query: Select, *, visible_before: float) -> Plan:
    """The statement for ``query``; raises SuiteQLError."""
    return _Planner(visible_before).plan(query)
