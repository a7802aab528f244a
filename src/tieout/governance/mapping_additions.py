"""Lines of mapping tables that two people agreed on, outside the firm directory: they hold beside its own lines.

``runtime`` lays them over whatever directory is applied. A line of the directory that says something of the same word
at the same time goes before, so that a firm takes an addition over, or ends it, by writing it down.
"""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Final

import msgspec
from psycopg import Cursor
from psycopg.rows import class_row

from tieout.model.firm import FirmConfig, MappingLine

ANY: Final = "*"
NO_LINE: Final = 0
"""The number of a line that stands in no file."""


class MappingAddition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line: ``source`` of ``system`` for ``entity`` (``*``: any) means ``target``.

    It holds from ``valid_from`` until before ``valid_to``. The table is that of ``mappings/TABLE.csv``.
    """

    table: str
    source: str
    target: str
    system: str = ANY
    entity: str = ANY
    valid_from: date = date.min
    valid_to: date | None = None

    def line(self) -> MappingLine:
        """As a line of the firm's configuration."""
        return MappingLine(
            table=self.table,
            line=NO_LINE,
            system=self.system,
            entity=self.entity,
            source=self.source,
            target=self.target,
            valid_from=self.valid_from,
            valid_to=self.valid_to,
        )


def store(cur: Cursor[tuple[object, ...]], addition: MappingAddition, *, proposal_id: int, now: datetime) -> None:
    """Keep ``addition``, which proposal ``proposal_id`` agreed on, for every configuration to come."""
    cur.execute(
        """
        insert into mapping_addition (proposal_id, table_name, system, entity, source, target, valid_from, valid_to,
                                      added_at)
        values (%s, %s, %s, %s, %s, %s, %s, %s, %s)
        """,
        (
            proposal_id,
            addition.table,
            addition.system,
            addition.entity,
            addition.source,
            addition.target,
            addition.valid_from,
            addition.valid_to,
            now,
        ),
    )


def load(cur: Cursor[tuple[object, ...]]) -> list[MappingAddition]:
    """All additions, in the order in which they were made."""
    with cur.connection.cursor(row_factory=class_row(MappingAddition)) as rows:
        rows.execute(
            """
            select table_name as "table", system, entity, source, target, valid_from, valid_to from mapping_addition
             order by addition_id
            """
        )
        return rows.fetchall()


def merged(config: FirmConfig, additions: Sequence[MappingAddition]) -> FirmConfig:
    """``config`` of a directory with the ``additions`` that it says nothing about; without any it is the same."""
    for one in additions:
        if not clashing(config.mappings, one):
            config = added(config, one)
    return config


def added(config: FirmConfig, addition: MappingAddition) -> FirmConfig:
    """``config`` with one line more, under a hash that follows from both."""
    content = config.content_hash.encode() + msgspec.json.encode(addition, order="sorted")
    return msgspec.structs.replace(
        config,
        mappings=(*config.mappings, addition.line()),
        content_hash=hashlib.sha256(b"tieout-mapping-1\n" + content).hexdigest(),
    )


def clashing(lines: Iterable[MappingLine], addition: MappingAddition) -> MappingLine | None:
    """A line that says something of the same word for the same system and entity at the same time, or None."""
    ends = addition.valid_to or date.max
    return next(
        (
            one
            for one in lines
            if (one.table, one.system, one.entity, one.source)
            == (addition.table, addition.system, addition.entity, addition.source)
            and one.valid_from < ends
            and addition.valid_from < (one.valid_to or date.max)
        ),
        None,
    )
