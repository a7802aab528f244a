"""What all resources share: how far a page goes, whose rows are read, and the answer where there is no such record."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Final, TypeAlias, TypeVar

from litestar.datastructures import State
from litestar.exceptions import NotFoundException, ValidationException
from litestar.params import HeaderParameter, QueryParameter
from psycopg import Connection

from tieout.model.access import Principal, Scope
from tieout.storage.pool import Row

MAX_LIMIT: Final = 500
DEFAULT_LIMIT: Final = 100
_T = TypeVar("_T")

Limit: TypeAlias = Annotated[int, QueryParameter(ge=1, le=MAX_LIMIT, description="At most so many.")]
After: TypeAlias = Annotated[
    int | None, QueryParameter(ge=0, le=2**62, description="The mark that the page before gave as `next`.")
]
Text: TypeAlias = Annotated[str | None, QueryParameter(max_length=200)]
Instant: TypeAlias = Annotated[
    datetime | None, QueryParameter(description="Changed then or later; an instant with its time zone.")
]
IfMatch: TypeAlias = Annotated[
    str | None,
    HeaderParameter(name="If-Match", max_length=1_000, description="The ETag of what was read: 412 where it changed."),
]
Flag: TypeAlias = Annotated[bool, QueryParameter()]
Number: TypeAlias = Annotated[int | None, QueryParameter(ge=1, le=2**62)]


def read(state: State, principal: Principal, scope: Scope, work: Callable[[Connection[Row]], _T]) -> _T:
    """What ``work`` reads with the rights that ``principal`` has by ``scope``, in one transaction."""
    with state.database.as_principal(principal, scope) as conn:
        return work(conn)


def found(value: _T | None, what: str) -> _T:
    """``value``; raises NotFoundException where there is none, or none that whoever asks may see."""
    if value is None:
        raise NotFoundException(f"There is no such {what}.")
    return value


def zoned(instant: datetime | None) -> datetime | None:
    """``instant``; raises ValidationException where it does not say its time zone."""
    if instant is not None and instant.tzinfo is None:
        raise ValidationException("An instant needs its time zone: 2026-08-10T12:00:00Z.")
    return instant
