"""Taking file contents in on a machine: a zip whose entries are named by the sha256 of what they hold."""

import hashlib
import os
from typing import Iterable

from workbench.remote.disk.copying import write_all
from workbench.remote.forms import protocol
from workbench.remote.snapshots.archive import Archive, ArchiveError, Limits
from workbench.remote.snapshots.trees import blob_path

# A blob's ratio is bounded by our writer; how many there may be is bounded by the manifest's own limit.
BLOB_LIMITS = Limits(500000, 1 << 40, 200, 1, 64 << 20)


def store_blobs(root: str, zip_path: str) -> int:
    """Keeps, below root, the entries of a zip that are named by their sha256; how many there were.

    Each is written beside the zip first: what a killed process leaves is found where its zip is. Raises
    ArchiveError at the first that does not fit; those before it are kept, being what they claim to be.
    Raises OSError for a full disk.
    """
    stored = 0
    with Archive(zip_path, BLOB_LIMITS) as archive:
        for item in archive.items:
            if item.kind != "file" or not protocol.SHA256.fullmatch(item.path):
                raise ArchiveError("entry %.200r is not named by a sha256" % item.path)
        for item in archive.items:
            place = blob_path(root, item.path)
            os.makedirs(os.path.dirname(place), 0o700, exist_ok=True)
            if not write_blob(archive.chunks(item), item.path, zip_path + ".blob", place):
                raise ArchiveError("the contents sent as %s are something else" % item.path)
            stored += 1
    return stored


def write_blob(
    chunks: Iterable[bytes], sha256: str, partial: str, place: str, durable: float = float("inf")
) -> bool:
    """Writes contents to partial and renames it to place; False, and nothing is kept, for another hash.

    durable: bytes from which on they survive a power cut. Raises OSError, and what chunks raises.
    """
    digest = hashlib.sha256()
    size = 0
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        try:
            for chunk in chunks:
                digest.update(chunk)
                size += write_all(handle, chunk)
            if size >= durable:
                os.fsync(handle)
        finally:
            os.close(handle)
        if digest.hexdigest() != sha256:
            os.unlink(partial)
            return False
        os.rename(partial, place)
    except BaseException:
        os.unlink(partial)
        raise
    return True
