"""What keeps an object of a system from being read on, as items on the desk: opened, renewed and settled by each read.

A source tells all that stands of an object at once (``connect.source.Notice``); what it does not tell any more is
over. Neighbours: ``runtime.intake`` calls with each page that tells.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from psycopg import Cursor

from tieout.connect.source import Notice
from tieout.desk import intake
from tieout.model.finding import finding
from tieout.model.identity import content_hash

SOURCE_NOTICE: Final = "source_notice"
_SUBJECT_BITS: Final = 63


def settle(
    cur: Cursor[tuple[object, ...]], *, system: str, object_name: str, notices: Sequence[Notice], now: datetime
) -> None:
    """Let the desk hold one item for each of ``notices`` and no other of that object.

    What a person excluded is not opened again while it is the same thing.
    """
    cur.execute("select system_id from system_name where name = %s", (system,))
    (system_id,) = cur.fetchone() or (None,)
    wanted = {
        _subject_of(system, object_name, one): intake.ItemFacts(
            subject_kind=SOURCE_NOTICE,
            subject_id=_subject_of(system, object_name, one),
            system_id=None if system_id is None else int(str(system_id)),
            entry_count=0,
            finding=finding(
                one.code,
                f"{system}, {object_name}: {one.message}",
                cause=f"{system}:{object_name}:{one.subject}",
                context={"system": system, "object": object_name, "subject": one.subject},
            ),
        )
        for one in notices
    }
    known = _last_items(cur, system, object_name)
    over = [item_id for subject, (item_id, is_open) in known.items() if is_open and subject not in wanted]
    intake.resolve_items(cur, over, now=now, reason="The source does not tell it any more.")
    renewed = [
        (item_id, wanted[subject]) for subject, (item_id, is_open) in known.items() if is_open and subject in wanted
    ]
    intake.update(cur, renewed, now=now)
    intake.open_items(cur, [facts for subject, facts in wanted.items() if subject not in known], now=now)


def _last_items(cur: Cursor[tuple[object, ...]], system: str, object_name: str) -> dict[int, tuple[int, bool]]:
    """By subject the last item of the object that is not resolved, and whether it is open; others are excluded."""
    cur.execute(
        """
        select distinct on (subject_id) subject_id, item_id, state in ('open', 'released')
          from desk_item
         where subject_kind = %s and context ->> 'system' = %s and context ->> 'object' = %s and state <> 'resolved'
         order by subject_id, item_id desc
        """,
        (SOURCE_NOTICE, system, object_name),
    )
    return {int(str(subject)): (int(str(item_id)), bool(is_open)) for subject, item_id, is_open in cur.fetchall()}


def _subject_of(system: str, object_name: str, notice: Notice) -> int:
    """A number that stands for what a notice is about."""
    digest = content_hash([system, object_name, notice.code, notice.subject])
    return int.from_bytes(digest[:8], "big") >> (64 - _SUBJECT_BITS)
