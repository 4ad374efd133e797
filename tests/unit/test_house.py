"""How the house is kept: what files are called and how long they get."""

from __future__ import annotations

import re
from pathlib import Path

import workbench

HOUSE = Path(workbench.__file__).parent
TESTS = Path(__file__).parent.parent


def test_a_file_says_its_subject_and_does_not_repeat_its_rooms_name() -> None:
    same = [str(file.relative_to(HOUSE)) for file in HOUSE.rglob("*.py") if file.stem == file.parent.name]
    assert same == []


def test_no_file_is_longer_than_a_page_or_two() -> None:
    files = [*HOUSE.rglob("*.py"), *(TESTS / "unit").rglob("*.py"), *(TESTS / "machines").rglob("*.py")]
    lengths = {str(file.relative_to(HOUSE.parent)): len(file.read_bytes().splitlines()) for file in files}
    assert {file: length for file, length in lengths.items() if length > 400} == {}


def test_no_banner_parts_a_file() -> None:
    banner = re.compile(r"^ *# *[-=#*]{3,}", re.MULTILINE)
    files = [*HOUSE.rglob("*.py"), *TESTS.rglob("*.py")]
    assert [str(file) for file in files if banner.search(file.read_text())] == []
