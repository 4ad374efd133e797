"""What differs between two snapshots, in paths and in lines; and the delta that is sent."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.entities.snapshot import Entry, EntryKind, Manifest
from workbench.remote.snapshots.manifest import apply_delta, snapshot_id
from workbench.snapshots.delta import delta, wire
from workbench.snapshots.diff import MOST_FILE, ChangeKind, changed_files, changes, unified
from workbench.text.patch import patch_files

BLOBS: dict[str, bytes] = {}


def file(path: str, data: bytes, mode: int = 0o644) -> Entry:
    sha256 = hashlib.sha256(data).hexdigest()
    BLOBS[sha256] = data
    return Entry(path=path, mode=mode, size=len(data), sha256=sha256)


def link(path: str, target: str) -> Entry:
    return Entry(path=path, kind=EntryKind.LINK, target=target)


def directory(path: str) -> Entry:
    return Entry(path=path, kind=EntryKind.DIRECTORY, mode=0o755)


def tree(*entries: Entry) -> Manifest:
    return Manifest(entries=entries)


def text(before: Manifest, after: Manifest, path: str | None = None) -> str:
    return unified(before, after, BLOBS.__getitem__, path)


BEFORE = tree(
    file("same", b"1"), file("edited", b"a\nb\nc\n"), file("gone", b"x\n"), file("mode", b"m"),
    link("l", "a"), file("turned", b"t\n"),
)  # fmt: skip
AFTER = tree(
    file("same", b"1"), file("edited", b"a\nB\nc\n"), file("new", b"n"), file("mode", b"m", 0o755),
    link("l", "b"), link("turned", "same"), directory("empty"),
)  # fmt: skip


def test_every_kind_of_change_is_named() -> None:
    found = {change.path: change.change for change in changes(BEFORE, AFTER)}
    assert found == {
        "edited": ChangeKind.MODIFIED,
        "gone": ChangeKind.REMOVED,
        "new": ChangeKind.ADDED,
        "empty": ChangeKind.ADDED,
        "mode": ChangeKind.MODE,
        "l": ChangeKind.LINK,
        "turned": ChangeKind.KIND,
    }
    assert [change.path for change in changes(BEFORE, AFTER)] == sorted(found)
    assert changes(BEFORE, BEFORE) == []
    assert text(AFTER, AFTER) == ""


def test_the_unified_diff() -> None:
    assert text(BEFORE, AFTER, "edited") == (
        "diff a/edited b/edited\n--- a/edited\n+++ b/edited\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n"
    )
    assert text(BEFORE, AFTER, "gone") == (
        "diff a/gone b/gone\ndeleted file mode 644\n--- a/gone\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n"
    )
    assert text(BEFORE, AFTER, "new") == (
        "diff a/new b/new\nnew file mode 644\n--- /dev/null\n+++ b/new\n@@ -0,0 +1 @@\n+n\n"
        "\\ No newline at end of file\n"
    )
    assert text(BEFORE, AFTER, "mode") == "diff a/mode b/mode\nold file mode 644\nnew file mode 755\n"
    assert "old file mode 644\nnew link\n" in text(BEFORE, AFTER, "turned")
    assert "-a\n" in text(BEFORE, AFTER, "l")
    whole = text(BEFORE, AFTER)
    assert whole.count("diff a/") == 7


def test_a_path_takes_what_lies_below_it() -> None:
    before, after = tree(), tree(file("a/b", b"1\n"), file("ab", b"1\n"))
    assert text(before, after, "a").count("diff a/") == 1
    assert text(before, after, "a/").count("diff a/") == 1
    assert text(before, after, "none") == ""


@pytest.mark.parametrize("data", [b"\0\1", b"\xff\xfe", b"text\0more"])
def test_binary_files_are_named_not_shown(data: bytes) -> None:
    assert text(tree(file("a", b"x")), tree(file("a", data))) == (
        f"diff a/a b/a\nBinary files differ: 1 and {len(data)} bytes\n"
    )


def test_large_files_are_not_even_read() -> None:
    big = Entry(path="a", size=MOST_FILE + 1, sha256="0" * 64)
    assert "Large files differ" in unified(tree(), tree(big), lambda _: pytest.fail("read"))
    many = file("a", b"\n" * 15_000)
    assert "15000 and 15001 lines" in text(tree(many), tree(file("a", b"\n" * 15_001)))


def test_a_whole_diff_is_cut_where_it_is_too_long() -> None:
    after = tree(*(file(f"f{number}", b"line\n" * 10) for number in range(100)))
    found = unified(tree(), after, BLOBS.__getitem__, most=500)
    assert found.endswith("... the diff is cut here, at 500 characters\n")
    assert len(found) < 600


def test_a_name_cannot_forge_lines_or_control_the_terminal() -> None:
    found = text(tree(), tree(file("a\n+forged\x1b[2J", b"x\n"), file("\udcff", b"y\n"), link("l", "\udcff")))
    assert "\n+forged" not in found
    assert "\x1b" not in found
    found.encode("utf-8")


paths = st.sampled_from(["a", "b", "c/d", "c/e", "é", "\udcff"])
entries = st.one_of(
    st.builds(
        lambda path, data, mode: file(path, data, mode),
        paths,
        st.binary(max_size=2),
        st.sampled_from([0o644, 0o755]),
    ),
    st.builds(link, paths, st.sampled_from(["x", "../y"])),
)
manifests = st.lists(entries, unique_by=lambda entry: entry.path, max_size=6).map(lambda found: tree(*found))


@given(manifests, manifests)
def test_a_delta_makes_the_new_manifest_of_the_old(before: Manifest, after: Manifest) -> None:
    """AZ-115: what the machine puts together is what was meant."""
    change = delta(before, after)
    made = apply_delta([wire(entry) for entry in before.entries], change.removed, change.added)
    assert snapshot_id(made) == after.id
    assert delta(after, after) == ([], [])
    assert apply_delta([], [], delta(None, after).added) == sorted(
        (wire(entry) for entry in after.entries),
        key=lambda entry: entry[0].encode("utf-8", "surrogateescape"),
    )


def test_changed_lines_are_counted_where_lines_were_compared() -> None:
    found = {
        item.path: (item.change, item.added, item.removed)
        for item in changed_files(BEFORE, AFTER, BLOBS.__getitem__)
    }
    assert found["edited"] == (ChangeKind.MODIFIED, 1, 1)
    assert found["gone"] == (ChangeKind.REMOVED, 0, 1)
    assert found["new"] == (ChangeKind.ADDED, 1, 0)
    assert found["mode"] == (ChangeKind.MODE, None, None)
    binary = changed_files(tree(file("b", b"\0")), tree(file("b", b"\0\0")), BLOBS.__getitem__)
    assert (binary[0].added, binary[0].removed) == (None, None)
    cut = changed_files(BEFORE, AFTER, BLOBS.__getitem__, most=10)
    assert [item.added for item in cut][1:] == [None] * (len(cut) - 1)


@pytest.mark.parametrize(("lines", "path", "figures"), [
    ("diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n--- gone\n+++ come\n", "x", (1, 1)),
    ("diff --git a/a b b/a b\nold mode 100644\nnew mode 100755\n", "a b", (0, 0)),
    ("diff --git a/x b/x\n--- a/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\f+diff y\n", "x", (0, 1)),
    ('diff --git "a/\\303" "b/\\303"\n--- "a/\\303"\n+++ "b/\\303"\n@@ -1 +1 @@\n-x\n+y\n', "\\303", (1, 1)),
])  # fmt: skip
def test_a_patch_is_read_file_by_file(lines: str, path: str, figures: tuple[int, int]) -> None:
    [one, two] = patch_files("what git says before\n" + lines + lines)
    assert (one.path, one.added, one.removed) == (path, *figures)
    assert one.text == two.text == lines
