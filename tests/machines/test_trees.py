"""A snapshot's way to a machine and back into a tree: bytes and modes equal, by old and new Python."""

from __future__ import annotations

import hashlib
import itertools
import os
import stat
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.machines.far_side import FarError, FarSide, far
from workbench.entities.snapshot import Entry, EntryKind, Manifest
from workbench.remote.snapshots import blobs, layout
from workbench.remote.snapshots.trees import accept_manifest, blob_path
from workbench.snapshots.archive import zip_blobs
from workbench.snapshots.delta import delta, wire
from workbench.snapshots.limits import Limits
from workbench.snapshots.scan import Scan, scan
from workbench.snapshots.walk import _VENV
from workbench.snapshots.worktree import BUILT_IN

__all__ = ["far"]

NO_LIMITS = Limits(None, None)
_counter = itertools.count()

weird = st.binary(min_size=1, max_size=12).map(lambda raw: raw.replace(b"/", b"\\").replace(b"\0", b"\n"))
names = st.one_of(
    weird, st.sampled_from([b"a", b"B", b"README", b"readme", b"x y", b"-rf", "é".encode(), b"\xff"])
).filter(
    # hypothesis finds the names that a scan leaves out by reading its source
    lambda name: not name.startswith(b".") and name not in BUILT_IN.replace(b"/", b"").split() + list(_VENV)
)
leaves = st.one_of(
    st.tuples(st.just("file"), st.binary(max_size=300), st.sampled_from([0o644, 0o755, 0o600, 0o775, 0o444])),
    st.tuples(
        st.just("link"), st.one_of(names, st.sampled_from([b"../x", b"/nowhere", b"a/../b"])), st.just(0)
    ),
)
trees = st.recursive(
    st.dictionaries(names, leaves, max_size=4),
    lambda children: st.dictionaries(names, leaves | children, max_size=4),
    max_leaves=12,
)
quiet = settings(
    max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)


def plant(tree: dict[bytes, Any], place: bytes) -> None:
    os.mkdir(place)
    for name, what in tree.items():
        path = os.path.join(place, name)
        if isinstance(what, dict):
            plant(what, path)
        elif what[0] == "link":
            os.symlink(what[1], path)
        else:
            with open(path, "wb") as file:
                file.write(what[1])
            os.chmod(path, what[2])


def seen(place: bytes) -> dict[bytes, Any]:
    """Everything under place: kind, executable or not, contents."""
    found: dict[bytes, Any] = {}
    for entry in os.scandir(place):
        if entry.is_symlink():
            found[entry.name] = os.readlink(entry.path)
        elif entry.is_dir():
            found[entry.name] = seen(entry.path)
        else:
            mode = entry.stat().st_mode
            with open(entry.path, "rb") as file:
                found[entry.name] = (bool(mode & stat.S_IXUSR), file.read())
    return found


def modes(place: Path) -> set[int]:
    return {
        stat.S_IMODE(os.lstat(path).st_mode)
        for path in place.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


def send(far: FarSide, found: Scan, base: Manifest | None, zip_path: Path) -> list[str]:
    """Everything up to where the machine lacks nothing; returns what it had lacked."""
    change = delta(base, found.manifest)
    words = (found.manifest.id, base.id if base is not None else None, change.removed, change.added)
    missing: list[str] = far.ask("accept_manifest", *words)["missing"]
    zip_path.write_bytes(b"".join(zip_blobs(found.sources(missing))))
    assert far.ask("store_blobs", str(zip_path)) == len(missing)
    assert far.ask("accept_manifest", *words) == {"missing": []}
    return missing


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ground")


@pytest.fixture
def machine(far: FarSide, tmp_path: Path) -> FarSide:
    (tmp_path / "root").mkdir()
    far.ask("root", str(tmp_path / "root"))
    return far


@quiet
@given(trees, trees)
def test_trees_arrive_equal(far: FarSide, ground: Path, first: dict, second: dict) -> None:
    """AZ-117, AZ-115: whatever the names, through delta, blobs, store and layout, twice over."""
    place = ground / f"t{next(_counter)}"
    place.mkdir()
    far.ask("root", str(place / "root"))
    base = None
    for number, tree in enumerate((first, second)):
        source = place / f"source{number}"
        plant(tree, os.fsencode(source))
        found = scan(source, limits=NO_LIMITS, environ={})
        assert not found.left_out
        send(far, found, base, place / "blobs.zip")
        out = place / f"out{number}"
        far.ask("lay_out", found.manifest.id, str(out))
        assert seen(os.fsencode(out)) == seen(os.fsencode(source))
        assert modes(out) <= {0o644, 0o755}
        base = found.manifest


@quiet
@given(trees)
def test_both_sides_name_a_tree_alike(far: FarSide, ground: Path, tree: dict) -> None:
    """The canonical bytes of entities.snapshot and of the machine are the same."""
    source = ground / f"t{next(_counter)}"
    plant(tree, os.fsencode(source))
    manifest = scan(source, limits=NO_LIMITS, environ={}).manifest
    assert far.ask("canonical", [wire(entry) for entry in manifest.entries]) == manifest.id


def test_two_trees_never_share_an_id() -> None:
    """Newlines in names and targets must not move a record's border."""
    one = (
        Entry(path="a", kind=EntryKind.LINK, target="t\nx"),
        Entry(path="b", kind=EntryKind.LINK, target="u"),
    )
    two = (
        Entry(path="a", kind=EntryKind.LINK, target="t"),
        Entry(path="x\nb", kind=EntryKind.LINK, target="u"),
    )
    assert Manifest(entries=one).id != Manifest(entries=two).id


def tree_of(place: Path, files: dict[str, str]) -> Scan:
    for name, content in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(content)
    return scan(place, environ={})


def test_only_what_changed_is_sent(machine: FarSide, tmp_path: Path) -> None:
    """AZ-115: after one edited file the delta is one entry and the zip holds one blob."""
    files = {f"pkg/f{number}.py": f"{number}\n" * 50 for number in range(500)}
    first = tree_of(tmp_path / "tree", files)
    assert len(send(machine, first, None, tmp_path / "z")) == 500
    second = tree_of(tmp_path / "tree", {"pkg/f7.py": "new\n"})
    change = delta(first.manifest, second.manifest)
    assert (change.removed, [entry[0] for entry in change.added]) == ([], ["pkg/f7.py"])
    assert send(machine, second, first.manifest, tmp_path / "z") == [hashlib.sha256(b"new\n").hexdigest()]
    assert (tmp_path / "z").stat().st_size < 400


def test_a_base_the_machine_never_saw(machine: FarSide, tmp_path: Path) -> None:
    found = tree_of(tmp_path / "tree", {"a": "1"})
    answer = machine.ask("accept_manifest", found.manifest.id, "0" * 64, [], [])
    assert answer == {"unknown_base": True}


@pytest.mark.parametrize(
    "damage", [b"", b"{}", b'{"v":1,"entries":[]}', b'{"v":1,"entries":[["../x","dir",493,0,""]]}']
)
def test_a_damaged_base_is_an_unknown_one(machine: FarSide, tmp_path: Path, damage: bytes) -> None:
    first = tree_of(tmp_path / "tree", {"a": "1"})
    send(machine, first, None, tmp_path / "z")
    (tmp_path / "root/trees" / f"{first.manifest.id}.json").write_bytes(damage)
    second = tree_of(tmp_path / "tree", {"a": "2"})
    change = delta(first.manifest, second.manifest)
    answer = machine.ask("accept_manifest", second.manifest.id, first.manifest.id, *change)
    assert answer == {"unknown_base": True}


def test_an_id_that_is_not_the_manifests(machine: FarSide, tmp_path: Path) -> None:
    entry = ["a", "file", 0o644, 1, "0" * 64]
    with pytest.raises(FarError, match="are not those of snapshot"):
        machine.ask("accept_manifest", "1" * 64, None, [], [entry])
    assert not (tmp_path / "root/trees").exists()


@pytest.mark.parametrize("snapshot", ["", "..", "../" * 22, "0" * 63, "0" * 64 + "\n", "A" * 64, 5, None])
def test_an_id_that_is_none(machine: FarSide, snapshot: Any) -> None:
    for name, words in (("accept_manifest", [None, [], []]), ("lay_out", ["/nowhere/at/all"])):
        with pytest.raises(FarError) as caught:
            machine.ask(name, snapshot, *words)
        assert caught.value.kind == "BadManifest"


BAD_ENTRIES = {
    "absolute": ["/etc/x", "file", 0o644, 0, "0" * 64],
    "up": ["a/../../x", "file", 0o644, 0, "0" * 64],
    "dot": ["./x", "file", 0o644, 0, "0" * 64],
    "empty": ["", "dir", 0o755, 0, ""],
    "empty name": ["a//b", "dir", 0o755, 0, ""],
    "NUL": ["a\0b", "dir", 0o755, 0, ""],
    "not text": [5, "dir", 0o755, 0, ""],
    "not encodable": ["\ud800", "dir", 0o755, 0, ""],
    "long name": ["a" * 256, "dir", 0o755, 0, ""],
    "deep": ["/".join("a" * 101), "dir", 0o755, 0, ""],
    "setuid": ["a", "file", 0o4755, 0, "0" * 64],
    "no hash": ["a", "file", 0o644, 0, "../../x"],
    "hash and newline": ["a", "file", 0o644, 0, "0" * 64 + "\n"],
    "no target": ["a", "link", 0o644, 0, ""],
    "NUL in a target": ["a", "link", 0o644, 0, "x\0"],
    "device": ["a", "device", 0o644, 0, ""],
    "negative": ["a", "file", 0o644, -1, "0" * 64],
    "size of truth": ["a", "file", 0o644, True, "0" * 64],
    "short": ["a", "file"],
    "no list": "a",
}


@pytest.mark.parametrize("entry", BAD_ENTRIES.values(), ids=BAD_ENTRIES.keys())
def test_hostile_entries_are_refused(machine: FarSide, entry: Any) -> None:
    with pytest.raises(FarError) as caught:
        machine.ask("accept_manifest", "0" * 64, None, [], [entry])
    assert (caught.value.kind, caught.value.code) == ("BadManifest", "snapshot")


@pytest.mark.parametrize(
    "entries",
    [
        [["a", "link", 0o644, 0, "/etc"], ["a/b", "file", 0o644, 0, "0" * 64]],
        [["a", "file", 0o644, 0, "0" * 64], ["a/b/c", "dir", 0o755, 0, ""]],
        [["a", "dir", 0o755, 0, ""], ["a", "link", 0o644, 0, "/etc"]],
    ],
    ids=["through a link", "through a file", "twice"],
)
def test_entries_that_would_write_through_each_other(machine: FarSide, entries: list[Any]) -> None:
    with pytest.raises(FarError) as caught:
        machine.ask("accept_manifest", "0" * 64, None, [], entries)
    assert caught.value.kind == "BadManifest"


def test_a_link_below_the_base_cannot_be_written_through(machine: FarSide, tmp_path: Path) -> None:
    """The delta is checked together with what it is applied to."""
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/a").symlink_to("/etc")
    base = scan(tmp_path / "tree", environ={})
    send(machine, base, None, tmp_path / "z")
    added = [["a/b", "file", 0o644, 0, "0" * 64]]
    with pytest.raises(FarError, match="lies below something"):
        machine.ask("accept_manifest", "0" * 64, base.manifest.id, [], added)


def test_layout_says_which_file_is_missing(machine: FarSide, tmp_path: Path) -> None:
    found = tree_of(tmp_path / "tree", {"a": "1", "b/c": "2"})
    send(machine, found, None, tmp_path / "z")
    sha256 = hashlib.sha256(b"2").hexdigest()
    blob = tmp_path / "root/blobs" / sha256[:2] / sha256
    blob.unlink()
    with pytest.raises(FarError, match="'b/c' are not on this machine"):
        machine.ask("lay_out", found.manifest.id, str(tmp_path / "out"))
    blob.write_bytes(b"")  # what a crash may leave of a file
    with pytest.raises(FarError, match="'b/c' are damaged"):
        machine.ask("lay_out", found.manifest.id, str(tmp_path / "out"))
    assert not list(tmp_path.glob("out*"))
    assert machine.ask("accept_manifest", found.manifest.id, None, [], []) == {"missing": [sha256]}
    with pytest.raises(FarError, match="not on this machine"):
        machine.ask("lay_out", "0" * 64, str(tmp_path / "out"))


@pytest.mark.parametrize("slow", [-1.0, 1e9], ids=["together", "one by one"])
def test_many_files_are_laid_out_whole_however_slow_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slow: float
) -> None:
    monkeypatch.setattr(layout, "SLOW", slow)
    files = {f"pkg{number % 7}/deep/module{number}.py": f"{number}" * (number % 50) for number in range(400)}
    found = tree_of(tmp_path / "tree", files)
    here = SimpleNamespace(root=str(tmp_path / "root"))
    request = delta(None, found.manifest)
    missing = accept_manifest(here, found.manifest.id, None, request.removed, request.added)["missing"]
    (tmp_path / "z").write_bytes(b"".join(zip_blobs(found.sources(missing))))
    blobs.store_blobs(here.root, str(tmp_path / "z"))
    assert layout.lay_out(here, found.manifest.id, str(tmp_path / "out")) == 400
    assert seen(os.fsencode(tmp_path / "out")) == seen(os.fsencode(tmp_path / "tree"))
    last = found.manifest.entries[-1].sha256
    os.unlink(blob_path(here.root, last))
    with pytest.raises(layout.MissingBlob, match="not on this machine"):
        layout.lay_out(here, found.manifest.id, str(tmp_path / "again"))
    assert not list(tmp_path.glob("again*"))


def test_a_run_may_write_without_touching_the_blobs(machine: FarSide, tmp_path: Path) -> None:
    """Never hard links."""
    found = tree_of(tmp_path / "tree", {"a": "1"})
    send(machine, found, None, tmp_path / "z")
    machine.ask("lay_out", found.manifest.id, str(tmp_path / "one"))
    (tmp_path / "one/a").write_text("written by the run")
    machine.ask("lay_out", found.manifest.id, str(tmp_path / "two"))
    assert (tmp_path / "two/a").read_text() == "1"
    assert (tmp_path / "one/a").stat().st_nlink == 1


def test_layout_keeps_what_stands_there(machine: FarSide, tmp_path: Path) -> None:
    found = tree_of(tmp_path / "tree", {"a": "1"})
    send(machine, found, None, tmp_path / "z")
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine").touch()
    with pytest.raises(FarError) as caught:
        machine.ask("lay_out", found.manifest.id, str(tmp_path / "out"))
    assert caught.value.kind == "OSError"
    assert [path.name for path in tmp_path.glob("out*")] == ["out"]
    (tmp_path / "out/mine").unlink()
    assert machine.ask("lay_out", found.manifest.id, str(tmp_path / "out")) == 1


def test_large_files_arrive_whole(machine: FarSide, tmp_path: Path) -> None:
    """Over one piece of the zip, and over what one read copies; compressible, random, and all zeros."""
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/random").write_bytes(os.urandom(3 << 20))
    (tmp_path / "tree/zeros").write_bytes(bytes(40 << 20))
    (tmp_path / "tree/text").write_bytes(b"line of text\n" * 200_000)
    (tmp_path / "tree/empty").touch()
    found = scan(tmp_path / "tree", environ={})
    send(machine, found, None, tmp_path / "z")
    assert (tmp_path / "z").stat().st_size < 4 << 20
    machine.ask("lay_out", found.manifest.id, str(tmp_path / "out"))
    assert seen(os.fsencode(tmp_path / "out")) == seen(os.fsencode(tmp_path / "tree"))


@pytest.mark.parametrize("name", ["x", "../" + "0" * 61, "0" * 64 + "/", "A" * 64, "0" * 63])
def test_blobs_are_named_by_their_hash(machine: FarSide, tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "z", "w") as archive:
        archive.writestr(name, b"")
    with pytest.raises(FarError) as caught:
        machine.ask("store_blobs", str(tmp_path / "z"))
    assert (caught.value.kind, caught.value.code) == ("ArchiveError", "hostile_archive")
    assert not (tmp_path / "root/blobs").exists()


def test_blobs_must_be_what_they_claim(machine: FarSide, tmp_path: Path) -> None:
    good = hashlib.sha256(b"good").hexdigest()
    with zipfile.ZipFile(tmp_path / "z", "w") as archive:
        archive.writestr(good, b"good")
        archive.writestr("0" * 64, b"bad")
    with pytest.raises(FarError, match="are something else"):
        machine.ask("store_blobs", str(tmp_path / "z"))
    kept = [path.name for path in (tmp_path / "root/blobs").rglob("*") if path.is_file()]
    assert kept == [good]


def test_a_zip_cut_in_transfer_stores_nothing(machine: FarSide, tmp_path: Path) -> None:
    found = tree_of(tmp_path / "tree", {"a": "1" * 1000, "b": "2" * 1000})
    whole = b"".join(zip_blobs(found.sources(found.raw_sources)))
    for length in range(0, len(whole), 37):
        (tmp_path / "z").write_bytes(whole[:length])
        with pytest.raises(FarError) as caught:
            machine.ask("store_blobs", str(tmp_path / "z"))
        assert caught.value.kind == "ArchiveError"
    assert not [path for path in (tmp_path / "root").rglob("*") if path.is_file()]
