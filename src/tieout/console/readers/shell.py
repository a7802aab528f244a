"""What every page's frame shows: the entities and periods to choose from, and what needs somebody."""

import msgspec
from psycopg import Connection


class Entity(msgspec.Struct, frozen=True, kw_only=True):
    """A legal entity as the choice names it."""

    code: str
    name: str


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """Choices and counts. ``chain_head`` is the newest entry of the audit chain, for paper."""

    firm: str | None
    firm_version: int | None
    entities: list[Entity]
    periods: list[str]
    exceptions: int
    in_doubt: int
    paused: int
    chain_head: str | None

    @property
    def period(self) -> str | None:
        """The newest period in which anything was taken in."""
        return self.periods[0] if self.periods else None


def read_frame(conn: Connection[tuple[object, ...]]) -> Frame:
    """The frame as it is now, of the legal entities that the reader may see."""
    row = conn.execute(
        """
        select (select array_agg(array[code, coalesce(fields ->> 'name', code)] order by code)
                  from golden_record where type = 'legal_entity' and not tombstone and code is not null),
               (select array_agg(distinct period order by period desc) from tie_out_figure
                 where run_id = (select max(run_id) from tie_out_run) and period <> 'unassigned'),
               (select count(*) from desk_item where state in ('open', 'released')),
               (select count(*) from delivery where state = 'in_doubt'),
               (select count(*) from paused_object),
               (select seq || ' ' || left(encode(hash, 'hex'), 16) from audit_entry order by seq desc limit 1),
               (select max(version) from firm_version),
               (select convert_from(config, 'UTF8')::jsonb ->> 'name' from firm_version order by version desc limit 1)
        """
    ).fetchone()
    if row is None:
        raise AssertionError
    entities, periods, exceptions, in_doubt, paused, head, *applied = row
    version, firm = applied
    return Frame(
        firm=None if firm is None else str(firm),
        firm_version=None if version is None else int(str(version)),
        entities=[Entity(code=code, name=name) for code, name in msgspec.convert(entities or [], list[list[str]])],
        periods=msgspec.convert(periods or [], list[str]),
        exceptions=int(str(exceptions)),
        in_doubt=int(str(in_doubt)),
        paused=int(str(paused)),
        chain_head=None if head is None else str(head),
    )
