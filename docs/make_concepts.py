"""Refresh the status column of docs/concepts.md from the tests: python docs/make_concepts.py

A test proves a concept when its name or docstring says the number: AZ-86, or az_86 in a name. One that says
"AZ-86 in part" proves some of it; what is missing is written into the page by hand, after "; missing: ".
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Mapping
from pathlib import Path

DOCS = Path(__file__).parent
PAGE = DOCS / "concepts.md"
TESTS = DOCS.parent / "tests"
ROW = re.compile(r"^\| AZ-(?P<number>\d+) \| (?P<statement>.+?) \| (?P<status>.*?) \|$", re.MULTILINE)
_IN_TEXT = re.compile(r"\bAZ-(\d+)\b(\s+in\s+part\b)?")
_IN_NAME = re.compile(r"(?:^|_)az_?(\d+)(?=_|$)", re.IGNORECASE)
_SUMMARY = re.compile(r"(?<=<!-- summary -->).*?(?=<!-- end of summary -->)", re.DOTALL)


def numbers_of(name: str, docstring: str | None, *, in_part: bool = False) -> set[int]:
    """The concepts that a test of this name and docstring says it proves, whole or in part."""
    found = {int(number) for number, part in _IN_TEXT.findall(docstring or "") if bool(part) is in_part}
    return found if in_part else found | {int(number) for number in _IN_NAME.findall(name)}


@functools.cache
def tests_in(path: Path) -> list[tuple[str, str | None]]:
    """Name and docstring of every test in a file."""
    return [
        (node.name, ast.get_docstring(node))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test")
    ]


def proofs(folder: Path, *, in_part: bool = False) -> dict[int, list[str]]:
    """For each concept the tests that name it, as path::name below the folder, sorted."""
    found: dict[int, list[str]] = {}
    for path in sorted(folder.rglob("test_*.py")):
        for name, docstring in tests_in(path):
            for number in numbers_of(name, docstring, in_part=in_part):
                found.setdefault(number, []).append(f"{path.relative_to(folder).as_posix()}::{name}")
    return {number: sorted(set(names)) for number, names in found.items()}


def page_text(page: str, tests: Mapping[int, list[str]], parts: Mapping[int, list[str]] | None = None) -> str:
    """The page with each status as it must be now; what will not be done, or is missing, stays as written."""

    def row(match: re.Match[str]) -> str:
        number, status = int(match["number"]), match["status"]
        if tests.get(number):
            names = sorted({*tests[number], *(parts or {}).get(number, [])})
            status = "test: " + ", ".join(f"`{name}`" for name in names)
        elif (parts or {}).get(number):
            missing = status.partition("; missing: ")[2] or "say here what"
            names = (parts or {})[number]
            status = f"in part: {', '.join(f'`{name}`' for name in names)}; missing: {missing}"
        elif not status.startswith("will not, because "):
            status = "not yet"
        return f"| AZ-{number} | {match['statement']} | {status} |"

    page = ROW.sub(row, page)
    statuses = [match["status"] for match in ROW.finditer(page)]
    proved = sum(status.startswith("test: ") for status in statuses)
    partly = sum(status.startswith("in part: ") for status in statuses)
    refused = sum(status.startswith("will not") for status in statuses)
    summary = f" Proved by tests: {proved} of {len(statuses)}; in part: {partly}; decided against: {refused}."
    return _SUMMARY.sub(lambda _: summary + " ", page)


if __name__ == "__main__":
    text = page_text(PAGE.read_text(encoding="utf-8"), proofs(TESTS), proofs(TESTS, in_part=True))
    PAGE.write_text(text, encoding="utf-8")
