"""Patterns in places without folders find what the system's own glob finds in a tree."""

from __future__ import annotations

import glob
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.data.folder import LocalFolder
from workbench.data.reading import of_backend
from workbench.errors import NotFound
from workbench.remote.data.fingerprints import listed
from workbench.remote.data.patterns import is_pattern, matcher, split
from workbench.remote.wire.problems import RequestError

NAMES = st.sampled_from(["a", "b", "ab", ".h", "x.csv", "y.csv", "[z]"])
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)
PARTS = st.sampled_from(["*", "**", "a", "?", "a*", "*.csv", "[ab]", "[!a]", ".*", "x.csv", "[[]z]", "*b"])
PATTERNS = st.lists(PARTS, min_size=1, max_size=4).map("/".join).filter(is_pattern)


@settings(max_examples=200)
@given(paths=st.sets(PATHS, max_size=8), pattern=PATTERNS)
def test_the_same_is_found_as_in_a_folder(paths: set[str], pattern: str) -> None:
    """AZ-48: weather/**/*.csv means the same in a bucket as on a machine."""
    files = {path for path in paths if not any(other.startswith(f"{path}/") for other in paths)}
    with tempfile.TemporaryDirectory() as folder:
        for path in files:
            place = Path(folder, path)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.touch()
        found = set()
        for match in glob.iglob(os.path.join(glob.escape(folder), pattern), recursive=True):
            if not os.path.exists(match):  # "a/" where a is a file, which glob tells of a/**
                continue
            below = os.path.relpath(match, folder)
            found |= {path for path in files if below == "." or path == below or path.startswith(f"{below}/")}
    head, rest = split(pattern)
    assert "*" not in head
    fits = matcher(pattern)
    assert {path for path in files if fits(path)} == found
    assert {
        p for p in files if p.startswith(f"{head}/") and matcher(rest)(p[len(head) + 1 :])
    } == found or not head


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("weather/**/*.csv", ("weather", "**/*.csv")),
        ("*.csv", ("", "*.csv")),
        ("/a/b[c]", ("/a", "b[c]")),
        ("a/b", ("a/b", "")),
    ],
)
def test_where_a_pattern_begins(path: str, parts: tuple[str, str]) -> None:
    assert split(path) == parts


@pytest.mark.parametrize("paths", [["a.csv", "a*.csv"], ["*.csv", "a*.csv"], ["a*.csv", "*.csv", "b.csv"]])
async def test_what_two_patterns_name_is_there_once(paths: list[str], tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_bytes(b"1")
    wanted = ["a.csv"] if paths[0] == "a.csv" else ["a.csv", "b.csv"]
    files, _ = await of_backend(LocalFolder(tmp_path), paths)
    assert [file.path for file in files] == wanted
    _, found = listed([str(tmp_path / path) for path in paths])
    assert [name for name, _, _ in found] == wanted
    with pytest.raises(NotFound):
        await of_backend(LocalFolder(tmp_path), [*paths, "c*.csv"])
    with pytest.raises(RequestError):
        listed([str(tmp_path / path) for path in [*paths, "c*.csv"]])
