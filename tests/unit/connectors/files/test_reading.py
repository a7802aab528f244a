"""Files come in whole, in the order of their numbers and once, whatever is delivered how often."""

import os
from datetime import UTC, datetime
from pathlib import Path

import openpyxl  # type: ignore[import-untyped]  # it has no types of its own
import pytest

from tieout.connect.manifest import Role
from tieout.connect.source import Page
from tieout.connectors.files.definition import Definition, Inbox, Layout, Trailer
from tieout.connectors.files.mapping import FilesTranslator
from tieout.connectors.files.read import FilesSource
from tieout.connectors.files.transport import PARTIAL, LocalExchange
from tieout.errors import ContractError
from tieout.model.clock import FixedClock
from tieout.model.reported import ReportedRecord

NOW = datetime(2026, 8, 10, 12, tzinfo=UTC)


def definition(**changes: object) -> Definition:
    told: dict[str, object] = {
        "object": "rates",
        "kind": "cost_rate",
        "folder": "in",
        "pattern": r"R_(?P<company>\w+)_(?P<sequence>\d+)\.csv",
        "layout": Layout(format="csv", columns=("person", "price")),
        "key": ("person",),
        "id": "#key",
        "fields": {"price": "price"},
        "references": {"resource": "person"},
        "ready": "renamed",
        "sequence_by": ("company",),
        **changes,
    }
    return Definition(title="Payroll", role=Role.PAYROLL, documentation=("agreement",), inbox=(Inbox(**told),))  # type: ignore[arg-type]  # by name


class Folder:
    """A folder of this machine, and a reader that starts anew each time from where it was."""

    def __init__(self, root: Path, described: Definition) -> None:
        self.inbox = root / "in"
        self.inbox.mkdir()
        self.root = root
        self.described = described
        self.cursor: str | None = None
        self.notices: list[tuple[str, str]] = []

    def drop(self, name: str, *rows: str, age_s: float = 60.0) -> None:
        path = self.inbox / name
        path.write_text("\n".join(["person,price", *rows]) + "\n")
        when = NOW.timestamp() - age_s
        os.utime(path, (when, when))

    async def read(self, *, after_s: float = 0.0) -> list[Page]:
        """What comes until there is no more; pages without items only say how things stand."""
        clock = FixedClock(NOW)
        clock.advance(after_s)
        source = FilesSource(LocalExchange(self.root), self.described, clock)
        pages = []
        async for page in source.read("rates", self.cursor):
            self.cursor = page.next_cursor
            if page.notices is not None:
                assert (page.item_count, page.payload) == (0, b"")
                self.notices = [(one.code, one.message) for one in page.notices]
            else:
                pages.append(page)
        return pages

    async def prices(self) -> list[str]:
        said = [
            item
            for page in await self.read()
            for item in FilesTranslator(self.described).translate("rates", page.payload)
        ]
        return [f"{one.source_id}={one.fields['price']}" for one in said if isinstance(one, ReportedRecord)]


def read_bytes(path: Path) -> bytes:
    return path.read_bytes()


def place(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    when = NOW.timestamp() - 60
    os.utime(path, (when, when))


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path, definition())


async def test_files_are_taken_in_the_order_of_their_numbers(folder: Folder) -> None:
    folder.drop("R_A_2.csv", "ada,2")
    folder.drop("R_A_1.csv", "ada,1")
    folder.drop("R_B_1.csv", "bob,7")
    assert await folder.prices() == ["ada=1", "ada=2", "bob=7"]
    assert await folder.prices() == []


async def test_a_gap_makes_later_files_wait_and_is_told_until_it_is_filled(folder: Folder) -> None:
    folder.drop("R_A_1.csv", "ada,1")
    folder.drop("R_A_3.csv", "ada,3")
    assert await folder.prices() == ["ada=1"]
    missing = ("FILE_MISSING", "File number 2 of A is missing; R_A_3.csv waits for it.")
    assert folder.notices == [missing]
    folder.notices = []
    assert await folder.prices() == []
    assert folder.notices == [missing], "it is told at every read"
    folder.drop("R_A_2.csv", "ada,2")
    assert await folder.prices() == ["ada=2", "ada=3"]
    assert folder.notices == []


async def test_a_gap_in_one_series_keeps_no_other_one_back(folder: Folder) -> None:
    folder.drop("R_A_2.csv", "ada,2")
    folder.drop("R_A_3.csv", "ada,3")
    folder.drop("R_B_1.csv", "bob,7")
    assert await folder.prices() == ["bob=7"]
    assert folder.notices == [("FILE_MISSING", "File number 1 of A is missing; R_A_2.csv and 1 more wait for it.")]


async def test_nothing_is_told_while_nothing_stands(folder: Folder) -> None:
    folder.drop("R_A_1.csv", "ada,1")
    pages = [
        page
        async for page in FilesSource(LocalExchange(folder.root), folder.described, FixedClock(NOW)).read("rates", None)
    ]
    assert [page.notices for page in pages] == [None]


async def test_the_same_bytes_again_have_no_effect_under_any_name(folder: Folder) -> None:
    folder.drop("R_A_1.csv", "ada,1")
    assert await folder.prices() == ["ada=1"]
    folder.drop("R_A_1.csv", "ada,1", age_s=1)
    assert await folder.prices() == []
    folder.drop("R_A_2.csv", "ada,1")
    assert await folder.prices() == []


async def test_a_number_whose_file_says_the_same_as_another_one_counts(folder: Folder) -> None:
    folder.drop("R_A_1.csv", "ada,1")
    folder.drop("R_A_2.csv", "ada,1")
    folder.drop("R_A_3.csv", "ada,3")
    assert await folder.prices() == ["ada=1", "ada=3"]
    assert folder.notices == []


async def test_a_numbered_file_that_was_cleared_away_and_comes_again_has_no_effect(folder: Folder) -> None:
    folder.drop("R_A_1.csv", "ada,1")
    folder.drop("R_A_2.csv", "ada,2")
    await folder.read()
    for name in ("R_A_1.csv", "R_A_2.csv"):
        (folder.inbox / name).unlink()
    await folder.read()
    folder.drop("R_A_1.csv", "ada,1")
    folder.drop("R_A_02.csv", "ada,2")
    assert await folder.read() == []


async def test_the_same_bytes_under_another_name_have_no_effect_once_the_first_is_cleared_away(tmp_path: Path) -> None:
    folder = Folder(tmp_path, definition(pattern=r"R_.*\.csv", sequence_by=()))
    folder.drop("R_july.csv", "ada,1")
    assert await folder.prices() == ["ada=1"]
    folder.drop("R_july_again.csv", "ada,1")
    assert await folder.prices() == []
    (folder.inbox / "R_july.csv").unlink()
    assert await folder.prices() == []


async def test_the_same_bytes_of_another_series_are_another_file(folder: Folder) -> None:
    folder.drop("R_A_1.csv", "ada,1")
    folder.drop("R_B_1.csv", "ada,1")
    assert await folder.prices() == ["ada=1", "ada=1"]


@pytest.mark.parametrize("name", ["R_A_1.csv", "R_A_01.csv"])
async def test_other_content_under_a_known_name_or_number_is_told_and_never_taken(folder: Folder, name: str) -> None:
    folder.drop("R_A_1.csv", "ada,1")
    await folder.read()
    folder.drop(name, "ada,999")
    (page,) = await folder.read()
    with pytest.raises(ContractError, match="nothing of it was taken"):
        FilesTranslator(folder.described).translate("rates", page.payload)
    assert await folder.read() == []


async def test_a_file_that_is_being_written_is_left_alone(tmp_path: Path) -> None:
    folder = Folder(tmp_path, definition(ready="stable", stable_s=10))
    folder.drop("R_A_1.csv", "ada,1", age_s=3)
    assert await folder.prices() == []
    folder.drop("R_A_1.csv", "ada,1", age_s=11)
    assert await folder.prices() == ["ada=1"]


async def test_a_file_that_stands_still_without_its_trailer_is_not_whole_and_told_after_a_while(tmp_path: Path) -> None:
    layout = Layout(
        format="csv",
        columns=("person", "price"),
        trailer=Trailer(mark="END", columns=("mark", "rows"), rows="rows"),
    )
    folder = Folder(tmp_path, definition(ready="stable", stable_s=10, whole_within_s=600, layout=layout))
    folder.drop("R_A_1.csv", "ada,1", "bob,2")
    folder.drop("R_A_2.csv", "cyd,3", "END,1")
    assert await folder.read() == []
    assert await folder.read(after_s=599) == []
    assert folder.notices == []
    assert await folder.read(after_s=660) == []
    unfinished = "R_A_1.csv is not whole after 11 minutes; nothing of it was taken."
    assert folder.notices == [("FILE_UNFINISHED", unfinished)]
    folder.drop("R_A_1.csv", "ada,1", "bob,2", "END,2")
    assert await folder.prices() == ["ada=1", "bob=2", "cyd=3"]
    assert folder.notices == []


async def test_an_unfinished_file_that_is_taken_away_is_told_no_more(tmp_path: Path) -> None:
    folder = Folder(tmp_path, definition(ready="marker", whole_within_s=60))
    folder.drop("R_A_1.csv", "ada,1")
    await folder.read()
    await folder.read(after_s=61)
    assert [code for code, _ in folder.notices] == ["FILE_UNFINISHED"]
    (folder.inbox / "R_A_1.csv").unlink()
    await folder.read(after_s=62)
    assert folder.notices == []


async def test_a_half_written_workbook_is_left_alone_however_long_it_stands_still(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    page.append(("person", "price"))
    page.append(("ada", 1))
    folder = Folder(
        tmp_path, definition(ready="stable", pattern=r"R\.xlsx", layout=Layout(format="xlsx"), sequence_by=())
    )
    book.save(folder.inbox / "whole")
    content = read_bytes(folder.inbox / "whole")
    place(folder.inbox / "R.xlsx", content[: len(content) // 2])
    assert await folder.read() == []
    place(folder.inbox / "R.xlsx", content)
    assert await folder.prices() == ["ada=1"]


async def test_a_file_waits_for_its_marker(tmp_path: Path) -> None:
    folder = Folder(tmp_path, definition(ready="marker"))
    folder.drop("R_A_1.csv", "ada,1")
    assert await folder.prices() == []
    (folder.inbox / "R_A_1.csv.done").touch()
    assert await folder.prices() == ["ada=1"]


async def test_names_that_do_not_fit_and_links_are_no_files_of_ours(folder: Folder, tmp_path: Path) -> None:
    folder.drop("other.csv", "ada,1")
    folder.drop(f"R_A_1.csv{PARTIAL}", "ada,1")
    (tmp_path / "elsewhere.csv").write_text("person,price\nada,1\n")
    (folder.inbox / "R_A_1.csv").symlink_to(tmp_path / "elsewhere.csv")
    assert await folder.read() == []


async def test_a_file_that_is_too_large_is_told_and_not_kept(tmp_path: Path) -> None:
    folder = Folder(tmp_path, definition(max_bytes=20))
    folder.drop("R_A_1.csv", "ada,1", "bob,2", "carol,3")
    (page,) = await folder.read()
    assert len(page.payload) < 300
    with pytest.raises(ContractError, match="more than 20 bytes"):
        FilesTranslator(folder.described).translate("rates", page.payload)


async def test_a_name_is_given_once_whoever_writes(tmp_path: Path) -> None:
    exchange = LocalExchange(tmp_path)
    assert await exchange.create("out", "a.csv", b"first")
    assert not await exchange.create("out", "a.csv", b"second")
    assert (tmp_path / "out" / "a.csv").read_bytes() == b"first"
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.csv"]
