"""The manifest of a snapshot as the machine handles it: checked, put together from a delta, named. Pure.

An entry is `[path, kind, mode, size, content]`: kind "file", "link" or "dir", mode 0o644 or 0o755, content
the sha256 of a file, the target of a link, "" for a directory.
"""

import hashlib
from typing import Any, Dict, Iterable, List, Sequence

from workbench.remote.forms import protocol
from workbench.remote.forms.tree_paths import clash, encode, path_problem, target_problem

FILE = "file"
LINK = "link"
DIRECTORY = "dir"
MODES = (0o644, 0o755)
MAX_ENTRIES = 1000000


class BadManifest(ValueError):
    """A manifest that cannot be laid out, or that is not the one its id names."""

    code = "snapshot"
    hint = "submit again; if it stays, a path of the source tree is one the machine cannot hold"

    @property
    def message(self) -> str:
        """What is wrong, as one line."""
        return str(self)


def check_entry(entry: Any) -> List[Any]:
    """The entry itself when every field fits; raises BadManifest."""
    if not isinstance(entry, (list, tuple)) or len(entry) != 5:
        raise BadManifest("an entry of the snapshot is not [path, kind, mode, size, content]")
    path, kind, mode, size, content = entry
    problem = path_problem(path)
    if problem:
        raise BadManifest("path %.200r of the snapshot: %s" % (path, problem))
    if mode not in MODES or isinstance(size, bool) or not isinstance(size, int) or size < 0:
        raise BadManifest("mode or size of %.200r does not fit" % path)
    if kind == FILE:
        if not isinstance(content, str) or not protocol.SHA256.fullmatch(content):
            raise BadManifest("%.200r has no sha256" % path)
    elif kind == LINK:
        problem = target_problem(content)
        if problem:
            raise BadManifest("target of the link %.200r: %s" % (path, problem))
    elif kind != DIRECTORY or content != "":
        raise BadManifest("%.200r is neither file, link nor directory" % path)
    return [path, kind, mode, size, content]


def check_entries(entries: Iterable[Any]) -> List[List[Any]]:
    """All entries, checked one by one and together, sorted by path; raises BadManifest."""
    found: Dict[str, List[Any]] = {}
    for entry in entries:
        checked = check_entry(entry)
        if checked[0] in found:
            raise BadManifest("path %.200r stands twice in the snapshot" % checked[0])
        found[checked[0]] = checked
    if len(found) > MAX_ENTRIES:
        raise BadManifest("more than %d entries in the snapshot" % MAX_ENTRIES)
    through = clash({path: entry[1] for path, entry in found.items()})
    if through is not None:
        raise BadManifest("%.200r lies below something that is no directory" % through)
    return [found[path] for path in sorted(found, key=encode)]


def canonical(entries: Iterable[Sequence[Any]]) -> bytes:
    """The bytes whose sha256 is the snapshot's id: `entities.snapshot.canonical` for the machine's form."""
    lines = []
    for path, kind, mode, _, content in entries:
        lines.append(b"\0".join((encode(path), kind.encode("ascii"), b"%o" % mode, encode(content))))
    lines.sort()
    return b"".join(line + b"\0\n" for line in lines)


def snapshot_id(entries: Iterable[Sequence[Any]]) -> str:
    """The id of the snapshot that these entries are."""
    return hashlib.sha256(canonical(entries)).hexdigest()


def apply_delta(base: Iterable[Sequence[Any]], removed: Any, added: Any) -> List[List[Any]]:
    """The entries of base without the removed paths and with the added ones in place; raises BadManifest."""
    if not isinstance(removed, list) or not isinstance(added, list):
        raise BadManifest("the snapshot's delta is not two lists")
    fresh = check_entries(added)
    gone = {path for path in removed if isinstance(path, str)}
    gone.update(entry[0] for entry in fresh)
    return check_entries([entry for entry in base if entry[0] not in gone] + fresh)
