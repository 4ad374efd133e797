"""Scanning source trees: what is kept, what is not and why, and what the stat cache may be trusted with."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.scanning import count_reads
from workbench.entities.snapshot import EntryKind
from workbench.errors import NotFound, UsageError
from workbench.snapshots import scan as scan_module
from workbench.snapshots.cache import StatCache
from workbench.snapshots.scan import Scan, scan
from workbench.snapshots.walk import Reason


@pytest.fixture
def root(tmp_path: Path) -> Path:
    top = tmp_path / "tree"
    top.mkdir()
    return top


def paths(found: Scan) -> list[str]:
    return [entry.path for entry in found.manifest.entries]


def trusting(cache_dir: Path) -> None:
    """Pretends that the memory was written an hour from now, so that no entry is too fresh to be trusted."""
    for file in cache_dir.glob("*.json"):
        value = json.loads(file.read_text())
        value["written"] += 3600 * 10**9
        file.write_text(json.dumps(value))


def test_everything_is_described(root: Path) -> None:
    """AZ-107: the whole directory, with the executable bit, links and empty directories."""
    (root / "pkg/deep").mkdir(parents=True)
    (root / "empty/inner").mkdir(parents=True)
    (root / "pkg/a.py").write_bytes(b"x = 1\n")
    (root / "run.sh").write_bytes(b"#!/bin/sh\n")
    (root / "run.sh").chmod(0o4775)
    (root / "pkg/a.py").chmod(0o600)
    (root / "to").symlink_to("pkg/a.py")
    found = scan(root)
    entries = {entry.path: entry for entry in found.manifest.entries}
    assert sorted(entries) == ["empty/inner", "pkg/a.py", "pkg/deep", "run.sh", "to"]
    assert entries["pkg/a.py"].sha256 == hashlib.sha256(b"x = 1\n").hexdigest()
    assert (entries["pkg/a.py"].mode, entries["run.sh"].mode) == (0o644, 0o755)
    assert entries["to"].kind is EntryKind.LINK
    assert entries["to"].target == "pkg/a.py"
    assert entries["empty/inner"].kind is EntryKind.DIRECTORY
    assert found.manifest.size == 16
    sha256 = entries["pkg/a.py"].sha256
    assert found.sources([sha256]) == {sha256: root.resolve() / "pkg/a.py"}


def test_no_change_means_the_same_snapshot(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AZ-115: contents make the id; unchanged files are not read again."""
    for number in range(5):
        (root / f"f{number}").write_text(str(number))
    first = scan(root, cache=StatCache.load(tmp_path / "c", root))
    assert first.changed == 5
    trusting(tmp_path / "c")
    read = count_reads(monkeypatch)
    second = scan(root, cache=StatCache.load(tmp_path / "c", root))
    assert (read, second.changed, second.manifest.id) == ([], 0, first.manifest.id)
    (root / "f3").write_text("x")
    third = scan(root, cache=StatCache.load(tmp_path / "c", root))
    assert (read, third.changed) == (["f3"], 1)
    assert third.manifest.id != first.manifest.id


def test_the_memory_is_that_of_the_real_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "f").write_text(name)
        monkeypatch.chdir(tmp_path / name)
        assert scan(Path("."), cache=StatCache.load(tmp_path / "c", Path("."))).changed == 1
    assert scan(tmp_path / "one", cache=StatCache.load(tmp_path / "c", tmp_path / "one")).changed == 0


def test_a_touched_file_is_read_but_not_changed(root: Path, tmp_path: Path) -> None:
    (root / "f").write_text("1")
    first = scan(root, cache=StatCache.load(tmp_path / "c", root))
    os.utime(root / "f", (5, 5))
    second = scan(root, cache=StatCache.load(tmp_path / "c", root))
    assert (second.changed, second.manifest.id) == (0, first.manifest.id)


def test_a_file_changed_within_the_clocks_grain_is_read_again(root: Path, tmp_path: Path) -> None:
    """Racy-clean: same size, same times, other contents, right after the memory was written."""
    place = root / "f"
    place.write_text("old")
    before = scan(root, cache=StatCache.load(tmp_path / "c", root))
    status = place.stat()
    place.write_text("new")
    os.utime(place, ns=(status.st_atime_ns, status.st_mtime_ns))
    # The kernel would have moved ctime; a file system with a coarse clock would not: pretend it did not.
    file = next((tmp_path / "c").glob("*.json"))
    value = json.loads(file.read_text())
    value["files"]["f"][2] = place.stat().st_ctime_ns
    file.write_text(json.dumps(value))
    after = scan(root, cache=StatCache.load(tmp_path / "c", root))
    assert after.manifest.id != before.manifest.id
    assert after.manifest.entries[0].sha256 == hashlib.sha256(b"new").hexdigest()


@pytest.mark.parametrize(
    "damage", [b"", b"{", b"[]", b'{"v":1}', b"\xff\xfe", b'{"v":1,"written":1,"root":"x","files":3}']
)
def test_a_damaged_memory_is_no_memory(root: Path, tmp_path: Path, damage: bytes) -> None:
    (root / "f").write_text("1")
    wanted = scan(root, cache=StatCache.load(tmp_path / "c", root)).manifest.id
    next((tmp_path / "c").glob("*.json")).write_bytes(damage)
    again = scan(root, cache=StatCache.load(tmp_path / "c", root))
    assert (again.manifest.id, again.changed) == (wanted, 1)


def test_a_hash_that_is_none_is_not_believed(root: Path, tmp_path: Path) -> None:
    (root / "f").write_text("1")
    wanted = scan(root, cache=StatCache.load(tmp_path / "c", root)).manifest.id
    trusting(tmp_path / "c")
    file = next((tmp_path / "c").glob("*.json"))
    file.write_text(file.read_text().replace(hashlib.sha256(b"1").hexdigest(), "../../etc"))
    assert scan(root, cache=StatCache.load(tmp_path / "c", root)).manifest.id == wanted


def test_a_cache_that_cannot_be_written_is_said_not_fatal(root: Path, tmp_path: Path) -> None:
    (root / "f").write_text("1")
    (tmp_path / "c").write_text("a file where the folder should be")
    found = scan(root, cache=StatCache.load(tmp_path / "c", root))
    assert paths(found) == ["f"]
    assert any("remembered" in text for text in found.warnings)


def test_many_processes_share_a_cache(root: Path, tmp_path: Path) -> None:
    for number in range(50):
        (root / f"f{number}").write_text(str(number))
    wanted = scan(root).manifest.id
    code = (
        "import sys;from pathlib import Path;from workbench.snapshots.scan import scan;"
        "from workbench.snapshots.cache import StatCache\n"
        "r,c=map(Path,sys.argv[1:])\n"
        "for _ in range(15): print(scan(r,cache=StatCache.load(c,r)).manifest.id)"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", code, str(root), str(tmp_path / "c")], stdout=subprocess.PIPE)
        for _ in range(3)
    ]
    for process in started:
        out, _ = process.communicate(timeout=120)
        assert (process.returncode, set(out.decode().split())) == (0, {wanted})
    assert not list((tmp_path / "c").glob("*.partial"))


def test_undecodable_names_survive(root: Path) -> None:
    with open(os.fsencode(root) + b"/\xff\n.py", "wb"):
        pass
    found = scan(root)
    assert [entry.path.encode("utf-8", "surrogateescape") for entry in found.manifest.entries] == [
        b"\xff\n.py"
    ]


def test_special_files_are_named_and_left_out(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(root / "pipe")
    monkeypatch.chdir(root)
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("sock")
        (root / "f").touch()
        found = scan(root)
    assert paths(found) == ["f"]
    assert {(item.path, item.reason, item.detail) for item in found.left_out} == {
        ("pipe", Reason.SPECIAL, "pipe"),
        ("sock", Reason.SPECIAL, "socket"),
    }
    assert found.skipped == {"special file": 2}


def test_unreadable_files_are_skipped_with_a_message(root: Path) -> None:
    """AZ-116. In a process of its own: as root nothing is unreadable, unless a capability is given up."""
    (root / "f").write_text("1")
    (root / "no").write_text("1")
    (root / "no").chmod(0)
    (root / "shut").mkdir(mode=0)
    code = (
        "import sys;from pathlib import Path;from workbench.snapshots.scan import scan\n"
        "s=scan(Path(sys.argv[1]))\n"
        "print([e.path for e in s.manifest.entries], [tuple(map(str,x)) for x in s.left_out], s.warnings)"
    )
    words = [sys.executable, "-c", code, str(root)]
    if os.geteuid() == 0:
        words = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *words]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    (root / "shut").chmod(0o700)
    assert done.returncode == 0, done.stderr
    assert "['f']" in done.stdout
    assert "('no', 'unreadable', 'Permission denied')" in done.stdout
    assert "('shut/', 'unreadable', 'Permission denied')" in done.stdout
    assert "no is left out, unreadable: Permission denied" in done.stdout


def test_a_file_that_vanishes_during_the_scan(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "a").write_text("1")
    (root / "gone").write_text("1")
    real = scan_module.walk

    def walk_then_remove(*words, **more):  # type: ignore[no-untyped-def]
        found = real(*words, **more)
        (root / "gone").unlink()
        return found

    monkeypatch.setattr(scan_module, "walk", walk_then_remove)
    found = scan(root)
    assert paths(found) == ["a"]
    assert [(item.path, item.reason) for item in found.left_out] == [("gone", Reason.VANISHED)]


def test_a_file_swapped_for_something_else_is_never_followed(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("pipe", "link"):
        (root / name).write_text("1")
    real = scan_module.walk

    def walk_then_swap(*words, **more):  # type: ignore[no-untyped-def]
        found = real(*words, **more)
        (root / "pipe").unlink()
        os.mkfifo(root / "pipe")
        (root / "link").unlink()
        (root / "link").symlink_to("/etc/passwd")
        return found

    monkeypatch.setattr(scan_module, "walk", walk_then_swap)
    found = scan(root)
    assert paths(found) == []
    assert {item.path for item in found.left_out} == {"pipe", "link"}


def test_a_file_that_changed_between_walk_and_hash_is_described_as_hashed(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "f").write_text("1")
    real = scan_module.walk

    def walk_then_change(*words, **more):  # type: ignore[no-untyped-def]
        found = real(*words, **more)
        (root / "f").write_text("longer")
        return found

    monkeypatch.setattr(scan_module, "walk", walk_then_change)
    (entry,) = scan(root).manifest.entries
    assert (entry.size, entry.sha256) == (6, hashlib.sha256(b"longer").hexdigest())


def test_a_file_that_never_holds_still_is_reported(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "still").write_text("1")
    place = root / "log"
    place.write_bytes(b"x" * 1000)
    real = hashlib.sha256

    class WhileItIsRead:
        """Somebody writes a line to the log whenever some of a file was read."""

        def __init__(self) -> None:
            self._digest = real()
            self.hexdigest = self._digest.hexdigest

        def update(self, data: bytes) -> None:
            self._digest.update(data)
            with place.open("ab") as file:
                file.write(b"x" * 64)

    monkeypatch.setattr(scan_module.hashlib, "sha256", WhileItIsRead)
    found = scan(root)
    monkeypatch.undo()
    assert paths(found) == ["still"]
    assert [(item.path, item.reason) for item in found.left_out] == [("log", Reason.CHANGING)]
    assert "log is left out, kept changing: something writes to it" in found.warnings


def test_links_out_of_the_tree_are_kept_and_named(root: Path) -> None:
    (root / "d").mkdir()
    (root / "d/in").symlink_to("../f")
    (root / "d/out").symlink_to("../../elsewhere")
    (root / "abs").symlink_to("/data")
    (root / "up").symlink_to("d/top/..")
    (root / "d/top").symlink_to("..")
    found = scan(root)
    assert paths(found) == ["abs", "d/in", "d/out", "d/top", "up"]
    assert found.outside == ("abs", "d/out", "up")


def test_secrets_are_named_before_sending(root: Path) -> None:
    """AZ-111: sent when asked for, never silently; an ignored one is not mentioned."""
    (root / ".env").write_text("TOKEN=1")
    (root / "keys").mkdir()
    (root / "keys/server.pem").write_text("x")
    (root / "other.pem").write_text("x")
    (root / ".gitignore").write_text("other.pem\n")
    found = scan(root)
    assert found.secrets == (".env", "keys/server.pem")
    assert ".env looks like a secret and will be sent; a line in .gitignore keeps it here" in found.warnings


def test_our_own_folders_never_travel(root: Path) -> None:
    (root / "home/cache").mkdir(parents=True)
    (root / "home/f").touch()
    (root / "f").touch()
    found = scan(root, exclude=[root / "home"])
    assert paths(found) == ["f"]
    assert found.left_out[0].path == "home/"


def test_no_directory_to_scan(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        scan(tmp_path / "none")
    (tmp_path / "f").touch()
    with pytest.raises(UsageError):
        scan(tmp_path / "f")


def test_deeper_than_a_machine_takes(root: Path) -> None:
    place = root
    for _ in range(110):
        place = place / "d"
    place.mkdir(parents=True)
    (place / "f").touch()
    found = scan(root)
    assert [item.reason for item in found.left_out] == [Reason.TOO_DEEP]
    assert len(found.manifest.entries) == 1
