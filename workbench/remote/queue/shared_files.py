"""Small files in the lease folder, which several users may share: whole or not at all, readable by the group.

In a folder with the sticky bit only its owner removes a file; what others left there stays until they look.
"""

import os
import stat
from typing import Any, Dict

from workbench.remote.forms import protocol
from workbench.remote.runs.runfolder import remove_quietly, write_whole


def write_shared(path, entry, sync=True):
    # type: (str, Dict[str, Any], bool) -> None
    """Replace a file by an object: never seen half, never by a group that cannot read it. Raises OSError."""
    shared = os.stat(os.path.dirname(path)).st_mode & stat.S_IWGRP
    write_whole(path, protocol.dumps(entry), sync, 0o660 if shared else 0o600)


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
