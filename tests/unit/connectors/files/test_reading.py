"""Files come in whole, in the order of their numbers and once, whatever is delivered how often."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tieout.connect.manifest import Role
from tieout.connect.source import Page
from tieout.connectors.files.definition import Definition, Inbox, Layout
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

    def drop(self, name: str, *rows: str, age_s: float = 60.0) -> None:
        path = self.inbox / name
        path.write_text("\n".join(["person,price", *rows]) + "\n")
        when = NOW.timestamp() - age_s
        os.utime(path, (when, when))

    async def read(self) -> list[Page]:
        """What comes until there is no more, or a file is missing."""
        pages = []
        source = FilesSource(LocalExchange(self.root), self.described, FixedClock(NOW))
        try:
            async for page in source.read("rates", self.cursor):
                pages.append(page)
                self.cursor = page.next_cursor
        except ContractError as error:
            self.told = error.message
        return pages

    async def prices(self) -> list[str]:
        said = [
            item
            for page in await self.read()
            for item in FilesTranslator(self.described).translate("rates", page.payload)
        ]
        return [f"{one.source_id}={one.fields['price']}" for one in said if isinstance(one, ReportedRecord)]


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
    assert folder.told == "File number 2 of A is missing; R_A_3.csv and what follows wait for it."
    folder.drop("R_A_2.csv", "ada,2")
    assert await folder.prices() == ["ada=2", "ada=3"]


async def test_the_same_bytes_again_have_no_effect_under_any_name(folder: Folder) -> None:
    folder.drop("R_A_1.csv", "ada,1")
    assert await folder.prices() == ["ada=1"]
    folder.drop("R_A_1.csv", "ada,1", age_s=1)
    assert await folder.prices() == []
    folder.drop("R_A_2.csv", "ada,1")
    assert await folder.prices() == []


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
