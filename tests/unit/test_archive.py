"""Zips of ours and zips of strangers: what we write can be read by all, what we read is rejected or whole."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import stat
import struct
import subprocess
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.machines.far_side import FarError, FarSide, far
from workbench.entities.snapshot import Entry, EntryKind, Manifest
from workbench.errors import Conflict, NotFound
from workbench.remote.forms.tree_paths import link_leaves
from workbench.remote.snapshots.archive import LIMITS, ArchiveError, fold, unpack
from workbench.snapshots import zipstream
from workbench.snapshots.archive import zip_blobs, zip_tree

__all__ = ["far"]


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def manifest_of(files: dict[str, bytes], *more: Entry) -> tuple[Manifest, Callable[[str], Iterator[bytes]]]:
    entries = [
        Entry(path=path, mode=0o755 if path.endswith(".sh") else 0o644, size=len(data), sha256=sha(data))
        for path, data in files.items()
    ]
    known = {sha(data): data for data in files.values()}

    def read(sha256: str) -> Iterator[bytes]:
        data = known[sha256]
        yield from (data[at : at + 1000] for at in range(0, len(data), 1000))

    return Manifest(entries=tuple(entries + list(more))), read


LINK = Entry(path="to", kind=EntryKind.LINK, target="pkg/a.py")
EMPTY = Entry(path="empty", kind=EntryKind.DIRECTORY, mode=0o755)
FILES = {"pkg/a.py": b"x = 1\n" * 100, "run.sh": b"#!/bin/sh\n", "é.txt": b"", "raw": os.urandom(3000)}


def test_a_saved_snapshot_is_an_ordinary_zip(tmp_path: Path) -> None:
    """AZ-107, AZ-117: modes, links, empty directories; others' tools read it."""
    manifest, read = manifest_of(FILES, LINK, EMPTY)
    (tmp_path / "s.zip").write_bytes(b"".join(zip_tree(manifest, read)))
    with zipfile.ZipFile(tmp_path / "s.zip") as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["empty/", "pkg/a.py", "raw", "run.sh", "to", "é.txt"]
        assert archive.getinfo("run.sh").external_attr >> 16 == stat.S_IFREG | 0o755
    assert unpack(str(tmp_path / "s.zip"), str(tmp_path / "out")) == 4
    assert (tmp_path / "out/pkg/a.py").read_bytes() == FILES["pkg/a.py"]
    assert (tmp_path / "out/run.sh").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "out/pkg/a.py").stat().st_mode & 0o777 == 0o644
    assert (tmp_path / "out/to").readlink() == Path("pkg/a.py")
    assert (tmp_path / "out/empty").is_dir()
    if shutil.which("unzip"):
        done = subprocess.run(
            ["unzip", "-q", "s.zip", "-d", "other"],
            cwd=tmp_path,
            timeout=60,
            check=False,
            capture_output=True,
        )
        assert done.returncode == 0, done.stderr
        assert (tmp_path / "other/to").is_symlink()
        assert (tmp_path / "other/run.sh").stat().st_mode & 0o777 == 0o755


def test_the_same_tree_is_the_same_zip(tmp_path: Path) -> None:
    manifest, read = manifest_of(FILES | {"big": bytes(3 << 20) + os.urandom(100)}, LINK)
    turned = Manifest(entries=tuple(reversed(manifest.entries)))

    def in_one(sha256: str) -> list[bytes]:
        return [b"".join(read(sha256))]

    assert b"".join(zip_tree(manifest, read)) == b"".join(zip_tree(turned, in_one))


def test_undecodable_names_and_backslashes_come_back(tmp_path: Path) -> None:
    """Only for what we wrote: from strangers a backslash is refused."""
    manifest, read = manifest_of(
        {"\udcff\n": b"1", "a\\b": b"2"}, Entry(path="l", kind=EntryKind.LINK, target="/data")
    )
    (tmp_path / "s.zip").write_bytes(b"".join(zip_tree(manifest, read)))
    unpack(str(tmp_path / "s.zip"), str(tmp_path / "out"), own=True)
    assert sorted(os.listdir(os.fsencode(tmp_path / "out"))) == [b"a\\b", b"l", b"\xff\n"]
    with pytest.raises(ArchiveError):
        unpack(str(tmp_path / "s.zip"), str(tmp_path / "no"))


def test_what_is_not_what_its_hash_says_is_no_whole_archive() -> None:
    manifest, _ = manifest_of({"a": b"1"})
    with pytest.raises(Conflict):
        b"".join(zip_tree(manifest, lambda _: [b"2"]))


def test_blobs_as_one_stream(tmp_path: Path) -> None:
    contents = [b"", b"x" * 5000, os.urandom(5000), bytes(2 << 20), os.urandom((1 << 20) + 1)]
    sources = {}
    for number, data in enumerate(contents):
        (tmp_path / str(number)).write_bytes(data)
        sources[sha(data)] = tmp_path / str(number)
    with zipfile.ZipFile(io.BytesIO(b"".join(zip_blobs(sources)))) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {
            sha(data): data for data in contents
        }
        assert archive.getinfo(sha(contents[1])).compress_size < 200
        assert archive.getinfo(sha(contents[2])).compress_type == zipfile.ZIP_STORED
        # A guard against zip bombs must not stop our own zeros.
        assert (2 << 20) / 200 < archive.getinfo(sha(contents[3])).compress_size < 50_000


def test_blobs_are_not_held_in_memory(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(os.urandom(1 << 20) * 48)
    sources = {sha((tmp_path / "big").read_bytes()): tmp_path / "big"}
    tracemalloc.start()
    try:
        size = sum(map(len, zip_blobs(sources)))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size > 48 << 20
    assert peak < 12 << 20


@pytest.mark.parametrize("size", [100, 3 << 20])
@pytest.mark.parametrize("change", ["edited", "grown", "shrunk", "removed", "linked"])
def test_a_file_that_changed_since_the_scan_is_named(tmp_path: Path, change: str, size: int) -> None:
    place = tmp_path / "train.py"
    data = bytes(size)
    place.write_bytes({"edited": b"1" + data[1:], "grown": data + b"1", "shrunk": data[1:]}.get(change, data))
    if change in ("removed", "linked"):
        place.unlink()
    if change == "linked":
        place.symlink_to("/etc/passwd")
    with pytest.raises(NotFound if change == "removed" else Conflict, match=r"train\.py") as caught:
        for _ in zip_blobs({sha(data): place}):
            pass
    assert caught.value.hint


def test_many_and_large_entries_need_zip64(monkeypatch: pytest.MonkeyPatch) -> None:
    """The wide records, without four gigabytes: the limit is pretended to be small, but for the count."""
    stream = zipstream.ZipStream()
    count = 70_000
    data = b"".join(
        b"".join(stream.entry(b"%d" % number, stat.S_IFREG | 0o644, (), 0)) for number in range(count)
    )
    with zipfile.ZipFile(io.BytesIO(data + b"".join(stream.end()))) as archive:
        assert len(archive.namelist()) == count
    stream = zipstream.ZipStream()
    first = b"".join(stream.entry(b"a", stat.S_IFREG | 0o644, (b"x" * 10,), 10))
    stream._offset += 5 << 30  # as if five gigabytes lay between
    stream._members[0] = stream._members[0]._replace(size=5 << 30)
    second = b"".join(stream.entry(b"b", stat.S_IFREG | 0o644, (b"y",), 1))
    end = b"".join(stream.end())
    central = end.index(b"PK\x01\x02", 4)
    assert b"PK\x06\x06" in end
    assert struct.unpack("<HHQ", end[central + 46 + 1 :][:12])[0:2] == (1, 8)
    assert struct.unpack("<Q", end[central + 46 + 1 + 4 :][:8])[0] == len(first) + (5 << 30)
    assert second.startswith(b"PK\x03\x04")
    monkeypatch.setattr(zipstream, "_LIMIT", 2 << 20)
    stream = zipstream.ZipStream()
    body = os.urandom(3 << 20)
    packed = b"".join(stream.entry(b"big", stat.S_IFREG | 0o644, (body,), len(body)))
    # A descriptor with eight-byte sizes follows.
    assert packed[-24:-20] == b"PK\x07\x08"
    assert struct.unpack("<Q", packed[-8:])[0] == len(body)


def hostile(*entries: tuple[str, int, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """A zip of entries (name, st_mode, contents); names go in as they are."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile warns of what is meant here: the same name twice
        for name, mode, data in entries:
            info = zipfile.ZipInfo("x")
            info.filename = name
            info.compress_type = method
            info.external_attr = mode << 16
            archive.writestr(info, data)
    return out.getvalue()


REG, LNK, DIR = stat.S_IFREG | 0o644, stat.S_IFLNK | 0o777, stat.S_IFDIR | 0o755
good = ("good", REG, b"1")


def lying_size() -> bytes:
    data = bytearray(hostile(("a", REG, b"0" * 100)))
    at = data.rindex(b"PK\x01\x02")
    data[at + 20 : at + 28] = struct.pack("<II", 10, 10)
    return bytes(data)


def encrypted() -> bytes:
    data = bytearray(hostile(("a", REG, b"1")))
    for at in (6, data.rindex(b"PK\x01\x02") + 8):
        data[at] |= 1
    return bytes(data)


def overlapping() -> bytes:
    """Many directory records over one and the same deflated contents."""
    one = hostile(("a", REG, bytes(1 << 20)), method=zipfile.ZIP_DEFLATED)
    at = one.rindex(b"PK\x01\x02")
    end = one.rindex(b"PK\x05\x06")
    record = bytearray(one[at:end])
    records = b""
    for number in range(400):
        record[28:30] = struct.pack("<H", 4)
        records += bytes(record[:46]) + b"%04d" % number
    tail = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 400, 400, len(records), at, 0)
    return one[:at] + records + tail


HOSTILE: dict[str, bytes] = {
    "absolute": hostile(good, ("/etc/x", REG, b"1")),
    "up": hostile(good, ("../x", REG, b"1")),
    "up inside": hostile(good, ("a/../../x", REG, b"1")),
    "dot": hostile(good, ("./x", REG, b"1")),
    "backslash": hostile(good, ("a\\..\\x", REG, b"1")),
    "drive": hostile(good, ("C:\\x", REG, b"1")),
    "NUL": hostile(good, ("safe.txt\0.sh", REG, b"1")),
    "empty": hostile(good, ("", REG, b"1")),
    "slash": hostile(good, ("/", DIR, b"")),
    "empty name": hostile(good, ("a//b", REG, b"1")),
    "twice": hostile(good, ("a", REG, b"1"), ("a", REG, b"2")),
    "file and directory": hostile(good, ("a", REG, b"1"), ("a/", DIR, b"")),
    "below a file": hostile(good, ("a", REG, b"1"), ("a/b", REG, b"2")),
    "link up": hostile(good, ("a", LNK, b"../x")),
    "link absolute": hostile(good, ("a", LNK, b"/etc")),
    "link by way of a link": hostile(good, ("d/l", LNK, b".."), ("x", LNK, b"d/l/../..")),
    "link loop": hostile(good, ("a", LNK, b"b"), ("b", LNK, b"a")),
    "link empty": hostile(good, ("a", LNK, b"")),
    "link huge": hostile(good, ("a", LNK, b"x" * 100_000)),
    "through a link": hostile(good, ("a", LNK, b"."), ("a/b", REG, b"1")),
    "device": hostile(good, ("a", stat.S_IFCHR | 0o666, b"")),
    "pipe": hostile(good, ("a", stat.S_IFIFO | 0o666, b"")),
    "socket": hostile(good, ("a", stat.S_IFSOCK | 0o666, b"")),
    "deep": hostile(good, ("/".join("a" * 60), REG, b"1")),
    "long name": hostile(good, ("a" * 300, REG, b"1")),
    "file named as a directory": hostile(good, ("a/", REG, b"1")),
    "other compression": hostile(good, ("a", REG, b"1" * 100), method=zipfile.ZIP_BZIP2),
    "encrypted": encrypted(),
    "lying size": lying_size(),
    "bomb": hostile(good, ("a", REG, bytes(64 << 20)), method=zipfile.ZIP_DEFLATED),
    "overlapping bomb": overlapping(),
    "cut": hostile(good, ("a", REG, b"1"))[:-30],
    "corrupt": hostile(good, ("a", REG, b"1" * 1000)).replace(b"1" * 100, b"2" * 100, 1),
    "no zip": b"hello",
    "nothing": b"",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_archives_are_rejected_whole(far: FarSide, tmp_path: Path, name: str) -> None:
    """Never clamped: nothing is kept, inside or outside of the directory. By 3.6 and by the newest."""
    room = tmp_path / "room"
    room.mkdir()
    (tmp_path / "z").write_bytes(HOSTILE[name])
    with pytest.raises(FarError) as caught:
        far.ask("unpack", str(tmp_path / "z"), str(room / "out"), {}, False)
    assert (caught.value.kind, caught.value.code) == ("ArchiveError", "hostile_archive"), caught.value
    assert list(room.iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["room", "z"]


def test_the_control_is_not_rejected(far: FarSide, tmp_path: Path) -> None:
    """What the hostile ones are built from is good by itself."""
    (tmp_path / "z").write_bytes(
        hostile(good, ("d/", DIR, b""), ("d/l", LNK, b"../good"), ("d/x", 0o104755, b"1"))
    )
    assert far.ask("unpack", str(tmp_path / "z"), str(tmp_path / "out"), {}, False) == 2
    assert (tmp_path / "out/d/l").read_text() == "1"
    assert (tmp_path / "out/d/x").stat().st_mode & 0o7777 == 0o755


@pytest.mark.parametrize(
    ("limit", "text"),
    [
        ({"max_files": 2}, "more than 2 entries"),
        ({"max_bytes": 20}, "20 bytes"),
        ({"max_depth": 1}, "deeper than 1"),
        ({"max_directory": 100}, "directory is larger"),
    ],
)
def test_each_limit(tmp_path: Path, limit: dict[str, int], text: str) -> None:
    (tmp_path / "z").write_bytes(hostile(("a", REG, b"1" * 15), ("b", REG, b"1" * 15), ("c/d", REG, b"1")))
    with pytest.raises(ArchiveError, match=text):
        unpack(str(tmp_path / "z"), str(tmp_path / "out"), LIMITS._replace(**limit))
    assert unpack(str(tmp_path / "z"), str(tmp_path / "out")) == 3


def test_a_directory_that_holds_something_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "z").write_bytes(hostile(good))
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine").touch()
    with pytest.raises(OSError, match="not empty"):
        unpack(str(tmp_path / "z"), str(tmp_path / "out"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "z"]


def test_names_that_a_file_system_takes_for_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """README and readme are two files here; where they are one, the archive is rejected."""
    (tmp_path / "z").write_bytes(hostile(("README", REG, b"1"), ("readme", REG, b"2")))
    assert unpack(str(tmp_path / "z"), str(tmp_path / "two")) == 2
    real = os.path.lexists
    monkeypatch.setattr(os.path, "lexists", lambda path: path.endswith("pARTIAL") or real(path))
    with pytest.raises(ArchiveError, match="same name"):
        unpack(str(tmp_path / "z"), str(tmp_path / "one"))
    (tmp_path / "z").write_bytes(hostile(("Dir/a", REG, b"1"), ("dir/b", REG, b"2")))
    with pytest.raises(ArchiveError, match="same name"):
        unpack(str(tmp_path / "z"), str(tmp_path / "one"))
    assert fold("É") == fold("e\u0301")


@pytest.mark.parametrize(
    ("links", "path", "leaves"),
    [
        ({"a": "b/c"}, "a", False),
        ({"d/a": "../b"}, "d/a", False),
        ({"a": ".."}, "a", True),
        ({"a": "b/../.."}, "a", True),
        ({"a": "/"}, "a", True),
        ({"d/up": "..", "a": "d/up/x"}, "a", False),
        ({"d/up": "..", "a": "d/up/../x"}, "a", True),
        ({"out": "/etc", "a": "out/passwd"}, "a", True),
        ({"a": "a"}, "a", True),
    ],
)
def test_where_a_link_leads(links: dict[str, str], path: str, leaves: bool) -> None:
    assert link_leaves(path, links) is leaves
