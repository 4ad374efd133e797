"""Snapshots on a machine: manifests under trees/, and which file contents under blobs/ they lack.

A machine is anything with `.root`, the folder of ours. Manifests and blobs appear by rename only; what is
there under its final name is whole (a length that does not fit is treated as absent: a crash can do that).
"""

import binascii
import json
import os
from typing import Any, Dict, List, Optional, Sequence, Set

from workbench.remote.disk.copying import write_all
from workbench.remote.forms import protocol
from workbench.remote.snapshots.manifest import FILE, BadManifest, apply_delta, check_entries, snapshot_id

MAX_MANIFEST = 512 << 20
ASIDE = "upload-"  # what is in blobs/ and still on its way in, or out


def blob_path(root: str, sha256: str) -> str:
    """Where the contents of that hash lie below a root."""
    return os.path.join(root, "blobs", sha256[:2], sha256)


def open_blob(root: str, sha256: str) -> int:
    """The contents of that hash opened for reading, also while a pruning has put them aside.

    Raises FileNotFoundError.
    """
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW
    place = blob_path(root, sha256)
    try:
        return os.open(place, flags)
    except FileNotFoundError:
        folder = os.path.join(root, "blobs")
        for name in os.listdir(folder) if os.path.isdir(folder) else []:
            if name.startswith(ASIDE):
                try:
                    return os.open(os.path.join(folder, name, sha256), flags)
                except (FileNotFoundError, NotADirectoryError):
                    continue
        return os.open(place, flags)  # put back while we looked there


def accept_manifest(
    machine: Any, snapshot: str, base: Optional[str], removed: Any, added: Any
) -> Dict[str, Any]:
    """Keeps the manifest of snapshot and answers `{"missing": [sha256]}`: the contents still to be sent.

    The manifest is that of base (absent or "": an empty one) without the removed paths and with the added
    entries. A snapshot the machine knows already needs neither. `{"unknown_base": True}`: send it whole.
    Raises BadManifest when an entry cannot be accepted, or when all of them are not what snapshot names.
    """
    _check_id(snapshot)
    entries = load_manifest(machine, snapshot)
    if entries is None:
        known: Optional[List[List[Any]]] = []
        if base:
            _check_id(base)
            known = load_manifest(machine, base)
        if known is None:
            return {"unknown_base": True}
        entries = apply_delta(known, removed, added)
        if snapshot_id(entries) != snapshot:
            raise BadManifest("the entries sent are not those of snapshot %s" % snapshot)
        _save_manifest(machine, snapshot, entries)
    elif not _touched(machine, snapshot):
        _save_manifest(machine, snapshot, entries)
    return {"missing": missing_blobs(machine, entries)}


def load_manifest(machine: Any, snapshot: str) -> Optional[List[List[Any]]]:
    """The entries of a snapshot this machine knows, by path; None when it does not or they are damaged."""
    _check_id(snapshot)
    raw = _manifest_bytes(machine, snapshot)
    if raw is None:
        return None
    try:
        entries = check_entries(json.loads(raw.decode("ascii"))["entries"])
    except (ValueError, KeyError, TypeError):  # torn or tampered with: it is sent again
        return None
    return entries if snapshot_id(entries) == snapshot else None


def missing_blobs(machine: Any, entries: Sequence[Sequence[Any]]) -> List[str]:
    """The hashes of files among entries whose contents are not here, each once, in order."""
    missing = []
    asked: Set[str] = set()
    for _, kind, _, size, content in entries:
        if kind != FILE or content in asked:
            continue
        asked.add(content)
        try:
            if os.stat(blob_path(machine.root, content)).st_size == size:
                continue
        except FileNotFoundError:
            pass
        missing.append(content)
    return missing


def _check_id(snapshot: Any) -> None:
    if not isinstance(snapshot, str) or not protocol.SHA256.fullmatch(snapshot):
        raise BadManifest("%.80r is no snapshot id" % (snapshot,))


def _manifest_path(machine: Any, snapshot: str) -> str:
    return os.path.join(machine.root, "trees", snapshot + ".json")


def _touched(machine: Any, snapshot: str) -> bool:
    """Say that somebody wants a snapshot now, so that nobody prunes it; False when it was just removed."""
    try:
        os.utime(_manifest_path(machine, snapshot))
    except FileNotFoundError:
        return False
    return True


def _manifest_bytes(machine: Any, snapshot: str) -> Optional[bytes]:
    """A manifest as it was written; None when there is none."""
    place = _manifest_path(machine, snapshot)
    for path in (place, aside(place), place):  # put aside, and back, while we look
        try:
            with open(path, "rb") as file:
                return file.read(MAX_MANIFEST + 1)
        except FileNotFoundError:
            continue
    return None


def aside(place: str) -> str:
    """Where a manifest is while it is decided whether it goes; swept with what was left half done."""
    return place + ".pruned.partial"


def _save_manifest(machine: Any, snapshot: str, entries: List[List[Any]]) -> None:
    place = _manifest_path(machine, snapshot)
    os.makedirs(os.path.dirname(place), 0o700, exist_ok=True)
    partial = "%s.%s.partial" % (place, binascii.hexlify(os.urandom(16)).decode("ascii"))
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        try:
            write_all(handle, protocol.dumps({"v": 1, "entries": entries}))
        finally:
            os.close(handle)
        os.rename(partial, place)
    except BaseException:
        os.unlink(partial)
        raise
