"""Taking file contents in on a machine: a zip whose entries are named by the sha256 of what they hold."""

import hashlib
import os
from typing import Any

from workbench.remote import protocol
from workbench.remote.archive import Archive, ArchiveError, Limits
from workbench.remote.copying import write_all
from workbench.remote.trees import blob_path

# A blob's ratio is bounded by our writer; how many there may be is bounded by the manifest's own limit.
BLOB_LIMITS = Limits(500000, 1 << 40, 200, 1, 64 << 20)


def store_blobs(machine: Any, zip_path: str) -> int:
    """Keeps every entry of a zip whose names are the sha256 of their contents; returns how many there were.

    Each is verified while it is written, beside the zip, and renamed into place: what a killed process
    leaves is found where its zip is. Raises ArchiveError at the first that does not fit; those before it
    are kept, being what they claim to be. Raises OSError for a full disk.
    """
    stored = 0
    with Archive(zip_path, BLOB_LIMITS) as archive:
        for item in archive.items:
            if item.kind != "file" or not protocol.SHA256.fullmatch(item.path):
                raise ArchiveError("entry %.200r is not named by a sha256" % item.path)
        for item in archive.items:
            place = blob_path(machine.root, item.path)
            os.makedirs(os.path.dirname(place), 0o700, exist_ok=True)
            _store(archive, item, zip_path + ".blob", place)
            stored += 1
    return stored


def _store(archive: Archive, item: Any, partial: str, place: str) -> None:
    digest = hashlib.sha256()
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        try:
            for chunk in archive.chunks(item):
                digest.update(chunk)
                write_all(handle, chunk)
        finally:
            os.close(handle)
        if digest.hexdigest() != item.path:
            raise ArchiveError("the contents sent as %s are something else" % item.path)
        os.rename(partial, place)
    except BaseException:
        os.unlink(partial)
        raise
