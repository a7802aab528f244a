"""Stored messages in canonical words: what each says, item by item, and what nobody can read.

The position of an item in its message is its number for ever. Whatever a payload holds ends as a time entry, an
assignment, an absence, a record, an unreadable item or an unreadable message; a translator that fails in its own way
makes the message unreadable and is logged with its trace, since the payload stays stored and can be read again once the
translator is corrected.
"""

from collections.abc import Mapping, Sequence

import msgspec
import structlog

from tieout.connect.source import Translated, Translator, Unreadable
from tieout.desk import corrections
from tieout.errors import ContractError
from tieout.inbound.bookings_reading import FactArrival
from tieout.inbound.message_store import Message
from tieout.inbound.normalizer import Arrival, UnreadableItem
from tieout.model.reported import ReportedRecord, ReportedTime

log = structlog.get_logger(__name__)


class UnreadableMessage(msgspec.Struct, frozen=True):
    """A payload that cannot be read at all, with what is wrong in words."""

    message_id: int
    system: str
    object: str
    problem: str


class Translation(msgspec.Struct):
    """What a set of messages says. ``records`` are per message, with item numbers, in order.

    ``facts`` are assignments and absences.
    """

    times: list[Arrival]
    facts: list[FactArrival]
    records: list[tuple[Message, list[tuple[int, ReportedRecord]]]]
    unreadable_items: list[UnreadableItem]
    unreadable_messages: list[UnreadableMessage]


def translate(messages: Sequence[Message], translators: Mapping[str, Translator]) -> Translation:
    """What ``messages`` say, in order."""
    result = Translation(times=[], facts=[], records=[], unreadable_items=[], unreadable_messages=[])
    for message in messages:
        items = items_of(message, translators)
        if isinstance(items, UnreadableMessage):
            result.unreadable_messages.append(items)
            continue
        records: list[tuple[int, ReportedRecord]] = []
        for item_no, item in enumerate(items):
            if isinstance(item, ReportedTime):
                result.times.append(Arrival(message.message_id, item_no, message.system, message.object, item))
            elif isinstance(item, ReportedRecord):
                records.append((item_no, item))
            elif isinstance(item, Unreadable):
                result.unreadable_items.append(unreadable_item(message, item_no, item))
            else:
                result.facts.append(FactArrival(message.message_id, item_no, message.system, message.object, item))
        if records:
            result.records.append((message, records))
    return result


def items_of(message: Message, translators: Mapping[str, Translator]) -> Sequence[Translated] | UnreadableMessage:
    """The items of one message with what people corrected of them, or why it has none that can be read."""
    translator = translators.get(message.system)
    if translator is None:
        problem = f"no configured system is named {message.system!r}"
        return UnreadableMessage(message.message_id, message.system, message.object, problem)
    try:
        return corrections.apply(translator.translate(message.object, message.payload), message.corrections)
    except ContractError as error:
        problem = error.message
    except Exception as error:
        log.exception("inbound.translator_failed", message_id=message.message_id, system=message.system)
        problem = f"its translator failed: {type(error).__name__}"
    return UnreadableMessage(message.message_id, message.system, message.object, printable(problem))


def unreadable_item(message: Message, item_no: int, item: Unreadable) -> UnreadableItem:
    """An item that its translator could not understand, in words that a table can hold."""
    return UnreadableItem(
        message.message_id, item_no, message.system, message.object, printable(item.problem), item.source_id
    )


def printable(text: str) -> str:
    """``text`` without what no table can hold (NUL, halves of surrogate pairs), 500 characters at most."""
    return text[:500].replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")
