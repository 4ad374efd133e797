"""docs/concepts.md has every concept once, and says of each what the tests say."""

from __future__ import annotations

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


def test_every_status_is_one_of_four(script: ModuleType, page: str) -> None:
    known = r"test: `.+`|in part: `.+`; missing: (?!say here).{8,}|not yet|will not, because .{15,}"
    for match in script.ROW.finditer(page):
        assert re.fullmatch(known, match["status"]), match.group()


def test_named_tests_exist_and_name_the_number(script: ModuleType, page: str) -> None:
    for match in script.ROW.finditer(page):
        proved = match["status"].startswith(("test: ", "in part: "))
        for name in re.findall(r"`(.+?)`", match["status"]) if proved else []:
            path, _, function = name.partition("::")
            docstrings = [text for found, text in script.tests_in(ROOT / "tests" / path) if found == function]
            assert docstrings, f"{name} does not exist; run: python docs/make_concepts.py"
            said: set[int] = set()
            for docstring in docstrings:
                for in_part in (False, True):
                    said |= script.numbers_of(function, docstring, in_part=in_part)
            assert int(match["number"]) in said, f"{name} does not say AZ-{match['number']}"


def test_the_page_is_current(script: ModuleType, page: str) -> None:
    parts = script.proofs(script.TESTS, in_part=True)
    assert script.page_text(page, script.proofs(script.TESTS), parts) == page, "run: docs/make_concepts.py"


def test_statuses_follow_the_tests(script: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "unit").mkdir()
    (tmp_path / "unit" / "test_a.py").write_text(
        "def test_az_7_tags(): ...\n"
        'async def test_b():\n    """AZ-8, AZ-86: x."""\n'
        'def helper():\n    """AZ-9"""\n'
        'def test_c():\n    """AZ-10 in part, AZ-8 in\n    part."""\n'
    )
    tests, parts = script.proofs(tmp_path), script.proofs(tmp_path, in_part=True)
    assert parts == {8: ["unit/test_a.py::test_c"], 10: ["unit/test_a.py::test_c"]}
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
        "| AZ-10 | e | in part: `gone`; missing: the rest |\n"
    )
    assert script.page_text(rows, tests, parts).splitlines() == [
        "| AZ-7 | a | test: `unit/test_a.py::test_az_7_tags` |",
        "| AZ-9 | b | not yet |",
        "| AZ-8 | c | test: `unit/test_a.py::test_b`, `unit/test_a.py::test_c` |",
        "| AZ-1 | d | will not, because so |",
        "| AZ-10 | e | in part: `unit/test_a.py::test_c`; missing: the rest |",
    ]
