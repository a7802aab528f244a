"""What can be done about an item now, by whom, and with which effect. ``item_view`` shows them, ``acts`` does them."""

from typing import Final

import msgspec
from psycopg import Connection

from tieout.desk.queue import ItemView

OVERRULABLE: Final = frozenset({"time_entry", "deal", "target_drift"})
"""Kinds of items whose finding a person may overrule: the record is right."""
_HELD: Final = frozenset({"open", "released"})
_MAPPING: Final = "mapping:"


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that can be done: its name, its effect in words, how many items it frees, whether it needs two people.

    ``table`` is the mapping table of a ``map``.
    """

    action: str
    effect: str
    item_count: int
    needs_approval: bool
    table: str | None = None


def offers(conn: Connection[tuple[object, ...]], item: ItemView) -> tuple[Offer, ...]:
    """What can be done about ``item``; a closed one can only be commented on."""
    comment = Offer(action="comment", effect="adds to its history", item_count=0, needs_approval=False)
    if item.state not in _HELD:
        return (comment,)
    found = [Offer(action="retry", effect="it is judged, or tried, again", item_count=1, needs_approval=False)]
    found += [_map(conn, token) for token in _tokens(conn, item) if token.startswith(_MAPPING)]
    if item.subject_kind == "time_entry":
        found.append(
            Offer(
                action="edit",
                effect="another value stands beside the message, and it is judged again",
                item_count=1,
                needs_approval=True,
            )
        )
    if item.subject_kind in OVERRULABLE:
        found.append(Offer(action="overrule", effect="the finding lets it pass", item_count=1, needs_approval=True))
    exclude = Offer(
        action="exclude", effect="it is never posted and stands as excluded", item_count=1, needs_approval=True
    )
    assign = Offer(action="assign", effect="somebody is to see to it", item_count=0, needs_approval=False)
    return (*found, exclude, assign, comment)


def _tokens(conn: Connection[tuple[object, ...]], item: ItemView) -> list[str]:
    row = conn.execute("select depends_on from root_cause where cause_id = %s", (item.cause_id,)).fetchone()
    return [] if row is None or not isinstance(row[0], list) else [str(one) for one in row[0]]


def _map(conn: Connection[tuple[object, ...]], token: str) -> Offer:
    row = conn.execute(
        """
        select count(*) from desk_item i join root_cause c using (cause_id)
         where c.depends_on @> %s::text[] and i.state in ('open', 'released')
        """,
        ([token],),
    ).fetchone()
    return Offer(
        action="map",
        effect="a line of the mapping table is added, and all that waits for the table is judged again",
        item_count=0 if row is None else int(str(row[0])),
        needs_approval=True,
        table=token.removeprefix(_MAPPING),
    )
