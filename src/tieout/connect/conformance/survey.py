"""Which vendor objects speak of which kinds, and reading one kind from wherever it is told.

A manifest declares kinds by object (``ReadCapability.kinds``); those of an object that declares none are found out by
reading it once in a run. An object that was silent then (a feed of events) may speak of anything later, so it is read
too where a change or a deletion is looked for. Neighbours: ``checks_records`` and ``checks_writing_masters`` read by
it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tieout.connect.conformance.bench import Bench, latest
from tieout.connect.conformance.score import NotApplicableError, expect
from tieout.connect.conformance.seeded import Facts, Names, told_of
from tieout.connect.manifest import DeleteVisibility, ReadCapability
from tieout.connect.source import Readable, Unreadable, kind_of
from tieout.model.reported import ReportedAssignment, ReportedBooking, ReportedLeave, ReportedRecord, ReportedTimeOff


@dataclass(frozen=True)
class Reading:
    """What was read of all objects of interest, and the cursor of each to go on from."""

    items: Sequence[Readable]
    cursors: dict[str, str | None]

    def names(self) -> Names:
        """The name of every record that has one, by kind and source id."""
        return {
            (kind_of(item), item.source_id): str(item.fields["name"])
            for item in self.items
            if isinstance(item, ReportedRecord) and item.fields.get("name")
        }

    def living(self, kind: str) -> dict[str, Readable]:
        """The newest version of each item of a kind that is not deleted, by source id."""
        newest = latest(self.items)
        return {key: item for (name, key), item in newest.items() if name == kind and not is_deleted(item)}

    def deleted(self, kind: str) -> set[str]:
        """The source ids of a kind that were told as deleted."""
        return {item.source_id for item in self.items if kind_of(item) == kind and is_deleted(item)}

    def told(self, kind: str, names: Names) -> list[tuple[Readable, Facts]]:
        """Every item of a kind that is not deleted, in all its versions, with what it says."""
        items = [item for item in self.items if kind_of(item) == kind and not is_deleted(item)]
        return [(item, told_of(item, names)) for item in items]


def is_deleted(item: Readable) -> bool:
    """Whether an item is a tombstone."""
    match item:
        case ReportedRecord():
            return item.deleted
        case ReportedAssignment():
            return item.state is ReportedBooking.DELETED
        case ReportedTimeOff():
            return item.state is ReportedLeave.DELETED
    return False


async def objects_of(bench: Bench, kind: str) -> list[ReadCapability]:
    """The objects that speak of a kind; not applicable where none does.

    Fails where the manifest declares a kind that the fixture firm has and none of its objects tells anything of it.
    """
    found = [one for one in bench.manifest.reads if kind in await _kinds(bench, one)]
    if not found:
        raise NotApplicableError(f"the connector reads no {kind.replace('_', ' ')}")
    return found


async def silent_objects(bench: Bench) -> list[ReadCapability]:
    """The objects that declare no kinds and told nothing when they were read first."""
    return [one for one in bench.manifest.reads if not one.kinds and not await _kinds(bench, one)]


async def _kinds(bench: Bench, capability: ReadCapability) -> frozenset[str]:
    if capability.kinds:
        return frozenset(capability.kinds)
    if capability.object not in bench.kinds_found:
        items = bench.translate(await bench.read(capability.object))
        bench.kinds_found[capability.object] = frozenset(
            kind_of(item) for item in items if not isinstance(item, Unreadable)
        )
    return bench.kinds_found[capability.object]


async def read_kinds(bench: Bench, *kinds: str) -> Reading:
    """The objects that speak of any of the kinds, from the beginning; a kind that is read from nowhere is left out."""
    wanted = frozenset(kinds)
    objects = [one.object for one in bench.manifest.reads if wanted & await _kinds(bench, one)]
    return await _reading(bench, dict.fromkeys(objects))


async def read_kind(bench: Bench, kind: str) -> Reading:
    """The objects that may speak of a kind, silent ones too, from the beginning."""
    objects = [*await objects_of(bench, kind), *await silent_objects(bench)]
    return await _reading(bench, {one.object: None for one in objects})


async def read_on(bench: Bench, before: Reading) -> Reading:
    """What came to the objects of an earlier reading since."""
    return await _reading(bench, before.cursors)


async def _reading(bench: Bench, cursors: dict[str, str | None]) -> Reading:
    items: list[Readable] = []
    reached: dict[str, str | None] = {}
    for name, cursor in cursors.items():
        pages = await bench.read(name, cursor)
        reached[name] = pages[-1].next_cursor if pages else cursor
        for item in bench.translate(pages):
            expect(not isinstance(item, Unreadable), f"{name}: an item of the fixture firm is unreadable: {item}")
            if not isinstance(item, Unreadable):
                items.append(item)
    return Reading(items, reached)


async def deletion_shows(bench: Bench, kind: str) -> bool:
    """Whether the manifest declares that a deletion of the kind is told, and not only missing from a full walk."""
    return any(one.deletes is not DeleteVisibility.ABSENCE for one in await objects_of(bench, kind))
