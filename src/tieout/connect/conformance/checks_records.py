"""Checks of masters and plans, kind by kind: complete and right, changed by hand, deleted by hand.

A connector is asked for the kinds that its manifest declares (``ReadCapability.kinds``), and for those that its objects
turn out to speak of. Neighbours: ``seeded`` knows what is true, ``hand_work`` what people do, ``survey`` reads.
"""

from functools import partial
from typing import Final

from tieout.connect.conformance.bench import Bench
from tieout.connect.conformance.check import Catalogue, reads
from tieout.connect.conformance.hand_work import HAND_WORK
from tieout.connect.conformance.score import NotApplicableError, expect
from tieout.connect.conformance.seeded import EXPECTED, Expected, Facts, differences, plain
from tieout.connect.conformance.survey import (
    Reading,
    deletion_shows,
    objects_of,
    read_kind,
    read_kinds,
    read_on,
)
from tieout.connect.simulator.control import Change
from tieout.connect.source import Readable
from tieout.model.reported import FieldValue

CHECKS: Final = Catalogue()
_MOST_TOLD: Final = 3


async def _is_read_whole(bench: Bench, *, kind: str) -> None:
    await objects_of(bench, kind)
    bench.site.reset()
    expected = EXPECTED[kind]
    reading = await read_kinds(bench, kind, *expected.means)
    names = reading.names()
    items = [facts for item, facts in reading.told(kind, names) if reading.living(kind).get(item.source_id) is item]
    seeded = expected.seeded(bench.site.firm)
    expect(items, f"the manifest declares {kind}, and none of the fixture firm is read")
    known_by = _known_by(expected, items)
    by_key: dict[tuple[FieldValue, ...], list[Facts]] = {}
    for one in items:
        by_key.setdefault(_key(one, known_by), []).append(one)
    wrong: list[str] = []
    for one in seeded:
        key = _key(one, known_by)
        found = by_key.pop(key, [])
        if len(found) != 1:
            wrong.append(f"{_words(key)} is read {len(found)} times")
            continue
        wrong += [f"{_words(key)}: {difference}" for difference in differences(one, found[0])]
    expect(not wrong, f"{len(wrong)} things are wrong in {len(seeded)} of {kind}: {'; '.join(wrong[:_MOST_TOLD])}")
    if expected.exactly:
        expect(not by_key, f"{len(by_key)} of {kind} are read that nobody seeded, the first: {list(by_key)[:1]}")


async def _change_by_hand_is_read(bench: Bench, *, kind: str) -> None:
    await objects_of(bench, kind)
    bench.site.reset()
    work = HAND_WORK[kind](bench.site.firm)
    before = await read_kind(bench, kind)
    _do(bench, work.adds)
    after_adding = await read_on(bench, before)
    added = await _only(bench, kind, after_adding, work.added, "a new one")
    expect(added.source_id not in before.living(kind), "a new one has the source id of one that was there before")
    _do(bench, work.changes)
    after_changing = await read_on(bench, after_adding)
    changed = await _only(bench, kind, after_changing, work.changed, "a changed one")
    expect(
        changed.source_id == added.source_id,
        f"its source id was {added.source_id} and is {changed.source_id} since it was changed",
    )
    expect(changed.version >= added.version, "its version is smaller than before it was changed")


async def _deletion_by_hand_is_seen(bench: Bench, *, kind: str) -> None:
    await objects_of(bench, kind)
    work = HAND_WORK[kind](bench.site.firm)
    if work.deletes is None:
        raise NotApplicableError(f"nobody deletes a {kind.replace('_', ' ')} by itself")
    bench.site.reset()
    before = await read_kind(bench, kind)
    _do(bench, work.adds)
    there = await read_on(bench, before)
    doomed = await _only(bench, kind, there, work.added, "a new one")
    _do(bench, work.deletes)
    gone = await read_on(bench, there)
    if await deletion_shows(bench, kind):
        expect(doomed.source_id in gone.deleted(kind), "the deletion is declared to be told and is not, under its id")
        return
    whole = await read_kind(bench, kind)
    expect(doomed.source_id not in whole.living(kind), "what was deleted is still told as living by a full read")
    survivors = set(before.living(kind))
    expect(survivors <= set(whole.living(kind)), "others are missing from a full read after one was deleted")


def _do(bench: Bench, change: Change) -> None:
    bench.site.change(change)


async def _only(bench: Bench, kind: str, reading: Reading, wanted: Facts, what: str) -> Readable:
    """The newest item that says what is wanted; fails unless just one id says so."""
    expected = EXPECTED[kind]
    told = reading.told(kind, (await read_kinds(bench, *expected.means)).names())
    known_by = _known_by(expected, [facts for _, facts in told] or [wanted])
    candidates = [(item, facts) for item, facts in told if _key(facts, known_by) == _key(wanted, known_by)]
    expect(candidates, f"{what} ({_words(_key(wanted, known_by))}) is not read from the cursor on")
    right = [item for item, facts in candidates if not differences(wanted, facts)]
    expect(right, f"{what} is read otherwise than it is: {differences(wanted, candidates[-1][1])[:_MOST_TOLD]}")
    expect(len({item.source_id for item in right}) == 1, f"{what} is read under several source ids")
    return max(right, key=lambda item: item.version)


def _known_by(expected: Expected, items: list[Facts]) -> tuple[str, ...]:
    for names in expected.known_by:
        if all(name in one for one in items for name in names):
            return tuple(names)
    raise NotApplicableError(
        "records cannot be told apart: the connector tells neither "
        + " nor ".join(" and ".join(names) for names in expected.known_by)
    )


def _key(facts: Facts, names: tuple[str, ...]) -> tuple[FieldValue, ...]:
    return tuple(plain(name, facts.get(name)) for name in names)


def _words(key: tuple[FieldValue, ...]) -> str:
    return " / ".join(str(one) for one in key)


for _kind in EXPECTED:
    _words_of_kind = _kind.replace("_", " ")
    CHECKS.add(
        name=f"every_{_kind}_is_read_whole",
        proves=f"Kind {_words_of_kind}: all of the fixture firm come once, and what is told of them is right.",
        applies=reads,
        experiment=partial(_is_read_whole, kind=_kind),
    )
for _kind in HAND_WORK:
    _words_of_kind = _kind.replace("_", " ")
    _article = "an" if _kind[0] in "aeiou" else "a"
    CHECKS.add(
        name=f"{_article}_{_kind}_changed_by_hand_is_read",
        proves=f"Kind {_words_of_kind}: what is added and changed by hand comes from the cursor on, under one id.",
        applies=reads,
        experiment=partial(_change_by_hand_is_read, kind=_kind),
    )
    CHECKS.add(
        name=f"{_article}_{_kind}_deleted_by_hand_is_seen",
        proves=f"Kind {_words_of_kind}: a deletion by hand is told or missing, as the manifest declares it.",
        applies=reads,
        experiment=partial(_deletion_by_hand_is_seen, kind=_kind),
    )
