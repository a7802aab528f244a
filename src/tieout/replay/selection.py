"""Which stored entries a replay means: the standing reading of each, as long as nothing of it is posted.

Posted entries are only counted: what is posted is corrected, never judged again. ``judging`` takes the entries on.
"""

import hashlib
from collections.abc import Sequence
from datetime import date, datetime

import msgspec
from psycopg import Cursor
from psycopg.rows import class_row

from tieout.errors import ConfigurationError


class Selection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is chosen; what is None does not choose. Something has to be named.

    ``received_*`` bound when the messages came, ``worked_*`` the work dates (both from, until before); ``entity`` is
    the code of a legal entity, ``code`` that of a finding, ``item_ids`` are items of the desk.
    """

    system: str | None = None
    object: str | None = None
    entity: str | None = None
    code: str | None = None
    received_from: datetime | None = None
    received_until: datetime | None = None
    worked_from: date | None = None
    worked_until: date | None = None
    item_ids: tuple[int, ...] = ()


class ChosenEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry that can be judged again. ``item_id`` is that of the desk item which holds it; None: it is accepted."""

    entry_id: int
    entity: str | None
    item_id: int | None


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """The entries in the order in which they are judged, and how many more are posted and left alone."""

    entries: tuple[ChosenEntry, ...]
    posted_count: int


_CHOSEN = """
    with chosen as (
        select t.entry_id, t.entity_id, t.project_id, t.message_id, t.item_no, t.disposition, i.item_id,
               l.delivery_id is not null
               and (d.state in ('ready', 'rejected') and d.attempts = 0) is not true as is_sent
          from time_entry t
          join message m on m.message_id = t.message_id
          left join desk_item i on i.subject_kind = 'time_entry' and i.subject_id = t.entry_id
               and i.state in ('open', 'released')
          left join root_cause c using (cause_id)
          left join golden_record e on e.record_id = t.entity_id
          left join posting_link l
            on l.entry_id = case when t.disposition = 5 then t.previous_entry_id else t.entry_id end
          left join delivery d using (delivery_id)
         where t.disposition in (1, 2, 5) and l.delivery_id is distinct from 0
           and (t.disposition <> 2 or i.item_id is not null)
           and not exists (select from time_entry newer
                            where newer.source_id = t.source_id and newer.system_id = t.system_id
                              and (newer.version, newer.revision) > (t.version, t.revision))
           and (%(system)s::text is null or m.system = %(system)s)
           and (%(object)s::text is null or m.object = %(object)s)
           and (%(entity)s::text is null or e.code = %(entity)s)
           and (%(code)s::text is null or c.code = %(code)s)
           and (%(received_from)s::timestamptz is null or m.received_at >= %(received_from)s)
           and (%(received_until)s::timestamptz is null or m.received_at < %(received_until)s)
           and (%(worked_from)s::date is null or t.work_date >= %(worked_from)s)
           and (%(worked_until)s::date is null or t.work_date < %(worked_until)s)
           and (%(items)s::bigint[] is null or i.item_id = any(%(items)s))
           and (%(entries)s::bigint[] is null or t.entry_id = any(%(entries)s))
    )
    select o.entry_id, e.code as entity, case when o.disposition = 2 then o.item_id end as item_id
      from chosen o left join golden_record e on e.record_id = o.entity_id
     where {which}
     order by e.code nulls last, o.project_id nulls last, o.message_id, o.item_no
"""


def choose(cur: Cursor[tuple[object, ...]], selection: Selection) -> Chosen:
    """What ``selection`` means now; raises ConfigurationError (TIE-REPLAY-001) for one that names nothing."""
    if selection == Selection():
        raise ConfigurationError(code="TIE-REPLAY-001", message="The replay names nothing that is to be judged again.")
    values = _values(selection, None)
    entries = _read(cur, "not o.is_sent", values)
    posted = _read(cur, "o.is_sent", values)
    return Chosen(entries=tuple(entries), posted_count=len(posted))


def still_chosen(cur: Cursor[tuple[object, ...]], entry_ids: Sequence[int]) -> list[ChosenEntry]:
    """Those of ``entry_ids`` that still stand and are not posted, in the order in which they are judged."""
    return _read(cur, "not o.is_sent", _values(Selection(), list(entry_ids)))


def digest(entries: Sequence[ChosenEntry]) -> str:
    """SHA-256 over the chosen entries, which are readings: one that was read anew since is another entry."""
    return hashlib.sha256(msgspec.json.encode(sorted(one.entry_id for one in entries))).hexdigest()


def _read(cur: Cursor[tuple[object, ...]], which: str, values: dict[str, object]) -> list[ChosenEntry]:
    with cur.connection.cursor(row_factory=class_row(ChosenEntry)) as rows:
        rows.execute(_CHOSEN.format(which=which), values)
        return rows.fetchall()


def _values(selection: Selection, entries: list[int] | None) -> dict[str, object]:
    return {
        **{name: getattr(selection, name) for name in Selection.__struct_fields__ if name != "item_ids"},
        "items": list(selection.item_ids) or None,
        "entries": entries,
    }
