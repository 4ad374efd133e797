"""Small files in the lease folder, which several users may share: whole or not at all, readable by the group.

In a folder with the sticky bit only its owner removes a file; what others left there stays until they look.
"""

import binascii
import os
import stat
from typing import Any, Dict

from workbench.remote import protocol
from workbench.remote.runfolder import remove_quietly, write_all


def write_shared(path, entry, sync=True):
    # type: (str, Dict[str, Any], bool) -> None
    """Replace a file by an object: never seen half, never by a group that cannot read it. Raises OSError."""
    partial = "%s.%s.partial" % (path, binascii.hexlify(os.urandom(6)).decode("ascii"))
    shared = os.stat(os.path.dirname(path)).st_mode & stat.S_IWGRP
    try:
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            if shared:
                os.fchmod(handle, 0o660)  # before the rename: who finds it by its name can read it
            write_all(handle, protocol.dumps(entry))
            if sync:
                os.fsync(handle)
        finally:
            os.close(handle)
        os.rename(partial, path)
    except BaseException:
        remove_quietly(partial)
        raise


def remove_if_allowed(path):
    # type: (str) -> bool
    """Remove what a dead process left; False when it was not there, or only its owner may."""
    try:
        return remove_quietly(path)
    except PermissionError:
        return False


def owned(path):
    # type: (str) -> bool
    """Whether a file is there and ours."""
    try:
        return os.lstat(path).st_uid == os.getuid()
    except OSError:
        return False
