"""Which readings are new: exact repeats have no effect, and of several versions only the newest is judged.

The order of versions, not the order of arrival, decides: any permutation of the versions of an entry ends in the state
of its newest version. Several changes within one version number (a source whose clock ticks in seconds) count in the
order they arrived. Time entries (``pipeline``), assignments and absences (``bookings``) are received in the same way.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Generic, Protocol, TypeAlias, TypeVar

import msgspec
from psycopg import Cursor

from tieout.inbound.reading import Disposition, Known, KnownVersion, Reading, Released
from tieout.model.finding import Finding, finding

SourceKey: TypeAlias = tuple[str, int]


class Versioned(Protocol):
    """A reading of one version of something in a source. ``noun`` is what the something is called.

    The receiver fills in ``revision``, ``disposition`` and ``previous_entry_id``, the id of the newest stored reading.
    """

    noun: ClassVar[str]

    system: str
    system_id: int
    source_id: str
    version: int
    digest: int
    released: Released | None
    is_revaluation: bool
    revision: int
    disposition: int
    previous_entry_id: int | None

    @property
    def known(self) -> Sequence[KnownVersion]:
        """Its stored readings, oldest version first."""

    def add(self, finding: Finding) -> None:
        """Note one more finding."""


_Reading = TypeVar("_Reading", bound=Versioned)


class Received(msgspec.Struct, Generic[_Reading]):
    """``heads``: the newest reading of each source entry, to be judged. ``superseded``: older ones, to be kept.

    ``stale``: readings read again whose entry has a newer reading by now. ``repeats`` counts readings of versions that
    were known already and say the same.
    """

    heads: list[_Reading]
    superseded: list[_Reading]
    stale: list[_Reading]
    repeats: int


def receive(readings: Sequence[Reading], history: Mapping[SourceKey, tuple[Known, ...]]) -> Received[Reading]:
    """Sort time entries (in order of arrival) by what is to be done with them; pure.

    ``history`` holds the stored readings of their source entries, oldest version first.
    """
    if history:
        for reading in readings:
            reading.known = history.get((reading.source_id, reading.system_id), ())
    return sort_versions(readings)


def sort_versions(readings: Sequence[_Reading]) -> Received[_Reading]:
    """Sort ``readings`` (in order of arrival), each with what is known of it, by what is to be done with them; pure."""
    heads: dict[SourceKey, _Reading] = {}
    received: Received[_Reading] = Received([], [], [], 0)
    first: dict[SourceKey, _Reading] = {}
    several: dict[SourceKey, set[tuple[int, int]]] = {}
    for reading in readings:
        key = (reading.source_id, reading.system_id)
        earlier = first.setdefault(key, reading)
        if earlier is not reading and _came_before(
            reading, several.setdefault(key, {(earlier.version, earlier.digest)})
        ):
            received.repeats += 1
            continue
        if reading.known and not _is_news(reading, received):
            continue
        before = heads.get(key)
        if before is None:
            heads[key] = reading
        elif before.version > reading.version:
            received.superseded.append(_out_of_order(reading, before.version))
        else:
            received.superseded.append(before)
            del heads[key]
            heads[key] = reading
    received.heads.extend(heads.values())
    if received.superseded or any(one.known for one in received.heads):
        _number_revisions(received)
    for reading in received.superseded:
        reading.disposition = Disposition.SUPERSEDED
    return received


def _came_before(reading: Versioned, seen: set[tuple[int, int]]) -> bool:
    fact = (reading.version, reading.digest)
    if fact in seen:
        return True
    seen.add(fact)
    return False


def _is_news(reading: _Reading, received: Received[_Reading]) -> bool:
    """Whether something known is changed by ``reading``; when not, it is sorted in already."""
    known = reading.known
    reading.previous_entry_id = known[-1].entry_id
    released = reading.released
    if released is not None and released.subject_id:
        if released.subject_id != known[-1].entry_id:
            received.stale.append(reading)
            return False
        return True
    if reading.is_revaluation:
        return (known[-1].version, known[-1].digest) == (reading.version, reading.digest)
    if _is_repeat(reading, known):
        if released is None:
            received.repeats += 1
        else:
            received.stale.append(reading)
        return False
    if reading.version < known[-1].version:
        received.superseded.append(_out_of_order(reading, known[-1].version))
        if released is not None:
            received.stale.append(reading)
        return False
    return True


def _is_repeat(reading: Versioned, known: Sequence[KnownVersion]) -> bool:
    return any(one.version == reading.version and one.digest == reading.digest for one in known)


def _out_of_order(reading: _Reading, newest: int) -> _Reading:
    reading.add(
        finding(
            "OUT_OF_ORDER_VERSION",
            f"Version {reading.version} of {reading.noun} {reading.source_id} of {reading.system} arrived after "
            f"version {newest}, which stands.",
            cause=reading.system,
        )
    )
    return reading


def _number_revisions(received: Received[_Reading]) -> None:
    """Number several readings of one version, the one that stands last."""
    taken: dict[tuple[SourceKey, int], int] = {}
    for reading in (*received.superseded, *received.heads):
        slot = ((reading.source_id, reading.system_id), reading.version)
        if slot not in taken:
            taken[slot] = max((one.revision + 1 for one in reading.known if one.version == reading.version), default=0)
        reading.revision = taken[slot]
        taken[slot] += 1


def load_history(cur: Cursor[tuple[object, ...]], keys: Sequence[SourceKey]) -> dict[SourceKey, tuple[Known, ...]]:
    """The stored readings of the source entries ``keys``, oldest version first; entries never seen are absent."""
    cur.execute(
        """
        select source_id, system_id, entry_id, version, revision, disposition, digest, state, previous_entry_id,
               resource_id, project_id, task_id, role_id, entity_id, coalesce(work_date - date '0001-01-01' + 1, 0),
               coalesce((hours * 10000)::bigint, 0), coalesce(billable, false), work_type
          from time_entry
         where source_id = any(%s) and system_id = any(%s)
         order by version, revision
        """,
        ([key[0] for key in keys], sorted({key[1] for key in keys})),
        binary=True,
    )
    found: dict[SourceKey, list[Known]] = {}
    for row in cur:
        found.setdefault((row[0], row[1]), []).append(Known(*row[2:]))  # type: ignore[arg-type]  # untyped rows
    return {key: tuple(known) for key, known in found.items()}
