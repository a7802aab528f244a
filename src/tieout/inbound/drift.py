"""Whether a page shows that a source writes its items differently now: most of them cannot be read, not just one.

Pure. Neighbours: ``translation`` reads, ``drift_store`` pauses the object.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from tieout.connect.source import Translator, Unreadable
from tieout.inbound.message_store import Message
from tieout.inbound.translation import Translation, UnreadableMessage, items_of, printable
from tieout.model.oversight import Intake

LEAST_ITEMS: Final = 5
"""Fewer unreadable items on a page are mistakes in items, whatever their share."""
SHARE_PERCENT: Final = Intake().unreadable_percent
"""At least so much of a page cannot be read when its form has changed, unless the firm says otherwise."""


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """What a page shows: ``unreadable_count`` of ``item_count`` items cannot be read, most of them for ``problem``."""

    message: Message
    problem: str
    unreadable_count: int
    item_count: int


def suspects(said: Translation, messages: Sequence[Message]) -> list[Message]:
    """The messages with enough that cannot be read to be worth a look, in order."""
    bad = Counter(one.message_id for one in said.unreadable_items)
    whole = {one.message_id for one in said.unreadable_messages}
    return [one for one in messages if bad[one.message_id] >= LEAST_ITEMS or one.message_id in whole]


def drift_of(
    message: Message, translators: Mapping[str, Translator], *, share_percent: int = SHARE_PERCENT
) -> Drift | None:
    """What ``message`` shows, or None where it is no more than mistakes in single items.

    A page that cannot be read at all counts with as many items as its source saw on it.
    """
    items = items_of(message, translators)
    if isinstance(items, UnreadableMessage):
        total = message.item_count or 0
        problems = Counter({items.problem: total})
    else:
        total = len(items)
        problems = Counter(printable(one.problem) for one in items if isinstance(one, Unreadable))
    bad = problems.total()
    if bad < LEAST_ITEMS or bad * 100 < total * share_percent:
        return None
    [(problem, _)] = problems.most_common(1)
    return Drift(message=message, problem=problem, unreadable_count=bad, item_count=total)
