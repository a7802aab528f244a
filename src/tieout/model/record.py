"""The envelope of every canonical record (domain model 1.2): identity, version, time, origin, owners and content hash.

``records`` keeps envelopes bitemporally; a change that leaves the content hash as it was makes no new version.
"""

from collections.abc import Iterable
from datetime import datetime
from itertools import combinations
from typing import Generic, TypeVar
from uuid import UUID

import msgspec

from tieout.model.identity import ExternalId, content_hash
from tieout.model.rule import refuse
from tieout.model.span import DateSpan

Body = TypeVar("Body", bound=msgspec.Struct)
_UUID_VERSION = 7


class RecordSource(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a version came from: system, legal entity, the event that brought it, and when it arrived."""

    system: str
    entity: str | None
    event_id: str
    received_at: datetime


class CanonicalRecord(msgspec.Struct, Generic[Body], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One version of one record.

    ``body`` is the canonical object; ``owner_map`` says which system owns each group of
    its fields; ``effective`` is the span it is true for, ``recorded_at`` the instant from which we knew it.
    """

    id: UUID
    type: str
    schema_version: int
    version: int
    recorded_at: datetime
    source: RecordSource
    body: Body
    identifiers: tuple[ExternalId, ...] = ()
    effective: DateSpan | None = None
    owner_map: dict[str, str] = {}
    tombstone: bool = False

    def __post_init__(self) -> None:
        """Refuse ids that are not UUIDv7, versions below 1, readings without zone, and one identifier twice."""
        name = f"Record {self.type} {self.id}"
        if self.id.version != _UUID_VERSION:
            refuse(name, "its id is not a UUID of version 7")
        if self.version < 1 or self.schema_version < 1:
            refuse(name, f"version {self.version} or schema version {self.schema_version} is below 1")
        if self.recorded_at.tzinfo is None or self.source.received_at.tzinfo is None:
            refuse(name, "an instant names no zone")
        if clash := clashing_identifiers([self]):
            refuse(name, f"it has identifier {clash[0]} twice")

    @property
    def hash(self) -> bytes:
        """SHA-256 of the content: body, identifiers, effective span and tombstone; not of version, origin or time."""
        return content_hash((self.body, self.identifiers, self.effective, self.tombstone))

    def followed_by(
        self, body: Body, *, recorded_at: datetime, source: RecordSource, tombstone: bool = False
    ) -> "CanonicalRecord[Body] | None":
        """The next version with this content, or None when the content is what it was."""
        following = msgspec.structs.replace(
            self, body=body, recorded_at=recorded_at, source=source, tombstone=tombstone, version=self.version + 1
        )
        return None if following.hash == self.hash else following


def clashing_identifiers(records: Iterable[CanonicalRecord[Body]]) -> list[str]:
    """The keys of identifiers that name two records, or one record twice, on one day (tombstones do not count)."""
    by_key: dict[str, list[DateSpan]] = {}
    for record in records:
        if not record.tombstone:
            for one in record.identifiers:
                by_key.setdefault(one.key, []).append(DateSpan(starts=one.valid_from, ends=one.valid_to))
    return [key for key, spans in by_key.items() if any(one.overlaps(other) for one, other in combinations(spans, 2))]
