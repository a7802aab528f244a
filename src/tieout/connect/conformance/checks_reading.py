"""Checks of the source: nothing is lost, whatever happens between two pages; and it is known what was deleted."""

from datetime import UTC, datetime, timedelta
from typing import Final

from tieout.connect.conformance.bench import Bench, latest
from tieout.connect.conformance.check import Catalogue, reads, reads_time
from tieout.connect.conformance.fixture_firm import fixture_entry
from tieout.connect.conformance.score import NotApplicableError, expect
from tieout.connect.manifest import DeleteVisibility
from tieout.connect.simulator.control import Change, DeleteTimeEntry, PutTimeEntry, Switches
from tieout.connect.simulator.seed import SeedTimeEntry
from tieout.connect.source import Page, Unreadable
from tieout.model.reported import ReportedState, ReportedTime

CHECKS: Final = Catalogue()
_MOST_PAGES: Final = 200
_NEW: Final = 900_000
"""Numbers of entries that a check adds start here, beyond those of the fixture."""


def _new_entry(number: int, *, minutes: int) -> SeedTimeEntry:
    return fixture_entry(_NEW + number, updated_at=datetime(2026, 9, 1, tzinfo=UTC), minutes=minutes)


def _times(bench: Bench, pages: list[Page]) -> dict[str, ReportedTime]:
    found = latest(bench.translate(pages)).values()
    return {one.source_id: one for one in found if isinstance(one, ReportedTime)}


def _living(times: dict[str, ReportedTime]) -> dict[str, ReportedTime]:
    return {key: one for key, one in times.items() if one.state is not ReportedState.DELETED}


def _with_minutes(times: dict[str, ReportedTime], minutes: int) -> list[ReportedTime]:
    return [one for one in times.values() if _minutes(one) == minutes]


def _minutes(time: ReportedTime) -> int:
    """Whole minutes: hours keep four decimals, so they come back within a fiftieth of a minute."""
    return round(time.hours * 60)


@CHECKS.check(reads, fresh=True)
async def every_declared_object_can_be_read(bench: Bench) -> None:
    """Every declared object is read and translated without an unreadable item, page after page."""
    for name, pages in (await bench.read_everything()).items():
        for page in pages:
            expect(page.object == name, f"a page of {name} says that it is of {page.object}")
            items = bench.translate([page])
            problems = [item.problem for item in items if isinstance(item, Unreadable)]
            expect(not problems, f"{name}: {len(problems)} items are unreadable, the first: {problems[:1]}")


@CHECKS.check(reads, fresh=True)
async def pages_end_and_keep_their_size(bench: Bench) -> None:
    """Reading ends by itself, also from the last cursor, and no page is larger than declared."""
    for capability in bench.manifest.reads:
        cursor: str | None = None
        for _ in range(2):
            count = 0
            async with bench.source() as source:
                async for page in source.read(capability.object, cursor):
                    count += 1
                    expect(count <= _MOST_PAGES, f"{capability.object} does not end after {_MOST_PAGES} pages")
                    expect(
                        page.item_count is None or page.item_count <= capability.page_size,
                        f"{capability.object}: a page of {page.item_count} items; {capability.page_size} are declared",
                    )
                    cursor = page.next_cursor


@CHECKS.check(reads, fresh=True)
async def a_cursor_resumes_with_nothing_lost(bench: Bench) -> None:
    """A reader that dies after every single page and goes on from its cursor reads everything (twice is allowed)."""
    for name in bench.objects:
        pages = await bench.read(name)
        whole = set(latest(bench.translate(pages)))
        seen: set[tuple[str, str]] = set()
        cursor: str | None = None
        for _ in range(2 * len(pages) + 3):
            page = await bench.read_first_page(name, cursor)
            if page is None:
                break
            seen |= set(latest(bench.translate([page])))
            cursor = page.next_cursor
        expect(whole <= seen, f"{name}: {len(whole - seen)} of {len(whole)} records are lost between cursors")


@CHECKS.check(reads_time, fresh=True)
async def nothing_seeded_is_lost_or_invented(bench: Bench) -> None:
    """Day, minutes, billable and narrative of every time entry come back, each once (equal times at page edges)."""
    found: dict[str, ReportedTime] = {}
    for pages in (await bench.time_objects()).values():
        found |= _times(bench, pages)
    got = sorted((one.work_date.isoformat(), _minutes(one), one.billable, one.narrative) for one in found.values())
    sent = sorted((one.work_date, one.minutes, one.billable, one.notes) for one in bench.site.entries)
    expect(len(got) == len(sent), f"{len(sent)} time entries were seeded and {len(got)} read")
    wrong = [pair for pair in zip(sent, got, strict=True) if pair[0] != pair[1]]
    expect(not wrong, f"{len(wrong)} time entries came back otherwise, the first: {wrong[:1]}")


@CHECKS.check(reads_time, fresh=True)
async def pages_that_shift_lose_nothing(bench: Bench) -> None:
    """Entries that are deleted and changed while their pages are read move others between pages; none is lost."""
    name, before = await _time_object(bench)
    survivors = set(_living(_times(bench, before)))
    entries = list(bench.site.entries)
    doomed, moved = entries[0], entries[1]
    async with bench.source() as source:
        pages: list[Page] = []
        async for page in source.read(name, None):
            if not pages:
                bench.site.change(
                    DeleteTimeEntry(key=doomed.key), PutTimeEntry(entry=moved), DeleteTimeEntry(key=entries[2].key)
                )
            pages.append(page)
    pages += await bench.read(name, pages[-1].next_cursor)
    gone = survivors - set(_times(bench, pages))
    expect(len(gone) <= 2, f"{len(gone)} entries are missing after pages shifted; two were deleted")  # noqa: PLR2004


@CHECKS.check(reads_time, fresh=True)
async def a_change_is_read_with_a_greater_version(bench: Bench) -> None:
    """A changed entry is read from the cursor on, under its own id and with a greater version."""
    name, pages = await _time_object(bench)
    before = _times(bench, pages)
    entry = bench.site.entries[5]
    changed = fixture_entry(5, updated_at=datetime(2026, 9, 2, tzinfo=UTC), minutes=1111)
    old = [one for one in before.values() if one.narrative == entry.notes]
    expect(len(old) == 1, f"entry {entry.key} was not read once before its change")
    bench.site.change(PutTimeEntry(entry=changed))
    after = _times(bench, await bench.read(name, pages[-1].next_cursor))
    new = _with_minutes(after, 1111)
    expect(len(new) == 1, "a changed entry is not read from the cursor on")
    expect(new[0].source_id == old[0].source_id, "a changed entry has another source id than before")
    expect(new[0].version > old[0].version, "the version did not grow with the change")


@CHECKS.check(reads_time, fresh=True)
async def a_late_commit_within_the_overlap_is_read(bench: Bench) -> None:
    """An entry that appears with a time before the cursor, by clock skew or a late commit, is still read."""
    name, _ = await _time_object(bench)
    capability = bench.manifest.read(name)
    if capability is None or not capability.overlap_s:
        raise NotApplicableError("the cursor of time entries does not go by time")
    bench.site.change(PutTimeEntry(entry=_new_entry(1, minutes=1201)))
    pages = await bench.read(name)
    expect(len(_with_minutes(_times(bench, pages), 1201)) == 1, "a new entry is not read")
    bench.site.switch(Switches(clock_offset_s=-capability.overlap_s * 0.8))
    late: Change = PutTimeEntry(entry=_new_entry(2, minutes=1202))
    bench.site.change(late)
    after = _times(bench, await bench.read(name, pages[-1].next_cursor))
    expect(
        len(_with_minutes(after, 1202)) == 1,
        f"an entry stamped {timedelta(seconds=capability.overlap_s * 0.8)} before the cursor is never read",
    )


@CHECKS.check(reads_time, fresh=True)
async def entries_of_the_same_instant_as_the_cursor_are_read(bench: Bench) -> None:
    """Entries that get the very time of the last one read, after it was read, are still read."""
    name, _ = await _time_object(bench)
    bench.site.change(PutTimeEntry(entry=_new_entry(3, minutes=1203)))
    pages = await bench.read(name)
    bench.site.switch(Switches(clock_offset_s=-1.0))
    bench.site.change(*(PutTimeEntry(entry=_new_entry(4 + one, minutes=1204 + one)) for one in range(3)))
    after = _times(bench, await bench.read(name, pages[-1].next_cursor))
    lost = [minutes for minutes in (1204, 1205, 1206) if not _with_minutes(after, minutes)]
    expect(not lost, f"{len(lost)} of 3 entries written within a second of the cursor are lost")


@CHECKS.check(reads_time, fresh=True)
async def a_deletion_is_seen_or_declared_unseen(bench: Bench) -> None:
    """A deleted entry is reported as deleted under its id, or the manifest declares that only its absence shows."""
    everything = await bench.read_everything()
    before = {name: _times(bench, pages) for name, pages in everything.items()}
    if not any(before.values()):
        raise NotApplicableError("the connector reads no time entries")
    doomed = bench.site.entries[7]
    ids = {key for times in before.values() for key, one in times.items() if one.narrative == doomed.notes}
    expect(len(ids) == 1, f"entry {doomed.key} was not read under one id before its deletion")
    bench.site.change(DeleteTimeEntry(key=doomed.key))
    told: set[str] = set()
    for name, pages in everything.items():
        cursor = pages[-1].next_cursor if pages else None
        after = _times(bench, await bench.read(name, cursor))
        told |= {key for key, one in after.items() if one.state is ReportedState.DELETED}
    time_objects = [name for name, times in before.items() if times]
    visibility = [one.deletes for one in bench.manifest.reads if one.object in time_objects]
    if all(one is DeleteVisibility.ABSENCE for one in visibility):
        left = {key for name in time_objects for key in _living(_times(bench, await bench.read(name)))}
        expect(not ids & left, "a deleted entry is still reported as living by a full read")
        return
    expect(ids <= told, "the deletion is declared visible and was not reported under the entry's id")


@CHECKS.check(reads_time, fresh=True)
async def what_is_approved_is_told(bench: Bench) -> None:
    """Approved entries are approved and others are not; who approved is told where the system knows."""
    found: dict[str, ReportedTime] = {}
    for pages in (await bench.time_objects()).values():
        found |= _times(bench, pages)
    approved = {one.notes for one in bench.site.entries if one.approved}
    for one in found.values():
        expect(
            (one.state is ReportedState.APPROVED) == (one.narrative in approved),
            f"{one.narrative!r} is told as {one.state}, which it is not",
        )
    named = [one for one in found.values() if one.state is ReportedState.APPROVED and one.approved_by]
    expect(named, "no approval names an approver, so nobody could check who approved")


@CHECKS.check(reads, fresh=True)
async def fresh_objects_give_the_same_answers(bench: Bench) -> None:
    """Nothing is kept in the connector: another source, opened beside the first, reads the same."""
    for name in bench.objects:
        async with bench.source() as one, bench.source() as other:
            first = [page async for page in one.read(name, None)]
            second = [page async for page in other.read(name, None)]
            again = [page async for page in one.read(name, None)]
        facts = [latest(bench.translate(pages)) for pages in (first, second, again)]
        expect(facts[0] == facts[1] == facts[2], f"{name}: fresh sources do not read the same")


async def _time_object(bench: Bench) -> tuple[str, list[Page]]:
    """The object that most time entries come from, and its pages."""
    objects = await bench.time_objects()
    return max(objects.items(), key=lambda item: len(_times(bench, item[1])))
