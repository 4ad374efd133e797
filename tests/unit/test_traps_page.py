"""The table of traps in docs/architecture.md names tests that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TITLE = "## Traps of remote execution and the tests that hold them"


def table() -> dict[int, list[str]]:
    """Number of a trap -> the tests named in its row."""
    section = (ROOT / "docs" / "architecture.md").read_text().partition(TITLE)[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (\d+) \|(.*)\|$", section, re.MULTILINE)
    return {int(number): re.findall(r"`([\w/]+\.py::\w+)`", row) for number, row in rows}


def test_every_trap_is_held() -> None:
    assert sorted(table()) == list(range(1, 20))
    assert all(table().values())


@pytest.mark.parametrize("test", sorted({test for tests in table().values() for test in tests}))
def test_the_named_test_exists(test: str) -> None:
    path, name = test.split("::")
    tree = ast.parse((ROOT / "tests" / path).read_text())
    assert name in {
        node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
