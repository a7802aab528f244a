"""The house rules that no linter checks."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tieout.errors import CATALOGUE

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "tieout"
MODULE_LINES = 500
FUNCTION_LINES = 60
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "core", "sync", "data", "misc"}
# In two halves, so that this file keeps its own rule.
UNFINISHED = re.compile(rf"\b({'TO' + 'DO'}|{'FIX' + 'ME'}|{'HA' + 'CK'})\b")
BANNER = re.compile(r"^\s*#\s*([=\-#*~_])\1{4,}|([=\-#*~])\2{4,}\s*$")
MACHINE_PATH = re.compile(r"(?<![\w.>}])/(?:root|home|work|opt|Users|mnt|private)/[\w.-]+")
CODE = re.compile(r"\bTIE-[A-Z]+-\d{3}\b")

modules = sorted(SOURCE.rglob("*.py"))
texts = [*modules, *sorted(SOURCE.rglob("*.sql")), *sorted((ROOT / "tests").rglob("*.py"))]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@pytest.mark.parametrize("path", modules, ids=name_of)
class TestModule:
    def test_a_module_fits_in_the_head(self, path: Path) -> None:
        assert len(path.read_text().splitlines()) <= MODULE_LINES

    def test_a_function_fits_on_a_screen(self, path: Path) -> None:
        long = {
            node.name: (node.end_lineno or 0) - node.lineno + 1
            for node in functions(ast.parse(path.read_text()))
            if (node.end_lineno or 0) - node.lineno + 1 > FUNCTION_LINES
        }
        assert long == {}

    def test_a_module_is_named_for_what_it_is(self, path: Path) -> None:
        assert not FORBIDDEN_NAMES & {part.removesuffix(".py") for part in path.relative_to(SOURCE).parts}

    def test_a_module_says_what_it_is_for(self, path: Path) -> None:
        assert ast.get_docstring(ast.parse(path.read_text()))

    def test_every_code_that_is_raised_is_catalogued(self, path: Path) -> None:
        assert set(CODE.findall(path.read_text())) - set(CATALOGUE) == set()


@pytest.mark.parametrize("path", texts, ids=name_of)
def test_nothing_is_left_undone_decorated_or_bound_to_one_machine(path: Path) -> None:
    found = [
        f"{number}: {line.strip()}"
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        for rule in (UNFINISHED, BANNER, MACHINE_PATH)
        if rule.search(line)
    ]
    assert found == []


def test_the_catalogue_of_errors_is_in_order_and_tells_what_to_do() -> None:
    assert all(CODE.fullmatch(code) for code in CATALOGUE)
    assert all(entry.title and entry.next_step.endswith(".") for entry in CATALOGUE.values())
