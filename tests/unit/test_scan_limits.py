"""How much one sends at most, and what is said of more."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.scanning import count_reads
from workbench.errors import SnapshotTooLarge
from workbench.settings import SnapshotSettings
from workbench.snapshots.cache import StatCache
from workbench.snapshots.ignore import is_ignored, parse
from workbench.snapshots.limits import Limits, limits_from
from workbench.snapshots.scan import scan


@pytest.fixture
def root(tmp_path: Path) -> Path:
    top = tmp_path / "tree"
    top.mkdir()
    return top


def test_too_many_bytes_names_the_ten_largest(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """AZ-112 and AZ-114: after exclusion, before anything is read, with lines that work."""
    (root / "data/raw").mkdir(parents=True)
    for number in range(12):
        (root / f"data/raw/big {number}").write_bytes(bytes(1000 + number))
    (root / "model.pt").write_bytes(bytes(5000))
    (root / "small").write_bytes(bytes(10))
    (root / "ignored").write_bytes(bytes(10**6))
    (root / ".gitignore").write_text("ignored\n")
    read = count_reads(monkeypatch)
    with pytest.raises(SnapshotTooLarge) as caught:
        scan(root, limits=Limits(max_bytes=10_000))
    assert read == []
    error = caught.value
    assert str(root) in error.message
    assert error.data["limit"] == 10_000
    assert error.data["size"] == 12 * 1000 + 66 + 5000 + 10 + len("ignored\n")
    listed = error.data["largest"]
    assert len(listed) == 10
    # data/ holds nothing but raw/: only the latter is named.
    assert listed[0] == {"path": "data/raw/", "size": 12066, "files": 12, "line": "/data/raw/"}
    assert [item["path"] for item in listed[1:4]] == ["model.pt", "data/raw/big 11", "data/raw/big 10"]
    for item in listed:
        is_dir = item["path"].endswith("/")
        assert is_ignored(item["path"].rstrip("/").encode(), is_dir, [parse(item["line"].encode())])
    (root / ".gitignore").write_text("ignored\n" + listed[0]["line"] + "\n")
    assert scan(root, limits=Limits(max_bytes=10_000)).manifest.size < 10_000


def test_too_many_changed_files(root: Path, tmp_path: Path) -> None:
    """AZ-113: only changed files count, and a refused scan does not make them old."""
    for number in range(8):
        (root / f"f{number}").write_text(str(number))
    limits = Limits(max_files=8)
    assert scan(root, limits=limits, cache=StatCache.load(tmp_path / "c", root)).changed == 8
    (root / "more").mkdir()
    for number in range(8):
        (root / f"more/f{number}").write_text("x")
    assert scan(root, limits=limits, cache=StatCache.load(tmp_path / "c", root)).changed == 8
    for place in root.rglob("f*"):
        place.write_text("changed")
    for _ in range(2):
        with pytest.raises(SnapshotTooLarge) as caught:
            scan(root, limits=limits, cache=StatCache.load(tmp_path / "c", root))
        assert caught.value.data["count"] == 16
        lines = [item["line"] for item in caught.value.data["largest"]]
        assert lines[0] == "/more/"
        assert not any(line.startswith("/more/f") for line in lines), "its directory says it"
    assert scan(root, limits=Limits(max_files=None), cache=StatCache.load(tmp_path / "c", root)).changed == 16


def test_new_files_over_the_limit_are_refused_unread(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        (root / f"f{number}").touch()
    read = count_reads(monkeypatch)
    with pytest.raises(SnapshotTooLarge):
        scan(root, limits=Limits(max_files=4))
    assert read == []


def test_the_variable_lifts_the_limit_on_files() -> None:
    """AZ-112, AZ-113: and what the limits are when nobody set them."""
    assert limits_from(SnapshotSettings(), {}) == Limits(300 << 20, 2000)
    settings = SnapshotSettings(max_bytes=7, max_files=3)
    assert limits_from(settings, {}) == Limits(7, 3)
    assert limits_from(settings, {"AML_SNAPSHOT_NO_FILE_LIMIT": "True"}) == Limits(7, None)
    assert limits_from(settings, {"AML_SNAPSHOT_NO_FILE_LIMIT": "0"}) == Limits(7, 3)


def test_the_hint_names_the_file_that_counts(root: Path) -> None:
    (root / "f").write_bytes(bytes(100))
    with pytest.raises(SnapshotTooLarge) as caught:
        scan(root, limits=Limits(max_bytes=10))
    assert caught.value.data["ignore_file"] == ".gitignore"
    (root / ".amlignore").touch()
    with pytest.raises(SnapshotTooLarge) as caught:
        scan(root, limits=Limits(max_bytes=10))
    assert caught.value.data["ignore_file"] == ".amlignore"
