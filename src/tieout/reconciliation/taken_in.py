"""Counts what was taken in from the stored messages alone: every item, translated again, in temporary tables.

Nothing here reads what the steps wrote but the golden records, by which an item that left no trace anywhere can still
be placed and priced. ``lines`` lays the items beside the state tables, ``tie_out`` adds up.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from hashlib import blake2b
from typing import Final

import msgspec
import structlog
from psycopg import Connection

from tieout.connect.source import Translated, Translator, Unreadable
from tieout.desk import corrections
from tieout.desk.corrections import Corrections
from tieout.errors import ContractError
from tieout.model.reported import ReportedAssignment, ReportedState, ReportedTime, ReportedTimeOff
from tieout.records.facts import ProjectFacts
from tieout.records.reference_book import ReferenceBook
from tieout.storage.copying import copy_lines, escape

log = structlog.get_logger(__name__)

TIME_OBJECTS: Final = frozenset({"time_entries"})
"""Objects whose unreadable messages and items are time; what cannot be read of masters is the desk's business alone."""

_STATE_NUMBER: Final = {
    ReportedState.DRAFT: 1,
    ReportedState.SUBMITTED: 2,
    ReportedState.APPROVED: 3,
    ReportedState.REJECTED: 4,
    ReportedState.RECALLED: 5,
    ReportedState.DELETED: 6,
}
WORK_TYPE_NUMBER: Final = {"regular": 1, "overtime": 2, "travel": 3}
_COLUMNS: Final = (
    "message_id", "item_no", "system_id", "source_id", "version", "content", "state", "hours", "work_date", "billable",
    "entity_id", "currency", "readable",
)  # fmt: skip
_FACT_COLUMNS: Final = ("message_id", "item_no", "kind", "system_id", "source_id", "version", "state", "starts", "ends")
_PAGE: Final = 16
_NULL: Final = "\\N"
_HOURS_BELOW: Final = 100_000
_HOURS_DECIMALS: Final = -4
_KEY_LENGTH: Final = 200
_VERSION_LIMIT: Final = 2**63
_ENCODER: Final = msgspec.msgpack.Encoder()


class Message(msgspec.Struct, frozen=True):
    """A stored message as this package reads it."""

    message_id: int
    system: str
    object: str
    payload: bytes


def load_taken_in(
    conn: Connection[tuple[object, ...]], translators: Mapping[str, Translator], book: ReferenceBook
) -> None:
    """Fill the temporary table ``taken_item`` with every time item of every stored message, a few messages at once.

    ``taken_fact`` gets the assignments and absences.
    """
    with conn.cursor() as cur:
        cur.execute(
            """
            create temporary table taken_item (
                message_id bigint not null, item_no integer, system_id smallint, source_id text, version bigint,
                content bigint, state smallint, hours numeric(9, 4), work_date date, billable boolean,
                entity_id integer, currency smallint, readable boolean not null
            ) on commit drop
            """
        )
        cur.execute(
            """
            create temporary table taken_fact (
                message_id bigint not null, item_no integer not null, kind text not null, system_id smallint not null,
                source_id text not null, version bigint not null, state text not null, starts date not null,
                ends date not null
            ) on commit drop
            """
        )
        corrected = corrections.load(cur)
        with conn.cursor(name="messages") as messages:
            messages.itersize = _PAGE
            messages.execute("select message_id, system, object, payload from message order by message_id", binary=True)
            while page := messages.fetchmany(_PAGE):
                said = [Message(*row) for row in page]  # type: ignore[arg-type]  # untyped rows
                items = [(one, items_of(one, translators, corrected)) for one in said]
                copy_lines(cur, "taken_item", _COLUMNS, (line for one, own in items for line in _lines(one, own, book)))
                copy_lines(
                    cur, "taken_fact", _FACT_COLUMNS, (line for one, own in items for line in _facts(one, own, book))
                )
        cur.execute("analyze taken_item")
        cur.execute("analyze taken_fact")


def items_of(
    message: Message, translators: Mapping[str, Translator], corrected: Corrections
) -> Sequence[Translated] | None:
    """What ``message`` says, with what two people corrected; None when it cannot be read as a whole."""
    translator = translators.get(message.system)
    if translator is None:
        return None
    try:
        said = translator.translate(message.object, message.payload)
        return corrections.apply(said, corrected.get(message.message_id, corrections.NONE))
    except ContractError:
        return None
    except Exception:
        log.exception("tie_out.translator_failed", message_id=message.message_id, system=message.system)
        return None


def _lines(message: Message, items: Sequence[Translated] | None, book: ReferenceBook) -> Iterator[str]:
    system_id = book.system_ids.get(message.system)
    system = _NULL if system_id is None else str(system_id)
    is_time = message.object in TIME_OBJECTS
    if items is None:
        if is_time:
            yield _unreadable(message.message_id, None, system, None)
        return
    for number, item in enumerate(items):
        if isinstance(item, ReportedTime):
            content = _content(item)
            if content is None:
                yield _unreadable(message.message_id, number, system, item.source_id)
            else:
                yield (
                    f"{message.message_id}\t{number}\t{system}\t{escape(item.source_id)}\t{item.version}\t{content}\t"
                    f"{_STATE_NUMBER[item.state]}\t{item.hours}\t{item.work_date}\t{item.billable}\t"
                    f"{_place(book, message.system, item.project)}\tt"
                )
        elif isinstance(item, Unreadable) and is_time:
            yield _unreadable(message.message_id, number, system, item.source_id)


def _facts(message: Message, items: Sequence[Translated] | None, book: ReferenceBook) -> Iterator[str]:
    """Assignments and absences that can be told apart; what else is wrong with them is the desk's business."""
    system_id = book.system_ids.get(message.system)
    for number, item in enumerate(items or ()):
        if not isinstance(item, ReportedAssignment | ReportedTimeOff) or system_id is None:
            continue
        if _is_key(item.source_id) and 0 <= item.version < _VERSION_LIMIT:
            kind = "assignment" if isinstance(item, ReportedAssignment) else "time_off"
            yield (
                f"{message.message_id}\t{number}\t{kind}\t{system_id}\t{escape(item.source_id)}\t{item.version}\t"
                f"{item.state.value}\t{item.starts}\t{item.ends}"
            )


def _unreadable(message_id: int, item_no: int | None, system: str, source_id: str | None) -> str:
    number = _NULL if item_no is None else item_no
    key = _NULL if source_id is None or not _is_key(source_id) else escape(source_id)
    return f"{message_id}\t{number}\t{system}\t{key}" + f"\t{_NULL}" * 8 + "\tf"


def _place(book: ReferenceBook, system: str, key: str) -> str:
    """Legal entity and currency by the golden records as they are now, as two COPY fields."""
    project = book.project(system, key) or _by_code(book).get(key)
    if project is None:
        return f"{_NULL}\t{_NULL}"
    entity = _NULL if project.entity_id is None else str(project.entity_id)
    return f"{entity}\t{project.currency_number or _NULL}"


@lru_cache(maxsize=1)
def _by_code(book: ReferenceBook) -> dict[str, ProjectFacts]:
    return {one.code: one for one in book.project_by_id.values() if one.code and not one.deleted}


def _content(said: ReportedTime) -> int | None:
    """64 bits over everything an item says; None when it says something that no table can hold."""
    if said.work_type not in WORK_TYPE_NUMBER or not _is_key(said.source_id) or "\x00" in said.narrative:
        return None
    if not 0 <= said.version < _VERSION_LIMIT or not _are_hours(said.hours):
        return None
    for key in (said.person, said.project, said.task, said.role):
        if key is not None and ("\x00" in key or len(key) > _KEY_LENGTH):
            return None
    if not all(_is_instant(one) for one in (said.approved_at, said.started_at, said.ended_at) if one is not None):
        return None
    try:
        encoded = _ENCODER.encode(said)
    except (UnicodeEncodeError, OverflowError):
        return None
    return int.from_bytes(blake2b(encoded, digest_size=8).digest(), "big", signed=True)


def _is_key(text: str) -> bool:
    if not text or len(text) > _KEY_LENGTH or "\x00" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _are_hours(hours: Decimal) -> bool:
    if not hours.is_finite() or abs(hours) >= _HOURS_BELOW:
        return False
    decimals = hours.as_tuple().exponent
    return isinstance(decimals, int) and (decimals >= _HOURS_DECIMALS or hours == round(hours, -_HOURS_DECIMALS))


def _is_instant(instant: datetime) -> bool:
    try:
        return instant.tzinfo is not None and instant.astimezone(UTC) is not None
    except OverflowError:
        return False
