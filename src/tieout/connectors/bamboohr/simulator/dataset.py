"""The question of a dataset, read and answered as the page "Get Data from Dataset (v2)" says.

Comparisons with ``and`` between them, ordering by fields that were asked for, pages. Neighbours: ``bamboo_hr`` gives
the rows.
"""

import re
from collections.abc import Iterable
from typing import Final

import msgspec

from tieout.connectors.bamboohr.simulator.rows import Json

LARGEST_PAGE: Final = 1_000
_COMPARISON: Final = re.compile(r"(\w+) (eq|ne|lt|le|gt|ge) (?:'([^']*)'|(\d+))")
_RULE: Final = re.compile(r"(\w+) (asc|desc)")


class RefusedQuestionError(Exception):
    """The vendor's refusal: status, title and detail of a problem document."""

    def __init__(self, status: int, title: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.title = title
        self.detail = detail


class Question(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The body of a request for rows."""

    fields: list[str]
    filter: str = ""
    order_by: str = ""
    page: int = 1
    page_size: int = 100


def read_question(body: bytes) -> Question:
    """The question in a body; raises RefusedQuestionError where it is none."""
    try:
        return msgspec.json.decode(body, type=Question)
    except msgspec.DecodeError as error:
        raise RefusedQuestionError(400, "Bad Request", str(error)) from error


def answer(question: Question, rows: Iterable[dict[str, Json]], known: frozenset[str]) -> dict[str, Json]:
    """Data, links and meta; raises RefusedQuestionError for an unknown field, a bad filter or a page too large."""
    unknown = sorted(set(question.fields) - known)
    if unknown or not question.fields:
        raise RefusedQuestionError(400, "Bad Request", f"Unknown fields: {', '.join(unknown) or 'none given'}")
    if not 1 <= question.page_size <= LARGEST_PAGE or question.page < 1:
        raise RefusedQuestionError(400, "Bad Request", "page and pageSize must be positive, pageSize at most 1000")
    found = _ordered([row for row in rows if _holds(question.filter, row, known)], question)
    pages = -(-len(found) // question.page_size)
    first = (question.page - 1) * question.page_size
    links: dict[str, Json] = {}
    if question.page < pages:
        links["next"] = f"?page={question.page + 1}"
    if question.page > 1:
        links["prev"] = f"?page={question.page - 1}"
    data: list[Json] = [
        {"fields": {name: row.get(name) for name in question.fields}, "_restrictedFields": []}
        for row in found[first : first + question.page_size]
    ]
    meta: dict[str, Json] = {
        "page": question.page,
        "pageSize": question.page_size,
        "totalPages": pages,
        "totalItems": len(found),
    }
    return {"data": data, "links": links, "meta": meta}


def _ordered(rows: list[dict[str, Json]], question: Question) -> list[dict[str, Json]]:
    for rule in reversed([one.strip() for one in question.order_by.split(",") if one.strip()]):
        read = _RULE.fullmatch(rule)
        if read is None or read[1] not in question.fields:
            raise RefusedQuestionError(400, "UE-1001", f"A field of orderBy must be among the fields: {rule}")
        name = read[1]
        rows = sorted(rows, key=lambda row: _sortable(row.get(name)), reverse=read[2] == "desc")
    return rows


def _sortable(value: Json) -> tuple[int, int, str]:
    return (1, value, "") if isinstance(value, int) else (0 if value is None else 2, 0, str(value))


def _holds(expression: str, row: dict[str, Json], known: frozenset[str]) -> bool:
    if not expression:
        return True
    if " or " in expression and " and " in expression:
        raise RefusedQuestionError(422, "INVALID_FILTER", "and and or cannot be mixed")
    return all(_compares(one, row, known) for one in expression.split(" and "))


def _compares(expression: str, row: dict[str, Json], known: frozenset[str]) -> bool:
    read = _COMPARISON.fullmatch(expression.strip())
    if read is None or read[1] not in known:
        raise RefusedQuestionError(422, "INVALID_FILTER", f"cannot be understood: {expression}")
    held = row.get(read[1])
    if held is None:
        return False
    left, right = (held, int(read[4])) if read[4] is not None else (str(held), read[3])
    if isinstance(left, int) and isinstance(right, int):
        order = (left > right) - (left < right)
    else:
        order = (str(left) > str(right)) - (str(left) < str(right))
    return {
        "eq": order == 0,
        "ne": order != 0,
        "lt": order < 0,
        "le": order <= 0,
        "gt": order > 0,
        "ge": order >= 0,
    }[read[2]]
