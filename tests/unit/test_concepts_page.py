"""docs/concepts.md has every concept once, and says of each what the tests say."""

from __future__ import annotations

import ast
import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_concepts", ROOT / "docs" / "make_concepts.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def page() -> str:
    return (ROOT / "docs" / "concepts.md").read_text(encoding="utf-8")


def test_every_number_has_one_row(script: ModuleType, page: str) -> None:
    assert [int(match["number"]) for match in script.ROW.finditer(page)] == list(range(1, 209))
    assert len(re.findall(r"^\| AZ-", page, re.MULTILINE)) == 208


def test_every_status_is_one_of_three(script: ModuleType, page: str) -> None:
    for match in script.ROW.finditer(page):
        assert re.fullmatch(r"test: `.+`|not yet|will not, because .{15,}", match["status"]), match.group()


def test_named_tests_exist_and_name_the_number(script: ModuleType, page: str) -> None:
    for match in script.ROW.finditer(page):
        for name in re.findall(r"`(.+?)`", match["status"]) if match["status"].startswith("test: ") else []:
            path, _, function = name.partition("::")
            tree = ast.parse((ROOT / "tests" / path).read_text(encoding="utf-8"))
            found = [
                node
                for node in ast.walk(tree)
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == function
            ]
            assert found, f"{name} does not exist; run: python docs/make_concepts.py"
            said = set().union(*(script.numbers_of(node.name, ast.get_docstring(node)) for node in found))
            assert int(match["number"]) in said, f"{name} does not say AZ-{match['number']}"


def test_the_page_is_current(script: ModuleType, page: str) -> None:
    assert script.page_text(page, script.proofs(script.TESTS)) == page, "run: python docs/make_concepts.py"


def test_statuses_follow_the_tests(script: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "unit").mkdir()
    (tmp_path / "unit" / "test_a.py").write_text(
        "def test_az_7_tags(): ...\n"
        'async def test_b():\n    """AZ-8, AZ-86: x."""\n'
        'def helper():\n    """AZ-9"""\n'
    )
    tests = script.proofs(tmp_path)
    assert tests == {
        7: ["unit/test_a.py::test_az_7_tags"],
        8: ["unit/test_a.py::test_b"],
        86: ["unit/test_a.py::test_b"],
    }
    rows = (
        "| AZ-7 | a | not yet |\n"
        "| AZ-9 | b | test: `gone` |\n"
        "| AZ-8 | c | will not, because |\n"
        "| AZ-1 | d | will not, because so |\n"
    )
    assert script.page_text(rows, tests).splitlines() == [
        "| AZ-7 | a | test: `unit/test_a.py::test_az_7_tags` |",
        "| AZ-9 | b | not yet |",
        "| AZ-8 | c | test: `unit/test_a.py::test_b` |",
        "| AZ-1 | d | will not, because so |",
    ]
